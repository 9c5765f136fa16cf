"""Start the lessons: lay the student's own copies into a folder, and open JupyterLab on them.

`optlab` (or `python -m optlab`, or `make lab` in a clone). It stands outside the package, so that
it answers at once, and answers even where TensorFlow cannot be imported.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import optlab_live

FOLDER = "optlab-lessons"
FIRST = "notebooks/00_start_here.ipynb"
PAGES = ("docs/glossary.md", "docs/coverage.md", "full/README.md")  # what lessons link to
RECORD = ".optlab.json"  # what was laid here: the digest of each file, and the version


# ---- what is laid ------------------------------------------------------------------------------


def shipped(folder):
    """Return where a folder of the project lies: in the installed package, or in the clone.

    Parameters
    ----------
    folder : {"notebooks", "docs", "full"}

    Returns
    -------
    pathlib.Path
    """
    package = Path(importlib.util.find_spec("optlab").origin).parent
    installed = package / ("lessons" if folder == "notebooks" else folder)
    return installed if installed.is_dir() else package.parent / folder


def copies():
    """Return what a student gets: name in the folder -> content.

    Returns
    -------
    dict of str to bytes
        Lessons with their outputs cleared and their solutions folded; the pages that they link to,
        among them those that train in the browser.
    """
    files = {page: (shipped(page.split("/")[0]) / Path(page).name).read_bytes() for page in PAGES}
    for page in optlab_live.PAGES:
        files[f"docs/live/{page}"] = optlab_live.built(page, shipped("docs") / "live").encode()
    lessons = shipped("notebooks")
    for path in sorted([*lessons.glob("*.ipynb"), *lessons.glob("deeper/*.ipynb")]):
        files[f"notebooks/{path.relative_to(lessons).as_posix()}"] = cleared(path.read_bytes())
    return files


def cleared(content):
    """Return a notebook without its outputs, which would spoil every guess, solutions folded."""
    notebook = json.loads(content)
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        cell["outputs"], cell["execution_count"] = [], None
        if "solution" in cell["metadata"].get("tags", []):
            cell["metadata"]["jupyter"] = {"source_hidden": True}
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def lay(folder, files, version):
    """Lay files into a folder, and never over what a student changed.

    A file that is missing is laid, one that is as it was laid is brought up to date. Beside one
    that was changed, a newer one is laid under its name and version, once.

    Parameters
    ----------
    folder : pathlib.Path
    files : dict of str to bytes
    version : str

    Returns
    -------
    list of str
        The names of the files laid beside changed ones.

    Raises
    ------
    OSError
        If the folder or disk takes no files; what was laid by then is whole.
    """
    laid = read_record(folder)
    beside = []
    for name, content in files.items():
        there = digest_of(folder / name)
        new = digest(content)
        if there not in (None, new, laid.get(name)):  # changed by the student
            if laid.get(name) != new:
                other = free_name(folder, name, version, new)
                if other is not None:
                    write(folder / other, content)
                    beside.append(other)
        elif there != new:
            write(folder / name, content)
        laid[name] = new
    record = (json.dumps({"version": version, "files": laid}, indent=1) + "\n").encode()
    if digest_of(folder / RECORD) != digest(record):  # on a full disk, what is there still opens
        write(folder / RECORD, record)
    return beside


def read_record(folder):
    """Return the digests of what was laid, by name; none if there is no record or it is damaged."""
    try:
        return dict(json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def free_name(folder, name, version, new):
    """Return a name beside another one that is still free, or None if the file lies there."""
    path = Path(name)
    for count in range(1, 1000):
        mark = version if count == 1 else f"{version}, {count}"
        other = path.with_name(f"{path.stem} ({mark}){path.suffix}").as_posix()
        there = digest_of(folder / other)
        if there in (None, new):
            return other if there is None else None
    return None


def digest(content):
    """Return what tells one content from another."""
    return hashlib.sha256(content).hexdigest()


def digest_of(path):
    """Return a file's digest, or None if there is no such file."""
    try:
        return digest(path.read_bytes())
    except FileNotFoundError:
        return None


def write(path, content):
    """Write a file whole or not at all, and trust it if it is a notebook."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".optlab-", delete=False) as file:
        try:
            file.write(content)
            file.close()
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            file.close()
            Path(file.name).unlink(missing_ok=True)
            raise
    if path.suffix == ".ipynb":
        trust(content)


def trust(content):
    """Let the animations of a notebook play; where that cannot be noted, they are stills."""
    with contextlib.suppress(Exception):  # a home that takes no files, an older nbformat
        import nbformat
        from nbformat.sign import NotebookNotary

        NotebookNotary().sign(nbformat.reads(content.decode(), as_version=4))


# ---- is the machine ready? ---------------------------------------------------------------------

TRIAL = """
import keras, optlab as ol
ol.sweep(ol.blobs_mlp, ol.load_blobs(), optimizer=keras.optimizers.SGD, epochs=2, batch_size=250,
         settings={"learning_rate": [0.1]}, seeds=2)
