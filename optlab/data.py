"""The data of the lessons: blobs of points, handwritten digits, and what every data set can do."""

import gzip
import hashlib
import math
import os
import threading
import urllib.request
import zipfile
import zlib
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path

import numpy as np
from scipy.ndimage import affine_transform
from sklearn.datasets import load_digits, make_blobs
from sklearn.model_selection import StratifiedKFold, train_test_split

from .figures import (
    COLORS,
    MARKERS,
    finish,
    house_style,
    kind,
    new_figure,
    number,
    write_atomically,
)

# The four arrays of MNIST: the official file, the shape, and how the values' SHA-256 begins.
MNIST = {
    "x_train": ("train-images-idx3-ubyte.gz", (60_000, 28, 28), "741c988805d008ac6e4c"),
    "y_train": ("train-labels-idx1-ubyte.gz", (60_000,), "1feba77c54802fa5339a"),
    "x_test": ("t10k-images-idx3-ubyte.gz", (10_000, 28, 28), "6d87418db22cc8025d05"),
    "y_test": ("t10k-labels-idx1-ubyte.gz", (10_000,), "ddeff807876a9661a111"),
}
# The one file that keras.datasets.mnist downloads: the same four arrays.
KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
KERAS_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
MOST_BYTES = 50_000_000  # no file of MNIST is larger, even unpacked
PATIENCE = 5  # seconds without an answer, then there is no network

DIGITS = tuple("0123456789")


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
        _check_whole("of", of, least=2)
        _check_whole("k", k, least=0)
        _check_whole("seed", seed, least=0)
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


def _check_whole(key, value, least):
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
    _check_whole(source, draw, least=0)
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


def load_mnist(train=None, test=None, val=None, stand_in=None, seed=0) -> Dataset:
    """Load MNIST's handwritten digits, split into training, validation and test images.

    They are taken from the first of these that is there: the folder that the environment variable
    ``OPTLAB_DATA`` names (the four official files, packed as ``.gz`` or unpacked, or
    ``mnist.npz``), Keras' cache, Keras' download. Wherever they come from, their contents are
    checked.

    Parameters
    ----------
    train, val : int, optional
        How many of the 60,000 training images train and how many validate: disjoint, each with
        the classes in proportion. By default 54,000 train, and `val` is a ninth of `train`.
        ``val=0`` leaves the validation set empty. ``val="test"`` validates on the test images,
        as the classic lessons did: to compare with their figures, and for nothing else.
    test : int, optional
        How many of the 10,000 test images to keep, the classes in proportion; by default all.
        They do not depend on `seed`.
    stand_in : "digits", optional
        What to return where MNIST cannot be had: images made from the 1,797 digits of 8x8 pixels
        that come with scikit-learn, scaled up and varied by small shifts and turns; training,
        validation and test images from different originals. By default 10,800, 1,200 and 2,000.
        The set is named "digits (stand-in for MNIST)".
    seed : int, optional
        The seed by which training and validation images are drawn.

    Returns
    -------
    Dataset
        Images of shape (n, 28, 28) with values in [0, 1], labels 0 to 9; named "MNIST" if it is.

    Raises
    ------
    FileNotFoundError
        If ``OPTLAB_DATA`` is set and lacks a file, or if there is no source and no `stand_in`.
    ValueError
        If a number is not possible, and if a file is damaged or holds something else: even then
        when a `stand_in` is given.
    PermissionError
        If a file may not be read.

    References
    ----------
    Y. LeCun, C. Cortes, C. J. C. Burges: The MNIST database of handwritten digits.

    Examples
    --------
    >>> load_mnist(train=200, stand_in="digits").x_train.shape
    (200, 28, 28)
    """
    if stand_in not in (None, "digits"):
        raise ValueError(f'stand_in is {stand_in!r}: give "digits", or None to insist on MNIST.')
    _check_whole("seed", seed, least=0)
    on_test = isinstance(val, str) and val == "test"
    val = 0 if on_test else val
    sizes = _sizes(train, val, test)
    try:
        path = _find_mnist()
    except ConnectionError as error:
        if stand_in is None:
            raise FileNotFoundError(
                f"MNIST is not on this machine and cannot be downloaded ({error}): set OPTLAB_DATA "
                'to a folder that holds it, or pass stand_in="digits".'
            ) from error
        train, test = (10_800 if train is None else train), (2_000 if test is None else test)
        parts = _make_stand_in(*_sizes(train, val, test), seed)
        name = "digits (stand-in for MNIST)"
    else:
        x_train, y_train, x_test, y_test = _read(path)
        for_train, for_val = _draw(y_train, sizes[0], sizes[1], seed)
        for_test, _ = _draw(y_test, sizes[2], 0, seed=0)
        parts = [(x_train[chosen], y_train[chosen]) for chosen in (for_train, for_val)]
        parts.append((x_test[for_test], y_test[for_test]))
        name = "MNIST"
    if on_test:
        parts[1] = parts[2]
    arrays = [a for x, y in parts for a in (x.astype("float32") / 255, y.astype("int32"))]
    return Dataset(*arrays, class_names=DIGITS, name=name)


