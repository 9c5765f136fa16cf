"""Where each class wins, drawn for points of two features: one network, or many seeds."""

from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_rgb
from scipy.ndimage import gaussian_filter

from .figures import COLORS, MARKERS, finish, house_style, new_figure, wrap
from .predictions import check_dataset, check_model, probabilities, samples
from .runs import Runs

STEPS = 200  # points of the grid along each axis
TINT = 0.5  # how much colour a region has where all agree


@dataclass(frozen=True)
class Regions:
    """What the networks of one setting say about the plane.

    Parameters
    ----------
    winner : numpy.ndarray of int, shape (rows, columns)
        The class that most networks choose at each point of the grid; of two that equally many
        choose, the one of the higher mean probability.
    share : numpy.ndarray of float, shape (rows, columns)
        Which share of the networks chooses it.
    accuracy : float
        The median network's share of points that it gets right.
    agreement : float
        The mean over the points of the share of networks that choose the most chosen class.
    count, diverged : int
        How many networks there are that count, and how many are left out, being not finite.
    """

    winner: np.ndarray
    share: np.ndarray
    accuracy: float
    agreement: float
    count: int
    diverged: int


def plot_decision_regions(models, dataset, *, part="train", columns=4):
    """Draw where each class wins, with the points: one panel a setting.

    Parameters
    ----------
    models : keras.Model, list of keras.Model, dict, or Runs
        One trained network; several of one setting, from several seeds; a dict of settings' names
        to either, one panel each; or what ``sweep(..., keep_weights=True)`` returned.
    dataset : Dataset
        Of points of shape (n, 2). Its points are drawn on the regions.
    part : {"train", "val", "test"}, default "train"
        Which points are drawn, and which the accuracy is of.
    columns : int, default 4
        Panels in a row.

    Returns
    -------
    Figure
        With one network in a panel a region has the colour of the class that it gives the highest
        probability. With several it is the class that most of them choose; the paler, the fewer
        agree. A network whose outputs are not finite is left out and counted.

    Raises
    ------
    TypeError
        If a model is no Keras model, or `dataset` no Dataset.
    ValueError
        If the data are no points of two features, a model does not fit to them or returns no
        probabilities, the weights of the runs were not kept, `part` is unknown or empty, or
        `columns` is no whole number from 1.

    Examples
    --------
    >>> import keras, optlab as ol
    >>> blobs = ol.load_blobs()
    >>> models = {"one": ol.blobs_mlp(), "three": [ol.blobs_mlp() for seed in range(3)]}
    >>> print(ol.plot_decision_regions(models, blobs).alt[:61])
    Decision regions of 3 classes in 2 panels. one: accuracy ...
    >>> runs = ol.sweep(ol.blobs_mlp, blobs, optimizer=keras.optimizers.SGD, epochs=20,
    ...                 settings={"learning_rate": [0.001, 0.1]}, seeds=20,
    ...                 keep_weights=True)  # doctest: +SKIP
    >>> ol.plot_decision_regions(runs, blobs)  # doctest: +SKIP
    """
    check_dataset(dataset)
    points, labels = samples(dataset, part)
    if isinstance(columns, bool) or not isinstance(columns, int) or columns < 1:
        raise ValueError(f"columns={columns!r}: give a whole number from 1.")
    groups = groups_of(models, dataset)
    box = plane(dataset)
    found = {name: regions(several, box, points, labels, name) for name, several in groups.items()}
    columns = min(columns, len(found))
    rows = -(-len(found) // columns)
    titles, size = _titles(found, rows, columns, box)
    with house_style():
        figure, axes = new_figure(rows, columns, *size, sharex=True, sharey=True)
        for ax, title, one in zip(axes.flat, titles, found.values(), strict=False):
            draw_regions(ax, one, box, len(dataset.class_names))
            draw_points(ax, dataset, points, labels, size=22 if columns < 3 else 14)
            ax.set_title(title)
        _label_axes(axes, len(found))
        figure.legend(
            *axes[0, 0].get_legend_handles_labels(),
            loc="outside upper center", ncols=len(dataset.class_names), markerscale=1.4,
        )  # fmt: skip
    return finish(figure, _caption(found, dataset, part), _alt(found, dataset))


def groups_of(models, dataset):
    """Return lists of checked models by the name of their setting."""
    if isinstance(models, Runs):
        names = [_titled(models, i) for i in range(len(models.settings))]
        models = {
            name: [models.model(seed=seed, **setting) for seed in models.trained[i].weights]
            if models.trained
            else models.weights(**setting)  # which says why there are none
            for i, (name, setting) in enumerate(zip(names, models.settings, strict=True))
        }
    elif not isinstance(models, dict):
        models = {"": models}
    groups = {str(name): _listed(several) for name, several in models.items()}
    if not groups or not all(groups.values()):
        raise ValueError("models holds no model: give a model, a list or a dict of them, or Runs.")
    for name, several in groups.items():
        for model in several:
            check_model(model, dataset, f"The model of {name!r}" if name else "model")
    return groups


def _listed(several):
    return list(several) if isinstance(several, (list, tuple)) else [several]


def _titled(runs, i):
    """Return a setting's name as a panel carries it."""
    label = runs.labels()[i].replace("_", " ")
    number = len(runs.names) == 1 and not isinstance(runs.settings[i][runs.names[0]], str)
    return f"{runs.names[0].replace('_', ' ')} {label}" if number else label


# ---- what is to be drawn ---------------------------------------------------------------------


def plane(dataset):
    """Return the drawn part of the plane, ((left, right), (bottom, top)): all points, and room."""
    points = np.concatenate([dataset.x_train, dataset.x_val]).astype("float64")
    low, high = points.min(axis=0), points.max(axis=0)
    room = 0.04 * max(*(high - low), 1e-6)
    return tuple(map(tuple, np.stack([low - room, high + room], axis=1)))


def grid(box, steps=STEPS):
    """Return the points of a grid, row by row from below, shape (steps * steps, 2)."""
    x, y = (np.linspace(*side, steps) for side in box)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def regions(models, box, points, labels, name="model"):
    """Ask all models about the grid and the points."""
    asked = np.concatenate([grid(box), points])
    found = np.stack([probabilities(model, asked, name or "model") for model in models])
    finite = np.isfinite(found).all(axis=(1, 2))
    found, diverged = found[finite], int((~finite).sum())
    if not len(found):
        nothing = np.zeros((STEPS, STEPS))
        return Regions(nothing.astype(int), nothing, np.nan, np.nan, 0, diverged)
    chosen = found.argmax(axis=2)
    votes = np.stack([(chosen == k).mean(axis=0) for k in range(found.shape[2])], axis=-1)
    winner = (votes + found.mean(axis=0) / (2 * len(found))).argmax(axis=1)
    square = (STEPS, STEPS)
    return Regions(
        winner=winner[: STEPS * STEPS].reshape(square),
        share=votes[: STEPS * STEPS].max(axis=1).reshape(square),
        accuracy=float(np.median((chosen[:, STEPS * STEPS :] == labels).mean(axis=1))),
        agreement=float(votes[STEPS * STEPS :].max(axis=1).mean()),
        count=len(found), diverged=diverged,
    )  # fmt: skip


# ---- parts -----------------------------------------------------------------------------------


def tinted(winner, share, classes):
    """Return the colours of a grid, (rows, columns, 3): white where no class leads the others."""
    colors = np.array([to_rgb(COLORS[k % len(COLORS)]) for k in range(classes)])
    strength = TINT * np.clip((share - 1 / classes) / (1 - 1 / classes), 0, 1)[..., None]
    return 1 - strength * (1 - colors[winner])


def draw_regions(ax, found, box, classes):
    """Paint the regions of one setting and their borders."""
    ax.grid(False)
    ax.set(xlim=box[0], ylim=box[1], aspect="equal")
    if not found.count:
        return
    ax.imshow(
        tinted(found.winner, found.share, classes), origin="lower",
        extent=(*box[0], *box[1]), interpolation="nearest", zorder=0, aspect="equal",
    )  # fmt: skip
    x, y = (np.linspace(*side, STEPS) for side in box)
    for k in np.unique(found.winner)[1:]:
        wins = gaussian_filter((found.winner == k).astype(float), 0.8)  # no line of stairs
        ax.contour(x, y, wins, levels=[0.5], colors="#333333", linewidths=1.0, zorder=1)


def draw_points(ax, dataset, points, labels, size):
    """Draw the points, each class by its colour and shape."""
    for k, name in enumerate(dataset.class_names):
        ax.scatter(
            *points[labels == k].T, s=size, color=COLORS[k % len(COLORS)],
            marker=MARKERS[k % len(MARKERS)], edgecolor="white", linewidth=0.4,
            label=f"class {name}", zorder=3,
        )  # fmt: skip


def _titles(found, rows, columns, box):
    """Return the panels' titles, and the width and height in inches of a figure of them."""
    (left, right), (bottom, top) = box
    width = {1: 5.2, 2: 7.6}.get(columns, max(9.0, 2.5 * columns))
    panel = (width - 0.7) / columns - 0.1
    tall = np.clip((top - bottom) / (right - left), 0.4, 2.0)
    most = int(10.5 * panel)  # characters in a line
    titles = []
    for name, one in found.items():
        parts = [name] if len(name) <= most else name.split(", ")
        titles.append("\n".join(filter(None, (*(wrap(p, most) for p in parts), _note(one)))))
    lines = max(title.count("\n") for title in titles)
    extra = 1.0 if columns == 1 else 1.25
    return titles, (width, rows * (panel * tall + 0.25 + 0.2 * lines) + extra)


def _label_axes(axes, count):
    for i, ax in enumerate(axes.flat):
        ax.set_visible(i < count)
        ax.label_outer()
        if i + axes.shape[1] >= count:
            ax.tick_params(labelbottom=True)
            ax.set_xlabel("feature 1")
        if i % axes.shape[1] == 0:
            ax.set_ylabel("feature 2")


def _note(one):
    """Return what stands under a panel's name."""
    if not one.count:
        return f"all {one.diverged} diverged" if one.diverged > 1 else "diverged"
    words = f"accuracy {one.accuracy:.1%}"
    return f"{words}, {one.diverged} diverged" if one.diverged else words


def _caption(found, dataset, part):
    counts = {one.count + one.diverged for one in found.values()}
    low, high = min(counts), max(counts)
    kind = {"train": "training", "val": "validation", "test": "test"}[part]
    if high == 1:
        one = "one network a panel" if len(found) > 1 else "one network"
        who = f"Colour: the class that the network chooses; {one}, from one seed."
    else:
        many = f"{high}" if low == high else f"{low} to {high}"
        who = (
            f"Colour: the class that most of {many} networks, each from its own seed, choose; "
            "paler: fewer agree."
        )
    median = "median " if high > 1 else ""
    return f"{who} Points and {median}accuracy: {kind} set. Data: {dataset.name}."


def _alt(found, dataset):
    told = []
    for name, one in found.items():
        seeds = f", {one.agreement:.0%} of the seeds agree on a point" if one.count > 1 else ""
        area = [f"{(one.winner == k).mean():.0%}" for k in range(len(dataset.class_names))]
        areas = f", classes win {', '.join(area)} of the plane" if one.count else ""
        told.append(f"{name + ': ' if name else ''}{_note(one)}{seeds}{areas}")
    panels = f"{len(found)} panel{'s' * (len(found) > 1)}"
    return f"Decision regions of {len(dataset.class_names)} classes in {panels}. {'; '.join(told)}."
