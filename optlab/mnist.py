"""MNIST, from wherever it can be had, and the handwritten digits that stand in for it."""

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
from http.client import HTTPException
from pathlib import Path

import numpy as np
from scipy.ndimage import affine_transform
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from .data import Dataset, check_whole
from .figures import write_atomically

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
    check_whole("seed", seed, least=0)
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
    check_whole("train", train, least)
    check_whole("test", test, least)
    val = max(train // 9, least) if val is None else val
    check_whole("val", val, least=0 if val == 0 else least)
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
