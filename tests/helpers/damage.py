"""What can happen to a file, for tests of its readers; each function spoils the file at a path."""

import h5py


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 0b100
    path.write_bytes(content)


def remove(path):
    path.unlink()


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def empty(path):
    path.write_bytes(b"")


def flip_in_the_middle(path):
    flip(path, path.stat().st_size // 2)


def flip_the_structure(path):
    flip(path, 60)  # in the header of an HDF5 file's root group


def flip_data(path, *names):
    """One bit of the first chunk of these data sets of an HDF5 file, or of all that are not virtual."""
    with h5py.File(path) as file:
        chosen = [file[name] for name in names or file]
        places = [data.id.get_chunk_info(0).byte_offset for data in chosen if not data.is_virtual]
    for place in places:
        flip(path, place + 3)


def flip_an_image_id(path):
    flip_data(path, "image")


def flip_an_attribute(path):
    with h5py.File(path) as file:
        text = file.attrs["integrity"]
    flip(path, path.read_bytes().find(text) + 10)


def change_an_attribute_through_hdf5(path):
    with h5py.File(path, "r+") as file:
        file.attrs[next(key for key in file.attrs if key != "integrity")] = 8


def change_an_image_id_through_hdf5(path):
    with h5py.File(path, "r+") as file:
        file["image"][0] = b"?"


def forget_the_integrity(path):
    with h5py.File(path, "r+") as file:
        del file.attrs["integrity"]


AT_ONCE = [  # what the reader of an HDF5 file notices before it reads any number
    remove,
    truncate,
    empty,
    flip_the_structure,
    flip_an_image_id,
    flip_an_attribute,
    change_an_attribute_through_hdf5,
    change_an_image_id_through_hdf5,
    forget_the_integrity,
]
