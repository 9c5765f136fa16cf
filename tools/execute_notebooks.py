"""Run lessons from top to bottom and save them with their outputs.

Usage: execute_notebooks.py NOTEBOOK...
Prints each lesson's seconds; a lesson that fails is left as it was and named.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
from lessons import ROOT
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

sys.path.insert(0, str(ROOT))
from optlab.figures import write_atomically  # noqa: E402

# The same conditions as under nbval: ipykernel looks for this name to leave descriptor 2 alone.
os.environ.setdefault("PYTEST_CURRENT_TEST", "execute_notebooks")


WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(path):
    """Run one notebook in its own folder and write it back, whole or not at all."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", record_timing=False, coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    client.execute()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:  # a widget is dead in a saved notebook; its still picture is not
        if cell.cell_type == "code":
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    output.data.pop(WIDGET, None)
            cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]
    # the version of Python and its tools is of no interest to a reader, and changes every diff
    notebook.metadata.language_info = {"name": "python"}
    nbformat.validate(notebook)
    write_atomically(path, (nbformat.writes(notebook) + "\n").encode())


def main(paths):
    failed = []
    for path in map(Path, paths):
        start = time.perf_counter()
        try:
            execute(path)
        except CellExecutionError as error:
            print(f"{path}: {error}")
            failed.append(path)
            continue
        print(f"{path}: {time.perf_counter() - start:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
