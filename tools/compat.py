"""Run the unit tests with the lowest versions that pyproject.toml allows and with the newest ones.

Usage: compat.py [lowest] [newest]      (default: both; `make compat`)

The lowest run on the oldest Python of this machine that TensorFlow has packages for, the newest on
its newest. Both environments lie in build/compat and stay there, so that a second time is quicker.
Not run: what needs a browser, Sphinx or nbgrader, and the measurements of memory, which depend on
neither.
"""

import shutil
import subprocess
import sys
import tomllib

from lessons import ROOT

PYTHONS = ("3.11", "3.12", "3.13")
TESTERS = (
    "nbval",
    "py-spy",
    "nbclient",
    "nbformat",
    "pytest",
    "pytest-xdist",
    "psutil",
    "distributed",
)
LEFT_OUT = ("browser", "exercises", "live", "memory", "site")


def requirements(kind):
    """Return what pip is asked for: every lower bound itself, or the newest above it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = project["dependencies"]
    test = project["optional-dependencies"]["test"]
    testers = [need for need in test if need.partition(">=")[0] in TESTERS]
    lowest = [need.replace(">=", "==") for need in needed]
    return (lowest if kind == "lowest" else needed) + testers


def interpreters():
    """Return the Pythons of this machine that optlab runs on, oldest first."""
    named = [found for version in PYTHONS if (found := shutil.which(f"python{version}"))]
    works = [p for p in named if not subprocess.run([p, "-c", ""], capture_output=True).returncode]
    return works or [sys.executable]


def environment(kind):
    """Make the environment of a kind; return its Python."""
    home = ROOT / "build" / "compat" / kind
    python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        base = interpreters()[0 if kind == "lowest" else -1]
        subprocess.run([base, "-m", "venv", home], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
    # a test builds the wheel, without the isolation in which pip would fetch this
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    subprocess.run([*pip, *requirements(kind), *build], check=True)
    subprocess.run([*pip, "--no-deps", "-e", ROOT], check=True)
    return python


def run(kind):
    """Run the unit tests in the environment of a kind; return their exit code."""
    python = environment(kind)
    print(f"\n{kind}, {subprocess.check_output([python, '--version'], text=True).strip()}")
    names = [need.partition(">=")[0] for need in requirements("newest")]
    subprocess.run([python, "-c", "from importlib.metadata import version as v; import sys; "
                    "print(*(f'{n} {v(n)}' for n in sys.argv[1:]), sep=', ')", *names],
                   check=True)  # fmt: skip
    left_out = [f"--ignore={ROOT / 'tests' / f'test_{name}.py'}" for name in LEFT_OUT]
    return subprocess.run(
        [python, "-m", "pytest", "-n", "2", "--dist", "loadfile", "--doctest-modules", *left_out,
         f"--ignore={ROOT / 'tests' / 'grading'}", "tests", "optlab"],
        cwd=ROOT,
    ).returncode  # fmt: skip


if __name__ == "__main__":
    sys.exit(max(run(kind) for kind in sys.argv[1:] or ("lowest", "newest")))
