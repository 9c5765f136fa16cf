"""What a sweep is asked for: settings, where their values go, and what cannot be trained."""

import inspect
import itertools
import numbers
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
import numpy as np

from . import ensemble
from .checks import (
    check_budget,
    check_callbacks,
    check_count,
    check_model,
    check_optimizer,
    check_rates,
    describe,
)  # fmt: skip
from .data import Dataset
from .labels import unknown
from .models import fresh
from .schedule import Schedule

COMPONENTS = ("model", "data", "optimizer", "callbacks", "schedule")
NUMBERS = ("batch_size", "epochs", "updates")
FIXED = ("every", "seeds", "test", "keep_weights", "engine", "n_jobs", "settings")


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
    model_key: tuple  # equal where the same function was given the very same arguments
    template: keras.Model | None  # one model of this kind, to be looked at; not sent elsewhere
    sample: keras.optimizers.Optimizer | None = None  # one of its optimizers, likewise


class Same:
    """Equal to another only if both hold the very same object, which is thereby kept alive.

    Sent to another process together, two that were equal stay equal.
    """

    def __init__(self, thing):
        self.thing = thing

    def __eq__(self, other):
        return isinstance(other, Same) and self.thing is other.thing

    def __hash__(self):
        return id(self.thing)


def key_of(value):
    """Return what two values share only if one can stand for the other.

    Numbers, text and tuples of them are known by type and value, all else by identity: objects
    of one `repr` may differ.
    """
    if type(value) is tuple:
        return (tuple, *map(key_of, value))
    if value is None or type(value) in (bool, int, float, str, bytes):
        return (type(value), repr(value))  # 0.0 and -0.0 differ, NaN equals itself
    return Same(value)


# ---- seeds and settings ----------------------------------------------------------------------


def read_seeds(seeds):
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
    for seed in listed:
        whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
        if not whole or not 0 <= seed < 2**32:
            raise ValueError(f"seeds holds {seed!r}: give whole numbers from 0 to 2**32 - 1.")
    if not listed or len(set(listed)) < len(listed):
        raise ValueError(f"seeds={seeds!r}: give at least one whole number, none twice.")
    return [int(seed) for seed in listed]


def read_settings(settings):
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
        for name in settings[0] if grid else ():
            _distinct(name, [setting[name] for setting in grid])
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
    pairs = [(_label(name, value), value) for value in entry]
    _distinct(name, pairs)
    return pairs


def _distinct(name, pairs):
    """See that what has one label is one value."""
    found = {}
    for label, value in pairs:
        if found.setdefault(label, key_of(value)) != key_of(value) and not _plain(value):
            raise ValueError(
                f"settings[{name!r}] holds two values that are both called {label!r}: give a "
                f'dict, such as {{"{name}": {{"first": ..., "second": ...}}}}.'
            )


def _plain(value):
    """Return whether a value names itself."""
    return value is None or isinstance(value, (str, bool, int, float, list, tuple, np.generic))


def _label(name, value):
    """Return what names a value in figures and tables: itself if it is short."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(v, (str, int, float)) for v in value):
        return tuple(value)
    parts = (keras.Initializer, keras.Regularizer, keras.constraints.Constraint)
    text = getattr(type(value) if isinstance(value, parts) else value, "__name__", None)
    if text and text != "<lambda>":
        return text
    raise ValueError(
        f"settings[{name!r}] holds a value without a short name: give a dict, such as "
        f'{{"{name}": {{"first": ..., "second": ...}}}}.'
    )


# ---- which function takes which value --------------------------------------------------------


def _parameters(function):
    """Return the names of a function's parameters, and those of them that have no default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions written in C have none
        parameters = ()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return {p.name for p in named}, {p.name for p in named if p.default is p.empty}


