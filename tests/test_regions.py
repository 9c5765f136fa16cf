"""Decision regions against what each network says, asked by `model.predict`."""

import dataclasses
import re

import keras
import numpy as np
import pytest
from matplotlib.colors import to_rgb

import optlab as ol
from optlab import regions

BLOBS = ol.load_blobs(draw=0)
DIGITS = ol.load_mnist(train=40, val=30, test=20, stand_in="digits")


def network(seed):
    keras.utils.set_random_seed(seed)
    return ol.blobs_mlp()


def broken():
    model = ol.blobs_mlp()
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    return model


NETWORKS = [network(seed) for seed in range(5)]


@pytest.fixture(scope="module")
def runs():
    return ol.sweep(
        ol.blobs_mlp, BLOBS, optimizer=keras.optimizers.SGD, epochs=1, batch_size=250, seeds=[4, 9],
        settings={"learning_rate": [0.01, 1e30]}, keep_weights=True,
    )  # fmt: skip


def caption(figure):
    return figure.figure.get_supxlabel().replace("\n", " ")


def panels(figure):
    return [ax for ax in figure.figure.axes if ax.get_visible()]


def asked(models, points):
    return np.stack([m.predict(points.astype("float32"), verbose=0) for m in models])


def test_share_of_seeds_that_agree_is_counted():
    box = regions.plane(BLOBS)
    found = regions.regions(NETWORKS, box, BLOBS.x_val, BLOBS.y_val)
    x, y = (np.linspace(*side, regions.STEPS) for side in box)
    for i, j in [(0, 0), (10, 190), (70, 60), (150, 20), (199, 199)]:
        chosen = asked(NETWORKS, np.array([[x[j], y[i]]]))[:, 0].argmax(axis=1)
        votes = np.bincount(chosen, minlength=3)
        assert votes[found.winner[i, j]] == votes.max()
        assert found.share[i, j] == pytest.approx(votes.max() / 5)
    chosen = asked(NETWORKS, BLOBS.x_val).argmax(axis=2)
    accuracy = np.median((chosen == BLOBS.y_val).mean(axis=1))
    assert found.accuracy == pytest.approx(accuracy)
    votes = np.stack([(chosen == k).mean(axis=0) for k in range(3)])
    assert found.agreement == pytest.approx(votes.max(axis=0).mean())
    assert (found.count, found.diverged) == (5, 0)


def test_equal_votes_go_to_the_more_probable_class():
    box = regions.plane(BLOBS)
    found = regions.regions(NETWORKS[:2], box, BLOBS.x_val, BLOBS.y_val)
    points = regions.grid(box)
    said = asked(NETWORKS[:2], points)
    split = np.flatnonzero(said[0].argmax(1) != said[1].argmax(1))
    assert len(split) > 100
    first, second = (said[k].argmax(axis=1)[split] for k in range(2))
    mean = said.mean(axis=0)[split]
    rows = np.arange(len(split))
    expected = np.where(mean[rows, first] >= mean[rows, second], first, second)
    clear = np.abs(mean[rows, first] - mean[rows, second]) > 1e-5
    np.testing.assert_array_equal(found.winner.ravel()[split][clear], expected[clear])


def test_one_network_is_painted_where_it_says():
    figure = ol.plot_decision_regions(NETWORKS[0], BLOBS, part="val")
    (ax,) = panels(figure)
    image = ax.images[0]
    said = NETWORKS[0].predict(regions.grid(regions.plane(BLOBS)), verbose=0).argmax(axis=1)
    colors = image.get_array().reshape(-1, 3)
    assert len(np.unique(said)) > 1
    for k in range(3):  # half way from white to the colour of the class' points
        half = (1 + np.array(to_rgb(ol.figures.COLORS[k]))) / 2
        np.testing.assert_allclose(colors[said == k], np.tile(half, ((said == k).sum(), 1)))
    assert tuple(image.get_extent()) == tuple(np.ravel(regions.plane(BLOBS)))
    assert image.origin == "lower"
    for k, points in enumerate(ax.collections[-3:]):
        np.testing.assert_allclose(points.get_offsets(), BLOBS.x_val[BLOBS.y_val == k])
    accuracy = (NETWORKS[0].predict(BLOBS.x_val, verbose=0).argmax(1) == BLOBS.y_val).mean()
    assert ax.get_title(loc="left") == f"accuracy {accuracy:.1%}"
    assert "validation set" in caption(figure) and "Data: blobs." in caption(figure)


