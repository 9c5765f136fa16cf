"""Train many models at once: runs of a kind are cut into chunks, and threads train the chunks.

The models and optimizers that it cannot train exactly as `model.fit` would, it refuses.
"""

import contextlib
import ctypes
import gc
import threading
import warnings
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import zip_longest

import joblib
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from . import exact
from .chunk import Chunk, filled, train_chunk
from .exact import CALLBACKS, scheduled  # noqa: F401
from .program import RUNS, CannotCompile, number_of_weights, program
from .seeds import first_weights, initial_model, sample_order  # noqa: F401

MAX_MEMORY = 2**30  # bytes of weights, optimizer state and activations trained at once


def refusals(plans):
    """Return for each plan why it cannot be trained exactly as Keras would, or None."""
    models, reasons = {}, []
    for plan in plans:
        key = id(plan.template), plan.batch_size
        if key not in models:
            models[key] = exact.refuse_model(plan)
        reasons.append(
            models[key]
            or exact.refuse_optimizer(plan.sample)
            or exact.refuse_callbacks(plan.callbacks())
        )
    return reasons


def train(plans, seeds, max_memory=MAX_MEMORY, weights=True):
    """Train all plans from all seeds.

    Without `weights` the trained weights, which take room, are not among the results.

    Returns
    -------
    dict of (setting's position, seed) to dict of str to array of shape (looks,)
    """
    chunks = _chunks(_with_samples(plans), seeds, max_memory)
    results, errors = {}, []
    try:
        total = len(seeds) * sum(plan.looks for plan in plans)
        for result in _in_threads(chunks, total):
            if isinstance(result, Exception):
                errors.append(result)
            else:
                results |= {
                    run: {k: v for k, v in found.items() if weights or k != "weights"}
                    for run, found in result.items()
                }
    except KeyboardInterrupt:
        if not results:
            raise
        warnings.warn(interrupted(len(results), len(plans) * len(seeds)), stacklevel=4)
    _give_memory_back()
    refused = [error for error in errors if isinstance(error, CannotCompile)]
    if refused or (errors and not results):
        raise (refused or errors)[0]
    if errors:  # what was computed is not lost to a part that failed
        reason = f"Failed with {type(errors[0]).__name__} ({errors[0]})"
        warnings.warn(interrupted(len(results), len(plans) * len(seeds), reason), stacklevel=4)
    return results


def _in_threads(chunks, total):
    """Train chunks in threads; yield the results of each, or the exception that ended it."""
    shared = _Shared()
    stop = threading.Event()
    done = [0] * len(chunks)  # looks x runs, told by the threads and shown by this one
    pool = ThreadPoolExecutor(max_workers=joblib.cpu_count())
    jobs = set()
    try:
        for i, chunk in enumerate(chunks):  # the first ones train while the next are prepared
            shared.prepare(chunk)
            jobs.add(pool.submit(train_chunk, chunk, shared, stop, done, i))
        with tqdm(total=total, desc="training", unit="look", delay=1, leave=False) as bar:
            while jobs:
                finished, jobs = wait(jobs, timeout=0.2, return_when=FIRST_COMPLETED)
                for job in sorted(finished, key=lambda job: job.exception() is not None):
                    failed = isinstance(job.exception(), Exception)
                    yield job.exception() if failed else job.result()
                bar.update(sum(done) - bar.n)
    finally:  # an interrupt does not wait: threads end by themselves after their present call
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _give_memory_back():
    """Return to the system what a sweep no longer needs; Linux keeps it for the process."""
    gc.collect()  # models hold themselves in circles
    with contextlib.suppress(AttributeError, OSError, TypeError):  # other systems
        ctypes.CDLL(None).malloc_trim(0)


def interrupted(done, total, reason="Interrupted"):
    """Return what a sweep says when it could not finish."""
    return f"{reason}: {done} of {total} runs are finished, the others are NaN."


# ---- what is trained together ----------------------------------------------------------------


def _with_samples(plans):
    """Return the plans with what is left behind when plans are sent to another process."""
    built = {}
    for plan in plans:
        if plan.template is None and plan.model_key not in built:
            built[plan.model_key] = initial_model(plan, 0)
    return [
        replace(plan, template=built[plan.model_key], sample=plan.optimizer())
        if plan.template is None
        else plan
        for plan in plans
    ]


def _groups(plans):
    """Return lists of positions of the plans that one program can train together."""
    groups, texts = {}, {}
    for i, plan in enumerate(plans):
        if id(plan.template) not in texts:
            texts[id(plan.template)] = exact.structure(plan.template)
        key = (
            texts[id(plan.template)], exact.read_optimizer(plan.sample).kind, id(plan.dataset),
            plan.batch_size, plan.updates_per_look, plan.looks, exact.stops_at_nan(plan),
        )  # fmt: skip
        groups.setdefault(key, []).append(i)
    # the longest first, so that no thread waits for it at the end
    return sorted(groups.values(), key=lambda g: -plans[g[0]].looks * plans[g[0]].updates_per_look)


def _chunks(plans, seeds, max_memory):
    """Cut all runs into chunks, those of different programs in turn.

    So that two threads compile two programs at once where there are two.
    """
    cut, groups = [], _groups(plans)
    for group in groups:
        runs = [(i, seed) for seed in seeds for i in group]
        most = len(runs) if len(groups) > 1 else -(-len(runs) // 2)  # work for two threads
        width = _width(plans[group[0]], most, max_memory)
        compiled = program(plans[group[0]])
        parts = [runs[first : first + width] for first in range(0, len(runs), width)]
        cut.append([Chunk([plans[i] for i, _ in p], p, compiled, width) for p in parts])
    return [chunk for turn in zip_longest(*cut) for chunk in turn if chunk is not None]


def _width(plan, most, max_memory):
    """Return how many runs a program trains: the same on every machine, whatever its cores."""
    widths = sum(int(np.prod(layer.output.shape[1:])) for layer in plan.template.layers)
    size = 4 * (6 * number_of_weights(plan.template) + 6 * plan.batch_size * widths)
    return max(1, min(RUNS, most, int(max_memory // size)))


class _Shared:
    """What several chunks need, made once: first weights, rates by schedule, tensors of data."""

    def __init__(self):
        self._weights, self._rates, self._tensors = {}, {}, {}

    def prepare(self, chunk):
        """Make what a chunk needs and is not there yet."""
        for plan, (_, seed) in zip(chunk.plans, chunk.runs, strict=True):
            if id(plan) not in self._rates:
                self._rates[id(plan)] = exact.planned_rates(plan, plan.sample)
            if (plan.model_key, seed) not in self._weights:
                self._weights[plan.model_key, seed] = first_weights(plan, seed)

    def weights(self, chunk):
        """Return one array (runs, ...) for each weight, as the runs' seeds start."""
        drawn = [
            self._weights[plan.model_key, seed]
            for plan, (_, seed) in zip(chunk.plans, chunk.runs, strict=True)
        ]
        return [filled(list(arrays), chunk.width) for arrays in zip(*drawn, strict=True)]

    def rates(self, plan):
        """Return the rates of all updates, or None where a plain number sets them."""
        return self._rates[id(plan)]

    def tensors(self, dataset, part):
        """Return the inputs and labels of a part of a data set as tensors."""
        arrays = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
        key = tuple((a.ctypes.data, a.strides, a.shape) for a in arrays)
        if key not in self._tensors:  # folds of one set share its test images
            self._tensors[key] = tuple(map(tf.constant, arrays))
        return self._tensors[key]
