"""Train every setting from every seed: `sweep`."""

import inspect
import itertools
import numbers
import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import joblib
import keras
import numpy as np
from tqdm.auto import tqdm

from . import ensemble
from .callbacks import LearningRateMonitor
from .data import Dataset
from .runs import Runs, _unknown
from .schedules import Schedule

COMPONENTS = ("model", "data", "optimizer", "callbacks", "schedule")
NUMBERS = ("batch_size", "epochs", "updates")
ENGINES = ("auto", "ensemble", "keras")
FIXED = ("every", "seeds", "test", "engine", "n_jobs", "settings")


@dataclass(frozen=True)
class Plan:
    """All that one setting needs in order to be trained from any seed."""

    model: Callable
    optimizer: Callable
    callbacks: Callable
    schedule: Schedule | None
    dataset: Dataset
    batch_size: int
    looks: int
    updates_per_look: int
    updates_per_epoch: int
    test: bool
    model_key: tuple  # equal where the same function was given the same arguments
    template: keras.Model | None  # one model of this kind, to be looked at; not sent elsewhere
    sample: keras.optimizers.Optimizer | None = None  # one of its optimizers, likewise


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
        ``batch_size``, ``epochs`` and ``updates``: a schedule may depend on them).
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
    engine : {"auto", "ensemble", "keras"}
        "keras" trains run by run with `model.fit`; "ensemble" trains all runs of a kind in one
        compiled program and refuses what it cannot do exactly; "auto" uses the ensemble and
        says when it falls back to Keras.
    n_jobs : int, optional
        How many processes share the work, as joblib counts them: by default one, or what
        `joblib.parallel_config` says, which also chooses other backends, such as a Dask cluster.

    Returns
    -------
    Runs

    Raises
    ------
    ValueError, TypeError
        For anything that cannot be trained as asked, before any training.

    Notes
    -----
    Interrupted, it returns what is finished; the other runs are NaN. It sets the global random
    seeds of Python, numpy and TensorFlow, as `keras.utils.set_random_seed` does.

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
    seeds = _seeds(seeds)
    if engine not in ENGINES:
        raise ValueError(_unknown("engine", engine, ENGINES))
    if not isinstance(test, bool):
        raise TypeError(f"test={test!r}: give True to look at the test set at the end, or False.")
    if n_jobs is not None and (type(n_jobs) is not int or n_jobs == 0):
        raise ValueError(f"n_jobs={n_jobs!r}: give a number of processes, or -1 for all cores.")
    settings, values = _settings(settings)
    cache = {}
    plans = [_plan({**given, **v}, v, every, test, cache) for v in values]
    start = time.perf_counter()
    results, used = _train(plans, seeds, engine, n_jobs)
    runs = _collect(results, plans, settings, seeds)
    fixed = {k: _short(v) for k, v in given.items() if v is not None and k not in settings[0]}
    made = {type(plan.sample).__name__ for plan in plans}
    if "optimizer" in fixed and len(made) == 1:
        fixed["optimizer"] = made.pop()
    if isinstance(schedule, Schedule):
        fixed["schedule"] = repr(schedule)
    return Runs(
        **runs,
        settings=settings,
        seeds=seeds,
        updates_per_look=[p.updates_per_look for p in plans],
        updates_per_epoch=[p.updates_per_epoch for p in plans],
        data=" / ".join(dict.fromkeys(p.dataset.name for p in plans)),
        fixed=fixed,
        engine=used,
        seconds=time.perf_counter() - start,
    )


# ---- what is asked: settings, routing, checks ------------------------------------------------


def _seeds(seeds):
    """Return the list of seeds; a number of them begins at 1000 x OPTLAB_SEED."""
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        if not 1 <= seeds <= 1000:
            raise ValueError(f"seeds={seeds}: give from 1 to 1000, or a list of seeds.")
        block = os.environ.get("OPTLAB_SEED", "0")
        if not (block.isdecimal() and len(block) < 7):
            raise ValueError(f"OPTLAB_SEED={block!r}: set it to a whole number from 0 to 999999.")
        return [1000 * int(block) + i for i in range(seeds)]
    if isinstance(seeds, (str, bytes)) or not hasattr(seeds, "__iter__"):
        raise TypeError(f"seeds={seeds!r}: give a number of seeds or a list of them.")
    listed = list(seeds)
    whole = all(isinstance(s, (int, np.integer)) and not isinstance(s, bool) for s in listed)
    if not whole or not listed or len(set(listed)) < len(listed):
        raise ValueError(f"seeds={seeds!r}: give at least one whole number, none twice.")
    if min(listed) < 0 or max(listed) >= 2**32:
        raise ValueError(f"seeds={seeds!r}: give whole numbers from 0 to 2**32 - 1.")
    return [int(seed) for seed in listed]


