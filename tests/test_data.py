import base64
import dataclasses
import gzip
import hashlib
import io
import json
import os
import shutil
import tempfile
import threading
import tracemalloc
import urllib.error
import urllib.request
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.datasets import make_blobs
from sklearn.neighbors import KNeighborsClassifier

from optlab import at_scale, data
from optlab import mnist as loading
from optlab.data import Dataset, load_blobs
from optlab.mnist import load_mnist

KEYS = ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test")
IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
STAND_IN = "digits (stand-in for MNIST)"

SHARED = Path(__file__).parents[2] / "shared" / "data" / "mnist"
REAL = Path(os.environ.get("OPTLAB_DATA") or SHARED)
needs_mnist = pytest.mark.skipif(
    not (REAL / "mnist.npz").exists() and not (REAL / IMAGES).exists(),
    reason="needs the real MNIST in the folder OPTLAB_DATA",
)


@pytest.fixture(autouse=True)
def sealed(monkeypatch, tmp_path):
    """No variable, cache or network of this machine; the list of URLs that were asked for."""
    asked = []

    def no_network(url, timeout):
        asked.append(url)
        raise urllib.error.URLError("no network in tests")

    for name in ("OPTLAB_DATA", "OPTLAB_DRAW"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(urllib.request, "urlopen", no_network)
    return asked


@pytest.fixture
def arrays(monkeypatch):
    """A small MNIST of 200 + 100 images, every one unlike the others, and its checksums."""
    rng = np.random.default_rng(0)
    made = {
        "x_train": rng.integers(0, 256, (200, 28, 28), dtype=np.uint8),
        "y_train": rng.permutation(np.arange(200, dtype=np.uint8) % 10),
        "x_test": rng.integers(0, 256, (100, 28, 28), dtype=np.uint8),
        "y_test": rng.permutation(np.arange(100, dtype=np.uint8) % 10),
    }
    small = {
        key: (file, made[key].shape, hashlib.sha256(made[key]).hexdigest())
        for key, (file, _, _) in loading.MNIST.items()
    }
    monkeypatch.setattr(loading, "MNIST", small)
    return made


@pytest.fixture
def folder(arrays, monkeypatch, tmp_path):
    """OPTLAB_DATA with the four files of the small MNIST."""
    path = tmp_path / "mnist"
    path.mkdir()
    for key, (file, _, _) in loading.MNIST.items():
        (path / file).write_bytes(gzip.compress(idx(arrays[key])))
    monkeypatch.setenv("OPTLAB_DATA", str(path))
    return path


def idx(array, magic=None, sizes=None):
    sizes = array.shape if sizes is None else sizes
    magic = bytes([0, 0, 8, len(sizes)]) if magic is None else magic
    return magic + np.array(sizes, ">u4").tobytes() + array.tobytes()


def npz(arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def put_in_cache(content):
    path = Path(os.environ["KERAS_HOME"]) / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def hashes(x):
    return {image.tobytes() for image in x}


def same(one, other):
    return all(np.array_equal(getattr(one, key), getattr(other, key)) for key in KEYS)


def refused(message, call, error=ValueError):
    """Check that a call is refused with a single sentence that holds some words."""
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    for words in [message] if isinstance(message, str) else message:
        assert words in text, text
    assert "\n" not in text and text.endswith("."), text


# ---------------------------------------------------------------------------- Dataset


def small(**changes):
    x = np.arange(24, dtype="float32").reshape(12, 2)
    y = np.arange(12, dtype="int32") % 3
    parts = dict(x_train=x, y_train=y, x_val=x[:6], y_val=y[:6], x_test=x[:3], y_test=y[:3])
    return Dataset(**(parts | {"class_names": ("a", "b", "c"), "name": "small"} | changes))


X, Y = np.zeros((6, 2), "float32"), np.zeros(6, "int32")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"x_val": X.astype("float64")}, ["x_val is of type float64", 'x_val.astype("float32")']),
        ({"x_val": X.tolist()}, "x_val is of type list"),
        ({"y_val": Y.astype("int64")}, ["y_val is of type int64", "int32"]),
        ({"y_val": Y.tolist()}, "y_val is of type list"),
        ({"y_val": np.array(0, "int32")}, "y_val is of type int32 and shape ()"),
        ({"y_val": Y[:5]}, "y_val is of type int32 and shape (5,): for 6 samples give"),
        ({"x_val": np.zeros((6, 3), "float32")}, "x_val has shape (6, 3) and x_train (12, 2)"),
        ({"x_val": np.full((6, 2), np.nan, "float32")}, "x_val holds a NaN"),
        ({"x_test": np.full((3, 2), np.inf, "float32")}, "x_test holds a NaN or an infinity"),
        ({"y_val": Y + np.int32(3)}, ["y_val holds labels from 3 to 3", "from 0 to 2"]),
        ({"y_val": Y - np.int32(1)}, "y_val holds labels from -1 to -1"),
        ({"y_val": np.zeros((6, 3), "float32")}, "y_val is of type float32 and shape (6, 3)"),
        ({"x_train": X[:0], "y_train": Y[:0]}, "x_train is empty"),
    ],
)
def test_dataset_refuses(changes, message):
    refused(message, lambda: small(**changes))


