"""The exercises as tests see them: their cells, submissions made from them, marks in process."""

import ast
import contextlib
import functools
import io
import json
import os
import symtable
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np

COURSE = Path(__file__).resolve().parents[2] / "notebooks" / "exercises"
sys.path.insert(0, str(COURSE))
from variants import filled  # noqa: E402

ASSIGNMENTS = sorted(path.name for path in (COURSE / "source").iterdir() if path.is_dir())
if os.environ.get("ASSIGNMENTS"):  # make grading ASSIGNMENTS=... for some of them
    ASSIGNMENTS = os.environ["ASSIGNMENTS"].split()


def source_path(assignment):
    return COURSE / "source" / assignment / f"{assignment}.ipynb"


def read(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Cell:
    """A code cell; `points` is None for one that is not graded by itself."""

    name: str
    source: str
    points: float | None = None


def source(assignment, seed=None):
    """Return an assignment's source with the numbers of a class, VARIANT=... from outside."""
    seed = os.environ.get("VARIANT", "") if seed is None else seed
    return filled(read(source_path(assignment)), assignment, seed)


def code_cells(assignment, seed=None):
    """Return the code cells of an assignment's source, with its solutions and hidden tests."""
    return [
        Cell(c["id"], "".join(c["source"]), c["metadata"]["nbgrader"].get("points"))
        for c in source(assignment, seed)["cells"]
        if c["cell_type"] == "code"
    ]


def submit(notebook, changes):
    """Return a notebook with other sources in the cells that `changes` names.

    The new source is given, or made by a function of the old one; None removes the cell.
    """
    assert set(changes) <= {c["id"] for c in notebook["cells"]}, changes
    cells = []
    for cell in notebook["cells"]:
        change = changes.get(cell["id"], cell["source"])
        new = change("".join(cell["source"])) if callable(change) else change
        if new is not None:
            cells.append({**cell, "source": new})
    return {**notebook, "cells": cells}


def replaced(old, new):
    """Return a change that replaces a part of the reference solution, which must be there."""

    def change(source):
        assert old in source, f"{old!r} is not in\n{source}"
        return source.replace(old, new)

    return change


# ---- marks in process ------------------------------------------------------------------------


class Marker:
    """Run an assignment's cells in this process, as a kernel would, and see which tests fail.

    A submission differs from the reference in a few cells. Only these run again, and the cells
    that use a name which they, or another cell that ran again, have set.

    `stand_ins` gives, for a cell's name, a function of the namespace that returns what replaces
    some of its values from that cell on: a faster function that does the same, say.
    """

    def __init__(self, assignment, stand_ins=None, seed=None):
        self.cells = code_cells(assignment, seed)
        self.stand_ins = stand_ins or {}
        self.namespace, self.steps = {"__name__": "__main__"}, {}
        used_later, self.shown = set(), set()  # cells to look at: no test needs what they set
        for cell in reversed(self.cells):
            bound, used = names(cell.source)
            if cell.points is None and not bound & used_later:
                self.shown.add(cell.name)
            used_later |= used
        for cell in self.cells:
            error = self.run(cell, cell.source, self.namespace)
            bound, _ = names(cell.source)
            kept = {name: self.namespace[name] for name in bound & set(self.namespace)}
            self.steps[cell.name] = (kept, error)
            if cell.name in self.stand_ins:
                self.namespace |= self.stand_ins[cell.name](self.namespace)

    def run(self, cell, source, namespace):
        return run(source, namespace, each_check=cell.points is not None)

    def errors(self, changes=None, first=None, again=None, trusted=False):
        """Return what went wrong by test cell: None, or the error.

        `first` holds values that replace what the first cell, the setup, has set. With `again`
        they do so only in the cells that run again for another reason. With `trusted`, stand-ins
        replace what a changed cell has set, too, once the cells that test it have run.
        """
        changes, first = changes or {}, first or {}
        unknown = set(changes) - {cell.name for cell in self.cells}
        assert not unknown, unknown
        namespace, dirty, found = {"__name__": "__main__"}, set(), {}
        for i, cell in enumerate(self.cells):
            change = changes.get(cell.name, cell.source)
            source = change(cell.source) if callable(change) else change
            if cell.name in self.shown and source == cell.source:
                continue
            bound, used = names(cell.source)
            bound_now, used_now = names(source)
            kept, error = self.steps[cell.name]
            if source != cell.source or (used | used_now) & dirty:
                dirty |= bound | bound_now
                error = self.run(cell, source, namespace)
                if trusted and cell.name in self.stand_ins:
                    stand_ins = self.stand_ins[cell.name](namespace)
                    namespace |= stand_ins
                    dirty -= set(stand_ins)
            else:
                namespace |= kept
                if cell.name in self.stand_ins:
                    namespace |= self.stand_ins[cell.name](namespace)
                dirty -= bound  # set to the reference's value again
            if i == 0:
                namespace |= first | (again or {})
                dirty |= set(first)
            if cell.points is not None:
                found[cell.name] = error
        return found


def run(source, namespace, each_check=False):
    """Run a cell and return its error, or None; a test's cell goes on after a failed check."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            tree = ast.parse(source)
            if each_check:
                tree = checker().visit(tree)
            exec(compile(tree, "<cell>", "exec"), namespace)
    except (Exception, SystemExit) as error:
        return error
    return None


@functools.cache
def checker():
    """Return what the grader puts into a kernel before it runs a submission."""
    shell = types.SimpleNamespace(user_ns={}, ast_transformers=[])
    exec((COURSE / "each_check.py").read_text("utf-8"), {"get_ipython": lambda: shell})
    shell.ast_transformers[0].on = True
    return shell.ast_transformers[0]


def names(source):
    """Return the names that a cell sets, and those it uses from other cells, at any depth."""
    try:
        top = symtable.symtable(source, "<cell>", "exec")
    except SyntaxError:
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
    return bound, used - bound


# ---- stand-ins: the same, faster ---------------------------------------------------------------


def trained_once():
    """Stand in for `experiment` of assignment 5: the same runs, trained for the first answer."""
    kept = []

    def stand_in(namespace):
        train = namespace["experiment"]

        def experiment():
            if not kept:
                kept.append(train())
            return kept[0]

        return {"experiment": experiment}

    return stand_in


KEPT_MODELS = {}  # what quick_train has trained


@functools.cache
def built_weights(build, seed):
    import keras

    keras.utils.set_random_seed(seed)
    return [np.array(w) for w in build().get_weights()]


def quick_train(namespace):
    """Stand in for `train` of assignment 1, in numpy: the same training, many times as fast."""

    build = namespace["build_model"]

    def train(x, y, learning_rate, batch_size=32, momentum=0.0, epochs=4, seed=0):
        key = (
            build,
            hash(x.tobytes()),
            hash(y.tobytes()),
            *map(float, (learning_rate, batch_size, momentum, epochs)),
            seed,
        )
        if key not in KEPT_MODELS:
            KEPT_MODELS[key] = trained(x, y, learning_rate, batch_size, momentum, epochs, seed)
        return QuickModel(KEPT_MODELS[key])

    def trained(x, y, learning_rate, batch_size, momentum, epochs, seed):
        weights = [w.copy() for w in built_weights(build, seed)]
        chance = np.random.default_rng(seed)
        speed = [np.zeros_like(w) for w in weights]
        for _ in range(epochs):
            order = chance.permutation(len(x))
            for start in range(0, len(x), batch_size):
                some = order[start : start + batch_size]
                hidden, out = forward(weights, x[some])
                out[np.arange(len(some)), y[some]] -= 1
                out /= len(some)
                back = (out @ weights[2].T) * (hidden > 0)
                slopes = x[some].T @ back, back.sum(0), hidden.T @ out, out.sum(0)
                for w, v, g in zip(weights, speed, slopes, strict=True):
                    v *= momentum
                    v -= learning_rate * g
                    w += v
        return weights

    return {"train": train}


def quick_train_epoch(namespace):
    """Stand in for `train_epoch` of assignment 7, in numpy: the same updates, as fast as arrays.

    Weights, Adam's means and its count are read from the model and written back to it.
    """
    blobs, slow = namespace["blobs"], namespace["train_epoch"]
    updates, size = namespace["UPDATES"], namespace["BATCH_SIZE"]

    def train_epoch(model, epoch, seed=0):
        adam = model.optimizer
        fall = adam.get_config()["learning_rate"]
        if type(adam) is not namespace["keras"].optimizers.Adam or not isinstance(fall, dict):
            return slow(model, epoch, seed)
        adam.build(model.trainable_variables)
        first, steps = fall["config"]["initial_learning_rate"], fall["config"]["decay_steps"]
        names = [v.path.rsplit("_", 1)[-1] for v in adam.variables]
        variables = [model.trainable_variables] + [
            [v for v, name in zip(adam.variables, names, strict=True) if name == kind]
            for kind in ("momentum", "velocity")
        ]
        weights, mean, square = ([np.array(v) for v in some] for some in variables)
        b1, b2, done = adam.beta_1, adam.beta_2, int(adam.iterations)
        order, losses = np.random.default_rng([seed, epoch]).permutation(len(blobs.x_train)), []
        for t, some in enumerate(order[: updates * size].reshape(updates, size), start=done):
            rate = first * (1 + np.cos(np.pi * min(t / steps, 1))) / 2
            rate *= np.sqrt(1 - b2 ** (t + 1)) / (1 - b1 ** (t + 1))
            hidden, out = forward(weights, blobs.x_train[some])
            own = np.arange(size), blobs.y_train[some]
            losses.append(-np.log(np.clip(out[own], 1e-7, 1 - 1e-7)).mean())
            out[own] -= 1
            out /= size
            back = (out @ weights[2].T) * (hidden > 0)
            slopes = blobs.x_train[some].T @ back, back.sum(0), hidden.T @ out, out.sum(0)
            for w, m, v, g in zip(weights, mean, square, slopes, strict=True):
                m += np.float32(1 - b1) * (g - m)
                v += np.float32(1 - b2) * (g**2 - v)
                w -= np.float32(rate) * m / (np.sqrt(v) + np.float32(adam.epsilon))
        adam.iterations.assign(done + updates)
        for some, values in zip(variables, (weights, mean, square), strict=True):
            for variable, value in zip(some, values, strict=True):
                variable.assign(value)
        return float(np.mean(losses))

    return {"train_epoch": train_epoch}


def quick_first_weights(plan, seed):
    """Stand in for `ensemble.first_weights`: the same, without building a model.

    Building one takes 30 ms, and 20 other sets of seeds need thousands.
    """
    shapes = tuple((tuple(w.kernel.shape), tuple(w.bias.shape)) for w in plan.template.layers)
    return drawn_weights(initializers(plan.template), shapes, seed)


def initializers(model):
    """Return what decides the first weights of a model's layers, without their seeds."""
    found = []
    for layer in model.layers:
        config = layer.kernel_initializer.get_config() | {"seed": None}
        found.append((type(layer.kernel_initializer), json.dumps(config)))
    return tuple(found)


@functools.cache
def drawn_weights(initializers, shapes, seed):
    import keras  # which the tests of nbgrader need not wait for

    keras.utils.set_random_seed(seed)
    # each draws its seed when it is made, its values later
    made = [kind.from_config(json.loads(config)) for kind, config in initializers]
    return [
        weights
        for kernel, (shape, width) in zip(made, shapes, strict=True)
        for weights in (np.array(kernel(shape)), np.zeros(width, "float32"))
    ]


class KeptRuns:
    """Stand in for `ensemble.train`: a run that was trained before is given again.

    A run is known by all that its numbers follow from. One with callbacks is trained anew, unless
    `schedules` says that a callback's schedule may be asked for its rates once more. `pool` holds
    sets of seeds that will be asked for one after the other: where a seed of one set must be
    trained, the seeds at its place in all sets are trained with it, which costs less.
    """

    def __init__(self, train, schedules=False, pool=()):
        self.train, self.schedules, self.pool, self.kept = train, schedules, pool, {}

    def __call__(self, plans, seeds, weights=True):
        keys = [self.key(plan) for plan in plans]
        new = [i for i, key in enumerate(keys) if key is None
               or any((key, seed) not in self.kept for seed in seeds)]  # fmt: skip
        lacking = [s for s in seeds if any((keys[i], s) not in self.kept for i in new)]
        results = {}
        if new:
            places = sorted({s.index(seed) for s in self.pool for seed in lacking if seed in s})
            lacking = list(dict.fromkeys([*lacking, *(s[i] for s in self.pool for i in places)]))
            found = self.train([plans[i] for i in new], lacking, weights=True)
            results = {(new[i], seed): run for (i, seed), run in found.items()}
            more = {(keys[i], s): run for (i, s), run in results.items() if keys[i]}
            self.kept = more | self.kept  # what was given once stays as it was, to the last digit
        for i, key in enumerate(keys):
            if key is not None:
                results |= {(i, seed): self.kept[key, seed] for seed in seeds}
        results = {(i, seed): run for (i, seed), run in results.items() if seed in seeds}
        if not weights:
            return {at: {k: v for k, v in run.items() if k != "weights"}
                    for at, run in results.items()}  # fmt: skip
        return results

    def key(self, plan):
        """Return what a plan's numbers follow from, but for the seed; None if that is not known."""
        from optlab import exact

        rates = [exact.planned_rates(plan, plan.sample)]
        for callback in plan.callbacks():
            if type(callback).__name__ != "LearningRateScheduler" or not self.schedules:
                return None
            rates.append([callback.schedule(epoch) for epoch in range(plan.looks)])
        data = plan.dataset
        arrays = [data.x_train, data.y_train, data.x_val, data.y_val, data.x_test, data.y_test]
        config = {k: repr(v) for k, v in plan.sample.get_config().items() if k != "name"}
        return (
            joblib.hash(arrays), exact.structure(plan.template), initializers(plan.template),
            type(plan.sample), json.dumps(config), str([np.asarray(r).tolist() for r in rates]),
            plan.batch_size, plan.looks, plan.updates_per_look, plan.updates_per_epoch, plan.test,
        )  # fmt: skip


def forward(weights, x):
    """Return what the hidden layer and the output of a network with one hidden layer say."""
    w1, b1, w2, b2 = weights
    hidden = np.maximum(x @ w1 + b1, 0)
    out = hidden @ w2 + b2
    out = np.exp(out - out.max(axis=1, keepdims=True))
    return hidden, out / out.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class QuickModel:
    """What `quick_train` returns: like a Keras model, it is called with samples."""

    weights: list

    def get_weights(self):
        return self.weights

    def __call__(self, x):
        return forward(self.weights, x)[1]