def _settings(settings):
    """Return the settings with their labels, and the same with the values behind the labels."""
    if settings is None:
        return [{}], [{}]
    if isinstance(settings, Mapping):
        columns = {name: _named(name, entry) for name, entry in settings.items()}
        grid = [
            dict(zip(columns, row, strict=True)) for row in itertools.product(*columns.values())
        ]
    elif isinstance(settings, (list, tuple)) and all(isinstance(s, Mapping) for s in settings):
        if len({frozenset(s) for s in settings}) > 1:
            raise ValueError("settings is a list of dicts with different names: give all the same.")
        grid = [{k: (_label(k, v), v) for k, v in s.items()} for s in settings]
    else:
        raise TypeError(f"settings is {settings!r}: give a dict of lists or a list of dicts.")
    if not grid:
        raise ValueError("settings holds no setting: give each name at least one value.")
    labels = [{k: label for k, (label, _) in setting.items()} for setting in grid]
    if len({frozenset(s.items()) for s in labels}) < len(labels):
        raise ValueError("settings holds the same setting twice: give each once, or name values.")
    return labels, [{k: _value(k, value) for k, (_, value) in s.items()} for s in grid]


def _value(name, value):
    """Return a value as Keras takes it: a rate of 1, or a momentum of 0, is no float to it."""
    rate = name in ("learning_rate", "momentum") and isinstance(value, numbers.Real)
    return float(value) if rate and not isinstance(value, bool) else value


def _named(name, entry):
    """Return the (label, value) pairs of one entry of a grid."""
    if isinstance(entry, Mapping):
        return list(entry.items())
    if isinstance(entry, (str, bytes)) or not hasattr(entry, "__iter__"):
        raise TypeError(f"settings[{name!r}] is {entry!r}: give a list of values, or a dict.")
    return [(_label(name, value), value) for value in entry]


