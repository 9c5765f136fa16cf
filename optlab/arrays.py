"""Arithmetic that takes NumPy arrays and TensorFlow tensors alike, for the update rules."""

import numpy as np
import tensorflow as tf


def sqrt(x):
    """Return the square root of an array or a tensor."""
    return tf.sqrt(x) if tf.is_tensor(x) else np.sqrt(x)


def maximum(x, y):
    """Return the larger of two arrays or tensors, element by element."""
    return tf.maximum(x, y) if tf.is_tensor(x) else np.maximum(x, y)


def sign(x):
    """Return -1, 0 or 1 for each element of an array or a tensor."""
    return tf.sign(x) if tf.is_tensor(x) else np.sign(x)


def as_float(t, like):
    """Return a number or numbers in the dtype of `like`, so that `beta**t` has it, too."""
    if tf.is_tensor(like):
        # tf.cast would take a Python float through float32, even to float64
        return tf.cast(t if tf.is_tensor(t) else np.asarray(t), like.dtype)
    return np.asarray(t, np.result_type(like, 0.0))


def full_like(x, value):
    """Return floats of the shape and dtype of `x`, filled with `value`."""
    if tf.is_tensor(x):
        return tf.zeros_like(x) + as_float(value, x)
    return np.full_like(x, value, np.result_type(x, 0.0))
