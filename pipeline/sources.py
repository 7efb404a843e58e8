"""The files of the project on which a script depends.

Snakemake reruns a rule when its script changes, but not when a module that the script imports does. So every rule has as a
param the digest of the script and of all the project's modules that it imports, directly or indirectly (except
`begin_job`, on which no result depends).
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from labelmaps.errors import InputError
from labelmaps.storage.files import moved_into_place

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("labelmaps", "pipeline")
BLOCKS = (
    "body",
    "orelse",
    "finalbody",
    "handlers",
    "cases",
)  # attributes of a statement that hold other statements
KNOWN: dict[str, list[str]] = {}  # SHA-256 of a file → the dotted names that it imports


def sources(script: str, *modules: str) -> list[Path]:
    """List the files of a script in workflow/scripts, of the modules it imports, and of further `modules` (dotted names).

    Name in `modules` those that a script imports by a name from the configuration: a view family, a method.
    """
    found: set[Path] = set()
    waiting = [ROOT / "workflow" / "scripts" / script]
    waiting += [path for module in modules for path in module_files(module)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imported_files(path)
    return sorted(found, key=str)


def shown(path: Path) -> str:
    """Shorten a path of the project: relative to the working directory if it is below that."""
    return str(path).removeprefix(f"{Path.cwd()}/")


@cache
def imported_files(path: Path) -> list[Path]:
    """List the files of the project that a file imports, at its top or inside functions, without imports for types alone."""
    return [file for name in imported_names(path) for file in module_files(name)]


def imported_names(path: Path) -> list[str]:
    """List the dotted names that a file imports; names imported from a package are included, as they may be modules of it.

    The leading dots of relative imports are removed.
    """
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest not in KNOWN:
        names: list[str] = []
        # From bytes, Python itself finds the encoding, by a byte-order mark or a comment.
        for node in statements(ast.parse(content, path)):
            if isinstance(node, ast.Import):
                names += [name.name for name in node.names]
            elif isinstance(node, ast.ImportFrom):
                module = f"{node.module}." if node.module else ""
                names += [module.rstrip(".")] * bool(module) + [f"{module}{name.name}" for name in node.names]
        KNOWN[digest] = names
    return KNOWN[digest]


def remember(record: Path) -> None:
    """Keep the imports of the project's files in a file, so that a run parses only files whose content is new.

    A record that is damaged or cannot be written only makes the next run slower.
    """
    recorded = {}
    with suppress(OSError, ValueError):
        recorded = json.loads(record.read_text(encoding="utf-8"))
    if isinstance(recorded, dict):
        KNOWN.update(recorded)
    scripts = (ROOT / "workflow" / "scripts").glob("*.py")
    for path in (
        *scripts,
        *(file for name, file in project_files().items() if name.startswith("labelmaps/")),
    ):
        imported_names(path)
    if recorded != KNOWN:
        with suppress(InputError, OSError), moved_into_place(record) as temporary:
            temporary.write_text(json.dumps(KNOWN), encoding="utf-8")


def local_files(path: Path, top: Path | None = None) -> list[Path]:
    """List a Python file of the user's, and the files beside and below it that it imports, directly or indirectly.

    top: the folder that contains its package, if it is a module of a package: absolute imports of that package are found
        from there, and the packages around the module, which Python runs before it, are included.

    Raises `OSError` for a file that cannot be read, and `SyntaxError`, with its name, for one that is not Python.
    """
    found: set[Path] = set()
    waiting = [path]
    if top is not None:
        waiting += files_below(top, ".".join(path.parent.relative_to(top).parts))
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            try:
                names = imported_names(file)
            except SyntaxError as error:
                error.filename = error.filename or str(file)
                raise
            for folder in file.parents:  # relative imports may begin at any of them
                if folder.is_relative_to(top or path.parent):
                    waiting += [other for name in names for other in files_below(folder, name)]
    return sorted(found)


def find_module(name: str) -> str | tuple[Path, Path] | None:
    """Find a module of the user's: its package and version as text, or its file and the folder that contains its package.

    The file is returned if no version identifies its content: it lies in a folder on the path, or in a package that was
    copied there or is installed in place. Returns None if there is no such module, or none in a file. Packages that contain
    the module are imported, but not the module itself.
    """
    try:
        spec = importlib.util.find_spec(name)
    except Exception:  # whatever a package around it raises
        return None
    if spec is None or spec.origin is None or not spec.has_location:
        return None
    file = Path(spec.origin)
    top = file.parents[name.count(".") + (file.name == "__init__.py")]
    installed = [Path(path) for path in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}]
    names = importlib.metadata.packages_distributions().get(name.partition(".")[0], [])
    if not names or not any(file.is_relative_to(folder) for folder in installed):
        # A folder on the path, a package that is installed in place, or one that was copied there.
        return file, top
    return " ".join(f"{package} {importlib.metadata.version(package)}" for package in sorted({*names}))


def files_below(folder: Path, module: str) -> list[Path]:
    """List the files that importing a dotted name from a folder runs; none if the folder does not contain it."""
    files = []
    names = module.split(".")
    for n in range(1, len(names) + 1):
        stem = folder.joinpath(*names[:n])
        files += [file for file in (stem / "__init__.py", stem.with_suffix(".py")) if file.is_file()]
    return files


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements below a node, except those below `if TYPE_CHECKING`, which are never run."""
    is_for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    for name in ("orelse",) if is_for_types else BLOCKS:
        for child in getattr(node, name, ()):
            yield child
            yield from statements(child)


@cache
def module_files(module: str) -> list[Path]:
    """List the files that importing a dotted name runs: the module and the packages around it; none if it is foreign."""
    names = module.split(".")
    if names[0] not in PACKAGES:
        return []
    stems = ["/".join(names[:n]) for n in range(1, len(names) + 1)]
    files = [project_files().get(f"{stem}{end}") for stem in stems for end in ("/__init__.py", ".py")]
    return [file for file in files if file is not None]


@cache
def project_files() -> dict[str, Path]:
    """Return the modules of the packages, by their paths from `ROOT`; listed once, because each is used often."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    start = len(f"{ROOT}/")
    return {str(file)[start:]: file for file in files}
