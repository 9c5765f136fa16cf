"""Mistakes and confusions against what is counted by hand."""

import dataclasses
import re

import keras
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

import optlab as ol

BLOBS = ol.load_blobs(draw=0)
DIGITS = ol.load_mnist(train=40, val=30, test=20, stand_in="digits")


class Fixed(keras.layers.Layer):
    """Return given probabilities for the images whose first pixel is 0, 0.01, 0.02, ..."""

    def __init__(self, rows):
        super().__init__()
        self.rows = np.asarray(rows, "float32")

    def call(self, x):
        which = keras.ops.cast(keras.ops.round(100 * x[:, 0, 0]), "int32")
        return keras.ops.take(keras.ops.convert_to_tensor(self.rows), which, axis=0)

    def compute_output_shape(self, shape):
        return (shape[0], self.rows.shape[1])


def case(rows, labels):
    """Return a model and a data set of images on which it returns these probabilities."""
    x = np.zeros((len(rows), 28, 28), "float32")
    x[:, 0, 0] = np.arange(len(rows)) / 100
    y = np.asarray(labels, "int32")
    data = dataclasses.replace(DIGITS, x_val=x, y_val=y)
    return keras.Sequential([keras.Input((28, 28)), Fixed(rows)]), data


def sure(label, probability):
    rest = np.full(10, (1 - probability) / 9)
    rest[label] = probability
    return rest


MODEL, DATA = case(
    [sure(9, 0.6), sure(1, 0.99), sure(3, 0.97), sure(4, 0.8), sure(9, 0.7)], [4, 1, 8, 2, 4]
)


def caption(figure):
    return figure.figure.get_supxlabel().replace("\n", " ")


def shown(figure):
    return [ax.get_title() for ax in figure.figure.axes if ax.images]


def test_mistakes_come_by_confidence():
    figure = ol.plot_mistakes(MODEL, DATA)
    assert shown(figure) == [
        "was 8\nsaid 3 (97%)", "was 2\nsaid 4 (80%)", "was 4\nsaid 9 (70%)", "was 4\nsaid 9 (60%)",
    ]  # fmt: skip
    images = [ax.images[0].get_array() for ax in figure.figure.axes if ax.images]
    for image, i in zip(images, (2, 3, 4, 0), strict=True):
        np.testing.assert_array_equal(image, DATA.x_val[i])
    assert "4 of 5 validation images are wrong: shown are the 4" in caption(figure)
    assert DIGITS.name in caption(figure)
    assert "was 8, said 3 (97%); was 2, said 4 (80%)" in figure.alt


def test_at_most_so_many_are_shown_and_all_are_counted():
    figure = ol.plot_mistakes(MODEL, DATA, most=2, columns=3)
    assert shown(figure) == ["was 8\nsaid 3 (97%)", "was 2\nsaid 4 (80%)"]
    assert "4 of 5 validation images are wrong: shown are the 2" in caption(figure)


def test_without_a_mistake_the_figure_says_so():
    model, data = case([sure(3, 0.5)], [3])
    figure = ol.plot_mistakes(model, data)
    assert shown(figure) == [] and "0 of 1 validation images are wrong." in caption(figure)
    assert [t.get_text() for ax in figure.figure.axes for t in ax.texts] == ["no mistakes"]


def test_one_hot_labels_and_other_parts():
    keras.utils.set_random_seed(0)
    model = ol.mnist_mlp(hidden=(8,))
    for part in ("train", "val", "test"):
        one, other = (ol.plot_mistakes(model, d, part=part) for d in (DIGITS, DIGITS.one_hot()))
        assert one.alt == other.alt
        wrong = (model.predict(getattr(DIGITS, f"x_{part}"), verbose=0).argmax(1)
                 != getattr(DIGITS, f"y_{part}")).sum()  # fmt: skip
        assert f"{wrong} of {len(getattr(DIGITS, f'x_{part}'))} " in one.alt


@pytest.mark.parametrize(("model", "data"), [(ol.blobs_mlp(), BLOBS), (MODEL, DATA)])
def test_confusion_matrix_is_that_of_scikit_learn(model, data):
    chosen = model.predict(data.x_val, verbose=0).argmax(axis=1)
    counts = confusion_matrix(data.y_val, chosen, labels=range(len(data.class_names)))
    figure = ol.plot_confusion(model, data)
    ax = figure.figure.axes[0]
    written = {tuple(map(round, t.get_position()))[::-1]: t.get_text() for t in ax.texts}
    assert written == {(i, j): str(n) for (i, j), n in np.ndenumerate(counts)}
    image = ax.images[0].get_array().filled(0)
    np.testing.assert_array_equal(image, counts - np.diag(np.diag(counts)))
    assert f"{np.trace(counts)} of {len(chosen)} are right" in caption(figure)
    assert data.name in caption(figure)
    labels = [t.get_text() for t in ax.get_yticklabels()]
    k = int(data.y_val[0])
    share = counts[k, k] / (data.y_val == k).sum()
    assert labels[k] == f"{data.class_names[k]} ({share:.0%})"


def test_confusion_names_the_most_frequent_mistakes_and_classes_without_samples():
    figure = ol.plot_confusion(MODEL, DATA)
    assert "most frequent mistakes: 2 of class 4 taken for 9; " in figure.alt
    assert figure.figure.axes[0].get_yticklabels()[0].get_text() == "0 (none)"


def logits():
    return keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)])


def diverged():
    model = ol.mnist_mlp()
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    return model


@pytest.mark.parametrize(
    ("model", "data", "more", "error", "words"),
    [
        (MODEL, "digits", {}, TypeError, "give a Dataset"),
        (np.zeros(3), DIGITS, {}, TypeError, "type numpy.ndarray: give a Keras model"),
        (ol.blobs_mlp(), DIGITS, {}, ValueError,
         rf"samples of shape \(2,\), and {re.escape(DIGITS.name)} .*28, 28"),
        (ol.mnist_mlp(), BLOBS, {}, ValueError, "are no images|takes samples of shape"),
        (logits(), DIGITS, {}, ValueError, "are no probabilities"),
        (diverged(), DIGITS, {}, ValueError, "diverged in training"),
        (MODEL, DIGITS, {"part": "valid"}, ValueError, "part='valid': give one of"),
        (MODEL, dataclasses.replace(DIGITS, x_val=DIGITS.x_val[:0], y_val=DIGITS.y_val[:0]), {},
         ValueError, "has no samples to val"),
        (keras.Sequential([keras.Input((28, 28, 3)), keras.layers.Flatten(),
                           keras.layers.Dense(10, activation="softmax")]), DIGITS, {},
         ValueError, r"takes samples of shape \(28, 28, 3\)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("plot", [ol.plot_mistakes, ol.plot_confusion])
def test_bad_input_is_refused(plot, model, data, more, error, words):
    with pytest.raises(error, match=words):
        plot(model, data, **more)


@pytest.mark.parametrize("given", [{"most": 0}, {"columns": 2.5}, {"most": True}])
def test_bad_numbers_are_refused(given):
    with pytest.raises(ValueError, match="give a whole number from 1"):
        ol.plot_mistakes(MODEL, DATA, **given)
