"""The structure of the exercises. How they are marked is tested by `make grading`."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "notebooks" / "exercises" / "source").glob("*/*.ipynb"))
LESSONS = {path.name[:2]: path for path in (ROOT / "notebooks").glob("*.ipynb")}
DEEPER = {path.name[:2]: path for path in (ROOT / "notebooks" / "deeper").glob("*.ipynb")}


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell):
    return "".join(cell["source"])


def meta(cell):
    return cell["metadata"].get("nbgrader", {})


def hidden(cell):
    pattern = r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS"
    return "".join(re.findall(pattern, source(cell), flags=re.S))


@pytest.fixture(params=SOURCES, ids=lambda path: path.stem)
def cells(request):
    return read(request.param)["cells"]


def graded_tests(cells):
    return [c for c in cells if meta(c).get("grade") and not meta(c)["solution"]]


def test_every_assignment_is_listed():
    assert [path.stem[:2] for path in SOURCES] == ["d1", "d2", "d3", "d4", "e5", "e6", "e7"]
    assert all(path.stem == path.parent.name for path in SOURCES)


def test_nothing_is_executed(cells):
    for cell in cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_the_head_says_what_the_cells_are_worth(cells):
    head = source(cells[0])
    points = [meta(c)["points"] for c in cells if meta(c).get("grade")]
    assert f"| **all** | **{sum(points)}** |" in head.replace("| | **all**", "| **all**")
    rows = re.findall(r"^\| \d \|.*\| (\d+) \|$", head, flags=re.M)
    assert sum(map(int, rows)) == sum(points)
    for wanted in ("What you will learn", "What prepares you", "Time", "| points |"):
        assert wanted in head


def test_each_part_is_worth_what_the_head_says(cells):
    stated = dict(re.findall(r"^\| (\d) \|.*\| (\d+) \|$", source(cells[0]), flags=re.M))
    found, part = dict.fromkeys(stated, 0), None
    for cell in cells:
        part = next(iter(re.findall(r"^## Part (\d)", source(cell), flags=re.M)), part)
        if meta(cell).get("grade"):
            found[part] += meta(cell)["points"]
    assert found == {part: int(points) for part, points in stated.items()}


def test_nbgrader_can_read_every_cell(cells):
    names = [meta(c)["grade_id"] for c in cells if meta(c)]
    assert len(set(names)) == len(names)
    for cell in cells:
        if cell["cell_type"] == "code":
            assert meta(cell)["schema_version"] == 3
            assert meta(cell)["grade_id"] == cell["id"]
            assert meta(cell)["locked"] is not meta(cell)["solution"]
            assert ("points" in meta(cell)) is meta(cell)["grade"]


def test_every_solution_is_marked_and_has_a_test(cells):
    for cell in cells:
        if meta(cell).get("solution"):
            assert source(cell).count("### BEGIN SOLUTION") == source(cell).count(
                "### END SOLUTION"
            )
            assert "### BEGIN SOLUTION" in source(cell)


def test_one_question_is_marked_by_hand_and_has_a_rubric(cells):
    by_hand = [c for c in cells if meta(c).get("grade") and meta(c)["solution"]]
    assert len(by_hand) == 1 and "point" in source(by_hand[0])


def test_every_test_cell_helps_and_judges(cells):
    for cell in graded_tests(cells):
        visible = source(cell).split("### BEGIN HIDDEN")[0]
        assert "assert" in visible, cell["id"]
        assert "assert" in hidden(cell), cell["id"]


def test_every_check_says_what_was_expected(cells):
    for cell in graded_tests(cells):
        for node in ast.walk(ast.parse(source(cell))):
            if isinstance(node, ast.Assert):
                assert node.msg is not None, ast.unparse(node)


def test_feedback_names_lessons_and_headings_that_exist(cells):
    """A check that says where something is explained must be right about it."""
    named = 0
    for cell in graded_tests(cells):
        # a message may be broken into several strings
        text = re.sub(r'"\s*\n\s*f?"', "", source(cell))
        said = re.findall(r"lesson (\d\d)('s deeper part)?, '([^\n]*?)'[.,\"]", text)
        for number, deeper, heading in said:
            lesson = read((DEEPER if deeper else LESSONS)[number])["cells"]
            found = {
                line.lstrip("# ")
                for c in lesson
                for line in source(c).splitlines()
                if line[:1] == "#"
            }
            assert heading in found, (cell["id"], number, heading)
            named += 1
    assert named >= 3


def test_links_lead_to_lessons(cells):
    links = re.findall(r"\]\(\.\./\.\./\.\./([^)]+)\)", source(cells[0]))
    assert len(links) >= 1
    for link in links:
        assert (ROOT / "notebooks" / link).exists(), link


def test_no_test_cell_leaves_a_value_behind_that_would_be_its_mark(cells):
    """nbgrader takes a number at the end of a test cell for the points."""
    for cell in graded_tests(cells):
        assert not isinstance(ast.parse(source(cell)).body[-1], ast.Expr), cell["id"]