@pytest.mark.parametrize(
    "given, named",
    [
        (
            {"x_train": pd.DataFrame(np.ones((12, 2)))},
            f"x_train is of type {pd.DataFrame.__module__}.DataFrame",
        ),
        ({"x_val": tf.ones((6, 2))}, "x_val is of type tensorflow."),
        ({"x_test": [[1, 2], [3, 4], [5, 6]]}, "x_test is of type list"),
        ({"x_val": np.ma.masked_less(X + 1, 2)}, "x_val is a masked array"),
        ({"y_val": np.ma.masked_equal(Y + 1, 1)}, "y_val is a masked array"),
        ({"y_val": pd.Series([0, 1, 2] * 2)}, f"y_val is of type {pd.Series.__module__}.Series"),
        (
            {"y_val": pd.Series(["a", "b", "c"] * 2, dtype="category")},
            f"{pd.Series.__module__}.Series",
        ),
        (
            {"y_val": pd.DataFrame({"label": [0, 1, 2] * 2})},
            f"y_val is of type {pd.DataFrame.__module__}.DataFrame",
        ),
        ({"y_val": np.array(["a", "b", "c"] * 2)}, "y_val is of type <U1"),
        ({"y_val": Y[:, None]}, "y_val is of type int32 and shape (6, 1)"),
        ({"y_val": [0, 1, 2] * 2}, "y_val is of type list"),
    ],
)
def test_what_a_dataset_advises_works(given, named):
    """Whoever does as each sentence says ends with a data set."""
    (key,) = given
    refused(named, lambda: small(**given))
    for _ in range(4):
        try:
            small(**given)
            break
        except ValueError as error:
            advice = str(error).rpartition("such as ")[2].rstrip(".")
            given = {key: eval(advice, {"np": np} | given)}
    else:
        pytest.fail("the advice leads nowhere")


@pytest.mark.parametrize(
    "shape, code",
    [
        ((12, 8, 8, 3), "x_train.mean(axis=-1)"),
        ((12, 8, 8, 3), "x_train.reshape(len(x_train), -1)"),
        ((12,), "x_train.reshape(-1, 1)"),
    ],
)
def test_samples_of_another_shape_are_told_what_to_do(shape, code):
    x_train = np.zeros(shape, "float32")
    refused([f"x_train has shape {shape}", code], lambda: small(x_train=x_train))
    x = eval(code)
    assert len(small(x_train=x, x_val=x[:6], x_test=x[:3]).x_train) == 12


def test_bytes_are_to_be_scaled():
    refused('x_val.astype("float32") / 255.', lambda: small(x_val=X.astype("uint8")))


@pytest.mark.parametrize("names", [("a",), (), "abc"])
def test_one_class_is_none(names):
    y = np.zeros(12, "int32")
    refused(
        [f"class_names={names!r}", "at least two"],
        lambda: small(class_names=names, y_train=y, y_val=y[:6], y_test=y[:3]),
    )


def test_class_names_may_be_numbers():
    assert small(class_names=range(3)).class_names == ("0", "1", "2")
    assert "classes: class 0 around" in small(class_names=np.arange(3)).plot().alt


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_a_matrix_is_taken_for_an_array():
    made = small(x_train=np.asmatrix(np.ones((12, 2), "float32")))
    assert type(made.x_train) is np.ndarray


@pytest.mark.parametrize("rows", [np.zeros((12, 3)), np.full((12, 3), 1 / 3), np.ones((12, 3))])
def test_dataset_refuses_what_is_not_one_hot(rows):
    def make():
        hot = small().one_hot()
        return dataclasses.replace(hot, y_train=rows.astype("float32"))

    refused("y_train is not one-hot", make)


def test_dataset_cannot_be_changed_and_leaves_the_callers_arrays_alone():
    mine = np.zeros((12, 2), "float32")
    made = small(x_train=mine)
    for key in KEYS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(made, key)[0] = 1
    mine[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.x_train = mine


def test_one_hot():
    plain = small()
    hot = plain.one_hot()
    assert hot.y_train.dtype == np.float32 and hot.y_train.shape == (12, 3)
    for key in KEYS[1::2]:
        np.testing.assert_array_equal(getattr(hot, key).argmax(axis=1), getattr(plain, key))
        np.testing.assert_array_equal(getattr(hot, key).sum(axis=1), 1)
    assert same(hot, hot.one_hot())
    assert (
        repr(hot)
        == "small: 12 train, 6 val, 3 test points of 2 features, 3 classes, one-hot labels"
    )


def test_one_hot_of_an_empty_validation_set():
    assert small().join_val().one_hot().y_val.shape == (0, 3)


@pytest.mark.parametrize("hot", [False, True])
def test_folds_partition_the_training_set(hot):
    blobs = load_blobs().one_hot() if hot else load_blobs()
    folds = [blobs.fold(k, of=4) for k in range(4)]
    seen = [hashes(fold.x_val) for fold in folds]
    assert sum(map(len, seen)) == 500 and set.union(*seen) == hashes(blobs.x_train)
    label = {x.tobytes(): y.tolist() for x, y in zip(blobs.x_train, blobs.y_train, strict=True)}
    for fold, val in zip(folds, seen, strict=True):
        assert hashes(fold.x_train) == hashes(blobs.x_train) - val
        assert all(
            label[x.tobytes()] == y.tolist()
            for x, y in [*zip(fold.x_val, fold.y_val, strict=True)]
            + [*zip(fold.x_train, fold.y_train, strict=True)]
        )
        counts = np.bincount(data._labels(fold.y_val))
        assert np.abs(counts - np.bincount(data._labels(blobs.y_train)) / 4).max() < 1
        assert fold.x_test.base is blobs.x_test.base and fold.name == "blobs"


def test_folds_follow_their_seed():
    blobs = load_blobs()
    assert same(blobs.fold(1), blobs.fold(1, of=3, seed=0))
    assert not same(blobs.fold(1), blobs.fold(1, seed=1))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"k": 3}, "no fold 3 of 3: give k from 0 to 2"),
        ({"k": -1}, "k is -1"),
        ({"k": 0.0}, "k is 0.0"),
        ({"k": True}, "k is True"),
        ({"k": 0, "of": 1}, "of is 1"),
        ({"k": 0, "seed": -1}, "seed is -1"),
        ({"k": 0, "of": 5}, "5 folds need 5 training samples of every class, and one class has 4"),
    ],
)
def test_fold_refuses(arguments, message):
    refused(message, lambda: small().fold(**arguments))


