"""What surrounds the grading of a class: numbers of its own, solutions, files of platforms.

With the small assignment of test_class.py, which needs no TensorFlow.
"""

import csv
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commands import forked
from course import COURSE, submit
from test_class import ANSWERS, NAME, SOURCE, lay, run, scores

LIMITS = "LIMIT = 3  # variant: 4, 5"


def with_numbers(source):
    """Return the small assignment with a number that may change, named in a text and a test."""
    changed = json.dumps(source).replace("LIMIT = 3", LIMITS)
    changed = changed.replace("The first numbers, doubled", "The first {LIMIT} numbers, doubled")
    changed = changed.replace("len(values) == 3, 'Expected 3 values.'", "len(values) > 2, 'Few.'")
    hidden = "values == list(range(0, 2 * LIMIT, 2)), f'Expected {LIMIT} values.'"
    return json.loads(changed.replace("values == [0, 2, 4], 'Expected 0, 2, 4.'", hidden))


@pytest.fixture(scope="module")
def empty_gradebook(tmp_path_factory):
    """A gradebook with nothing in it: for each new one nbgrader starts a program of its own."""
    folder = tmp_path_factory.mktemp("empty")
    for path in COURSE.glob("*.py"):
        shutil.copy(path, folder)
    code, printed = forked(folder, "nbgrader", ["db", "upgrade"])
    assert code == 0, printed
    with closing(sqlite3.connect(folder / "gradebook.db")) as book:  # which alembic fills in
        assert book.execute("SELECT version_num FROM alembic_version").fetchone(), printed
    return folder / "gradebook.db"


@pytest.fixture
def course(tmp_path, empty_gradebook):
    shutil.copy(empty_gradebook, tmp_path)
    for path in COURSE.glob("*.py"):
        shutil.copy(path, tmp_path)
    path = tmp_path / "source" / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(with_numbers(SOURCE)), "utf-8")
    return tmp_path


def release(course, *options):
    """Release the assignment; return the notebook, its number and what was printed."""
    code, printed = forked(course, "variants", [*options, NAME])
    assert code == 0, printed
    notebook = json.loads((course / "release" / NAME / f"{NAME}.ipynb").read_text("utf-8"))
    setup = "".join(next(c for c in notebook["cells"] if c["id"] == "setup")["source"])
    return notebook, int(setup.split("LIMIT = ")[1]), printed


def test_a_class_has_its_own_numbers(course):
    (course / "gradebook.db").unlink()  # as with the first release of a course
    numbers = {}
    for seed in ("2026", "2027", "2028", "2026"):
        notebook, numbers[seed], printed = release(course, f"VARIANT={seed}")
        assert numbers[seed] == numbers.get(seed) and f"VARIANT={seed}" in printed
        text = "".join(c["source"] if isinstance(c["source"], str) else "".join(c["source"])
                       for c in notebook["cells"])  # fmt: skip
        assert f"The first {numbers[seed]} numbers, doubled" in text and "variant:" not in text
    assert set(numbers.values()) == {4, 5}
    # it is remembered, and can be taken back
    assert release(course)[1] == numbers["2026"]
    assert release(course, "VARIANT=0")[1] == 3


def test_grading_uses_the_numbers_of_the_release(course):
    right = submit(release(course, "VARIANT=2026")[0], ANSWERS)
    number = release(course)[1]
    lay(course, "right", right)
    lay(course, "typed in", submit(right, {"values": f"values = {[2 * i for i in range(number)]}"}))
    lay(course, "last year's", submit(right, {"values": "values = [0, 2, 4]"}))
    lay(course, "changed LIMIT", submit(right, {"values": "LIMIT = 3\nvalues = [0, 2, 4]"}))
    code, printed = run(course, NAME)
    assert code == 0, printed
    earned = {s: scores(course, s)["test_values"] for s in
              ("right", "typed in", "last year's", "changed LIMIT")}  # fmt: skip
    assert earned == {"right": 1, "typed in": 1, "last year's": 0, "changed LIMIT": 0}
    page = (course / "feedback" / "last year's" / NAME / f"{NAME}.html").read_text("utf-8")
    assert f"Not passed: The first {number} numbers, doubled." in page
    # another release does not pass over what is there
    printed = release(course, "VARIANT=0")[2]
    assert "There are submissions already, with the numbers of VARIANT=2026" in printed
    assert "are of VARIANT=2026, not of VARIANT=0" in run(course, NAME)[1]
    assert scores(course, "right")["test_values"] == 1  # it used the name
    assert scores(course, "typed in")["test_values"] == 0


