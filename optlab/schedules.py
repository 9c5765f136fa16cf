"""The learning rate as a pure function of the step.

Every schedule here says what its step is: ``per="update"`` counts optimizer steps,
``per="epoch"`` passes over the training data, both from 0. The same formula per update and per
epoch gives different rates, which is why ``per`` has no default.
"""

import math
from numbers import Real

import numpy as np

from .schedule import Schedule


def constant(learning_rate, *, per="update"):
    """Return the schedule that never changes: ``learning_rate``.

    Parameters
    ----------
    learning_rate : float
    per : {"update", "epoch"}, default "update"
        The rate is the same; `Schedule.for_callback` needs "epoch".

    Examples
    --------
    >>> constant(0.01)(1000)
    0.01
    """
    _positive(learning_rate=learning_rate)
    return Schedule(lambda t, m: learning_rate + 0 * t, per, "constant")


def time_based(learning_rate, decay, *, per):
    """Return time-based decay: ``learning_rate / (1 + decay * t)``.

    The formula of the old Keras argument ``decay=`` (per update) and of
    `keras.optimizers.schedules.InverseTimeDecay` with ``decay_steps=1``.

    Parameters
    ----------
    learning_rate : float
        The rate at step 0.
    decay : float
        How fast it falls; 0 keeps it constant.
    per : {"update", "epoch"}
        What ``t`` counts.

    Raises
    ------
    ValueError
        If the rate is not positive or the decay negative.

    Examples
    --------
    >>> round(time_based(0.01, decay=0.1, per="update")(1024), 6)
    9.7e-05
    """
    _positive(learning_rate=learning_rate)
    _not_negative(decay=decay)
    return Schedule(lambda t, m: learning_rate / (1 + decay * t), per, "time-based")


def step(learning_rate, factor=0.5, every=10, *, per, shift=0):
    """Return step decay: ``learning_rate * factor ** floor((t + shift) / every)``.

    Equal to `keras.optimizers.schedules.ExponentialDecay` with ``staircase=True``.

    Parameters
    ----------
    learning_rate : float
        The rate at step 0 (for ``shift=0``).
    factor : float
        What each drop multiplies the rate by.
    every : int
        Steps between two drops.
    per : {"update", "epoch"}
        What ``t`` counts.
    shift : int, default 0
        The drops come this many steps early: the often copied ``(1 + epoch)`` is ``shift=1``.

    Raises
    ------
    ValueError
        If the rate, the factor or `every` is not positive, or `every` or `shift` not whole.

    Examples
    --------
    >>> halving = step(0.1, factor=0.5, every=32, per="epoch")
    >>> halving(31), halving(32)
    (0.1, 0.05)
    """
    _positive(learning_rate=learning_rate, factor=factor, every=every)
    _finite(shift=shift)
    if every != int(every) or shift != int(shift):
        raise ValueError(f"every={every!r} and shift={shift!r}: give whole numbers of steps.")

    def formula(t, m):
        # the half keeps a quotient that float32 rounds down from missing its whole number
        drops = m.floor((m.floor(t) + shift + 0.5) / every)
        return learning_rate * factor**drops

    return Schedule(formula, per, "step")


def exponential(learning_rate, rate, *, per):
    """Return exponential decay: ``learning_rate * e ** (-rate * t)``.

    Equal to `keras.optimizers.schedules.ExponentialDecay` with ``decay_rate=e**-rate`` and
    ``decay_steps=1``.

    Parameters
    ----------
    learning_rate : float
        The learning rate at step 0.
    rate : float
        How fast it falls; a negative one lets it grow, as a learning-rate range test does.
    per : {"update", "epoch"}
        What ``t`` counts.

    Raises
    ------
    ValueError
        If `learning_rate` is not positive, or `rate` no number.

    Examples
    --------
    >>> f"{exponential(0.01, rate=0.1, per='epoch')(49):.4e}"
    '7.4466e-05'
    """
    _positive(learning_rate=learning_rate)
    _finite(rate=rate)
    return Schedule(lambda t, m: learning_rate * m.exp(-rate * t), per, "exponential")


