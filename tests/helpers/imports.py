"""What files of the project import, for tests of environments and of the wheel."""

import ast
import sys

from pipeline.sources import PACKAGES

DISTRIBUTIONS = {
    "PIL": "pillow",
    "mpl_toolkits": "matplotlib",
    "pytorch_grad_cam": "grad-cam",
    "adjustText": "adjusttext",
}


def libraries(paths):
    """Top-level names of all libraries that files import."""
    names = {name for path in paths for name in imported(path)}
    return names - sys.stdlib_module_names - {*PACKAGES, "begin_job"}


def distributions(names):
    """Names on PyPI of what installs these libraries."""
    return {DISTRIBUTIONS.get(name, name) for name in names}


def imported(path):
    """Top-level names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]
