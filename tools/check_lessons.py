"""Run lessons with nbval, compare their checked outputs, and print each one's time.

Usage: check_lessons.py NOTEBOOK...     (AT_ONCE=1: one after the other, for times to be trusted)

Two lessons run at a time, which takes less time in all and longer for each: half of a lesson is
compilation and Python, which keep one core busy.
A lesson that takes more than three times the time its head states fails. A kernel that hangs
(seen once in hundreds of runs, inside TensorFlow) is run once more, and that is said.
"""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lessons import ROOT, read, stated_seconds

LIMIT = 3
AT_ONCE = int(os.environ.get("AT_ONCE", "2"))
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


def check(path):
    """Run one lesson and print what came; return whether it holds."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        passed, printed = nbval(path, report)
        if not passed and HUNG in printed:
            print(f"{path.stem}: a cell hung; once more.\n{printed}")
            passed, printed = nbval(path, report)
        if not passed:
            print(printed)
        slow = too_slow(path.stem, cell_seconds(report), stated_seconds(read(path)))
    sys.stdout.flush()
    return passed and not slow


def main(paths):
    paths = [Path(path) for path in paths]
    start = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        held = list(pool.map(check, paths))
    failed = [path.stem for path, holds in zip(paths, held, strict=True) if not holds]
    print(f"{time.perf_counter() - start:.0f} s in all, {AT_ONCE} at a time.")
    print(f"Failed: {', '.join(failed)}." if failed else f"All {len(paths)} lessons hold.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
