"""The structure of every committed lesson: what a student, or CI, would stumble over."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import optlab

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from lessons import DEEPER, LESSONS, NOTEBOOKS, read, slug, source, words  # noqa: E402

HEADINGS = [
    "What you will do", "What you will learn", "What you need",
    "Exercises", "Going further",
]  # fmt: skip
PER_EXPERIMENT = ["Predict", "Run", "What we saw"]
EXPERIMENTS = {  # what a lesson must hold, by the start of its file name
    "00": [], "02": ["A1"], "03": ["A2"], "04": ["A3"], "05": ["A4"], "06": ["A5"],
    "07": ["A6", "A7"], "08": ["A8", "A9", "A10"], "01": ["B1", "B2", "B3"], "09": ["C1", "C2"],
    "10": ["C3", "C4", "C5"], "11": ["C6", "C7", "C8"], "12": ["C9"], "13": ["C10", "C10-softmax"],
    "14": ["C11"],
}  # fmt: skip

if not LESSONS:
    raise FileNotFoundError("There is no lesson in notebooks/.")


def tags(cell):
    return cell["metadata"].get("tags", [])


def code_cells(notebook):
    return [c for c in notebook["cells"] if c["cell_type"] == "code"]


def headings(notebook):
    return [
        (len(mark), text.strip())
        for cell in notebook["cells"]
        if cell["cell_type"] == "markdown"
        for mark, text in re.findall(r"^(#+) (.+)$", source(cell), flags=re.M)
    ]


def problems(notebook):
    """Return what is wrong with a notebook, a line each."""
    found = []
    cells = code_cells(notebook)
    counts = [c["execution_count"] for c in cells]
    if counts != list(range(1, len(cells) + 1)):
        found.append(f"not executed once from top to bottom: {counts}")
    for number, cell in enumerate(cells, 1):
        where = f"code cell {number}"
        if not source(cell).strip():
            found.append(f"{where} is empty")
        if len(source(cell).splitlines()) > 20:
            found.append(f"{where} has more than 20 lines")
        if "nbval-check-output" in tags(cell) and "ol.sweep(" in source(cell):
            found.append(f"{where} is to be checked and trains: its progress bar would not compare")
        if "nbval-check-output" in tags(cell) and not cell["outputs"]:
            found.append(f"{where} is to be checked and has no output")
        for output in cell["outputs"]:
            if output["output_type"] == "error" and "raises-exception" not in tags(cell):
                found.append(f"{where} ends in an error")
            if output.get("name") == "stderr":
                found.append(f"{where} prints red: {''.join(output['text'])[:80]!r}")
            alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            if "image/png" in output.get("data", {}) and len(alt) < 40:
                found.append(f"{where} shows a figure without alt text")
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                found.append(f"{where} keeps a widget that is dead in the saved notebook")
    text = json.dumps(notebook)
    for pattern in (r"/(?:home|Users|root|work|tmp)/", r"site-packages", r"[A-Z]:\\\\"):
        if re.search(pattern, text):
            found.append(f"names a path of the machine it ran on: {pattern}")
    if any("attachments" in c for c in notebook["cells"]):
        found.append("has attachments: figures come from code")
    if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
        found.append("is not for the kernel python3")
    return found + face_problems(notebook)


def heading_problems(notebook):
    found, listed = [], headings(notebook)
    levels = [level for level, _ in listed]
    if levels.count(1) != 1 or levels[0] != 1:
        found.append("needs exactly one title, at the top")
    if any(b - a > 1 for a, b in zip(levels, levels[1:], strict=False)):
        found.append("jumps over a level of heading")
    texts = [text for _, text in listed]
    once = [text for text in texts if text in HEADINGS]
    if once != HEADINGS:
        found.append(f"headings are not {HEADINGS} in this order: {once}")
    runs = [text for text in texts if text in PER_EXPERIMENT]
    if not runs or runs != PER_EXPERIMENT * (len(runs) // 3):
        found.append(f"each experiment needs {PER_EXPERIMENT} in this order: {runs}")
    return found


def face_problems(notebook):
    """Return uses of optlab beyond its public face."""
    found = []
    for cell in code_cells(notebook):
        lines = [x for x in source(cell).splitlines() if not x.lstrip().startswith(("%", "!", "?"))]
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == "ol":
                if node.attr not in optlab.__all__:
                    found.append(f"uses ol.{node.attr}, which is not in optlab.__all__")
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("optlab"):
                found.append("imports from inside optlab: use `import optlab as ol`")
            if isinstance(node, ast.Import):
                if any(a.name.startswith("optlab.") for a in node.names):
                    found.append("imports from inside optlab: use `import optlab as ol`")
    return found


@pytest.mark.parametrize("path", LESSONS, ids=slug)
def test_structure(path):
    assert problems(read(path)) + heading_problems(read(path)) == []


@pytest.mark.parametrize("path", DEEPER, ids=slug)
def test_structure_of_what_goes_deeper(path):
    assert problems(read(path)) == []
    (lesson,) = (p for p in LESSONS if p.name[:2] == path.name[:2])
    assert f"](../{lesson.name})" in source(read(path)["cells"][0])
    assert f"](deeper/{path.name}" in json.dumps(read(lesson))


REMEMBER = ["What to remember", "In practice", "Exercises", "Going further"]
WRITTEN_ANEW = [p for p in LESSONS if "What to remember" in json.dumps(read(p))]


@pytest.mark.parametrize("path", WRITTEN_ANEW, ids=slug)
def test_a_lesson_fits_one_sitting(path):
    notebook = read(path)
    cells = notebook["cells"]
    assert len(cells) <= 45
    assert words(notebook) <= 1600
    assert sum("ol.claim(" in source(c) for c in code_cells(notebook)) <= 10
    assert any("image/png" in o.get("data", {}) for c in cells[:6] for o in c.get("outputs", []))
    texts = [text for _, text in headings(notebook)]
    assert [text for text in texts if text in REMEMBER] == REMEMBER


def test_words_are_counted_plainly():
    table = ["| a | $x + 1$ |\n", "Read [the end](../03.ipynb), then go on."]
    cells = [{"cell_type": "markdown", "source": table}, {"cell_type": "code", "source": ["x = 1"]}]
    assert words({"cells": cells}) == 13


@pytest.mark.parametrize("path", LESSONS, ids=slug)
def test_experiments_are_tagged(path):
    found = [t[11:] for c in code_cells(read(path)) for t in tags(c) if t.startswith("experiment:")]
    assert found == EXPERIMENTS[path.stem[:2]]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=slug)
def test_every_claim_and_fact_is_checked(path):
    for cell in code_cells(read(path)):
        if re.search(r"\bol\.(claim|fact)\(", source(cell)):
            assert "nbval-check-output" in tags(cell), source(cell)
            text = json.dumps(cell["outputs"])
            assert "NOT AS EXPECTED" not in text and "FALSE:" not in text, source(cell)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=slug)
def test_links_to_other_lessons_exist(path):
    for cell in read(path)["cells"]:
        if cell["cell_type"] == "code":  # runs[name](x) is no link
            continue
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", source(cell)):
            assert (path.parent / target).exists(), target


def test_import_prints_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import optlab"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")


# ---- the checks themselves: each must see the damage it is there for -------------------------


def damaged(change):
    notebook = read(LESSONS[0])
    change(notebook)
    return "\n".join(problems(notebook) + heading_problems(notebook))


def first_with(notebook, wanted):
    return next(c for c in code_cells(notebook) if wanted(c))


def has_figure(cell):
    return any("image/png" in o.get("data", {}) for o in cell["outputs"])


DAMAGE = {
    "not executed": lambda nb: code_cells(nb)[2].update(execution_count=None),
    "without alt": lambda nb: [
        o["metadata"].clear() for o in first_with(nb, has_figure)["outputs"]
    ],
    "more than 20": lambda nb: code_cells(nb)[0].update(source=["a = 1\n"] * 21),
    "prints red": lambda nb: code_cells(nb)[0]["outputs"].append(
        {"output_type": "stream", "name": "stderr", "text": ["oops"]}
    ),
    "ends in an error": lambda nb: code_cells(nb)[0]["outputs"].append(
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
    ),
    "headings": lambda nb: nb["cells"].pop(
        next(i for i, c in enumerate(nb["cells"]) if "## What you need" in source(c))
    ),
    "each experiment": lambda nb: nb["cells"].append(
        {"cell_type": "markdown", "metadata": {}, "source": ["## Predict"]}
    ),
    "ol.sweep_": lambda nb: code_cells(nb)[0].update(source=["ol.sweep_()"]),
    "imports from inside": lambda nb: code_cells(nb)[0].update(source=["import optlab.runs"]),
    "names a path": lambda nb: nb["cells"][0].update(source=["# /home/me/data"]),
    "is to be checked and trains": lambda nb: first_with(
        nb, lambda c: "nbval-check-output" in tags(c)
    ).update(source=["ol.sweep()"]),
    "has no output": lambda nb: first_with(nb, lambda c: "nbval-check-output" in tags(c)).update(
        outputs=[]
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_seen(name):
    assert name in damaged(DAMAGE[name])
