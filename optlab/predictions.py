"""What trained Keras models say about samples, after a check that they can say anything."""

import keras
import numpy as np

from .data import Dataset
from .figures import kind

PARTS = ("train", "val", "test")
BATCHES = {2: 65536, 3: 4096}  # points, or images, that a model sees at once


def check_dataset(dataset, *, images=False):
    """See that a data set holds what a figure draws: points of two features, or images."""
    if not isinstance(dataset, Dataset):
        raise TypeError(f"dataset is of type {kind(dataset)}: give a Dataset, as load_blobs() is.")
    shape = dataset.x_train.shape[1:]
    if images and len(shape) != 2:
        raise ValueError(
            f"{dataset.name} has samples of shape {shape}, which are no images: give images, or "
            "draw points with plot_decision_regions."
        )
    if not images and shape != (2,):
        raise ValueError(
            f"{dataset.name} has samples of shape {shape}, and regions are drawn in the plane of "
            "two features: give points of shape (n, 2), as load_blobs() has."
        )


def samples(dataset, part):
    """Return the inputs and the labels, as whole numbers, of one part of a data set.

    Raises
    ------
    ValueError
        If there is no such part, or it is empty.
    """
    if part not in PARTS:
        raise ValueError(f"part={part!r}: give one of {', '.join(map(repr, PARTS))}.")
    x, y = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
    if not len(x):
        raise ValueError(f"{dataset.name} has no samples to {part}: choose another part.")
    return x, y if y.ndim == 1 else y.argmax(axis=1)


def check_model(model, dataset, name="model"):
    """See that a model takes a data set's samples and returns one probability for each class."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"{name} is of type {kind(model)}: give a Keras model that was trained.")
    if not model.built:
        raise ValueError(f"{name} has no weights yet: build and train it before you draw it.")
    shape, wanted = dataset.x_train.shape[1:], model.input_shape[1:]
    if len(wanted) != len(shape) or any(
        w not in (None, s) for w, s in zip(wanted, shape, strict=True)
    ):
        raise ValueError(
            f"{name} takes samples of shape {tuple(wanted)}, and {dataset.name} has {shape}: give "
            "a model that was trained on such data."
        )
    classes = len(dataset.class_names)
    if model.output_shape[1:] != (classes,):
        raise ValueError(
            f"{name} returns {tuple(model.output_shape[1:])} numbers for a sample, and "
            f"{dataset.name} has {classes} classes: end the model in Dense({classes}, "
            'activation="softmax").'
        )


def check_weights(model, weights, name="model"):
    """See that weights are what `model.get_weights` could return."""
    wanted = [tuple(w.shape) for w in model.weights]
    found = [np.shape(w) for w in weights] if isinstance(weights, (list, tuple)) else kind(weights)
    if found != wanted:
        raise ValueError(
            f"The weights of {name} have shapes {found}, and its model {wanted}: give what "
            "model.get_weights() returns."
        )


def variables(model, weights):
    """Return weights as `stateless_call` takes them: the trained ones, and all others."""
    given = {id(v): w for v, w in zip(model.weights, weights, strict=True)}
    return tuple(
        [given.get(id(v), v.value) for v in group]  # seeds of dropout are variables, no weights
        for group in (model.trainable_variables, model.non_trainable_variables)
    )


def probabilities(model, x, name="model", weights=None):
    """Return what a model thinks of each sample, (n, classes); NaN for a model that diverged.

    With `weights` it is asked as if it had them; it keeps its own.

    Raises
    ------
    ValueError
        If its outputs are no probabilities.
    """
    x = np.asarray(x, "float32")
    batch = BATCHES[x.ndim]
    state = variables(model, model.get_weights() if weights is None else weights)
    parts = [
        model.stateless_call(*state, x[i : i + batch], training=False)[0]
        for i in range(0, len(x), batch)
    ]
    found = np.concatenate([keras.ops.convert_to_numpy(part) for part in parts]).astype("float64")
    sums = found.sum(axis=1)
    if np.isfinite(found).all() and (found.min() < 0 or np.abs(sums - 1).max() > 1e-3):
        raise ValueError(
            f"The outputs of {name} are no probabilities (one sample's sum to {sums[0]:.3g}): end "
            "the model in a softmax."
        )
    return found
