"""The figure of what runs end with along a number: how rates, batch sizes or momenta compare."""

from numbers import Real

import numpy as np

from .captions import caption, check_runs, many, name_of
from .figures import SMALL, finish, house_style, new_figure, number, plain_log
from .labels import unknown
from .looks import MOST_TOGETHER, looks_of
from .summaries import SCALES, lost, places, spread


def plot_by_setting(runs, by, metric="val_accuracy", *, groups=None, log=True, ylim=None):
    """Draw what runs end with against a number that was set: a learning rate, a batch size.

    Parameters
    ----------
    runs : Runs
        That vary `by`, perhaps `groups`, and nothing else; `Runs.select` chooses.
    by : str
        The name of a setting whose values are numbers.
    metric : str, default "val_accuracy"
    groups : str, optional
        The name of another setting: one line for each of its values, at most seven.
    log : bool, default True
        Whether the axis of `by` is logarithmic. A zero then stands apart, left of a dotted line;
        for ``by="momentum"``, the axis is logarithmic in 1 - momentum, and zero has its place.
    ylim : (float, float), optional

    Returns
    -------
    Figure
        Every run is a dot. The line is the median of the runs that did not diverge, the band their
        middle half, both only where at least half of the runs are left. How many diverged is
        written at the edge: above for a loss, below for an accuracy. A run whose loss is no number
        diverged, whatever its accuracy.

    Raises
    ------
    ValueError
        If `by` or `groups` is no such setting, something else varies, there are too many groups, or
        a number is negative and the axis logarithmic.
    KeyError
        If the metric is unknown.

    Examples
    --------
    >>> import keras
    >>> import optlab as ol
    >>> runs = ol.sweep(ol.blobs_mlp, ol.load_blobs(), optimizer=keras.optimizers.SGD, epochs=2,
    ...                 settings={"learning_rate": [0.01, 0.1]}, batch_size=250, seeds=3)
    >>> ol.plot_by_setting(runs, "learning_rate").alt[:54]
    'Last validation accuracy of 3 seeds by learning rate, '
    """
    check_runs(runs)
    scale = SCALES["linear" if not log else "momentum" if by == "momentum" else "logarithmic"]
    numbers, names = _checked_axes(runs, by, groups, scale)
    x, apart = places(numbers, scale)
    table = {name: _ends_by(runs, metric, by, numbers, groups, name) for name in names}
    looks = looks_of([name_of(metric)] if groups is None else names)
    gone = sum(lost(values) for _, values in table.values())
    with house_style():
        figure, axes = new_figure(width=8.0, height=4.4)
        ax = axes[0, 0]
        _label_numbers(ax, x, apart, numbers, scale)
        for (name, (at, values)), look in zip(table.items(), looks, strict=True):
            apart_zero = scale.name == "logarithmic" and numbers[at[0]] == 0
            _draw_by(ax, x[at], apart, values, look, scale=scale, zero=int(apart_zero))
            ax.lines[-1].set_label(_short(name))
        _make_room(ax, metric, len(names) if gone else 0, ylim)
        for k, ((at, values), look) in enumerate(zip(table.values(), looks, strict=True)):
            _note_lost(ax, x[at], values, look["color"], k, above=metric.endswith("loss"))
        ax.set_xlabel(by.replace("_", " ") + _AXES[scale.name])
        ax.set_ylabel(name_of(metric))
        if groups:
            figure.legend(loc="outside right upper", title=groups.replace("_", " "),
                          alignment="left", handlelength=3)  # fmt: skip
    drawn = "Dot: one run; line: median; band: middle half"
    drawn = f"✗ and a number: so many runs diverged. {drawn}" if gone else drawn
    return finish(figure, caption(runs, drawn), _told_by(runs, by, metric, numbers, groups, table))


_AXES = {
    "linear": "",
    "logarithmic": " (logarithmic axis)",
    "momentum": " (axis logarithmic in 1 − momentum)",
}


def _short(value):
    return f"{value:g}" if isinstance(value, Real) and not isinstance(value, bool) else str(value)


def _told_by(runs, by, metric, numbers, groups, table):
    """Say in words what each group ends with at each number."""
    parts = []
    for name, (at, values) in table.items():
        low, middle, high, gone = spread(values)
        said = "; ".join(
            f"{_short(numbers[i])}: "
            + (f"{number(middle[k])} ({number(low[k])} to {number(high[k])})"
               if np.isfinite(middle[k]) else "no median")
            + (f", {gone[k]} diverged" if gone[k] else "")
            for k, i in enumerate(at)
        )  # fmt: skip
        parts.append((f"{groups.replace('_', ' ')} {_short(name)}: " if groups else "") + said)
    return (f"Last {name_of(metric)} of {many(len(runs.seeds), 'seed')} by {by.replace('_', ' ')}, "
            f"median (middle half). {'. '.join(parts)}.")  # fmt: skip


