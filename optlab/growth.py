"""Networks that learn before one's eyes: decision regions, epoch after epoch, side by side."""

import base64
import io
import textwrap
from functools import partial

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as MatplotlibFigure
from PIL import Image

from .animation import animation
from .callbacks import WeightMonitor
from .figures import COLORS, fewer_colors, house_style, kind, wrap
from .predictions import check_dataset, check_model, probabilities, samples
from .regions import TINT, draw_points, plane

MOST_PANELS, MOST_FRAMES = 8, 61
DPI = 100
LEFT, RIGHT, GAP = 80, 12, 16  # pixels beside the panels and between them
LEGEND, TITLE, TICKS, CAPTION = 34, 46, 46, 44  # pixels above and below them
COARSE = 1.5  # pixels of a panel for one of its tiles


def animate_training(monitors, dataset, *, part="train", seconds=8.0):
    """Let the decision regions of several trainings grow side by side, in a picture that moves.

    Parameters
    ----------
    monitors : dict of str to WeightMonitor
        Of trainings that are over, by the names that the panels carry: at most eight, all with
        the same epochs.
    dataset : Dataset
        Of points of shape (n, 2), which are drawn on the regions.
    part : {"train", "val", "test"}, default "train"
        Which points are drawn, and which the accuracy is of.
    seconds : float, default 8.0
        How long it plays.

    Returns
    -------
    Animation
        With a button to play and to halt, and a slider for the epoch. Where scripts are not run
        (a notebook that is not trusted), it is a still of the last epoch. Of more than 61
        recorded epochs as many are shown, evenly spread.

    Raises
    ------
    TypeError
        If `monitors` holds something else, or `dataset` is no Dataset.
    ValueError
        If the data are no points of two features, a monitor has recorded no training or other
        epochs than the first, a model does not fit to the data, there are none or too many, or
        `part` or `seconds` is not allowed.

    Examples
    --------
    >>> import keras, optlab as ol
    >>> blobs, monitors = ol.load_blobs(), {}
    >>> for rate in (0.001, 0.1):
    ...     model, monitors[f"rate {rate}"] = ol.blobs_mlp(), ol.WeightMonitor()
    ...     model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    ...     history = model.fit(blobs.x_train, blobs.y_train, epochs=2, batch_size=250, verbose=0,
    ...                         callbacks=[monitors[f"rate {rate}"]])
    >>> print(ol.animate_training(monitors, blobs).alt[:66])
    Decision regions of 3 classes over 2 epochs in 2 panels. rate 0.00
    """
    _check(monitors, dataset, seconds)
    points, labels = samples(dataset, part)
    epochs = next(iter(monitors.values())).epochs
    frames = np.unique(np.linspace(0, len(epochs) - 1, MOST_FRAMES).round().astype(int))
    size, boxes = layout(len(monitors), plane(dataset))
    tile = tuple(int(side / COARSE) for side in (boxes[0][2], boxes[0][3]))
    tiles, accuracy = grown(monitors, dataset, points, labels, frames, tile)
    colors = palette(len(dataset.class_names))
    notes = [[_note(a) for a in row] for row in accuracy]
    caption = (
        f"One run{' of each' if len(monitors) > 1 else ''}. Points and accuracy: "
        f"{ {'train': 'training', 'val': 'validation', 'test': 'test'}[part] } set. "
        f"Data: {dataset.name}."
    )
    draw = partial(_picture, monitors, dataset, points, labels, size, boxes, caption=caption)
    last = [(colors[rows[-1]], row[-1]) for rows, row in zip(tiles, notes, strict=True)]
    alt = _alt(dataset, epochs, monitors, notes, caption)
    return animation(
        draw(last=last), alt,
        {"names": list(map(str, monitors)), "boxes": boxes, "notes": notes, "tile": tile}, _DRAW,
        images=[draw(), _sprites(tiles, colors)], unit="epoch", seconds=seconds,
        labels=[f"epoch {epochs[i]} of {epochs[-1]}" for i in frames], width=size[0],
    )  # fmt: skip


