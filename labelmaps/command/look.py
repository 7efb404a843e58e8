"""`labelmaps look`: one photo, or some, through a network."""

import os
import sys
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from cyclopts import Parameter

from labelmaps.command.options import read_methods, read_view
from labelmaps.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from labelmaps.looking.result import Look

FORMATS = ("pdf", "png", "svg")
TOP = 3  # classes that are named of a view
PACKAGE = Path(__file__).parents[1]
# What messages of the package say → what is typed.
SAID = {
    "compute.device is cuda": "--device cuda",
    "set `compute: {device: cpu}`": "leave --device out",
    'classes="imagenet"': "--classes imagenet",
    "give it as `checkpoint:`": "give it with --checkpoint",
    "as network, and the file as checkpoint": "as --network, and the file as --checkpoint",
}


def look(
    photos: Annotated[list[Path], Parameter(name="PHOTO", negative=(), help="an image, or several")],
    /,
    *,
    network: Annotated[
        str,
        Parameter(
            name=["--network", "-n"],
            help="a classifier of torchvision (`resnet50`) or of timm (`timm:resnet50`); `small_resnet`, which knows the "
            "synthetic scenes; a function of yours that builds one, `path/to/file.py:build`",
        ),
    ],
    label: Annotated[
        str | None,
        Parameter(
            name=["--label", "-l"],
            help='what the photo shows: a class by its name (`"tabby cat"`), id (`n02123045`) or index (`281`). Without it, '
            "the methods that are told the label are left out",
        ),
    ] = None,
    output: Annotated[
        str | None,
        Parameter(
            name=["--output", "-o"],
            help="draw the figure to this file: pdf, png or svg. Of several photos: to this folder, each by its photo's "
            "name. Without it, the table alone is printed",
        ),
    ] = None,
    format: Annotated[Literal["pdf", "png", "svg"], Parameter(help="of figures in a folder")] = "pdf",
    force: Annotated[
        bool, Parameter(name=["--force", "-f"], negative=(), help="replace figures that are there")
    ] = False,
    view: Annotated[
        str, Parameter(help="the view family, with options: `zoom`, `zoom:grid=5,floor=0.2`, `shift`, `crop`")
    ] = "zoom",
    methods: Annotated[
        str,
        Parameter(
            help="`all`, or the methods, with options, one after the other: `likelihood,igub,dff:components=3`"
        ),
    ] = "all",
    weights: Annotated[
        str | None,
        Parameter(
            help="torchvision's (`V1`) or timm's (`a1_in1k`); without it, the library's default. Downloaded once"
        ),
    ] = None,
    checkpoint: Annotated[Path | None, Parameter(help="instead: a file of yours with a state dict")] = None,
    classes: Annotated[
        str | None,
        Parameter(
            help="a file with a line `id name` for each logit, `imagenet` or `scenes`; without it, those of the library's "
            "weights"
        ),
    ] = None,
    size: Annotated[
        int | None, Parameter(help="side of the network's input in pixels, instead of the usual")
    ] = None,
    mean: Annotated[
        tuple[float, float, float] | None,
        Parameter(help="what the network was trained with, of RGB in [0, 1]; goes with `--std` and `--size`"),
    ] = None,
    std: Annotated[tuple[float, float, float] | None, Parameter(help="the same")] = None,
    layer: Annotated[
        str | None,
        Parameter(help="the module that gives the map of Grad-CAM, DFF and the like, where it is not found"),
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], Parameter(help="what computes")] = "auto",
    precision: Annotated[
        Literal["float32", "bfloat16", "float16", "auto"], Parameter(help="of the network")
    ] = "float32",
) -> None:
    """See a photo from 49 fixation points through a network: where each method looks, and what the network sees there.

    A table is printed, with a row for x₀, the view from the centre, and one for each method: the row and column of the
    view, from 0, the fixation x, y in pixels of the photo, and the three most probable classes there, with a mark where the
    first is the label. The figure is the paper's Figure 1 of this photo.
    """
    figures = figure_files(photos, output, format, force)
    chosen_view = read_view(view)
    chosen_methods = "all" if methods == "all" else read_methods(methods)
    preprocessing = None
    if mean is not None or std is not None:
        if mean is None or std is None or size is None:
            raise InputError(
                "--mean, --std and --size go together; give all three, as the network was trained"
            )
        preprocessing = {"size": size, "mean": mean, "std": std}
    from labelmaps.looking.look import look as look_at  # imports torch

    with telling_warnings(), in_words_of_the_command():
        found = look_at(
            photos,
            network,
            label=label,
            view=chosen_view,
            methods=chosen_methods,
            weights=weights,
            checkpoint=checkpoint,
            classes=classes,
            preprocessing=preprocessing,
            size=size,
            layer=layer,
            device=device,
            precision=precision,
        )
    looks = found if isinstance(found, list) else [found]
    for n, (seen, photo, figure) in enumerate(zip(looks, photos, figures, strict=True)):
        print("\n" * bool(n) + describe(seen, photo))
        if figure is not None:
            draw(seen, figure)
            print(f"figure: {figure}")


