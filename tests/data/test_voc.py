"""Pascal VOC as it is distributed: a root with annotations, images and lists."""

import shutil

import numpy as np
import pytest
from PIL import Image

from labelmaps.data.classes import Class, write_classes
from labelmaps.data.formats.named_classes import named_classes
from labelmaps.data.formats.voc_files import CLASSES, list_file, listed_images, voc_root
from labelmaps.data.indexing import index_dataset
from labelmaps.errors import InputError

OBJECTS = {  # image → objects: class, box
    "2008_000001": [("horse", (10, 20, 60, 50))],
    "2008_000002": [("dog", (1, 1, 100, 75)), ("dog", (40, 5, 70, 30))],
    "2008_000003": [("cat", (5, 5, 50, 50))],
}
# As the devkit has it: tags that are not read, and a part of an object, which has a box of its own.
XML = """<annotation>
<folder>VOC2012</folder><filename>{name}.jpg</filename><source><database>The VOC2008 Database</database></source>
<size><width>100</width><height>75</height><depth>3</depth></size><segmented>0</segmented>
{objects}</annotation>
"""
OBJECT = """<object><name>{name}</name><pose>Left</pose><truncated>1</truncated><occluded>1</occluded>{flag}
<bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox>
<part><name>head</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part></object>
"""


def write_xml(root, name, objects, flags=None):
    flags = flags or ["<difficult>0</difficult>"] * len(objects)
    text = "".join(
        OBJECT.format(*box, name=kind, flag=flag) for (kind, box), flag in zip(objects, flags, strict=True)
    )
    (root / "Annotations" / f"{name}.xml").write_text(XML.format(name=name, objects=text))


@pytest.fixture
def root(tmp_path):
    """A root with three images, of which the list train has one and val the other two."""
    root = tmp_path / "VOCdevkit" / "VOC2012"
    for folder in (
        "Annotations",
        "JPEGImages",
        "ImageSets/Main",
        "ImageSets/Segmentation",
        "SegmentationClass",
    ):
        (root / folder).mkdir(parents=True)
    for seed, (name, objects) in enumerate(OBJECTS.items()):
        pixels = np.random.default_rng(seed).integers(0, 256, (75, 100, 3), np.uint8)
        Image.fromarray(pixels).save(root / "JPEGImages" / f"{name}.jpg")
        write_xml(root, name, objects)
    lists = root / "ImageSets"
    (lists / "Main" / "train.txt").write_text("2008_000003\n")
    (lists / "Main" / "val.txt").write_text("2008_000001\n2008_000002\n")
    (lists / "Main" / "cat_val.txt").write_text("2008_000001 -1\n2008_000002  0\n")
    (lists / "Segmentation" / "val.txt").write_text("2008_000002\n")
    write_classes(tmp_path / "classes.txt", [Class(name, name) for name in CLASSES])
    return root


def index_of(root, subset="val", **options):
    return index_dataset(root.parent.parent / "classes.txt", voc=root, subset=subset, **options)


def test_the_images_of_a_list_have_labels_and_boxes(root):
    index, excluded = index_of(root)
    assert excluded.empty
    assert list(index["image"]) == ["2008_000001", "2008_000002"]
    assert [CLASSES[label] for label in index["label"]] == ["horse", "dog"]
    assert [boxes.tolist() for boxes in index["boxes"]] == [
        [list(box) for _, box in OBJECTS[name]] for name in index["image"]
    ]
    assert list(index_of(root, "train")[0]["image"]) == ["2008_000003"]
    assert list(index_of(root, "Segmentation/val")[0]["image"]) == ["2008_000002"]


def test_the_root_may_lie_alone_in_the_folder(root):
    assert voc_root(root.parent) == root
    shutil.copytree(root, root.parent / "VOC2007")
    with pytest.raises(
        InputError, match="VOCdevkit: several of them: VOC2007, VOC2012; `voc` names the root"
    ):
        voc_root(root.parent)
    with pytest.raises(
        InputError, match="JPEGImages: no such folder; `voc` names the root that holds Annotations"
    ):
        voc_root(root / "JPEGImages")
    with pytest.raises(InputError, match=r"cannot list the folder .*none: "):
        voc_root(root / "none")


