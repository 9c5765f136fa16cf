"""Moodle and Canvas: whose a downloaded file is, and grades in the form that they read.

Both number their users. A student is called by name and number, "Zoë Müller_123456": the name is
for people, the number takes the marks back to the platform.
"""

import csv
import re
import unicodedata
from pathlib import Path

from nbgrader.plugins import FileNameCollectorPlugin

# Moodle, with "Download submissions in folders" and without
MOODLE = r"(?:.*/)?(?P<name>[^/]+)_(?P<number>\d+)_assignsubmission_file_?/?(?P<file>.+)"
CANVAS = r"(?:.*/)?(?P<name>[^/]+?)_(?:LATE_)?(?P<number>\d+)_\d+_(?P<file>[^/]+)"
OPEN = "points still to be marked by hand"


class Names(FileNameCollectorPlugin):
    """Tell zip_collect whose a file is: by Moodle's name, by Canvas', or `student_assignment`.

    All kinds of files are collected: a PDF in place of a notebook is not "nothing handed in".
    """

    def collect(self, submitted_file):
        path = unicodedata.normalize("NFC", Path(submitted_file).as_posix())
        path = path.split("/extracted/", 1)[-1]
        if "__MACOSX/" in path or Path(path).name.startswith("."):
            return None  # what macOS adds to a zip file
        for pattern in (MOODLE, CANVAS):
            if found := re.fullmatch(pattern, path):
                student = f"{found['name'].strip()}_{found['number']}"
                return {"student_id": student, "file_id": found["file"]}
        assignment = re.escape(self.parent.coursedir.assignment_id)
        if found := re.fullmatch(rf"(?:.*/)?([^/]+)_({assignment}[^/]*)", path):
            return {"student_id": found[1], "file_id": found[2]}


def write(platform, rows, folder):
    """Write grades for a platform ("moodle" or "canvas") from the rows of grades.csv.

    Who has no mark has an empty cell, which both platforms leave as it is.
    """
    known = [row | split(row["student_id"]) for row in rows]
    known = [row for row in known if row["number"]]
    if platform == "moodle":
        for assignment in {row["assignment"]: None for row in known}:
            table = [
                {
                    "Identifier": f"Participant {row['number']}",
                    "Full name": row["name"],
                    "Grade": row["score"],
                    "Maximum Grade": row["max_score"],
                    "Last modified (grade)": "",
                    OPEN.capitalize(): row["unmarked"],
                }
                for row in known
                if row["assignment"] == assignment
            ]
            save(folder / f"grades_moodle_{assignment}.csv", table)
    elif platform == "canvas":
        lines = {}
        points = {"Student": "    Points Possible"} | dict.fromkeys(CANVAS_HEAD[1:], "")
        for row in known:
            who = {"Student": row["name"], "ID": row["number"]}
            line = lines.setdefault(row["student_id"], dict.fromkeys(CANVAS_HEAD, "") | who)
            column = f"{row['assignment']}: {OPEN}"
            line |= {row["assignment"]: row["score"], column: row["unmarked"]}
            # Canvas takes a column with these words for information, not for an assignment
            points |= {row["assignment"]: row["max_score"], column: "(read only)"}
        save(folder / "grades_canvas.csv", [points, *lines.values()])


CANVAS_HEAD = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def split(student):
    """Return a student's name and number; no number where a platform gave none."""
    found = re.fullmatch(r"(.+)_(\d+)", student)
    return {"name": found[1], "number": found[2]} if found else {"name": student, "number": ""}


def save(path, table):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, table[0], restval="")
        writer.writeheader()
        writer.writerows(table)
