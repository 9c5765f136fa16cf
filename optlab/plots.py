"""The figures of the lessons: each says what is drawn, over how many seeds, on which data."""

import warnings

import matplotlib as mpl
import numpy as np

from .figures import COLORS, LINES, MARKERS, finish, house_style, kind, new_figure, number
from .runs import Runs
from .schedules import Schedule

ONE_RUN = "#D55E00"
NAMES = {
    "loss": "training loss",
    "accuracy": "training accuracy",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
    "learning_rate": "learning rate",
    "test_loss": "test loss",
    "test_accuracy": "test accuracy",
}
MOST_TOGETHER = len(COLORS)  # lines that can still be told apart in one panel


def plot_learning_curves(
    runs, metrics=("val_accuracy", "accuracy"), *, columns=4, ylim=None, one_run=False
):
    """Draw learning curves as small multiples: one panel a setting, all with the same axes.

    Parameters
    ----------
    runs : Runs
    metrics : str or sequence of str
        One or two metrics, such as ``"val_loss"``; the first is drawn with a band.
    columns : int, default 4
        Panels in a row.
    ylim : (float, float), optional
        The shared vertical range; by default what the medians and bands need.
    one_run : bool, default False
        Also draw the run of the first seed, thin: a median over many seeds is smoother than
        any one of them.

    Returns
    -------
    Figure
        Lines are medians over the seeds, bands the middle half of them.

    Raises
    ------
    ValueError
        If there are no or more than two metrics.
    KeyError
        If a metric is unknown.
    """
    _check_runs(runs)
    metrics = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    if not 1 <= len(metrics) <= 2:
        raise ValueError(f"metrics={metrics}: give one or two.")
    labels, count = _titles(runs), len(runs.settings)
    columns = min(columns, count)
    rows = -(-count // columns)
    with house_style():
        figure, axes = new_figure(
            rows, columns, width=max(6.5, 2.6 * columns), height=2.2 * rows + 0.9,
            sharex=_same_x(runs), sharey=True,
        )  # fmt: skip
        for i, ax in enumerate(axes.flat):
            if i >= count:
                ax.set_visible(False)
                continue
            if one_run:
                (thin,) = ax.plot(_along(runs, i, _x_unit(runs)), runs[metrics[0]][i, 0],
                                  color=ONE_RUN, lw=0.8)  # fmt: skip
                thin.set_label(f"the run of seed {runs.seeds[0]}")
            for k in range(len(metrics))[::-1]:
                middle = _draw(ax, runs, i, metrics[k], color=COLORS[0] if k == 0 else "#777777",
                               line="-" if k == 0 else "--", band=k == 0)  # fmt: skip
                middle.set_label(_name(metrics[k]))
            _note_diverged(ax, runs, i, metrics[0])
            ax.set_title(labels[i])
            ax.xaxis.get_major_locator().set_params(integer=True)
            if _same_x(runs):
                ax.label_outer()
            if i + columns >= count:
                ax.tick_params(labelbottom=True)
                ax.set_xlabel(runs.look_name if _x_unit(runs) == "epoch" else "updates")
            if i % columns == 0:
                ax.set_ylabel(" and ".join(dict.fromkeys(map(_axis_name, metrics))))
        _limit(axes[0, 0], runs, metrics, ylim)
        if len(metrics) == 2 or one_run:
            handles, names = axes[0, 0].get_legend_handles_labels()
            figure.legend(handles[::-1], names[::-1], loc="outside upper right", ncols=3)
    alt = f"Learning curves in {_many(count, 'panel')}. " + _ends(runs, metrics[0])
    return finish(figure, _caption(runs), alt)


def plot_comparison(runs, metric="val_accuracy", *, x=None, ylim=None):
    """Draw one metric of several settings in one panel.

    Parameters
    ----------
    runs : Runs
        With at most seven settings; `Runs.select` chooses.
    metric : str, default "val_accuracy"
    x : {"epoch", "updates", "learning_rate"}, optional
        What runs along the horizontal axis; by default epochs, or updates under a budget of
        updates. The learning rate is for range tests; its axis is logarithmic.
    ylim : (float, float), optional

    Returns
    -------
    Figure
        Lines are medians over the seeds, bands the middle half of them.

    Raises
    ------
    ValueError
        If there are too many settings to be told apart, or `x` is unknown.
    """
    _check_runs(runs)
    count = len(runs.settings)
    if count > MOST_TOGETHER:
        raise ValueError(
            f"{count} settings in one panel cannot be told apart: choose at most {MOST_TOGETHER} "
            "with runs.select(...), or use plot_learning_curves."
        )
    x = x or _x_unit(runs)
    if x not in ("epoch", "updates", "learning_rate"):
        raise ValueError(f'x={x!r}: give "epoch", "updates" or "learning_rate".')
    with house_style():
        figure, axes = new_figure(width=8.0, height=4.2)
        ax = axes[0, 0]
        for i, label in enumerate(runs.labels()):
            style = dict(color=COLORS[i], line=LINES[i % len(LINES)], x=x)
            _draw(ax, runs, i, metric, **style).set_label(label or _name(metric))
        if x == "learning_rate":
            ax.set_xscale("log")
        else:
            ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_xlabel(NAMES.get(x, x))
        ax.set_ylabel(_name(metric))
        _limit(ax, runs, (metric,), ylim)
        if count > 1:
            title = runs.names[0].replace("_", " ") if len(runs.names) == 1 else None
            figure.legend(loc="outside right upper", title=title, alignment="left", handlelength=3)
    alt = f"{_name(metric).capitalize()} by {NAMES.get(x, x)}, {_many(count, 'line')}. "
    return finish(figure, _caption(runs), alt + _ends(runs, metric))


def plot_final(runs, metric="val_accuracy", *, ylim=None):
    """Draw what each setting ends with: every seed a dot, the median a bar.

    Parameters
    ----------
    runs : Runs
    metric : str, default "val_accuracy"
    ylim : (float, float), optional

    Returns
    -------
    Figure
        The thick line spans the middle half of the seeds.
    """
    _check_runs(runs)
    count, labels = len(runs.settings), runs.labels()
    with house_style():
        figure, axes = new_figure(
            width=max(6.0, (1.05 if len(runs.names) < 2 else 1.3) * count + 1), height=4.0
        )
        ax = axes[0, 0]
        spread = np.random.default_rng(0).uniform(-0.22, 0.22, len(runs.seeds))
        for i, setting in enumerate(runs.settings):
            values = runs.final(metric, **setting)
            ax.plot(i + spread, values, MARKERS[0], ms=4.5, mfc="none", color="#777777", mew=0.9)
            if np.isfinite(values).any():
                low, middle, high = _quartiles(values)
                ax.plot([i, i], [low, high], color=COLORS[0], lw=5, alpha=0.55,
                        solid_capstyle="butt")  # fmt: skip
                ax.plot([i - 0.3, i + 0.3], [middle] * 2, color=COLORS[0], lw=2.5)
            lost = int((~np.isfinite(values)).sum())
            if lost:
                ax.annotate(f"{lost} diverged", (i, 0.02), xycoords=("data", "axes fraction"),
                            ha="center", fontsize=9)  # fmt: skip
        ax.set_xticks(
            range(count), [label.replace(", ", "\n").replace("_", " ") for label in labels]
        )
        ax.set_xlim(-0.6, count - 0.4)
        ax.grid(axis="x", visible=False)
        ax.set_xlabel(", ".join(runs.names).replace("_", " "))
        ax.set_ylabel(_name(metric))
        if ylim:
            ax.set_ylim(ylim)
    caption = _caption(runs, "Ring: one run; bar: median; thick line: middle half")
    return finish(figure, caption, f"Runs of {_many(count, 'setting')}. "
                  + _ends(runs, metric))  # fmt: skip


def plot_heatmap(runs, x, y, metric="val_accuracy"):
    """Draw a grid of two settings: the median over the seeds in each cell.

    Parameters
    ----------
    runs : Runs
        Of a full grid of exactly these two settings.
    x, y : str
        The names of the settings along the two axes.
    metric : str, default "val_accuracy"

    Returns
    -------
    Figure
        A frame marks the best median in each column.

    Raises
    ------
    ValueError
        If the runs are no full grid of `x` and `y`.
    """
    _check_runs(runs)
    columns, rows = ([*dict.fromkeys(s.get(name) for s in runs.settings)] for name in (x, y))
    if {x, y} != {*runs.names} or len(runs.settings) != len(columns) * len(rows):
        raise ValueError(
            f"The runs vary {', '.join(runs.names) or 'nothing'} in {len(runs.settings)} settings: "
            f"a heat map needs a full grid of exactly {x!r} and {y!r}."
        )
    values = np.array(
        [[_quartiles(runs.final(metric, **{x: c, y: r})[:, None])[1, 0] for c in columns]
         for r in rows]
    )  # fmt: skip
    worth = -values if metric.endswith("loss") else values
    best = np.where(np.isnan(worth), -np.inf, worth).argmax(axis=0)
    with house_style():
        figure, axes = new_figure(width=1.15 * len(columns) + 2.5, height=0.55 * len(rows) + 1.6)
        ax = axes[0, 0]
        image = ax.imshow(values, cmap="cividis", aspect="auto")
        middle = np.nanmean([image.norm.vmin, image.norm.vmax])
        for i, j in np.ndindex(values.shape):
            ax.text(j, i, number(values[i, j]), ha="center", va="center",
                    color="black" if values[i, j] > middle else "white")  # fmt: skip
        for j, i in enumerate(best):
            ax.add_patch(mpl.patches.Rectangle((j - 0.46, i - 0.42), 0.92, 0.84, fill=False,
                                               lw=2.5, color="#D55E00"))  # fmt: skip
        ax.set_xticks(range(len(columns)), [number(v) for v in columns])
        ax.set_yticks(range(len(rows)), [number(v) for v in rows])
        ax.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "))
        ax.grid(visible=False)
        figure.colorbar(image, label=_name(metric))
    caption = _caption(runs, "Number: median; frame: the best of a column").replace(
        "column of", "column, over"
    )
    return finish(figure, caption, f"Heat map of {y.replace('_', ' ')} (rows) by "
                  f"{x.replace('_', ' ')} (columns). " + _ends(runs, metric))  # fmt: skip


def plot_schedules(schedules, steps, *, log=False):
    """Draw learning rates by step.

    Parameters
    ----------
    schedules : Schedule, or dict of str to Schedule
        At most seven, all per update or all per epoch; the names label the lines.
    steps : int
        How many steps to draw, from step 0.
    log : bool, default False
        Whether the axis of the rates is logarithmic.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If some schedules are per update and others per epoch, there are none or too many, or
        `steps` is no whole number from 1.
    TypeError
        If `schedules`, or one of them, is something else.

    Examples
    --------
    >>> import optlab as ol
    >>> figure = ol.plot_schedules(ol.cosine(0.1, steps=50, per="epoch"), steps=50)
    >>> figure.alt[:48]
    'Learning rate of 1 schedule over 50 epochs: cosi'
    """
    if isinstance(schedules, Schedule):
        schedules = {schedules.name: schedules}
    if not isinstance(schedules, dict):
        raise TypeError(
            f"schedules is of type {kind(schedules)}: give a schedule or a dict of them by name."
        )
    for name, schedule in schedules.items():
        if not isinstance(schedule, Schedule):
            raise TypeError(
                f"The schedule {name!r} is of type {kind(schedule)}: give what a function such as "
                "constant or cosine returns."
            )
    if not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"steps={steps!r}: give a whole number from 1.")
    units = {schedule.per for schedule in schedules.values()}
    if len(units) != 1 or len(schedules) > MOST_TOGETHER:
        raise ValueError(
            f"{len(schedules)} schedules, per {' and '.join(sorted(units)) or 'nothing'}: give one "
            f"to {MOST_TOGETHER}, all with the same meaning of a step."
        )
    unit, t = units.pop(), np.arange(steps)
    with house_style():
        figure, axes = new_figure(width=8.0, height=3.8)
        ax, told = axes[0, 0], []
        for i, (name, schedule) in enumerate(schedules.items()):
            rates = schedule(t)
            ax.plot(t, rates, color=COLORS[i], ls=LINES[i % len(LINES)], label=name)
            told.append(f"{name} from {number(rates[0])} to {number(rates[-1])}")
        ax.set_yscale("log" if log else "linear")
        if not log:
            ax.set_ylim(bottom=0)
        ax.set_xlabel(unit)
        ax.set_ylabel("learning rate")
        if len(schedules) > 1:
            figure.legend(loc="outside right upper", handlelength=3)
    alt = (
        f"Learning rate of {_many(len(schedules), 'schedule')} over {steps} {unit}s: "
        + "; ".join(told)
        + "."
    )
    return finish(figure, f"The rate by {unit}, computed from the formula: no training.", alt)


