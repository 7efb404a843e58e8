"""What can happen to a file, for tests of its readers; each function spoils the file at a path."""

import h5py
import numpy as np


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


def rebuild(path, name, create):
    """Put another object in place of a data set, through HDF5: `create(file, values)` makes it."""
    with h5py.File(path, "r+") as file:
        values = file[name][...]
        del file[name]
        create(file, values)


def elsewhere(path, name):
    """The path of a copy of the file, which holds the data set that a link leads to."""
    copy = path.with_name(f"elsewhere {name}.h5")
    copy.write_bytes(path.read_bytes())
    return copy


def put_an_external_link(path, name):
    copy = elsewhere(path, name)
    rebuild(path, name, lambda file, _: file.__setitem__(name, h5py.ExternalLink(copy, name)))


def put_a_soft_link(path, name):
    def create(file, values):
        file.create_dataset("hidden", data=values, chunks=values.shape, fletcher32=True)
        file[name] = h5py.SoftLink("/hidden")

    rebuild(path, name, create)


def put_a_virtual_data_set(path, name):
    copy = elsewhere(path, name)

    def create(file, values):
        layout = h5py.VirtualLayout(values.shape, values.dtype)
        layout[...] = h5py.VirtualSource(copy, name, values.shape)
        file.create_virtual_dataset(name, layout)

    rebuild(path, name, create)


def put_external_data(path, name):
    def create(file, values):
        raw = path.with_name("raw")
        raw.write_bytes(values.tobytes())
        file.create_dataset(name, values.shape, values.dtype, external=[(raw, 0, values.nbytes)])

    rebuild(path, name, create)


def put_a_group(path, name):
    rebuild(path, name, lambda file, _: file.create_group(name))


def put_with(path, name, **options):
    rebuild(path, name, lambda file, values: file.create_dataset(name, data=values, **options))


def put_in_one_piece(path, name):
    put_with(path, name)


def put_without_checksums(path, name):
    put_with(path, name, chunks=True)


def put_compressed(path, name):
    put_with(path, name, compression="gzip", fletcher32=True)


def put_into_other_chunks(path, name):
    def create(file, values):
        chunks = (*values.shape[:-1], 1) if values.ndim > 1 else (max(len(values) // 2, 1),)
        file.create_dataset(name, data=values, chunks=chunks, fletcher32=values.ndim > 1)

    rebuild(path, name, create)


def put_of_another_shape(path, name):
    def create(file, values):
        values = np.concatenate([values, values])
        file.create_dataset(name, data=values, chunks=values.shape, fletcher32=True)

    rebuild(path, name, create)


def leave_out_a_chunk(path, name):
    def create(file, values):
        shape = (max(len(values) // 2, 1), *values.shape[1:])
        data = file.create_dataset(name, values.shape, values.dtype, chunks=shape, fletcher32=True)
        data[len(values) // 2 :] = values[len(values) // 2 :]

    rebuild(path, name, create)


def skip_the_checksum_of_a_chunk(path, name):
    def create(file, values):
        data = file.create_dataset(name, values.shape, values.dtype, chunks=values.shape, fletcher32=True)
        data.id.write_direct_chunk((0,) * values.ndim, values.tobytes(), filter_mask=1)

    rebuild(path, name, create)


STRUCTURE = [  # what the reader of an HDF5 file notices in any data set before it reads a number
    put_an_external_link,
    put_a_soft_link,
    put_a_virtual_data_set,
    put_external_data,
    put_a_group,
    put_in_one_piece,
    put_without_checksums,
    put_compressed,
    put_into_other_chunks,
    put_of_another_shape,
    leave_out_a_chunk,
    skip_the_checksum_of_a_chunk,
]
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
