"""Run lessons with one factor changed at a time and write the table of verdicts.

Usage: replicate.py NOTEBOOK...     (`make replicate`)

The baseline is what the committed lessons show, which nbval checks. Resumable: what was run with
the same code, in the lesson and in the modules that train, is not run again. After every lesson
replication/results.json and replication/README.md are written anew.
"""

import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
from falsify import falsify
from lessons import (
    LESSONS,
    ROOT,
    code_commit,
    code_digest,
    read,
    source,
    stored_claims,
    trains_digest,
)
from nbclient import NotebookClient

sys.path.insert(0, str(ROOT))
from optlab.figures import write_atomically  # noqa: E402

ONE_THREAD = dict.fromkeys(
    ["TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT"],
    "1",
)
POINTS = "other points"  # concerns only the claims that are about any draw of the points
FACTORS = {
    "baseline": None,
    "seeds 1000 …": {"OPTLAB_SEED": "1"},
    POINTS: {"OPTLAB_DRAW": "1"},
    "not MNIST": {"OPTLAB_DATA": "", "KERAS_HOME": "/dev/null/none"},
    "one thread": ONE_THREAD,
    "oneDNN off": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "seeds 2000 …": {"OPTLAB_SEED": "2"},
}
NEEDS = {POINTS: "load_blobs(", "not MNIST": "load_mnist("}  # other lessons stay the same
FOLDER = ROOT / "replication"
SHORT = {"supported": "S", "contradicted": "C", "undecided": "U", "true": "true", "false": "false"}


def uses(path, function):
    return any(function in source(cell) for cell in read(path)["cells"])


def verdicts(path, environment):
    """Run a lesson in an environment and return its claims, without their effects."""
    notebook = nbformat.read(path, as_version=4)
    if environment is not None:
        NotebookClient(
            notebook, timeout=900, kernel_name="python3", record_timing=False,
            resources={"metadata": {"path": str(path.parent)}},
        ).execute(env=os.environ | {"PYTEST_CURRENT_TEST": "replicate"} | environment)  # fmt: skip
    return [{k: v for k, v in c.items() if k != "effect"} for c in stored_claims(notebook)]


def flips(base, claim, factor):
    """Return whether a verdict changed although the claim says that it would not."""
    about_points = factor == POINTS and "draw" not in claim.get("over", "draw")
    return claim["verdict"] != base["verdict"] and not about_points


def table(results):
    """Return the page of verdicts, in Markdown."""
    runs, flipped, moved, count = [], [], [], 0
    for path in LESSONS:
        own = results.get(path.stem, {})
        if "baseline" not in own:
            continue
        code = code_digest(read(path))
        own = {f: r for f, r in own.items() if r["code"] == code}
        if "baseline" not in own:
            continue
        factors = [f for f in FACTORS if f not in NEEDS or uses(path, NEEDS[f])]
        before = any(r["trains"] != trains_digest() for r in own.values())
        commits = ", ".join(sorted({r["commit"] for r in own.values()}))
        late = ", before the last change of the modules that train" if before else ""
        runs += [f"\n## {path.stem}\n", f"Run at commit {commits}{late}.\n",
                 f"| claim | over | {' | '.join(factors)} |",
                 "|" + "---|" * (len(factors) + 2)]  # fmt: skip
        for i, base in enumerate(own["baseline"]["claims"]):
            row = []
            for factor in factors:
                claim = own[factor]["claims"][i] if factor in own else None
                row.append(SHORT[claim["verdict"]] if claim else "not run")
                if claim and claim["verdict"] != base["verdict"]:
                    changed = flips(base, claim, factor)
                    row[-1] = f"**{row[-1]}**" if changed else f"({row[-1]})"
                    (flipped if changed else moved).append(f"{path.stem}: {base['sentence']}")
            count += 1
            runs.append(f"| {base['sentence']} | {base.get('over', '')} | {' | '.join(row)} |")
    done = [r for own in results.values() for r in own.values()]
    mutated = [falsify(stored_claims(read(path))) for path in LESSONS]
    tried, left = sum(n for _, n in mutated), sum(len(found) for found, _ in mutated)
    names = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn")
    head = [
        "# Do the verdicts hold?\n",
        f"Written by `make replicate`; {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, {', '.join(f'{n} {version(n)}' for n in names)}; "
        f"run {min(r['date'] for r in done)} to {max(r['date'] for r in done)}.\n",
        "Each column runs the lessons again with one thing changed: other seeds, one thread, "
        "TensorFlow without oneDNN, other points from the same clouds (`OPTLAB_DRAW=1`), the "
        "stand-in in place of MNIST. "
        "S: supported, C: contradicted, U: undecided; facts are true or false.\n",
        f"**{count} claims and facts; {len(flipped)} flips.** "
        f"A flip (in bold) is a verdict that changes although its claim covers the change. A claim "
        f"over new seeds on this data covers no other points: where those change it, the "
        f"verdict stands in brackets ({len(moved)} times) and is no flip.",
        f"\nCould they have failed? Of {tried} mutations of the stored effects (settings swapped, "
        f"signs turned, shifted by twice the margin) {tried - left} change the verdict "
        "(tests/test_lessons_claims.py).",
    ]
    return "\n".join(head + [f"\nFlip: {line}" for line in flipped] + runs) + "\n"


def main(paths):
    FOLDER.mkdir(exist_ok=True)
    store = FOLDER / "results.json"
    results = json.loads(store.read_text()) if store.exists() else {}
    if not os.environ.get("OPTLAB_DATA") and any(uses(Path(p), "load_mnist(") for p in paths):
        sys.exit("Set OPTLAB_DATA to a folder with MNIST: the lessons' outputs come from it.")
    commit = code_commit()
    for factor, environment in FACTORS.items():
        for path in (Path(p).resolve() for p in paths):
            if factor in NEEDS and not uses(path, NEEDS[factor]):
                continue
            own = results.setdefault(path.stem, {})
            state = dict(code=code_digest(read(path)), trains=trains_digest())
            if own.get(factor, {}).items() >= state.items():
                continue
            start = time.perf_counter()
            claims = verdicts(path, environment)
            seconds = time.perf_counter() - start
            own[factor] = dict(state, date=time.strftime("%Y-%m-%d"), commit=commit, claims=claims)
            write_atomically(store, (json.dumps(results, indent=1) + "\n").encode())
            write_atomically(FOLDER / "README.md", table(results).encode())
            print(f"{factor}: {path.stem} {seconds:.0f} s", flush=True)
    page = table(results)
    write_atomically(FOLDER / "README.md", page.encode())
    print(next(line for line in page.splitlines() if "flips" in line))
    return 0 if " 0 flips" in page else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
