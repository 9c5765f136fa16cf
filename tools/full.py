"""Run the MNIST lessons at full scale and write the table beside the published figures.

Usage: full.py NOTEBOOK...     (`make full`)

Each lesson runs with OPTLAB_SCALE=full, without the solutions of its exercises; it is saved in
build/full/, away from the lessons. As soon as an experiment is finished its figures are written to
full/C2.json and so on, the verdicts of a finished lesson to full/verdicts.json, and the table to
full/README.md. It may be stopped and started again: a finished lesson is not run again as long as
its cells and the modules that train are the same, nor is a finished sweep (kept in build/full/) of
a lesson that was stopped.
"""

import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
import numpy as np
from lessons import ROOT, code_commit, code_digest, is_solution, read, stored_claims, trains_digest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from published import CHANGED, EXPLAINED, PUBLISHED
from scipy import stats

sys.path.insert(0, str(ROOT))
from optlab.figures import write_atomically  # noqa: E402

FOLDER, WORK = ROOT / "full", ROOT / "build" / "full"
NAMES = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn")

# Runs in the lesson's kernel, before its first cell: sweep() keeps its runs, and _finished() writes
# what an experiment has shown.
PRELUDE = """
import hashlib, inspect, json, os, pathlib, time
import cloudpickle, joblib, numpy as np, optlab

def _kept(sweep, folder=pathlib.Path({work!r}), trains={trains!r}):
    calls = {{}}
    def kept_sweep(model, data, **named):
        cell = In[-1]
        calls[cell] = calls.get(cell, 0) + 1
        key = [trains, cell, calls[cell]]
        for part in (model, data):
            if isinstance(part, optlab.Dataset):
                key.append(joblib.hash([part.x_train, part.y_train, part.x_val, part.y_val]))
            else:
                key.append(inspect.getsource(part))
        path = folder / (hashlib.sha256(repr(key).encode()).hexdigest()[:20] + ".runs")
        if path.exists():
            return cloudpickle.loads(path.read_bytes())
        runs = sweep(model, data, **named)
        path.with_suffix(".part").write_bytes(cloudpickle.dumps(runs))
        os.replace(path.with_suffix(".part"), path)
        return runs
    return kept_sweep

optlab.sweep = _kept(optlab.sweep)

def _finished(experiment, rows):
    found = []
    for what, published, expression in rows:
        try:
            values = np.atleast_1d(np.asarray(eval(expression, globals()), "float64"))
            found.append([what, published, [float(f"{{v:.6g}}") for v in values.ravel()]])
        except Exception as error:
            found.append([what, published, f"{{type(error).__name__}}: {{error}}"])
    print("optlab-full", json.dumps([experiment, found]))
"""


def fingerprint(notebook):
    """Return what changes when a lesson's code or the modules that train change."""
    return f"{code_digest(notebook, solutions=False)} {trains_digest()}"


def prepare(notebook):
    """Return a copy of a lesson that keeps its runs and shows the figures of its experiments."""
    notebook = nbformat.from_dict(json.loads(json.dumps(notebook)))
    cells = [new_code_cell(PRELUDE.format(work=str(WORK), trains=trains_digest()))]
    for cell in notebook.cells:
        if is_solution(cell):
            continue  # an exercise's answer is not part of the published protocol
        cells.append(cell)
        for tag in cell.metadata.get("tags", []):
            experiment = tag.removeprefix("experiment:")
            if tag.startswith("experiment:") and PUBLISHED.get(experiment):
                cells.append(new_code_cell(f"_finished({experiment!r}, {PUBLISHED[experiment]!r})"))
    notebook.cells = cells
    return notebook


def made(commit):
    """Return when, with what and on what something was computed."""
    return dict(
        date=time.strftime("%Y-%m-%d"), commit=commit, python=sys.version.split()[0],
        versions={name: version(name) for name in NAMES},
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
    )  # fmt: skip


def write(name, found):
    """Write one result file and the table anew."""
    write_atomically(FOLDER / name, (json.dumps(found, indent=1) + "\n").encode())
    write_atomically(FOLDER / "README.md", table().encode())


def store(cell, commit):
    """Write the figures that a finished experiment printed to its file."""
    for output in cell.outputs:
        for line in output.get("text", "").splitlines():
            if line.startswith("optlab-full "):
                experiment, rows = json.loads(line.removeprefix("optlab-full "))
                write(f"{experiment}.json", made(commit) | {"figures": rows})
                print(f"{experiment}: written", flush=True)


def run(path, commit):
    """Run one lesson at full scale; write each experiment as it ends, then the verdicts."""
    lesson, verdicts = nbformat.read(path, as_version=4), kept_verdicts()
    wanted = [
        t.removeprefix("experiment:") for c in lesson.cells for t in c.metadata.get("tags", [])
    ]
    missing = [e for e in wanted if PUBLISHED.get(e) and not (FOLDER / f"{e}.json").exists()]
    if not missing and verdicts.get(path.stem, {}).get("fingerprint") == fingerprint(lesson):
        return
    notebook = prepare(lesson)
    client = NotebookClient(
        notebook, timeout=None, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_executed=lambda cell, **_: store(cell, commit),
    )  # fmt: skip
    environment = {"OPTLAB_SCALE": "full", "PYTEST_CURRENT_TEST": "full", "PYTHONPATH": str(ROOT)}
    try:
        client.execute(env=os.environ | environment)
    finally:
        write_atomically(WORK / path.name, nbformat.writes(notebook).encode())
    claims = [{k: v for k, v in c.items() if k != "effect"} for c in stored_claims(notebook)]
    own = made(commit) | {"fingerprint": fingerprint(lesson), "claims": claims}
    write("verdicts.json", kept_verdicts() | {path.stem: own})


