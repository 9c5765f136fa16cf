"""The loss on a plane through weights: against losses that Keras evaluates at the same weights."""

import dataclasses

import keras
import numpy as np
import pytest

import optlab as ol
from optlab import landscape

BLOBS = ol.load_blobs(draw=0)
DIGITS = ol.load_mnist(train=60, val=10, test=20, stand_in="digits")


def trained(seed=0, epochs=3, make=ol.blobs_mlp, data=BLOBS, rate=0.05):
    """Return a trained model and the weights on its way."""
    keras.utils.set_random_seed(seed)
    model = make()
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    monitor = ol.WeightMonitor()
    model.fit(data.x_train, data.y_train, epochs=epochs, batch_size=250, verbose=0,
              callbacks=[monitor])  # fmt: skip
    return model, monitor.weights


MODEL, PATH = trained()


def plane(models=MODEL, data=BLOBS, paths=None, directions=None, **more):
    given = {"part": "train", "span": 1.0, "steps": 5, "most": 1000, "seed": 0} | more
    return landscape.loss_plane(models, data, paths, directions, **given)


def evaluated(model, flat, data=BLOBS, part="train"):
    """Return the loss that Keras evaluates for weights given as one vector."""
    copy = keras.models.clone_model(model)
    copy.compile("sgd", "sparse_categorical_crossentropy")
    weights, first = [], 0
    for w in model.get_weights():
        weights.append(flat[first : first + w.size].reshape(w.shape))
        first += w.size
    copy.set_weights(weights)
    return copy.evaluate(getattr(data, f"x_{part}"), getattr(data, f"y_{part}"), verbose=0)


def flat(weights):
    return np.concatenate([np.ravel(w) for w in weights]).astype(float)


def check_losses(found, model, **where):
    for i, j in [(0, 0), (1, 4), (2, 2), (4, 3)]:
        weights = found.origin + found.x[j] * found.basis[0] + found.y[i] * found.basis[1]
        assert found.loss[i, j] == pytest.approx(evaluated(model, weights, **where), rel=1e-4)


def test_random_directions_are_as_large_as_each_filter_and_losses_are_those_of_keras():
    found, count = plane(part="val")
    assert count == (500, 500)
    check_losses(found, MODEL, part="val")
    np.testing.assert_array_equal(found.x, [-1, -0.5, 0, 0.5, 1])
    np.testing.assert_allclose(found.origin, flat(MODEL.get_weights()))
    kernel, bias = MODEL.get_weights()[:2]
    for direction in found.basis:
        sizes = np.linalg.norm(direction[: kernel.size].reshape(kernel.shape), axis=0)
        np.testing.assert_allclose(sizes, np.linalg.norm(kernel, axis=0), rtol=1e-6)
        assert not direction[kernel.size : kernel.size + bias.size].any()
    assert abs(np.corrcoef(found.basis)[0, 1]) < 0.5
    other, _ = plane(seed=1)
    assert not np.allclose(other.basis, found.basis)


