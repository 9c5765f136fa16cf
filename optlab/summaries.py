"""The statistics that the figures draw, apart from drawing: arrays in, arrays out."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .intervals import interval


def quartiles(values) -> np.ndarray:
    """Return the quartiles over the seeds (axis 0) of what is finite, shape (3, ...).

    Examples
    --------
    >>> quartiles([0.1, 0.2, 0.3, float("nan")])
    array([0.15, 0.2 , 0.25])
    """
    values = np.asarray(values, dtype="float64")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where no run is finite there is no line
        return np.nanpercentile(np.where(np.isfinite(values), values, np.nan), (25, 50, 75), axis=0)


def lost(values) -> int:
    """Return how many values are not finite: the runs that diverged."""
    return int((~np.isfinite(values)).sum())


def middle_curve(values, lengths):
    """Return the quartiles of curves while at least half of the runs train.

    Parameters
    ----------
    values : array of float, shape (seeds, epochs)
    lengths : array of int, shape (seeds,)

    Returns
    -------
    there : array of bool, shape (epochs,)
        The epochs that have quartiles.
    low, middle, high : array of float
        One number per such epoch.
    """
    training = np.arange(values.shape[1]) < np.asarray(lengths)[:, None]
    there = training.sum(axis=0) * 2 >= len(values)
    return there, *quartiles(values[:, there])


def held(along, values):
    """Return the corners of steps: each value holds from the look before to its own.

    Examples
    --------
    >>> held([1, 2], [0.1, 0.05])
    (array([0, 1, 2]), array([0.1 , 0.05, 0.05]))
    """
    if not len(along):
        return np.asarray(along), np.asarray(values)
    return np.concatenate([[0], along]), np.append(values, values[-1])


def spread(values):
    """Return the quartiles of each row's finite values, and how many are not finite.

    Parameters
    ----------
    values : array of float, shape (settings, seeds)

    Returns
    -------
    low, middle, high : array of float, shape (settings,)
        NaN where fewer than half of a row are finite: the few that are left stand for nothing.
    lost : array of int, shape (settings,)
    """
    values = np.asarray(values, dtype="float64")
    gone = (~np.isfinite(values)).sum(axis=1)
    most = gone * 2 > values.shape[1]
    return *np.where(most, np.nan, quartiles(values.T)), gone


@dataclass(frozen=True)
class Scale:
    """How numbers stand on an axis: `to` maps them to even distances, `back` undoes that."""

    name: str
    to: Callable
    back: Callable


def _decades_below_one(momentum):
    with np.errstate(divide="ignore", invalid="ignore"):  # matplotlib tries numbers beyond the axis
        return -np.log10(1 - np.asarray(momentum))


# The memory of momentum m is 1 / (1 - m) updates: 0.9 and 0.99 are as far apart as 0 and 0.9.
SCALES = {
    "linear": Scale("linear", lambda x: x, lambda x: x),
    "logarithmic": Scale("logarithmic", np.log10, lambda x: 10.0**x),
    "momentum": Scale("momentum", _decades_below_one, lambda x: 1 - 10.0**-x),
}


def places(values, scale):
    """Return where numbers stand on an axis, and the distance of neighbours on the scale.

    Parameters
    ----------
    values : array of float, shape (n,)
        Sorted, none twice.
    scale : Scale
        On the logarithmic one, zero stands one such distance left of the smallest other number.

    Returns
    -------
    x : array of float, shape (n,)
    apart : float
        The median of the distances; one where there is none.

    Examples
    --------
    >>> x, apart = places([0, 0.01, 0.1, 1], SCALES["logarithmic"])
    >>> x.round(6), round(apart, 6)
    (array([0.001, 0.01 , 0.1  , 1.   ]), 1.0)
    """
    x = np.array(values, dtype="float64")
    zero = int(scale.name == "logarithmic" and x[0] == 0)
    distances = np.diff(scale.to(x[zero:]))
    apart = float(np.median(distances)) if len(distances) else 1.0
    if zero:
        x[0] = scale.back(scale.to(x[1]) - apart) if len(x) > 1 else 1.0
    return x, apart


def edges(values) -> np.ndarray:
    """Return the edges of a histogram's bins, so that none holds more of the possible values.

    Accuracies are multiples of one over the number of samples: bins of another width show combs
    that are not there.

    Parameters
    ----------
    values : array of float, shape (n,)
        Finite.
    """
    known = np.unique(np.round(values, 9))
    if len(known) == 1:
        return known[0] + np.array([-0.5, 0.5]) * max(0.01 * abs(known[0]), 1e-3)
    wanted = np.diff(np.histogram_bin_edges(values, "auto")[:2])[0]
    gap = np.diff(known).min()
    if not np.allclose(known, known[0] + gap * np.round((known - known[0]) / gap), atol=gap / 50):
        return np.histogram_bin_edges(values, "auto")
    width = gap * max(1, round(wanted / gap))
    count = int((known[-1] - known[0] + gap / 2) / width) + 1
    return known[0] - gap / 2 + width * np.arange(count + 1)


@dataclass(frozen=True)
class Paired:
    """Differences of two settings, seed by seed, sorted.

    Parameters
    ----------
    values : numpy.ndarray, shape (pairs,)
        Finite, from the lowest to the highest.
    mean, low, high : float
        The mean and its 95 % interval; NaN where there is none.
    above, below, equal, missing : int
        How many pairs are above zero, below and at it; how many lack a value.
    """

    values: np.ndarray
    mean: float
    low: float
    high: float
    above: int
    below: int
    equal: int
    missing: int


def paired(first, second) -> Paired:
    """Return the differences ``first - second`` of two arrays, shape (seeds,).

    Examples
    --------
    >>> found = paired([3.0, 2.0, 1.0], [1.0, 1.0, 1.0])
    >>> found.values, found.mean, found.above, found.equal
    (array([0., 1., 2.]), 1.0, 2, 1)
    """
    both = np.stack([first, second]).astype("float64")
    both = both[:, np.isfinite(both).all(axis=0)]
    values = np.sort(np.round(both[0] - both[1], 9))  # 0.3 - 0.2 is 0.1, and 0.1 - 0.1 no noise
    low, high = interval(values)
    mean = float(values.mean()) if values.size else float("nan")
    equal, above = int((values == 0).sum()), int((values > 0).sum())
    return Paired(
        values, mean, low, high, above, len(values) - equal - above, equal,
        len(np.atleast_1d(first)) - len(values),
    )  # fmt: skip