def kept_verdicts():
    path = FOLDER / "verdicts.json"
    return json.loads(path.read_text()) if path.exists() else {}


def rows(experiment, figures):
    """Return an experiment's lines of the table, and what lies apart in it by reason."""
    lines, apart = [], {}
    for what, published, values in figures:
        if isinstance(values, str):
            lines.append(f"| {what} | {published:g} | {values} | | | |")
            continue
        n, mean = len(values), np.mean(values)
        sd = np.std(values, ddof=1) if np.ptp(values) else 0.0
        # where 95 % of single runs lie, given n of them; half a unit of the last published digit
        reach = stats.t.ppf(0.975, n - 1) * sd * np.sqrt(1 + 1 / n) if n > 1 else 0.0
        far = abs(mean - published) > max(reach, 0.0005)
        if far:
            reason = EXPLAINED.get((experiment, what)) or EXPLAINED.get(experiment)
            apart.setdefault(reason or "not explained yet.", []).append(what)
        lines.append(
            f"| {what} | {published:g} | {mean:.4g} | {sd:.2g} | {n} | {'yes' if far else ''} |"
        )
    return lines, apart


def verdict_lines():
    """Return the claims of finished lessons whose verdict differs from the lesson's."""
    lines, count, new = [], 0, 0
    for name, own in kept_verdicts().items():
        lesson = read(ROOT / "notebooks" / f"{name}.ipynb")
        kept = [c for c in lesson["cells"] if not is_solution(c)]
        full = {claim["sentence"]: claim for claim in own["claims"]}
        for here in stored_claims({"cells": kept}):
            there = full.get(here["sentence"])
            if there is None:  # written or reworded since
                new += 1
                continue
            count += 1
            if here["verdict"] != there["verdict"]:
                reason = CHANGED.get(here["sentence"], "not explained yet")
                lines.append(f"- {name[:2]}: *{here['sentence']}* is {here['verdict']} at lesson "
                             f"scale, {there['verdict']} at full scale: {reason}")  # fmt: skip
    lessons = ", ".join(name[:2] for name in kept_verdicts())
    same = count - len(lines)
    later = f" {new} are newer than the runs at full scale." if new else ""
    others = " The others:" if lines else ""
    return [f"\n## Verdicts\n\nOf {count} claims and facts of lessons {lessons}, {same} have at "
            f"full scale the verdict of the lesson.{later}{others}\n", *lines]  # fmt: skip


def table():
    """Return the page: published against ours, in Markdown."""
    done = {e: json.loads((FOLDER / f"{e}.json").read_text())
            for e in PUBLISHED if (FOLDER / f"{e}.json").exists()}  # fmt: skip
    lines, apart = [], []
    for experiment, found in done.items():
        lines += [f"\n## {experiment}\n",
                  f"{found['date']}, commit {found['commit']}, {found['machine']}\n",
                  "| figure | published | ours, mean | sd | runs | apart |",
                  "|---|---|---|---|---|---|"]  # fmt: skip
        own, own_apart = rows(experiment, found["figures"])
        lines += own
        apart += [f"- {experiment}, {'; '.join(w)}: {reason}" for reason, w in own_apart.items()]
    used = {f"{n} {v}" for found in done.values() for n, v in found["versions"].items()}
    return "\n".join([
        "# The published protocols in full\n",
        f"Written by `make full` on MNIST, with {', '.join(sorted(used))}. The published figures "
        "are single runs (of C8, parts 2 and 3, the highest and lowest of several; of C9, means of "
        "three folds) on old versions. Where a protocol validates on the test images, so do "
        "ours here, to be comparable. *Apart*: the published figure lies outside the range in "
        "which 95 of 100 single runs would lie, judging by ours (Student's prediction interval), "
        "and by more than 0.0005.",
        *lines, "\n## What lies apart, and why\n", *apart, *verdict_lines(),
    ]) + "\n"  # fmt: skip


def main(paths):
    FOLDER.mkdir(exist_ok=True)
    WORK.mkdir(parents=True, exist_ok=True)
    if not os.environ.get("OPTLAB_DATA"):
        sys.exit("Set OPTLAB_DATA to a folder with MNIST: a stand-in has no published figures.")
    commit, failed = code_commit(), []
    for path in (Path(p).resolve() for p in paths):
        start = time.perf_counter()
        try:
            run(path, commit)
        except Exception as error:  # the next lesson may still do
            failed.append(path.stem)
            print(f"{path.stem}: {error}", flush=True)
        print(f"{path.stem}: {time.perf_counter() - start:.0f} s", flush=True)
    write_atomically(FOLDER / "README.md", table().encode())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
