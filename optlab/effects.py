"""The figures of differences: what claims see, many at once; two settings, seed by seed."""

from dataclasses import replace

import numpy as np

from .captions import caption, check_runs, name_of
from .cards import GREY, piles
from .cards import LOOKS as VERDICTS
from .claims import Claim, claim
from .figures import COLORS, WIDEST, finish, house_style, kind, new_figure, number, plain_log, wrap
from .looks import looks_of
from .summaries import paired

PERCENT = ("points", "percent", "runs")  # units that show parts of one as parts of a hundred
SCALES = {"points": "percentage points", "percent": "percent", "runs": "percent of runs",
          "times": "times (logarithmic axis)", None: "effect"}  # fmt: skip


def plot_effects(claims, *, at_least=None, at_most=None, between=None, unit=None, per=None):
    """Draw what claims rest on, a row for each: every seed, the interval, the claimed side.

    Parameters
    ----------
    claims : list of Claim, or dict of str to array of float, shape (seeds,)
        What `claim` returned; or effects by name, of all of which the same is claimed.
    at_least, at_most, between, unit, per : optional
        With a dict only: the claimed side, one of the three, the unit, and what there is one value
        of (``"seed"``, if not given), as for `claim`. A dict tells what came; nothing is expected.

    Returns
    -------
    Figure
        In the order given. Rows of the same unit share their axis.

    Raises
    ------
    ValueError
        If there is nothing to draw, a claim is a fact (which has no effect), or a side, a unit or a
        unit of repetition is given with claims, which have their own.
    TypeError
        If `claims` is something else.

    Examples
    --------
    >>> gains = {"Adam": [0.02, 0.03, 0.02, 0.03, 0.02], "SGD": [0.01, 0.0, 0.02, 0.01, 0.0]}
    >>> plot_effects(gains, at_least=0.01, unit="points")
    Figure: 2 effects, a row each. Adam: supported, 2.4 points (95 % interval 1.7 to 3.1, 5 seeds);
    claimed: at least 1. SGD: undecided, 0.8 points (95 % interval -0.2 to 1.8, 5 seeds); claimed:
    at least 1. Dot: one seed. ...
    """
    sides = {"at_least": at_least, "at_most": at_most, "between": between, "unit": unit, "per": per}
    claims = _checked_claims(claims, sides)
    texts = [wrap(c.sentence, 46) for c in claims]
    heights = [0.52 + 0.19 * (1 + text.count("\n")) for text in texts]
    last = [i + 1 == len(claims) or claims[i + 1].unit != c.unit for i, c in enumerate(claims)]
    with house_style():
        figure, axes = new_figure(
            len(claims), 2, WIDEST, sum(heights) + 0.45 * sum(last) + 0.5,
            height_ratios=heights, width_ratios=(4, 5),
        )  # fmt: skip
        limits = {c.unit: _limits([d for d in claims if d.unit == c.unit]) for c in claims}
        for (left, right), found, text, labelled in zip(axes, claims, texts, last, strict=True):
            _write_claim(left, found, text)
            _draw_effect(right, found, limits[found.unit])
            right.tick_params(labelbottom=labelled)
            if labelled:
                right.set_xlabel(SCALES.get(found.unit, found.unit))
    words = " or ".join(dict.fromkeys(c.per for c in claims))
    levels = " or ".join(dict.fromkeys("98.3 %" if c.main else "95 %" for c in claims))
    about = (f"Dot: one {words}. Diamond and bar: estimate and {levels} interval. Shaded: the "
             "claimed side.")  # fmt: skip
    told = " ".join(f"{c.sentence}: {c.verdict}, {_first(c.evidence)}." for c in claims)
    count = f"{len(claims)} effect{'s' * (len(claims) > 1)}, a row each."
    return finish(figure, about, f"{count} {told}")


def _checked_claims(claims, sides):
    """Return a list of claims, made of effects by name where it is a dict."""
    if isinstance(claims, dict):
        sides = {name: side for name, side in sides.items() if side is not None}
        claims = [claim(str(name), effect, **sides) for name, effect in claims.items()]
        claims = [replace(found, expected=found.verdict) for found in claims]
    elif any(side is not None for side in sides.values()):
        raise ValueError(
            "at_least, at_most, between, unit and per go with a dict of effects: claims have their "
            "own."
        )
    claims = [claims] if isinstance(claims, Claim) else claims
    if not isinstance(claims, (list, tuple)) or not all(isinstance(c, Claim) for c in claims):
        raise TypeError(
            f"claims is of type {kind(claims)}: give a list of what claim(...) returned, or a dict "
            "of effects by name."
        )
    for found in claims:
        if found.effect is None:
            raise ValueError(f"{found.sentence!r} is a fact, which has no effect: leave it out.")
    if not claims:
        raise ValueError("claims is empty: give one claim at least.")
    return claims


