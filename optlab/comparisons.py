"""The figures of what runs end with: setting by setting, on a grid, as a histogram."""

import matplotlib as mpl
import numpy as np

from .captions import caption, check_runs, ends, many, name_of
from .figures import (
    COLORS,
    MARKERS,
    SMALL,
    WIDEST,
    finish,
    house_style,
    new_figure,
    number,
)
from .looks import look_of
from .summaries import edges, lost, quartiles


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
    check_runs(runs)
    count = len(runs.settings)
    labels = [label.replace(", ", "\n").replace("_", " ") for label in runs.labels()]
    width = min(WIDEST, max(6.0, (1.05 if len(runs.names) < 2 else 1.3) * count + 1))
    longest = max(len(line) for label in labels for line in label.split("\n"))
    crowded = 0.095 * longest > (width - 1) / count  # in inches
    with house_style():
        figure, axes = new_figure(width=width, height=4.0 + 0.08 * longest * crowded)
        ax = axes[0, 0]
        jitter = np.random.default_rng(0).uniform(-0.22, 0.22, len(runs.seeds))
        for i, setting in enumerate(runs.settings):
            _draw_ends(ax, i, runs.final(metric, **setting), jitter)
        ax.set_xticks(range(count), labels)
        if crowded:
            ax.tick_params(axis="x", labelrotation=90)
        ax.set_xlim(-0.6, count - 0.4)
        ax.grid(axis="x", visible=False)
        ax.set_xlabel(", ".join(runs.names).replace("_", " "))
        ax.set_ylabel(name_of(metric))
        if ylim:
            ax.set_ylim(ylim)
    about = caption(runs, "Ring: one run; bar: median; thick line: middle half")
    return finish(figure, about, f"Runs of {many(count, 'setting')}. " + ends(runs, metric))


def _draw_ends(ax, i, values, jitter):
    """Draw one setting: a ring for each run, the middle half, the median, how many diverged."""
    ax.plot(i + jitter, values, MARKERS[0], ms=4.5, mfc="none", color="#777777", mew=0.9)
    if np.isfinite(values).any():
        low, middle, high = quartiles(values)
        ax.plot([i, i], [low, high], color=COLORS[0], lw=5, alpha=0.55, solid_capstyle="butt")
        ax.plot([i - 0.3, i + 0.3], [middle] * 2, color=COLORS[0], lw=2.5)
    if gone := lost(values):
        ax.annotate(f"{gone} diverged", (i, 0.02), xycoords=("data", "axes fraction"),
                    ha="center", fontsize=SMALL)  # fmt: skip


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
    check_runs(runs)
    columns, rows = ([*dict.fromkeys(s.get(name) for s in runs.settings)] for name in (x, y))
    if {x, y} != {*runs.names} or len(runs.settings) != len(columns) * len(rows):
        raise ValueError(
            f"The runs vary {', '.join(runs.names) or 'nothing'} in {len(runs.settings)} settings: "
            f"a heat map needs a full grid of exactly {x!r} and {y!r}."
        )
    values = np.array(
        [[quartiles(runs.final(metric, **{x: c, y: r})[:, None])[1, 0] for c in columns]
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
        figure.colorbar(image, label=name_of(metric))
    about = caption(runs, "Number: median; frame: the best of a column").replace(
        "column of", "column, over"
    )
    return finish(figure, about, f"Heat map of {y.replace('_', ' ')} (rows) by "
                  f"{x.replace('_', ' ')} (columns). " + ends(runs, metric))  # fmt: skip


def plot_histogram(runs, metric="val_accuracy", *, one_run=0):
    """Draw how the final values of many runs are spread, and where one of them lies.

    Parameters
    ----------
    runs : Runs
        Of one setting; `Runs.select` chooses.
    metric : str, default "val_accuracy"
    one_run : int or None, default 0
        The run to mark, by its place in ``runs.seeds``; None marks none.

    Returns
    -------
    Figure
        The bins are as wide as the values are apart, or a whole number of times that, so that
        none can hold more values than its neighbour by chance of where it begins.

    Raises
    ------
    ValueError
        If there are several settings, no run has a finite value, or there is no run `one_run`.
    KeyError
        If the metric is unknown.

    Examples
    --------
    >>> import keras
    >>> import optlab as ol
    >>> runs = ol.sweep(ol.blobs_mlp, ol.load_blobs(), optimizer=lambda: keras.optimizers.SGD(0.1),
    ...                 epochs=2, batch_size=250, seeds=5)
    >>> ol.plot_histogram(runs).alt[:44]
    'Histogram of the last validation accuracy of'
    """
    check_runs(runs)
    if len(runs.settings) != 1:
        raise ValueError(
            f"The runs are of {len(runs.settings)} settings: choose one with runs.select(...), or "
            "use plot_final."
        )
    values = runs.final(metric)
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise ValueError(f"No run has a finite {name_of(metric)}: there is nothing to draw.")
    whole = isinstance(one_run, (int, np.integer)) and not isinstance(one_run, bool)
    if one_run is not None and not (whole and 0 <= one_run < len(values)):
        raise ValueError(
            f"one_run={one_run!r}: give a number from 0 to {len(values) - 1}, or None."
        )
    low, middle, high = quartiles(finite)
    said = f"from {number(finite.min())} to {number(finite.max())}, median {number(middle)}, "
    said += f"middle half {number(low)} to {number(high)}"
    told = "" if one_run is None else _place(values, one_run, runs.seeds[one_run])
    with house_style():
        figure, axes = new_figure(width=8.0, height=3.8)
        _draw_histogram(axes[0, 0], finite, None if one_run is None else values[one_run], told)
        axes[0, 0].set(xlabel=name_of(metric), ylabel="runs")
    gone = f" {lost(values)} of {len(values)} runs diverged." if lost(values) else ""
    alt = f"Histogram of the last {name_of(metric)} of {many(len(values), 'run')}: {said}."
    alt += f" {told[0].upper()}{told[1:]}." if told else ""
    return finish(
        figure, caption(runs, "Bars: runs; ring: median; line under it: middle half") + gone, alt
    )


def _place(values, k, seed):
    """Say where one run lies among all."""
    if not np.isfinite(values[k]):
        return f"the run of seed {seed} diverged"
    below, others = int((values < values[k]).sum()), len(values) - 1
    return f"the run of seed {seed}: {number(values[k])}, above {below} of the {others} others"


def _draw_histogram(ax, finite, marked, told):
    low, middle, high = quartiles(finite)
    tallest = ax.hist(finite, edges(finite), color=COLORS[0], alpha=0.55, ec="white", lw=0.8)[
        0
    ].max()
    ax.plot([low, high], [-0.06 * tallest] * 2, color=COLORS[0], lw=5, alpha=0.55,
            solid_capstyle="butt")  # fmt: skip
    ax.plot(middle, -0.06 * tallest, "o", ms=8, mfc="white", mec=COLORS[0], mew=2)
    ax.set_ylim(-0.14 * tallest, 1.22 * tallest)
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= 1.05 * tallest])
    ax.grid(axis="x", visible=False)
    if marked is None:
        return
    color = look_of("one run")["color"]
    if np.isfinite(marked):
        ax.plot([marked, marked], [0, 1.06 * tallest], color=color, lw=2.5)
    left = not np.isfinite(marked) or marked < np.mean(ax.get_xlim())
    ax.text(marked if np.isfinite(marked) else finite.min(), 1.1 * tallest, told,
            color="#A84300", ha="left" if left else "right", va="bottom")  # fmt: skip
