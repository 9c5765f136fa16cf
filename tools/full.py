"""Run the MNIST lessons at full scale and write the table beside the published figures.

Usage: full.py NOTEBOOK...     (`make full`)

Each lesson runs with OPTLAB_SCALE=full; it is saved in build/full/, away from the lessons. As soon
as an experiment is finished its figures are written to full/C2.json and so on, and the table to
full/README.md. It may be stopped and started again: the runs of a finished sweep are kept in
build/full/, and found again as long as its cell, its data and the modules that train are the same.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
import numpy as np
from lessons import ROOT
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from published import EXPLAINED, PUBLISHED

sys.path.insert(0, str(ROOT))
from optlab.figures import write_atomically  # noqa: E402

FOLDER, WORK = ROOT / "full", ROOT / "build" / "full"
TRAINS = ("data", "models", "schedules", "updates", "ensemble", "runs", "sweep", "callbacks")
NAMES = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn")

# Runs in the lesson's kernel, before its first cell: sweep() keeps its runs, and _finished() writes
# what an experiment has shown.
PRELUDE = """
import hashlib, inspect, json, os, pathlib, time
import joblib, numpy as np, optlab
from joblib.externals import cloudpickle

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


def prepare(notebook):
    """Return a copy of a lesson that keeps its runs and shows the figures of its experiments."""
    digest = hashlib.sha256()
    for name in TRAINS:
        digest.update((ROOT / "optlab" / f"{name}.py").read_bytes())
    notebook = nbformat.from_dict(json.loads(json.dumps(notebook)))
    cells = [new_code_cell(PRELUDE.format(work=str(WORK), trains=digest.hexdigest()))]
    for cell in notebook.cells:
        cells.append(cell)
        for tag in cell.metadata.get("tags", []):
            experiment = tag.removeprefix("experiment:")
            if tag.startswith("experiment:") and PUBLISHED.get(experiment):
                cells.append(new_code_cell(f"_finished({experiment!r}, {PUBLISHED[experiment]!r})"))
    notebook.cells = cells
    return notebook


def store(cell, commit, data):
    """Write the figures that a finished experiment printed to its file."""
    for output in cell.outputs:
        for line in output.get("text", "").splitlines():
            if line.startswith("optlab-full "):
                experiment, rows = json.loads(line.removeprefix("optlab-full "))
                found = dict(
                    experiment=experiment, date=time.strftime("%Y-%m-%d"), commit=commit, data=data,
                    versions={name: version(name) for name in NAMES}, python=sys.version.split()[0],
                    machine=f"{platform.machine()}, {os.cpu_count()} cores", figures=rows,
                )  # fmt: skip
                path = FOLDER / f"{experiment}.json"
                write_atomically(path, (json.dumps(found, indent=1) + "\n").encode())
                write_atomically(FOLDER / "README.md", table().encode())
                print(f"{experiment}: written", flush=True)


def run(path, commit):
    """Run one lesson at full scale, write each experiment as it ends, and save the notebook."""
    notebook = prepare(nbformat.read(path, as_version=4))
    client = NotebookClient(
        notebook, timeout=None, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_executed=lambda cell, **_: store(cell, commit, "MNIST"),
    )  # fmt: skip
    environment = {"OPTLAB_SCALE": "full", "PYTEST_CURRENT_TEST": "full", "PYTHONPATH": str(ROOT)}
    try:
        client.execute(env=os.environ | environment)
    finally:
        write_atomically(WORK / path.name, nbformat.writes(notebook).encode())


def table():
    """Return the page: published against ours, in Markdown."""
    files = [FOLDER / f"{name}.json" for name in PUBLISHED]
    done = [json.loads(file.read_text()) for file in files if file.exists()]
    lines, apart = [], []
    for found in done:
        lines += [f"\n## {found['experiment']}\n", f"{found['date']}, commit {found['commit']}\n",
                  "| figure | published | ours, mean | sd | runs | apart |",
                  "|---|---|---|---|---|---|"]  # fmt: skip
        for what, published, values in found["figures"]:
            if isinstance(values, str):
                lines.append(f"| {what} | {published} | {values} | | | |")
                continue
            mean, sd = np.mean(values), np.std(values, ddof=1) if len(values) > 1 else 0.0
            difference = abs(mean - published)
            far = difference > max(2 * sd, 0.0005)
            if far:
                reason = EXPLAINED.get(f"{found['experiment']}: {what}") or EXPLAINED.get(
                    found["experiment"], "not explained yet"
                )
                apart.append(f"- {found['experiment']}, {what}: {reason}")
            lines.append(f"| {what} | {published:g} | {mean:.4g} | {sd:.2g} | {len(values)} | "
                         f"{'yes' if far else ''} |")  # fmt: skip
    versions = done[-1]["versions"] if done else {}
    return "\n".join(
        ["# The published protocols in full\n",
         "Written by `make full` on MNIST; "
         + ", ".join(f"{n} {v}" for n, v in versions.items())
         + ". The published figures are single runs on old versions, and most validate on the test "
         "images; so do ours here. *Apart*: the published figure lies further from our mean than "
         "twice the spread (sd) of our runs."]
        + lines + ["\n## What lies apart, and why\n"] + apart
    ) + "\n"  # fmt: skip


def main(paths):
    FOLDER.mkdir(exist_ok=True)
    WORK.mkdir(parents=True, exist_ok=True)
    if not os.environ.get("OPTLAB_DATA"):
        sys.exit("Set OPTLAB_DATA to a folder with MNIST: a stand-in has no published figures.")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT,
                            capture_output=True, text=True).stdout.strip()  # fmt: skip
    failed = []
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
