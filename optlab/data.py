"""Data sets: what every one holds and can do, and the blobs of points."""

import os
from dataclasses import dataclass, replace

import numpy as np
from sklearn.datasets import make_blobs
from sklearn.model_selection import StratifiedKFold

from .figures import COLORS, MARKERS, finish, house_style, kind, new_figure, number


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Samples to train on, samples to choose by, and samples to look at once, at the end.

    The arrays are read-only, so that no cell changes what another cell trains on: change a copy,
    as in ``dataclasses.replace(data, x_train=2 * data.x_train)``.

    Parameters
    ----------
    x_train, x_val, x_test : numpy.ndarray of float32
        Images of shape (n, 28, 28) with values in [0, 1], or points of shape (n, features).
        The validation and the test set may be empty.
    y_train, y_val, y_test : numpy.ndarray
        The labels: int32 of shape (n,), or one-hot float32 of shape (n, classes).
    class_names : tuple of str
        What the labels 0, 1, ... stand for.
    name : str
        What figures and summaries call the data.

    Raises
    ------
    ValueError
        If an array has another type, is masked, does not fit to its partner or to the training
        set, holds a value that is not finite or a label without a class, if there is nothing to
        train on, or if there are fewer than two classes.

    Examples
    --------
    >>> blobs = load_blobs()
    >>> blobs
    blobs: 500 train, 500 val, 20000 test points of 2 features, 3 classes
    >>> blobs.x_train.shape, blobs.y_train[:3]
    ((500, 2), array([2, 2, 2], dtype=int32))
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple
    name: str

    def __post_init__(self):
        if isinstance(self.class_names, str) or len(self.class_names) < 2:
            raise ValueError(
                f"class_names={self.class_names!r}: give a tuple of at least two names, one for "
                "each of the labels 0, 1, ...; with a single class there is nothing to learn."
            )
        object.__setattr__(self, "class_names", tuple(map(str, self.class_names)))
        for part in ("train", "val", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            _check_inputs(f"x_{part}", x, like=self.x_train)
            _check_labels(f"y_{part}", y, self.y_train, len(x), len(self.class_names))
            x, y = np.asarray(x).view(), np.asarray(y).view()
            x.flags.writeable = y.flags.writeable = False
            object.__setattr__(self, f"x_{part}", x)
            object.__setattr__(self, f"y_{part}", y)
        if len(self.x_train) == 0:
            raise ValueError("x_train is empty: give at least one sample to train on.")

    def __repr__(self):
        shape = self.x_train.shape[1:]
        what = "images of {}x{}" if self._images else "points of {} features"
        hot = ", one-hot labels" if self.y_train.ndim == 2 else ""
        return (
            f"{self.name}: {len(self.x_train)} train, {len(self.x_val)} val, {len(self.x_test)} "
            f"test {what.format(*shape)}, {len(self.class_names)} classes{hot}"
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        if not self._drawable:
            return {"text/plain": repr(self)}
        data, metadata = self.plot()._repr_mimebundle_()
        return data | {"text/plain": repr(self)}, metadata

    @property
    def _images(self):
        return self.x_train.ndim == 3

    @property
    def _drawable(self):
        return self._images or self.x_train.shape[1] == 2

    def one_hot(self) -> "Dataset":
        """Return the same data with one-hot labels, for `categorical_crossentropy`.

        Returns
        -------
        Dataset
            Its labels are float32 of shape (n, classes): a 1 in the column of the class.

        Examples
        --------
        >>> load_blobs().one_hot().y_train[:3]
        array([[0., 0., 1.],
               [0., 0., 1.],
               [0., 0., 1.]], dtype=float32)
        """
        rows = np.eye(len(self.class_names), dtype="float32")
        y_train, y_val, y_test = (rows[_labels(y)] for y in (self.y_train, self.y_val, self.y_test))
        return replace(self, y_train=y_train, y_val=y_val, y_test=y_test)

    def fold(self, k, of=3, seed=0) -> "Dataset":
        """Split the training set into folds, and validate on the one while training on the others.

        The old validation set plays no part; the test set stays.

        Parameters
        ----------
        k : int
            Which fold validates, from 0 to `of` - 1. Every training sample is in one fold only.
        of : int, optional
            How many folds there are, at least 2; each has the classes in proportion.
        seed : int, optional
            The seed by which the folds are drawn.

        Raises
        ------
        ValueError
            If there is no such fold, or a class has fewer samples than there are folds.

        Examples
        --------
        >>> load_blobs().fold(0, of=5)
        blobs: 400 train, 100 val, 20000 test points of 2 features, 3 classes
        """
        check_whole("of", of, least=2)
        check_whole("k", k, least=0)
        check_whole("seed", seed, least=0)
        if k >= of:
            raise ValueError(f"There is no fold {k} of {of}: give k from 0 to {of - 1}.")
        labels = _labels(self.y_train)
        fewest = np.unique(labels, return_counts=True)[1].min()
        if fewest < of:
            raise ValueError(
                f"{of} folds need {of} training samples of every class, and one class has "
                f"{fewest}: ask for fewer folds."
            )
        folds = StratifiedKFold(of, shuffle=True, random_state=seed).split(labels, labels)
        rest, chosen = list(folds)[k]
        return replace(
            self,
            x_train=self.x_train[rest], y_train=self.y_train[rest],
            x_val=self.x_train[chosen], y_val=self.y_train[chosen],
        )  # fmt: skip

    def join_val(self) -> "Dataset":
        """Put the validation set into the training set, for the final model after a search.

        The validation set is empty from then on: what was trained on can no longer validate.

        Examples
        --------
        >>> load_blobs().join_val()
        blobs: 1000 train, 0 val, 20000 test points of 2 features, 3 classes
        """
        return replace(
            self,
            x_train=np.concatenate([self.x_train, self.x_val]),
            y_train=np.concatenate([self.y_train, self.y_val]),
            x_val=self.x_val[:0], y_val=self.y_val[:0],
        )  # fmt: skip

    def plot(self):
        """Draw the points of the training and the validation set, or an image of each class.

        Returns
        -------
        optlab.figures.Figure

        Raises
        ------
        ValueError
            If the samples are neither images nor points of two features.

        Examples
        --------
        >>> print(load_blobs().plot().alt)
        Scatter plots on the same axes (training, validation) of points in 3 classes: ...
        """
        if not self._drawable:
            raise ValueError(
                f"{self.name} has samples of shape {self.x_train.shape[1:]}, which no plane shows: "
                "plot images, or points of 2 features."
            )
        with house_style():
            return self._plot_images() if self._images else self._plot_points()

    def _plot_points(self):
        parts = {"training": (self.x_train, self.y_train), "validation": (self.x_val, self.y_val)}
        parts = {part: (x, _labels(y)) for part, (x, y) in parts.items() if len(x)}
        figure, axes = new_figure(1, len(parts), 3.6 * len(parts), 4.6, sharex=True, sharey=True)
        centres = []
        for ax, (part, (x, y)) in zip(axes[0], parts.items(), strict=True):
            ax.set(title=f"{len(x)} {part} points", xlabel="feature 1", aspect="equal")
            for label, name in enumerate(self.class_names):
                points = x[y == label]
                ax.scatter(
                    *points.T, s=22, color=COLORS[label % len(COLORS)], alpha=0.75,
                    marker=MARKERS[label % len(MARKERS)], edgecolor="white", linewidth=0.4,
                    label=f"class {name}",
                )  # fmt: skip
                if part == "training" and len(points):
                    centre = ", ".join(map(number, points.mean(axis=0)))
                    centres.append(f"class {name} around ({centre})")
        axes[0, 0].set_ylabel("feature 2")
        figure.legend(
            *axes[0, 0].get_legend_handles_labels(),
            loc="outside upper center", ncols=len(self.class_names),
        )  # fmt: skip
        return finish(
            figure,
            f"{self._caption('points')}. The test set stays unseen until the end.",
            f"Scatter plots on the same axes ({', '.join(parts)}) of points in "
            f"{len(self.class_names)} classes: {', '.join(centres)}.",
        )

    def _plot_images(self):
        columns = min(5, len(self.class_names))
        rows = -(-len(self.class_names) // columns)
        figure, axes = new_figure(rows, columns, 1.5 * columns, 1.75 * rows + 0.3)
        labels = _labels(self.y_train)
        for label, ax in enumerate(axes.flat):
            ax.set_axis_off()
            if label in labels:
                ax.imshow(self.x_train[np.argmax(labels == label)], cmap="gray_r", vmin=0, vmax=1)
                ax.set_title(self.class_names[label], loc="center", fontsize=13)
        height, width = self.x_train.shape[1:]
        return finish(
            figure,
            f"{self._caption('images')}; shown is the first to train of each class.",
            f"One image of {height} by {width} pixels, dark ink on white, for each of the "
            f"{len(self.class_names)} classes {', '.join(self.class_names)}.",
        )

    def _caption(self, what):
        train, val, test = len(self.x_train), len(self.x_val), len(self.x_test)
        return f"{self.name}: {train:,} training, {val:,} validation and {test:,} test {what}"


def _labels(y):
    """Return labels as numbers, from numbers or from one-hot rows."""
    return y if y.ndim == 1 else y.argmax(axis=1)


def _check_array(key, array):
    """Refuse what is no numpy array, or masked: what a mask hides would be trained on."""
    if isinstance(array, np.ma.MaskedArray):
        raise ValueError(
            f"{key} is a masked array, and training would not heed the mask: leave those samples "
            f"out, or give numbers in their place, such as {key}.filled(0)."
        )
    if not isinstance(array, np.ndarray):
        dtype = ', "float32"' if key.startswith("x") else ""
        raise ValueError(
            f"{key} is of type {kind(array)}: give a numpy array, such as np.asarray({key}{dtype})."
        )


def _check_inputs(key, x, like):
    _check_array(key, x)
    if x.dtype != "float32":
        scaled = " / 255" if x.dtype == "uint8" else ""
        raise ValueError(
            f'{key} is of type {x.dtype}: give float32, such as {key}.astype("float32"){scaled}.'
        )
    cures = {
        1: f"for one feature give {key}.reshape(-1, 1)",
        4: f"for images in grey give {key}.mean(axis=-1), for points {key}.reshape(len({key}), -1)",
    }
    if x.ndim not in (2, 3):
        cure = cures.get(x.ndim, "reshape it")
        raise ValueError(
            f"{key} has shape {x.shape}, where images have (n, height, width) and points "
            f"(n, features): {cure}."
        )
    if x.shape[1:] != like.shape[1:]:
        raise ValueError(
            f"{key} has shape {x.shape} and x_train {like.shape}: give samples of the same shape "
            "in all three sets."
        )
    if not np.isfinite(x).all():
        raise ValueError(f"{key} holds a NaN or an infinity: remove or replace such samples.")


def _check_labels(key, y, like, n, classes):
    _check_array(key, y)
    if y.dtype.kind in "OSUT":
        raise ValueError(
            f"{key} is of type {y.dtype}: give numbers that stand for the class names, such as "
            f'np.unique({key}, return_inverse=True)[1].astype("int32").'
        )
    hot = np.ndim(like) == 2 and np.shape(like)[1] > 1
    if y.dtype != ("float32" if hot else "int32") or y.shape != ((n, classes) if hot else (n,)):
        numbers = y.dtype.kind in "iub" and y.shape in ((n,), (n, 1))
        cure = f', such as {key}.ravel().astype("int32")' if numbers else ""
        raise ValueError(
            f"{key} is of type {y.dtype} and shape {y.shape}: for {n} samples give int32 labels "
            f"of shape ({n},), or one-hot float32 ({n}, {classes}), alike in all three sets{cure}."
        )
    if hot and not (np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()):
        raise ValueError(f"{key} is not one-hot: give rows with a single 1 and 0 elsewhere.")
    if not hot and len(y) and not 0 <= y.min() <= y.max() < classes:
        raise ValueError(
            f"{key} holds labels from {y.min()} to {y.max()}: with {classes} class names "
            f"they must be from 0 to {classes - 1}."
        )


def check_whole(key, value, least):
    """Refuse what is no whole number of at least `least`."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ValueError(f"{key} is {value!r}: give a whole number of at least {least}.")


def load_blobs(draw=None) -> Dataset:
    """Make three overlapping clouds of points: 500 to train, 500 to validate, 20,000 to test.

    Draw 0 is the classic set, ``make_blobs(n_samples=1000, centers=3, n_features=2,
    cluster_std=2, random_state=2)`` of scikit-learn. Every other draw takes new training and
    validation points from the same three centres, and keeps the test points.

    Parameters
    ----------
    draw : int, optional
        Which draw, from 0; by default the one in the environment variable ``OPTLAB_DRAW``, else 0.

    Returns
    -------
    Dataset
        Points of shape (n, 2), labels 0 to 2; named "blobs", or "blobs (draw 3)" and so on.

    Raises
    ------
    ValueError
        If `draw`, or ``OPTLAB_DRAW``, is no whole number from 0 up.

    Examples
    --------
    >>> load_blobs(draw=3)
    blobs (draw 3): 500 train, 500 val, 20000 test points of 2 features, 3 classes
    """
    source = "draw"
    if draw is None:
        source, draw = "OPTLAB_DRAW", os.environ.get("OPTLAB_DRAW") or "0"
        draw = int(draw) if draw.isdecimal() else draw
    check_whole(source, draw, least=0)
    if draw >= 2**31:
        raise ValueError(f"{source} is {draw}: give a whole number below {2**31}.")
    x, y, centers = make_blobs(
        n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=2, return_centers=True
    )
    if draw:  # seeds 3, 4, ...: neither the classic set's 2 nor the test points' 1
        x, y = make_blobs(n_samples=1000, centers=centers, cluster_std=2, random_state=2 + draw)
    x_test, y_test = make_blobs(n_samples=20_000, centers=centers, cluster_std=2, random_state=1)
    x, x_test = x.astype("float32"), x_test.astype("float32")
    y, y_test = y.astype("int32"), y_test.astype("int32")
    return Dataset(
        x[:500], y[:500], x[500:], y[500:], x_test, y_test,
        class_names=("0", "1", "2"), name=f"blobs (draw {draw})" if draw else "blobs",
    )  # fmt: skip
