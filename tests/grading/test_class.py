"""A class goes through `make grade`, whatever its members did to their notebooks.

The assignment is a small one, which needs no TensorFlow: what is tested is the way from
submitted/ to grades.csv, and that is the same for all assignments.
"""

import csv
import json
import re
import shutil
from copy import deepcopy

import pytest
from commands import forked
from course import COURSE, submit

NAME = "tiny"


def cell(name, source, points=None, solution=False, kind="code"):
    meta = {
        "grade_id": name, "locked": not solution, "solution": solution, "schema_version": 3,
        "grade": points is not None, "task": False,
    } | ({} if points is None else {"points": points})  # fmt: skip
    made = {"cell_type": kind, "id": name, "metadata": {"nbgrader": meta}, "source": source}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def text(name, source):
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}


def solution(source):
    return f"### BEGIN SOLUTION\n{source}\n### END SOLUTION"


def notebook(*cells):
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": list(cells), "metadata": {"kernelspec": spec}, "nbformat": 4,
            "nbformat_minor": 5}  # fmt: skip


SOURCE = notebook(
    text("text-1", "# Numbers"),
    cell("setup", "import os\nimport sys\nimport time\n\nLIMIT = 3"),
    cell("double", "def double(x):\n    " + solution("return 2 * x").replace("\n", "\n    "),
         solution=True),
    text("text-2", "Twice a number (2 points):\n\nMore text."),
    cell("test_double", "assert double(1) == 2, 'Twice 1: expected 2.'\n"
         "### BEGIN HIDDEN TESTS\nfor x in (0, 5, -1):\n"
         "    assert double(x) == 2 * x, f'Twice {x}: expected {2 * x}.'\n"
         "assert double('a') == 'aa', 'Twice a letter: expected two.'\n### END HIDDEN TESTS", 2),
    cell("values", solution("values = [double(i) for i in range(LIMIT)]"), solution=True),
    text("text-3", "The first numbers, doubled (1 point):"),
    cell("test_values", "assert len(values) == 3, 'Expected 3 values.'\n"
         "### BEGIN HIDDEN TESTS\nassert values == [0, 2, 4], 'Expected 0, 2, 4.'\n"
         "def helper(v):\n    return sum(v)\n### END HIDDEN TESTS", 1),
    cell("show", "print(values)"),
    cell("last", "def last(v):\n    " + solution("return v[-1]").replace("\n", "\n    "),
         solution=True),
    text("text-4", "The last of some (4 points):"),
    cell("test_last", "assert last([1, 2]) == 2, 'Expected 2.'\n### BEGIN HIDDEN TESTS\n"
         "assert last([helper([3])]) == 3, 'Expected 3.'\n### END HIDDEN TESTS", 4),
    cell("question", solution("*A point each.*"), 2, True, "markdown"),
)  # fmt: skip
TESTS = {"test_double": 2, "test_values": 1, "test_last": 4}
ANSWERS = {
    "double": "def double(x):\n    return 2 * x",
    "values": "values = [double(i) for i in range(LIMIT)]",
    "last": "def last(v):\n    return v[-1]",
    "question": "Because.",
}
FOREIGN = cell("test_choose", "assert choose is None, 'Something else.'", 5)
LOOP = "while True:\n    time.sleep(0.05)"
DEAF = "while True:\n    try:\n        time.sleep(0.05)\n    except BaseException:\n        pass"


# ---- what students do ------------------------------------------------------------------------


def plain(source, kind="code"):
    """A cell of the student's own."""
    made = cell("x", source, kind=kind)
    return made | {"id": f"own{abs(hash(source)) % 10**8}", "metadata": {}}


def place(nb, name):
    return [c["id"] for c in nb["cells"]].index(name)


def twin(nb, name, first, second):
    """Split or copy a cell, as JupyterLab does: both have its metadata, the second a new id."""
    i = place(nb, name)
    one, two = (deepcopy(nb["cells"][i]) | {"source": s} for s in (first, second))
    nb["cells"][i : i + 1] = [one, two | {"id": "0a1b2c3d"}]


def drop(nb, *gone):
    nb["cells"] = [c for c in nb["cells"] if c["id"] not in gone]


def add(nb, at, new):
    nb["cells"].insert(place(nb, at) if at else len(nb["cells"]), new)


def write(nb, name, source):
    nb["cells"][place(nb, name)]["source"] = source


def one_cell(nb, at):
    add(nb, at, plain("\n\n".join(v for k, v in ANSWERS.items() if k != "question")))


def move(nb, name, to):
    moved = nb["cells"].pop(place(nb, name))
    nb["cells"].insert(to if isinstance(to, int) else place(nb, to), moved)