@contextmanager
def telling_warnings() -> Generator[None]:
    """Say, in a line each, the warnings that are meant for the caller of the block; those of libraries are not."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        if warning.category is UserWarning and Path(warning.filename).is_relative_to(PACKAGE):
            print(f"note: {warning.message}", file=sys.stderr)


@contextmanager
def in_words_of_the_command() -> Generator[None]:
    """Name options of the command line in an `InputError` of the block, which names arguments or keys."""
    try:
        yield
    except InputError as error:
        message = str(error)
        for words, others in SAID.items():
            message = message.replace(words, others)
        raise InputError(message) from error


def draw(seen: "Look", figure: Path) -> None:
    """Draw a figure to a file; raise `InputError` where the system does not let it."""
    try:
        seen.plot(figure)
    except OSError as error:
        raise InputError(
            f"{figure}: cannot be written ({error.strerror or error}); name another file"
        ) from error


def figure_files(
    photos: Sequence[Path], output: str | None, suffix: str, is_forced: bool
) -> list[Path | None]:
    """Say to which file each photo's figure is drawn.

    output: a file, or, of several photos, a folder; None where nothing is drawn. suffix: of files in a folder.

    Raises `InputError` for a photo that is not there, and for a file of another format, that is there already (unless
    `is_forced`), that two photos would have, or that cannot be written.
    """
    for photo in photos:
        if not photo.is_file():
            what = (
                "is no file" if photo.exists() else f"no such file (relative paths start from {Path.cwd()})"
            )
            raise InputError(f"{photo}: {what}; name an image")
    if output is None:
        return [None] * len(photos)
    place = Path(output)
    is_folder = output.endswith("/") or place.is_dir() or (len(photos) > 1 and not place.suffix)
    if len(photos) > 1 and not is_folder:
        raise InputError(f"{output}: one file for {len(photos)} photos; name a folder, figures/ say")
    files = [place / f"{photo.stem}.{suffix}" for photo in photos] if is_folder else [place]
    for photo, file in zip(photos, files, strict=True):
        if file.suffix.lower().removeprefix(".") not in FORMATS:
            raise InputError(f"{file}: a figure is drawn as {', '.join(FORMATS)}; let its name end so")
        if files.count(file) > 1:
            raise InputError(f"{file}: several photos are named {photo.stem}; draw them one by one")
        if file.exists() and not is_forced:
            raise InputError(f"{file}: is there already; name another file, or add --force to replace it")
        if file.resolve() == photo.resolve():
            raise InputError(f"{file}: is the photo itself; name another file")
        folder = next(folder for folder in file.absolute().parents if folder.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise InputError(f"{file}: {folder} cannot be written to; name a file in a folder of yours")
    return [*files]


def describe(seen: "Look", photo: Path) -> str:
    """Write what was seen of a photo: a head, and a row for each method: its fixation, and the top classes there."""
    from labelmaps.views import name_view

    height, width = seen.pixels.shape[:2]
    shown = "no label: uncued methods" if seen.label is None else f"label {seen.class_names[seen.label]}"
    head = f"{photo} ({width} × {height}) through {seen.network}, view {name_view(seen.view)}, {shown}"
    grid = seen.label_map.shape[0]
    rows = [("", "row", "column", "x", "y", "", "what the network sees there")]
    before = Fixed("x₀, before", grid // 2, grid // 2, *seen.centre[grid // 2, grid // 2])
    fixed = [
        Fixed(name, at.row, at.column, at.x, at.y)
        for name, at in seen.fixations.items()
        if seen.methods[name].facts.cue != "baseline"  # which looks at x₀
    ]
    for at in (before, *fixed):
        top = top_classes(seen.label_map[at.row, at.column], seen.class_names)
        is_right = seen.label is not None and seen.label_map[at.row, at.column].argmax() == seen.label
        place = (f"{at.row}", f"{at.column}", f"{at.x:.0f}", f"{at.y:.0f}")
        rows.append((at.name, *place, "✓" if is_right else "", top))
    reasons = {
        why: [name for name, other in seen.skipped.items() if other == why] for why in seen.skipped.values()
    }
    skipped = [f"left out: {', '.join(names)}: {why}" for why, names in reasons.items()]
    return "\n".join([head, "", *aligned(rows), *([""] if skipped else []), *skipped])


class Fixed(NamedTuple):
    """Where an eye rests: the name of what selected it, row and column of the view from 0, x and y in pixels."""

    name: str
    row: int
    column: int
    x: float
    y: float


def top_classes(logits: "np.ndarray", names: Sequence[str]) -> str:
    """Write the most probable classes of a view with their probabilities; logits: (label,)."""
    import numpy as np

    shifted = np.exp(logits.astype(float) - logits.max())
    probability = shifted / shifted.sum()
    top = np.argsort(-probability, kind="stable")[:TOP]
    return ", ".join(f"{names[label]} ({100 * probability[label]:.0f} %)" for label in top)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align the columns of a table: the first and the last to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *middle, last in rows:
        cells = [cell.rjust(width) for cell, width in zip(middle, widths[1:-1], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells, last]).rstrip())
    return lines