def _label(name, value):
    """Return what names a value in figures and tables: itself if it is short."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(v, (str, int, float)) for v in value):
        return tuple(value)
    text = getattr(value, "__name__", None)
    if text and text != "<lambda>":
        return text
    raise ValueError(
        f"settings[{name!r}] holds a value without a short name: give a dict, such as "
        f'{{"{name}": {{"first": ..., "second": ...}}}}.'
    )


def _parameters(function):
    """Return the names of a function's parameters, and those of them that have no default."""
    named = [
        p
        for p in inspect.signature(function).parameters.values()
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    return {p.name for p in named}, {p.name for p in named if p.default is p.empty}


def _route(parts, values):
    """Bind every entry to the functions that have a parameter of its name.

    Returns the functions without arguments, and for each what it was given.
    """
    functions = {
        name: part for name, part in parts.items()
        if callable(part) and not isinstance(part, (Schedule, Dataset))
    }  # fmt: skip
    names = {name: _parameters(function) for name, function in functions.items()}
    entries = {k: v for k, v in values.items() if k not in (*COMPONENTS, *NUMBERS)}
    for entry in entries:
        takers = [name for name, (all_, _) in names.items() if entry in all_]
        if not takers and entry in FIXED:
            raise ValueError(f"settings cannot vary {entry!r}: give it to sweep itself.")
        if not takers:
            known = sorted({*COMPONENTS, *NUMBERS}.union(*(all_ for all_, _ in names.values())))
            raise ValueError(
                f"settings has {entry!r}, which nothing takes. "
                + _unknown("parameter", entry, known)
            )
        if entry == "learning_rate" and takers == ["optimizer"] and parts["schedule"] is not None:
            raise ValueError(
                "settings varies learning_rate, which the schedule overrides: let the schedule "
                "take it, as in schedule=lambda learning_rate: ol.cosine(learning_rate, ...)."
            )
    bound, taken = {}, {}
    handed = {k: v for k, v in values.items() if k not in COMPONENTS}
    for name, function in functions.items():
        all_, needed = names[name]
        missing = needed - set(handed)
        if missing:
            raise ValueError(
                f"{name} is a function that needs {', '.join(sorted(missing))}: give it in "
                "settings, or a function without that parameter."
            )
        taken[name] = {k: v for k, v in handed.items() if k in all_}
        bound[name] = lambda function=function, kw=taken[name]: function(**kw)
    return bound, taken


def _plan(parts, values, every, test, cache):
    """Turn one setting into a Plan, or say what is wrong with it."""
    examples = {"model": "ol.blobs_mlp", "optimizer": "lambda: keras.optimizers.SGD(0.01)"}
    for name, example in examples.items():
        if not callable(parts[name]) or isinstance(parts[name], keras.Model):
            raise TypeError(
                f"{name} is {_what(parts[name])}: give a function that makes a new one for each "
                f"run, such as {example}."
            )
    if parts["callbacks"] is not None and not callable(parts["callbacks"]):
        raise TypeError(
            f"callbacks is {_what(parts['callbacks'])}: give a function that returns a fresh list "
            "for each run, such as lambda: [keras.callbacks.EarlyStopping()]."
        )
    if isinstance(parts["schedule"], keras.optimizers.schedules.LearningRateSchedule):
        raise TypeError(
            f"schedule is {_what(parts['schedule'])}: give one of optlab's, or hand Keras' own to "
            "the optimizer, as in lambda: keras.optimizers.SGD(schedule)."
        )
    bound, taken = _route(parts, values)
    dataset = parts["data"]
    if "data" in bound:
        key = (parts["data"], repr(sorted(taken["data"].items())))
        if key not in cache:
            cache[key] = bound["data"]()
        dataset = cache[key]
    if not isinstance(dataset, Dataset):
        raise TypeError(f"data is {_what(dataset)}: give a Dataset, or a function that makes one.")
    schedule = bound["schedule"]() if "schedule" in bound else parts["schedule"]
    if schedule is not None and not isinstance(schedule, Schedule):
        raise TypeError(
            f"schedule is {_what(schedule)}: give one of optlab's, such as "
            'ol.cosine(0.1, steps=100, per="epoch").'
        )
    if test and not len(dataset.x_test):
        raise ValueError(f"test=True, but {dataset.name} has no test samples: give test=False.")
    n = len(dataset.x_train)
    size = _count("batch_size", parts["batch_size"])
    if size > n:
        raise ValueError(
            f"batch_size={size} is more than the {n} training samples: the full batch is {n}."
        )
    per_epoch = -(-n // size)
    looks, per_look = _budget(parts["epochs"], parts["updates"], every, per_epoch)
    sample = _check_optimizer(bound["optimizer"])
    callbacks = bound.get("callbacks", list)
    own_schedule = schedule is not None or ensemble.scheduled(sample)
    _check_callbacks(callbacks, own_schedule, dataset)
    model_key = (parts["model"], repr(sorted(taken["model"].items())))
    if (model_key, dataset) not in cache:
        cache[model_key, dataset] = _check_model(bound["model"], dataset)
    return Plan(
        model=bound["model"], optimizer=bound["optimizer"], callbacks=callbacks,
        schedule=schedule, dataset=dataset, batch_size=size, looks=looks,
        updates_per_look=per_look, updates_per_epoch=per_epoch, test=test,
        model_key=model_key, template=cache[model_key, dataset], sample=sample,
    )  # fmt: skip


def _count(name, value):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name}={value!r}: give a whole number from 1.")
    return int(value)


def _budget(epochs, updates, every, per_epoch):
    """Return how many looks there are and how many updates lie between them."""
    if (epochs is None) == (updates is None):
        raise ValueError(
            f"epochs={epochs} and updates={updates}: give exactly one of the two budgets."
        )
    if updates is None:
        if every is not None:
            raise ValueError(f"every={every} counts updates: give updates= with it, not epochs=.")
        return _count("epochs", epochs), per_epoch
    updates = _count("updates", updates)
    if every is None or updates % _count("every", every):
        raise ValueError(
            f"every={every}: with updates={updates} give how many updates lie between two looks "
            "at the validation set, a divisor of updates."
        )
    return updates // every, int(every)


def _check_optimizer(make):
    """See that every run gets a Keras optimizer of its own, and return one."""
    first, second = make(), make()
    if not isinstance(first, keras.optimizers.Optimizer):
        raise TypeError(
            f"optimizer made {_what(first)}: return a Keras optimizer, as "
            "lambda: keras.optimizers.SGD(0.01) does."
        )
    if first is second:
        raise ValueError(_shared("optimizer", "the same object"))
    return first


def _shared(name, what):
    return (
        f"{name} returns {what} each time and every run needs one of its own: build it inside "
        "the function."
    )


def _check_callbacks(make, scheduled, data):
    """See that every run gets callbacks of its own, which can do what they are for."""
    callbacks = make()
    if not isinstance(callbacks, (list, tuple)) or not all(
        isinstance(c, keras.callbacks.Callback) for c in callbacks
    ):
        raise TypeError(f"callbacks made {_what(callbacks)}: return a list of Keras callbacks.")
    if {id(c) for c in callbacks} & {id(c) for c in make()}:
        raise ValueError(_shared("callbacks", "the same objects"))
    setters = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)
    both = [type(c).__name__ for c in callbacks if isinstance(c, setters)]
    if scheduled and both:
        raise ValueError(f"A schedule and {both[0]} both set the learning rate: keep one of them.")
    known = ["loss", "accuracy"] + ["val_loss", "val_accuracy"] * (len(data.x_val) > 0)
    for callback in callbacks:
        monitor = getattr(callback, "monitor", None)
        # callbacks of one's own may add metrics
        if type(callback) in ensemble.CALLBACKS and monitor not in (None, *known):
            raise ValueError(f"{type(callback).__name__}: {_unknown('metric', monitor, known)}")


