import keras
import numpy as np
import pytest
from keras.layers import Dense, Dropout, Flatten

import optlab as ol

KERAS = tuple(map(int, keras.__version__.split(".")[:2]))
# the eight of experiment C9 and what Keras calls them
INITIALIZERS = {
    "uniform": "RandomUniform",
    "lecun_uniform": "LecunUniform",
    "normal": "RandomNormal",
    "zero": "Zeros",
    "glorot_normal": "GlorotNormal",
    "glorot_uniform": "GlorotUniform",
    "he_normal": "HeNormal",
    "he_uniform": "HeUniform",
}


def kinds(model):
    return [type(layer) for layer in model.layers]


@pytest.mark.parametrize("units", [1, 50])
def test_blobs_mlp(units):
    model = ol.blobs_mlp(units=units)
    assert [layer.units for layer in model.layers] == [units, 3]
    assert model.count_params() == 2 * units + units + 3 * units + 3
    assert model.input_shape == (None, 2) and not model.compiled
    hidden, last = model.layers
    assert type(hidden.kernel_initializer).__name__ == "HeUniform"
    assert np.abs(hidden.kernel).max() <= np.sqrt(6 / 2)  # he_uniform's limit, fan-in 2
    assert (hidden.activation, last.activation) == (
        keras.activations.relu, keras.activations.softmax,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("hidden", "parameters"),
    [  # by hand: (inputs + 1) x outputs, layer by layer
        ((128,), 785 * 128 + 129 * 10),
        ((64, 64), 785 * 64 + 65 * 64 + 65 * 10),
        ([32, 64], 785 * 32 + 33 * 64 + 65 * 10),
        ((), 785 * 10),
    ],
)
def test_mnist_mlp(hidden, parameters):
    model = ol.mnist_mlp(hidden=hidden)
    assert [layer.units for layer in model.layers[1:]] == [*hidden, 10]
    assert kinds(model) == [Flatten] + [Dense] * (len(hidden) + 1)
    assert model.count_params() == parameters
    assert model.input_shape == (None, 28, 28) and not model.compiled


@pytest.mark.parametrize("build", [ol.blobs_mlp, ol.mnist_mlp])
def test_outputs_are_probabilities(build):
    model = build()
    x = np.random.default_rng(0).random((20, *model.input_shape[1:]))
    outputs = model.predict(x, verbose=0)
    assert (outputs >= 0).all()
    np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(("name", "keras_name"), INITIALIZERS.items())
def test_initializers(name, keras_name):
    model = ol.mnist_mlp(hidden=(8, 8), kernel_initializer=name)
    for layer in model.layers[1:]:
        assert type(layer.kernel_initializer).__name__ == keras_name
        assert np.any(layer.kernel) == (name != "zero")
        assert not np.any(layer.bias)


def test_one_initializer_object_still_draws_every_layer_and_model_afresh():
    drawing = keras.initializers.RandomUniform()
    first, second = (ol.mnist_mlp((8, 8, 8), kernel_initializer=drawing) for _ in range(2))
    kernels = [np.array(layer.kernel) for m in (first, second) for layer in m.layers[2:4]]
    for i in range(4):
        for j in range(i):
            assert not np.array_equal(kernels[i], kernels[j])
    one, other = (ol.blobs_mlp(kernel_initializer=drawing).get_weights()[0] for _ in range(2))
    assert not np.array_equal(one, other)


def test_a_seed_gives_the_same_weights_again():
    first, second = [], []
    for weights in (first, second):
        keras.utils.set_random_seed(7)
        weights += ol.mnist_mlp((8,), kernel_initializer="he_normal").get_weights()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_l2_adds_lambda_times_the_squares_of_hidden_kernels():
    model = ol.mnist_mlp(hidden=(8, 4), l2=0.01)
    kernels = [np.array(layer.kernel, "float64") for layer in model.layers[1:3]]
    expected = [0.01 * (k**2).sum() for k in kernels]
    assert [float(loss) for loss in model.losses] == pytest.approx(expected, rel=1e-5)
    assert not ol.mnist_mlp(hidden=(8,)).losses


def test_dropout_follows_each_hidden_layer_and_never_the_softmax():
    model = ol.mnist_mlp(hidden=(8, 4), dropout=0.5)
    assert kinds(model) == [Flatten, Dense, Dropout, Dense, Dropout, Dense]
    assert [layer.rate for layer in model.layers if isinstance(layer, Dropout)] == [0.5, 0.5]
    x = np.random.default_rng(0).random((50, 28, 28))
    outputs = np.array(model(x, training=True))
    assert (outputs > 0).all()  # dropped after the softmax, half of them were 0
    np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"l2": -0.1}, ValueError, "l2=-0.1: give a number from 0"),
        ({"l2": float("nan")}, ValueError, "l2=nan"),
        ({"l2": "0.1"}, ValueError, "l2='0.1'"),
        ({"dropout": 1}, ValueError, "dropout=1: give a fraction from 0 to below 1"),
        ({"dropout": -0.1}, ValueError, "dropout=-0.1"),
        ({"dropout": float("nan")}, ValueError, "dropout=nan"),
        ({"dropout": None}, ValueError, "dropout=None"),
        ({"hidden": 64}, TypeError, r"hidden=64: give a sequence of widths, such as \(128,\)"),
        pytest.param(
            {"hidden": (0,)},
            ValueError,
            "positive integer",
            marks=pytest.mark.skipif(KERAS < (3, 13), reason="Keras took 0 units before 3.13"),
        ),
        ({"activation": "relo"}, ValueError, "relo"),
        ({"kernel_initializer": "he_unifrom"}, ValueError, "he_unifrom"),
    ],
    ids=str,
)
def test_bad_input(bad, error, message):
    with pytest.raises(error, match=message):
        ol.mnist_mlp(**bad)
