"""The package as a whole: its face, the direction of its imports, what it commits."""

import ast
import gc
import inspect
import re
import subprocess
from pathlib import Path

import pytest

import optlab

ROOT = Path(__file__).resolve().parents[1]
# Each module may import only those before it: no circles.
ORDER = [
    "scale", "chance", "figures", "looks", "animation", "data", "mnist", "models", "schedule",
    "schedules", "callbacks", "arrays", "adaptive", "newer", "updates", "surfaces", "seeds",
    "exact", "program", "chunk", "ensemble", "intervals", "summaries", "labels", "stored", "runs",
    "checks", "plan", "trained", "sweep", "captions", "guesses", "cards", "evidence", "claims",
    "plots", "comparisons", "by_setting", "effects", "paths", "race", "playground", "predictions",
    "regions", "growth", "landscape", "mistakes",
]  # fmt: skip


def test_every_module_has_its_place():
    assert {p.stem for p in (ROOT / "optlab").glob("*.py")} == {*ORDER, "__init__", "__main__"}


@pytest.mark.parametrize("name", ORDER)
def test_imports_go_one_way(name):
    tree = ast.parse((ROOT / "optlab" / f"{name}.py").read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):  # inside functions, too
        if isinstance(node, ast.ImportFrom) and node.level:
            imported |= {node.module} if node.module else {alias.name for alias in node.names}
    assert imported <= set(ORDER[: ORDER.index(name)])


def test_face_is_complete_and_sorted():
    assert optlab.__all__ == sorted(optlab.__all__)
    assert all(hasattr(optlab, name) for name in optlab.__all__)


@pytest.mark.parametrize("name", optlab.__all__)
def test_public_names_are_documented(name):
    thing = getattr(optlab, name)
    text = inspect.getdoc(thing)
    assert text and len(text.splitlines()) > 3
    if inspect.ismodule(thing):
        return
    parameters = [
        p for p in inspect.signature(thing).parameters if p not in ("kwargs", "args", "setting")
    ]
    missing = [p for p in parameters if not re.search(rf"\b{p}\b", text)]
    assert missing == []


def test_nothing_committed_names_a_host_or_a_machine():
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in files:
        assert not name.endswith(("uv.lock", "-ubyte.gz", "mnist.npz")), name
        if name.endswith((".py", ".txt", ".yml", ".toml", ".md", "Makefile", ".cfg")):
            text = (ROOT / name).read_text(encoding="utf-8")
            found = re.findall(r"https?://\S*/simple\b", text)
            assert found == [], name


def test_pins_cover_what_is_required():
    pinned = set(re.findall(r"^([a-z0-9_.-]+)==", (ROOT / "constraints.txt").read_text(), re.M))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = {n.lower() for n in re.findall(r'"([A-Za-z0-9_-]+)>=', project)} - {"setuptools"}
    assert needed <= pinned


@pytest.mark.parametrize(
    "name",
    ["figures", "looks", "summaries", "captions", "plots", "comparisons", "by_setting", "effects",
     "paths"],
)  # fmt: skip
def test_what_draws_is_short_and_computes_nothing(name):
    tree = ast.parse((ROOT / "optlab" / f"{name}.py").read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            body = function.body[1 if ast.get_docstring(function) else 0 :]
            assert not body or function.end_lineno - body[0].lineno < 40, function.name
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    statistics = {"percentile", "nanpercentile", "median", "nanmedian", "std", "histogram"}
    assert name in ("summaries", "paths") or not called & statistics


def test_the_collector_need_not_look_through_tensorflow_after_every_sweep():
    assert gc.get_freeze_count() > 100_000