def test_join_val_trains_on_both_and_validates_on_none():
    blobs = load_blobs()
    joined = blobs.join_val()
    np.testing.assert_array_equal(joined.x_train[:500], blobs.x_train)
    np.testing.assert_array_equal(joined.x_train[500:], blobs.x_val)
    np.testing.assert_array_equal(joined.y_train[500:], blobs.y_val)
    assert joined.x_val.shape == (0, 2) and joined.y_val.shape == (0,)
    np.testing.assert_array_equal(joined.x_test, blobs.x_test)


# ---------------------------------------------------------------------------- figures


def test_plot_of_points_says_what_it_shows():
    blobs = load_blobs(draw=3)
    figure = blobs.plot()
    for words in ("blobs (draw 3)", "3 classes", "500 training, 500 validation and 20,000 test"):
        assert words in figure.alt
    centre = blobs.x_train[blobs.y_train == 0].mean(axis=0)
    assert f"class 0 around ({centre[0]:.3g}, {centre[1]:.3g})" in figure.alt
    train, val = figure.figure.axes
    assert train.get_xlim() == val.get_xlim() and train.get_ylim() == val.get_ylim()
    drawn = [scatter.get_offsets() for scatter in train.collections]
    assert [len(points) for points in drawn] == np.bincount(blobs.y_train).tolist()
    paths = [scatter.get_paths()[0].vertices.tobytes() for scatter in train.collections]
    assert len(set(paths)) == 3  # a marker each, for those who print in grey
    assert len(blobs.join_val().plot().figure.axes) == 1


def test_plot_of_images_shows_every_class(folder):
    mnist = load_mnist().one_hot()
    figure = mnist.plot()
    assert "MNIST: 180 training, 20 validation and 100 test images" in figure.alt
    assert "28 by 28 pixels" in figure.alt and "0, 1, 2, 3, 4, 5, 6, 7, 8, 9" in figure.alt
    labels = mnist.y_train.argmax(axis=1)
    for ax in figure.figure.axes:
        shown = mnist.x_train == np.asarray(ax.images[0].get_array())
        assert labels[shown.all(axis=(1, 2))] == [int(ax.get_title())]


def test_a_class_without_a_training_sample_is_left_out():
    images = np.zeros((4, 5, 6), "float32")
    some = small(
        x_train=images, x_val=images, x_test=images,
        y_train=np.array([0, 2, 2, 0], "int32"),
        y_val=np.zeros(4, "int32"), y_test=np.zeros(4, "int32"),
    )  # fmt: skip
    assert [len(ax.images) for ax in some.plot().figure.axes] == [1, 0, 1]
    points = small(y_train=np.zeros(12, "int32"))
    assert "class a around (11, 12)." in points.plot().alt


def test_a_notebook_shows_picture_and_line():
    bundle, metadata = small()._repr_mimebundle_()
    assert bundle["text/plain"] == repr(small())
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert "small" in metadata["image/png"]["alt"]
    json.dumps([bundle, metadata])


def test_what_no_plane_shows_is_a_line():
    x = np.zeros((12, 4), "float32")
    wide = small(x_train=x, x_val=x[:6], x_test=x[:3])
    assert wide._repr_mimebundle_() == {"text/plain": repr(wide)}
    refused("small has samples of shape (4,)", wide.plot)


# ---------------------------------------------------------------------------- blobs


def test_blobs_are_the_classic_ones():
    x, y = make_blobs(n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=2)
    blobs = load_blobs()
    assert blobs.x_train.dtype == np.float32 and blobs.y_train.dtype == np.int32
    np.testing.assert_array_equal(np.concatenate([blobs.x_train, blobs.x_val]), x.astype("float32"))
    np.testing.assert_array_equal(np.concatenate([blobs.y_train, blobs.y_val]), y)
    assert len(blobs.x_train) == len(blobs.x_val) == 500 and len(blobs.x_test) == 20_000
    assert blobs.name == "blobs" and len(blobs.class_names) == 3


def test_fresh_points_come_from_the_same_centres():
    _, _, centers = make_blobs(
        n_samples=1000, centers=3, cluster_std=2, random_state=2, return_centers=True
    )
    test = load_blobs()
    for label, center in enumerate(centers):
        points = test.x_test[test.y_test == label]
        assert np.abs(points.mean(axis=0) - center).max() < 0.1
        assert np.abs(points.std(axis=0) - 2).max() < 0.1
        drawn = load_blobs(draw=5)
        points = np.concatenate([drawn.x_train[drawn.y_train == label],
                                 drawn.x_val[drawn.y_val == label]])  # fmt: skip
        assert np.abs(points.mean(axis=0) - center).max() < 0.5


