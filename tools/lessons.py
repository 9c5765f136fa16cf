"""What the tools and tests know about a stored lesson: its claims, its minutes, its name."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(path):
    """Return a notebook as plain JSON."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def source(cell):
    return "".join(cell["source"])


def stored_claims(notebook):
    """Return the claims and facts that a notebook shows, in order, as `Claim` stores them."""
    return [
        output["metadata"]["optlab"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "optlab" in output.get("metadata", {})
    ]


def stated_seconds(notebook):
    """Return how many seconds the head of a lesson says that its cells take, or None."""
    text = "\n".join(source(c) for c in notebook["cells"][:3])
    found = re.search(r"run\s+in\s+about\s+(\d+)\s+seconds", text)
    return int(found.group(1)) if found else None
