"""What a sweep refuses before any training, and in which words."""

import inspect
from types import SimpleNamespace

import keras
import numpy as np

from . import chance, ensemble
from .labels import unknown
from .schedule import rates_at


def check_count(name, value):
    """Return a whole number from 1 as an int."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name}={value!r}: give a whole number from 1.")
    return int(value)


def check_budget(epochs, updates, every, per_epoch):
    """Return how many looks there are and how many updates lie between them."""
    if (epochs is None) == (updates is None):
        raise ValueError(
            f"epochs={epochs} and updates={updates}: give exactly one of the two budgets."
        )
    if updates is None:
        if every is not None:
            raise ValueError(f"every={every} counts updates: give updates= with it, not epochs=.")
        return check_count("epochs", epochs), per_epoch
    updates = check_count("updates", updates)
    if every is None or updates % check_count("every", every):
        raise ValueError(
            f"every={every}: with updates={updates} give how many updates lie between two looks "
            "at the validation set, a divisor of updates."
        )
    return updates // every, int(every)


def check_optimizer(make):
    """See that every run gets a Keras optimizer of its own, and return one."""
    first, second = make(), make()
    if not isinstance(first, keras.optimizers.Optimizer):
        raise TypeError(
            f"optimizer made {describe(first)}: return a Keras optimizer, as "
            "lambda: keras.optimizers.SGD(0.01) does."
        )
    if first is second:
        raise ValueError(_shared("optimizer", "the same object"))
    if done := int(first.iterations):
        raise ValueError(
            f"optimizer made {describe(first)}, which has done {done} updates before: build a new "
            "one inside the function."
        )
    return first


def _shared(name, what):
    return (
        f"{name} returns {what} each time and every run needs one of its own: build it inside "
        "the function."
    )


def check_callbacks(make, scheduled, data):
    """See that every run gets callbacks of its own, which can do what they are for."""
    callbacks = make()
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"callbacks made {describe(callbacks)}: return a list of Keras callbacks.")
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(
                f"callbacks made a list that holds {describe(callback)}: return a list of Keras "
                "callbacks, such as [keras.callbacks.EarlyStopping()]."
            )
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
            raise ValueError(f"{type(callback).__name__}: {unknown('metric', monitor, known)}")


def check_rates(optimizer, schedule, callbacks, looks, per_look, per_epoch):
    """See that every learning rate that will be trained with is one."""
    name = type(optimizer).__name__
    if schedule is not None:
        _check_schedule(
            f"the schedule {schedule!r}", schedule.for_optimizer(per_epoch), looks * per_look,
            "m.where(t < 10, a, b) in place of if in its formula, and m.cos in place of np.cos",
        )  # fmt: skip
    elif ensemble.scheduled(optimizer):
        own = optimizer._learning_rate
        _check_schedule(
            f"{describe(own)} in the optimizer {name}", own, looks * per_look,
            "keras.ops.where(step < 10, a, b) in place of if, keras.ops.cos in place of np.cos, "
            'and keras.ops.cast(step, "float32") to divide by the step',
        )  # fmt: skip
    else:
        try:
            rate = float(optimizer.learning_rate)
        except TypeError:
            raise TypeError(
                f"The learning rate of {name} is {describe(optimizer._learning_rate)}, which Keras "
                "calls without a step: give a number or a LearningRateSchedule, or sweep "
                "schedule=."
            ) from None
        _check_rate(f"The learning rate of {name}", rate)
        for callback in callbacks:
            if type(callback) is keras.callbacks.LearningRateScheduler:
                _check_scheduler(callback, rate, looks)


def _check_schedule(what, schedule, updates, instead):
    """See that Keras can compute a schedule, and what it gives over the updates to come."""
    steps = np.unique(np.linspace(0, updates - 1, 2000, dtype="int64"))
    try:
        rates = rates_at(schedule, steps)
    except Exception as error:
        raise ValueError(
            f"{what[0].upper()}{what[1:]} cannot be computed by TensorFlow "
            f"({type(error).__name__}): write {instead}."
        ) from error
    for step, rate in zip(steps, rates, strict=True):
        _check_rate(f"The learning rate of {what} at update {step}", rate)


def _check_scheduler(callback, rate, epochs):
    """See what Keras' LearningRateScheduler will set."""
    optimizer = SimpleNamespace(learning_rate=np.float32(rate))
    callback.set_model(SimpleNamespace(optimizer=optimizer))
    callback.verbose = 0
    for epoch in range(epochs):
        try:
            callback.on_epoch_begin(epoch)
        except Exception as error:
            raise ValueError(
                f"LearningRateScheduler fails at epoch {epoch} with {type(error).__name__}: mend "
                "its function, which takes the epoch and returns a float."
            ) from error
        _check_rate(
            f"The learning rate of LearningRateScheduler at epoch {epoch}", optimizer.learning_rate
        )


def _check_rate(what, rate):
    with np.errstate(over="ignore"):
        rate = np.float32(rate)  # as Keras keeps it
    if not 0 <= rate < np.inf:
        raise ValueError(f"{what} is {rate:g}: give a finite number from 0.")


def check_model(make, data):
    """See that a model fits its data, before any training."""
    with chance.restored():
        return _checked_model(make, data)


def _checked_model(make, data):
    model = make()
    if not isinstance(model, keras.Model):
        raise TypeError(f"model made {describe(model)}: return an uncompiled Keras model.")
    if model is make():
        raise ValueError(_shared("model", "the same object"))
    if model.compiled:
        raise ValueError(
            f"model made a compiled model, and sweep would ignore its loss {describe(model.loss)}, "
            "its optimizer and its metrics: return it uncompiled."
        )
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


def describe(value):
    """Describe a wrong value, for messages."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return repr(value)
    if inspect.isroutine(value) or isinstance(value, type):
        return "a function" if value.__name__ == "<lambda>" else f"{_full_name(value)} itself"
    return f"an object of type {_full_name(type(value))}"


def _full_name(thing):
    """Return a name with its module, which tells Keras' from those of other packages."""
    module = thing.__module__ or "builtins"
    return thing.__name__ if module == "builtins" else f"{module}.{thing.__name__}"