def test_lists_need_no_folder_and_images_any_ending(root):
    (root / "ImageSets" / "mine.txt").write_text("\n2008_000001.jpg \r\nphoto 1\n")
    Image.new("RGB", (100, 75)).save(root / "JPEGImages" / "photo 1.png")
    write_xml(root, "photo 1", [("cat", (5, 5, 50, 50))])
    (root / "Annotations" / "photo 1.xml").write_text(
        (root / "Annotations" / "photo 1.xml").read_text().replace("photo 1.jpg", "photo 1.png")
    )
    index, excluded = index_of(root, "mine")
    assert list(index["image"]) == ["2008_000001", "photo 1"]
    assert excluded.empty


def test_an_unknown_list_is_refused_with_those_that_there_are(root):
    with pytest.raises(
        InputError,
        match=r"VOC2012: no list 'test' in ImageSets; `subset` is one of: Segmentation/val, train, val, cat_val",
    ):
        index_of(root, "test")
    for name in [f"{kind}_{part}" for kind in CLASSES for part in ("train", "val")]:
        (root / "ImageSets/Main" / f"{name}.txt").touch()
    with pytest.raises(InputError, match=r"Segmentation/val, train, val, aeroplane_train, .* and 31 more$"):
        list_file(root, "test")
    shutil.rmtree(root / "ImageSets")
    with pytest.raises(InputError, match="`subset` is one of: none"):
        list_file(root, "val")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "val.txt names no image"),
        ("2008_000001 -1\n", "val.txt, line 1: '2008_000001 -1' is a line of a list of one class"),
        (
            "2008_000001\n2008_000002\n2008_000001\n",
            "val.txt, line 3: 2008_000001 is listed already, at .*line 1",
        ),
        (b"\xff", "cannot read .*val.txt"),
    ],
)
def test_a_list_that_is_none_is_refused_with_its_line(root, text, message):
    (root / "ImageSets/Main/val.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        index_of(root)


def test_two_images_of_one_name_are_refused_where_they_are_listed(root):
    Image.new("RGB", (100, 75)).save(root / "JPEGImages" / "2008_000003.png")
    assert len(listed_images(root, "val")) == 2
    with pytest.raises(
        InputError, match=r"share the id '2008_000003': .*2008_000003\.png and .*2008_000003\.jpg"
    ):
        listed_images(root, "train")


def spoil(root, name):
    """Spoil the image 2008_000001 in one way."""
    xml = root / "Annotations" / "2008_000001.xml"
    if name == "absent image":
        (root / "JPEGImages" / "2008_000001.jpg").unlink()
    elif name == "absent XML":
        xml.unlink()
    elif name == "broken XML":
        xml.write_text("<annotation>\n<object>")
    elif name == "huge XML":
        xml.write_bytes(b" " * 10_000_001)
    elif name == "unknown class":
        write_xml(root, "2008_000001", [("unicorn", (1, 1, 5, 5))])
    elif name == "box outside":
        write_xml(root, "2008_000001", [("cat", (1, 1, 101, 5))])
    elif name == "XML of another":
        write_xml(root, "2008_000001", OBJECTS["2008_000001"])
        xml.write_text(xml.read_text().replace("2008_000001.jpg", "x.jpg"))
    elif name == "folder":
        xml.unlink()
        xml.mkdir()


REASONS = {
    "absent image": "listed and absent: no such image in .*JPEGImages .*val.txt, line 1",
    "absent XML": "no annotation: no 2008_000001.xml in Annotations .*val.txt, line 1",
    "broken XML": r"unreadable XML: no element found: line 2, column 8 \(2008_000001.xml\)",
    "huge XML": "too large an XML file for boxes: .*2008_000001.xml",
    "unknown class": "class not in the classes file: unicorn",
    "box outside": "box outside the image, probably a resized copy: 1 1 101 5 in 100 x 75 pixels",
    "XML of another": "XML file of another image: x.jpg",
    "folder": r"unreadable XML: a folder, not a regular file .*2008_000001.xml",
}


@pytest.mark.parametrize("name", REASONS)
def test_an_image_that_cannot_be_used_is_left_out_with_its_reason(root, name):
    spoil(root, name)
    with pytest.raises(InputError, match=f"1 of 2 images are unusable, .*2008_000001: {REASONS[name]}"):
        index_of(root)
    index, excluded = index_of(root, max_excluded=0.5)
    assert list(index["image"]) == ["2008_000002"]
    assert list(excluded["image"]) == ["2008_000001"]


def flag(is_difficult):
    return f"<difficult>{int(is_difficult)}</difficult>"


def test_a_class_of_which_all_objects_are_difficult_is_none_of_the_images(root, caplog):
    caplog.set_level("INFO")
    objects = [("dog", (1, 1, 9, 9)), ("dog", (5, 5, 20, 20)), ("cat", (2, 2, 9, 9)), ("cow", (3, 3, 9, 9))]
    write_xml(root, "2008_000001", objects, [flag(True), flag(False), flag(True), ""])
    index, excluded = index_of(root)
    assert excluded.empty
    shown = index[index["image"] == "2008_000001"]
    assert [CLASSES[label] for label in shown["label"]] == ["cow", "dog"]
    # Of a class with one object that is not difficult, the difficult ones count, as in TorchRay.
    assert [boxes.tolist() for boxes in shown["boxes"]] == [[[3, 3, 9, 9]], [[1, 1, 9, 9], [5, 5, 20, 20]]]
    assert "cases left out since all their objects are flagged difficult: 1, of images: 1" in caplog.text


@pytest.mark.parametrize("word", ["1", " 1\n", "true", "True"])
def test_an_image_of_difficult_objects_alone_is_without_an_object_and_no_fault(root, word):
    objects = [("dog", (1, 1, 9, 9)), ("cat", (2, 2, 9, 9))]
    write_xml(root, "2008_000001", objects, [f"<difficult>{word}</difficult>"] * 2)
    index, excluded = index_of(root, max_excluded=0.0)
    assert list(index["image"]) == ["2008_000002"]
    assert list(excluded["reason"]) == ["without an object: difficult ones alone"]


@pytest.mark.parametrize("word", ["0", "", "Unspecified", "false"])
def test_an_object_is_difficult_only_where_its_flag_says_so(root, word):
    write_xml(root, "2008_000001", [("dog", (1, 1, 9, 9))], [f"<difficult>{word}</difficult>"])
    assert "2008_000001" in list(index_of(root)[0]["image"])


def test_an_image_without_an_object_is_listed_and_no_fault(root):
    write_xml(root, "2008_000001", [])
    _, excluded = index_of(root, max_excluded=0.0)
    assert list(excluded["reason"]) == ["without an object: its XML has none"]


def test_a_difficult_object_of_an_unknown_class_leaves_its_image_out(root):
    objects = [("unicorn", (1, 1, 9, 9)), ("cat", (2, 2, 9, 9))]
    write_xml(root, "2008_000001", objects, [flag(True), flag(False)])
    _, excluded = index_of(root, max_excluded=0.5)
    assert list(excluded["reason"]) == ["class not in the classes file: unicorn"]


def test_boxes_must_be_plausible_as_in_every_format(root):
    for name in OBJECTS:
        write_xml(root, name, [("cat", (0.1, 0.1, 0.5, 0.5))])
    with pytest.raises(InputError, match="fractions"):
        index_of(root, max_excluded=1.0)


def test_classes_are_vocs_twenty_unless_an_object_is_of_another(root, caplog):
    assert [item.id for item in named_classes({"voc": str(root.parent)})] == list(CLASSES) == sorted(CLASSES)
    write_xml(root, "2008_000003", [("unicorn", (1, 1, 5, 5))])  # though it is not in the list
    (root / "Annotations" / "2008_000001.xml").write_text("<")
    assert named_classes({"voc": str(root)}) == [Class("dog", "dog"), Class("unicorn", "unicorn")]
    assert "1 XML files cannot be read, first ['2008_000001.xml']" in caplog.text
    for path in (root / "Annotations").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="0 XML files in Annotations, and no object in them"):
        named_classes({"voc": str(root)})


def test_a_root_has_its_own_images_and_boxes(root):
    with pytest.raises(InputError, match="a Pascal VOC root has its own images and boxes"):
        index_dataset(root.parent.parent / "classes.txt", images=root, voc=root)
