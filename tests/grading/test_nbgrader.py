"""The real nbgrader, from the release of an assignment to marks, feedback and exported grades."""

import csv
import functools
import json
import multiprocessing
import os
import re
import shutil
import sys
import time
from pathlib import Path

import pytest
from answers import SYNTAX
from commands import run_nbgrader
from course import ASSIGNMENTS, COURSE, read, replaced, source_path, submit
from nbgrader.api import Gradebook

ROOT = COURSE.parents[1]
EMPTY = "# YOUR CODE HERE\nraise NotImplementedError()"

# What goes wrong in real submissions, and the test cells that it costs: all others are earned.
# What never ends sleeps meanwhile, to leave the processor to the other tests.
TROUBLE = {
    "d1_tune_by_validation": (
        {  # a syntax error; altered and deleted tests, which come back; parts 2 and 3 not done
            "train": replaced("batch_size=batch_size, ", ""),
            "test_train_batch_size": "assert True",
            "validate": replaced("data.x_val, data.y_val", "data.x_test, data.y_test"),
            "test_validate": None,
            "choose": SYNTAX,
            "search_2": EMPTY,
            "search_3": EMPTY,
        },
        {
            "test_train_batch_size", "test_validate", "test_choose", "test_final_1",
            "test_search_2", "test_final_2", "test_search_3", "test_final_3",
        },
    ),
    "d2_write_schedules": (
        {  # a warning costs nothing, prints without end cost nothing
            "exponential": replaced(
                "return rate", 'np.log(np.zeros(1))\n    print("x\\n" * 3000)\n    return rate'
            ),
            "fit_with": replaced("lambda epoch: schedule(epoch)", "schedule"),
        },
        {"test_fit_with_trap"},
    ),
    "d3_restart": (
        {  # an endless loop in a cell of the student
            "warm": "while True:\n    __import__('time').sleep(0.1)"
        },
        {"test_warm"},
    ),
    "d4_search_a_grid": (
        {  # another name for a function, and a cell that was never finished
            "grid": replaced("def grid(", "def my_grid("),
            "search": replaced("grid(", "my_grid("),
            "final": EMPTY,
        },
        {"test_grid", "test_final", "test_accuracy_final"},
    ),
    "e5_predict_run_verify": (
        # an endless one in a function that a test calls
        {"verdict": "def verdict(low, high, at_least, seeds):\n    __import__('time').sleep(3600)"},
        {"test_verdict"},
    ),
}  # fmt: skip
ENDLESS = ("d3_restart", "e5_predict_run_verify")


# nbgrader takes two seconds to import: one process imports it, and each command is a fork of it.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["nbgrader.apps.nbgraderapp"])


def nbgrader(course, *arguments):
    """Run an nbgrader command as an instructor does and return what it printed.

    Its exit code says little: the gradebook is asked.
    """
    environment = {
        "PYTEST_CURRENT_TEST": None,
        "OPTLAB_SEED": None,
        # nbgrader looks for alembic where commands are looked for
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "JUPYTER_CONFIG_DIR": str(course / "no_config"),
    }
    printed = course / "printed.txt"
    process = FORKS.Process(target=run_nbgrader, args=(course, environment, printed, arguments))
    process.start()
    process.join()
    return printed.read_text(encoding="utf-8")


def solved(release, source):
    """Return a release with the reference's solutions written into it, as a student would."""
    answers = {}
    for cell in source["cells"]:
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


@functools.cache
def walk(course, assignment):
    """Release, grade and give feedback on one assignment; return logs and seconds."""
    shutil.copytree(COURSE / "source" / assignment, course / "source" / assignment)
    log = {"release": nbgrader(course, "generate_assignment", assignment)}
    release = read(course / "release" / assignment / f"{assignment}.ipynb")
    right = solved(release, read(source_path(assignment)))
    hand_in(course, "reference", assignment, right)
    hand_in(course, "untouched", assignment, release)
    hand_in(course, "trouble", assignment, submit(right, TROUBLE[assignment][0]))
    start = time.perf_counter()
    log["reference"] = nbgrader(course, "autograde", assignment, "--create", "--student=reference")
    seconds = time.perf_counter() - start
    print(f"{assignment}: {seconds:.0f} s")
    limit = ["--Execute.timeout=20"] * (assignment in ENDLESS)
    log["trouble"] = nbgrader(course, "autograde", assignment, "--create", *limit)  # and untouched
    log["feedback"] = nbgrader(course, "generate_feedback", assignment, "--student=trouble")
    return log, seconds


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of its own, in which the assignments are walked through one after the other."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(COURSE / "nbgrader_config.py", folder)
    return folder


