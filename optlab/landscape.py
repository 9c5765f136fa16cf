"""The loss of a network on a plane through its weights, and the path of training on it."""

from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf
from matplotlib import patheffects
from matplotlib.colors import LogNorm

from .figures import COLORS, LINES, finish, house_style, kind, new_figure, number
from .predictions import check_model, check_weights, samples, variables

MOST_TOGETHER = len(COLORS)
WIDE = 1.4  # width to height of a plane on which distances are drawn to scale
AXES = {
    "random": ("random direction 1 (1: as large as the weights)", "random direction 2"),
    "path": ("distance along the line from start to network", "distance from that line"),
    "three": ("distance along the line between the first two", "distance from that line"),
}


@dataclass(frozen=True)
class LossPlane:
    """The loss on a grid of a plane through weights.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (steps,)
        Where the grid lies along the two directions.
    loss : numpy.ndarray of float, shape (steps, steps)
        ``loss[i, j]`` belongs to the weights ``origin + x[j] * basis[0] + y[i] * basis[1]``.
    origin : numpy.ndarray of float, shape (weights,)
        All trained weights of the first network, one after the other.
    basis : numpy.ndarray of float, shape (2, weights)
        The two directions.
    marks : dict of str to numpy.ndarray, shape (2,)
        Where the networks lie.
    paths : dict of str to numpy.ndarray, shape (snapshots, 2)
        Paths as they are seen on the plane.
    held : float
        The share of the squared way from the first network to all snapshots that lies in the
        plane; NaN without a path.
    losses : dict of str to (float, float)
        The true loss at the first and at the last snapshot of each path, off the plane.
    """

    x: np.ndarray
    y: np.ndarray
    loss: np.ndarray
    origin: np.ndarray
    basis: np.ndarray
    marks: dict
    paths: dict = field(default_factory=dict)
    held: float = float("nan")
    losses: dict = field(default_factory=dict)


def plot_loss_plane(
    models, dataset, *, paths=None, directions=None, part="train", span=1.0, steps=31, most=1000,
    seed=0,
):  # fmt: skip
    """Draw the loss of a trained network on a plane through its weights.

    A loss depends on thousands of weights; a plane shows two directions of them. Which two
    decides what one sees:

    - "random": two random directions, scaled filter by filter (the weights into one unit) to the
      size of the network's own weights, so that a step of 1 means the same in every network;
      biases stay (Li and others).
    - "path": from the first path's start to the network, and the direction in which the paths
      vary most besides, their principal component, as Li and others take for both directions.
      (Training hardly moves along random directions, of which there are too many.)
    - Through three networks: the plane that holds all of their weights.

    Parameters
    ----------
    models : keras.Model, or dict of str to keras.Model
        One trained network, or three of the same layers by name.
    dataset : Dataset
        What the network was trained on.
    paths : dict of str to list of list of numpy.ndarray, optional
        Snapshots of the weights of a training, as `WeightMonitor.weights` holds them: at most
        seven names.
    directions : {"random", "path"}, optional
        For one network; by default "path" where there are paths.
    part : {"train", "val", "test"}, default "train"
        The samples that the loss is the mean of.
    span : float, default 1
        How far random directions are drawn, to both sides.
    steps : int, default 31
        Points of the grid along each side, at least 3.
    most : int, default 1000
        At most so many samples are evaluated, drawn by `seed`; the caption says how many.
    seed : int, default 0
        Which random directions, and which samples.

    Returns
    -------
    Figure
        Contours of the cross-entropy, without penalties on weights, spaced by equal factors. A
        path is projected: the caption says how much of it lies in the plane, the legend which
        loss its ends truly have.

    Raises
    ------
    TypeError
        If a model is no Keras model, or the paths are no dict.
    ValueError
        If there are neither one nor three models, their layers or the snapshots do not fit to
        each other, the three lie on one line, a path stays where it is, weights are not finite,
        or a number or a name is not allowed.

    References
    ----------
    H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein: Visualizing the Loss Landscape of
    Neural Nets. NeurIPS 2018, https://arxiv.org/abs/1712.09913.

    Examples
    --------
    >>> import optlab as ol
    >>> blobs = ol.load_blobs()
    >>> figure = ol.plot_loss_plane(ol.blobs_mlp(), blobs, steps=5)
    >>> figure.alt[:55]
    'Loss on a plane through the weights of a network. At th'
    """
    found, count = loss_plane(
        models, dataset, paths, directions, part=part, span=span, steps=steps, most=most, seed=seed
    )
    way = _way(models, paths, directions)
    with house_style():
        figure, axes = new_figure(width=7.6, height=5.6)
        ax = axes[0, 0]
        _draw_loss(figure, ax, found)
        for k, (name, path) in enumerate(found.paths.items()):
            first, last = map(_short, found.losses[name])
            label = f"{name} (its true loss: {first} to {last})"
            _draw_path(ax, path, label, COLORS[k], LINES[k])
        _draw_marks(ax, found, one=way != "three")
        ax.set(xlabel=AXES[way][0], ylabel=AXES[way][1])
        if way != "random":
            ax.set_aspect("equal")
        figure.legend(loc="outside upper left", ncols=2 if found.paths else 3)
    return finish(figure, _caption(found, dataset, part, count, way), _alt(found))


