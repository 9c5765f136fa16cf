"""The figures of curves: each says what is drawn, over how many seeds, on which data."""

import numpy as np

from .captions import axis_name, caption, check_runs, ends, many, name_of, titles
from .figures import COLORS, SMALL, WIDEST, finish, house_style, kind, new_figure, number, wrap
from .looks import MOST_TOGETHER, look_of, looks_of, looks_of_runs
from .schedule import Schedule
from .summaries import held, lost, middle_curve, quartiles


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
    check_runs(runs)
    metrics = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    if not 1 <= len(metrics) <= 2:
        raise ValueError(f"metrics={metrics}: give one or two.")
    count = len(runs.settings)
    columns = min(columns, count)
    rows = -(-count // columns)
    width = min(WIDEST, max(6.5, 2.6 * columns))
    names = [wrap(title, int(10.5 * width / columns)) for title in titles(runs)]
    lines = 1 + max(name.count("\n") for name in names)
    with house_style():
        figure, axes = new_figure(
            rows, columns, width, (2.04 + 0.16 * lines) * rows + 0.9,
            sharex=_same_x(runs), sharey=True,
        )  # fmt: skip
        for i, ax in enumerate(axes.flat):
            if i >= count:
                ax.set_visible(False)
                continue
            _draw_panel(ax, runs, i, metrics, one_run)
            ax.set_title(names[i])
            _label_panel(ax, runs, metrics, i % columns == 0, i + columns >= count)
        _limit(axes[0, 0], runs, metrics, ylim)
        if len(metrics) == 2 or one_run:
            handles, names = axes[0, 0].get_legend_handles_labels()
            figure.legend(handles[::-1], names[::-1], loc="outside upper right", ncols=3)
    alt = f"Learning curves in {many(count, 'panel')}. " + ends(runs, metrics[0])
    return finish(figure, caption(runs), alt)


def _draw_panel(ax, runs, i, metrics, one_run):
    """Draw one setting: a thin run, the medians of one or two metrics, a band for the first."""
    if one_run:
        thin = _draw_curve(ax, _along(runs, i, _x_unit(runs)), runs[metrics[0]][i, 0],
                           look_of("one run"), metrics[0] == "learning_rate")  # fmt: skip
        thin.set_label(f"the run of seed {runs.seeds[0]}")
    looks = ({"color": COLORS[0], "linestyle": "-"}, look_of("training"))
    for metric, look in reversed([*zip(metrics, looks, strict=False)]):
        drawn = _draw(ax, runs, i, metric, look, band=0.22 * (metric == metrics[0]))
        drawn.set_label(name_of(metric))
    gone = lost(runs.final(metrics[0], **runs.settings[i]))
    if gone:
        ax.annotate(f"{gone} of {len(runs.seeds)} diverged", (0.97, 0.06), ha="right",
                    xycoords="axes fraction", fontsize=SMALL)  # fmt: skip


def _label_panel(ax, runs, metrics, left, bottom):
    ax.xaxis.get_major_locator().set_params(integer=True)
    if _same_x(runs):
        ax.label_outer()
    if bottom:
        ax.tick_params(labelbottom=True)
        ax.set_xlabel(runs.look_name if _x_unit(runs) == "epoch" else "updates")
    if left:
        ax.set_ylabel(" and ".join(dict.fromkeys(map(axis_name, metrics))))


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
        Lines are medians over the seeds, bands the middle half of them. Names that the series
        knows have the look that they have everywhere: see `look_of`.

    Raises
    ------
    ValueError
        If there are too many settings to be told apart, or `x` is unknown.
    """
    check_runs(runs)
    x = x or _x_unit(runs)
    _refuse_crowd(runs)
    if x not in ("epoch", "updates", "learning_rate"):
        raise ValueError(f'x={x!r}: give "epoch", "updates" or "learning_rate".')
    with house_style():
        figure, axes = new_figure(width=8.0, height=4.2)
        ax = axes[0, 0]
        for i, (label, look) in enumerate(zip(runs.labels(), looks_of_runs(runs), strict=True)):
            drawn = _draw(ax, runs, i, metric, look, band=_opacity(runs), x=x)
            drawn.set_label(label or name_of(metric))
        if x == "learning_rate":
            ax.set_xscale("log")
        else:
            ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_xlabel("learning rate" if x == "learning_rate" else x)
        ax.set_ylabel(name_of(metric))
        _limit(ax, runs, (metric,), ylim)
        _legend(figure, ax, runs)
    along = "learning rate" if x == "learning_rate" else x
    alt = f"{name_of(metric).capitalize()} by {along}, {many(len(runs.settings), 'line')}. "
    return finish(figure, caption(runs), alt + ends(runs, metric))


def plot_rate_and_accuracy(runs, metric="val_accuracy", *, ylim=None, log=False):
    """Draw learning rates as steps and, on the same time axis below, what they lead to.

    Parameters
    ----------
    runs : Runs
        With at most seven settings; `Runs.select` chooses.
    metric : str, default "val_accuracy"
        What the lower panel shows.
    ylim : (float, float), optional
        Its vertical range.
    log : bool, default False
        Whether the axis of the rates is logarithmic.

    Returns
    -------
    Figure
        Lines are medians over the seeds, bands the middle half of them. A rate is drawn from the
        beginning of the epoch (or look) in which it holds to its end; under a schedule by update,
        it is that of the last update.

    Raises
    ------
    ValueError
        If there are too many settings to be told apart.
    KeyError
        If the metric is unknown.

    Examples
    --------
    >>> import keras
    >>> import optlab as ol
    >>> schedules = {"constant": ol.constant(0.1), "cosine": ol.cosine(0.1, 4, per="update")}
    >>> runs = ol.sweep(ol.blobs_mlp, ol.load_blobs(), optimizer=keras.optimizers.SGD, epochs=2,
    ...                 settings={"schedule": schedules}, batch_size=250, seeds=3)
    >>> figure = ol.plot_rate_and_accuracy(runs)
    >>> figure.alt[:63]
    'Learning rate (above) and validation accuracy (below) by epoch,'
    """
    check_runs(runs)
    _refuse_crowd(runs)
    if not isinstance(log, bool):
        raise ValueError(f"log={log!r}: give True or False.")
    unit = _x_unit(runs)
    with house_style():
        figure, axes = new_figure(2, 1, 8.0, 5.2, sharex=True, height_ratios=(2, 3))
        (above, below), looks = axes[:, 0], looks_of_runs(runs)
        for i, (label, look) in enumerate(zip(runs.labels(), looks, strict=True)):
            _draw(above, runs, i, "learning_rate", look)
            drawn = _draw(below, runs, i, metric, look, band=_opacity(runs))
            drawn.set_label(label or name_of(metric))
        above.set_yscale("log" if log else "linear")
        if not log:
            _from_zero(above)
        above.set_ylabel("learning rate")
        below.set_ylabel(name_of(metric))
        below.set_xlabel(unit)
        below.set_xlim(0, max(line.get_xdata()[-1] for line in below.lines) * 1.01)
        below.xaxis.get_major_locator().set_params(integer=True)
        _limit(below, runs, (metric,), ylim)
        _legend(figure, below, runs)
    lines = f"{many(len(looks), 'line')} each. "
    alt = f"Learning rate (above) and {name_of(metric)} (below) by {unit}, {lines}"
    return finish(figure, caption(runs), alt + ends(runs, "learning_rate") + " "
                  + ends(runs, metric))  # fmt: skip


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
        Each rate is drawn from its step to the next.

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
    unit = _checked_unit(schedules)
    if not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"steps={steps!r}: give a whole number from 1.")
    with house_style():
        figure, axes = new_figure(width=8.0, height=3.8)
        ax, told = axes[0, 0], []
        for (name, schedule), look in zip(schedules.items(), looks_of(schedules), strict=True):
            rates = schedule(np.arange(steps))
            ax.plot(*held(np.arange(1, steps + 1), rates), drawstyle="steps-post", label=name,
                    **look)  # fmt: skip
            told.append(f"{name} from {number(rates[0])} to {number(rates[-1])}")
        ax.set_yscale("log" if log else "linear")
        if not log:
            _from_zero(ax)
        ax.set_xlabel(unit)
        ax.set_ylabel("learning rate")
        if len(schedules) > 1:
            figure.legend(loc="outside right upper", handlelength=3)
    alt = f"Learning rate of {many(len(schedules), 'schedule')} over {many(steps, unit)}: "
    return finish(figure, f"The rate by {unit}, computed from the formula: no training.",
                  alt + "; ".join(told) + ".")  # fmt: skip


def _checked_unit(schedules):
    """Return what a step of all schedules is; refuse what cannot be drawn together."""
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
    units = {schedule.per for schedule in schedules.values()}
    if len(units) != 1 or len(schedules) > MOST_TOGETHER:
        raise ValueError(
            f"{len(schedules)} schedules, per {' and '.join(sorted(units)) or 'nothing'}: give one "
            f"to {MOST_TOGETHER}, all with the same meaning of a step."
        )
    return units.pop()


# ---- parts -----------------------------------------------------------------------------------


def _refuse_crowd(runs):
    if len(runs.settings) > MOST_TOGETHER:
        raise ValueError(
            f"{len(runs.settings)} settings in one panel cannot be told apart: choose at most "
            f"{MOST_TOGETHER} with runs.select(...), or use plot_learning_curves."
        )


def _draw(ax, runs, i, metric, look, *, band=0.22, x=None):
    """Draw one setting: the median of its runs, and, so opaque, the band of their middle half."""
    there, low, middle, high = middle_curve(runs[metric][i], runs.lengths[i])
    along = _along(runs, i, x or _x_unit(runs))[there]
    steps = metric == "learning_rate" != x
    if band and len(runs.seeds) > 1:
        corners = (*held(along, low), held(along, high)[1]) if steps else (along, low, high)
        ax.fill_between(*corners, color=look["color"], alpha=band, lw=0,
                        step="post" if steps else None)  # fmt: skip
    return _draw_curve(ax, along, middle, look, steps)


def _opacity(runs):
    """Return how opaque bands may be: where many lie upon each other, the lines must show."""
    return 0.22 if len(runs.settings) <= 3 else 0.12


def _draw_curve(ax, along, values, look, steps):
    """Draw one line, learning rates as steps; one point is a dot."""
    if len(along) == 1:
        look = look | {"marker": look.get("marker", "o"), "markevery": None}
    if steps:
        (drawn,) = ax.plot(*held(along, values), drawstyle="steps-post", **look)
    else:
        (drawn,) = ax.plot(along, values, **look)
    return drawn


def _from_zero(ax):
    """Begin an axis at zero, or so little below that a line at zero is seen whole."""
    ax.set_ylim(bottom=-0.015 * ax.get_ylim()[1])


def _legend(figure, ax, runs):
    if len(runs.settings) > 1:
        title = runs.names[0].replace("_", " ") if len(runs.names) == 1 else None
        figure.legend(*ax.get_legend_handles_labels(), loc="outside right upper", title=title,
                      alignment="left", handlelength=3)  # fmt: skip


def _along(runs, i, x):
    if x == "learning_rate":
        return quartiles(runs["learning_rate"][i])[1]
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
    found = [q for m in metrics for i in range(len(runs.settings)) for q in quartiles(runs[m][i])]
    values = np.concatenate(found)
    values = values[np.isfinite(values)]
    if not values.size:
        return
    if metrics[0].endswith("loss") and values.max() > 30 * max(values.min(), 1e-9):
        ax.set_yscale("log")
    elif metrics[0].endswith("loss"):
        ax.set_ylim(bottom=0)