@pytest.fixture(scope="module", params=ASSIGNMENTS)
def assignment(request):
    return request.param


@pytest.fixture
def walked(course, assignment):
    return walk(course, assignment)


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
    cells = [c["metadata"].get("nbgrader", {}) for c in read(source_path(assignment))["cells"]]
    tests = {m["grade_id"]: m["points"] for m in cells if m.get("grade") and not m["solution"]}
    return tests, {m["grade_id"]: m["points"] for m in cells if m.get("grade") and m["solution"]}


def test_the_release_holds_no_solution_and_no_hidden_test(course, assignment, walked):
    folder = course / "release" / assignment
    assert [p.name for p in folder.iterdir()] == [f"{assignment}.ipynb"]
    path = folder / f"{assignment}.ipynb"
    raw, release = path.read_text(encoding="utf-8"), read(path)
    assert not re.search("(BEGIN|END) (SOLUTION|HIDDEN)", raw)
    secret = []
    for cell in read(source_path(assignment))["cells"]:
        inside = False
        for line in "".join(cell["source"]).splitlines():
            if re.search("### (BEGIN|END) (SOLUTION|HIDDEN)", line):
                inside = "BEGIN" in line
            elif inside and len(line.strip()) > 12:
                secret.append(line.strip())
    # a line may also stand where it is given (`def test_...`): then it is no secret
    shown = {
        line.strip()
        for cell in read(source_path(assignment))["cells"]
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


def test_every_solution_cell_is_open_in_the_release(course, assignment, walked):
    release = read(course / "release" / assignment / f"{assignment}.ipynb")
    for cell in release["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            stub = "YOUR CODE HERE" if cell["cell_type"] == "code" else "YOUR ANSWER HERE"
            assert stub in "".join(cell["source"])


def test_the_reference_earns_all(course, assignment, walked):
    tests, written = graded(assignment)
    scores, points = submission(course, assignment, "reference")
    assert points == tests | written
    assert scores == tests | dict.fromkeys(written), walked[0]["reference"]


def test_the_untouched_release_earns_nothing(course, assignment, walked):
    scores, _ = submission(course, assignment, "untouched")
    assert set(scores.values()) == {0}, scores


def test_trouble_costs_its_own_points_only(course, assignment, walked):
    tests, written = graded(assignment)
    expected = {n: 0 if n in TROUBLE[assignment][1] else p for n, p in tests.items()}
    scores, _ = submission(course, assignment, "trouble")
    assert scores == expected | dict.fromkeys(written), walked[0]["trouble"]


def test_marking_takes_its_time_and_no_more(walked):
    """About 40 s for assignment 1 on two quiet cores; the bound is for a very busy machine."""
    assert walked[1] < 300


def test_the_feedback_teaches(course, assignment, walked):
    page = course / "feedback" / "trouble" / assignment / f"{assignment}.html"
    text = re.sub("<[^>]+>", "", page.read_text(encoding="utf-8"))
    if assignment in ENDLESS:
        assert "No reply from kernel" in text
    else:
        assert "xpected" in text and re.search(r"[Ss]ee lesson \d\d", text)


def test_the_grades_are_exported(course):
    expected = {}
    for assignment in ASSIGNMENTS:
        walk(course, assignment)
        tests, written = graded(assignment)
        highest = sum((tests | written).values())
        assert mark_by_hand(course, assignment) == (highest, highest)
        earned = sum(p for name, p in tests.items() if name not in TROUBLE[assignment][1])
        points = {"reference": highest, "untouched": 0, "trouble": earned}
        expected |= {(assignment, student): p for student, p in points.items()}
    nbgrader(course, "export")
    rows = csv.DictReader((course / "grades.csv").open(encoding="utf-8"))
    found = {(r["assignment"], r["student_id"]): float(r["raw_score"] or 0) for r in rows}
    assert found == expected


def test_marking_again_gives_the_same_marks(course):
    assignment = min(ASSIGNMENTS, key=lambda name: (name in ENDLESS, name.startswith("d1")))
    walk(course, assignment)
    before = submission(course, assignment, "trouble")
    nbgrader(course, "autograde", assignment, "--student=trouble", "--force")
    assert submission(course, assignment, "trouble") == before