def test_where_fewer_agree_it_is_paler():
    winner = np.zeros((1, 3), int)
    colors = regions.tinted(winner, np.array([[1 / 3, 2 / 3, 1.0]]), 3)[0]
    np.testing.assert_allclose(colors[0], 1)
    assert colors[0].sum() > colors[1].sum() > colors[2].sum()


def test_one_panel_a_setting_and_diverged_networks_are_counted(runs):
    figure = ol.plot_decision_regions(runs, BLOBS, columns=1)
    titles = [ax.get_title(loc="left") for ax in panels(figure)]
    assert titles[0].startswith("learning rate 0.01\naccuracy ")
    assert titles[1] == "learning rate 1e+30\nall 2 diverged"
    assert not panels(figure)[1].images
    assert "most of 2 networks" in caption(figure) and "2 panels" in figure.alt
    figure = ol.plot_decision_regions({"a": [NETWORKS[0], broken()], "b": NETWORKS[1]}, BLOBS)
    assert panels(figure)[0].get_title(loc="left").endswith(", 1 diverged")
    assert "most of 1 to 2 networks" in caption(figure)


def test_runs_are_drawn_from_the_weights_they_kept(runs):
    accuracy = np.median(runs.final("val_accuracy", learning_rate=0.01))
    figure = ol.plot_decision_regions(runs.select(learning_rate=0.01), BLOBS, part="val")
    assert panels(figure)[0].get_title(loc="left") == f"learning rate 0.01\naccuracy {accuracy:.1%}"


def test_one_hot_labels_are_drawn_alike():
    one, other = (ol.plot_decision_regions(NETWORKS[0], d) for d in (BLOBS, BLOBS.one_hot()))
    assert one.alt == other.alt


def test_models_keep_their_weights():
    before = NETWORKS[0].get_weights()
    ol.plot_decision_regions(NETWORKS, BLOBS).png()
    assert all(map(np.array_equal, before, NETWORKS[0].get_weights()))


def space():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 3)).astype("float32")
    y = BLOBS.y_train[:6]
    return ol.Dataset(x, y, x[:0], y[:0], x[:0], y[:0], class_names=tuple("abc"), name="space")


@pytest.mark.parametrize(
    ("models", "data", "more", "error", "words"),
    [
        (NETWORKS[0], "blobs", {}, TypeError, "give a Dataset"),
        (NETWORKS[0], DIGITS, {}, ValueError,
         rf"{re.escape(DIGITS.name)} .* shape \(28, 28\), and regions are drawn"),
        (NETWORKS[0], space(), {}, ValueError, r"space .* shape \(3,\), and regions"),
        (ol.mnist_mlp(), BLOBS, {}, ValueError, r"model takes samples of shape \(28, 28\)"),
        ({"a": [ol.mnist_mlp()]}, BLOBS, {}, ValueError, "The model of 'a' takes samples"),
        ([], BLOBS, {}, ValueError, "holds no model"),
        ({"a": []}, BLOBS, {}, ValueError, "holds no model"),
        ("net", BLOBS, {}, TypeError, "type str: give a Keras model"),
        (keras.Sequential([keras.layers.Dense(3)]), BLOBS, {}, ValueError, "no weights yet"),
        (keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")]), BLOBS,
         {}, ValueError, r"returns \(1,\) numbers .* blobs has 3 classes"),
        (keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]), BLOBS, {}, ValueError,
         "are no probabilities"),
        (NETWORKS[0], BLOBS, {"columns": 0}, ValueError, "columns=0: give a whole number from 1"),
        (NETWORKS[0], BLOBS, {"part": "tests"}, ValueError, "part='tests'"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(models, data, more, error, words):
    with pytest.raises(error, match=words):
        ol.plot_decision_regions(models, data, **more)


def test_runs_without_weights_are_refused(runs):
    with pytest.raises(ValueError, match="not kept: .*keep_weights=True"):
        ol.plot_decision_regions(dataclasses.replace(runs, trained=[]), BLOBS)
