"""Links that start a lesson elsewhere, on Colab, Binder or Codespaces, and the copies for Colab.

They come from one setting, the repository on GitHub: OPTLAB_REPOSITORY=owner/name, or
`make site REPOSITORY=owner/name`. Without it the site has no such links. Colab opens notebooks
from a repository only; it takes ours from the site's files, on the branch gh-pages. Binder and
Codespaces follow .binder/ and .devcontainer/, and lay the copies as `optlab` does.
"""

import json
import os
import sys

from lessons import ROOT

sys.path.insert(0, str(ROOT))
import optlab_start  # noqa: E402

BRANCH = "gh-pages"
FIRST_CELL = """\
# Run this first, and only here: it installs what is missing.
import importlib.metadata
import subprocess
import sys


def pip(*what):
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *what], check=True)


def versions():
    return {found.name: found.version for found in importlib.metadata.distributions()}


before = versions()
if "optlab" not in before:
    pip("--no-deps", "SOURCE")
needs = importlib.metadata.requires("optlab")  # all but JupyterLab: this page is not one
pip(*[need for need in needs if "extra ==" not in need and not need.startswith("jupyterlab")])
importlib.invalidate_caches()
after = versions()
stale = [name for name in before if name in sys.modules and after.get(name) != before[name]]
if stale:
    print(f"Now restart the session (menu Runtime) and go on below: {', '.join(stale)} changed.")
else:
    print("All is here: go on.")
"""


def repository():
    """Return the repository's owner and name, or "" where none is set."""
    return os.environ.get("OPTLAB_REPOSITORY", "").strip("/ ")


def links(slug):
    """Return a paragraph of Markdown with a lesson's links, or "" without a repository."""
    name = repository()
    if not name:
        return ""
    colab = f"https://colab.research.google.com/github/{name}/blob/{BRANCH}/colab/{slug}.ipynb"
    copy = f"{optlab_start.FOLDER}/notebooks/{slug}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{name}/HEAD?urlpath=lab/tree/{copy}"
    return (
        f"\nRun it without installing anything: [on Colab]({colab}), [on Binder]({binder}), "
        f"[in Codespaces](https://codespaces.new/{name}).\n"
    )


def for_colab(content, source):
    """Return a student's copy with a first cell that installs optlab from a source for pip."""
    notebook = json.loads(content)
    cell = {"cell_type": "code", "execution_count": None, "id": "install", "metadata": {},
            "outputs": [], "source": FIRST_CELL.replace("SOURCE", source)}  # fmt: skip
    notebook["cells"].insert(0, cell)
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def write_colab_copies(folder):
    """Write the copies that the links to Colab open, if there is a repository."""
    if not repository():
        return
    source = f"git+https://github.com/{repository()}"
    for name, content in optlab_start.copies().items():
        if name.endswith(".ipynb"):
            path = folder / name.removeprefix("notebooks/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(for_colab(content, source))