def _first(evidence):
    """Return the first sentence of a claim's evidence, without its stop."""
    return evidence.partition(". ")[0].rstrip(".")


def _write_claim(ax, found, text):
    """Write the verdict by shape and word, the estimate, and the sentence under them."""
    shape, word, color = VERDICTS[found.verdict]
    label = f" ({found.label})" if found.label else ""
    estimate = _first(found.evidence).partition(" (")[0]
    estimate += "" if found.as_expected else ", not as expected"
    ax.set_axis_off()
    ax.annotate(f"{shape} {word}{label}: {estimate}", (0, 1), color=color, weight="bold", va="top",
                xycoords="axes fraction")  # fmt: skip
    ax.annotate(text, (0, 1), (0, -16), va="top", xycoords="axes fraction",
                textcoords="offset points")  # fmt: skip


def _limits(claims):
    """Return the ends of an axis on which all of these claims are seen whole."""
    ratio, share = claims[0].kind == "ratio", claims[0].kind == "share"
    marks = [0.0, 1.0] if share else []
    for c in claims:
        marks += [*c.effect, *c.interval, c.low, c.high]
    marks = np.array([m for m in marks if np.isfinite(m) and (m > 0 or not ratio)])
    marks = np.log(marks) if ratio else marks
    room = 0.05 * np.ptp(marks) or 0.05 * abs(marks[0]) or 1.0
    ends = np.array([marks.min() - room, marks.max() + room])
    return np.exp(ends) if ratio else ends


def _draw_effect(ax, found, limits):
    """Draw the dots, the interval and the claimed side of one claim."""
    factor = 100 if found.unit in PERCENT else 1
    if found.kind == "ratio":
        ax.set_xscale("log")
    ax.set_xlim(factor * limits)
    if found.kind == "ratio":
        plain_log(ax.xaxis)
    elif limits[0] < 0 < limits[1] and found.kind == "mean":
        ax.axvline(0, color="black", lw=1)
    ax.set_ylim(0, 1)
    low, high = np.clip((found.low, found.high), *limits)
    ax.axvspan(factor * low, factor * high, color=GREY, alpha=0.2, lw=0)
    for side in (found.low, found.high):
        if np.isfinite(side):
            ax.axvline(factor * side, color="#444444", lw=1.2, ls="--")
    there = np.isfinite(found.effect) & ((found.effect > 0) | (found.kind != "ratio"))
    values = np.sort(found.effect[there])
    dots = np.array(piles(values) if found.kind == "share" else values)
    rows = np.resize([0.5, 0.68, 0.86], len(dots))
    ax.plot(factor * dots, rows, "o", ms=5.5, color=COLORS[0], alpha=0.65, mec="none")
    if len(values):
        middle = np.exp(np.log(values).mean()) if found.kind == "ratio" else values.mean()
        if np.isfinite(found.interval).all():
            ax.errorbar(factor * middle, 0.22, xerr=factor * np.abs([
                [middle - found.interval[0]], [found.interval[1] - middle]]),
                color="#222222", lw=2.2, capsize=4, capthick=2.2)  # fmt: skip
        ax.plot(factor * middle, 0.22, "D", ms=7, color="#222222", mec="white")
    if not there.all():
        ax.annotate(f"{(~there).sum()} without a value", (0.99, 0.06), ha="right",
                    xycoords="axes fraction")  # fmt: skip
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)