def test_filters_of_convolutions_are_scaled_one_by_one():
    model = keras.Sequential(
        [keras.Input((28, 28)), keras.layers.Reshape((28, 28, 1)), keras.layers.Conv2D(4, 3),
         keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    )  # fmt: skip
    direction = landscape.random_direction(model, np.random.default_rng(0))
    kernel = model.get_weights()[0]
    drawn = direction[: kernel.size].reshape(kernel.shape)
    for k in range(4):
        assert np.linalg.norm(drawn[..., k]) == pytest.approx(np.linalg.norm(kernel[..., k]))


def test_plane_through_three_networks_holds_them():
    models = {f"seed {s}": trained(seed=s)[0] for s in range(3)}
    found, _ = plane(models)
    np.testing.assert_allclose(found.basis @ found.basis.T, np.eye(2), atol=1e-9)
    for name, model in models.items():
        np.testing.assert_allclose(
            found.origin + found.marks[name] @ found.basis, flat(model.get_weights()), atol=1e-5
        )
    check_losses(found, MODEL)


def test_path_starts_and_ends_in_its_plane_and_the_share_it_holds_is_said():
    found, _ = plane(paths={"SGD": PATH})
    track = np.stack([flat(w) for w in PATH])
    seen = found.origin + found.paths["SGD"] @ found.basis
    np.testing.assert_allclose(seen[[0, -1]], track[[0, -1]], atol=1e-5)
    moves = track - track[-1]
    left = ((track - seen) ** 2).sum() / (moves**2).sum()
    assert found.held == pytest.approx(1 - left, abs=1e-6)
    # the second direction is the best one: no other direction beside the first holds more
    line = moves[0] / np.linalg.norm(moves[0])
    beside = moves - np.outer(moves @ line, line)
    largest = np.linalg.svd(beside)[1][0] ** 2
    assert (found.paths["SGD"][:, 1] ** 2).sum() == pytest.approx(largest, rel=1e-5)
    first, last = found.losses["SGD"]
    assert first == pytest.approx(evaluated(MODEL, track[0]), rel=1e-5)
    assert last == pytest.approx(evaluated(MODEL, track[-1]), rel=1e-5)
    check_losses(found, MODEL)


def test_path_on_random_directions_is_the_nearest_points():
    found, _ = plane(paths={"SGD": PATH}, directions="random")
    rest = flat(PATH[0]) - found.origin - found.paths["SGD"][0] @ found.basis
    np.testing.assert_allclose(found.basis @ rest, 0, atol=1e-6)
    assert found.held < 0.2
    assert "Paths are projected" in ol.plot_loss_plane(
        MODEL, BLOBS, paths={"SGD": PATH}, directions="random", steps=4
    ).figure.get_supxlabel().replace("\n", " ")


def test_dropout_and_batch_normalisation_are_as_in_prediction():
    def make():
        return keras.Sequential(
            [keras.Input((2,)), keras.layers.Dense(9), keras.layers.BatchNormalization(),
             keras.layers.Dropout(0.5), keras.layers.Dense(3, activation="softmax")]
        )  # fmt: skip

    model, path = trained(make=make)
    model.compile("sgd", "sparse_categorical_crossentropy")
    found, _ = plane(model, paths={"SGD": path})
    expected = model.evaluate(BLOBS.x_train, BLOBS.y_train, verbose=0)
    assert found.losses["SGD"][1] == pytest.approx(expected, rel=1e-5)


def test_many_samples_are_drawn_and_the_figure_says_so():
    model = ol.mnist_mlp(hidden=(4,))
    found, count = plane(model, DIGITS, most=20)
    assert count == (20, 60)
    chosen = np.sort(np.random.default_rng(0).permutation(60)[:20])
    part = dataclasses.replace(DIGITS, x_train=DIGITS.x_train[chosen],
                               y_train=DIGITS.y_train[chosen])  # fmt: skip
    check_losses(found, model, data=part)
    figure = ol.plot_loss_plane(model, DIGITS, most=20, steps=3)
    caption = figure.figure.get_supxlabel().replace("\n", " ")
    assert "Loss on 20 of 60 training samples" in caption and DIGITS.name in caption
    assert DIGITS.name in figure.alt


def test_figure_draws_the_numbers_and_leaves_the_model_alone():
    before = MODEL.get_weights()
    figure = ol.plot_loss_plane(MODEL, BLOBS, paths={"SGD": PATH}, steps=7)
    found, _ = plane(paths={"SGD": PATH}, steps=7)
    ax = figure.figure.axes[0]
    np.testing.assert_allclose(ax.lines[0].get_xydata(), found.paths["SGD"])
    first, last = found.losses["SGD"]
    assert ax.lines[0].get_label() == f"SGD (its true loss: {first:.2g} to {last:.2g})"
    assert f"SGD: true loss from {first:.3g} to {last:.3g}" in figure.alt
    assert f"it is {found.loss.min():.3g}" in figure.alt
    assert figure.png()[:4] == b"\x89PNG"
    assert all(map(np.array_equal, before, MODEL.get_weights()))


def broken(weights):
    return [np.full_like(w, np.nan) for w in weights]


def with_weights(weights):
    model = ol.blobs_mlp()
    model.set_weights(weights)
    return model


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"models": "net"}, TypeError, "give a Keras model"),
        ({"models": ol.mnist_mlp()}, ValueError, r"takes samples of shape \(28, 28\)"),
        ({"models": keras.Sequential([keras.layers.Dense(3)])}, ValueError, "no weights yet"),
        ({"models": {"a": MODEL, "b": MODEL}}, ValueError, "2 models: give one, or three"),
        ({"models": dict.fromkeys("abc", MODEL)}, ValueError, "lie on one line"),
        ({"models": {"a": MODEL, "b": ol.blobs_mlp(7), "c": MODEL}}, ValueError, "of b have shap"),
        ({"models": with_weights(broken(PATH[0]))}, ValueError, "diverged in training"),
        ({"models": MODEL, "paths": PATH}, TypeError, "give a dict"),
        ({"models": MODEL, "paths": {}}, ValueError, "0 paths: give from 1 to 7"),
        ({"models": MODEL, "paths": {"a": PATH[:1]}}, ValueError, "at least two snapshots"),
        ({"models": MODEL, "paths": {"a": [w[:1] for w in PATH]}}, ValueError, "have shapes"),
        ({"models": MODEL, "paths": {"a": [PATH[0], broken(PATH[0])]}}, ValueError, "'a' diverged"),
        ({"models": MODEL, "paths": {"a": [PATH[-1]] * 2}}, ValueError, "paths lie on one line"),
        ({"models": MODEL, "directions": "path"}, ValueError, '"path" with paths'),
        ({"models": MODEL, "directions": "pca"}, ValueError, "directions='pca'"),
        ({"models": MODEL, "steps": 2}, ValueError, "steps=2: give a whole number from 3"),
        ({"models": MODEL, "most": 0}, ValueError, "most=0"),
        ({"models": MODEL, "span": -1}, ValueError, "span=-1: give a positive"),
        ({"models": MODEL, "part": "all"}, ValueError, "part='all': give one of 'train', 'val'"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        ol.plot_loss_plane(given.pop("models"), BLOBS, **given)
