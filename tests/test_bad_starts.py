"""Bad starts: each gets working lessons, or one clear sentence.

A damaged MNIST, no MNIST and no network are in test_data.py; a path with blanks and other letters
in test_browser.py, which starts JupyterLab there.
"""

import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections import namedtuple
from importlib.metadata import version

import pytest
from test_package import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from lessons import read, source  # noqa: E402

pytestmark = pytest.mark.slow

Version = namedtuple("Version", "major minor micro releaselevel serial")


def make(*arguments, **environment):
    """Run make with settings of its own; return its exit code and what it said."""
    foreign = ("MAKE", "MFLAGS", "JUPYTER")
    outer = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=ROOT, env=outer | environment,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def own_lines(said):
    """Return what was said, without make's line on the failed target."""
    return [line for line in said.splitlines() if not line.startswith("make")]


# ---- the environment ---------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["3.9.2", "3.10.14", "3.14.0"])
def test_another_python(tmp_path, version):
    other = tmp_path / "other python"  # this one, which says that it is another
    named = f"import sys; sys.version_info = ({version.replace('.', ', ')}); "
    other.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo Python {version} && exit\n'
        f'[ "$1" = -c ] && exec "{sys.executable}" -c "{named}$2"\nexit 1\n'
    )
    other.chmod(0o755)
    code, said = make("setup", f"PYTHON={other}", f"VENV={tmp_path / 'venv'}")
    (line,) = own_lines(said)
    assert code and "needs Python 3.11, 3.12 or 3.13" in line and f"is Python {version}" in line
    assert not (tmp_path / "venv").exists()


def test_half_an_environment_is_removed(tmp_path):
    """As on a Debian without python3-venv: half of one would stop the next start, too."""
    half = tmp_path / "python"
    half.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && exec "{sys.executable}" "$@"\n'
        'mkdir -p "$3/bin"; touch "$3/bin/python"; exit 1\n'
    )
    half.chmod(0o755)
    code, said = make("setup", f"PYTHON={half}", f"VENV={tmp_path / 'venv'}")
    assert code and "install python3-venv" in own_lines(said)[-1]
    assert not (tmp_path / "venv").exists()


def test_no_python_at_all(tmp_path):
    code, said = make("setup", "PYTHON=", f"VENV={tmp_path / 'venv'}")
    (line,) = own_lines(said)
    assert code and "none was found" in line


def test_a_folder_that_cannot_be_written_to():
    code, said = make("setup", f"PYTHON={sys.executable}", "VENV=/proc/none")
    assert code and "cannot be written to, copy it" in own_lines(said)[-1]


def test_no_network_at_the_first_start(tmp_path):
    """With no index to ask, as without a network: it fails, says why, and can be started again."""
    venv = tmp_path / "venv"
    code, said = make("setup", f"PYTHON={sys.executable}", f"VENV={venv}", PIP_NO_INDEX="1")
    assert code and "needs a network" in own_lines(said)[-1]
    assert not (venv / ".lab").exists()


def test_pip_refuses_other_pythons():
    """Whoever installs without make is told by pip."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert wanted["project"]["requires-python"] == ">=3.11,<3.14"


# ---- the first cell of the first lesson --------------------------------------------------------


@pytest.fixture
def first_cell(capsys, monkeypatch):
    cells = read(ROOT / "notebooks" / "00_start_here.ipynb")["cells"]
    code = next(source(cell) for cell in cells if cell["cell_type"] == "code")

    def run(*folders):
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, [*folders, ROOT])))
        exec(compile(code, "<first cell>", "exec"), {})
        return capsys.readouterr().out

    return run


def test_a_good_start(first_cell):
    assert first_cell() == "This machine is ready.\n"


@pytest.mark.parametrize("version", [(3, 9, 2), (3, 14, 0)])
def test_another_python_in_the_kernel(first_cell, monkeypatch, tmp_path, version):
    package(tmp_path, "tensorflow", "raise ImportError('no wheel for this Python')")
    monkeypatch.setattr(sys, "version_info", Version(*version, "final", 0))
    said = first_cell(tmp_path)
    assert said.startswith(f"This is Python 3.{version[1]}: install 3.11, 3.12 or 3.13")
    assert said.count("\n") == 1


# what `import tensorflow` does, and the reason that a student is to be told
FAILURES = {
    "not installed": (
        "raise ModuleNotFoundError(\"No module named 'tensorflow'\")",
        "ModuleNotFoundError: No module named 'tensorflow'",
    ),
    "half installed": (  # the files are there; TensorFlow's message has many lines
        "raise ImportError('ImportError: libx.so: cannot open\\n\\nSee the site.')",
        "ImportError: libx.so: cannot open",
    ),
    "another processor": (  # as TensorFlow's C++ dies: a reason, a stack trace, an abort
        "import os; os.write(2, b'F0000 needs AVX\\n*** Trace: ***\\n  @ 0x7f\\n'); os.abort()",
        "F0000 needs AVX",
    ),
    "without a word": ("import os; os.abort()", "died with"),
}


def package(folder, name, code):
    """Write a package that Python finds first if the folder leads its path."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(code, encoding="utf-8")