def _check(monitors, dataset, seconds):
    check_dataset(dataset)
    if not isinstance(monitors, dict) or not all(
        isinstance(monitor, WeightMonitor) for monitor in monitors.values()
    ):
        raise TypeError(
            f"monitors is of type {kind(monitors)}: give a dict of names and WeightMonitors that "
            "were callbacks of a fit."
        )
    if not 1 <= len(monitors) <= MOST_PANELS:
        raise ValueError(f"{len(monitors)} monitors: give from 1 to {MOST_PANELS}.")
    first = next(iter(monitors.values()))
    for name, monitor in monitors.items():
        if len(monitor.weights) < 2:
            raise ValueError(f"The monitor {name!r} has recorded no training: hand it to a fit.")
        if monitor.epochs != first.epochs:
            raise ValueError(
                f"The monitor {name!r} has other epochs ({_span(monitor)}) than the first "
                f"({_span(first)}): train all for equally long."
            )
        check_model(monitor.model, dataset, f"The model of {name!r}")
    if isinstance(seconds, bool) or not 0 < seconds < np.inf:
        raise ValueError(f"seconds={seconds!r}: give a positive number.")


def _span(monitor):
    return f"{len(monitor.epochs)} from {monitor.epochs[0]} to {monitor.epochs[-1]}"


# ---- what the networks say -------------------------------------------------------------------


def grown(monitors, dataset, points, labels, frames, tile):
    """Return the tiles and accuracies of all monitors at all frames.

    Returns
    -------
    tiles : numpy.ndarray of uint8, shape (monitors, frames, rows, columns)
        0 where the network diverged, 1 + the class that wins, and one more on a border; the
        first row is the uppermost.
    accuracy : numpy.ndarray of float, shape (monitors, frames)
        The share of the points that are right; NaN where the network diverged.
    """
    (left, right), (bottom, top) = plane(dataset)
    wide, tall = tile
    x = left + (np.arange(wide) + 0.5) / wide * (right - left)
    y = top - (np.arange(tall) + 0.5) / tall * (top - bottom)
    asked = np.concatenate([np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2), points])
    tiles = np.zeros((len(monitors), len(frames), tall, wide), "uint8")
    accuracy = np.full(tiles.shape[:2], np.nan)
    for i, (name, monitor) in enumerate(monitors.items()):
        for j, frame in enumerate(frames):
            found = probabilities(
                monitor.model, asked, f"The model of {name!r}", monitor.weights[frame]
            )
            if not np.isfinite(found).all():
                continue
            chosen = found.argmax(axis=1)
            accuracy[i, j] = (chosen[wide * tall :] == labels).mean()
            tiles[i, j] = bordered(chosen[: wide * tall].reshape(tall, wide), found.shape[1])
    return tiles, accuracy


def bordered(winner, classes):
    """Return 1 + the class of each pixel, or 1 + classes where its neighbours are of another."""
    tile = (winner + 1).astype("uint8")
    other = np.zeros(winner.shape, bool)
    other[:, 1:] |= winner[:, 1:] != winner[:, :-1]
    other[1:] |= winner[1:] != winner[:-1]
    tile[other] = classes + 1
    return tile


def palette(classes):
    """Return the colours of a tile's numbers, (classes + 2, 3), from 0 to 255."""
    tints = [1 - TINT * (1 - np.array(to_rgb(COLORS[k % len(COLORS)]))) for k in range(classes)]
    return np.round(255 * np.stack([np.ones(3), *tints, np.full(3, 0.2)])).astype("uint8")


# ---- pictures --------------------------------------------------------------------------------


