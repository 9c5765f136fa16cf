"""How submissions are graded as students hand them in; `make grade` runs this file.

nbgrader stops at a notebook with a cell split, copied or deleted, at a kernel that died, and at a
file under another name. The classes below take the place of its own (nbgrader_config.py names
them), and `main` goes through a class, whatever happens to one submission.
"""

import builtins
import csv
import glob
import hashlib
import json
import math
import re
import shutil
import subprocess
import symtable
import sys
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import nbformat
import platforms
import variants
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbgrader import preprocessors
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import CsvExportPlugin, LateSubmissionPlugin
from traitlets import Enum, Float

FINGERPRINT = ".submitted.sha256"  # beside what was graded: the submission and the tests of then

RUBRIC = "**Rubric** (the student does not see it)"


# ---- the cells -------------------------------------------------------------------------------


@dataclass
class Original:
    """A cell of the release that has an id."""

    name: str
    kind: str
    source: str
    checksum: str
    locked: bool
    points: float | None
    solution: bool

    @property
    def released(self):
        """The source as students got it."""
        return re.sub(
            r"^[^\n]*BEGIN HIDDEN TESTS.*?END HIDDEN TESTS[^\n]*\n?", "", self.source,
            flags=re.S | re.M,
        )  # fmt: skip

    def cell(self):
        if self.kind == "markdown":
            return nbformat.v4.new_markdown_cell(self.source)
        return nbformat.v4.new_code_cell(self.source)

    def mark(self, cell):
        """Give a cell this id, with the metadata of the release and no other."""
        meta = {
            "schema_version": 3, "grade_id": self.name, "grade": self.points is not None,
            "solution": self.solution, "locked": self.locked, "checksum": self.checksum,
            "cell_type": self.kind, "task": False,
        }  # fmt: skip
        if self.points is not None:
            meta["points"] = self.points
        cell.metadata = nbformat.from_dict({"nbgrader": meta})
        return cell


def same(a, b):
    """Whether two sources differ in blanks at line ends at most."""
    return [x.rstrip() for x in a.strip().splitlines()] == [
        x.rstrip() for x in b.strip().splitlines()
    ]


def names(source):
    """Return the names that a cell sets, and those it uses from other cells, at any depth."""
    try:
        top = symtable.symtable(source, "<cell>", "exec")
    except (SyntaxError, ValueError):
        return set(), set()
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    used, scopes = set(), [top]
    while scopes:
        scope = scopes.pop()
        scopes += scope.get_children()
        used |= {
            s.get_name()
            for s in scope.get_symbols()
            if s.is_referenced() and (s.is_global() or scope is top)
        }
    return bound, used - bound - set(dir(builtins))


def given_notebook(assignment, notebook):
    """Return the notebook as it was released, with its numbers, or else its source."""
    for folder in ("release", "source"):  # nbgrader works in the folder of the course
        with suppress(OSError, ValueError):
            return json.loads(Path(folder, assignment, f"{notebook}.ipynb").read_text("utf-8"))
    return {"cells": [], "metadata": {}}


def titles(assignment, notebook):
    """Return what each test tests, in the words of the text before it."""
    found, text = {}, ""
    for cell in given_notebook(assignment, notebook)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            text = re.split(r"\s*\(\d+ points?", source.strip().split("\n\n")[0])[0]
            text = " ".join(text.split()).strip(" .:")
        elif "grade_id" in cell["metadata"].get("nbgrader", {}):
            found[cell["metadata"]["nbgrader"]["grade_id"]] = text
    return found


def originals(db_url, assignment, notebook):
    """Return the cells of the release that have an id, in its order."""
    with Gradebook(db_url) as gradebook:
        found = gradebook.find_notebook(notebook, assignment)
        points = {cell.name: cell.max_score for cell in found.grade_cells}
        solutions = {cell.name for cell in found.solution_cells}
        cells = [
            Original(c.name, c.cell_type, c.source, c.checksum, c.locked, points.get(c.name),
                     c.name in solutions)
            for c in found.source_cells
        ]  # fmt: skip
    # the gradebook keeps no order
    source = given_notebook(assignment, notebook)
    order = [c["metadata"].get("nbgrader", {}).get("grade_id") for c in source["cells"]]
    return sorted(cells, key=lambda c: order.index(c.name) if c.name in order else len(order))


