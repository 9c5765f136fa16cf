"""The solved assignments, for instructors: `make solutions` runs this file.

Each is run, hidden tests included, with the numbers of its release: one that fails is said so.
"""

import os
import re
import sys
from pathlib import Path

import nbformat
import variants
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HEAD = """**For instructors: do not hand this out.** It holds the solutions, the rubric and the
hidden tests, with the numbers {}."""


def solved(assignment, seed, folder):
    """Return the notebook with its solutions, not run, with links to the lessons from a folder."""
    lessons = Path(os.path.relpath("..", folder)).as_posix()
    source = nbformat.read(Path("source", assignment, f"{assignment}.ipynb"), as_version=4)
    notebook = nbformat.from_dict(variants.filled(source, assignment, seed))
    for cell in notebook.cells:
        cell.metadata = {}
        cell.source = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", cell.source, flags=re.M).strip()
        cell.source = cell.source.replace("](../../../", f"]({lessons}/")
    head = HEAD.format(variants.name(seed))
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(head, id="for-instructors"))
    return notebook


def main(assignments, folder):
    """Write a notebook for each into a folder; return the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for assignment in assignments:
        seed = variants.released_as(assignment)
        notebook = solved(assignment, variants.remembered() if seed is None else seed, folder)
        path, said = folder / f"{assignment}.ipynb", "all tests passed"
        try:
            NotebookClient(
                notebook, timeout=900, resources={"metadata": {"path": folder}}
            ).execute()
        except CellExecutionError as error:
            failed, said = 1, f"FAILED: {error.ename}: {error.evalue}"
        nbformat.write(notebook, path)
        print(f"{path}: {said}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], Path(sys.argv[1])))