# ---- the numbers -----------------------------------------------------------------------------


def loss_plane(models, dataset, paths, directions, *, part, span, steps, most, seed):
    """Return the LossPlane, and how many of how many samples its loss is the mean of."""
    models = models if isinstance(models, dict) else {"the trained network": models}
    _check(models, dataset, paths, directions, span=span, steps=steps, most=most)
    x, y = samples(dataset, part)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(x))[:most])
    model = next(iter(models.values()))
    ends = {name: _flat(model, m.get_weights()) for name, m in models.items()}
    tracks = {
        name: np.stack([_flat(model, weights) for weights in path])
        for name, path in (paths or {}).items()
    }
    origin = next(iter(ends.values()))
    way = _way(models, paths, directions)
    basis = _basis(way, model, ends, tracks, seed)
    marks = {name: _on_plane(end, origin, basis) for name, end in ends.items()}
    seen = {name: _on_plane(track, origin, basis) for name, track in tracks.items()}
    sides = _sides(way, span, marks, seen, steps)
    loss_at = _loss(model, x[chosen], y[chosen])
    grid = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    return LossPlane(
        x=sides[0], y=sides[1], loss=loss_at(origin, basis, grid).reshape(steps, steps),
        origin=origin, basis=basis, marks=marks, paths=seen,
        held=_held(tracks, seen, origin, basis),
        losses={
            name: tuple(float(loss_at(track[i], basis, np.zeros((1, 2)))[0]) for i in (0, -1))
            for name, track in tracks.items()
        },
    ), (len(chosen), len(x))  # fmt: skip


def _way(models, paths, directions):
    """Return how the plane is chosen: "random", "path" or "three"."""
    if isinstance(models, dict) and len(models) == 3:
        return "three"
    return directions or ("path" if paths else "random")


def _flat(model, weights):
    """Return the trained weights, one after the other, as one vector."""
    return np.concatenate([np.ravel(w) for w in variables(model, weights)[0]]).astype("float64")


def _basis(way, model, ends, tracks, seed):
    """Return the two directions, (2, weights)."""
    origin = next(iter(ends.values()))
    if way == "random":
        rng = np.random.default_rng(seed)
        return np.stack([random_direction(model, rng) for _ in range(2)])
    if way == "three":
        _, line, rest = (end - origin for end in ends.values())
        rest = rest[None]
    else:
        rest = np.concatenate(list(tracks.values())) - origin
        line = -rest[0] if rest[0].any() else rest[-1]
    first = line / max(np.linalg.norm(line), 1e-300)
    beside = rest - np.outer(rest @ first, first)
    if not np.linalg.norm(beside) > 1e-6 * np.linalg.norm(rest):
        raise ValueError(
            f"The {'three networks' if way == 'three' else 'paths'} lie on one line, which spans "
            "no plane: give some that differ."
        )
    return np.stack([first, np.linalg.svd(beside, full_matrices=False)[2][0]])