def test_draws_share_no_point_but_the_test_set():
    draws = [load_blobs(draw) for draw in range(4)]
    points = [hashes(d.x_train) | hashes(d.x_val) for d in draws] + [hashes(draws[0].x_test)]
    assert len(set.union(*points)) == sum(map(len, points)) == 24_000
    for draw in draws[1:]:
        np.testing.assert_array_equal(draw.x_test, draws[0].x_test)
        np.testing.assert_array_equal(draw.y_test, draws[0].y_test)
    assert [d.name for d in draws[1:]] == ["blobs (draw 1)", "blobs (draw 2)", "blobs (draw 3)"]
    assert same(load_blobs(2), draws[2])


def test_the_environment_gives_the_default_draw(monkeypatch):
    monkeypatch.setenv("OPTLAB_DRAW", "2")
    assert same(load_blobs(), load_blobs(draw=2)) and load_blobs().name == "blobs (draw 2)"
    assert load_blobs(draw=0).name == "blobs"
    for wrong in ("two", "-1", "1.5", "²"):
        monkeypatch.setenv("OPTLAB_DRAW", wrong)
        refused(f"OPTLAB_DRAW is {wrong!r}", load_blobs)


@pytest.mark.parametrize("draw", [-1, 1.0, "1", True, 2**31])
def test_blobs_refuse(draw):
    refused(f"draw is {draw!r}", lambda: load_blobs(draw))


# ---------------------------------------------------------------------------- MNIST: the split


def test_mnist_is_split_in_proportion(folder, arrays):
    mnist = load_mnist()
    assert repr(mnist) == "MNIST: 180 train, 20 val, 100 test images of 28x28, 10 classes"
    assert np.bincount(mnist.y_train).tolist() == [18] * 10
    assert np.bincount(mnist.y_val).tolist() == [2] * 10
    assert mnist.x_train.dtype == np.float32 and mnist.y_train.dtype == np.int32
    np.testing.assert_array_equal(mnist.x_test, arrays["x_test"].astype("float32") / 255)
    np.testing.assert_array_equal(mnist.y_test, arrays["y_test"])


@pytest.mark.parametrize(
    "train, val, sizes",
    [(90, None, (90, 10)), (100, 50, (100, 50)), (180, 20, (180, 20)), (40, None, (40, 10)),
     (200, 0, (200, 0)), (195, 0, (195, 0)), (190, 0, (190, 0)), (50, 0, (50, 0))],
)  # fmt: skip
def test_parts_are_disjoint_and_keep_their_labels(folder, arrays, train, val, sizes):
    mnist = load_mnist(train=train, val=val, test=30)
    assert (len(mnist.x_train), len(mnist.x_val), len(mnist.x_test)) == (*sizes, 30)
    one, other = hashes(mnist.x_train), hashes(mnist.x_val)
    assert len(one | other) == sum(sizes)
    scaled = arrays["x_train"].astype("float32") / 255
    label = {x.tobytes(): y for x, y in zip(scaled, arrays["y_train"], strict=True)}
    for x, y in ((mnist.x_train, mnist.y_train), (mnist.x_val, mnist.y_val)):
        assert [label[image.tobytes()] for image in x] == y.tolist()
    for y in (mnist.y_train, mnist.y_test):
        assert np.ptp(np.bincount(y, minlength=10)) <= (5 if train == 195 else 1)


def test_the_seed_draws_train_and_val_but_not_test(folder):
    one, again, other = (load_mnist(train=90, test=30, seed=s) for s in (0, 0, 1))
    assert same(one, again)
    assert hashes(one.x_train) != hashes(other.x_train) and hashes(one.x_val) != hashes(other.x_val)
    np.testing.assert_array_equal(one.x_test, other.x_test)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"train": 0}, "train is 0: give a whole number of at least 10"),
        ({"train": 1e3}, "train is 1000.0"),
        ({"train": 9}, "train is 9"),
        ({"val": 9}, "val is 9: give a whole number of at least 10"),
        ({"val": -1}, "val is -1"),
        ({"val": 0.0}, "val is 0.0"),
        ({"train": 54_000, "val": 6_001}, "train=54000 and val=6001 are 60001 images"),
        ({"train": 60_000}, ["train=60000 and val=6666", "val=0"]),
        ({"test": 9}, "test is 9"),
        ({"test": 10_001}, "test is 10001: there are 10000"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": None}, "seed is None"),
        ({"stand_in": "fashion"}, ["stand_in is 'fashion'", '"digits"']),
        ({"stand_in": True}, "stand_in is True"),
    ],
)
def test_load_mnist_refuses_before_it_reads(sealed, arguments, message):
    for stand_in in ("digits", None):
        refused(message, lambda s=stand_in: load_mnist(**({"stand_in": s} | arguments)))
    assert sealed == []


# ---------------------------------------------------------------------------- MNIST: the sources


def test_both_forms_of_the_files_give_the_same(folder, arrays):
    from_gz = load_mnist()
    for file in folder.iterdir():
        file.unlink()
    (folder / "mnist.npz").write_bytes(npz(arrays))
    assert same(from_gz, load_mnist())


