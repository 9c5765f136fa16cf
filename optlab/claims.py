"""Hypotheses about runs, judged over seeds: `claim`, and `fact` for what knows no chance."""

import math
import re
import reprlib
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
import pandas as pd

from .cards import card
from .evidence import ALONE, FEWEST, TOGETHER, evidence, interval_of, kind_of, plain, usable
from .guesses import came, guessed
from .intervals import same_again, verdicts

VERDICTS = ("supported", "contradicted", "undecided")
LABEL = re.compile(r"[a-z]?\d+\.\d+[a-z]?")


@dataclass(frozen=True, eq=False)
class Claim:
    """A judged sentence, with its evidence.

    Parameters
    ----------
    sentence : str
    verdict : {"supported", "contradicted", "undecided", "true", "false"}
        The last two for a fact.
    evidence : str
        Estimate, interval, claimed side, seeds: what the verdict rests on.
    expected : str
        The verdict that the text counts on.
    effect : numpy.ndarray or None
        One number per seed; None for a fact.
    low, high : float or None
        The claimed range of the effect, infinite where it has no end; None for a fact.
    over : str
        What the claim generalises over; empty for a fact.
    unit, per, label : str or None
        As given to `claim`.
    main : bool
        Whether it is one of the claims that carry a lesson's message.
    again : float
        How probable the same verdict is with as many new seeds; NaN where that cannot be said.
    """

    sentence: str
    verdict: str
    evidence: str
    expected: str
    effect: np.ndarray | None = None
    low: float | None = None
    high: float | None = None
    over: str = ""
    unit: str | None = None
    per: str = "seed"
    label: str | None = None
    main: bool = False
    again: float = float("nan")

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one that the text counts on."""
        return self.verdict == self.expected

    @property
    def kind(self) -> str:
        """What is estimated: "mean", "ratio" or "share"."""
        return kind_of(self.unit)

    @property
    def interval(self) -> tuple:
        """The interval that the verdict rests on, (low, high); NaN where there is none."""
        if self.effect is None:
            return float("nan"), float("nan")
        return interval_of(self.effect, self.kind, self.main)

    def __repr__(self):
        loud = "" if self.as_expected else f" (NOT AS EXPECTED: the text says {self.expected})"
        label = f" (claim {self.label})" if self.label else ""
        lines = [f"{self.verdict.upper()}{loud}: {self.sentence}{label}"]
        return "\n".join(lines + ([f"Evidence: {self.evidence}"] if self.evidence else []))

    def _repr_mimebundle_(self, include=None, exclude=None):
        # what a notebook stores of a claim, so that it can be judged again without training
        stored = {"sentence": self.sentence, "verdict": self.verdict, "expected": self.expected}
        if self.label:
            stored["label"] = self.label
        if self.effect is not None:
            stored |= {
                "over": self.over,
                "unit": self.unit,
                "per": self.per,
                "main": self.main,
                "low": plain(self.low),
                "high": plain(self.high),
                "again": plain(self.again),
                "effect": [plain(value) for value in self.effect],
            }
        shown = {"text/plain": repr(self), "text/html": card(self, guessed(self.label))}
        return shown, {"optlab": stored}


def claim(
    sentence,
    effect,
    *,
    at_least=None,
    at_most=None,
    between=None,
    expect="supported",
    unit=None,
    per="seed",
    over="new seeds on this data",
    label=None,
    main=False,
):
    """Judge a sentence about an effect by its values over seeds.

    Parameters
    ----------
    sentence : str
        What is claimed, as one would say it.
    effect : array of float, shape (n,)
        One number per seed, such as ``runs.final(...) - runs.final(...)``, or per start, draw or
        fold: whatever there are many of that know nothing of each other. NaN where the quantity
        does not exist (never reached, diverged).
    at_least, at_most : float, optional
        The claimed side of the effect. Give one of the three.
    between : (float, float), optional
        The claimed range of the effect.
    expect : {"supported", "contradicted", "undecided"}, default "supported"
        What the text around it says. Another verdict says so loudly.
    unit : str, optional
        What the numbers count, and with it what is estimated:

        - ``"points"``: the mean of differences of accuracies, shown as percentage points,
        - ``"percent"``: the mean of accuracies or other parts of one, shown in percent. Both are
          rounded to a millionth: beyond it lies what single precision leaves of a difference,
        - ``"times"``: a ratio, judged on the logarithmic scale as a geometric mean,
        - ``"runs"``: the share of runs of which something holds; `effect` is zeros and ones, and
          the interval is the exact binomial one. Also taken for zeros and ones without a unit
          if the claimed side is a share that they could miss,
        - any other word, such as ``"epochs"``, is shown behind the mean.
    per : str, default "seed"
        What the effect has one value of: a seed, a start, a draw, a fold.
    over : str, default "new seeds on this data"
        What the claim generalises over.
    label : str, optional
        Lesson and number, such as ``"5.3"``: how the text and `guess` refer to the claim.
    main : bool, default False
        One of at most three claims that carry a lesson's message. They are judged together: each
        by an interval of 98.3 % in place of 95 %.

    Returns
    -------
    Claim
        *Supported* if the whole interval lies on the claimed side, *contradicted* if all of it
        lies on the other, else *undecided*. Also undecided

        - with fewer than five values,
        - if any value is missing or infinite (a ratio of zero has no logarithm), and
        - if all values of a mean or a ratio are equal: that leaves no measure of how far the next
          one may lie, and is no proof that there is none. Claim the share of runs instead.

    Raises
    ------
    ValueError
        If not exactly one side is claimed, a side is no number, `effect` is not one number per
        seed or does not fit its unit, `expect` is no verdict, or `unit`, `per` or `label` is no
        such word.

    Notes
    -----
    The evidence also says in how many of a hundred repetitions, each with as many new seeds, the
    verdict would be the same: see `optlab.intervals.same_again`. How often the intervals cover is
    in the table of coverage, which ``benchmarks/coverage.py`` writes.

    Examples
    --------
    >>> gain = [0.02, 0.03, 0.02, 0.03, 0.02]
    >>> claim("The gain is above one point", gain, at_least=0.01, unit="points")
    SUPPORTED: The gain is above one point
    Evidence: 2.4 points (95 % interval 1.7 to 3.1, 5 seeds); claimed: at least 1. ...
    >>> claim("Most runs arrive", [True, True, True, False, True, True, True], at_least=0.5)
    UNDECIDED (NOT AS EXPECTED: the text says supported): Most runs arrive
    Evidence: 6 of 7 seeds, 86 % (95 % interval 42 % to 100 %); claimed: at least 50 %. ...
    """
    low, high = _sides(at_least, at_most, between)
    if expect not in VERDICTS:
        raise ValueError(f"expect={expect!r}: give one of {', '.join(VERDICTS)}.")
    values = _values(effect)
    for name, word in (("sentence", sentence), ("unit", unit), ("per", per), ("over", over)):
        if not (isinstance(word, str) and word.strip()) and (name, word) != ("unit", None):
            raise ValueError(f"{name}={word!r}: give words, such as {_EXAMPLES[name]!r}.")
    if not isinstance(main, bool):
        raise ValueError(f"main={main!r}: give True or False.")
    ones = bool(np.isin(values[np.isfinite(values)], (0, 1)).all()) and np.isfinite(values).any()
    if unit is None and ones and _is_share(low, high):
        unit = "runs"
    _refuse_other_kind(values, ones, unit, low, high)
    _refuse_label(label)
    if unit == "times":  # 0.3 / 0.1 is 3
        values = np.array([float(f"{value:.9g}") for value in values])
    if unit in ("points", "percent"):  # and a zero has no sign
        values, low, high = (np.round(number, 6) + 0.0 for number in (values, low, high))
    verdict = judge(values, low, high, kind_of(unit), main)
    again = float("nan")
    if usable(values, kind_of(unit)).all() and values.size >= FEWEST:
        again = same_again(values, low, high, TOGETHER if main else ALONE, kind_of(unit))
    found = Claim(
        sentence, verdict, "", expect, values, low, high, over, unit, per, label, main, again
    )  # fmt: skip
    found = replace(found, evidence=evidence(found))
    came(label, sentence, verdict)
    return found


def judge(values, low, high, kind="mean", main=False):
    """Return the verdict on the claim that the truth of `values` lies between `low` and `high`.

    Parameters
    ----------
    values : array of float, shape (n,)
    low, high : float
        Infinite where the claimed side has no end.
    kind : {"mean", "ratio", "share"}, default "mean"
    main : bool, default False

    Examples
    --------
    >>> judge([1.0, 2.0, 3.0, 2.0, 2.0], 0.5, float("inf"))
    'supported'
    """
    values = np.asarray(values, dtype="float64")
    if values.size < FEWEST:
        return "undecided"
    return str(verdicts(*interval_of(values, kind, main), low, high))


def fact(sentence, condition, *, label=None):
    """State what is computed without chance: a formula, a count, a shape.

    Parameters
    ----------
    sentence : str
    condition : bool
        Whether it holds.
    label : str, optional
        Lesson and number, such as ``"5.3"``.

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
    _refuse_label(label)
    verdict = "true" if condition else "false"
    came(label, sentence, verdict)
    return Claim(sentence, verdict, "", "true", label=label)