class Variant(preprocessors.NbGraderPreprocessor):
    """Fill in the numbers before nbgrader keeps cells and tests in its gradebook.

    So `make grade` marks by the numbers of the release, whatever the source says later.
    """

    def preprocess(self, nb, resources):
        seed = variants.remembered()
        new = variants.filled(nb, resources["nbgrader"]["assignment"], seed)
        for cell, other in zip(nb.cells, new["cells"]):
            cell.source = other["source"]
        if seed:
            nb.metadata["optlab_variant"] = seed
        return nb, resources


class RestoreCells(preprocessors.NbGraderPreprocessor):
    """Put the locked cells of the release in their places, among what the student wrote.

    Every id is left once. A locked cell stands where the student has it, but never before the
    cells that it is about, wherever these went.
    """

    def preprocess(self, nb, resources):
        about = resources["nbgrader"]
        known = originals(about["db_url"], about["assignment"], about["notebook"])
        source = given_notebook(about["assignment"], about["notebook"])
        self.given = ["".join(cell["source"]) for cell in source["cells"]]
        theirs, ours = (x["metadata"].get("optlab_variant") for x in (nb, source))
        if theirs and theirs != ours:
            self.log.warning("Its numbers are of VARIANT=%s, not of VARIANT=%s.", theirs, ours or 0)
        cells, places = self.students_cells(nb, {c.name: c for c in known})
        self.answers(cells, known)
        nb.cells = self.with_locked(cells, places, known)
        self.add_rubrics(nb, about["assignment"], about["notebook"])
        nb.nbformat, nb.nbformat_minor = 4, max(5, nb.nbformat_minor)
        for number, cell in enumerate(nb.cells):
            cell.id = f"cell-{number}"  # copies may share one
        return nb, resources

    def add_rubrics(self, nb, assignment, notebook):
        """Put the rubric after each answer that a person marks: formgrader shows it there."""
        with suppress(OSError, ValueError):
            source = json.loads(Path("source", assignment, f"{notebook}.ipynb").read_text("utf-8"))
            source = variants.filled(source, assignment, variants.released_as(assignment))
            rubrics = {
                cell["metadata"]["nbgrader"]["grade_id"]: re.sub(
                    r"^### (BEGIN|END) SOLUTION$", "", cell["source"], flags=re.M
                ).strip()
                for cell in source["cells"]
                if cell["cell_type"] == "markdown" and "nbgrader" in cell["metadata"]
            }
            for i, cell in reversed(list(enumerate(nb.cells))):
                name = cell.metadata.get("nbgrader", {}).get("grade_id")
                if name in rubrics:
                    new = nbformat.v4.new_markdown_cell(f"{RUBRIC}\n\n{rubrics[name]}")
                    nb.cells.insert(i + 1, new)

    def students_cells(self, nb, known):
        """Return [cell, name] of each cell of the student's own, and the locked cells' places.

        A place is the number of the student's cells before it.
        """
        found = [[cell, self.name(cell, known)] for cell in nb.cells]
        ids = {name for _, name in found}
        for pair in found:  # an editor that drops metadata may keep the cell's own id, or the text
            cell, name = pair
            if name is None and not (cell.metadata or {}).get("nbgrader"):
                locked = [o for o in known.values() if o.locked]
                text = [o.name for o in locked if same(cell.source, o.released)]
                lost = [cell.get("id"), *text]
                pair[1] = next((n for n in lost if n in known and n not in ids), None)
                ids.add(pair[1])
        intact = {n for c, n in found if n and known[n].locked and self.intact(c, known[n])}
        cells, places = [], {}
        for cell, name in found:
            cell.metadata = nbformat.from_dict(
                {k: v for k, v in (cell.metadata or {}).items() if k not in ("nbgrader", "tags")}
            )
            if name is None or not known[name].locked:
                cells.append([cell, name])
            elif name in intact and not self.intact(cell, known[name]):
                self.log.info("A copy of '%s' was left as the student's own cell.", name)
                cells.append([cell, None])
            else:
                places.setdefault(name, len(cells))
                if name not in intact:
                    self.log.warning("'%s' was altered: the original was put back.", name)
        return cells, places

    def name(self, cell, known):
        meta = (cell.get("metadata") or {}).get("nbgrader") or {}
        name = meta.get("grade_id") if isinstance(meta, dict) else None
        if name is None or name in known:
            return name
        self.log.warning("'%s' is no cell of this assignment: it was not graded.", name)
        return None

    def intact(self, cell, original):
        return cell.cell_type == original.kind and (
            same(cell.source, original.released) or same(cell.source, original.source)
        )

    def answers(self, cells, known):
        """Leave each unlocked id once, with the metadata of the release; in place."""
        for original in known:
            if original.locked:
                continue
            mine = [pair for pair in cells if pair[1] == original.name]
            if not mine and original.kind == "markdown":
                # an answer whose id was lost: the last text that is not of the release
                texts = [p for p in cells if p[1] is None and p[0].cell_type == "markdown"]
                mine = [
                    p for p in texts if not any(same(p[0].source, text) for text in self.given)
                ][-1:]
            if not mine:
                if original.points is not None:
                    self.log.warning("'%s' was missing: it was put back, empty.", original.name)
                    cells.append([original.cell(), original.name])
                    original.mark(cells[-1][0])
                continue
            written = [p for p in mine if not same(p[0].source, original.source)]
            keep = (written or mine)[-1]
            if original.points is not None:  # what a person marks stands in one cell
                texts = dict.fromkeys(p[0].source.strip() for p in written or mine)
                keep[0].source = "\n\n".join(texts)
                cells[:] = [p for p in cells if p is keep or not any(p is m for m in mine)]
            for pair in mine:
                pair[1] = None
            keep[1] = original.name
            self.retype(keep[0], original.kind)
            original.mark(keep[0])
        # a stub that was left must not take the place of what was written elsewhere
        stubs = [o for o in known if not o.locked and o.kind == "code"]
        written = set()
        for cell, name in cells:
            if cell.cell_type == "code" and not any(same(cell.source, o.source) for o in stubs):
                written |= names(cell.source)[0]
        for cell, _ in cells:
            if any(same(cell.source, o.source) for o in stubs) and names(cell.source)[0] & written:
                cell.metadata["tags"] = ["skip-execution"]

    def retype(self, cell, kind):
        if cell.cell_type != kind:
            cell.cell_type = kind
            cell.pop("outputs", None), cell.pop("execution_count", None)
            if kind == "code":
                cell.outputs, cell.execution_count = [], None

    def with_locked(self, cells, places, known):
        """Return all cells in order."""
        first = {}  # the student's cell that sets a name first
        for number, (cell, _) in enumerate(cells):
            if cell.cell_type == "code" and "tags" not in cell.metadata:
                for name in names(cell.source)[0]:
                    first.setdefault(name, number + 1)
        at = {name: number for number, (_, name) in enumerate(cells) if name}
        inserted, setters, base = [], {}, 0
        for i, original in enumerate(known):
            if not original.locked:
                continue
            before = [at[o.name] + 1 for o in known[:i] if o.name in at]
            after = [at[o.name] for o in known[i + 1 :] if o.name in at]
            if original.name in places:
                place = places[original.name]
            elif original.points is None:
                place = base
            else:
                place = min(after, default=len(cells))
                self.log.warning("'%s' was missing: it was put back.", original.name)
            if original.points is None:
                place = min([place, *after])
            base = max([place, base, *before])
            bound, used = names(original.source)
            needs = [setters[n] if n in setters else first.get(n, 0) for n in used]
            place = max([base, *needs])
            for name in bound:
                setters.setdefault(name, place)
            inserted.append((place, original.mark(original.cell())))
        result = []
        for number in range(len(cells) + 1):
            result += [cell for place, cell in inserted if place == number]
            result += [cell for cell, _ in cells[number : number + 1]]
        return result