LAYOUTS = {
    "unpacked": lambda name, content: (name.removesuffix(".gz"), gzip.decompress(content)),
    "with a dot": lambda name, content: (
        name.removesuffix(".gz").replace("-idx", ".idx"), gzip.decompress(content),
    ),
    "with a dot, packed": lambda name, content: (name.replace("-idx", ".idx"), content),
    "unpacked, named .gz": lambda name, content: (name, gzip.decompress(content)),
    "packed, named as if not": lambda name, content: (name.removesuffix(".gz"), content),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("only", ["", "train-labels"])
def test_files_of_other_names_and_unpacked(folder, layout, only):
    official = load_mnist()
    for path in list(folder.glob(f"{only}*")):
        name, content = LAYOUTS[layout](path.name, path.read_bytes())
        path.unlink()
        (folder / name).write_bytes(content)
    assert same(official, load_mnist())


@pytest.mark.parametrize("shape", [(-1, 784), (-1, 28, 28, 1)])
def test_the_same_values_in_another_shape(folder, arrays, shape):
    official = load_mnist()
    flat = {k: a.reshape(shape) if k[0] == "x" else a[:, None] for k, a in arrays.items()}
    (folder / "mnist.npz").write_bytes(npz(flat))
    assert same(official, load_mnist())


def test_sources_are_asked_in_order(sealed, arrays, folder, monkeypatch):
    cache = put_in_cache(b"damaged")
    assert load_mnist().name == "MNIST"  # OPTLAB_DATA: the cache is not even looked at
    monkeypatch.delenv("OPTLAB_DATA")
    refused(str(cache), load_mnist)  # the cache comes next
    cache.write_bytes(npz(arrays))
    assert load_mnist(stand_in="digits").name == "MNIST"
    assert sealed == []  # no download so far
    cache.unlink()
    assert load_mnist(train=20, test=10, stand_in="digits").name == STAND_IN
    assert sealed == [loading.KERAS_URL]


def test_without_any_source(sealed):
    refused(
        ["MNIST is not on this machine", "no network in tests", "OPTLAB_DATA", 'stand_in="digits"'],
        load_mnist, FileNotFoundError,
    )  # fmt: skip
    assert sealed == [loading.KERAS_URL]


def serve(monkeypatch, content):
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: io.BytesIO(content))


def test_download_fills_the_cache(arrays, monkeypatch, sealed):
    content = npz(arrays)
    monkeypatch.setattr(loading, "KERAS_SHA256", hashlib.sha256(content).hexdigest())
    no_network = urllib.request.urlopen
    serve(monkeypatch, content)
    first = load_mnist()
    assert loading._keras_cache().read_bytes() == content
    monkeypatch.setattr(urllib.request, "urlopen", no_network)
    assert same(load_mnist(), first) and first.name == "MNIST" and sealed == []


class Broken(io.BytesIO):
    def read(self, *size):
        raise ConnectionResetError("the line is dead")


@pytest.mark.parametrize("kind", ["truncated", "another file", "dead", "no room"])
def test_a_failed_download_leaves_nothing(arrays, monkeypatch, kind):
    content = npz(arrays)
    monkeypatch.setattr(loading, "KERAS_SHA256", hashlib.sha256(content).hexdigest())
    served = {"truncated": content[:-100], "another file": b"<html>log in first</html>"}
    serve(monkeypatch, served.get(kind, content))
    if kind == "dead":
        monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: Broken(content))
    if kind == "no room":

        def full(source, target):
            raise OSError("no space left")

        monkeypatch.setattr(os, "replace", full)
    refused("cannot be downloaded", load_mnist, FileNotFoundError)
    assert list(loading._keras_cache().parent.iterdir()) == []
    assert load_mnist(train=20, test=10, stand_in="digits").name == STAND_IN


def test_a_silent_network_is_given_up(monkeypatch):
    done = threading.Event()
    monkeypatch.setattr(loading, "PATIENCE", 0.05)
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: done.wait(5))
    refused("no answer within 0.05 seconds", load_mnist, FileNotFoundError)
    done.set()