def _checked_axes(runs, by, groups, scale):
    """Return the numbers of one setting, sorted, and the values of another, in order."""
    for name in (by, groups):
        if name is not None and name not in runs.names:
            raise ValueError(unknown("setting", name, runs.names))
    varying = [name for name in runs.names if len({s[name] for s in runs.settings}) > 1]
    if by is None or by == groups or {*varying} - {by, groups}:
        raise ValueError(
            f"The runs vary {' and '.join(varying) or 'nothing'}: name one setting as by and "
            "another as groups, and choose one value of any other with runs.select(...)."
        )
    numbers = [*dict.fromkeys(s[by] for s in runs.settings)]
    names = [*dict.fromkeys(s[groups] if groups else None for s in runs.settings)]
    for value in numbers:
        if not isinstance(value, Real) or isinstance(value, bool):
            raise ValueError(f"{by} has the value {value!r}: name a setting of numbers only as by.")
        if scale.name != "linear" and (value < 0 or scale.name == "momentum" and value >= 1):
            raise ValueError(f"{by} has the value {value!r}, without a logarithm: give log=False.")
    if len(names) > MOST_TOGETHER:
        raise ValueError(
            f"{len(names)} groups cannot be told apart: choose at most {MOST_TOGETHER} with "
            "runs.select(...)."
        )
    return sorted(numbers), names


def _ends_by(runs, metric, by, numbers, groups, name):
    """Return which numbers a group was run with, and the ends of its runs, (numbers, seeds)."""
    group = {groups: name} if groups else {}
    there = [s[by] for s in runs.settings if not groups or s[groups] == name]
    at = [i for i, value in enumerate(numbers) if value in there]
    settings = [{**group, by: numbers[i]} for i in at]
    values = np.array([runs.final(metric, **setting) for setting in settings])
    losses = np.array([runs.final("loss", **setting) for setting in settings])
    return at, np.where(np.isfinite(losses), values, np.nan)


def _draw_by(ax, x, apart, values, look, *, scale, zero):
    """Draw one group: its runs, bands and medians; with `zero`, the first number stands alone."""
    low, middle, high, _ = spread(values)
    jitter = apart * np.random.default_rng(0).uniform(-0.09, 0.09, values.shape)
    dots = scale.back(scale.to(x)[:, None] + jitter)
    ax.plot(dots.ravel(), values.ravel(), ls="", marker=look["marker"], ms=3.5, mec="none",
            mfc=look["color"], alpha=0.45)  # fmt: skip
    if zero:
        ax.plot(x[[0, 0]], [low[0], high[0]], color=look["color"], lw=7, alpha=0.3)
        ax.plot(x[:1], middle[:1], color=look["color"], marker=look["marker"], ms=7, mec="white")
    x, low, middle, high = (part[zero:] for part in (x, low, middle, high))
    ax.fill_between(x, low, high, color=look["color"], alpha=0.2, lw=0)
    ax.plot(x, middle, **look | {"markevery": None}, ms=7, mec="white")


def _label_numbers(ax, x, apart, numbers, scale):
    """Write the numbers themselves under the axis, on two lines where they are close."""
    if scale.name == "logarithmic":
        ax.set_xscale("log")
    else:
        ax.set_xscale("function", functions=(scale.to, scale.back))
    if scale.name == "logarithmic" and numbers[0] == 0 and len(x) > 1:
        ax.axvline(np.sqrt(x[0] * x[1]), color="#666666", lw=1, ls=":")
    even = scale.to(x)
    ends = even[0] - 0.4 * apart, even[-1] + 0.4 * apart
    ax.set_xlim(*map(scale.back, ends))
    labels, free = [], [-np.inf, -np.inf]  # where each line of labels is free again
    for place, value in zip((even - ends[0]) / (ends[1] - ends[0]), numbers, strict=True):
        half = 0.0065 * (len(_short(value)) + 1)
        line = 0 if place - half >= free[0] else 1
        free[line] = place + half
        labels.append("\n" * line + _short(value))
    ax.set_xticks(x, labels)
    ax.minorticks_off()
    ax.grid(axis="x", visible=False)


def _make_room(ax, metric, rows, ylim):
    """Set the vertical range so that every run is in it, with rows for those that diverged."""
    loss, seen = metric.endswith("loss"), ax.dataLim.intervaly
    if loss and not ylim and seen[1] > 30 * max(seen[0], 1e-9):
        ax.set_yscale("log")
        plain_log(ax.yaxis)
    elif loss and not ylim:
        ax.set_ylim(bottom=0)
    scale = SCALES["logarithmic" if ax.get_yscale() == "log" else "linear"]
    low, high = ylim or ax.get_ylim()
    if rows and not ylim:
        low, high = map(scale.to, (low, high))
        room = (high - low) * 0.07 * rows / (1 - 0.07 * rows)
        low, high = map(scale.back, (low, high + room) if loss else (low - room, high))
    ax.set_ylim(low, high)


def _note_lost(ax, x, values, color, row, above):
    """Write at the edge how many runs diverged, a row for each group."""
    y = 0.96 - 0.065 * row if above else 0.035 + 0.065 * row
    for place, gone in zip(x, spread(values)[3], strict=True):
        if gone:
            ax.annotate(f"✗ {gone}", (place, y), xycoords=("data", "axes fraction"), ha="center",
                        va="center", color=color, fontsize=SMALL, weight="bold")  # fmt: skip
