"""What nbgrader reads when it is started in this folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import grader

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "optlab"
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", grader.FINGERPRINT,
]  # fmt: skip

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
c.ExportApp.plugin_class = grader.Export
