"""Networks of many architectures, prepared as in the rules, return the logits of their library's own forward pass.

With random weights, and batch-norm statistics of one pass over the pictures. All of them with `--thorough`; otherwise tiny
ones, which timm has for tests. Pictures of ImageNet where LABELMAPS_TEST_DATA names some, smooth ones elsewhere.
"""

import copy
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from helpers.study import run_network, soft_pictures, write_data_set
from labelmaps.data.images import read_image
from labelmaps.inference.glimpse import Glimpse
from labelmaps.inference.inputs import views_to_compare
from labelmaps.methods import gradcam
from labelmaps.networks.build import build
from labelmaps.networks.classifier import Classifier
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.tap import NoMapError
from labelmaps.networks.verification import check_logits, compute_known_logits, copy_with_folded_norms
from labelmaps.networks.weights import random_weights, save_weights
from labelmaps.views.zoom import View
from workflow.scripts.compute_glimpse_saliency import compute_glimpse_saliency
from workflow.scripts.compute_label_maps import compute_label_maps

CPU = torch.device("cpu")
N_LABELS = 10
DATA = os.environ.get("LABELMAPS_TEST_DATA")
TINY = """
timm:test_resnet timm:test_byobnet timm:test_efficientnet timm:test_efficientnet_gn timm:test_efficientnet_ln
timm:test_nfnet timm:test_convnext timm:test_mambaout timm:test_vit timm:test_vit2 timm:test_vit4
timm:vit_tiny_patch16_224@64
"""
LARGER = """
resnet18 resnext50_32x4d regnet_y_400mf densenet121 mobilenet_v2 mobilenet_v3_small efficientnet_b0 mnasnet0_5
shufflenet_v2_x0_5 squeezenet1_1 googlenet inception_v3 vgg11_bn alexnet convnext_tiny swin_t swin_v2_t
vit_b_16 maxvit_t timm:resnet10t timm:resnext26ts timm:regnetx_002 timm:efficientnet_b0
timm:tf_efficientnet_lite0 timm:tf_efficientnetv2_b0 timm:mobilenetv2_050 timm:mobilenetv3_small_050
timm:mobilenetv4_conv_small_035 timm:lcnet_050 timm:tinynet_e timm:ghostnet_100 timm:mobileone_s0
timm:repvgg_a0 timm:repvit_m0_9 timm:starnet_s1 timm:hgnetv2_b0 timm:rexnet_100 timm:convnext_atto
timm:convnextv2_atto timm:inception_next_atto timm:mambaout_femto timm:poolformer_s12 timm:fastvit_t8
timm:eca_nfnet_l0 timm:nf_regnet_b1 timm:maxvit_rmlp_pico_rw_256 timm:coatnet_pico_rw_224 timm:mobilevit_xxs
timm:mobilevitv2_050 timm:edgenext_xx_small timm:efficientformer_l1 timm:efficientvit_b0 timm:levit_128s
timm:vit_wee_patch16_reg1_gap_256 timm:deit_tiny_patch16_224 timm:deit_tiny_distilled_patch16_224
timm:vit_small_patch14_dinov2@224 timm:vit_small_patch14_reg4_dinov2@224 timm:beit_base_patch16_224
timm:eva02_tiny_patch14_336 timm:swin_tiny_patch4_window7_224 timm:swinv2_tiny_window8_256 timm:pvt_v2_b0
timm:xcit_nano_12_p16_224 timm:cait_xxs24_224 timm:volo_d1_224 timm:coat_tiny timm:convit_tiny
timm:visformer_tiny timm:tnt_s_patch16_224 timm:crossvit_tiny_240 timm:mixer_s32_224 timm:resmlp_12_224
"""
# Two grids of tokens, and a class token of each; tokens of pixels beside those of patches, in all blocks.
WITHOUT_MAP = {"timm:crossvit_tiny_240", "timm:tnt_s_patch16_224"}
CHANGED_IN_PLACE = {"densenet121"}  # the map, by a ReLU behind it: the package reads it afterwards
END_TO_END = """
timm:test_vit timm:test_resnet timm:test_convnext timm:test_efficientnet timm:test_byobnet timm:test_mambaout
timm:test_nfnet resnet18 googlenet mobilenet_v3_small squeezenet1_1 swin_t timm:tf_efficientnet_lite0
timm:levit_128s timm:deit_tiny_distilled_patch16_224 timm:mixer_s32_224 timm:swin_tiny_patch4_window7_224
"""


def pictures():
    if DATA is None:
        return soft_pictures((80, 60), (60, 90))
    return [*map(read_image, sorted(Path(DATA, "imagenet_val").iterdir())[:2])]


