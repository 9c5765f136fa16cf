"""Train every setting from every seed: `sweep`."""

import itertools
import pickle
import time
import warnings
from dataclasses import replace

import joblib
import numpy as np
from tqdm.auto import tqdm

from . import chance, ensemble
from .callbacks import LearningRateMonitor
from .labels import unknown
from .plan import make_plan, read_seeds, read_settings
from .runs import Runs
from .schedule import Schedule
from .trained import Trained, compiled

ENGINES = ("auto", "ensemble", "keras")
LONG = 90  # seconds from which a sweep run by run says how long it will take


def sweep(
    model,
    data,
    *,
    optimizer=None,
    settings=None,
    schedule=None,
    callbacks=None,
    epochs=None,
    updates=None,
    every=None,
    batch_size=32,
    seeds=20,
    test=False,
    keep_weights=False,
    engine="auto",
    n_jobs=None,
):
    """Train all settings from all seeds and return what happened.

    Run *s* of every setting starts from the same weights (where the models are alike) and sees
    its samples in the same order, so that settings are compared seed by seed.

    Parameters
    ----------
    model : callable
        Builds an uncompiled Keras model that ends in softmax, such as `blobs_mlp`.
    data : Dataset or callable
        What to train on, or a function that returns it.
    optimizer : callable
        Builds a Keras optimizer, such as ``lambda: keras.optimizers.SGD(0.01)`` or the class.
        A function, since every run needs an optimizer of its own.
    settings : dict of lists, or list of dicts, optional
        What varies. A dict is a grid of all combinations; a dict in place of a list names its
        values. ``batch_size``, ``epochs``, ``updates``, ``schedule``, ``optimizer``, ``model``,
        ``data`` and ``callbacks`` replace the argument of that name; any other entry is handed
        to those functions among the arguments that have a parameter of its name (as are
        ``batch_size``, ``epochs`` and ``updates``: a schedule may depend on them). There, a
        function such as `keras.activations.relu` is a value like any other.
    schedule : Schedule or callable, optional
        The learning rate by update or epoch, in place of the optimizer's own; or a function
        that returns one.
    callbacks : callable, optional
        Returns a list of fresh Keras callbacks. Under a budget of updates they act at every
        look.
    epochs : int, optional
        Passes over the training data. Give either `epochs` or `updates`.
    updates : int, optional
        A budget of optimizer steps, equal for all batch sizes.
    every : int, optional
        With `updates`: how many updates lie between two looks at the validation set; divides
        `updates`.
    batch_size : int, default 32
        At most the number of training samples.
    seeds : int or list of int, default 20
        How many seeds (0, 1, ...; with ``OPTLAB_SEED=n`` in the environment 1000 n, 1000 n + 1,
        ...), or which.
    test : bool, default False
        Look at the test set, once, at the end of each run.
    keep_weights : bool, default False
        Keep the weights that each run ends with, for `Runs.model` and `Runs.weights`. They take
        4 bytes times settings, seeds and the model's parameters.
    engine : {"auto", "ensemble", "keras"}
        "keras" trains run by run with `model.fit`; "ensemble" trains all runs of a kind in one
        compiled program and refuses what it cannot do exactly; "auto" uses the ensemble and
        says when it falls back to Keras.
    n_jobs : int, optional
        How many processes share the work, as joblib counts them: by default one, or what
        `joblib.parallel_config` says, which also chooses other backends, such as a Dask cluster
        (but not "multiprocessing", which cannot copy a running TensorFlow).

    Returns
    -------
    Runs

    Raises
    ------
    ValueError, TypeError
        For anything that cannot be trained as asked, before any training.

    Notes
    -----
    Interrupted, it returns what is finished; the other runs are NaN. The global random
    generators of Python, numpy, Keras and TensorFlow are left as they were found.

    Examples
    --------
    >>> import keras, optlab as ol
    >>> runs = ol.sweep(ol.blobs_mlp, ol.load_blobs(), optimizer=keras.optimizers.SGD,
    ...                 settings={"learning_rate": [0.01, 0.1]}, epochs=2, batch_size=250, seeds=3)
    >>> runs["val_accuracy"].shape
    (2, 3, 2)
    """
    given = {
        "model": model, "data": data, "optimizer": optimizer, "callbacks": callbacks,
        "schedule": schedule, "batch_size": batch_size, "epochs": epochs, "updates": updates,
    }  # fmt: skip
    seeds = read_seeds(seeds)
    _check_choices(engine, test, keep_weights, n_jobs)
    settings, values = read_settings(settings)
    cache = {}
    plans = [make_plan({**given, **v}, v, every, test, cache) for v in values]
    start = time.perf_counter()
    results, used = _train(plans, seeds, engine, n_jobs, keep_weights)
    runs = _collect(results, plans, settings, seeds)
    if keep_weights:
        runs["trained"] = _trained(results, plans)
    return Runs(
        **runs,
        settings=settings,
        seeds=seeds,
        updates_per_look=[p.updates_per_look for p in plans],
        updates_per_epoch=[p.updates_per_epoch for p in plans],
        data=" / ".join(dict.fromkeys(p.dataset.name for p in plans)),
        fixed=_fixed(given, settings, plans),
        engine=used,
        seconds=time.perf_counter() - start,
    )


