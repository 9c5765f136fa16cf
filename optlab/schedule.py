"""What every schedule of the learning rate is: a function of the step, and what its step counts."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral

import keras
import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class Schedule:
    """A learning rate as a function of the step, with the meaning of its step.

    Made by `constant`, `time_based`, `step`, `exponential`, `cosine`, `warmup_cosine` and
    `one_cycle`; call it with a step to get the rate.

    Parameters
    ----------
    formula : callable
        ``formula(t, m)`` with the step ``t`` as float and ``m``, the module that has ``exp``,
        ``cos``, ``floor`` and ``where`` for it (`numpy`, or `keras.ops` for tensors).
    per : {"update", "epoch"}
        What the step counts.
    name : str
        How figures and tables call it.

    Raises
    ------
    ValueError
        If `per` is neither "update" nor "epoch".
    """

    formula: Callable
    per: str
    name: str

    def __post_init__(self):
        if self.per not in ("update", "epoch"):
            raise ValueError(
                f"per={self.per!r} says nothing about what a step is: "
                'give per="update" or per="epoch".'
            )

    def __call__(self, step):
        """Return the learning rate at a step.

        Parameters
        ----------
        step : int, float, array or tensor
            Updates or epochs done so far, from 0; any shape.

        Returns
        -------
        float, array or tensor
            The rate: a float for a number, an array for an array (float64), a tensor for a
            tensor (float32), of the shape of `step`.
        """
        if keras.ops.is_tensor(step):
            return self.formula(keras.ops.cast(step, "float32"), keras.ops)
        rate = self.formula(np.asarray(step, dtype="float64"), np)
        rate = np.broadcast_to(rate, np.shape(step)).copy()  # a constant has no shape of its own
        return rate if rate.ndim else float(rate)

    def __repr__(self):
        return f"{self.name} per {self.per}"

    def for_optimizer(self, updates_per_epoch=None):
        """Turn it into a schedule that a Keras optimizer follows.

        Parameters
        ----------
        updates_per_epoch : int, optional
            Needed for a schedule per epoch, since a Keras optimizer counts updates.

        Returns
        -------
        keras.optimizers.schedules.LearningRateSchedule

        Raises
        ------
        ValueError
            If the schedule is per epoch and `updates_per_epoch` is missing, or it is no whole
            number from 1.

        Examples
        --------
        >>> from optlab.schedules import time_based
        >>> schedule = time_based(0.1, decay=1e-3, per="update")
        >>> optimizer = keras.optimizers.SGD(schedule.for_optimizer())
        """
        if self.per == "epoch" and updates_per_epoch is None:
            raise ValueError(
                f"'{self}' counts epochs and an optimizer counts updates: give "
                "updates_per_epoch=, or pass for_callback() to keras.callbacks."
                "LearningRateScheduler."
            )
        if updates_per_epoch is not None and not (
            isinstance(updates_per_epoch, Integral) and updates_per_epoch > 0
        ):
            raise ValueError(
                f"updates_per_epoch={updates_per_epoch!r} is no whole number from 1: give the "
                "batches that one epoch has."
            )
        return _KerasSchedule(self, updates_per_epoch if self.per == "epoch" else 1)

    def for_callback(self):
        """Turn it into a function of the epoch for `keras.callbacks.LearningRateScheduler`.

        Returns
        -------
        callable
            The learning rate as a float for an epoch counted from 0.

        Raises
        ------
        ValueError
            If the schedule is per update: the callback acts once an epoch.

        Examples
        --------
        >>> from optlab.schedules import step
        >>> halving = step(0.1, factor=0.5, every=32, per="epoch")
        >>> callback = keras.callbacks.LearningRateScheduler(halving.for_callback())
        """
        if self.per == "update":
            raise ValueError(
                f"'{self}' counts updates and LearningRateScheduler acts once an epoch: "
                'build it with per="epoch", or give for_optimizer() to the optimizer.'
            )
        return lambda epoch, learning_rate=None: self(int(epoch))


class _KerasSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """What an optimizer asks at each update."""

    def __init__(self, schedule, updates_per_step):
        self.schedule = schedule
        self.updates_per_step = updates_per_step

    def __call__(self, update):
        return self.schedule(keras.ops.floor_divide(update, self.updates_per_step))

    def get_config(self):
        raise NotImplementedError(
            "A model with an optlab schedule in its optimizer cannot be saved with the "
            "optimizer: use the class from keras.optimizers.schedules, or save the weights."
        )


def rates_at(schedule, updates):
    """Return the rates at some updates as Keras' compiled training gets them.

    Parameters
    ----------
    schedule : keras.optimizers.schedules.LearningRateSchedule
    updates : array of int, shape (n,)
        Counted from 0.

    Returns
    -------
    numpy.ndarray of float32, shape (n,)
    """
    step = keras.Variable(0, dtype="int64", trainable=False)  # what an optimizer hands over

    def rate(update):
        step.assign(update)
        return keras.ops.cast(schedule(step), "float32")

    def rates(updates):
        if isinstance(schedule, _KerasSchedule):  # takes them all at once, which is faster
            found = keras.ops.cast(schedule(updates), "float32")
            return tf.broadcast_to(found, updates.shape)
        return tf.map_fn(rate, updates, parallel_iterations=1, fn_output_signature="float32")

    return tf.function(rates, autograph=False)(tf.constant(updates, "int64")).numpy()
