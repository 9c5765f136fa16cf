"""Run lessons with nbval, compare their checked outputs, and print each one's time.

Usage: check_lessons.py NOTEBOOK...

A lesson that takes more than three times the time its head states fails. A kernel that hangs
(seen once in hundreds of runs, inside TensorFlow) is run once more, and that is said.
"""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from lessons import ROOT, read, stated_seconds

LIMIT = 3
HUNG = "Timeout of"  # nbval's words


def nbval(path, report):
    """Run one lesson; return whether its outputs are the committed ones, and what was printed."""
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env",
            "--nbval-cell-timeout", "200", f"--junitxml={report}",
            "--nbval-sanitize-with", str(ROOT / "tests" / "nbval_sanitize.cfg"), str(path),
        ],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return done.returncode == 0, done.stdout


def cell_seconds(report):
    """Return how long the cells of a lesson took, without the start of the kernel."""
    return sum(float(case.get("time")) for case in ElementTree.parse(report).iter("testcase"))


def too_slow(name, seconds, stated):
    """Print a lesson's time beside the stated one; return whether it is far beyond it."""
    slow = seconds > LIMIT * stated
    print(f"{name:34} {seconds:4.0f} s, stated {stated} s" + (": TOO SLOW" if slow else ""))
    return slow


def main(paths):
    failed = []
    for path in map(Path, paths):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            passed, printed = nbval(path, report)
            if not passed and HUNG in printed:
                print(f"{path.stem}: a cell hung; once more.\n{printed}")
                passed, printed = nbval(path, report)
            if not passed:
                print(printed)
            slow = too_slow(path.stem, cell_seconds(report), stated_seconds(read(path)))
        if slow or not passed:
            failed.append(path.stem)
        sys.stdout.flush()
    print(f"Failed: {', '.join(failed)}." if failed else f"All {len(paths)} lessons hold.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