def _check_choices(engine, test, keep_weights, n_jobs):
    if engine not in ENGINES:
        raise ValueError(unknown("engine", engine, ENGINES))
    if not isinstance(test, bool):
        raise TypeError(f"test={test!r}: give True to look at the test set at the end, or False.")
    if not isinstance(keep_weights, bool):
        raise TypeError(f"keep_weights={keep_weights!r}: give True to keep them, or False.")
    if n_jobs is not None and (type(n_jobs) is not int or n_jobs == 0):
        raise ValueError(f"n_jobs={n_jobs!r}: give a number of processes, or -1 for all cores.")


def _fixed(given, settings, plans):
    """Return what all settings have in common, described briefly."""
    fixed = {k: _short(v) for k, v in given.items() if v is not None and k not in settings[0]}
    made = {type(plan.sample).__name__ for plan in plans}
    if "optimizer" in fixed and len(made) == 1:
        fixed["optimizer"] = made.pop()
    if isinstance(given["schedule"], Schedule):
        fixed["schedule"] = repr(given["schedule"])
    return fixed


def _short(value):
    """Describe a value briefly, for captions."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    text = getattr(value, "__name__", None)
    if text == "<lambda>":
        return "a function"
    return text or getattr(value, "name", None) or f"a {type(value).__name__}"


# ---- training --------------------------------------------------------------------------------


def _train(plans, seeds, engine, n_jobs, keep=False):
    """Return the results by (setting, seed) and the engine that was used."""
    if engine == "keras":
        return _train_keras(plans, seeds, n_jobs, keep), "keras"
    reasons = ensemble.refusals(plans)
    reason = next(filter(None, reasons), None)
    if engine == "ensemble" and reason:
        raise ValueError(_cannot(reason))
    together = [i for i, refused in enumerate(reasons) if not refused]
    results = {}
    if together:
        try:
            some = _train_together([plans[i] for i in together], seeds, n_jobs, keep)
            results = {(together[i], seed): found for (i, seed), found in some.items()}
            if len(results) < len(together) * len(seeds):  # interrupted: that ends the others, too
                return results, "ensemble"
        except ensemble.CannotCompile as error:
            reason, together = f"TensorFlow cannot compile the runs as one ({error}).", []
            if engine == "ensemble":
                raise ValueError(_cannot(reason)) from error
    alone = [i for i in range(len(plans)) if i not in together]
    if alone:
        some = f"{len(alone)} of {len(plans)} settings run " if together else "Run "
        print(f"{some}by run with Keras, as the ensemble cannot do this exactly: {reason}")
        try:
            some = _train_keras([plans[i] for i in alone], seeds, n_jobs, keep)
        except KeyboardInterrupt:
            if not results:
                raise
            some = {}
            warnings.warn(ensemble.interrupted(len(results), len(plans) * len(seeds)), stacklevel=3)
        results |= {(alone[i], seed): found for (i, seed), found in some.items()}
    return results, " and ".join(["ensemble"] * bool(together) + ["keras"] * bool(alone))


def _cannot(reason):
    return f'The ensemble engine cannot do this exactly: {reason} Give engine="auto" or "keras".'


def _train_together(plans, seeds, n_jobs, keep):
    """Train with the ensemble: here, or a share of the seeds in each of several processes."""
    processes = min(joblib.effective_n_jobs(n_jobs), len(seeds))
    if processes == 1:
        return ensemble.train(plans, seeds, weights=keep)
    sent = _sendable(plans)
    shares = [seeds[i::processes] for i in range(processes)]
    jobs = [joblib.delayed(ensemble.train)(sent, share, weights=keep) for share in shares]
    return _gather(jobs, len(plans) * len(seeds), n_jobs)


def _train_keras(plans, seeds, n_jobs, keep):
    """Train run by run with `model.fit`, in one process or several."""
    runs = [(i, seed) for i in range(len(plans)) for seed in seeds]
    if joblib.effective_n_jobs(n_jobs) > 1:
        plans = _sendable(plans)
    jobs = [joblib.delayed(_fit_one)(plans[i], i, seed, keep) for i, seed in runs]
    return _gather(jobs, len(runs), n_jobs, say=True)


def _fit_one(plan, i, seed, keep):
    found = fit(plan, seed)
    return {(i, seed): {k: v for k, v in found.items() if keep or k != "weights"}}


def _gather(jobs, total, n_jobs, say=False):
    """Return the results of all jobs in one dict; of what is interrupted or fails, those before."""
    results, error, start = {}, None, time.perf_counter()
    finished = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs)
    with tqdm(total=total, desc="runs", delay=1, leave=False) as bar:
        try:
            for part in finished:
                if not results and say:
                    _say_how_long(time.perf_counter() - start, total, n_jobs)
                results |= part
                bar.update(len(part))
        except (Exception, KeyboardInterrupt) as raised:
            if not results:
                raise
            error = raised
    if len(results) < total:  # some of a part may be missing without an error
        reasons = () if error is None or isinstance(error, KeyboardInterrupt) else (
            f"Failed with {type(error).__name__} ({error})",
        )  # fmt: skip
        warnings.warn(ensemble.interrupted(len(results), total, *reasons), stacklevel=5)
    return results


def _say_how_long(first, total, n_jobs):
    """Tell how long a sweep run by run will take, if that is worth waiting for."""
    seconds = first * total / joblib.effective_n_jobs(n_jobs)
    if seconds >= LONG:
        print(f"The first of {total} runs took {first:.0f} s: expect {seconds / 60:.0f} minutes.")


def _sendable(plans):
    """Return the plans as they are sent to other processes, or say why they cannot be."""
    backend, _ = joblib.parallel.get_active_backend()
    if isinstance(backend, joblib.parallel.MultiprocessingBackend):
        raise ValueError(
            'joblib\'s backend "multiprocessing" can neither send functions nor copy a running '
            'TensorFlow: use joblib.parallel_config(backend="loky"), which is the default.'
        )
    sent = [replace(plan, template=None, sample=None) for plan in plans]
    if not getattr(backend, "supports_sharedmem", False):
        for plan in sent:
            for part in ("model", "optimizer", "callbacks", "schedule"):
                try:
                    pickle.dumps(joblib.wrap_non_picklable_objects([getattr(plan, part)]))
                except Exception as error:
                    reason = str(error).partition("\n")[0]
                    raise TypeError(
                        f"{part} cannot be sent to another process ({reason}): create what it uses "
                        "inside the function, or give n_jobs=1."
                    ) from None
    return sent


def fit(plan, seed):
    """Train one run with plain Keras.

    Returns
    -------
    dict
        Each metric's array of shape (looks,), floats for the test set, and the final "weights".
    """
    with chance.seeded(seed):  # to the end: layers and callbacks may draw, too
        return _fit(plan, ensemble.initial_model(plan, seed), seed)


def _fit(plan, model, seed):
    data = plan.dataset
    history = (
        compiled(plan, model)
        .fit(
            _batches(plan, seed),
            steps_per_epoch=plan.updates_per_look,
            epochs=plan.looks,
            shuffle=False,  # the generator has shuffled
            validation_data=(data.x_val, data.y_val) if len(data.x_val) else None,
            validation_batch_size=1024,
            callbacks=[*plan.callbacks(), LearningRateMonitor()],
            verbose=0,
        )
        .history
    )
    result = {name: np.asarray(values, dtype="float64") for name, values in history.items()}
    result["weights"] = model.get_weights()
    if plan.test:
        loss, accuracy = model.evaluate(data.x_test, data.y_test, batch_size=1024, verbose=0)
        result |= {"test_loss": loss, "test_accuracy": accuracy}
    return result


def _batches(plan, seed):
    """Yield one run's batches, epoch after epoch, in the order that belongs to its seed."""
    data, size = plan.dataset, plan.batch_size
    for epoch in itertools.count():
        order = ensemble.sample_order(seed, epoch, len(data.x_train))
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            yield data.x_train[chosen], data.y_train[chosen]


def _collect(results, plans, settings, seeds):
    """Stack the results of all runs into arrays of shape (settings, seeds, looks)."""
    shape = (len(settings), len(seeds), max(p.looks for p in plans))
    names = dict.fromkeys(n for result in results.values() for n in result if n != "weights")
    metrics = {k: np.full(shape, np.nan) for k in names if not k.startswith("test_")}
    test = {k: np.full(shape[:2], np.nan) for k in names if k.startswith("test_")}
    lengths = np.zeros(shape[:2], dtype=int)
    for (i, seed), result in results.items():
        j = seeds.index(seed)
        lengths[i, j] = len(result["loss"])
        for name in test.keys() & result.keys():
            test[name][i, j] = result[name]
        for name in metrics.keys() & result.keys():  # some data may have no validation set
            metrics[name][i, j, : lengths[i, j]] = result[name]
    return {"metrics": metrics, "test": test, "lengths": lengths}


def _trained(results, plans):
    """Return what is kept of each setting: its runs' weights by seed, and how to build a model."""
    return [
        Trained(plan, {s: result["weights"] for (k, s), result in results.items() if k == i})
        for i, plan in enumerate(plans)
    ]