def plot_differences(runs, first, second, metric="val_accuracy"):
    """Draw by how much one setting ends above another, seed by seed, sorted.

    Parameters
    ----------
    runs : Runs
    first, second : value or dict
        Two settings, as ``Runs.final`` finds them: ``{"optimizer": "Adam"}``, or only the value
        where one thing varies. Drawn is `first` minus `second`.
    metric : str, default "val_accuracy"
        Differences of accuracies are in percentage points.

    Returns
    -------
    Figure
        One stem per seed; a triangle points up where `first` is higher, down where `second` is.
        The mean and its 95 % interval are a line and a band.

    Raises
    ------
    ValueError
        If `first` or `second` matches no setting or several, both are the same, or no seed has a
        finite value in both.
    KeyError
        If the metric is unknown.

    Examples
    --------
    >>> import keras
    >>> import optlab as ol
    >>> runs = ol.sweep(ol.blobs_mlp, ol.load_blobs(), optimizer=keras.optimizers.SGD, epochs=2,
    ...                 settings={"learning_rate": [0.01, 0.1]}, batch_size=250, seeds=5)
    >>> ol.plot_differences(runs, 0.1, 0.01).alt[:54]
    'Last validation accuracy, learning rate 0.1 minus lear'
    """
    check_runs(runs)
    asked = [_asked(runs, setting) for setting in (first, second)]
    i, j = (runs.index(**setting) for setting in asked)
    if i == j:
        raise ValueError(f"first and second are both {runs.labels()[i]}: give two settings.")
    found = paired(*(runs.final(metric, **runs.settings[k]) for k in (i, j)))
    if not found.values.size:
        raise ValueError(f"No seed has a finite {name_of(metric)} in both settings.")
    points = metric.endswith("accuracy")
    names = [_named(runs, k) for k in (i, j)]
    short = [runs.labels()[k].replace("_", " ") for k in (i, j)]
    looks = looks_of([[*runs.settings[k].values()][0] if len(runs.names) == 1 else name
                      for k, name in zip((i, j), names, strict=True)])  # fmt: skip
    with house_style():
        figure, axes = new_figure(width=8.0, height=4.0)
        ax = axes[0, 0]
        _draw_pairs(ax, found, 100 if points else 1, short, looks)
        ax.set_ylabel(f"{name_of(metric)}:\n{short[0]} − {short[1]}"
                      + (", points" if points else ""))  # fmt: skip
        figure.legend(loc="outside upper left", ncols=3, handletextpad=0.3)
    alt = f"Last {name_of(metric)}, {names[0]} minus {names[1]}, seed by seed: "
    about = caption(runs, "Stem: one seed; line and band: mean and its 95 % interval")
    return finish(figure, about, alt + _told(found, 100 if points else 1, names, points))


def _asked(runs, setting):
    """Return a setting as a dict, where one thing varies also of its value alone."""
    if isinstance(setting, dict):
        return setting
    if len(runs.names) != 1:
        raise ValueError(
            f"{setting!r} is no setting of {' and '.join(runs.names) or 'nothing'}: give a dict, "
            'such as {"learning_rate": 0.1}.'
        )
    return {runs.names[0]: setting}


def _named(runs, k):
    label = runs.labels()[k].replace("_", " ")
    plain = len(runs.names) == 1 and not isinstance(runs.settings[k][runs.names[0]], str)
    return f"{runs.names[0].replace('_', ' ')} {label}" if plain else label


def _draw_pairs(ax, found, factor, names, looks):
    """Draw a stem for each seed, with the mean, its interval and the line of no difference."""
    values = factor * found.values
    x = np.arange(1, len(values) + 1)
    if np.isfinite(found.low):
        ax.axhspan(factor * found.low, factor * found.high, color=GREY, alpha=0.25, lw=0)
    ax.axhline(factor * found.mean, color="#444444", lw=1.8, ls="--")
    ax.axhline(0, color="black", lw=1.2)
    counts = (found.above, found.below, found.equal)
    sides = (values > 0, values < 0, values == 0)
    shapes = (("^", looks[0]["color"]), ("v", looks[1]["color"]), ("o", "#777777"))
    told = (f"{names[0]} higher", f"{names[1]} higher", "equal")
    for count, side, (marker, color), words in zip(counts, sides, shapes, told, strict=True):
        if count:
            ax.vlines(x[side], 0, values[side], color=color, lw=1.6)
            ax.plot(x[side], values[side], marker, ms=8, color=color, mec="white", ls="",
                    label=f"{words}: {count}", clip_on=False)  # fmt: skip
    mean = f" mean {factor * found.mean:+.3g}"
    if np.isfinite(found.low):
        mean += f"\n ({factor * found.low:.3g} to {factor * found.high:.3g})"
    ax.annotate(mean.replace("-", "−"), (1, factor * found.mean), va="center",
                xycoords=("axes fraction", "data"), annotation_clip=False)  # fmt: skip
    ax.set_xticks([])
    ax.set_xlim(0.3, len(values) + 0.7)
    ax.grid(axis="x", visible=False)
    ax.set_xlabel(f"{len(values)} seeds, sorted by the difference")


def _told(found, factor, names, points):
    """Say in words what the differences are."""
    unit = " points" if points else ""
    mean = f"mean {number(float(factor * found.mean))}{unit}"
    if np.isfinite(found.low):
        mean += (f" (95 % interval {number(float(factor * found.low))} to "
                 f"{number(float(factor * found.high))})")  # fmt: skip
    missing = f"; {found.missing} without a value" if found.missing else ""
    return (f"{names[0]} is higher in {found.above} of {len(found.values)}, {names[1]} in "
            f"{found.below}, equal in {found.equal}; {mean}{missing}.")  # fmt: skip
