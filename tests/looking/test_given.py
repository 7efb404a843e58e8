"""What callers of `labelmaps.look` give is read as it is meant, or refused with what to give instead."""

import re
import warnings

import numpy as np
import pytest
import timm
import torch
from PIL import Image, ImageOps
from torch import nn
from torchvision import models

import labelmaps
from helpers.study import noise, soft_pictures
from labelmaps.data.classes import read_classes
from labelmaps.data.images import read_image
from labelmaps.errors import InputError
from labelmaps.looking.given_labels import find_label, imagenet_classes, read_given_classes
from labelmaps.looking.given_methods import GivenMethod, read_methods
from labelmaps.looking.given_network import read_network, read_preprocessing
from labelmaps.networks.preprocessing import CentralCrop, Preprocessing
from pipeline.sources import ROOT

(IMAGE,) = soft_pictures((20, 14))
SIZE = 16
EXPECTED = {"size": SIZE, "mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}
IMAGENET = read_classes(ROOT / "resources/imagenet_classes.txt")
N_LABELS = 5


class Network(nn.Module):
    """A small network of ten thousand operations; its map of x₀ has 8 × 8 cells."""

    def __init__(self, n_labels=N_LABELS, channels=3):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.conv, self.norm = nn.Conv2d(channels, 8, 3, 2, 1), nn.BatchNorm2d(8)
            self.linear = nn.Linear(8, n_labels)

    def forward(self, views):
        return self.linear(torch.relu(self.norm(self.conv(views))).mean((2, 3)))


class Flat(nn.Module):
    """A network without a map."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.linear = nn.Linear(3 * SIZE**2, N_LABELS)

    def forward(self, views):
        return self.linear(views.flatten(1))


def look(image=IMAGE, network=None, **options):
    usual = {"view": {"family": "zoom", "grid": 3}, "methods": [], "preprocessing": EXPECTED, "device": "cpu"}
    return labelmaps.look(image, network or Network(), **usual | options)


def refuses(message, *arguments, **options):
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        look(*arguments, **options)
    assert "\n" not in str(caught.value)


def stack(*channels):
    return np.stack(channels, axis=-1)


GREY = IMAGE[..., 0]
PIXELS = [  # what is given, and as which pixels it is read
    (GREY, stack(GREY, GREY, GREY)),
    (GREY[..., None], stack(GREY, GREY, GREY)),
    (np.dstack([IMAGE, GREY]), IMAGE),
    (np.asfortranarray(IMAGE), IMAGE),
    (IMAGE[::-1, :, ::-1], IMAGE[::-1, :, ::-1]),
    (Image.fromarray(GREY), stack(GREY, GREY, GREY)),
    (Image.fromarray(np.dstack([IMAGE, GREY])), IMAGE),
    (Image.fromarray(GREY.astype(np.uint16) * 256 + 7), stack(GREY, GREY, GREY)),
    (Image.fromarray(IMAGE).convert("CMYK"), np.array(Image.fromarray(IMAGE).convert("CMYK").convert("RGB"))),
]


@pytest.mark.parametrize(("given", "pixels"), PIXELS)
def test_images_are_read_as_a_run_reads_files(given, pixels):
    assert np.array_equal(look(given).pixels, pixels)


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30, 1), (2, 3)])
def test_tiny_images_are_looked_at(size):
    seen = look(noise(size)[0], methods="all", label=2)
    assert all(np.isfinite(saliency).all() for saliency in seen.maps.values())
    assert seen.views.shape == (3, 3, SIZE, SIZE, 3)


def test_what_a_caller_does_with_the_image_afterwards_changes_nothing():
    given = IMAGE.copy()
    seen = look(given)
    given[:] = 0
    assert np.array_equal(seen.pixels, IMAGE)


def test_a_picture_that_is_given_is_left_as_it_is():
    picture = Image.fromarray(GREY)
    picture.info["transparency"] = 3
    look(picture)
    assert picture.info["transparency"] == 3


@pytest.mark.parametrize("kind", ["path", "text", "picture"])
def test_an_exif_rotation_is_not_applied_and_a_warning_says_so(tmp_path, kind):
    path, exif = tmp_path / "photo.png", Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(IMAGE).save(path, exif=exif)
    with Image.open(path) as picture:
        upright = ImageOps.exif_transpose(picture)
        with pytest.warns(UserWarning, match="^photo: EXIF says that it is to be shown turned") as caught:
            seen = look({"path": path, "text": str(path), "picture": picture}[kind])
    assert caught[0].filename == __file__  # where it was called
    assert seen.name == "photo"
    assert np.array_equal(seen.pixels, read_image(path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(look(upright).pixels, np.rot90(IMAGE, -1))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.moveaxis(IMAGE, -1, 0), "has its channels first. Give np.moveaxis(image, 0, -1)"),
        (IMAGE[None], "give several images as a list, list(images)"),
        (IMAGE[..., :2], "an array of shape (14, 20, 2). Give (y, x, RGB)"),
        (IMAGE[0, 0], "an array of shape (3,). Give (y, x, RGB)"),
        (IMAGE[:0], "20 x 0 pixels"),
        (np.zeros((1, 70_000, 3), np.uint8), "70000 x 1 pixels. Give an image with sides of 1 to 65535"),
        (
            IMAGE / 255,
            "an array of float64, and pixels are uint8, 0 to 255. Where 1 is white, give (255 * image)",
        ),
        (IMAGE.astype(np.float32), "Where 255 is white, give image.round().astype(np.uint8)"),
        ((IMAGE / 255 - 0.5) / 0.2, "give the image as it was before it was normalised"),
        (np.where(IMAGE > 200, np.nan, IMAGE), "not finite: give the image as it was before"),
        (
            IMAGE.astype(np.uint16) * 256,
            "an array of uint16, and pixels are uint8, 0 to 255. Give it with 8 bits",
        ),
        (IMAGE.astype(np.int64), "Where 255 is white"),
        (IMAGE > 100, "Give 255 * image.astype(np.uint8)"),
        (IMAGE.astype(object), "an array of object"),
        (
            torch.from_numpy(IMAGE),
            "a tensor; of one (RGB, y, x) uint8 give image.permute(1, 2, 0).cpu().numpy()",
        ),
        (b"\xff\xd8\xff", "a file's content; open it: PIL.Image.open(file)"),
        (iter([IMAGE]), "an iterator, which can be read once; give several images as a list"),
        ({"a": IMAGE}, "of the type dict; give several images as a list"),
        (None, "of the type NoneType. Give a path, a PIL image, or an array"),
        ([], "an empty list"),
        ([IMAGE, 5], "image 2 of 2: of the type int"),
        ("no.png", "no.png: no such file"),
        ("/", "/ is a folder"),
        (__file__, "empty, damaged, or none of JPEG"),
        ("https://somewhere.org/a.jpg", "https://somewhere.org/a.jpg is an address. Download the image"),
        (Image.fromarray(GREY).convert("F"), "32-bit grey values have no known range"),
    ],
)
def test_what_is_no_image_is_refused_with_what_to_give(given, message):
    refuses(message, given)


def test_an_animation_and_a_closed_picture_are_refused(tmp_path):
    first = Image.fromarray(IMAGE)
    first.save(tmp_path / "a.gif", save_all=True, append_images=[Image.fromarray(255 - IMAGE)])
    with Image.open(tmp_path / "a.gif") as picture:
        refuses("it holds several pictures (an animation, or pages)", picture)
    first.close()
    refuses("cannot be read: Operation on closed image", first)


def test_several_images_give_a_list_with_a_label_for_each():
    paths = [IMAGE, Image.fromarray(IMAGE), GREY]
    looks = look(paths, label=[1, None, 3], methods="all")
    assert [seen.label for seen in looks] == [1, None, 3]
    assert [seen.name for seen in looks] == ["image 1", "image 2", "image 3"]
    assert np.array_equal(looks[0].label_map, looks[1].label_map)
    assert "gradcam" in looks[0].maps
    assert "gradcam" not in looks[1].maps
    assert looks[1].skipped["gradcam"] == "it is told the label, and none is given"
    alone = look(GREY, label=3, methods="all")
    for name, saliency in looks[2].maps.items():
        np.testing.assert_allclose(saliency, alone.maps[name], rtol=1e-4, atol=1e-6)
    assert [seen.label for seen in look(paths, label=2)] == [2, 2, 2]
    assert [seen.label for seen in look(tuple(paths), label=np.array([0, 1, 2]))] == [0, 1, 2]


def test_imagenets_classes_are_those_of_the_repository():
    assert imagenet_classes() == IMAGENET


@pytest.mark.parametrize(
    ("label", "found"),
    [
        *((281, 281), (np.int64(281), 281), (torch.tensor(281), 281), ("281", 281), (" n02123045 ", 281)),
        *(("tabby", 281), ("Tabby Cat", 281), ("tabby, tabby cat", 281), ("maillot, tank suit", 639)),
        *(("n02012849", 134), ("crane (n03126707)", 517), (0, 0), (999, 999)),
    ],
)
def test_a_label_is_an_index_an_id_or_a_name(label, found):
    assert find_label(label, IMAGENET, 1000) == found


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (
            "crane",
            "2 classes bear the name 'crane': 134, n02012849, crane; 517, n03126707, crane. Give an id or a number",
        ),
        (
            "maillot",
            "2 classes bear the name 'maillot': 638, n03710637, maillot; 639, n03710721, maillot, tank suit",
        ),
        (
            "cardigan",
            "2 classes bear the name 'cardigan': 264, n02113186, Cardigan, Cardigan Welsh corgi; 474",
        ),
        ("taby cat", "no class bears the id or the name 'taby cat'. Near: 281, n02123045, tabby, tabby cat"),
        ("cat", "Near: 281, n02123045, tabby, tabby cat; 282, n02123159, tiger cat; 283"),
        ("n09999999", "no class bears the id or the name 'n09999999'"),
        ("", "no class bears the id or the name ''"),
        *(
            (label, f"label: {label!r}. Give a number from 0 to 999")
            for label in (-1, 1000, 2.0, True, [1], b"1")
        ),
        ("1000", "label: 1000. Give a number from 0 to 999"),
    ],
)
def test_a_label_that_is_none_or_several_is_refused_with_what_is_near(label, message):
    with pytest.raises(InputError, match=re.escape(message)):
        find_label(label, IMAGENET, 1000)


def test_of_classes_that_nobody_names_a_label_is_a_number():
    assert look(label="3").class_names[3] == "label 3"
    refuses("nothing says which classes the network's 5 labels are. Give classes=", label="cat")
    refuses("nothing says which classes the network's 5 labels are", label="n02123045")
    seen = look(network=Network(1000), label="n02123045")  # an id of ImageNet, for its number of labels
    assert seen.class_names[seen.label] == "tabby"
    refuses("nothing says which classes the network's 1000 labels are", network=Network(1000), label="tabby")
    assert look(network=Network(1000), label="tabby", classes="imagenet").label == 281


@pytest.mark.parametrize(
    "classes",
    [
        list("abcde"),
        tuple("abcde"),
        dict(enumerate("abcde")),
        {f"n{name}": name for name in "abcde"},
        [("0", "a"), ("1", "b"), ("2", "c"), ("3", "d"), ("4", "e")],
    ],
)
def test_classes_are_names_in_the_order_of_the_labels(classes):
    assert look(label="D", classes=classes).label == 3


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["a"], "classes: ['a']. Give"),
        (list("abcd"), "classes: there are 4, and Network has 5 logits"),
        ("imagenet", "classes: there are 1000, and Network has 5 logits"),
        (6, "classes: there are 6, and Network has 5 logits"),
        (True, "classes: True. Give"),
        ({1: "a", 2: "b"}, "its keys are no labels from 0 on"),
        ([1, 2], "classes: 1, of label 0, is neither a name nor an (id, name)"),
        ("no.txt", "no such file: no.txt"),
    ],
)
def test_classes_that_cannot_be_are_refused(classes, message):
    refuses(message, classes=classes)


def test_scenes_are_known_by_name():
    assert [item.name for item in read_given_classes("scenes")][10] == "mug"


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Network(channels=1), "network: Network takes views of one channel"),
        (Network(1), "network: Network has one logit"),
        (Network, "network: of the type type: call it, and give what it returns"),
        (Network().state_dict(), "network: of the type OrderedDict, a state dict: load it into its module"),
        (3, "network: of the type int. Give a torch.nn.Module; the name of a classifier"),
        ((Network(), 3), "network: a tuple, and not what load_network returns"),
        (Network().to("meta"), "network: Network cannot be copied (Cannot copy out of meta tensor"),
        (nn.Sequential(Network(), nn.Softmax(1)), "ends in a softmax: its outputs are probabilities"),
        (
            nn.Sequential(Network(), nn.Unflatten(1, (5, 1))),
            "returns a Tensor of shape [1, 5, 1] instead of a tensor of logits",
        ),
        (
            "net.pth",
            "net.pth is a file of weights. Give the architecture as network, and the file as checkpoint",
        ),
        ("resnet19", "network: torchvision has no classifier 'resnet19'. Near: resnet18"),
        ("timm:resnet19", "network: timm has no classifier 'resnet19'. Near: resnet"),
        ("mine.py:build", "checkpoint: the weights of mine.py:build are not known"),
        ("a b:c d", "'c d' is not the name of a function"),
    ],
)
def test_what_is_no_network_is_refused_with_what_to_give(network, message):
    refuses(message, network=network)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_scripted_module_is_refused():
    refuses("network: a ScriptModule", network=torch.jit.script(Network()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": "V1"}, "weights: go with a network that is given by its name"),
        ({"checkpoint": "a.pth"}, "checkpoint: goes with a network that is given by its name"),
        ({"weights": "V1", "checkpoint": "a.pth"}, "weights and checkpoint: give one of the two"),
        (
            {"network": "resnet18", "weights": "V9"},
            "weights: torchvision has no weights 'V9' for resnet18. Choose one of V1",
        ),
        ({"network": "timm:resnet18.a1_in1k", "weights": "a2_in1k"}, "the network's name says a1_in1k"),
        ({"network": "timm:resnet18", "weights": "a9"}, "weights: timm has no weights resnet18.a9"),
        ({"network": "small_resnet", "checkpoint": "no.pth"}, "no.pth"),
        ({"preprocessing": None}, "preprocessing: Network does not say what it expects of its input. Give"),
        ({"preprocessing": "cifar"}, "preprocessing: 'cifar'. Give"),
        ({"preprocessing": {"size": 16}}, "preprocessing: lacks mean, std"),
        ({"preprocessing": EXPECTED | {"crop": 1}}, "preprocessing: crop: unknown"),
        (
            {"preprocessing": EXPECTED | {"mean": (124, 117, 104)}},
            "mean is (124, 117, 104). Give three numbers",
        ),
        ({"preprocessing": EXPECTED | {"std": (0, 0, 0)}}, "std is (0, 0, 0). Give three numbers"),
        ({"preprocessing": EXPECTED | {"std": 0.5}}, "std is 0.5. Give three numbers"),
        ({"size": 0}, "size: 0. Give the side"),
        ({"size": "16"}, "size: '16'. Give the side"),
        ({"size": (16, 20)}, "size: (16, 20). Give the side"),
        ({"network": Flat(), "size": 20}, "size: Flat cannot process views of 20 × 20 pixels"),
        ({"device": "gpu"}, "device: 'gpu'. Give cpu, cuda, auto"),
        ({"device": "cuda:1"}, "device: 'cuda:1'. Give cpu, cuda, auto"),
        ({"precision": "fp16"}, "precision: 'fp16'. Give float32"),
        ({"threads": 0}, "threads: 0. Give a number from 1 on"),
        ({"label": [1]}, "label: a list, and there is one image"),
        ({"image": [IMAGE, IMAGE], "label": [1]}, "label: 1 labels, and there are 2 images"),
        ({"view": "standard_crop"}, "no module 'standard_crop' in labelmaps.views: choose one of crop"),
        ({"view": {"grid": 3}}, "view: {'grid': 3}. Give a family (crop, "),
        ({"view": 7}, "view: 7. Give a family"),
        ({"view": {"family": "zoom", "grid": 4}}, "view: zoom: grid: 4 is not an odd positive number"),
        ({"view": {"family": "zoom", "grid": "3"}}, "view: zoom: grid is '3'. Make it a whole number"),
        (
            {"view": {"family": "zoom", "flor": 0.2}},
            "view: zoom has no option 'flor'; its options are grid, floor",
        ),
        (
            {"view": {"family": "shift", "share": "network", "base": "crop"}},
            "share: left to the network, and Network",
        ),
        ({"methods": ["cam"]}, "no module 'cam' in labelmaps.methods: choose one of center"),
        (
            {"methods": ["likelihood"]},
            "methods: likelihood: it is told the label, and none is given. Leave it out",
        ),
        ({"methods": {"dff": {"components": 9}}}, "methods: dff: components is 9. Make it 1 or 2"),
        (
            {"methods": {"a": {"method": "igub", "arrival": "far"}}},
            "arrival is 'far'. Make it nearest or index",
        ),
        ({"methods": {"igub": None}}, "methods: igub: None. Give its options by name"),
        ({"methods": [7]}, "methods: 7 is no name of a method"),
        ({"methods": 7}, 'methods: 7. Give "all"'),
        (
            {"methods": ["dff"], "network": Flat()},
            "methods: dff: Flat has no map from which alone its logits follow",
        ),
        ({"methods": ["dff"], "view": "ten_crop"}, "methods: dff: a map of x₀ cannot be read on this view"),
        ({"methods": ["dff"], "layer": "none"}, "layer: Network has no module `none` that runs once"),
    ],
)
def test_arguments_that_cannot_be_or_do_not_go_together_are_refused(arguments, message):
    refuses(message, **arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    refuses("device: torch sees no CUDA device here. Give cpu, or auto", device="cuda")


@pytest.mark.parametrize("kind", ["in training", "half", "parallel", "transformers"])
def test_a_module_is_looked_through_as_it_is_evaluated_and_left_as_it_is(kind):
    expected = look(network=Network().half().float() if kind == "half" else Network().eval()).label_map
    network = Network().train()
    if kind == "half":
        network = network.half()
    elif kind == "parallel":
        network = nn.DataParallel(network)
    elif kind == "transformers":

        class Output(Network):
            def forward(self, views):
                return type("Output", (), {"logits": super().forward(views)})()

        network = Output()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert np.array_equal(look(network=network).label_map, expected)
    assert network.training
    after = network.state_dict()
    assert all(
        torch.equal(after[name], value) and after[name].dtype == value.dtype for name, value in before.items()
    )
    assert not any(module._forward_hooks for module in network.modules())
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_timms_modules_say_what_they_expect():
    network = timm.create_model("resnet10t", num_classes=1000)
    read = read_network(network)
    assert (read.name, read.preprocessing.size, read.classes) == ("resnet10t", 176, IMAGENET)
    assert read.crop == CentralCrop(0.875, "bicubic")
    tuned = timm.create_model("vit_tiny_patch16_224", num_classes=7)
    read = read_network(tuned, size=32)
    assert read.preprocessing == Preprocessing(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert read.classes is None  # no longer ImageNet's


def test_for_torchvisions_modules_the_usual_values_are_taken_with_a_warning():
    network = models.squeezenet1_1(num_classes=5)
    usual = r"SqueezeNet: torchvision's modules do not state .* 64 pixels, the mean \(0.485, 0.456, 0.406\)"
    with pytest.warns(UserWarning, match=usual) as caught:
        read = read_network(network, size=64)
    assert len(caught) == 1
    assert read.preprocessing == Preprocessing(64)
    assert read.classes is None
    assert read_network(network, size=64, preprocessing="imagenet").preprocessing == read.preprocessing


def test_preprocessing_is_read_in_each_of_its_forms():
    weights = models.EfficientNet_V2_L_Weights.DEFAULT  # of another mean than most, and another size
    expected = Preprocessing(480, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    for given in (weights, weights.transforms()):
        assert read_preprocessing(given) == (expected, CentralCrop(1.0, "bicubic"))
    stated = timm.data.resolve_data_config({}, model=timm.create_model("resnet10t"))
    assert read_preprocessing(stated)[0].size == 176
    assert read_preprocessing("imagenet") == (Preprocessing(), None)
    arrays = {"size": np.int64(480), "mean": np.full(3, 0.5), "std": torch.full((3,), 0.5)}
    assert read_preprocessing(arrays) == (expected, None)


def test_what_a_view_leaves_to_the_network_is_what_its_weights_state():
    view = {"family": "shift", "base": "crop", "grid": 1, "share": "network", "interpolation": "network"}
    seen = look(view=view, preprocessing=models.EfficientNet_V2_L_Weights.DEFAULT, size=SIZE).view
    assert (seen.share, seen.interpolation) == (1.0, "bicubic")


def test_methods_are_read_as_in_a_configuration():
    given = {"mean": {"method": "igub", "prior": "mean"}, "dff": {"arrival": "index", "components": 2}}
    assert read_methods(given) == {
        "mean": GivenMethod("igub", {"prior": "mean"}),
        "dff": GivenMethod("dff", {"components": 2}, "index"),
    }
    assert [method.variant for method in read_methods(given).values()] == [
        "igub prior=mean",
        "dff arrival=index components=2",
    ]
    assert read_methods("igub") == read_methods(["igub"]) == {"igub": GivenMethod("igub")}


def test_all_methods_leave_out_what_cannot_be_computed_and_say_why():
    seen = look(network=Flat(), methods="all", label=1)
    assert set(seen.maps) == {
        "center",
        "consensus",
        "igub",
        "likelihood",
        "max_logit",
        "max_softmax",
        "min_entropy",
    }
    assert "has no map from which alone its logits follow" in seen.skipped["gradcam"]
    seen = look(view="ten_crop", methods="all")
    assert "cannot be read on this view" in seen.skipped["dff"]
    assert "told the label" in seen.skipped["gradcam"]


def test_the_last_map_may_be_named():
    named, found = look(methods=["dff"], layer="norm"), look(methods=["dff"])
    assert named.maps["dff"].shape == found.maps["dff"].shape == (8, 8)