def random_direction(model, rng):
    """Return a direction of which each filter is as large as the model's own; biases stay."""
    parts = []
    for variable in model.trainable_variables:
        weights = np.asarray(variable.value, "float64")
        drawn = rng.standard_normal(weights.shape)
        if weights.ndim < 2:
            parts.append(np.zeros(weights.size))
            continue
        across = tuple(range(weights.ndim - 1))  # Keras has the unit, or filter, last
        own, its = (np.sqrt((w**2).sum(axis=across)) for w in (weights, drawn))
        parts.append((drawn * own / its).ravel())
    return np.concatenate(parts)


def _on_plane(points, origin, basis):
    """Return the coordinates of the nearest points of the plane, (..., 2)."""
    return (points - origin) @ np.linalg.pinv(basis)


def _held(tracks, seen, origin, basis):
    if not tracks:
        return float("nan")
    moves = np.concatenate([track - origin for track in tracks.values()])
    inside = np.concatenate(list(seen.values())) @ basis
    return float((inside**2).sum() / max((moves**2).sum(), 1e-300))


def _sides(way, span, marks, seen, steps):
    """Return where the grid lies along both directions."""
    if way == "random":
        return [np.linspace(-span, span, steps)] * 2
    points = np.concatenate([np.stack([*marks.values()]), *seen.values()])
    low, high = points.min(axis=0), points.max(axis=0)
    middle, (wide, tall) = (low + high) / 2, high - low
    size = max(wide, WIDE * tall) * np.array([1, 1 / WIDE])
    return list(np.linspace(middle - 0.65 * size, middle + 0.65 * size, steps).T)


def _loss(model, x, y):
    """Return a function (origin, basis, coefficients) -> losses, all points in one program."""
    shapes = [tuple(v.shape) for v in model.trainable_variables]
    sizes = [int(np.prod(shape)) for shape in shapes]
    others = variables(model, model.get_weights())[1]
    x, y = tf.constant(x), tf.constant(y)

    @tf.function(reduce_retracing=True)
    def losses(origin, basis, coefficients):
        def one(place):
            flat = origin + tf.tensordot(place, basis, 1)
            parts = [tf.reshape(w, s) for w, s in zip(tf.split(flat, sizes), shapes, strict=True)]
            outputs, _ = model.stateless_call(parts, others, x, training=False)
            return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, outputs))

        return tf.map_fn(one, coefficients, fn_output_signature=origin.dtype)

    dtype = model.trainable_variables[0].dtype
    return lambda *given: np.asarray(losses(*(tf.constant(g, dtype) for g in given)), "float64")


