"""The command `nbgrader`, run in a process that has imported it already."""

import os
import sys

from nbgrader.apps.nbgraderapp import NbGraderApp


def run_nbgrader(folder, environment, printed, arguments):
    """Do what `nbgrader ARGUMENTS` does when started in `folder`; for a process of its own.

    All output goes to the file `printed`. In `environment`, None takes a variable away.
    """
    os.chdir(folder)
    for name, value in environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    with open(printed, "w", encoding="utf-8") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    sys.argv = ["nbgrader", *arguments]
    NbGraderApp.launch_instance()
