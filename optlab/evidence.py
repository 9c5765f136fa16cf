"""What a verdict rests on: the interval of a claim's values, and its evidence in words."""

import math

import numpy as np

from .intervals import interval

FEWEST = 5  # finite values below which nothing is decided
ALONE, TOGETHER = 0.95, 1 - 0.05 / 3  # a claim by itself; one of a lesson's three main claims


def kind_of(unit):
    """Return what is estimated of an effect in this unit: a "mean", a "ratio" or a "share"."""
    return {"times": "ratio", "runs": "share"}.get(unit, "mean")


def usable(values, kind):
    """Return which values there are: those of a ratio need a logarithm."""
    return np.isfinite(values) & ((kind != "ratio") | (values > 0))


def interval_of(values, kind, main):
    """Return the interval of values; NaN where one is missing."""
    if not usable(values, kind).all():
        return float("nan"), float("nan")
    return interval(values, TOGETHER if main else ALONE, kind)


def plain(value):
    """Return a number as JSON knows it: six digits, None for what is not finite."""
    return float(f"{value:.6g}") if np.isfinite(value) else None


def evidence(claim):
    """Return what a claim's verdict rests on, in words, in the unit of its sentence."""
    values, low, high, again = claim.effect, claim.low, claim.high, claim.again
    unit, per, main = claim.unit, claim.per, claim.main
    kind = kind_of(unit)
    finite, n = values[usable(values, kind)], values.size
    if not finite.size:
        return f"none of {_counted(n, per)} has a value. Over {claim.over}."
    ends = interval_of(values, kind, main)
    factor = 100 if unit in ("points", "percent", "runs") else 1
    sign = " %" if unit in ("percent", "runs") else ""
    finer = _finer(ends, (low, high), factor, kind)

    def say(value):
        return f"{_number(value, ends, factor, kind, finer)}{sign}"

    claimed = _range(low, high, lambda side: f"{factor * side:z.6g}{sign}")
    between = _why_none(finite, n, per)
    if np.isfinite(ends[0]):
        between = f"{98.3 if main else 95} % interval {say(ends[0])} to {say(ends[1])}"
    if kind == "share":
        estimate = f"{finite.sum():.0f} of {_counted(finite.size, per)}, {say(finite.mean())}"
    else:
        mean = np.exp(np.log(finite).mean()) if kind == "ratio" else finite.mean()
        estimate = f"{say(mean)}{f' {unit}' if unit not in (None, 'percent') else ''}"
        between += f", {_counted(finite.size, per)}"
    parts = [f"{estimate} ({between}); claimed: {claimed}."]
    if kind != "share":
        inside = int(np.sum((finite >= low) & (finite <= high)))
        weakest = _weakest(finite, low, high, kind)
        parts.append(f"On that side: {inside} of {n}, the weakest {say(weakest)}.")
    if n > finite.size:
        parts.append(f"Without a value: {n - finite.size}.")
    if n < FEWEST:
        parts.append(f"Fewer than {FEWEST} decide nothing.")
    if np.isfinite(again):
        often = "more than 99" if again > 0.995 else f"{100 * again:.0f}"
        again = _counted(n, per, "new ")
        parts.append(f"The same verdict from {again}: {often} times in 100.")
    return " ".join(parts) + f" Over {claim.over}."


def _counted(n, word, before=""):
    """Return a number with what it counts: 1 seed, 2 seeds, 2 groups of 20."""
    head, of, tail = word.partition(" of ")
    return f"{n} {before}{head}{'s' * (n != 1)}{of}{tail}"


def _why_none(finite, n, per):
    """Return why there is no interval."""
    if finite.size < n:
        return f"no interval, as not every {per} has a value"
    if n == 1:
        return "no interval of one value"
    nearly = " up to rounding" if np.ptp(finite) else ""
    return f"no interval, as all values are equal{nearly}"


def _weakest(finite, low, high, kind):
    """Return the value that speaks least for the claim: deepest outside, or nearest to a side."""
    if kind == "ratio":
        inside = np.minimum(finite / low if low > 0 else np.inf, high / finite)
    else:
        inside = np.minimum(finite - low, high - finite)
    return finite[np.argmin(inside)]


def _number(value, ends, factor, kind, finer=0):
    """Return a number in as many decimals as its interval leaves, and some finer ones."""
    if kind == "ratio":
        step = abs(value) * min(np.log(ends[1] / ends[0]) / 4, 0.9)
    else:
        step = factor * (ends[1] - ends[0]) / 4
    number = factor * value
    if not (np.isfinite(number) and 0 < step < np.inf):
        return f"{number:z.4g}"
    decimals = max(finer - math.floor(math.log10(step)), 0)
    if decimals <= 6 and abs(number) < 1e7:
        return f"{number:z.{decimals}f}"
    digits = math.log10(max(abs(number), step) / step) + finer + 2
    return f"{number:z.{min(max(int(digits), 4), 15)}g}"


def _finer(ends, sides, factor, kind):
    """Return how many more decimals show on which side of a claim the interval ends."""
    for finer in range(4):
        shown = [float(_number(end, ends, factor, kind, finer)) for end in ends]
        pairs = [(np.sign(end - side), np.sign(said - float(f"{factor * side:.6g}")))
                 for end, said in zip(ends, shown, strict=True)
                 for side in sides if np.isfinite(end) and np.isfinite(side)]  # fmt: skip
        if all(true == said for true, said in pairs):
            return finer
    return 0


def _range(low, high, say):
    if np.isinf(low):
        return f"at most {say(high)}"
    return f"at least {say(low)}" if np.isinf(high) else f"{say(low)} to {say(high)}"
