"""What trained Keras models say about samples, after a check that they can say anything."""

import keras
import numpy as np

from .data import Dataset
from .figures import kind

PARTS = ("train", "val", "test")
BATCH = 4096  # samples that a model sees at once


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


def probabilities(model, x, name="model"):
    """Return what a model thinks of each sample, (n, classes); NaN for a model that diverged.

    Raises
    ------
    ValueError
        If its outputs are no probabilities.
    """
    x = np.asarray(x, "float32")
    parts = [model(x[i : i + BATCH], training=False) for i in range(0, len(x), BATCH)]
    found = np.concatenate([keras.ops.convert_to_numpy(part) for part in parts]).astype("float64")
    sums = found.sum(axis=1)
    if np.isfinite(found).all() and (found.min() < 0 or np.abs(sums - 1).max() > 1e-3):
        raise ValueError(
            f"The outputs of {name} are no probabilities (one sample's sum to {sums[0]:.3g}): end "
            "the model in a softmax."
        )
    return found
