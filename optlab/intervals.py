"""Intervals that cover as often as they say, and whether a verdict would come out the same again.

Three kinds of effects: a *mean* of differences or levels (Student's t), a *ratio* (t on the
logarithms, so a geometric mean) and a *share* of runs (exact binomial, Clopper and Pearson).
How often they cover is simulated in ``benchmarks/coverage.py``.
"""

import numpy as np
from scipy import stats

KINDS = ("mean", "ratio", "share")
DRAWS = 20_000  # simulated repetitions; their noise is below a third of a percentage point
ROUNDING = 1e-6, 1e-12  # what values may differ by and be equal: a part of them, or as such


def interval(values, confidence=0.95, kind="mean"):
    """Return the interval of a mean, a geometric mean or a share.

    Parameters
    ----------
    values : array of float, shape (..., n)
        Finite; positive for a ratio, zeros and ones for a share. The last axis is summed up.
    confidence : float, default 0.95
    kind : {"mean", "ratio", "share"}, default "mean"

    Returns
    -------
    low, high : float, or array of float of shape (...)
        NaN where there is none: fewer than two values, or equal values, whose spread says nothing
        about how far the next one lies. Equal are also those that differ by rounding: in the
        seventh digit, or by less than 1e-12. (Of a share, equal values say much: 20 of 20 is 83 %
        to 100 %.)

    Raises
    ------
    ValueError
        If there is no such kind.

    Notes
    -----
    By simulation (``docs/coverage.md``), t covers 95 % on normal and on coarse effects from five
    values on. Where one side has a long tail it covers less (exponential: 88 % at 5 values, 92 % at
    20), and of a failure that no run showed it knows nothing: where one run in ten fails, with a
    little noise on top, it covers 47 % at 5 values and 88 % at 20. Tell that as a share of runs,
    whose exact interval covers at least 95 %.

    Examples
    --------
    >>> low, high = interval([1.0, 2.0, 3.0, 2.0, 2.0])
    >>> round(low, 3), round(high, 3)
    (1.122, 2.878)
    >>> low, high = interval([1] * 20, kind="share")
    >>> round(low, 2), high
    (0.83, 1.0)
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: give one of {', '.join(KINDS)}.")
    values = np.asarray(values, dtype="float64")
    n = values.shape[-1]
    if kind == "share":
        low, high = _shares(n, confidence)
        count = values.sum(axis=-1).astype(int)
        low, high = (low[count], high[count]) if n else (np.nan, np.nan)
    elif n < 2:
        low = high = np.full(values.shape[:-1], np.nan)
    else:
        low, high = _around(*_summary(values, kind), n, confidence, kind)
    return (float(low), float(high)) if values.ndim == 1 else (low, high)


def verdicts(below, above, low, high):
    """Return what intervals say of the claim that the truth lies between `low` and `high`.

    Parameters
    ----------
    below, above : array of float
        The ends of the intervals. NaN decides nothing.
    low, high : float
        Infinite where the claimed side has no end.

    Returns
    -------
    array of str
        "supported", "contradicted" or "undecided".
    """
    supported = (below >= low) & (above <= high)
    contradicted = (above < low) | (below > high)
    return np.select([supported, contradicted], ["supported", "contradicted"], "undecided")


def same_again(values, low, high, confidence=0.95, kind="mean"):
    """Return how probable it is that as many new values give the same verdict.

    Parameters
    ----------
    values : array of float, shape (n,)
    low, high, confidence, kind
        As for `interval` and `verdicts`.

    Returns
    -------
    float
        NaN where there is no interval.

    Notes
    -----
    The truth is not known, only estimated: it is drawn from what these values leave open (a t
    distribution around their mean, a beta distribution with Jeffreys' prior around their share),
    then as many new values are drawn from it and judged. The effects are taken to be normal, on
    the logarithmic scale for a ratio.

    It is right on average over truths of all sizes. Of those that lie at a claim's very margin it
    says too much where the verdict is decided (by luck: 1 in 20), and too little where it is not.

    Where more than half of the values of a mean or a ratio are equal, as many new ones may all be,
    which leaves no interval and so no decision. How probable that is follows from the share that
    is equal, again with Jeffreys' prior.

    It knows nothing of ratios whose denominator may vanish, of settings that were chosen by looking
    at the same seeds, nor of a failure that no run showed. After these, a verdict changes more
    often than it says.

    Examples
    --------
    >>> same_again([1.0, 2.0, 3.0, 2.5, 1.5], 1.0, float("inf")) < 0.8
    True
    >>> same_again([1.0, 2.0, 3.0, 2.5, 1.5], -99.0, float("inf"))
    1.0
    """
    values = np.asarray(values, dtype="float64")
    found = interval(values, confidence, kind)
    if np.isnan(found).any():
        return float("nan")
    rng, n = np.random.default_rng(0), len(values)
    if kind == "share":
        hits = values.sum()
        shares = rng.beta(hits + 0.5, n - hits + 0.5, DRAWS)
        ends = _shares(n, confidence)
        again = verdicts(*(end[rng.binomial(n, shares)] for end in ends), low, high)
    else:
        mean, sd = _summary(values, kind)
        sds = sd * np.sqrt((n - 1) / rng.chisquare(n - 1, DRAWS))
        means = mean + sds * rng.normal(scale=np.sqrt(2 / n), size=DRAWS)
        sds *= np.sqrt(rng.chisquare(n - 1, DRAWS) / (n - 1))  # of the new values
        again = verdicts(*_around(means, sds, n, confidence, kind), low, high)
        equal = rng.random(DRAWS) < _all_equal(values)
        again = np.where(equal, "undecided", again)
    return float(np.mean(again == verdicts(*found, low, high)))


def _all_equal(values):
    """Return how probable it is that as many new values are equal, if most of these are."""
    n, near = len(values), max(ROUNDING[0] * np.abs(values).max(), ROUNDING[1])
    count = np.sum(np.abs(values - np.median(values)) <= near)
    if count <= n / 2:
        return 0.0
    return stats.betabinom.pmf(n, n, count + 0.5, n - count + 0.5)


def _summary(values, kind):
    """Return mean and deviation (of a ratio's logarithms); none where all values are equal."""
    size = np.abs(values).max(axis=-1, keepdims=True)
    scaled = values / np.where(size > 0, size, 1.0)  # the squares of huge values would overflow
    spread, size = np.ptp(scaled, axis=-1), size[..., 0]
    equal = (spread <= ROUNDING[0]) | ((spread * size <= ROUNDING[1]) & (kind != "ratio"))
    if kind == "ratio":
        scaled, size = np.log(values), 1.0
    sd = np.where(equal, np.nan, scaled.std(axis=-1, ddof=1))
    return size * scaled.mean(axis=-1), size * sd


def _around(mean, sd, n, confidence, kind):
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * sd / np.sqrt(n)
    if kind != "ratio":
        return mean - half, mean + half
    with np.errstate(over="ignore"):  # infinite is right
        return np.exp(mean - half), np.exp(mean + half)


def _shares(n, confidence):
    """Return the exact intervals of 0, 1, ..., n hits among n."""
    hits, tail = np.arange(n + 1), (1 - confidence) / 2
    low = stats.beta.ppf(tail, hits, n - hits + 1)
    high = stats.beta.ppf(1 - tail, hits + 1, n - hits)
    return np.where(hits == 0, 0.0, low), np.where(hits == n, 1.0, high)