def forget_ids(nb):
    for number, c in enumerate(nb["cells"]):
        c["metadata"], c["id"] = {}, f"new-{number}"


def cheat(nb):
    c = nb["cells"][place(nb, "test_last")]
    c["metadata"]["nbgrader"]["points"] = 100
    c["metadata"]["tags"] = ["skip-execution"]
    write(nb, "last", "def last(v):\n    return 0")


def damage(nb):
    for name, meta in (("double", None), ("values", {}), ("last", {"grade_id": 7})):
        nb["cells"][place(nb, name)]["metadata"]["nbgrader"] = meta
    del nb["cells"][0]["metadata"]


# student: what becomes of the right answers; the test cells that it costs
DEEDS = {
    "right": (lambda nb: None, ()),
    "split a solution": (
        lambda nb: twin(nb, "double", "two = 2", "def double(x):\n    return two * x"), ()),
    "copied a solution, the draft above": (
        lambda nb: twin(nb, "double", "def double(x):\n    return x", ANSWERS["double"]), ()),
    "copied a solution, a stub below": (
        lambda nb: twin(nb, "double", ANSWERS["double"],
                        "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"),
        ()),
    "copied a test to look into it": (
        lambda nb: twin(nb, "test_values", nb["cells"][place(nb, "test_values")]["source"],
                        "print(values)\nassert len(values) == 7"), ()),
    "altered a test": (
        lambda nb: [write(nb, "test_values", "assert True"),
                    write(nb, "values", "values = [7]")], ("test_values",)),
    "pasted from another assignment": (lambda nb: add(nb, "double", deepcopy(FOREIGN)), ()),
    "deleted two tests": (lambda nb: drop(nb, "test_double", "test_last"), ()),
    "deleted what is read only": (lambda nb: drop(nb, "setup", "show", "text-2"), ()),
    "one cell, the other cells deleted": (
        lambda nb: [one_cell(nb, "test_double"), drop(nb, "double", "values", "last")], ()),
    "one cell at the end, stubs left": (
        lambda nb: [write(nb, n, s) for n, s in STUBS.items()] + [one_cell(nb, None)], ()),
    "one cell and nothing else": (
        lambda nb: [one_cell(nb, "setup"), drop(nb, *(c["id"] for c in nb["cells"]
                    if not c["id"].startswith(("own", "question"))))], ()),
    "tests moved to the top": (
        lambda nb: [move(nb, "test_last", 0), move(nb, "test_values", 0)], ()),
    "a solution became text": (
        lambda nb: nb["cells"][place(nb, "double")].update(cell_type="markdown"), ()),
    "an editor dropped all metadata": (forget_ids, ()),
    "an editor damaged metadata": (damage, ()),
    "gave himself points": (cheat, ("test_last",)),
    "progress on stderr": (
        lambda nb: write(nb, "double", "def double(x):\n    print('50 %', file=sys.stderr)\n"
                         "    os.write(2, b'TensorFlow says')\n    return 2 * x"), ()),
    "the kernel dies in a test": (
        lambda nb: write(nb, "last", "def last(v):\n    os._exit(1)"), ("test_last",)),
    "the kernel dies in a cell": (
        lambda nb: add(nb, "values", plain("os._exit(1)")), ()),
    "exit in a cell": (lambda nb: add(nb, "values", plain("exit()")), ()),
    "an endless cell": (lambda nb: write(nb, "values", LOOP), ("test_values",)),
    "an endless cell that hears nothing": (
        lambda nb: write(nb, "values", DEAF), ("test_values",)),
    "a syntax error": (
        lambda nb: write(nb, "double", "def double(x)\n    return x"),
        ("test_double", "test_values")),
    "a warning": (
        lambda nb: write(nb, "double", "import warnings\n\n\ndef double(x):\n"
                         "    warnings.warn('Mind this.')\n    return 2 * x"), ()),
    "prints without end": (
        lambda nb: write(nb, "double", "def double(x):\n    print('x\\n' * 3000)\n"
                         "    return 2 * x"), ()),
    "an endless function": (
        lambda nb: write(nb, "last", "def last(v):\n    " + LOOP.replace("    ", " " * 8)),
        ("test_last",)),
    "another name": (
        lambda nb: [write(nb, "double", "def my_double(x):\n    return 2 * x"),
                    write(nb, "values", "values = [my_double(i) for i in range(3)]")],
        ("test_double",)),
    "wrong in two ways": (
        lambda nb: write(nb, "double", "def double(x):\n    return abs(2 * x) if x != 5 and "
                         "isinstance(x, int) else 'b'"), ("test_double",)),
    "not finished": (
        lambda nb: [write(nb, n, STUBS[n]) for n in ("values", "last")],
        ("test_values", "test_last")),
    "split the answer": (lambda nb: twin(nb, "question", "First part.", "Second part."), ()),
}  # fmt: skip
STUBS = {
    "double": "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()",
    "values": "# YOUR CODE HERE\nraise NotImplementedError()",
    "last": "def last(v):\n    # YOUR CODE HERE\n    raise NotImplementedError()",
}
# what platforms call the file
FILES = {
    "browser": "tiny (1).ipynb",
    "de_la_cruz": "delacruzana_4711_815_tiny-2.ipynb",
    "Zoë Müller": "Zoë Müller_12345_assignsubmission_file_/tiny.ipynb",
    "Moodle": "O'Brien, Pat_12345_assignsubmission_file_tiny.ipynb",
}
# what is handed in in place of a notebook, and how the reason begins
TROUBLED = {
    "no JSON": ("tiny.ipynb", "{no json", "tiny.ipynb is no notebook"),
    "empty": ("tiny.ipynb", "", "tiny.ipynb is empty"),
    "a list": ("tiny.ipynb", "[1, 2]", "tiny.ipynb is no notebook"),
    "PDF": ("answers.pdf", "%PDF", "holds no notebook, but answers.pdf"),
    "another": ("tiny.ipynb", "OTHER", "tiny.ipynb is the notebook of other"),
    "two": ("tiny (1).ipynb", "TWO", "holds several notebooks"),
}