# ---- what is refused -------------------------------------------------------------------------

_EXAMPLES = {
    "sentence": "Adam wins", "unit": "epochs", "per": "seed", "over": "new seeds on this data"
}  # fmt: skip


def _values(effect):
    """Return an effect as floats, (n,)."""
    try:
        values = np.asarray(effect)
        if isinstance(effect, (list, tuple)):
            values = np.asarray(effect, dtype=object)
        if values.dtype.kind not in "biufO":
            raise TypeError
        missing = pd.isna(values)
        kinds = [type(value) for value in values[~missing]] if values.dtype.kind == "O" else []
        if any(issubclass(kind, (str, bytes)) for kind in kinds):
            raise TypeError
        values = np.where(missing, np.nan, values).astype("float64")
    except (TypeError, ValueError, OverflowError):
        shown = " ".join(reprlib.repr(effect).split())
        raise ValueError(f"effect={shown}: give one number per seed.") from None
    truths = sum(issubclass(kind, (bool, np.bool_)) for kind in kinds)
    if 0 < truths < len(kinds):
        raise ValueError(
            f"effect has {truths} truth values among {len(kinds)}: give numbers only, or True and "
            "False only."
        )
    if values.ndim != 1 or not values.size:
        raise ValueError(
            f"effect has shape {values.shape}: give one number per seed, such as "
            'runs.final("val_accuracy", learning_rate=0.01).'
        )
    return values


