"""What a classifier gets wrong: the images, and the classes that it takes for each other."""

import numpy as np
from sklearn.metrics import confusion_matrix

from .data import Dataset
from .figures import finish, house_style, kind, new_figure
from .predictions import check_dataset, check_model, probabilities, samples

KINDS = {"train": "training", "val": "validation", "test": "test"}


def plot_mistakes(model, dataset, *, part="val", most=15, columns=5):
    """Draw the images that a model gets wrong, the ones it is most sure of first.

    Parameters
    ----------
    model : keras.Model
        Trained; returns a probability for each class.
    dataset : Dataset
        Of images, shape (n, height, width).
    part : {"train", "val", "test"}, default "val"
        The images to look through. The test set is looked at once, at the end.
    most : int, default 15
        At most so many images.
    columns : int, default 5
        Images in a row.

    Returns
    -------
    Figure
        Under each image the class that it has, the class that the model gives it, and the
        probability that the model gives that class, in percent.

    Raises
    ------
    TypeError
        If the model is no Keras model, or `dataset` no Dataset.
    ValueError
        If the data are no images, the model does not fit to them or returns no finite
        probabilities, `part` is unknown or empty, or a number is no whole one from 1.

    Examples
    --------
    >>> import optlab as ol
    >>> digits = ol.load_mnist(train=100, val=50, stand_in="digits")
    >>> figure = ol.plot_mistakes(ol.mnist_mlp(), digits, most=3)
    >>> "wrong" in figure.alt
    True
    """
    check_dataset(dataset, images=True)
    for key, value in (("most", most), ("columns", columns)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{key}={value!r}: give a whole number from 1.")
    x, y, chosen, sure = _judged(model, dataset, part)
    wrong = np.flatnonzero(chosen != y)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")]
    shown, names = wrong[:most], dataset.class_names
    words = [f"was {names[y[i]]}, said {names[chosen[i]]} ({sure[i]:.0%})" for i in shown]
    counted = f"{len(wrong):,} of {len(x):,} {KINDS[part]} images are wrong"
    columns = min(columns, max(len(shown), 3))
    rows = max(1, -(-len(shown) // columns))
    with house_style():
        figure, axes = new_figure(rows, columns, 1.8 * columns, 1.95 * rows + 0.6)
        for ax in axes.flat:
            ax.set_axis_off()
        for ax, i, text in zip(axes.flat, shown, words, strict=False):
            ax.imshow(x[i], cmap="gray_r", vmin=0, vmax=1)
            ax.set_title(text.replace(", ", "\n"), loc="center", fontweight="normal")
        if not len(shown):
            ax = axes[0, columns // 2]
            ax.text(0.5, 0.5, "no mistakes", ha="center", va="center", fontsize=14)
    order = f": shown are the {len(shown)} of which the model is most sure" if len(shown) else ""
    caption = f"{counted}{order}. In brackets: its confidence. Data: {dataset.name}."
    return finish(figure, caption, f"Images that the model gets wrong. {'; '.join(words)}.")


def plot_confusion(model, dataset, *, part="val"):
    """Draw which classes a model takes for which: a confusion matrix.

    Parameters
    ----------
    model : keras.Model
        Trained; returns a probability for each class.
    dataset : Dataset
        Of images or points.
    part : {"train", "val", "test"}, default "val"
        The samples to judge. The test set is looked at once, at the end.

    Returns
    -------
    Figure
        A row for each true class, a column for each class that the model says, in each cell how
        many samples. Only mistakes are coloured, the darker the more; the row's name says which
        share of the class is right.

    Raises
    ------
    TypeError
        If the model is no Keras model, or `dataset` no Dataset.
    ValueError
        If the model does not fit to the data or returns no finite probabilities, or `part` is
        unknown or empty.

    See Also
    --------
    sklearn.metrics.confusion_matrix : The counts.

    Examples
    --------
    >>> import optlab as ol
    >>> print(ol.plot_confusion(ol.blobs_mlp(), ol.load_blobs()).alt[:47])
    Confusion matrix of 500 validation samples in 3
    """
    if not isinstance(dataset, Dataset):
        raise TypeError(f"dataset is of type {kind(dataset)}: give a Dataset, as load_blobs() is.")
    x, y, chosen, _ = _judged(model, dataset, part)
    count = len(dataset.class_names)
    counts = confusion_matrix(y, chosen, labels=range(count))
    mistakes = np.where(np.eye(count, dtype=bool), 0, counts)
    with house_style():
        figure, axes = new_figure(width=0.62 * count + 3.0, height=max(3.4, 0.5 * count + 1.9))
        ax = axes[0, 0]
        seen = np.ma.masked_equal(mistakes, 0)
        ax.imshow(seen, cmap="Oranges", vmin=0, vmax=max(4, 1.4 * mistakes.max()), aspect="auto")
        _write_counts(ax, counts, mistakes)
        ax.set_xticks(range(count), dataset.class_names)
        ax.set_yticks(
            range(count), [_right(counts, k, n) for k, n in enumerate(dataset.class_names)]
        )
        ax.set(xlabel="the model says", ylabel="true class (share that is right)")
        ax.grid(visible=False)
    right = int(np.trace(counts))
    caption = (
        f"Number: {KINDS[part]} samples; framed: right; the darker, the more mistakes. "
        f"{right:,} of {len(x):,} are right ({right / len(x):.1%}). Data: {dataset.name}."
    )
    return finish(figure, caption, _confusion_alt(counts, dataset, part))


def _judged(model, dataset, part):
    """Return samples, their classes, the classes that the model says, and how sure it is."""
    check_model(model, dataset)
    x, y = samples(dataset, part)
    found = probabilities(model, x)
    if not np.isfinite(found).all():
        raise ValueError("The model's outputs are not finite: it diverged in training.")
    return x, y, found.argmax(axis=1), found.max(axis=1)


def _write_counts(ax, counts, mistakes):
    """Write each number into its cell, and frame the right ones."""
    for i, j in np.ndindex(counts.shape):
        dark = mistakes[i, j] > 0.75 * max(3, mistakes.max())
        color = "white" if dark else "#222222" if counts[i, j] else "#767676"
        ax.text(j, i, f"{counts[i, j]:,}", ha="center", va="center", color=color,
                fontweight="bold" if i == j else "normal")  # fmt: skip
        if i == j:
            ax.plot(
                [j - 0.44, j + 0.44, j + 0.44, j - 0.44, j - 0.44],
                [i - 0.42, i - 0.42, i + 0.42, i + 0.42, i - 0.42], color="#0072B2", lw=1.8,
            )  # fmt: skip


def _right(counts, k, name):
    total = counts[k].sum()
    return f"{name} ({counts[k, k] / total:.0%})" if total else f"{name} (none)"


def _confusion_alt(counts, dataset, part):
    names = dataset.class_names
    off = [(counts[i, j], i, j) for i, j in np.ndindex(counts.shape) if i != j and counts[i, j]]
    often = [f"{n} of class {names[i]} taken for {names[j]}" for n, i, j in sorted(off)[::-1][:5]]
    told = "most frequent mistakes: " + "; ".join(often) if often else "no mistakes"
    what = f"{counts.sum():,} {KINDS[part]} samples in {len(names)} classes"
    return f"Confusion matrix of {what}; {told}."
