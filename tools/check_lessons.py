"""Run lessons with nbval and compare their checked outputs.

Usage: check_lessons.py NOTEBOOK...     (AT_ONCE=1: one after the other, for times to be trusted)

Two lessons run at a time, which takes less time in all and longer for each: half of a lesson is
compilation and Python, which keep one core busy. Seconds are printed and judge nothing: they are
the machine's. Memory is named above AIM and judged at MEMORY only, since some of it, too, is the
machine's. A lesson whose kernel hangs fails; what its threads were doing is saved first.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
from lessons import ROOT, read, stated_seconds

MEMORY = 2.0  # GB: a leak, or a sweep too wide; the same lesson takes a tenth more here than there
AIM = 1.5  # GB that no lesson should need
HUNG = 900  # seconds without a finished cell, beyond anything that a busy machine takes
AT_ONCE = int(os.environ.get("AT_ONCE", "2"))
STACKS = ROOT / "build" / "stacks"


class Lesson:
    """One lesson under nbval, watched while it runs."""

    def __init__(self, path):
        self.path, self.printed, self.memory, self.hung = path, "", 0.0, None
        self.start = self.alive = time.perf_counter()

    def run(self):
        """Run to the end, or until a cell hangs; return whether all outputs are as committed."""
        with tempfile.TemporaryDirectory() as folder:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env",
                    "--nbval-cell-timeout", str(2 * HUNG), "-p", "no:cacheprovider",
                    f"--basetemp={folder}/tmp",
                    "--nbval-sanitize-with", str(ROOT / "tests" / "nbval_sanitize.cfg"),
                    str(self.path),
                ],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            reader = threading.Thread(target=self._listen)
            reader.start()
            while reader.is_alive():
                self._look()
                reader.join(timeout=0.5)
        return self.process.wait() == 0 and self.hung is None

    def _listen(self):
        """Keep what pytest prints: a sign for every cell."""
        while sign := self.process.stdout.read(1):
            self.printed += sign
            self.alive = time.perf_counter()

    def _look(self):
        """Note the kernel's memory; end it if it hangs."""
        kernels = []
        try:
            kernels = psutil.Process(self.process.pid).children(recursive=True)
            peaks = [getattr(k.memory_info(), "peak_wset", k.memory_info().rss) for k in kernels]
            self.memory = max([self.memory, *(peak / 1e9 for peak in peaks)])
        except psutil.NoSuchProcess:
            pass
        if self.hung is None and time.perf_counter() - self.alive > HUNG:
            self.hung = save_stacks(self.path.stem, kernels)
            for process in (*kernels, self.process):
                process.kill()


def save_stacks(name, processes):
    """Write what all threads of some processes are doing; return the file."""
    STACKS.mkdir(parents=True, exist_ok=True)
    file = STACKS / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    with file.open("w", encoding="utf-8") as out:
        for process in processes:
            for command in (
                [Path(sys.executable).with_name("py-spy"), "dump", "--pid", process.pid],
                ["gdb", "-p", process.pid, "-batch", "-ex", "thread apply all backtrace"],
            ):
                out.write(f"\n$ {' '.join(map(str, command))}\n")
                out.flush()
                try:
                    subprocess.run([*map(str, command)], stdout=out, stderr=out, timeout=60)
                except (OSError, subprocess.TimeoutExpired) as error:
                    out.write(f"{error}\n")
    return file


def check(path):
    """Run one lesson and print what came; return whether it holds."""
    lesson = Lesson(path)
    passed = lesson.run()
    words = [
        f"{path.stem:34} {time.perf_counter() - lesson.start:4.0f} s",
        f"(stated {stated_seconds(read(path))} s alone), {lesson.memory:.2f} GB",
    ]
    if lesson.memory > MEMORY:
        words.append(f": MORE THAN {MEMORY} GB")
    elif lesson.memory > AIM:
        words.append(f": above {AIM} GB")
    if lesson.hung:
        words.append(f": HUNG, its threads are in {lesson.hung.relative_to(ROOT)}")
    print(*words, *([] if passed else ["\n" + lesson.printed]), flush=True)
    return passed and lesson.memory <= MEMORY


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
