"""Data of the explorer's page made by hand: small, and of what a test wants it to have or to lack."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from labelmaps.scoring.pointing import SIZE_BINS

GRID = 3
WIDTH, HEIGHT = 60, 30
CLASSES = ["tench", "hammer", "sea lion"]
DFF_CELLS = [[15, 7.5], [45, 7.5], [15, 22.5], [45, 22.5]]  # x, y of 2 × 2 cells, none of which leads to x₀
DFF_VIEWS = [0, 2, 6, 8]


def page_data(
    n: int = 4,
    *,
    models: Sequence[str] = ("first", "second"),
    views: Sequence[str] = ("zoom", "wide"),
    methods: Sequence[str] = ("center", "likelihood", "dff"),
    scanpaths: Sequence[str] = ("igub", "outward"),
    has_boxes: bool = True,
    n_classes: int = len(CLASSES),
    of: int = 9,
) -> dict:
    """Make the data of a page of n of the data set's images. Networks and methods answer differently on each image."""
    images = [make_image(i, models, views, methods, scanpaths, has_boxes, n_classes) for i in range(n)]
    summary = {"accuracy_before": "50.0 [40.0, 60.0]", "accuracy_after": "75.0 [60.0, 80.0]", "n_images": of}
    summary |= {"gain": "25.0 [-5.0, 40.0]", "pointing": "60.0 [50.0, 70.0]" if has_boxes else "–"}
    summary["n_pointing"] = of if has_boxes else 0
    return {
        "dataset": "made up",
        "n_images": of,
        "unit": "image",
        "views": [
            {"name": name, "options": f"family: {name}", "grid": GRID, "exact": True} for name in views
        ],
        "models": [
            {"name": name, "architecture": name, "source": "random", "size": 16, "gray": [120, 115, 100]}
            for name in models
        ],
        "methods": [
            {"id": name, "name": name, "cue": cue, "colour": "#aa3377", "unit": "nats"}
            for name in methods
            for cue in ["baseline" if name == "center" else "cued"]
        ],
        "scanpaths": [{"id": name, "name": name.upper(), "colour": "#3377aa"} for name in scanpaths],
        "summary": [[[summary] * len(methods)] * len(models)] * len(views),
        "images": images,
        "classes": dict(enumerate(CLASSES)),
        "sizes": SIZE_BINS,
        "palette": [f"#{level:02x}{level:02x}80" for level in range(256)],
        "largest_picture": 160_000,
    }


def make_image(
    i: int,
    models: Sequence[str],
    views: Sequence[str],
    methods: Sequence[str],
    scanpaths: Sequence[str],
    has_boxes: bool,
    n_classes: int,
) -> dict:
    """Make the i-th image, which every third time has no box."""
    file = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), (40 * i % 256, 90, 120)).save(file, "JPEG")
    centre = [[x, y] for y in (5, 15, 25) for x in (10, 30, 50)]
    extent = [[x - 10, y - 5, x + 10, y + 5] for x, y in centre]
    sampling = {"antialias": True, "places": "centres", "beyond": "empty", "interpolation": "bilinear"}
    drawing = {"visible_box": [0, 0, WIDTH, HEIGHT], "sampling": sampling, "empty": "black", "disc": False}
    boxes = [[5, 5, 20, 15]] if has_boxes and i % 3 < 2 else []
    label = i % n_classes
    return {
        "id": f"image {i}",
        "image": f"image {i}",
        "kind": "largest gain" if i < 2 else "small object",
        "network": "",
        "label": label,
        "width": WIDTH,
        "height": HEIGHT,
        "boxes": boxes,
        "share": 0.083 if boxes else None,
        "size": 0 if boxes else None,
        "picture": {
            "jpeg": base64.b64encode(file.getvalue()).decode(),
            "quality": 95,
            "width": WIDTH,
            "height": HEIGHT,
        },
        "views": [[{"centre": centre, "extent": extent, "drawing": drawing}] for _ in views],
        "networks": [
            [
                make_answers(i + 5 * a + 3 * b, methods, scanpaths, boxes, label, n_classes)
                for a in range(len(models))
            ]
            for b in range(len(views))
        ],
    }


def make_answers(
    seed: int, methods: Sequence[str], scanpaths: Sequence[str], boxes: list, label: int, n_classes: int
) -> dict:
    """Make what a network and the methods answer."""
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.ones(n_classes), GRID**2).round(4)
    order = np.argsort(-p, axis=1)
    maps = []
    for name in methods:
        view = 4 if name == "center" else int(random.integers(9))
        saliency = (np.arange(9) == view) * 2.0 - random.random(9).round(3) / 2
        described = {"rows": 3, "columns": 3, "saliency": saliency.tolist(), "view": view}
        described |= {"x": 10 + 20 * (view % 3), "y": 5 + 10 * (view // 3)}
        if name == "dff":
            cell = int(random.integers(4))
            (x, y), view = DFF_CELLS[cell], DFF_VIEWS[cell]
            saliency = (np.arange(4) == cell) + random.random(4).round(3) / 2
            described = {"rows": 2, "columns": 2, "saliency": saliency.tolist(), "view": view, "x": x, "y": y}
            described |= {"point": DFF_CELLS, "views": DFF_VIEWS}
        described |= {"tie": False, "dead": False, "own_label": None}
        described |= {"before": bool(random.integers(2)), "after": bool(random.integers(2))}
        described["pointing"] = "hit" if boxes and view == 0 else "miss" if boxes else "skipped"
        maps.append(described)
    return {
        "labels": order.tolist(),
        "p": np.take_along_axis(p, order, axis=1).tolist(),
        "given": p[:, label].tolist(),
        "deviation": 0.5,
        "methods": maps,
        "scanpaths": [{"views": [4, 1, 0], "labels": [0, 0, n_classes - 1]} for _ in scanpaths],
    }
