"""The animation of descents: paths racing down a surface."""

import base64
import io

import numpy as np
from matplotlib.figure import Figure as MatplotlibFigure
from PIL import Image

from .animation import animation
from .figures import fewer_colors, house_style
from .looks import MOST_TOGETHER, looks_of
from .paths import aspect_of, checked_paths, draw_path, draw_surface, ends_of


def animate_paths(surface, paths, *, seconds=8.0):
    """Let descents race down a surface, in a picture that moves.

    Parameters
    ----------
    surface : Surface
        Of two dimensions.
    paths : dict of str to array of float, shape (steps + 1, 2)
        What `descend` returned, by name, all of the same number of steps: at most seven names.
    seconds : float, default 8.0
        How long the race takes.

    Returns
    -------
    Animation
        With a button to play and to halt, and a slider for the step. Where scripts are not run
        (a notebook that is not trusted), it is a still of the whole paths.

    Raises
    ------
    ValueError
        If a path is not of the surface's shape, the paths differ in length, there are too many,
        or `seconds` is not positive.
    """
    paths = checked_paths(surface, paths, dimensions=2)
    lengths = {np.shape(path) for path in paths.values()}
    if len(lengths) > 1 or len(next(iter(lengths))) != 2 or len(paths) > MOST_TOGETHER:
        raise ValueError(
            f"The paths have shapes {sorted(lengths)}: give at most {MOST_TOGETHER}, each of "
            "(steps + 1, 2), with the same number of steps."
        )
    if not 0 < seconds < np.inf:
        raise ValueError(f"seconds={seconds!r}: give a positive number.")
    background, box = _picture(surface, {})
    still, _ = _picture(surface, paths)
    (left, right), (bottom, top) = surface.domain
    lines = []
    for path in paths.values():
        # where each point is in the picture, in pixels; far outside is far enough
        x = box[0] + (path[:, 0] - left) / (right - left) * (box[2] - box[0])
        y = box[1] + (path[:, 1] - bottom) / (top - bottom) * (box[3] - box[1])
        xy = np.nan_to_num(np.stack([x, y], -1), nan=1e4, posinf=1e4, neginf=-1e4)
        lines.append(np.clip(xy, -1e4, 1e4).round(1).ravel().tolist())
    alt = f"Paths racing on {surface.name}. {ends_of(surface, paths)}"
    steps = len(next(iter(paths.values()))) - 1
    colors = [look["color"] for look in looks_of(paths)]
    return animation(
        still, alt, {"names": list(paths), "colors": colors, "paths": lines, "box": box},
        _DRAW, images=[background], unit="step", seconds=seconds,
        labels=[f"step {step} of {steps}" for step in range(steps + 1)],
    )  # fmt: skip


def _picture(surface, paths):
    """Return a PNG as a data address, and the pixels (left, bottom, right, top) of its axes."""
    width, height, dpi = 640, int(640 / aspect_of(surface)), 100
    with house_style():
        figure = MatplotlibFigure(figsize=(width / dpi, height / dpi), dpi=dpi)
        ax = figure.add_axes((54 / width, 40 / height, 1 - 68 / width, 1 - 52 / height))
        draw_surface(ax, surface)
        for (name, path), look in zip(paths.items(), looks_of(paths), strict=True):
            draw_path(ax, surface, path, name, look["color"], "-")
        if paths:
            ax.legend(loc="best", frameon=True, fontsize=9)
        ax.set_xlabel("x", labelpad=1)
        ax.set_ylabel("y", labelpad=1)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=dpi)
    small = io.BytesIO()
    fewer_colors(Image.open(drawn)).save(small, format="png", optimize=True)
    box = [54, height - 40, width - 14, 12]
    return "data:image/png;base64," + base64.b64encode(small.getvalue()).decode(), box


# Draws one step of the race. Numbers: pixels of the picture.
_DRAW = """
  data.names.forEach((name, i) => {
    const entry = document.createElement("span"), dot = document.createElement("span");
    dot.textContent = "\\u25cf "; dot.style.color = data.colors[i];
    entry.append(dot, name); entry.style.marginRight = "1.2em"; key.append(entry);
  });
  const [left, bottom, right, top] = data.box;
  const draw = (step) => {
    pen.drawImage(images[0], 0, 0);
    pen.save(); pen.beginPath(); pen.rect(left, top, right - left, bottom - top); pen.clip();
    data.paths.forEach((path, i) => {
      pen.strokeStyle = pen.fillStyle = data.colors[i]; pen.lineWidth = 2; pen.beginPath();
      for (let k = 0; k <= step; k++) pen.lineTo(path[2 * k], path[2 * k + 1]);
      pen.stroke(); pen.beginPath();
      pen.arc(path[2 * step], path[2 * step + 1], 6, 0, 7); pen.fill();
    });
    pen.restore();
  };"""