class DropRubrics(preprocessors.NbGraderPreprocessor):
    """Leave the rubrics out of the feedback."""

    def preprocess(self, nb, resources):
        nb.cells = [cell for cell in nb.cells if not cell.source.startswith(RUBRIC)]
        return nb, resources


# ---- running them ----------------------------------------------------------------------------

# What the kernel runs first.
EACH_CHECK = Path(__file__).with_name("each_check.py").read_text("utf-8")


class Execute(preprocessors.Execute):
    """Run a notebook to its end, whatever its cells do.

    A cell in which the kernel dies, or that does not let itself be interrupted, gets that as its
    error; the others run again without it.
    """

    def preprocess(self, nb, resources):
        about = resources["nbgrader"]
        self.titles = titles(about["assignment"], about["notebook"])
        self.deadly = {}
        while True:
            self.now, self.on = None, None
            try:
                nb, resources = super().preprocess(nb, resources)
            except (DeadKernelError, CellTimeoutError) as error:
                if self.now is None or len(self.deadly) >= len(nb.cells):
                    raise
                self.deadly[self.now] = (
                    "The kernel died in this cell."
                    if isinstance(error, DeadKernelError)
                    else "This cell took too long and could not be interrupted."
                )
                self.log.warning("Cell %s: %s", self.now, self.deadly[self.now])
                continue
            for cell in nb.cells:
                self.tidy(cell)
            return nb, resources

    def start_new_kernel(self, **options):
        # what TensorFlow says on its own account belongs to no cell
        super().start_new_kernel(stderr=subprocess.DEVNULL, **options)

    def preprocess_cell(self, cell, resources, index):
        if index in self.deadly:
            text = self.deadly[index]
            cell.outputs = [nbformat.v4.new_output(
                "error", ename="RuntimeError", evalue=text, traceback=[text])]  # fmt: skip
            return cell, resources
        first, self.now = self.now is None, index
        if cell.cell_type == "code":
            if first or self.on is None:
                self.tell(EACH_CHECK)
            if self.on != is_test(cell):
                self.on = is_test(cell)
                self.tell(f"__each_check__.on = {self.on}")
        return super().preprocess_cell(cell, resources, index)

    def tell(self, code):
        self.wait_for_reply(self.kc.execute(code, silent=True, store_history=False))

    def tidy(self, cell):
        """In a test cell: stderr is no error, and the error begins with what the test is."""
        if not is_test(cell):
            return
        for output in cell.outputs:
            if output.output_type == "stream":
                output.name = "stdout"
            elif output.output_type == "error":
                title = self.titles.get(cell.metadata.nbgrader.grade_id)
                if output.ename == "AssertionError":
                    output.traceback = ["AssertionError: " + output.evalue]
                if title:
                    output.traceback = [f"Not passed: {title}.\n", *output.traceback]