def run(course, *arguments):
    """Do what `make grade` does; return the exit code and what it printed."""
    return forked(course, "grader", arguments)


def lay(course, student, content, name="tiny.ipynb"):
    path = course / "submitted" / student / NAME / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, dict):
        content = json.dumps(content)
    path.write_text(content, encoding="utf-8")


def rows(course):
    table = csv.DictReader((course / "grades.csv").open(encoding="utf-8"))
    return {row["student_id"]: row for row in table}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Grade a class in one go; return the course, the exit code and what was printed."""
    course = tmp_path_factory.mktemp("class")
    print(course)
    for path in COURSE.glob("*.py"):
        shutil.copy(path, course)
    other = notebook(*(cell(f"other{i}", "x = 1") for i in range(9)))
    for name, source in ((NAME, SOURCE), ("other", other)):
        (course / "source" / name).mkdir(parents=True)
        (course / "source" / name / f"{name}.ipynb").write_text(json.dumps(source))
    forked(course, "nbgrader", ["generate_assignment", NAME])
    release = json.loads((course / "release" / NAME / "tiny.ipynb").read_text())
    right = submit(release, ANSWERS)
    lay(course, "untouched", release)
    for student, (deed, _) in DEEDS.items():
        nb = deepcopy(right)
        deed(nb)
        lay(course, student, nb)
    for student, name in FILES.items():
        path = course / "submitted" / student / NAME / name
        path.parent.mkdir(parents=True)
        # one begins with the mark that Windows' editors write
        path.write_text(json.dumps(right), "utf-8-sig" if student == "browser" else "utf-8")
    for student, (name, content, _) in TROUBLED.items():
        if content == "OTHER":
            content = other
        elif content == "TWO":
            lay(course, student, right, "tiny (2).ipynb")
            content = release
        lay(course, student, content, name)
    code, printed = run(course, NAME, "--Execute.timeout=8", "--Execute.iopub_timeout=8")
    return course, code, printed


def scores(course, student):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        grades = book.find_submission(NAME, student).notebooks[0].grades
        return {g.name: None if g.needs_manual_grade else g.score for g in grades}


@pytest.mark.parametrize("student", [*DEEDS, *FILES])
def test_each_is_graded_as_far_as_it_can_be(graded, student):
    lost = DEEDS[student][1] if student in DEEDS else ()
    expected = {name: 0 if name in lost else points for name, points in TESTS.items()}
    assert scores(graded[0], student) == expected | {"question": None}, graded[2]


def test_the_untouched_release_earns_nothing(graded):
    assert scores(graded[0], "untouched") == dict.fromkeys([*TESTS, "question"], 0)


def test_the_whole_class_has_a_row_and_no_missing_mark_looks_like_zero(graded):
    table = rows(graded[0])
    assert set(table) == {"untouched", *DEEDS, *FILES, *TROUBLED}
    for student, (_, _, why) in TROUBLED.items():
        row = table[student]
        assert row["raw_score"] == row["score"] == "", row
        assert row["status"].startswith(f"not graded: {why}"), row
    assert table["right"]["score"] == "7.0"
    assert table["right"]["status"] == "2 points to be marked by hand"
    assert (table["untouched"]["score"], table["untouched"]["status"]) == ("0.0", "graded")


def test_it_ends_with_a_line_for_each_that_was_not_graded(graded):
    _, code, printed = graded
    assert code == 1
    last = printed.strip().splitlines()[-len(TROUBLED) - 1 :]
    total = len(TROUBLED) + len(DEEDS) + len(FILES) + 1
    assert last[0].startswith(f"{total - len(TROUBLED)} of {total} submissions are graded")
    for line in last[1:]:
        student = re.match(r"NOT GRADED: tiny, (.*?): (.*)", line)
        assert student[2].startswith(TROUBLED[student[1]][2])


def test_everyone_who_was_graded_has_feedback(graded):
    done = {path.parents[1].name for path in (graded[0] / "feedback").glob("*/tiny/tiny.html")}
    assert done == {"untouched", *DEEDS, *FILES}


def test_feedback_names_the_test_and_shows_every_failed_check(graded):
    page = (graded[0] / "feedback" / "wrong in two ways" / NAME / "tiny.html").read_text("utf-8")
    said = re.sub("<[^>]+>", "", page)
    assert "Test cell" not in said
    for part in ("Not passed: Twice a number.", "Twice 5: expected 10.", "Twice -1: expected -2.",
                 "Twice a letter: expected two."):  # fmt: skip
        assert part in said, part
    assert "Twice 0: expected" not in said.split("Not passed")[1]


def test_what_was_tampered_with_is_said_and_nothing_else(graded):
    blocks = re.split(r"^tiny, ", graded[2], flags=re.M)[1:]
    said = {b.split(": ")[0]: "".join(b.splitlines(keepends=True)[1:]) for b in blocks}
    quiet = {"right", "split a solution", "untouched", "progress on stderr", *FILES}
    assert {s: said[s] for s in quiet if said[s].strip()} == {}
    assert "'test_values' was altered" in said["altered a test"]
    assert "'test_choose' is no cell of this assignment" in said["pasted from another assignment"]
    assert "'test_last' was missing" in said["deleted two tests"]


def test_an_answer_in_two_cells_is_marked_whole(graded):
    folder = graded[0] / "autograded" / "split the answer" / NAME
    nb = json.loads((folder / "tiny.ipynb").read_text("utf-8"))
    found = [
        c for c in nb["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == "question"
    ]
    assert ["".join(c["source"]) for c in found] == ["First part.\n\nSecond part."]


def test_the_rubric_stands_after_the_answer_and_not_in_the_feedback(graded):
    nb = json.loads((graded[0] / "autograded" / "right" / NAME / "tiny.ipynb").read_text("utf-8"))
    texts = ["".join(c["source"]) for c in nb["cells"]]
    assert "A point each." in texts[texts.index("Because.") + 1]
    page = (graded[0] / "feedback" / "right" / NAME / "tiny.html").read_text("utf-8")
    assert "Because." in page and "A point each" not in page and "Rubric" not in page


def test_grading_again_looks_only_at_what_changed(graded):
    """The last test here: it changes the class."""
    course = graded[0]
    right = json.loads((course / "submitted" / "right" / NAME / "tiny.ipynb").read_text())
    worse = submit(right, {"last": "def last(v):\n    return v[0]"})
    lay(course, "right", worse)
    lay(course, "no JSON", right)
    lay(course, "split a solution", "{no json any more")
    for student in {*DEEDS, *FILES, *TROUBLED} - {
        "right", "no JSON", "split a solution", "altered a test", "empty"
    }:  # fmt: skip
        shutil.rmtree(course / "submitted" / student)
    code, printed = run(course, NAME)
    said = dict(re.findall(r"^tiny, (.*?): (.*)$", printed, flags=re.M))
    before = scores(course, "altered a test")
    forked(course, "nbgrader", ["autograde", NAME, "--student=altered a test", "--force"])
    assert scores(course, "altered a test") == before
    assert said == {
        "right": "graded", "no JSON": "graded", "altered a test": "unchanged",
        "untouched": "unchanged", "split a solution": "NOT GRADED", "empty": "NOT GRADED",
    }  # fmt: skip
    assert code == 1 and "4 of 6 submissions are graded" in printed
    assert scores(course, "right")["test_last"] == 0
    table = rows(course)
    assert table["no JSON"]["score"] == "7.0"
    # nbgrader's own command says the same of the one that cannot be graded any more
    forked(course, "nbgrader", ["export"])
    for row in (table["split a solution"], rows(course)["split a solution"]):
        assert row["score"] == "" and row["status"].startswith("not graded")
    shutil.rmtree(course / "submitted" / "split a solution")
    shutil.rmtree(course / "submitted" / "empty")
    assert run(course, NAME)[0] == 0