def cosine(learning_rate, steps, *, per, final=0.0):
    """Return half a cosine wave from `learning_rate` down to `final`, which it then keeps.

    Equal to `keras.optimizers.schedules.CosineDecay` with ``alpha=final / learning_rate``
    (Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983, one cycle).

    Parameters
    ----------
    learning_rate : float
        The rate at step 0.
    steps : int
        Steps until `final` is reached.
    per : {"update", "epoch"}
        What ``t`` and `steps` count.
    final : float, default 0
        The rate at the end.

    Raises
    ------
    ValueError
        If `learning_rate` or `steps` is not positive, or `final` negative.

    Examples
    --------
    >>> round(cosine(0.1, steps=100, per="update")(50), 6)
    0.05
    """
    _positive(learning_rate=learning_rate, steps=steps)
    _not_negative(final=final)
    return Schedule(
        lambda t, m: _half_wave(learning_rate, final, m.minimum(t / steps, 1.0), m), per, "cosine"
    )


def warmup_cosine(learning_rate, warmup, steps, *, per, final=0.0):
    """Return a straight line up from 0 for `warmup` steps, then half a cosine wave down.

    Equal to `keras.optimizers.schedules.CosineDecay` with ``initial_learning_rate=0``,
    ``warmup_target=learning_rate``, ``warmup_steps=warmup`` and ``decay_steps=steps - warmup``.

    Parameters
    ----------
    learning_rate : float
        The peak, reached at step `warmup`.
    warmup, steps : int
        Steps up, and steps in all.
    per : {"update", "epoch"}
        What ``t``, `warmup` and `steps` count.
    final : float, default 0
        The rate at the end.

    Raises
    ------
    ValueError
        If `learning_rate` or `warmup` is not positive, or `steps` not above `warmup`.

    Examples
    --------
    >>> schedule = warmup_cosine(0.1, warmup=10, steps=100, per="update")
    >>> schedule(0), schedule(5), schedule(10)
    (0.0, 0.05, 0.1)
    """
    _positive(learning_rate=learning_rate, warmup=warmup, steps=steps)
    _not_negative(final=final)
    if steps <= warmup:
        raise ValueError(
            f"steps={steps!r} leaves nothing after warmup={warmup!r}: give more steps in all."
        )

    def formula(t, m):
        down = m.clip((t - warmup) / (steps - warmup), 0.0, 1.0)
        return m.where(
            t < warmup, learning_rate * t / warmup, _half_wave(learning_rate, final, down, m)
        )

    return Schedule(formula, per, "warm-up + cosine")


def one_cycle(learning_rate, steps, *, per, up=0.3, start=1 / 25, end=1e-4):
    """Return one cycle: half a cosine wave up to the peak, then another far down.

    After Smith (2018), https://arxiv.org/abs/1803.09820, with cosine flanks.

    Parameters
    ----------
    learning_rate : float
        The peak.
    steps : int
        Steps in all.
    per : {"update", "epoch"}
        What ``t`` and `steps` count.
    up : float, default 0.3
        The fraction of the steps that climb, above 0 and below 1.
    start, end : float, default 1/25 and 1e-4
        The first and the last rate, as fractions of the peak.

    Raises
    ------
    ValueError
        If a number is not positive, or `up` not below 1.

    Examples
    --------
    >>> schedule = one_cycle(0.1, steps=100, per="update")
    >>> schedule(0), schedule(30)
    (0.004, 0.1)
    """
    _positive(learning_rate=learning_rate, steps=steps, up=up, start=start)
    _not_negative(end=end)
    if up >= 1:
        raise ValueError(f"up={up!r} leaves no steps to come down: give a fraction below 1.")

    def formula(t, m):
        climb = m.clip(t / (up * steps), 0.0, 1.0)
        fall = m.clip((t - up * steps) / (steps - up * steps), 0.0, 1.0)
        return m.where(
            t < up * steps,
            _half_wave(start * learning_rate, learning_rate, climb, m),
            _half_wave(learning_rate, end * learning_rate, fall, m),
        )

    return Schedule(formula, per, "one-cycle")


def _half_wave(first, last, fraction, m):
    share = (1 + m.cos(math.pi * fraction)) / 2  # of the first rate: 1 at the start, 0 at the end
    return first * share + last * (1 - share)


def _finite(**numbers):
    for name, value in numbers.items():
        if not (isinstance(value, Real) and np.isfinite(value)):
            raise ValueError(f"{name}={value!r} is no number: give a finite one.")


def _positive(**numbers):
    for name, value in numbers.items():
        if not (isinstance(value, Real) and np.isfinite(value) and value > 0):
            raise ValueError(f"{name}={value!r} is not a positive number: give one above 0.")


def _not_negative(**numbers):
    for name, value in numbers.items():
        if not (isinstance(value, Real) and np.isfinite(value) and value >= 0):
            raise ValueError(f"{name}={value!r} is negative or no number: give 0 or more.")