def _sizes(train, val, test):
    """Fill in and check how many images are to train, to validate and to test."""
    images, tests, least = MNIST["x_train"][1][0], MNIST["x_test"][1][0], len(DIGITS)
    train = images * 9 // 10 if train is None else train
    test = tests if test is None else test
    _check_whole("train", train, least)
    _check_whole("test", test, least)
    val = max(train // 9, least) if val is None else val
    _check_whole("val", val, least=0 if val == 0 else least)
    if train + val > images:
        raise ValueError(
            f"train={train} and val={val} are {train + val} images, and there are {images}: "
            "ask for fewer (val=0 leaves the validation set empty)."
        )
    if test > tests:
        raise ValueError(f"test is {test}: there are {tests} test images, ask for fewer.")
    return train, val, test


def _draw(labels, first, second, seed):
    """Draw the indices of two disjoint samples, each with the classes in proportion."""
    every = np.arange(len(labels))
    left = second or len(labels) - first
    if min(first, left) < len(DIGITS):  # (nearly) all of them, or a handful: no need to look
        return np.sort(np.random.default_rng(seed).permutation(every)[:first]), every[:0]
    one, other = train_test_split(
        every, train_size=first, test_size=left, stratify=labels, random_state=seed
    )
    return one, other[:second]


def _find_mnist():
    """Return the folder or the .npz file to read; a ConnectionError if there is none."""
    if os.environ.get("OPTLAB_DATA"):
        folder = Path(os.environ["OPTLAB_DATA"]).expanduser().absolute()
        if _there(folder / "mnist.npz"):
            return folder / "mnist.npz"
        files = [file for file, _, _ in MNIST.values()]
        if any(_there(folder / name) for file in files for name in _names(file)):
            return folder
        wrong = "holds no MNIST" if folder.is_dir() else "is not a folder"
        raise FileNotFoundError(
            f"OPTLAB_DATA names {folder}, which {wrong}: name the folder that holds "
            f"{', '.join(files)} or mnist.npz, or unset OPTLAB_DATA."
        )
    cache = _keras_cache()
    if not _there(cache):
        try:
            _download(cache)
        except (OSError, HTTPException) as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
    return cache


def _names(file):
    """Return the names that an official file goes by: unpacked, or with a dot, as some do it."""
    plain = file.removesuffix(".gz")
    dotted = plain.replace("-idx", ".idx")
    return file, plain, dotted + ".gz", dotted


def _there(path):
    with _readable(path):
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
    return True


@contextmanager
def _readable(path):
    try:
        yield
    except PermissionError as error:
        raise PermissionError(
            f"{path} may not be read ({error.strerror}): change its permissions or those of its "
            "folder, or copy it to a folder of your own and set OPTLAB_DATA to that."
        ) from error


def _keras_cache():
    home = os.environ.get("KERAS_HOME") or Path("~/.keras").expanduser()
    return Path(home).absolute() / "datasets" / "mnist.npz"


def _download(path):
    """Download Keras' file to a path: whole and as expected, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _open_url(KERAS_URL, PATIENCE) as answer:
        content = answer.read(MOST_BYTES)
    if hashlib.sha256(content).hexdigest() != KERAS_SHA256:
        raise ConnectionError(f"what came from {KERAS_URL} is not the file expected")
    write_atomically(path, content)


def _open_url(url, seconds):
    """Open a URL, or give up after so many seconds in all.

    The timeout of `urlopen` alone would hold anew for each of a host's addresses, and not for
    looking them up.
    """
    answer = Future()

    def open_it():
        try:
            answer.set_result(urllib.request.urlopen(url, timeout=seconds))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=open_it, daemon=True).start()
    try:
        return answer.result(timeout=seconds)
    except TimeoutError:
        raise TimeoutError(f"no answer within {seconds} seconds") from None


def _read(path):
    """Read and check MNIST as it is: uint8 arrays x_train, y_train, x_test, y_test.

    `path` is a folder of the four official files, or an .npz file.
    """
    arrays = []
    for key, (file, shape, checksum) in MNIST.items():
        where, array = _read_npz(path, key) if path.suffix == ".npz" else _read_idx(path, file)
        if array.dtype != np.uint8:
            raise _not_mnist(where, f"{key} has the type {array.dtype}, not uint8")
        if array.size != np.prod(shape):
            raise _not_mnist(where, f"{key} has the shape {array.shape}, not {shape}")
        if not hashlib.sha256(np.ascontiguousarray(array)).hexdigest().startswith(checksum):
            raise _not_mnist(where, f"the values of {key} are not those of MNIST")
        arrays.append(array.reshape(shape))  # (60000, 784), say, holds the same values
    return arrays


def _read_idx(folder, file):
    """Read a file in LeCun's format: 0, 0, type, dimensions, their sizes, the values."""
    path = next(filter(_there, (folder / name for name in _names(file))), None)
    if path is None:
        raise FileNotFoundError(f"{folder / file} is missing: put the official file there.")
    with _opened(path) as raw:
        packed = raw.read(2) == b"\x1f\x8b"  # whatever its name says
        raw.seek(0)
        try:
            with gzip.open(raw) if packed else raw as unpacked:
                content = unpacked.read(MOST_BYTES)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            cut = isinstance(error, EOFError)
            what = "its end is missing" if cut else "it is not an intact gzip file"
            raise _not_mnist(path, what) from error
    if not content:
        raise _not_mnist(path, "it is empty")
    dimensions = 3 if "idx3" in file else 1
    magic, header = bytes([0, 0, 8, dimensions]), 4 + 4 * dimensions  # 8: unsigned bytes
    if content[:4] != magic or len(content) < header:
        raise _not_mnist(path, f"it begins with {content[:4].hex()}, not with {magic.hex()}")
    shape = tuple(np.frombuffer(content, ">u4", dimensions, offset=4).tolist())
    values = np.frombuffer(content, np.uint8, offset=header)
    if len(values) != math.prod(shape):
        more = "or more " if len(content) == MOST_BYTES else ""
        raise _not_mnist(
            path, f"it holds {len(values)} {more}values where it declares {math.prod(shape)}"
        )
    return path, values.reshape(shape)


def _read_npz(path, key):
    """Read one array of an .npz file."""
    array, info = None, None
    with _opened(path) as raw:
        try:
            with zipfile.ZipFile(raw) as archive:
                members = {member.filename: member for member in archive.infolist()}
                info = members.get(f"{key}.npy")
                if info is not None and info.file_size <= MOST_BYTES:
                    with archive.open(info) as file:
                        array = np.lib.format.read_array(file, allow_pickle=False)
        except Exception as error:  # of a dozen kinds: archive, packing, numpy's header
            raise _not_mnist(path, "it is not a whole .npz file of plain arrays") from error
    if array is None:
        missing = f"it holds no array {key}" if info is None else f"{key} is larger than in MNIST"
        raise _not_mnist(path, missing)
    return path, array


@contextmanager
def _opened(path):
    """Open a file to read; no pipe, which would be waited for, and no folder."""
    with _readable(path):
        if not path.is_file():
            raise _not_mnist(path, "it is not a file")
        with path.open("rb") as file:
            yield file


def _not_mnist(path, why):
    cure = "delete it, and the next call downloads it again"
    if path != _keras_cache():
        cure = "put the official file there, or set OPTLAB_DATA to another folder"
    return ValueError(f"{path} is damaged or not MNIST ({why}): {cure}.")


def _make_stand_in(train, val, test, seed):
    """Make uint8 images and labels for the three sets from scikit-learn's digits."""
    originals, labels = load_digits(return_X_y=True)
    originals = originals.reshape(-1, 8, 8) * (255 / 16)
    # 360 originals for test whatever the seed; of the others, 240 validate
    rest, for_test = _draw(labels, len(labels) - 360, 360, seed=0)
    for_train, for_val = (rest[i] for i in _draw(labels[rest], len(rest) - 240, 240, seed))
    parts = []
    for size, sources, rng in (
        (train, for_train, np.random.default_rng([seed, 0])),
        (val, for_val, np.random.default_rng([seed, 1])),
        (test, for_test, np.random.default_rng([0, 2])),
    ):
        rounds, more = divmod(size, len(sources))  # each original equally often, give or take one
        others, _ = _draw(labels[sources], more, 0, seed=int(rng.integers(2**31)))
        chosen = np.concatenate([np.tile(sources, rounds), sources[others]])
        x = np.array([_vary(originals[i], rng) for i in chosen], dtype=np.uint8)
        parts.append((x.reshape(-1, 28, 28), labels[chosen]))
    return parts


def _vary(image, rng):
    """Scale 8x8 pixels up to 20x20 in the middle of 28x28, shifted and turned a little."""
    angle = np.radians(rng.uniform(-12, 12))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * 8 / 20
    offset = 3.5 - turn @ (13.5 + rng.uniform(-2, 2, size=2))
    varied = affine_transform(image, turn, offset, (28, 28), order=3, mode="grid-constant")
    return np.clip(varied, 0, 255)