def _check(models, dataset, paths, directions, *, span, steps, most):
    if len(models) not in (1, 3):
        raise ValueError(f"{len(models)} models: give one, or three for the plane through them.")
    first = next(iter(models.values()))
    for name, model in models.items():
        check_model(model, dataset, name)
        if not np.isfinite(np.concatenate([np.ravel(w) for w in model.get_weights()])).all():
            raise ValueError(f"{name} has weights that are not finite: it diverged in training.")
        check_weights(first, model.get_weights(), name)
    if not isinstance(paths, (dict, type(None))):
        raise TypeError(
            f'paths is of type {kind(paths)}: give a dict, such as {{"SGD": monitor.weights}}.'
        )
    if paths is not None and not 1 <= len(paths) <= MOST_TOGETHER:
        raise ValueError(f"{len(paths)} paths: give from 1 to {MOST_TOGETHER} in one picture.")
    for name, path in (paths or {}).items():
        if not isinstance(path, (list, tuple)) or len(path) < 2:
            raise ValueError(f"The path {name!r} is no list of at least two snapshots of weights.")
        for weights in path:
            check_weights(first, weights, f"the path {name!r}")
            if not all(np.isfinite(w).all() for w in weights):
                raise ValueError(f"The path {name!r} diverged: give the snapshots before.")
    if directions not in (None, "random", "path") or (directions == "path" and not paths):
        raise ValueError(f'directions={directions!r}: give "random", or "path" with paths.')
    if directions and len(models) == 3:
        raise ValueError(f"directions={directions!r}: three networks set the plane themselves.")
    for key, value, least in (("steps", steps, 3), ("most", most, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{key}={value!r}: give a whole number from {least}.")
    if not 0 < span < np.inf:
        raise ValueError(f"span={span!r}: give a positive number.")


# ---- the drawing -----------------------------------------------------------------------------


def _draw_loss(figure, ax, found):
    """Draw contours spaced by equal factors, each line with its loss."""
    finite = found.loss[np.isfinite(found.loss)]
    low, high = max(finite.min(), 1e-6), max(finite.max(), 1e-5)
    levels = np.geomspace(low, max(high, 1.02 * low), 15)
    values = np.clip(np.where(np.isfinite(found.loss), found.loss, high), low, high)
    ax.contourf(found.x, found.y, values, levels=levels, norm=LogNorm(low, levels[-1]),
                cmap="Blues_r", alpha=0.45)  # fmt: skip
    lines = ax.contour(found.x, found.y, values, levels=levels[1:-1], colors="#6B7F92",
                       linewidths=0.7)  # fmt: skip
    ax.clabel(lines, levels=levels[1:-1:2], fmt=_short, fontsize=10, colors="#222222")
    ax.grid(False)


def _draw_path(ax, path, name, color, line):
    halo = [patheffects.withStroke(linewidth=4, foreground="white")]
    ax.plot(*path.T, color=color, ls=line, lw=2, label=name, path_effects=halo, zorder=3)
    few = path[:: max(1, len(path) // 40)]
    ax.plot(*few.T, color=color, ls="", marker="o", ms=3.5, zorder=3)
    ax.plot(*path[0], color="black", marker="s", ms=9, ls="", zorder=5)
    ax.plot(*path[-1], color=color, marker="o", ms=10, ls="", zorder=6, markeredgecolor="white")


def _draw_marks(ax, found, one):
    for k, (name, place) in enumerate(found.marks.items()):
        ax.plot(*place, color="#D55E00" if one else "black", marker="*" if one else "o^D"[k],
                ms=17 if one else 10, ls="", zorder=7, markeredgecolor="white",
                label=name)  # fmt: skip


def _short(loss):
    return f"{loss:.2g}"


def _caption(found, dataset, part, count, way):
    kinds = {"train": "training", "val": "validation", "test": "test"}
    of = f"{count[0]:,}" + (f" of {count[1]:,}" if count[0] < count[1] else "")
    words = [
        f"Loss on {of} {kinds[part]} samples; from one contour to the next it grows by the same "
        "factor."
    ]
    if found.paths:
        words.append(
            "Square: start. Large dot: end. Paths are projected: the plane holds "
            f"{f'{found.held:.0%}' if found.held > 0.01 else 'less than 1%'} of their squared "
            f"distance from {'the star' if way != 'three' else 'the first network'}."
        )
    return " ".join(words) + f" Data: {dataset.name}."


def _alt(found):
    i, j = np.unravel_index(np.nanargmin(found.loss), found.loss.shape)
    lowest, highest = np.nanmin(found.loss), np.nanmax(found.loss)
    many = "a network" if len(found.marks) == 1 else "three networks"
    told = [
        f"{name}: true loss from {number(a)} to {number(b)}"
        for name, (a, b) in found.losses.items()
    ]
    return (
        f"Loss on a plane through the weights of {many}. At the grid's lowest point, "
        f"({number(float(found.x[j]))}, {number(float(found.y[i]))}), it is "
        f"{number(float(lowest))}, at its highest {number(float(highest))}. "
        + "".join(f"{word}. " for word in told)
    ).strip()