def test_the_solutions_are_run_with_these_numbers(course):
    path = course / "source" / NAME / f"{NAME}.ipynb"
    linked = path.read_text("utf-8").replace("# Numbers", "# Numbers: [0](../../../00.ipynb)")
    path.write_text(linked, "utf-8")
    number = release(course, "VARIANT=2026")[1]
    code, printed = forked(course, "solutions", [str(course / "solved"), NAME])
    notebook = json.loads((course / "solved" / f"{NAME}.ipynb").read_text("utf-8"))
    cells = {c["id"]: c for c in notebook["cells"]}
    assert code == 0 and "all tests passed" in printed
    assert "do not hand this out" in "".join(notebook["cells"][0]["source"])
    assert "A point each" in "".join(cells["question"]["source"])
    target = re.search(r"\[0\]\((.*?)\)", "".join(cells["text-1"]["source"]))[1]
    assert (course / "solved" / target).resolve() == (course.parent / "00.ipynb").resolve()
    shown = "".join(cells["show"]["outputs"][0]["text"])
    assert shown.strip() == str([2 * i for i in range(number)])


# ---- Moodle and Canvas -----------------------------------------------------------------------

# the file as it lies in the platform's zip file: the student, the file that is collected
DOWNLOADED = {
    "Zoë Müller_123456_assignsubmission_file_tiny.ipynb": ("Zoë Müller_123456", "tiny.ipynb"),
    "Ana de la Cruz_7_assignsubmission_file_/tiny (1).ipynb": (
        "Ana de la Cruz_7", "tiny (1).ipynb"),
    "O'Brien, Pat_8_assignsubmission_file/answers.pdf": ("O'Brien, Pat_8", "answers.pdf"),
    "Jo_9_assignsubmission_file_/a/tiny.ipynb": ("Jo_9", "a/tiny.ipynb"),
    "Jo_9_assignsubmission_file_/b/tiny.ipynb": ("Jo_9", "b/tiny.ipynb"),
    "Jo_9_assignsubmission_file_/__MACOSX/._tiny.ipynb": None,
    "Zoë Müller_123456_assignsubmission_onlinetext_/onlinetext.html": None,
    "muellerzoe_LATE_123_456_tiny-2.ipynb": ("muellerzoe_123", "tiny-2.ipynb"),
    "delacruzana_4711_815_tiny.ipynb": ("delacruzana_4711", "tiny.ipynb"),
    "de_la_cruz_tiny.ipynb": ("de_la_cruz", "tiny.ipynb"),
}  # fmt: skip


def test_zip_collect_knows_whose_a_file_is(course):
    right = submit(release(course)[0], ANSWERS)
    archive = course / "downloaded" / NAME / "archive" / "CS101-Tiny-42.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as file:
        for name in DOWNLOADED:
            file.writestr(name, json.dumps(right))
    _, printed = forked(course, "nbgrader", ["zip_collect", NAME])
    found = {
        (folder.name, path.relative_to(folder / NAME).as_posix())
        for folder in (course / "submitted").iterdir()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == {pair for pair in DOWNLOADED.values() if pair}, printed


def test_grades_go_back_to_the_platform(course):
    right = submit(release(course)[0], ANSWERS)
    for student in ("Zoë Müller_123456", "muellerzoe_123"):
        lay(course, student, right)
    lay(course, "Jo_9", "no notebook")
    for platform in ("moodle", "canvas"):
        code, printed = run(course, NAME, f"--Export.platform={platform}")
        assert code == 1 and "2 of 3 submissions are graded" in printed
    table = list(csv.reader((course / "grades_moodle_tiny.csv").open(encoding="utf-8")))
    head = ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)",
            "Points still to be marked by hand"]  # fmt: skip
    assert table == [
        head,
        ["Participant 9", "Jo", "", "9.0", "", ""],
        ["Participant 123456", "Zoë Müller", "7.0", "9.0", "", "2"],
        ["Participant 123", "muellerzoe", "7.0", "9.0", "", "2"],
    ]
    table = list(csv.reader((course / "grades_canvas.csv").open(encoding="utf-8")))
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "tiny",
            "tiny: points still to be marked by hand"]  # fmt: skip
    assert table == [
        head,
        ["    Points Possible", "", "", "", "", "9.0", "(read only)"],
        ["Jo", "9", "", "", "", "", ""],
        ["Zoë Müller", "123456", "", "", "", "7.0", "2"],
        ["muellerzoe", "123", "", "", "", "7.0", "2"],
    ]