def prepared(name):
    """Build a network; return its name, the network, and its logits for the x₀ of the pictures."""
    architecture, _, size = name.partition("@")
    config = NetworkConfig(architecture=architecture, source="a test", size=int(size) if size else None)
    preprocessing = config.preprocessing()
    x0 = views_to_compare(pictures(), View(), preprocessing)
    network = build(architecture, N_LABELS, preprocessing.size)
    network.load_state_dict(random_weights(architecture, N_LABELS, 0, preprocessing.size, x0))
    return network.eval(), compute_known_logits(network.eval(), x0, architecture)


def agrees(name):
    """Compare a network after each modification with the original, and our Grad-CAM with the package's."""
    network, known = prepared(name)
    with torch.no_grad():
        torch.testing.assert_close(network(known.inputs), known.logits, rtol=0, atol=1e-3)
    ready = copy_with_folded_norms(network, known, name)
    for precision in ("float32", "bfloat16"):
        classifier = Classifier(copy.deepcopy(ready), CPU, precision)
        check_logits(classifier.logits(known.inputs), known, name, precision)
    if name in WITHOUT_MAP:
        with pytest.raises(NoMapError):
            SplitClassifier(copy.deepcopy(ready), CPU, known, name=name)
        return
    split = SplitClassifier(copy.deepcopy(ready), CPU, known, name=name)
    activations, prefix = split.map_and_prefix(known.inputs)
    label = known.logits.argmax(dim=1)
    ours = gradcam.saliency(Glimpse(activations, split, prefix), label)
    theirs = package_gradcam(network.requires_grad_(True), split, known.inputs, label)
    assert ours.shape == theirs.shape == (len(label), split.layout.side, split.layout.side)
    if name not in CHANGED_IN_PLACE:
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3 * theirs.abs().max().item())


def package_gradcam(network, split, views, label):
    """Compute Grad-CAM with the grad-cam package on the original network, at the module's own resolution."""
    side, n_prefix = split.layout.side, split.layout.n_prefix
    reshape = {
        "channels first": None,
        "channels last": lambda output: output.permute(0, 3, 1, 2),
        "tokens": lambda output: output[:, n_prefix:].transpose(1, 2).reshape(len(output), -1, side, side),
    }[split.layout.kind]
    block = network.get_submodule(split.block_name)
    with GradCAM(network, [block], reshape_transform=reshape) as package:
        package(views, [*map(ClassifierOutputTarget, label.tolist())])
        seen = package.activations_and_grads
        arrays = seen.activations[0].numpy(), seen.gradients[0].numpy()
        return torch.from_numpy(package.get_cam_image(None, None, None, *arrays, False)).clamp(min=0)


@pytest.mark.parametrize("name", TINY.split())
def test_tiny_networks_agree_with_themselves_and_grad_cam_with_its_package(name):
    agrees(name)


@pytest.mark.sample(0)
@pytest.mark.parametrize("name", LARGER.split())
def test_networks_of_all_kinds_agree_with_themselves_and_grad_cam_with_its_package(name):
    agrees(name)


@pytest.mark.sample(0)
@pytest.mark.parametrize("name", END_TO_END.split())
def test_label_maps_and_grad_cam_of_networks_of_all_kinds(tmp_path, name):
    images = soft_pictures((80, 60), (60, 90))
    write_data_set(tmp_path, images, N_LABELS)
    preprocessing = NetworkConfig(architecture=name, source="checkpoint").preprocessing()
    x0 = views_to_compare(images, View(grid=3), preprocessing)
    network = build(name, N_LABELS, preprocessing.size)
    network.load_state_dict(random_weights(name, N_LABELS, 0, preprocessing.size, x0))
    save_weights(network.state_dict(), tmp_path / "weights.pth")
    config = {"network_config": {"architecture": name, "source": "checkpoint"}}
    path, saliency = tmp_path / "1of1.h5", tmp_path / "gradcam.h5"
    run_network(compute_label_maps, tmp_path, label_maps=path, part=1, parts=1, engine_name="exact", **config)
    expected = compute_known_logits(network.eval(), x0, name).logits[: len(images)].log_softmax(dim=1)
    with h5py.File(path) as file:
        np.testing.assert_allclose(file["log_probability"][:, 1, 1], expected, rtol=0, atol=0.02)
        assert file["log_probability"].shape == (len(images), 3, 3, N_LABELS)
    run_network(compute_glimpse_saliency, tmp_path, saliency=saliency, method="gradcam", options={}, **config)
    assert saliency.exists()