def test_a_cache_that_cannot_be_made_is_no_source(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    refused("cannot be downloaded", load_mnist, FileNotFoundError)


# ---------------------------------------------------------------------------- MNIST: damage

CURE = "put the official file there, or set OPTLAB_DATA to another folder"


@pytest.mark.parametrize("stand_in", [None, "digits"])
@pytest.mark.parametrize("file", [IMAGES, LABELS])
def test_a_missing_file(folder, file, stand_in):
    (folder / file).unlink()
    message = [f"{folder / file} is missing", "put the official file there"]
    refused(message, lambda: load_mnist(stand_in=stand_in), FileNotFoundError)


@pytest.mark.parametrize("stand_in", [None, "digits"])
def test_a_folder_that_is_missing_or_empty(monkeypatch, tmp_path, stand_in):
    def load():
        return load_mnist(stand_in=stand_in)

    monkeypatch.setenv("OPTLAB_DATA", str(tmp_path / "nowhere"))
    refused([f"{tmp_path / 'nowhere'}, which is not a folder", IMAGES], load, FileNotFoundError)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("something else")
    monkeypatch.setenv("OPTLAB_DATA", str(tmp_path / "empty"))
    message = [f"{tmp_path / 'empty'}, which holds no MNIST", IMAGES, "mnist.npz", "unset"]
    refused(message, load, FileNotFoundError)


GZ_DAMAGE = {
    "empty": (IMAGES, lambda a: b"", "it is empty"),
    "truncated": (IMAGES, lambda a: gzip.compress(idx(a))[:-1000], "its end is missing"),
    "only a gzip header": (IMAGES, lambda a: gzip.compress(b"")[:5], "its end is missing"),
    "a web page": (LABELS, lambda a: b"<html>not found</html>", "it begins with 3c68746d"),
    "gzip of nothing": (IMAGES, lambda a: gzip.compress(b""), "it is empty"),
    "a bad checksum": (
        LABELS,
        lambda a: gzip.compress(idx(a))[:-8] + bytes(8),
        "it is not an intact gzip file",
    ),
    "a bad stream": (
        IMAGES,
        lambda a: gzip.compress(idx(a))[:10] + b"\xff" * 1000,
        "it is not an intact gzip file",
    ),
    "wrong magic": (
        IMAGES,
        lambda a: gzip.compress(idx(a, magic=b"\0\0\x0d\x03")),
        "it begins with 00000d03, not with 00000803",
    ),
    "labels as images": (
        IMAGES,
        lambda a: gzip.compress(idx(np.zeros(200, np.uint8))),
        "it begins with 00000801, not with 00000803",
    ),
    "only a header": (
        IMAGES,
        lambda a: gzip.compress(b"\0\0\x08\x03\0\0"),
        "it begins with 00000803",
    ),
    "too few images": (
        IMAGES,
        lambda a: gzip.compress(idx(a[:199])),
        "x_train has the shape (199, 28, 28), not (200, 28, 28)",
    ),
    "fewer than declared": (
        LABELS,
        lambda a: gzip.compress(idx(a[:150], sizes=(200,))),
        "it holds 150 values where it declares 200",
    ),
    "more than declared": (
        LABELS,
        lambda a: gzip.compress(idx(a) + b"\0"),
        "it holds 201 values where it declares 200",
    ),
    "a label of 10": (
        LABELS,
        lambda a: gzip.compress(idx(np.where(a == 9, 10, a).astype(np.uint8))),
        "the values of y_train are not those of MNIST",
    ),
    "a flipped pixel": (
        IMAGES,
        lambda a: gzip.compress(
            idx(np.where(np.arange(a.size).reshape(a.shape) == 99, 255 - a, a))
        ),
        "the values of x_train are not those of MNIST",
    ),
    "two labels swapped": (
        LABELS,
        lambda a: gzip.compress(idx(a[::-1])),
        "the values of y_train are not those of MNIST",
    ),
}


@pytest.mark.parametrize("stand_in", [None, "digits"])
@pytest.mark.parametrize("kind", GZ_DAMAGE)
def test_a_damaged_file(folder, arrays, kind, stand_in):
    file, damage, message = GZ_DAMAGE[kind]
    (folder / file).write_bytes(damage(arrays["x_train" if file == IMAGES else "y_train"]))
    words = [f"{folder / file} is damaged or not MNIST ({message}", CURE]
    refused(words, lambda: load_mnist(stand_in=stand_in))


def as_npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def as_type(kind):
    return lambda a: npz(a | {"x_test": a["x_test"].astype(kind)})


NOT_WHOLE = "it is not a whole .npz file of plain arrays"
NPZ_DAMAGE = {
    "empty": (lambda a: b"", NOT_WHOLE),
    "truncated": (lambda a: npz(a)[:-500], NOT_WHOLE),
    "a web page": (lambda a: b"<html>not found</html>", NOT_WHOLE),
    "missing array": (
        lambda a: npz({k: v for k, v in a.items() if k != "y_train"}),
        "it holds no array y_train",
    ),
    "another size": (
        lambda a: npz(a | {"x_train": a["x_train"].reshape(200, 784)[:, ::2]}),
        "x_train has the shape (200, 392), not (200, 28, 28)",
    ),
    "columns first": (
        lambda a: npz(a | {"x_train": a["x_train"].T}),
        "the values of x_train are not those of MNIST",
    ),
    "wrong count": (
        lambda a: npz(a | {"y_test": a["y_test"][:99]}),
        "y_test has the shape (99,), not (100,)",
    ),
    "wrong type": (as_type("float32"), "x_test has the type float32, not uint8"),
    "signed": (as_type("int8"), "x_test has the type int8, not uint8"),
    "pickled": (as_type(object), NOT_WHOLE),
    "an array, not an archive": (lambda a: as_npy(a["x_train"]), NOT_WHOLE),
    "a label of 200": (
        lambda a: npz(a | {"y_test": a["y_test"] + 200}),
        "the values of y_test are not those of MNIST",
    ),
    "flipped values": (
        lambda a: npz(a | {"x_test": 255 - a["x_test"]}),
        "the values of x_test are not those of MNIST",
    ),
    "a flipped byte": (
        lambda a: npz(a).replace(a["y_test"].tobytes(), a["y_test"].tobytes()[::-1]),
        NOT_WHOLE,
    ),
}


@pytest.mark.parametrize("where", ["folder", "cache"])
@pytest.mark.parametrize("kind", NPZ_DAMAGE)
def test_a_damaged_npz(arrays, monkeypatch, tmp_path, sealed, kind, where):
    damage, message = NPZ_DAMAGE[kind]
    if where == "folder":
        path, cure = tmp_path / "mnist.npz", CURE
        path.write_bytes(damage(arrays))
        monkeypatch.setenv("OPTLAB_DATA", str(tmp_path))
    else:
        path, cure = put_in_cache(damage(arrays)), "the next call downloads it again"
    for stand_in in (None, "digits"):
        words = [f"{path} is damaged or not MNIST (", message, cure]
        refused(words, lambda s=stand_in: load_mnist(stand_in=s))
    assert sealed == []


def gzip_bomb(path):
    zeros = gzip.compress(bytes(1_000_000))
    path.write_bytes(gzip.compress(idx(np.zeros(0, "uint8"), sizes=(4_000_000_000,))) + 600 * zeros)


def npz_bomb(path):
    head = io.BytesIO()
    form = {"descr": "|u1", "fortran_order": False, "shape": (600_000_000,)}
    np.lib.format.write_array_header_1_0(head, form)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key in loading.MNIST:
            with archive.open(f"{key}.npy", "w", force_zip64=True) as file:
                file.write(head.getvalue())
                if key == "x_train":
                    for _ in range(600):
                        file.write(bytes(1_000_000))


@pytest.mark.parametrize("bomb, name", [(gzip_bomb, LABELS), (npz_bomb, "mnist.npz")])
def test_a_bomb_takes_no_memory(folder, bomb, name):
    bomb(folder / name)
    tracemalloc.start()
    try:
        refused(f"{folder / name} is damaged or not MNIST (", load_mnist)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", [LABELS, "mnist.npz"])
def test_a_pipe_is_not_waited_for(folder, name):
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    said = []

    def load():
        try:
            load_mnist()
        except ValueError as error:
            said.append(str(error))

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(30)  # for ever, if it waits
    assert said and "(it is not a file)" in said[0]


def test_a_folder_in_the_place_of_a_file(folder):
    (folder / LABELS).unlink()
    (folder / LABELS).mkdir()
    refused(f"{folder / LABELS} is damaged or not MNIST (it is not a file)", load_mnist)
    (folder / "mnist.npz").symlink_to("gone")
    refused(f"{folder / 'mnist.npz'} is damaged or not MNIST (it is not a file)", load_mnist)


@contextmanager
def as_nobody(*closed):
    """Close files and folders to everyone; root, who may read all, becomes nobody."""
    modes = {path: path.stat().st_mode for path in closed}
    for path in closed:
        path.chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        yield
    finally:
        if root:
            os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs permissions as Unix has them")
@pytest.mark.parametrize("closed", [".", IMAGES, LABELS, "mnist.npz"])
@pytest.mark.parametrize("stand_in", [None, "digits"])
def test_what_may_not_be_read(folder, arrays, monkeypatch, closed, stand_in):
    with tempfile.TemporaryDirectory() as open_to_all:
        os.chmod(open_to_all, 0o755)
        own = Path(shutil.copytree(folder, Path(open_to_all) / "mnist"))
        if closed == "mnist.npz":
            (own / closed).write_bytes(npz(arrays))
        monkeypatch.setenv("OPTLAB_DATA", str(own))
        load_mnist()
        with as_nobody(own / closed):
            refused(
                [str(own), "may not be read", "change its permissions"],
                lambda: load_mnist(stand_in=stand_in), PermissionError,
            )  # fmt: skip


def test_no_pickle_is_ever_opened(folder, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "bang",))

    np.savez(folder / "mnist.npz", x_train=np.array([Bomb()], dtype=object))
    refused("is damaged or not MNIST", load_mnist)
    assert not (tmp_path / "bang").exists()