# ---- parts -----------------------------------------------------------------------------------


def _check_runs(runs):
    if not isinstance(runs, Runs):
        raise TypeError(
            f"runs is of type {kind(runs)}: give the Runs of one sweep; what is to be compared "
            'goes into its settings, such as settings={"learning_rate": [0.1, 0.01]}.'
        )


def _draw(ax, runs, i, metric, *, color, line, band=True, x=None):
    """Draw one setting: the median of its runs, and the band of their middle half."""
    values = runs[metric][i]
    training = np.arange(values.shape[1]) < runs.lengths[i][:, None]
    there = training.sum(axis=0) * 2 >= len(values)  # while at least half of the runs train
    low, middle, high = _quartiles(values[:, there])
    along = _along(runs, i, x or _x_unit(runs))[there]
    if band and len(values) > 1:
        ax.fill_between(along, low, high, color=color, alpha=0.22, lw=0)
    (drawn,) = ax.plot(along, middle, color=color, ls=line, marker="o" if len(along) == 1 else None)
    return drawn


def _quartiles(values):
    """Return the quartiles over the seeds (axis 0) of what is finite."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where no run is finite there is no line
        return np.nanpercentile(np.where(np.isfinite(values), values, np.nan), (25, 50, 75), axis=0)


def _along(runs, i, x):
    if x == "learning_rate":
        return _quartiles(runs["learning_rate"][i])[1]
    updates = runs.updates()[i]
    return updates if x == "updates" else updates / runs.updates_per_epoch[i]


def _x_unit(runs):
    return "epoch" if runs.look_name == "epoch" else "updates"


def _same_x(runs):
    """Whether all settings were trained for equally long, so that they can share that axis."""
    longest = runs.lengths.max(axis=1) * (
        1 if _x_unit(runs) == "epoch" else np.array(runs.updates_per_look)
    )
    return bool(longest.min() == longest.max())


def _limit(ax, runs, metrics, ylim):
    """Set the vertical range: given, or so that medians and bands are seen."""
    if ylim:
        ax.set_ylim(ylim)
        return
    ends = [q for m in metrics for i in range(len(runs.settings)) for q in _quartiles(runs[m][i])]
    values = np.concatenate(ends)
    values = values[np.isfinite(values)]
    if not values.size:
        return
    if metrics[0].endswith("loss") and values.max() > 30 * max(values.min(), 1e-9):
        ax.set_yscale("log")
    elif metrics[0].endswith("loss"):
        ax.set_ylim(bottom=0)


def _note_diverged(ax, runs, i, metric):
    lost = int((~np.isfinite(runs.final(metric, **runs.settings[i]))).sum())
    if lost:
        ax.annotate(f"{lost} of {len(runs.seeds)} diverged", (0.97, 0.06), ha="right",
                    xycoords="axes fraction", fontsize=9)  # fmt: skip


def _titles(runs):
    if len(runs.names) != 1:
        return [label.replace("_", " ") for label in runs.labels()]
    name = runs.names[0].replace("_", " ")
    return [f"{name} {label}" if not isinstance(s[runs.names[0]], str) else label
            for label, s in zip(runs.labels(), runs.settings, strict=True)]  # fmt: skip


def _name(metric):
    return NAMES.get(metric, metric.replace("_", " "))


def _axis_name(metric):
    """Return what an axis measures, whichever samples it is measured on."""
    return NAMES.get(metric, metric).split()[-1] if metric != "learning_rate" else "learning rate"


def _caption(runs, drawn="Line: median; band: middle half"):
    fixed = ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in runs.fixed.items()
        if name in ("optimizer", "schedule", "batch_size", "epochs", "updates")
        and value != "a function"  # of the settings, which the panels name
    )
    seeds = f"{len(runs.seeds)} seeds" if len(runs.seeds) > 1 else "one seed"
    return f"{drawn} of {seeds}. Data: {runs.data}." + (f" Held fixed: {fixed}." if fixed else "")


def _many(count, name):
    return f"{count} {name}" + "s" * (count != 1)


def _ends(runs, metric):
    """Say in words what each setting ends with."""
    parts = []
    for label, setting in zip(runs.labels(), runs.settings, strict=True):
        low, middle, high = _quartiles(runs.final(metric, **setting)[:, None])[:, 0]
        parts.append(f"{label or 'the only setting'}: {number(middle)} "
                     f"({number(low)} to {number(high)})")  # fmt: skip
    return f"Last {_name(metric)}, median (middle half): " + "; ".join(parts) + "."
