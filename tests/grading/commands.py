"""The commands of an instructor, run in forks of a process that has imported nbgrader already."""

import multiprocessing
import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# nbgrader takes two seconds to import: one process imports it, and each command is a fork of it.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["nbgrader.apps.nbgraderapp"])


def forked(course, command, arguments):
    """Run `nbgrader` or a file of the course; return the exit code and what was printed.

    nbgrader's exit code says little: the gradebook is asked.
    """
    environment = {
        "PYTEST_CURRENT_TEST": None,
        "OPTLAB_SEED": None,
        # nbgrader looks for alembic where commands are looked for
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "JUPYTER_CONFIG_DIR": str(course / "no_config"),
    }
    printed = course / "printed.txt"
    process = FORKS.Process(target=run, args=(course, environment, printed, command, arguments))
    process.start()
    process.join()
    return process.exitcode, printed.read_text(encoding="utf-8")


def run(folder, environment, printed, command, arguments):
    """For a process of its own; in `environment`, None takes a variable away."""
    os.chdir(folder)
    for name, value in environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    with open(printed, "w", encoding="utf-8") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    sys.argv = [command, *arguments]
    if command != "nbgrader":
        sys.path.insert(0, str(folder))
        runpy.run_path(f"{command}.py", run_name="__main__")
    else:
        from nbgrader.apps.nbgraderapp import NbGraderApp

        NbGraderApp.launch_instance()