def _refuse_other_kind(values, ones, unit, low, high):
    if unit == "runs" and not ones and np.isfinite(values).any():
        raise ValueError('unit="runs" counts runs: give an effect of True and False, or 1 and 0.')
    if unit == "times" and (values < 0).any():
        raise ValueError(f'unit="times" is a ratio, and {values.min():g} is below 0.')
    if unit == "times" and any(np.isfinite(side) and side <= 0 for side in (low, high)):
        raise ValueError('unit="times" is a ratio: claim a side above 0.')
    if unit == "runs" and not _is_share(low, high):
        raise ValueError('unit="runs" is a share: claim a part of one, such as at_least=0.5.')


def _is_share(low, high):
    """Return whether a share of runs can lie in this range, and need not."""
    return all(np.isinf(side) or 0 <= side <= 1 for side in (low, high)) and (low > 0 or high < 1)


def _refuse_label(label):
    if label is not None and not (isinstance(label, str) and LABEL.fullmatch(label)):
        raise ValueError(f'label={label!r}: give lesson and number, such as "5.3".')


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
    try:
        finite = isinstance(side, Real) and not isinstance(side, bool) and math.isfinite(side)
    except OverflowError:  # an integer beyond all floats
        finite = False
    if not finite:
        shown = reprlib.repr(side)
        raise ValueError(f"The claimed side {shown} is no number: give a finite one.")