@pytest.mark.parametrize("kind", FAILURES)
def test_a_kernel_that_cannot_import(first_cell, tmp_path, kind):
    code, reason = FAILURES[kind]
    package(tmp_path, "tensorflow", code)
    said, cure = first_cell(tmp_path).splitlines()
    assert said.startswith("optlab cannot be imported: ") and reason in said
    assert cure == "Close JupyterLab and run make lab, or optlab check."


def test_a_read_only_folder(first_cell, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "copy it to keep your work" in first_cell()


# ---- the package -------------------------------------------------------------------------------


def python(code, *folders, command=(sys.executable, "-c"), **environment):
    foreign = ("TF_CPP_MIN_LOG_LEVEL", "JUPYTER")
    outer = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    path = os.pathsep.join(map(str, [*folders, ROOT]))
    return subprocess.run(
        [*command, code], capture_output=True, text=True, cwd="/",
        env=outer | {"PYTHONPATH": path, "TQDM_DISABLE": "1"} | environment,
    )  # fmt: skip


TRAIN = """
import keras
sgd = keras.optimizers.SGD
blobs = ol.load_blobs()
model = ol.blobs_mlp()
model.compile(sgd(), "sparse_categorical_crossentropy")
model.fit(blobs.x_train, blobs.y_train, epochs=1, verbose=0)
for engine in ("ensemble", "keras"):
    ol.sweep(ol.blobs_mlp, blobs, optimizer=sgd, epochs=1, seeds=2, engine=engine)
print("trained")
"""


# TensorFlow before 2.20 tells of its compiler there, and ends where it cannot.
speaks = pytest.mark.skipif(
    tuple(map(int, version("tensorflow").split(".")[:2])) < (2, 20),
    reason="this TensorFlow writes to stderr by itself",
)


@speaks
def test_the_import_leaves_the_runtime_to_be_set_and_nothing_is_red():
    done = python(
        """
import optlab as ol
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.set_visible_devices([], "GPU")
"""
        + TRAIN
    )
    assert (done.stdout, done.stderr) == ("trained\n", "")


@pytest.mark.parametrize("kind", ["half installed", "another processor"])
def test_a_failing_import_shows_its_reason(tmp_path, kind):
    code, reason = FAILURES[kind]
    package(tmp_path, "tensorflow", code)
    done = python("import optlab", tmp_path)
    assert done.returncode and reason in done.stderr


def test_what_was_said_before_the_import_failed_is_shown(tmp_path):
    package(tmp_path, "tensorflow", "import os; os.write(2, b'a hint\\n'); raise OSError('why')")
    first, *_, last = python("import optlab", tmp_path).stderr.splitlines()
    assert (first, last) == ("a hint", "OSError: why")


@pytest.mark.parametrize("executable", [None, shutil.which("false")])
def test_no_other_process_to_keep_the_lines(executable):
    done = python(f"import sys; sys.executable = {executable!r}; import optlab; print('there')")
    assert (done.returncode, done.stdout) == (0, "there\n")


@speaks
@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes descriptors")
@pytest.mark.parametrize("closed", ["before", "since", "in name only"])
def test_a_closed_stderr(closed):
    shell = ("sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable)
    command = shell if closed == "before" else (sys.executable, "-c")
    first = {
        "before": "import sys; assert sys.stderr is None",
        "since": "import os; os.close(2)",
        "in name only": "import sys; sys.stderr = None",
    }
    then = TRAIN if closed == "before" else "print('trained')"
    done = python(f"{first[closed]}\nimport optlab as ol\n{then}", command=command)
    assert done.stdout == "trained\n"


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="needs a folder nobody can write to")
def test_nothing_can_be_written_anywhere():
    """A lesson's work goes on where neither the home nor the folder may be written to."""
    done = python(
        """
import os
os.chdir("/proc")
import optlab as ol, keras
digits = ol.load_mnist(train=50, val=10, stand_in="digits")
sgd = lambda: keras.optimizers.SGD(0.1)
runs = ol.sweep(ol.mnist_mlp, digits, optimizer=sgd, epochs=1, seeds=2)
print(len(ol.plot_learning_curves(runs)._repr_mimebundle_()[0]["image/png"]) > 1000)
""",
        HOME="/proc/none", KERAS_HOME="/proc/none", OPTLAB_DATA="", MPLCONFIGDIR="",
    )  # fmt: skip
    assert done.stdout.strip().endswith("True"), done.stderr


def test_another_backend_of_keras():
    done = python("import optlab", KERAS_BACKEND="jax")
    assert done.returncode and done.stderr.strip().splitlines()[-1] == (
        "ImportError: KERAS_BACKEND is 'jax', and optlab trains with TensorFlow: "
        "unset KERAS_BACKEND, restart the kernel and try again."
    )


# ---- a shared installation ---------------------------------------------------------------------


@pytest.fixture
def home_with_a_kernel(tmp_path):
    """A home in which another Python's kernel is called python3, as the lessons' is."""
    spec = tmp_path / "data" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(
        '{"argv": ["/another/python"], "display_name": "Python 3", "language": "python"}'
    )
    return {"JUPYTER_DATA_DIR": str(tmp_path / "data")}


# As an installation that belongs to root looks to a user: Jupyter would look at home first.
FIND_KERNEL = """
import jupyter_core.paths, sys
jupyter_core.paths._do_i_own = lambda path: False
sys.path[:0] = [{folder!r}]
import {module}
from jupyter_client.kernelspec import KernelSpecManager
print(KernelSpecManager().get_kernel_spec("python3").argv[0])
"""


@pytest.mark.parametrize("module", ["tools/lessons", "tests/conftest"])
def test_another_kernel_in_the_home_does_not_win(module, home_with_a_kernel):
    folder, name = module.split("/")
    code = FIND_KERNEL.format(folder=str(ROOT / folder), module=name)
    done = python(code, **home_with_a_kernel)
    assert done.stdout and done.stdout != "/another/python\n", done.stderr


def test_every_tool_that_starts_kernels_prefers_its_own():
    starts = re.compile(r"NotebookClient|--nbval")
    texts = {p.name: p.read_text(encoding="utf-8") for p in (ROOT / "tools").glob("*.py")}
    found = [name for name, text in texts.items() if starts.search(text)]
    assert len(found) >= 4
    for name in found:
        assert "\nfrom lessons import" in texts[name], name


def test_make_lab_prefers_its_own_kernel(tmp_path, home_with_a_kernel):
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    (tmp_path / "jupyterlab").mkdir()  # a JupyterLab that says which kernel it would start
    (tmp_path / "jupyterlab" / "__init__.py").touch()
    find = textwrap.indent(FIND_KERNEL.format(folder=str(tmp_path), module="os"), " " * 8)
    (tmp_path / "jupyterlab" / "labapp.py").write_text(
        f"class LabApp:\n    def launch_instance(options):\n{find}"
    )
    script, command = tmp_path / "start.py", venv / "bin" / "optlab"
    script.write_text(
        f"import sys\nsys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n"
        f"import optlab_start\noptlab_start.main(['--to', {str(tmp_path / 'copies')!r}])"
    )
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}"\n')  # paths with blanks
    command.chmod(0o755)
    (venv / ".lab").touch()
    exit_code, said = make("lab", f"VENV={venv}", **home_with_a_kernel)
    assert exit_code == 0, said
    assert "/another/python" not in said and own_lines(said)[-1].endswith("python")


# ---- without make: Windows, conda --------------------------------------------------------------


def test_conda_installs_what_make_does():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert "python=3.11" in text and "-c constraints.txt" in text and "-e ." in text


def test_files_open_alike_on_every_system():
    """Text is read and written as UTF-8 by name: Windows would take another encoding."""
    calls = re.compile(r"(?:read_text|write_text)\((?![^()]*encoding)|(?<!\.)\bopen\(")
    for path in (ROOT / "optlab").glob("*.py"):
        assert not calls.search(path.read_text(encoding="utf-8")), path.name


def test_no_file_name_that_windows_refuses():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    for name in names.stdout.split("\0"):
        assert not set(name) & set('<>:"|?*\\') and len(name) < 120, name
