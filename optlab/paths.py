"""The figures of descents: steps on a curve, paths on a surface."""

import numpy as np
from matplotlib.colors import LogNorm

from .figures import (
    COLORS,
    WIDEST,
    finish,
    house_style,
    kind,
    new_figure,
    number,
    wrap,
)
from .looks import MOST_TOGETHER, looks_of
from .surfaces import Surface

PAPER = "#F2F6FA"  # under the contours
CONTOUR = "#8FA3B5"


def plot_steps(curve, paths, *, columns=3):
    """Draw the steps of descents on a curve, one panel a path, all with the same axes.

    Parameters
    ----------
    curve : Surface
        Of one dimension.
    paths : dict of str to array of float, shape (steps + 1, 1)
        What `descend` returned, by the names that the panels carry.
    columns : int, default 3
        Panels in a row.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the curve is a surface, or a path is not of its shape.
    """
    paths = checked_paths(curve, paths, dimensions=1)
    rows = -(-len(paths) // columns)
    columns = min(columns, len(paths))
    (low, high) = curve.domain[0]
    x = np.linspace(low, high, 400)
    y = curve.value(x[:, None])
    with house_style():
        figure, axes = new_figure(
            rows, columns, width=(width := min(WIDEST, max(5.0, 3.0 * columns))),
            height=2.6 * rows + 0.5,
            sharex=True, sharey=True,
        )  # fmt: skip
        for ax, (name, path) in zip(axes.flat, paths.items(), strict=False):
            ax.plot(x, y, color="#777777", lw=1.2)
            values = curve.value(path)
            inside = _inside(curve, path)
            ax.plot(path[:, 0], values, color=COLORS[0], lw=0.9, marker="o", ms=4, alpha=0.85)
            ax.plot(path[0, 0], values[0], color="black", marker="s", ms=8, ls="", label="start")
            ax.plot(curve.minima[:, 0], curve.value(curve.minima), color="white", mec="black",
                    marker="*", ms=14, ls="", label="minimum")  # fmt: skip
            ax.set_title(wrap(name, int(10.5 * width / columns)))
            ax.set_xlim(low, high)
            ax.set_ylim(-0.06 * y.max(), 1.06 * y.max())
            if not inside.all():
                ax.text(0.5, 0.93, f"leaves the picture at step {np.argmin(inside)}",
                        transform=ax.transAxes, ha="center", va="top", fontsize=9.5,
                        bbox={"color": "white", "pad": 2})  # fmt: skip
            ax.label_outer()
        for ax in axes.flat[len(paths) :]:
            ax.set_visible(False)
        for ax in axes[:, 0]:
            ax.set_ylabel("value")
        for ax in axes[-1]:
            ax.set_xlabel("x")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    count = len(paths)
    alt = f"Steps on {curve.name} in {count} panel{'s' * (count > 1)}. {ends_of(curve, paths)}"
    return finish(figure, "Dots are the points that the updates reach, joined in order.", alt)


def plot_paths(surface, paths, *, columns=None):
    """Draw descents on the contours of a surface.

    Parameters
    ----------
    surface : Surface
        Of two dimensions.
    paths : dict of str to array of float, shape (steps + 1, 2) or (paths, steps + 1, 2)
        What `descend` returned, by name; one name may hold many paths.
    columns : int, optional
        With a number, one panel a name, so many in a row. Without, all in one panel: at most
        seven names.

    Returns
    -------
    Figure
        The contours are spaced by equal factors. A square marks a start, a dot an end, the star
        the minimum.

    Raises
    ------
    ValueError
        If the surface is a curve, a path is not of its shape, or there are too many names for
        one panel.
    """
    paths = checked_paths(surface, paths, dimensions=2)
    if columns is None and len(paths) > MOST_TOGETHER:
        raise ValueError(
            f"{len(paths)} names in one panel: at most {MOST_TOGETHER} can be told apart; "
            "give columns=3 for one panel each."
        )
    groups = [paths] if columns is None else [{name: paths[name]} for name in paths]
    columns = min(columns or 1, len(groups))
    rows = -(-len(groups) // columns)
    wide = aspect_of(surface)
    width = 7.5 if len(groups) == 1 else min(WIDEST, max(6.5, 3.1 * columns))
    looks = looks_of(paths) if len(groups) == 1 else [{"color": COLORS[0], "linestyle": "-"}]
    with house_style():
        figure, axes = new_figure(
            rows, columns, width=width,
            height=min(5.4, 0.75 * width / wide) if len(groups) == 1 else 2.9 * rows + 0.3,
            sharex=True, sharey=True,
        )  # fmt: skip
        for ax, group in zip(axes.flat, groups, strict=False):
            draw_surface(ax, surface)
            for (name, path), look in zip(group.items(), looks, strict=True):
                draw_path(ax, surface, path, name, look["color"], look["linestyle"])
            if len(groups) > 1:
                ax.set_title(wrap(next(iter(group)), int(10.5 * width / columns)))
            ax.label_outer()
        for ax in axes.flat[len(groups) :]:
            ax.set_visible(False)
        for ax in axes[:, 0]:
            ax.set_ylabel("y")
        for ax in axes[-1]:
            ax.set_xlabel("x")
        if len(groups) == 1:
            handles, names = axes[0, 0].get_legend_handles_labels()
            figure.legend(handles, names, loc="outside upper left", ncols=4)
    caption = (
        "Square: start. Dot: end. Star: minimum. From one contour to the next the value grows "
        "by the same factor."
    )
    return finish(figure, caption, f"Paths on {surface.name}. {ends_of(surface, paths)}")


def plot_distance(surface, paths):
    """Draw how far descents are from the nearest minimum, step by step.

    Parameters
    ----------
    surface : Surface
    paths : dict of str to array of float, shape (steps + 1, d) or (paths, steps + 1, d)
        What `descend` returned, by name: at most seven names. Where a name holds many paths,
        the line is their median and the band their middle half.

    Returns
    -------
    Figure
        The distance is on a logarithmic axis; a path that diverges leaves at its top.

    Raises
    ------
    ValueError
        If a path is not of the surface's shape, or there are too many names.
    """
    paths = checked_paths(surface, paths)
    if len(paths) > MOST_TOGETHER:
        raise ValueError(
            f"{len(paths)} names in one panel: at most {MOST_TOGETHER} can be told apart."
        )
    with house_style():
        figure, axes = new_figure(width=7.5, height=3.9)
        ax, farthest, nearest = axes[0, 0], 0.0, np.inf
        for (name, path), look in zip(paths.items(), looks_of(paths), strict=True):
            distance = surface.distance(path)
            distance = np.where(np.isfinite(distance), distance, np.inf)
            many = distance if distance.ndim == 2 else distance[None]
            # an exact hit has no logarithm, nor has a step to infinity a place
            low, middle, high = np.quantile(
                np.clip(many, 1e-16, 1e16), (0.25, 0.5, 0.75), axis=0, method="nearest"
            )
            steps = np.arange(len(middle))
            ax.plot(steps, middle, label=name, **look)
            if len(many) > 1:
                ax.fill_between(steps, low, high, color=look["color"], alpha=0.2, lw=0)
            farthest, nearest = max(farthest, many[:, 0].max()), min(nearest, middle.min())
        ax.set_yscale("log")
        ax.set_ylim(max(nearest, 1e-10 * farthest) / 2, 10 * farthest)
        ax.set_xlabel("step")
        ax.set_ylabel("distance to the minimum")
        figure.legend(loc="outside upper left", ncols=4)
    several = any(np.ndim(path) == 3 for path in paths.values())
    caption = "Lines: medians over the starts; bands: the middle half." if several else ""
    alt = f"Distance to the minimum of {surface.name} by step. {ends_of(surface, paths)}"
    return finish(figure, caption, alt)


def checked_paths(surface, paths, dimensions=None):
    """Return the paths as arrays by name, or say what does not fit the surface."""
    if not isinstance(surface, Surface):
        raise ValueError(f"surface is of type {kind(surface)}: give a Surface, such as beale().")
    if dimensions and surface.dimensions != dimensions:
        what = "a curve, such as parabola()" if dimensions == 1 else "a surface, such as beale()"
        raise ValueError(f"{surface.name} is of {surface.dimensions} dimension(s): give {what}.")
    if not isinstance(paths, dict) or not paths:
        raise ValueError(
            f"paths is of type {kind(paths)}: give a dict of names and paths, such as "
            '{"SGD": descend(...)}.'
        )
    checked = {}
    for name, path in paths.items():
        try:
            path = np.asarray(path, dtype="float64")
        except (TypeError, ValueError):
            raise ValueError(
                f"The path {name!r} is of type {kind(path)}: give an array of points, as descend "
                "returns it."
            ) from None
        if path.ndim not in ((2,) if dimensions == 1 else (2, 3)) or (
            path.shape[-1] != surface.dimensions
        ):
            raise ValueError(
                f"The path {name!r} has shape {path.shape}: {surface.name} needs "
                f"(steps + 1, {surface.dimensions}), as descend returns it."
            )
        checked[str(name)] = path
    return checked


def _inside(surface, path):
    """Return which points lie in the drawn part of the surface; shape of `path` but the last."""
    low, high = np.array(surface.domain).T
    with np.errstate(invalid="ignore"):
        return ((path >= low) & (path <= high)).all(-1)


def ends_of(surface, paths):
    """Return where each path ends, in words."""
    words = []
    for name, path in paths.items():
        distance = surface.distance(path[..., -1, :])
        if np.ndim(distance):
            words.append(f"{name}: median distance {number(float(np.median(distance)))}")
        elif np.isfinite(distance):
            words.append(f"{name}: distance {number(float(distance))}")
        else:
            words.append(f"{name}: diverged")
    return "Distance to the minimum at the end: " + "; ".join(words) + "."


def aspect_of(surface):
    """Return how wide a surface is drawn, in heights."""
    (left, right), (bottom, top) = surface.domain
    return max(0.8, min(2.0, (right - left) / (top - bottom)))


def draw_surface(ax, surface):
    """Draw contours, spaced by equal factors, and the minimum."""
    (left, right), (bottom, top) = surface.domain
    x, y = np.meshgrid(np.linspace(left, right, 241), np.linspace(bottom, top, 241))
    values = surface.value(np.stack([x, y], axis=-1))
    lowest = max(np.quantile(values, 0.004), 1e-6 * values.max())
    levels = np.geomspace(lowest, values.max(), 15)
    ax.contourf(x, y, np.maximum(values, lowest), levels=levels, norm=LogNorm(),
                cmap="Blues_r", alpha=0.35)  # fmt: skip
    ax.contour(x, y, values, levels=levels[:-1], colors=CONTOUR, linewidths=0.6)
    ax.plot(*surface.minima.T, color="white", marker="*", ms=15, ls="", zorder=5,
            markeredgecolor="black")  # fmt: skip
    ax.set_facecolor(PAPER)
    ax.grid(False)
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)


def shown(surface, path):
    """Return a path up to its first point far outside the picture, then NaN."""
    (left, right), (bottom, top) = surface.domain
    size = np.array([right - left, top - bottom])
    middle = np.array([left + right, bottom + top]) / 2
    with np.errstate(invalid="ignore"):
        far = ~(np.abs(path - middle) < 3 * size).all(-1)
    # the first far point is where the line goes to; the renderer needs it within its pixels
    gone = np.cumsum(np.cumsum(far, axis=-1), axis=-1) > 1
    path = np.clip(np.nan_to_num(path, nan=0.0), middle - 30 * size, middle + 30 * size)
    return np.where(gone[..., None], np.nan, path)


def draw_path(ax, surface, path, name, color, line):
    """Draw one path, or many of one name, as far as they are in the picture."""
    many = shown(surface, path)
    many = many if many.ndim == 3 else many[None]
    single = len(many) == 1
    for i, points in enumerate(many):
        marker = "." if single and len(points) <= 101 else None
        ax.plot(*points.T, color=color, ls=line if single else "-", lw=1.6 if single else 0.7,
                marker=marker, ms=4, alpha=0.95 if single else 0.5,
                label=name if i == 0 else None)  # fmt: skip
    size = 7 if single else 3
    ax.plot(*many[:, 0].T, color="black", marker="s", ms=size, ls="", zorder=4)
    ax.plot(*many[:, -1].T, color=color, marker="o", ms=size + 1, ls="", zorder=6,
            markeredgecolor="white", markeredgewidth=0.8)  # fmt: skip