@pytest.mark.parametrize("form", ["gz", "npz"])
def test_no_damage_goes_unseen(folder, arrays, form):
    """Whatever few bytes are hit: a clear error, or the very same arrays."""
    rng = np.random.default_rng(0)
    path = folder / LABELS
    if form == "npz":
        path = folder / "mnist.npz"
        path.write_bytes(npz(arrays))
    whole, intact = np.frombuffer(path.read_bytes(), np.uint8), load_mnist(val=0, train=200)
    seen = 0
    # where the meaning is: the beginning and the end, and some of the middle
    places = {*range(128), *range(len(whole) - 128, len(whole)), *rng.integers(len(whole), size=50)}
    for place in sorted(places):
        hit = whole.copy()
        hit[place] ^= rng.integers(1, 256, dtype=np.uint8)
        path.write_bytes(hit.tobytes())
        try:
            assert same(load_mnist(val=0, train=200), intact)
        except ValueError as error:
            assert f"{path} is damaged or not MNIST (" in str(error)
            seen += 1
    assert seen > len(places) / 2


# ---------------------------------------------------------------------------- MNIST: the real one


@needs_mnist
def test_the_real_mnist(monkeypatch):
    monkeypatch.setenv("OPTLAB_DATA", str(REAL))
    x_train, y_train, x_test, y_test = loading._read(loading._find_mnist())
    assert x_train.shape == (60_000, 28, 28) and x_test.shape == (10_000, 28, 28)
    assert x_train[45, 15:20, 15:20].tolist() == [
        [11, 198, 231, 41, 0],
        [82, 252, 204, 0, 0],
        [253, 253, 141, 0, 0],
        [252, 220, 36, 0, 0],
        [252, 96, 0, 0, 0],
    ]
    assert y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    mnist = load_mnist(train=9_000, seed=43)
    assert repr(mnist) == "MNIST: 9000 train, 1000 val, 10000 test images of 28x28, 10 classes"
    np.testing.assert_array_equal(mnist.y_test, y_test)
    for y in (mnist.y_train, mnist.y_val):
        assert np.abs(np.bincount(y) / len(y) - np.bincount(y_train) / 60_000).max() < 1e-3
    scaled = mnist.x_val[0] * 255
    assert scaled.max() <= 255 and any((x_train == scaled.round()).all(axis=(1, 2)))