def layout(count, box):
    """Return the size of the picture and, in pixels, (left, top, width, height) of each panel."""
    columns = count if count <= 4 else -(-count // 2)
    rows = -(-count // columns)
    width = {1: 480, 2: 720}.get(columns, 900)
    wide = (width - LEFT - RIGHT - (columns - 1) * GAP) // columns
    (left, right), (bottom, top) = box
    tall = int(wide * np.clip((top - bottom) / (right - left), 0.3, 2))
    boxes = [
        [LEFT + i % columns * (wide + GAP), LEGEND + TITLE + i // columns * (tall + TITLE), wide,
         tall] for i in range(count)
    ]  # fmt: skip
    return (width, LEGEND + rows * (tall + TITLE) + TICKS + CAPTION), boxes


def _picture(monitors, dataset, points, labels, size, boxes, *, caption, last=None):
    """Return a picture as a data address: with the last tiles, or with holes in their place."""
    width, height = size
    with house_style():
        figure = MatplotlibFigure(figsize=(width / DPI, height / DPI), dpi=DPI)
        FigureCanvasAgg(figure)
        figure.patch.set_alpha(0 if last is None else 1)
        for i, (name, (left, top, wide, tall)) in enumerate(zip(monitors, boxes, strict=True)):
            ax = figure.add_axes(
                (left / width, 1 - (top + tall) / height, wide / width, tall / height)
            )
            ax.patch.set_alpha(0)
            ax.grid(False)
            (x, y) = plane(dataset)
            if last:
                ax.imshow(last[i][0], extent=(*x, *y), aspect="auto", interpolation="nearest")
            draw_points(ax, dataset, points, labels, size=20 if len(boxes) < 3 else 12)
            lowest = not any(other[0] == left and other[1] > top for other in boxes)
            ax.set(xlim=x, ylim=y, xlabel="feature 1" if lowest else "")
            short = textwrap.shorten(str(name), max(8, wide // 9), placeholder=" …")
            ax.set_title(f"{short}\n{last[i][1]}" if last else "")  # else the script writes it
            ax.set_ylabel("feature 2" if left == LEFT else "")
            ax.tick_params(labelleft=left == LEFT, labelbottom=lowest)
        figure.legend(
            *figure.axes[0].get_legend_handles_labels(), loc="upper center", borderaxespad=0.2,
            ncols=len(dataset.class_names), markerscale=1.4,
        )  # fmt: skip
        figure.text(0.01, 4 / height, wrap(caption, width // 7), fontsize=10, color="#444444")
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=DPI)
    picture = Image.open(drawn)
    return _address(fewer_colors(picture) if last else picture)


def _sprites(tiles, colors):
    """Return all tiles as one picture: a column for each monitor, a row for each frame."""
    count, frames, tall, wide = tiles.shape
    sheet = Image.fromarray(tiles.transpose(1, 2, 0, 3).reshape(frames * tall, count * wide), "P")
    sheet.putpalette(colors.ravel().tolist())
    return _address(sheet)


def _address(picture):
    small = io.BytesIO()
    picture.save(small, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(small.getvalue()).decode()


def _note(accuracy):
    return f"accuracy {accuracy:.1%}" if np.isfinite(accuracy) else "diverged"


def _alt(dataset, epochs, monitors, notes, caption):
    told = [
        f"{name}: {row[0]} at first, {row[-1]} at the end"
        for name, row in zip(monitors, notes, strict=True)
    ]
    panels = f"{len(notes)} panel{'s' * (len(notes) > 1)}"
    return (
        f"Decision regions of {len(dataset.class_names)} classes over {epochs[-1]} epochs in "
        f"{panels}. {'; '.join(told)}. {caption}"
    )


# White paper, the tile of each panel, the points and axes over it, its name and its accuracy.
_DRAW = """
  const [wide, tall] = data.tile;
  const draw = (step) => {
    pen.fillStyle = "white"; pen.fillRect(0, 0, canvas.width, canvas.height);
    data.boxes.forEach(([left, top, width, height], i) => {
      pen.drawImage(images[1], i * wide, step * tall, wide, tall, left, top, width, height);
    });
    pen.drawImage(images[0], 0, 0);
    pen.fillStyle = "#222222"; pen.font = "bold 14.5px 'DejaVu Sans', Verdana, sans-serif";
    data.boxes.forEach(([left, top, width], i) => {
      pen.fillText(data.names[i], left, top - 27, width);
      pen.fillText(data.notes[i][step], left, top - 9);
    });
  };"""
