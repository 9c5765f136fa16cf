"""Surfaces against automatic and hand differentiation; descents against Keras and closed forms."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import optlab as ol

SURFACES = {
    "parabola": ol.parabola(curvature=3.0),
    "beale": ol.beale(),
    "ravine": ol.ravine(condition=20.0),
    "saddle": ol.saddle(),
    "rastrigin": ol.rastrigin(depth=2.0),
}


def some_points(surface, count=50):
    low, high = np.array(surface.domain).T
    return np.random.default_rng(0).uniform(low, high, (count, surface.dimensions))


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_gradient_is_that_of_automatic_differentiation(surface):
    points = some_points(surface)
    x = tf.constant(points)
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = surface.value(x)
    expected = tape.gradient(values, x).numpy()
    np.testing.assert_allclose(surface.gradient(points), expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(surface.value(points), values.numpy(), rtol=1e-12)


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_many_points_are_the_points_one_by_one(surface):
    points = some_points(surface, 6)
    for function in (surface.value, surface.gradient, surface.distance):
        one_by_one = np.stack([function(p) for p in points])
        np.testing.assert_array_equal(function(points), one_by_one)
        grid = function(points.reshape(2, 3, -1))
        np.testing.assert_array_equal(grid.reshape(one_by_one.shape), one_by_one)


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_minima_are_the_lowest_points(surface):
    np.testing.assert_allclose(surface.value(surface.minima), 0, atol=1e-12)
    np.testing.assert_allclose(surface.gradient(surface.minima), 0, atol=1e-12)
    assert surface.distance(surface.minima).max() == 0
    assert surface.value(some_points(surface, 20_000)).min() > 0


def test_known_values():
    # the published start of EXPERIMENTS B2, and values worked out by hand
    assert ol.beale().value(np.array([4.0, 4.0])) == 68891.203125
    assert ol.ravine(50).value(np.array([2.0, 1.0])) == 27.0
    assert ol.saddle().value(np.array([0.0, 0.0])) == 0.25
    assert ol.rastrigin(10).value(np.array([1.0, 2.0])) == pytest.approx(5.0)
    # cos(pi) = -1: half way between two valleys, the bowl's 1/4 and twice the depth
    assert ol.rastrigin(10).value(np.array([0.5, 0.0])) == pytest.approx(20.25)


def test_distance_is_to_the_nearest_minimum():
    assert ol.saddle().distance(np.array([0.0, 0.8])) == pytest.approx(0.2)
    assert ol.saddle().distance(np.array([3.0, -5.0])) == pytest.approx(5.0)


# ---- descents --------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_gradient_descent_on_a_parabola_has_a_closed_form(rate):
    curvature, steps = 2.0, 30
    path = ol.descend(ol.parabola(curvature), "sgd", [3.0], steps, learning_rate=rate)
    expected = 3.0 * (1 - rate * curvature) ** np.arange(steps + 1)
    np.testing.assert_allclose(path[:, 0], expected, rtol=1e-12, atol=1e-15)


def test_the_limit_is_two_over_the_curvature():
    limit = 2 / 5.0
    rates = limit * np.array([0.999, 1.0, 1.001])
    ends = ol.descend(ol.parabola(5.0), "sgd", [1.0], 5000, learning_rate=rates)[:, -1, 0]
    assert abs(ends[0]) < 1e-2 and abs(ends[1]) == pytest.approx(1) and abs(ends[2]) > 100


KERAS = {
    "sgd": (keras.optimizers.SGD, {"learning_rate": 0.003}),
    "momentum": (keras.optimizers.SGD, {"learning_rate": 0.002, "momentum": 0.8}),
    "nesterov": (
        lambda **h: keras.optimizers.SGD(nesterov=True, **h),
        {"learning_rate": 0.002, "momentum": 0.8},
    ),
    "adagrad": (keras.optimizers.Adagrad, {"learning_rate": 0.3}),
    "adadelta": (keras.optimizers.Adadelta, {"learning_rate": 1.0, "rho": 0.9}),
    "rmsprop": (keras.optimizers.RMSprop, {"learning_rate": 0.02, "rho": 0.8}),
    "adam": (keras.optimizers.Adam, {"learning_rate": 0.1, "beta_1": 0.8}),
    "adamw": (keras.optimizers.AdamW, {"learning_rate": 0.1, "weight_decay": 0.01}),
    "adamax": (keras.optimizers.Adamax, {"learning_rate": 0.1}),
    "nadam": (keras.optimizers.Nadam, {"learning_rate": 0.05}),
    "amsgrad": (
        lambda **h: keras.optimizers.Adam(amsgrad=True, **h),
        {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.5},
    ),
    "lion": (keras.optimizers.Lion, {"learning_rate": 0.01}),
    "ftrl": (keras.optimizers.Ftrl, {"learning_rate": 0.3}),
}


@pytest.mark.parametrize("name", KERAS)
def test_the_path_is_the_one_keras_takes(name):
    make, numbers = KERAS[name]
    surface, start, steps = ol.beale(), [1.0, 1.5], 60
    point, optimizer = keras.Variable(np.array(start), dtype="float64"), make(**numbers)
    path = [np.array(point)]
    for _ in range(steps):
        optimizer.apply([tf.constant(surface.gradient(np.array(point)))], [point])
        path.append(np.array(point))
    # Keras computes rates and corrections in float32: its 1 - 0.999 is off by one in 10^5
    ours = ol.descend(surface, name, start, steps, **numbers)
    np.testing.assert_allclose(ours, path, atol=1e-4)
    assert np.linalg.norm(path[-1] - path[0]) > 0.05  # it went somewhere


def test_every_rule_is_compared_with_keras():
    assert set(KERAS) == set(ol.updates.UPDATES)


def test_many_at_once_are_the_same_paths():
    starts = np.array([[1.0, 1.5], [2.0, 2.0], [-1.0, 0.5]])
    rates = np.array([0.01, 0.02, 0.05])
    together = ol.descend(ol.beale(), "adam", starts, 40, learning_rate=rates, beta_1=0.8)
    assert together.shape == (3, 41, 2)
    for start, rate, path in zip(starts, rates, together, strict=True):
        alone = ol.descend(ol.beale(), "adam", start, 40, learning_rate=rate, beta_1=0.8)
        np.testing.assert_array_equal(path, alone)


def test_a_schedule_counts_updates_from_zero():
    seen = []

    def schedule(step):
        seen.append(step)
        return 0.1 / (1 + step)

    path = ol.descend(ol.parabola(1.0), "sgd", [1.0], 3, learning_rate=schedule)
    assert seen == [0, 1, 2]
    np.testing.assert_allclose(
        path[:, 0], np.cumprod([1, 0.9, 1 - 0.1 / 2, 1 - 0.1 / 3]), rtol=1e-14
    )


def test_a_rule_of_ones_own():
    def signs(gradient, state, t, size=0.5):
        return -size * np.sign(gradient), state

    path = ol.descend(ol.parabola(), signs, [2.0], 4)
    np.testing.assert_array_equal(path[:, 0], [2, 1.5, 1, 0.5, 0])


def test_a_path_that_diverges_leaves_its_neighbour_alone():
    rates = np.array([3.0, 0.5])
    with np.errstate(all="raise"):  # and warns of nothing
        paths = ol.descend(ol.parabola(1.0), "sgd", [1.0], 3000, learning_rate=rates)
    assert not np.isfinite(paths[0, -1, 0])
    assert paths[1, -1, 0] == pytest.approx(0, abs=1e-100)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ol.descend(ol.beale(), "adm", [1, 1], 5), "did you mean 'adam'"),
        (lambda: ol.descend(ol.beale(), 7, [1, 1], 5), "unknown update rule"),
        (lambda: ol.descend("beale", "sgd", [1, 1], 5), "give a Surface"),
        (lambda: ol.descend(ol.beale(), "sgd", [1], 5), r"has shape \(1,\)"),
        (lambda: ol.descend(ol.beale(), "sgd", "here", 5), "has shape"),
        (lambda: ol.descend(ol.beale(), "sgd", np.zeros((0, 2)), 5), "has shape"),
        (lambda: ol.descend(ol.beale(), "sgd", [1, np.nan], 5), "finite"),
        (lambda: ol.descend(ol.beale(), "sgd", [1, 1], 0), "at least 1"),
        (lambda: ol.descend(ol.beale(), "sgd", [1, 1], 2.5), "whole number"),
        (lambda: ol.descend(ol.beale(), "sgd", [1, 1], True), "whole number"),
        (lambda: ol.descend(ol.beale(), "sgd", [1, 1], 5, lr=0.1), "no hyperparameter 'lr'"),
        (
            lambda: ol.descend(ol.beale(), "sgd", [[1, 1]] * 3, 5, learning_rate=[0.1, 0.2]),
            "same number",
        ),
        (
            lambda: ol.descend(ol.beale(), "sgd", [1, 1], 5, learning_rate=[[0.1]]),
            "one number, or one a path",
        ),
        (
            lambda: ol.descend(ol.beale(), "sgd", [1, 1], 5, learning_rate="fast"),
            "learning_rate='fast'",
        ),
        (lambda: ol.parabola(0), "positive"),
        (lambda: ol.ravine(-1), "positive"),
        (lambda: ol.rastrigin(np.nan), "positive"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