def _check_model(make, data):
    """See that a model fits its data, before any training."""
    model = make()
    if not isinstance(model, keras.Model):
        raise TypeError(f"model made {_what(model)}: return an uncompiled Keras model.")
    if model is make():
        raise ValueError(_shared("model", "the same object"))
    sample = data.x_train[:2]
    try:
        output = keras.ops.convert_to_numpy(model(sample))
    except Exception as error:
        raise ValueError(
            f"The model does not take {data.name}, whose samples have shape "
            f"{data.x_train.shape[1:]}: build one for it, or mend the error above."
        ) from error
    classes = len(data.class_names)
    if output.shape != (len(sample), classes) or not np.allclose(output.sum(axis=1), 1, atol=1e-3):
        raise ValueError(
            f"The model's outputs of shape {output.shape[1:]} are no probabilities of the "
            f'{classes} classes of {data.name}: end it in Dense({classes}, "softmax").'
        )
    return model


def _what(value):
    """Describe a wrong value, for messages."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return repr(value)
    if inspect.isroutine(value) or isinstance(value, type):
        return "a function" if value.__name__ == "<lambda>" else f"{value.__name__} itself"
    return f"an object of type {type(value).__name__}"


def _short(value):
    """Describe a value briefly, for captions."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    text = getattr(value, "__name__", None)
    if text == "<lambda>":
        return "a function"
    return text or getattr(value, "name", None) or f"a {type(value).__name__}"


# ---- training --------------------------------------------------------------------------------


def _train(plans, seeds, engine, n_jobs):
    """Return the results by (setting, seed) and the engine that was used."""
    reason = None if engine == "keras" else ensemble.refusal(plans)
    if engine == "ensemble" and reason:
        raise ValueError(
            f'The ensemble engine cannot do this exactly: {reason} Give engine="auto" or "keras".'
        )
    if engine == "keras" or reason:
        if reason:
            print(f"Run by run with Keras, as the ensemble cannot do this exactly: {reason}")
        return _train_keras(plans, seeds, n_jobs), "keras"
    return _train_together(plans, seeds, n_jobs), "ensemble"


def _train_together(plans, seeds, n_jobs):
    """Train with the ensemble: here, or a share of the seeds in each of several processes."""
    processes = min(joblib.effective_n_jobs(n_jobs), len(seeds))
    if processes == 1:
        return ensemble.train(plans, seeds)
    sent = [replace(plan, template=None, sample=None) for plan in plans]
    shares = [seeds[i::processes] for i in range(processes)]
    parts = joblib.Parallel(n_jobs=n_jobs)(
        joblib.delayed(ensemble.train)(sent, share) for share in shares
    )
    return {run: result for part in parts for run, result in part.items()}


def _train_keras(plans, seeds, n_jobs):
    """Train run by run with `model.fit`, in one process or several."""
    jobs = [(i, seed) for i in range(len(plans)) for seed in seeds]
    # to be sent to other processes
    plans = [replace(plan, template=None, sample=None) for plan in plans]
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator")
    finished = parallel(joblib.delayed(fit)(plans[i], seed) for i, seed in jobs)
    results = {}
    try:
        with tqdm(total=len(jobs), desc="runs", delay=1, leave=False) as bar:
            for job, result in zip(jobs, finished, strict=True):
                results[job] = result
                bar.update()
    except KeyboardInterrupt:
        if not results:
            raise
        warnings.warn(ensemble.interrupted(len(results), len(jobs)), stacklevel=4)
    return results


def fit(plan, seed):
    """Train one run with plain Keras.

    Returns
    -------
    dict
        Each metric's array of shape (looks,), floats for the test set, and the final "weights".
    """
    model = ensemble.initial_model(plan, seed)
    optimizer = plan.optimizer()
    if plan.schedule is not None:
        optimizer.learning_rate = plan.schedule.for_optimizer(plan.updates_per_epoch)
    data = plan.dataset
    sparse = data.y_train.ndim == 1
    model.compile(
        optimizer,
        loss="sparse_categorical_crossentropy" if sparse else "categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(
        _batches(plan, seed),
        steps_per_epoch=plan.updates_per_look,
        epochs=plan.looks,
        shuffle=False,  # the generator has shuffled
        validation_data=(data.x_val, data.y_val) if len(data.x_val) else None,
        validation_batch_size=1024,
        callbacks=[*plan.callbacks(), LearningRateMonitor()],
        verbose=0,
    ).history
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