def is_test(cell):
    meta = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and meta.get("grade", False) and not meta.get("solution")


# ---- the grades ------------------------------------------------------------------------------


class Export(CsvExportPlugin):
    """The columns of nbgrader's own export, and two more; without a mark, no number.

    `status` says in words how far it is; `unmarked` is the points still to be marked by hand.
    """

    platform = Enum(
        ("", "moodle", "canvas"), "", help="Write grades in the form that it reads, too."
    ).tag(config=True)
    columns = (
        "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
        "raw_score", "late_submission_penalty", "score", "max_score", "unmarked", "status",
    )  # fmt: skip
    reasons = {}  # (assignment, student): why it was not graded just now

    def export(self, gradebook):
        path = Path(self.to or "grades.csv")
        rows = list(self.rows(gradebook))
        with open(path, "w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, self.columns)
            table.writeheader()
            table.writerows(rows)
        platforms.write(self.platform, rows, path.parent)

    def rows(self, gradebook):
        students = {s.id: s for s in gradebook.students}
        handed = {(p.name, p.parent.name) for p in Path("submitted").glob("*/*") if p.is_dir()}
        for assignment in gradebook.assignments:
            if self.assignment and assignment.name not in self.assignment:
                continue
            others = {student for a, student in handed if a == assignment.name}
            for student in sorted({*students, *others}):
                if not self.student or student in map(str, self.student):
                    here = (assignment.name, student) in handed
                    row = dict.fromkeys(self.columns, "")
                    row |= self.row(gradebook, assignment, student, here)
                    person = students.get(student)
                    for name in ("last_name", "first_name", "email"):
                        row[name] = getattr(person, name, None) or ""
                    yield row

    def row(self, gradebook, assignment, student, handed_in):
        row = {
            "assignment": assignment.name, "duedate": assignment.duedate or "",
            "student_id": student, "max_score": assignment.max_score,
        }  # fmt: skip
        reason = self.reasons.get((assignment.name, student))
        done = Path("autograded", student, assignment.name).is_dir()
        try:
            found = gradebook.find_submission(assignment.name, student)
        except MissingEntry:
            found = None
        if reason or found is None or not done:
            status = f"not graded: {reason}" if reason else "not graded"
            return row | {"status": status if handed_in else "nothing handed in"}
        penalty = found.late_submission_penalty or 0
        open_ = sum(g.max_score for n in found.notebooks for g in n.grades if g.needs_manual_grade)
        return row | {
            "timestamp": found.timestamp or "", "raw_score": found.score,
            "late_submission_penalty": penalty, "score": max(0.0, found.score - penalty),
            "unmarked": f"{open_:g}",
            "status": f"{open_:g} points to be marked by hand" if open_ else "graded",
        }  # fmt: skip


class LatePenalty(LateSubmissionPlugin):
    """Take a share of the assignment's points for each day begun after the due date.

    nbgrader asks when a submission is graded, before anything is marked by hand. Hence a share of
    all points, not of the score of then; it never takes more than that score.
    """

    per_day = Float(0.1, help="The share of the points that each day costs.").tag(config=True)
    grace = Float(0, help="Seconds after the due date that cost nothing.").tag(config=True)

    def late_submission_penalty(self, student_id, score, total_seconds_late):
        days = math.ceil(max(0.0, total_seconds_late - self.grace) / 86400)
        assignment = self.parent.gradebook.find_assignment(self.parent.assignment_id)
        return min(score, days * self.per_day * assignment.max_score)


# ---- a class ---------------------------------------------------------------------------------


class NotGraded(Exception):
    """Why a submission cannot be graded, in words for the instructor."""


def fingerprint(folder, tests, due):
    """Return a hash of a folder's files, their names included, of the tests and the due date."""
    tests = "\0".join(f"{o.name}\0{o.source}" for o in tests)
    found = hashlib.sha256(f"{due}\0{tests}".encode())
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if ".ipynb_checkpoints" not in path.parts:
            found.update(f"\0{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return found.hexdigest()


def find_notebook(folder, assignment):
    """Return the notebook that was handed in, under its name or as a platform renamed it.

    And the others, which are not looked at.
    """
    all_ = [p for p in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    exact = [p for p in all_ if p.name == f"{assignment}.ipynb"]
    found = exact or [p for p in all_ if assignment in p.name] or all_
    if not found:
        files = sorted(p.name for p in folder.rglob("*") if p.is_file())
        raise NotGraded(f"holds no notebook, but {', '.join(files[:3]) or 'nothing'}")
    if len(found) > 1 and len({p.read_bytes() for p in found}) > 1:
        listed = ", ".join(sorted(str(p.relative_to(folder)) for p in found))
        raise NotGraded(f"holds several notebooks: leave one of {listed}")
    return found[0], [p.name for p in all_ if p.read_bytes() != found[0].read_bytes()]


def read_notebook(path, assignment):
    """Return a notebook that nbgrader can read."""
    raw = path.read_bytes()
    if not raw.strip():
        raise NotGraded(f"{path.name} is empty")
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        plain = json.loads(text)
        if not isinstance(plain, dict) or not {"cells", "worksheets"} & set(plain):
            raise ValueError("it has no cells")
        for cell in plain.get("cells", []):
            cell.setdefault("metadata", {})
            cell.setdefault("source", "")
            cell["id"] = str(cell.get("id", ""))
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
        notebook = nbformat.reads(json.dumps(plain), as_version=4)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotGraded(f"{path.name} is no notebook ({reason})") from None
    ids = {
        (c.metadata.get("nbgrader") or {}).get("grade_id") or c.get("id") for c in notebook.cells
    }
    matches = {}
    for source in Path("source").iterdir():
        cells = given_notebook(source.name, source.name)["cells"]
        theirs = {c["metadata"].get("nbgrader", {}).get("grade_id") for c in cells} - {None}
        matches[source.name] = len(ids & theirs)
    likely = max(matches, key=matches.get)
    if matches[likely] > 2 and matches[likely] > 2 * matches[assignment]:
        raise NotGraded(f"{path.name} is the notebook of {likely}")
    return notebook


def stage(folder, assignment, to):
    """Lay a submission under `to` as nbgrader wants it; what was handed in is left alone.

    Returns the notebooks that were not looked at.
    """
    path, others = find_notebook(folder, assignment)
    notebook = read_notebook(path, assignment)
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*.ipynb", ".ipynb_checkpoints"))
    nbformat.write(notebook, to / f"{assignment}.ipynb")
    return others


def reason(result):
    """Return the last error in what nbgrader logged."""
    log = result.get("log", "") + result.get("error", "")
    found = re.findall(r"^[\w.]*(?:Error|Exception|Entry)\b(?:: .*)?$", log, flags=re.M)
    found = [line for line in found if "NbGraderException" not in line] or found
    return found[-1] if found else "nbgrader failed without a word"


def grade(api, config, student, assignment):
    """Grade one submission if it is new; return what to print about it."""
    folder = Path("submitted", student, assignment)
    done = Path("autograded", student, assignment)
    with Gradebook(api.coursedir.db_url) as gradebook:
        due = gradebook.find_assignment(assignment).duedate
    mark = fingerprint(folder, originals(api.coursedir.db_url, assignment, assignment), due)
    known = done / FINGERPRINT
    if known.exists() and known.read_text() == mark:
        return "unchanged", []
    shutil.rmtree(done, ignore_errors=True)
    shutil.rmtree(Path("feedback", student, assignment), ignore_errors=True)
    with tempfile.TemporaryDirectory() as staged:
        others = stage(folder, assignment, Path(staged, student, assignment))
        api.coursedir.submitted_directory = staged
        try:
            create = config.get("Autograde", {}).get("create_student", True)
            result = api.autograde(assignment, glob.escape(student), create=create)
        finally:
            api.coursedir.submitted_directory = "submitted"
    if "KeyboardInterrupt" in result.get("error", ""):
        raise KeyboardInterrupt
    if not result["success"] or not done.is_dir():
        shutil.rmtree(done, ignore_errors=True)
        raise NotGraded(reason(result))
    (done / FINGERPRINT).write_text(mark)
    log = re.sub(r"\x1b\[[\d;]*m", "", result.get("log", ""))
    unused = [f"'{name}' was not looked at." for name in others]
    return "graded", unused + re.findall(r"^\[WARNING\] (.*)$", log, flags=re.M)


@cache
def course(options=()):
    """Return nbgrader's application and its commands, for the course in this folder."""
    from nbgrader.apps import NbGraderAPI
    from nbgrader.apps.baseapp import NbGrader
    from nbgrader.coursedir import CourseDirectory

    warnings.filterwarnings("ignore", module="nbgrader")  # of its own database calls
    app = NbGrader()
    app.initialize(list(options))
    app.log_level = "CRITICAL"  # each result holds what was logged
    folder = CourseDirectory(parent=app)
    folder.db_url += "?timeout=60"  # seconds to wait for another process that writes
    return app, NbGraderAPI(folder, parent=app)


def each(jobs, options, processes):
    """Do all jobs, in so many processes, and yield what `work` returns.

    After a process was killed (for lack of memory, say) each of the rest has one of its own, so
    that the job which does it ends no other.
    """
    from grader import work  # by this name other processes find it, too

    if processes == 1:
        yield from (work(options, job) for job in jobs)
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        done = [pool.submit(work, options, job) for job in jobs]
        for job, result in zip(jobs, done, strict=True):
            try:
                yield result.result()
            except BrokenProcessPool:
                yield alone(options, job)


def alone(options, job):
    """Do a job in a process of its own."""
    from grader import work

    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(work, options, job).result()
        except BrokenProcessPool:
            assignment, student = job
            forget(course(options)[1], assignment, student)
            return [f"{assignment}, {student}: NOT GRADED"], "the process that graded it was killed"


def work(options, job):
    """Grade a submission, write its feedback; return what to print, and why it was not graded."""
    assignment, student = job
    app, api = course(options)
    try:
        did, notes = grade(api, app.config, student, assignment)
        lines = [f"{assignment}, {student}: {did}", *notes]
        result = api.generate_feedback(assignment, glob.escape(student), force=True)
        if result["success"]:
            name_tests(student, assignment)
        else:
            lines.append(f"no feedback was written: {reason(result)}")
        return lines, None
    except Exception as error:
        forget(api, assignment, student)
        why = str(error) if isinstance(error, NotGraded) else repr(error)
        return [f"{assignment}, {student}: NOT GRADED"], " ".join(why.split())


def main(assignments, options=(), processes=1):
    """Grade what is new in submitted/, write feedback/ and grades.csv; return the exit code."""
    app, api = course(tuple(options))
    every = sorted(p for p in Path("submitted").glob("*/*") if p.is_dir())
    known = {p.name for p in Path("source").iterdir() if p.is_dir()}
    troubles = {}
    for path in every:
        if path.name not in known:
            troubles[path.name, path.parent.name] = "is no assignment of this course"
    for path in Path("submitted").glob("*.ipynb"):
        troubles[path.name, "?"] = "lies in no folder of a student and an assignment"
    for path in Path("submitted").glob("*/*.ipynb"):
        troubles[path.name, path.parent.name] = "lies in no folder of an assignment"
    jobs = [(a, p.parent.name) for a in assignments for p in every if p.name == a]
    for assignment in {a for a, _ in jobs}:
        if not released(api, assignment):
            api.generate_assignment(assignment, force=True)
    for job, (lines, why) in zip(jobs, each(jobs, tuple(options), processes), strict=True):
        print(*lines, sep="\n    ", flush=True)
        if why:
            troubles[job] = why
    Export.reasons = troubles
    with Gradebook(api.coursedir.db_url, api.coursedir.course_id) as gradebook:
        Export(parent=app).export(gradebook)
    failed = sum(1 for assignment, _ in troubles if assignment in known)
    print(
        f"\n{len(jobs) - failed} of {len(jobs)} submissions are graded; grades.csv has the marks."
    )
    for (assignment, student), why in troubles.items():
        print(f"NOT GRADED: {assignment}, {student}: {why}.")
    return 1 if troubles else 0


def released(api, assignment):
    with Gradebook(api.coursedir.db_url, api.coursedir.course_id) as gradebook:
        return assignment in {a.name for a in gradebook.assignments if a.notebooks}


def forget(api, assignment, student):
    """Take a submission without any mark out of the gradebook, where it would look like 0."""
    with Gradebook(api.coursedir.db_url, api.coursedir.course_id) as gradebook:
        with suppress(MissingEntry):
            found = gradebook.find_submission(assignment, student)
            if not any(g.manual_score for n in found.notebooks for g in n.grades):
                gradebook.remove_submission(assignment, student)


def name_tests(student, assignment):
    """In the list at the top of a feedback page, call each test by what it tests."""
    path = Path("feedback", student, assignment, f"{assignment}.html")
    said = titles(assignment, assignment)
    page = re.sub(
        r'<a href="#([\w-]+)">Test cell</a>',
        lambda found: f'<a href="#{found[1]}">{said.get(found[1], found[1])}</a>',
        path.read_text("utf-8"),
    )
    path.write_text(page, "utf-8")


if __name__ == "__main__":
    options = [word for word in sys.argv[1:] if word.startswith("-")]  # --Execute.timeout=20, say
    chosen = [word for word in sys.argv[1:] if not word.startswith("-")]
    jobs = [int(word.split("=")[1]) for word in options if word.startswith("--jobs=")]
    options = [word for word in options if not word.startswith("--jobs=")]
    every = sorted(p.name for p in Path("source").iterdir())
    sys.exit(main(chosen or every, options, *jobs))