def test_what_is_late_loses_points(course):
    """The example of nbgrader_config.py, with its # taken away."""
    path = course / "nbgrader_config.py"
    text = path.read_text("utf-8")
    for line in ("c.AssignLatePenalties.plugin", "c.LatePenalty.per_day", "c.LatePenalty.grace"):
        assert f"# {line}" in text
        text = text.replace(f"# {line}", line)
    path.write_text(text, "utf-8")
    right = submit(release(course)[0], ANSWERS)
    due = datetime(2026, 5, 1, 12, tzinfo=UTC)
    forked(course, "nbgrader", ["db", "assignment", "add", NAME, f"--duedate={due.isoformat()}"])
    lateness = {"early": -60, "within the hour": 3000, "an hour and a bit": 3700,
                "on the second day": 3600 + 90000, "never": 86400 * 30}  # fmt: skip
    for student, seconds in lateness.items():
        lay(course, student, right)
        when = due + timedelta(seconds=seconds)
        (course / "submitted" / student / NAME / "timestamp.txt").write_text(when.isoformat())
    code, printed = run(course, NAME)
    assert code == 0, printed
    table = csv.DictReader((course / "grades.csv").open(encoding="utf-8"))
    names = ("raw_score", "late_submission_penalty", "score")
    found = {r["student_id"]: tuple(round(float(r[n]), 6) for n in names) for r in table}
    assert found == {
        "early": (7, 0, 7), "within the hour": (7, 0, 7), "an hour and a bit": (7, 0.9, 6.1),
        "on the second day": (7, 1.8, 5.2), "never": (7, 7, 0),
    }  # fmt: skip


def grade_in_processes(course, jobs):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, "grader.py", f"--jobs={jobs}", NAME], cwd=course,
        env=os.environ | {"PATH": path}, capture_output=True, text=True,
    )  # fmt: skip


def test_several_processes_give_the_same_marks(course):
    """A class in three processes at once, which write to one gradebook."""
    right = submit(release(course)[0], ANSWERS)
    for i in range(6):
        lay(course, f"s{i}", right if i < 5 else "no notebook")
    done = grade_in_processes(course, 3)
    assert done.returncode == 1 and "5 of 6 submissions are graded" in done.stdout, done
    expected = [f"{NAME}, s{i}: {'graded' if i < 5 else 'NOT GRADED'}" for i in range(6)]
    assert done.stdout.splitlines()[:6] == expected
    assert all(scores(course, f"s{i}")["test_last"] == 4 for i in range(5))


def test_a_process_that_is_killed_costs_its_own_submission(course):
    right = submit(release(course)[0], ANSWERS)
    deadly = submit(right, {"last": "os.kill(os.getppid(), 9)"})
    for i, content in enumerate([right, "no notebook", deadly, right]):
        lay(course, f"s{i}", content)
    done = grade_in_processes(course, 2)
    assert done.returncode == 1 and "2 of 4 submissions are graded" in done.stdout, done
    said = [line.replace("unchanged", "graded") for line in done.stdout.splitlines()[:4]]
    # "unchanged" is what was graded when its process was ended with the other
    assert said == [f"{NAME}, s{i}: {'NOT GRADED' if i in (1, 2) else 'graded'}" for i in range(4)]
    assert done.stdout.strip().endswith(f"{NAME}, s2: the process that graded it was killed.")
    assert all(scores(course, f"s{i}")["test_last"] == 4 for i in (0, 3))
    table = csv.DictReader((course / "grades.csv").open(encoding="utf-8"))
    killed = next(row for row in table if row["student_id"] == "s2")
    assert killed["score"] == "" and killed["status"].startswith("not graded: the process")
