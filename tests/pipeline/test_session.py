"""What of a user's session does not reach the jobs: the environment, and the locale's encoding."""

import ast
import os
import subprocess
import sys

import pytest

from pipeline import session
from pipeline.settings.base import ConfigurationError
from pipeline.sources import ROOT

HOSTILE = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": "/mine/matplotlibrc",
    "PYTHONWARNINGS": "error",
    "NUMBA_DISABLE_JIT": "1",
    "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1",
    "TORCHDYNAMO_DISABLE": "1",
    "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
    "TQDM_MININTERVAL": "often",
}
USERS = {"PATH": "/bin", "TMPDIR": "/scratch", "CUDA_VISIBLE_DEVICES": "", "NUMBA_CACHE_DIR": "/scratch"}
USERS |= {"HDF5_USE_FILE_LOCKING": "FALSE", "TORCHINDUCTOR_CACHE_DIR": "/scratch", "PYTHONPATH": "/mine"}
TEXT_CALLS = ("open", "read_text", "write_text", "fdopen", "basicConfig", "NamedTemporaryFile")

NOT_TEXT = ("os", "tarfile", "Image", "build_opener(redirects)")


def test_variables_that_would_change_results_or_kill_jobs_are_taken_out_and_the_users_own_stay():
    environment = HOSTILE | USERS
    session.clear(environment)
    assert environment == USERS | {"PYTHONUTF8": "1", "MPLBACKEND": "agg"}


@pytest.mark.parametrize("name", ["naïve/mine.csv", "図"])
def test_a_name_that_the_sessions_encoding_would_misread_is_refused(name):
    session.refuse_misread_paths([name, None], "utf-8")
    session.refuse_misread_paths(["plain/mine.csv", None], "euc_jp")
    with pytest.raises(ConfigurationError, match=r"encoding of this session is euc_jp.*PYTHONUTF8=1"):
        session.refuse_misread_paths(["plain", name], "euc_jp")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--configfile", "a.yaml", "--configfile", "b.yaml"],
        ["--configfile=a.yaml", "-n", "--configfiles", "b.yaml"],
        ["--config", "x=1", "-C", "y=2"],
    ],
)
def test_an_option_of_which_snakemake_would_drop_one_is_refused(arguments):
    with pytest.raises(ConfigurationError, match=r"is given twice.*all values after one"):
        session.refuse_repeated_options(arguments)
    session.refuse_repeated_options(arguments[:2])
    session.refuse_repeated_options(["--configfile", "a.yaml", "b.yaml", "--config", "x=1", "y=2"])


@pytest.mark.parametrize("folder", ["labelmaps", "pipeline", "workflow", "benchmarks"])
def test_text_is_read_and_written_in_a_stated_encoding(folder):
    """Ruff's PLW1514 sees only what it knows to be a file."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and leaves_encoding_open(call):
                found.append(f"{path}:{call.lineno}")
    assert found == []


def leaves_encoding_open(call):
    """Tell whether a call reads or writes text in the encoding of the locale."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    keys = {keyword.arg for keyword in call.keywords}
    owner = ast.unparse(getattr(call.func, "value", call.func))
    if owner == "subprocess" and "text" in keys:
        return True
    if name not in TEXT_CALLS or owner in NOT_TEXT:
        return False
    modes = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and node.value != ""]
    return not keys & {"encoding", "stream", "handlers"} and not any(
        isinstance(mode, str) and mode[-1:] == "b" for mode in modes
    )


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "xx_YY.nonsense"}], ids=str)
def test_the_configuration_is_read_in_a_locale_that_is_not_utf_8(locale):
    """The settings, and the modules on which scripts depend, which have letters that are not ASCII."""
    code = "import sys; assert sys.getfilesystemencoding() != 'utf-8'\n"
    code += "from pipeline.settings import networks\nfrom pipeline.sources import sources\n"
    code += "sources('index_dataset.py', 'labelmaps.views.zoom')"
    environment = os.environ | locale | {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stderr
