"""The real nbgrader, from the release of an assignment to marks, feedback and exported grades.

What students do to their notebooks is tested with a smaller assignment, in test_class.py.
"""

import csv
import json
import re
import shutil

import pytest
from commands import forked
from course import ASSIGNMENTS, COURSE, read, replaced, source, submit
from nbgrader.api import Gradebook

# What goes wrong in real submissions, and the test cells that it costs: all others are earned.
TROUBLE = {
    "d2_write_schedules": (
        {  # a warning costs nothing, prints without end cost nothing
            "exponential": replaced(
                "return rate", 'np.log(np.zeros(1))\n    print("x\\n" * 3000)\n    return rate'
            ),
            "fit_with": replaced("lambda epoch: schedule(epoch)", "schedule"),
        },
        {"test_fit_with_trap"},
    ),
}  # fmt: skip


def solved(release, with_solutions):
    """Return a release with the reference's solutions written into it, as a student would."""
    answers = {}
    for cell in with_solutions["cells"]:
        meta = cell["metadata"].get("nbgrader", {})
        if meta.get("solution"):
            lines = "".join(cell["source"]).splitlines()
            text = "\n".join(x for x in lines if "# BEGIN SOLUTION" not in x and "# END" not in x)
            answers[cell["id"]] = "My answer." if cell["cell_type"] == "markdown" else text
    return submit(release, answers)


def hand_in(course, student, assignment, notebook):
    path = course / "submitted" / student / assignment / f"{assignment}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of its own, in which all assignments were released and graded."""
    folder = tmp_path_factory.mktemp("course")
    for path in COURSE.glob("*.py"):
        shutil.copy(path, folder)
    for assignment in ASSIGNMENTS:
        shutil.copytree(COURSE / "source" / assignment, folder / "source" / assignment)
        forked(folder, "nbgrader", ["generate_assignment", assignment])
        release = read(folder / "release" / assignment / f"{assignment}.ipynb")
        right = solved(release, source(assignment))
        hand_in(folder, "reference", assignment, right)
        if assignment in TROUBLE:
            hand_in(folder, "trouble", assignment, submit(right, TROUBLE[assignment][0]))
    code, printed = forked(folder, "grader", ASSIGNMENTS)
    assert code == 0, printed
    return folder


@pytest.fixture(params=ASSIGNMENTS)
def assignment(request):
    return request.param


def submission(course, assignment, student):
    """Return each cell's score (None where a person must mark), and the points to be had."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        notebook = book.find_submission(assignment, student).notebooks[0]
        scores = {g.name: None if g.needs_manual_grade else g.score for g in notebook.grades}
        return scores, {g.name: g.max_score for g in notebook.grades}


def mark_by_hand(course, assignment):
    """Give the reference the points of its written question; return its score and the highest."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        found = book.find_submission(assignment, "reference")
        for grade in found.notebooks[0].grades:
            if grade.needs_manual_grade:
                grade.manual_score, grade.needs_manual_grade = grade.max_score, False
        book.db.commit()
        return found.score, found.max_score


def graded(assignment):
    """Return the points of the test cells, and of the written question, as the source has them."""
    cells = [c["metadata"].get("nbgrader", {}) for c in source(assignment)["cells"]]
    tests = {m["grade_id"]: m["points"] for m in cells if m.get("grade") and not m["solution"]}
    return tests, {m["grade_id"]: m["points"] for m in cells if m.get("grade") and m["solution"]}


def test_the_release_holds_no_solution_and_no_hidden_test(course, assignment):
    folder = course / "release" / assignment
    assert [p.name for p in folder.iterdir()] == [f"{assignment}.ipynb"]
    path = folder / f"{assignment}.ipynb"
    raw, release = path.read_text(encoding="utf-8"), read(path)
    assert not re.search("(BEGIN|END) (SOLUTION|HIDDEN)", raw)
    secret = []
    for cell in source(assignment)["cells"]:
        inside = False
        for line in "".join(cell["source"]).splitlines():
            if re.search("### (BEGIN|END) (SOLUTION|HIDDEN)", line):
                inside = "BEGIN" in line
            elif inside and len(line.strip()) > 12:
                secret.append(line.strip())
    # a line may also stand where it is given (`def test_...`): then it is no secret
    shown = {
        line.strip()
        for cell in source(assignment)["cells"]
        for line in re.sub(
            r"### BEGIN (SOLUTION|HIDDEN TESTS)\n.*?### END (SOLUTION|HIDDEN TESTS)", "",
            "".join(cell["source"]), flags=re.S,
        ).splitlines()
    }  # fmt: skip
    secret = [line for line in secret if not any(line in given for given in shown)]
    assert len(secret) > 50
    # anywhere in the file, sources, outputs and metadata alike
    assert [line for line in secret if json.dumps(line, ensure_ascii=False)[1:-1] in raw] == []
    for cell in release["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_every_solution_cell_is_open_in_the_release(course, assignment):
    release = read(course / "release" / assignment / f"{assignment}.ipynb")
    for cell in release["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            stub = "YOUR CODE HERE" if cell["cell_type"] == "code" else "YOUR ANSWER HERE"
            assert stub in "".join(cell["source"])


def test_the_reference_earns_all(course, assignment):
    tests, written = graded(assignment)
    scores, points = submission(course, assignment, "reference")
    assert points == tests | written
    assert scores == tests | dict.fromkeys(written)


@pytest.mark.parametrize("troubled", [a for a in ASSIGNMENTS if a in TROUBLE])
def test_trouble_costs_its_own_points_only(course, troubled):
    tests, written = graded(troubled)
    expected = {n: 0 if n in TROUBLE[troubled][1] else p for n, p in tests.items()}
    scores, _ = submission(course, troubled, "trouble")
    assert scores == expected | dict.fromkeys(written)


@pytest.mark.parametrize("troubled", [a for a in ASSIGNMENTS if a in TROUBLE])
def test_the_feedback_teaches(course, troubled):
    page = course / "feedback" / "trouble" / troubled / f"{troubled}.html"
    text = re.sub("<[^>]+>", "", page.read_text(encoding="utf-8"))
    assert "xpected" in text and re.search(r"[Ss]ee lesson \d\d", text) and "Not passed: " in text


def test_the_grades_are_exported(course):
    expected = {}
    for assignment in ASSIGNMENTS:
        tests, written = graded(assignment)
        highest = sum((tests | written).values())
        assert mark_by_hand(course, assignment) == (highest, highest)
        expected[assignment, "reference"] = (f"{highest:.1f}", "graded")
        missing = ("", "nothing handed in")
        if assignment in TROUBLE:
            earned = sum(p for name, p in tests.items() if name not in TROUBLE[assignment][1])
            by_hand = f"{sum(written.values())} points to be marked by hand"
            missing = (f"{earned:.1f}", by_hand)
        if set(TROUBLE) & set(ASSIGNMENTS):
            expected[assignment, "trouble"] = missing
    forked(course, "nbgrader", ["export"])
    rows = csv.DictReader((course / "grades.csv").open(encoding="utf-8"))
    found = {(r["assignment"], r["student_id"]): (r["score"], r["status"]) for r in rows}
    assert found == expected
