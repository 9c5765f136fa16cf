"""What the tools and tests know about a stored lesson: its claims, its minutes, its name."""

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

# Lessons run in the kernel of this environment, even if the user's home holds one named python3.
os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DEEPER = sorted((ROOT / "notebooks" / "deeper").glob("*.ipynb"))  # beside the lessons of its number
NOTEBOOKS = [*LESSONS, *DEEPER]
# The modules that decide the numbers; the others show them.
TRAINS = (
    "data", "mnist", "models", "schedule", "schedules", "arrays", "adaptive", "newer", "updates",
    "callbacks", "chance", "seeds", "exact", "program", "chunk", "ensemble", "labels", "runs",
    "checks", "plan", "sweep",
)  # fmt: skip


def read(path):
    """Return a notebook as plain JSON."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def source(cell):
    return "".join(cell["source"])


def slug(path):
    """Return a notebook's name below the folder of the lessons, as in "deeper/02_noise"."""
    return Path(path).resolve().relative_to(ROOT / "notebooks").with_suffix("").as_posix()


def is_solution(cell):
    return "solution" in cell["metadata"].get("tags", [])


def code_digest(notebook, solutions=True):
    """Return what changes when a lesson's code changes, except for the words of its figures."""
    cells = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    # ol.Figure is the last call of its cell (a test sees to it)
    code = "\0".join(
        source(c).partition("ol.Figure(")[0] for c in cells if solutions or not is_solution(c)
    )
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def trains_digest():
    """Return what changes when the modules that train change."""
    digest = hashlib.sha256()
    for name in TRAINS:
        digest.update((ROOT / "optlab" / f"{name}.py").read_bytes())
    return digest.hexdigest()[:16]


def code_commit():
    """Return the commit that a result belongs to; "-dirty" if code that makes it was changed."""

    def git(*arguments):
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--", "optlab", "notebooks", "tools")
    return git("rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")


def stored_claims(notebook):
    """Return the claims and facts that a notebook shows, in order, as `Claim` stores them."""
    return [
        output["metadata"]["optlab"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "optlab" in output.get("metadata", {})
    ]


def words(notebook):
    """Return how many words the text of a lesson has, counted plainly, formulas and links too."""
    return sum(len(source(c).split()) for c in notebook["cells"] if c["cell_type"] == "markdown")


def stated_seconds(notebook):
    """Return how many seconds the head of a lesson says that its cells take, or None."""
    text = "\n".join(source(c) for c in notebook["cells"][:3])
    found = re.search(r"run\s+in\s+about\s+(\d+)\s+seconds", text)
    return int(found.group(1)) if found else None