def _route(parts, values):
    """Bind every entry to the functions that have a parameter of its name.

    Returns the functions without arguments, and for each what it was given.
    """
    functions = {
        name: parts[name] for name in COMPONENTS  # any other function is a value
        if callable(parts[name]) and not isinstance(parts[name], (Schedule, Dataset))
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
                + unknown("parameter", entry, known)
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
            instead = "give a function without that parameter."
            if name == "schedule":  # meant as the formula itself
                instead = (
                    "make your formula a schedule, as in ol.Schedule(lambda t, m: "
                    'm.where(t < 10, 0.1, 0.01), "epoch", "two rates").'
                )
            raise ValueError(
                f"{name} is a function that needs {', '.join(sorted(missing))}: give it in "
                f"settings, or {instead}"
            )
        taken[name] = {k: v for k, v in handed.items() if k in all_}
        bound[name] = _Bound(function, taken[name])
    return bound, taken


class _Bound:
    """A function with its arguments; an initializer draws anew at each call, as its class does."""

    def __init__(self, function, arguments):
        self.function, self.arguments = function, arguments

    def __call__(self):
        return self.function(**{name: fresh(value) for name, value in self.arguments.items()})


def _check_parts(parts):
    """See that what is called once a run is a function."""
    examples = {"model": "ol.blobs_mlp", "optimizer": "lambda: keras.optimizers.SGD(0.01)"}
    for name, example in examples.items():
        if not callable(parts[name]) or isinstance(parts[name], keras.Model):
            raise TypeError(
                f"{name} is {describe(parts[name])}: give a function that makes a new one for each "
                f"run, such as {example}."
            )
    if parts["callbacks"] is not None and not callable(parts["callbacks"]):
        raise TypeError(
            f"callbacks is {describe(parts['callbacks'])}: give a function that returns a fresh "
            "list for each run, such as lambda: [keras.callbacks.EarlyStopping()]."
        )
    if isinstance(parts["schedule"], keras.optimizers.schedules.LearningRateSchedule):
        raise TypeError(
            f"schedule is {describe(parts['schedule'])}: give one of optlab's, or hand Keras' own "
            "to the optimizer, as in lambda: keras.optimizers.SGD(schedule)."
        )


def _dataset(data, bound, taken, cache):
    """Return the data of one setting, made once for all that share it."""
    if "data" in bound:
        key = _called(data, taken["data"])
        if key not in cache:
            cache[key] = bound["data"]()
        data = cache[key]
    if not isinstance(data, Dataset):
        raise TypeError(f"data is {describe(data)}: give a Dataset, or a function that makes one.")
    return data


def make_plan(parts, values, every, test, cache):
    """Turn one setting into a Plan, or say what is wrong with it.

    `cache` keeps data, models and checks that settings share.
    """
    _check_parts(parts)
    bound, taken = _route(parts, values)
    dataset = _dataset(parts["data"], bound, taken, cache)
    schedule = bound["schedule"]() if "schedule" in bound else parts["schedule"]
    if schedule is not None and not isinstance(schedule, Schedule):
        raise TypeError(
            f"schedule is {describe(schedule)}: give one of optlab's, such as "
            'ol.cosine(0.1, steps=100, per="epoch").'
        )
    if test and not len(dataset.x_test):
        raise ValueError(f"test=True, but {dataset.name} has no test samples: give test=False.")
    n = len(dataset.x_train)
    size = check_count("batch_size", parts["batch_size"])
    if size > n:
        raise ValueError(
            f"batch_size={size} is more than the {n} training samples: the full batch is {n}."
        )
    per_epoch = -(-n // size)
    looks, per_look = check_budget(parts["epochs"], parts["updates"], every, per_epoch)
    sample = check_optimizer(bound["optimizer"])
    callbacks = bound.get("callbacks", list)
    own_schedule = schedule is not None or ensemble.scheduled(sample)
    check_callbacks(callbacks, own_schedule, dataset)
    check_rates(sample, schedule, callbacks(), looks, per_look, per_epoch)
    # a model without an Input takes its shape from the data
    model_key = (*_called(parts["model"], taken["model"]), dataset.x_train.shape[1:])
    if (model_key, dataset) not in cache:
        cache[model_key, dataset] = check_model(bound["model"], dataset)
    return Plan(
        model=bound["model"], optimizer=bound["optimizer"], callbacks=callbacks,
        schedule=schedule, dataset=dataset, batch_size=size, looks=looks,
        updates_per_look=per_look, updates_per_epoch=per_epoch, test=test,
        model_key=model_key, template=cache[model_key, dataset], sample=sample,
    )  # fmt: skip


def _called(function, arguments):
    """Return the key of a function called with some arguments."""
    return (Same(function), *((name, key_of(arguments[name])) for name in sorted(arguments)))