@needs_mnist
def test_the_real_mnist_again_as_npz_and_damaged(monkeypatch, tmp_path):
    monkeypatch.setenv("OPTLAB_DATA", str(REAL))
    arrays = dict(zip(loading.MNIST, loading._read(loading._find_mnist()), strict=True))
    cache = put_in_cache(npz(arrays))
    monkeypatch.delenv("OPTLAB_DATA")
    assert load_mnist(train=20, test=10).name == "MNIST"
    arrays["x_test"] = arrays["x_test"].copy()
    arrays["x_test"][5, 6, 7] ^= 1
    cache.write_bytes(npz(arrays))
    refused("the values of x_test are not those of MNIST", lambda: load_mnist(stand_in="digits"))


# ---------------------------------------------------------------------------- the stand-in


@pytest.fixture(scope="module")
def stand_in_sources():
    """Make a stand-in, and note which original every image was made from."""
    made = []
    vary = loading._vary

    def note(image, rng):
        made.append(image.tobytes())
        return vary(image, rng)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "_vary", note)
        parts = loading._make_stand_in(2000, 500, 700, seed=0)
    return parts, (made[:2000], made[2000:2500], made[2500:])


def test_stand_in_has_mnists_shape_and_its_own_name():
    digits = load_mnist(stand_in="digits")
    assert (
        repr(digits) == f"{STAND_IN}: 10800 train, 1200 val, 2000 test images of 28x28, 10 classes"
    )
    assert digits.name in digits.plot().alt
    assert digits.name in digits._repr_mimebundle_()[0]["text/plain"]
    for key in KEYS[::2]:
        x = getattr(digits, key)
        assert x.dtype == np.float32 and x.min() == 0 and 0.9 < x.max() <= 1
        assert len(hashes(x)) == len(x)  # no image twice
    for key in KEYS[1::2]:
        y = getattr(digits, key)
        assert y.dtype == np.int32 and np.abs(np.bincount(y) / len(y) - 0.1).max() < 0.01
    # as in MNIST, the ink is in the middle and the border is white
    mean = digits.x_train.mean(axis=0)
    assert mean[[0, -1]].max() < 0.01 and mean[:, [0, -1]].max() < 0.01
    assert mean[10:18, 10:18].mean() > 0.3


def test_stand_ins_parts_come_from_different_originals(stand_in_sources):
    parts, made = stand_in_sources
    assert [len(x) for x, _ in parts] == [len(m) for m in made] == [2000, 500, 700]
    train, val, test = map(set, made)
    assert not train & val and not train & test and not val & test
    assert len(train | val | test) > 1790
    for sources in made:  # each original about equally often
        assert np.ptp(np.unique(sources, return_counts=True)[1]) <= 1


def test_stand_ins_images_show_their_label(stand_in_sources):
    (x, y), _, (x_test, y_test) = stand_in_sources[0]
    nearest = KNeighborsClassifier(1).fit(x.reshape(-1, 784), y)
    assert nearest.score(x_test.reshape(-1, 784), y_test) > 0.85


def test_stand_in_follows_its_seed_and_keeps_its_test_set():
    one, again, other = (load_mnist(100, 50, stand_in="digits", seed=s) for s in (0, 0, 1))
    assert same(one, again)
    assert not hashes(one.x_train) & hashes(other.x_train)
    np.testing.assert_array_equal(one.x_test, other.x_test)


@pytest.mark.parametrize("train, val, test", [(10, 10, 10), (1205, 0, 365), (50, 245, 13)])
def test_stand_in_of_any_size(train, val, test):
    digits = load_mnist(train=train, val=val, test=test, stand_in="digits")
    assert (len(digits.x_train), len(digits.x_val), len(digits.x_test)) == (train, val, test)
    assert digits.x_val.shape == (val, 28, 28)
    assert set(digits.y_train) == set(digits.y_test) == set(range(10))


def test_validating_on_the_test_images_is_asked_for_in_plain_sight():
    digits = load_mnist(train=100, val="test", test=50, stand_in="digits")
    np.testing.assert_array_equal(digits.x_val, digits.x_test)
    np.testing.assert_array_equal(digits.y_val, digits.y_test)
    assert (len(digits.x_train), len(digits.x_val)) == (100, 50)
    with pytest.raises(ValueError, match="val"):
        load_mnist(train=100, val="train", stand_in="digits")


# ---- scale -----------------------------------------------------------------------------------


def test_scale_is_the_lessons_unless_asked(monkeypatch):
    monkeypatch.delenv("OPTLAB_SCALE", raising=False)
    assert at_scale(2_000, full="all") == 2_000
    for word, expected in [("full", "all"), ("lesson", 2_000), ("", 2_000)]:
        monkeypatch.setenv("OPTLAB_SCALE", word)
        assert at_scale(2_000, full="all") == expected
    monkeypatch.setenv("OPTLAB_SCALE", "Full")
    with pytest.raises(ValueError, match="'lesson' or 'full'"):
        at_scale(2_000, full="all")
