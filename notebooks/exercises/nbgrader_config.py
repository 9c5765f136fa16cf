"""What nbgrader reads when it is started in this folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import grader
import platforms

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "optlab"
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", grader.FINGERPRINT,
]  # fmt: skip

# The numbers of this class (`make release VARIANT=...`) come before all else.
c.GenerateAssignment.preprocessors = [
    grader.Variant,
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearSolutions",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# A cell that takes longer is interrupted and loses its points; the next cell goes on. Run by run
# with Keras, the search of assignment 4 takes ten minutes on a quiet machine.
c.Execute.timeout = 900
c.Execute.iopub_timeout = 30  # for much output, and to obey the interrupt
c.Execute.error_on_timeout = {
    "ename": "TimeoutError",
    "evalue": "",
    "traceback": ["This cell took too long and was interrupted: is there an endless loop?"],
}

# What students do to a notebook: see grader.py.
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    grader.RestoreCells,
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    grader.Execute,
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.GenerateFeedback.preprocessors = [
    grader.DropRubrics,
    "nbgrader.preprocessors.GetGrades",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
c.ExportApp.plugin_class = grader.Export

# `nbgrader zip_collect` knows students by the file names of Moodle and Canvas.
c.ZipCollectApp.collector_plugin = platforms.Names

# Grades for a platform, beside grades.csv.
# c.Export.platform = "moodle"  # or "canvas"

# What is late loses a tenth of the assignment's points for each day begun, after an hour of grace.
# It needs a due date (`nbgrader db assignment add d1_tune_by_validation --duedate="..."`), and in
# each submission the file timestamp.txt that `nbgrader submit` or a hub leaves there.
# c.AssignLatePenalties.plugin_class = grader.LatePenalty
# c.LatePenalty.per_day = 0.1
# c.LatePenalty.grace = 3600