"""


def findings(folder):
    """Return what a machine has and lacks, as (holds, sentence) pairs; the folder need not exist.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    list of (bool, str)
    """
    python = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    found = [(good, f"Python {python}" + ("" if good else ": install 3.11, 3.12 or 3.13."))]
    for name in ("tensorflow", "keras", "numpy", "matplotlib", "jupyterlab", "ipywidgets"):
        try:
            found.append((True, f"{name} {metadata.version(name)}"))
        except metadata.PackageNotFoundError:
            found.append((False, f"{name} is missing: install optlab again, with what it needs."))
    trained = subprocess.run(
        [sys.executable, "-c", TRIAL], capture_output=True, text=True, errors="replace",
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    said = [line for line in trained.stderr.splitlines() if line.strip()]
    why = ([line for line in said if "Error: " in line] or said or ["it said nothing"])[-1]
    found.append((trained.returncode == 0, "a small training ran" if trained.returncode == 0
                  else f"a small training failed: {why}"))  # fmt: skip
    place = next(p for p in (folder, *folder.parents) if p.is_dir())
    writable = os.access(place, os.W_OK)
    found.append((writable, f"{folder} {'can' if writable else 'cannot'} be written to"
                  + ("" if writable else ": name another folder with --to.")))  # fmt: skip
    room = shutil.disk_usage(place).free / 1e9
    found.append((room > 0.1, f"{room:.1f} GB free there"))
    return found


# ---- the command -------------------------------------------------------------------------------


def parser():
    """Return what reads the command line."""
    top = argparse.ArgumentParser(
        prog="optlab",
        description="Lay your own copies of the lessons and open JupyterLab on them.",
        epilog="What stands after -- goes to JupyterLab, as in: optlab -- --port=9000",
    )  # fmt: skip
    top.add_argument(
        "command", nargs="?", default="lab", choices=["lab", "update", "check"],
        help="lab (the default): lay the lessons and open them; update: lay newer lessons beside "
        "what you changed, open nothing; check: is this machine ready?",
    )  # fmt: skip
    top.add_argument("--to", metavar="FOLDER", default=FOLDER, help=f"default: ./{FOLDER}")
    top.add_argument("--no-browser", action="store_true", help="only print the address")
    top.add_argument("--version", action="version", version=f"optlab {version()}")
    return top


def version():
    """Return the version of optlab, as installed."""
    try:
        return metadata.version("optlab")
    except metadata.PackageNotFoundError:  # a clone on the path, not installed
        return "unknown"


def main(arguments=None):
    """Run the command; return its exit code.

    Parameters
    ----------
    arguments : list of str, optional
        By default, what stands on the command line.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    chosen = parser().parse_args(arguments[:cut])
    folder = Path(chosen.to).expanduser().absolute()
    if chosen.command == "check":
        found = findings(folder)
        for holds, sentence in found:
            print("✓" if holds else "✗", sentence)
        ready = all(holds for holds, _ in found)
        print("This machine is ready." if ready else "This machine is not ready: mend what has ✗.")
        return 0 if ready else 1
    try:
        beside = lay(folder, copies(), version())
    except OSError as error:
        print(f"Nothing more can be written to {folder} ({error.strerror}): make room there, or "
              "name another folder with --to.", file=sys.stderr)  # fmt: skip
        return 1
    print(f"Your lessons are in {folder}.")
    for name in beside:
        print(f"You changed the older one, so the newer one lies beside it: {name}")
    if chosen.command == "update":
        return 0
    return open_lab(folder, chosen.no_browser, arguments[cut + 1 :])


def open_lab(folder, no_browser, options):
    """Open JupyterLab on a folder, until it is closed; return its exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # no kernel of another environment
    try:
        from jupyterlab.labapp import LabApp
    except ImportError as error:
        print(f"JupyterLab cannot be imported ({error}): install optlab again, with what it needs.",
              file=sys.stderr)  # fmt: skip
        return 1
    given = [f"--ServerApp.root_dir={folder}", f"--LabApp.default_url=/lab/tree/{FIRST}"]
    LabApp.launch_instance([*given, *(["--no-browser"] if no_browser else []), *options])
    return 0


if __name__ == "__main__":
    sys.exit(main())
