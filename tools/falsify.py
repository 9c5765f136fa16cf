"""Judge stored claims again with their effects turned round: every decided verdict must change.

A verdict that stays, whatever the data say, was no finding. No training is needed: the lessons
store the effect of each claim, one number a seed.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from optlab.claims import judge  # noqa: E402
from optlab.evidence import kind_of  # noqa: E402


def numbers(claim):
    """Return a stored claim's effect and the claimed range; of a ratio, the logarithms."""
    effect = np.array([np.nan if v is None else v for v in claim["effect"]])
    low = -np.inf if claim["low"] is None else claim["low"]
    high = np.inf if claim["high"] is None else claim["high"]
    if kind(claim) == "ratio":  # where turning the sign means swapping the settings
        return np.log(effect), *(np.sign(s) * np.inf if np.isinf(s) else np.log(s)
                                 for s in (low, high))  # fmt: skip
    return effect, low, high


def kind(claim):
    """Return what a stored claim estimates."""
    return kind_of(claim.get("unit"))


def shares(claim):
    """Yield (name, effect) for a claim that a share of runs lies between two."""
    effect, low, high = numbers(claim)
    if claim["verdict"] == "contradicted":
        yield "as many runs as claimed", np.arange(len(effect)) < len(effect) * (low + high) / 2
    for name, share in (("no run", 0.0), ("all runs", 1.0)):
        if claim["verdict"] == "supported" and not low <= share <= high:
            yield name, np.full(len(effect), share)


def mutations(claim):
    """Yield (name, effect) for each way in which the claim's effect can be turned round."""
    effect, low, high = numbers(claim)
    margin = abs(low if np.isfinite(low) else high)
    across = -2 * margin if np.isfinite(low) else 2 * margin  # out of a one-sided claim
    if kind(claim) == "share" and np.isfinite([low, high]).all():
        yield from shares(claim)
    elif np.isfinite([low, high]).all():
        if claim["verdict"] == "contradicted":
            yield "no effect", effect - effect.mean() + (low + high) / 2
        else:  # the range is two margins wide
            yield "shifted up by twice the margin", effect + (high - low)
            yield "shifted down by twice the margin", effect - (high - low)
    elif set(effect) <= {0.0, 1.0}:
        yield "the other runs", 1 - effect
    elif claim["verdict"] == "contradicted":
        swapped = (-effect).mean()
        turns = low <= swapped <= high
        yield (
            ("sign turned", -effect) if turns else ("shifted by twice the margin", effect - across)
        )
    elif low >= 0 or high <= 0:
        yield "sign turned", -effect
    else:  # a claim that allows a little: no more than so much, no less than minus so much
        yield "shifted by twice the margin", effect + across
    one_sided = np.isinf(low) or np.isinf(high)
    beyond_one = kind(claim) == "mean" and (1 < low < np.inf or 0 < high < 1)
    if claim["verdict"] == "supported" and one_sided and beyond_one and (effect > 0).all():
        yield "settings swapped in a ratio", 1 / effect


def falsify(claims):
    """Return what survives, as (sentence, mutation), and how many mutations were tried."""
    survivors, tried = [], 0
    for claim in claims:
        if "effect" in claim and claim["verdict"] != "undecided":
            _, low, high = numbers(claim)
            judged = "share" if kind(claim) == "share" else "mean"
            for name, effect in mutations(claim):
                tried += 1
                if judge(effect, low, high, judged, claim.get("main", False)) == claim["verdict"]:
                    survivors.append((claim["sentence"], name))
    return survivors, tried
