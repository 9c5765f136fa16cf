"""Hypotheses about runs, judged over seeds: `claim`, and `fact` for what knows no chance."""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from .runs import interval

VERDICTS = ("supported", "contradicted", "undecided")
FEWEST = 5  # finite values below which nothing is decided


@dataclass(frozen=True, eq=False)
class Claim:
    """A judged sentence, with its evidence.

    Parameters
    ----------
    sentence : str
    verdict : {"supported", "contradicted", "undecided", "true", "false"}
        The last two for a fact.
    evidence : str
        Estimate, interval, margin, seeds: what the verdict rests on.
    expected : str
        The verdict that the text counts on.
    effect : numpy.ndarray or None
        One number per seed; None for a fact.
    low, high : float or None
        The claimed range of the mean effect, infinite where it has no end; None for a fact.
    over : str
        What the claim generalises over; empty for a fact.
    """

    sentence: str
    verdict: str
    evidence: str
    expected: str
    effect: np.ndarray | None = None
    low: float | None = None
    high: float | None = None
    over: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one that the text counts on."""
        return self.verdict == self.expected

    def __repr__(self):
        loud = "" if self.as_expected else f" (NOT AS EXPECTED: the text says {self.expected})"
        lines = [f"{self.verdict.upper()}{loud}: {self.sentence}"]
        return "\n".join(lines + ([f"Evidence: {self.evidence}"] if self.evidence else []))

    def _repr_mimebundle_(self, include=None, exclude=None):
        # what a notebook stores of a claim, so that it can be judged again without training
        stored = {"sentence": self.sentence, "verdict": self.verdict, "expected": self.expected}
        if self.effect is not None:
            stored |= {
                "over": self.over,
                "low": _plain(self.low),
                "high": _plain(self.high),
                "effect": [_plain(value) for value in self.effect],
            }
        return {"text/plain": repr(self)}, {"optlab": stored}


def claim(
    sentence,
    effect,
    *,
    at_least=None,
    at_most=None,
    between=None,
    expect="supported",
    over="new seeds on this data",
):
    """Judge a sentence about an effect by its values over seeds.

    Parameters
    ----------
    sentence : str
        What is claimed, as one would say it.
    effect : array of float, shape (seeds,)
        One number per seed, such as ``runs.final(...) - runs.final(...)``. NaN where the
        quantity does not exist (never reached, diverged).
    at_least, at_most : float, optional
        The claimed side of the mean effect. Give one of the three.
    between : (float, float), optional
        The claimed range of the mean effect.
    expect : {"supported", "contradicted", "undecided"}, default "supported"
        What the text around it says. Another verdict says so loudly.
    over : str, default "new seeds on this data"
        What the claim generalises over.

    Returns
    -------
    Claim
        *Supported* if the whole 95 % bootstrap interval of the mean lies on the claimed side,
        *contradicted* if all of it lies on the other, else *undecided*. Also undecided with
        fewer than five finite values, and if any value is missing or infinite.

    Raises
    ------
    ValueError
        If not exactly one side is claimed, a side is no number, `effect` is not one number per
        seed, or `expect` is no verdict.

    Examples
    --------
    >>> claim("The gain is above one point", [0.02, 0.03, 0.02, 0.03, 0.02], at_least=0.01)
    SUPPORTED: The gain is above one point
    Evidence: mean 0.024, 95 % interval 0.02 to 0.028, ...
    """
    low, high = _sides(at_least, at_most, between)
    if expect not in VERDICTS:
        raise ValueError(f"expect={expect!r}: give one of {', '.join(VERDICTS)}.")
    try:
        values = np.asarray(effect, dtype="float64")
    except (TypeError, ValueError):
        raise ValueError(f"effect={effect!r}: give one number per seed.") from None
    if values.ndim != 1 or not values.size:
        raise ValueError(
            f"effect has shape {values.shape}: give one number per seed, such as "
            'runs.final("val_accuracy", learning_rate=0.01).'
        )
    return Claim(
        sentence, judge(values, low, high), _evidence(values, low, high, over), expect, values,
        low, high, over,
    )  # fmt: skip


def judge(values, low, high):
    """Return the verdict on the claim that the mean of `values` lies between `low` and `high`.

    Parameters
    ----------
    values : array of float, shape (seeds,)
    low, high : float
        Infinite where the claimed side has no end.

    Examples
    --------
    >>> judge([1.0, 2.0, 3.0, 2.0, 2.0], 0.5, float("inf"))
    'supported'
    """
    values = np.asarray(values, dtype="float64")
    below, above = interval(values[np.isfinite(values)])
    if not np.isfinite(values).all() or values.size < FEWEST:
        return "undecided"
    if low <= below and above <= high:
        return "supported"
    return "contradicted" if above < low or below > high else "undecided"


def fact(sentence, condition):
    """State what is computed without chance: a formula, a count, a shape.

    Parameters
    ----------
    sentence : str
    condition : bool
        Whether it holds.

    Returns
    -------
    Claim
        With the verdict "true" or "false"; "true" is expected.

    Raises
    ------
    TypeError
        If `condition` is not a truth value (an array, say).

    Examples
    --------
    >>> fact("Half of four is two", 4 / 2 == 2)
    TRUE: Half of four is two
    """
    if not isinstance(condition, (bool, np.bool_)):
        raise TypeError(
            f"condition is a {type(condition).__name__}: give True or False, as all(...) does."
        )
    return Claim(sentence, "true" if condition else "false", "", "true")


def _sides(at_least, at_most, between):
    given = [side for side in (at_least, at_most, between) if side is not None]
    if len(given) != 1:
        raise ValueError(
            f"{len(given)} of at_least, at_most and between are given: give exactly one."
        )
    if between is None:
        _finite(given[0])
        return (-np.inf if at_least is None else float(at_least),
                np.inf if at_most is None else float(at_most))  # fmt: skip
    if np.ndim(between) != 1 or len(between) != 2:
        raise ValueError(f"between={between!r}: give two numbers, as in between=(-0.01, 0.01).")
    low, high = between
    _finite(low)
    _finite(high)
    if low > high:
        raise ValueError(f"between={between}: give the smaller number first.")
    return float(low), float(high)


def _finite(side):
    if not (isinstance(side, Real) and np.isfinite(side)):
        raise ValueError(f"The claimed side {side!r} is no number: give a finite one.")


def _plain(value):
    """Return a number as JSON knows it: six digits, None for what is not finite."""
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _evidence(values, low, high, over):
    finite = values[np.isfinite(values)]
    below, above = interval(finite)
    if not finite.size:
        return f"none of {values.size} seeds has a value; over {over}."
    inside = int(np.sum((finite >= low) & (finite <= high)))
    # the value that speaks least for the claim: the deepest outside, or the nearest to a side
    weakest = finite[np.argmin(np.minimum(finite - low, high - finite))]
    parts = [
        f"mean {finite.mean():.3g}",
        f"95 % interval {below:.3g} to {above:.3g}",
        f"claimed {_range(low, high)}",
        f"{inside} of {values.size} seeds on that side",
        f"weakest {weakest:.3g}",
    ]
    if values.size > finite.size:
        parts.append(f"{values.size - finite.size} without a value")
    return ", ".join(parts) + f"; over {over}."


def _range(low, high):
    if np.isinf(low):
        return f"at most {high:g}"
    return f"at least {low:g}" if np.isinf(high) else f"{low:g} to {high:g}"
