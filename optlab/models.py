"""The models of the lessons: functions that build uncompiled Keras models."""

from numbers import Real

import keras
from keras import layers


def blobs_mlp(units=50, activation="relu", kernel_initializer="he_uniform"):
    """Build the network of the blob lessons: 2 inputs, one hidden layer, 3 classes.

    Parameters
    ----------
    units : int, default 50
        Width of the hidden layer.
    activation : str or callable, default "relu"
        Activation of the hidden layer.
    kernel_initializer : str or keras.initializers.Initializer, default "he_uniform"
        First weights of the hidden layer.

    Returns
    -------
    keras.Model
        Uncompiled; input (n, 2) float32, output (n, 3) class probabilities.

    Examples
    --------
    >>> blobs_mlp().count_params()
    303
    """
    return keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(
                units, activation=activation, kernel_initializer=fresh(kernel_initializer)
            ),
            layers.Dense(3, activation="softmax"),
        ]
    )


def mnist_mlp(
    hidden=(128,), activation="relu", kernel_initializer="glorot_uniform", l2=0.0, dropout=0.0
):
    """Build a fully connected network for 28 x 28 images and 10 classes.

    The networks of the classic lessons are ``hidden=(128,)``, ``(64, 64)`` and ``(32, 64)``.

    Parameters
    ----------
    hidden : sequence of int, default (128,)
        Width of each hidden layer.
    activation : str or callable, default "relu"
        Activation of the hidden layers.
    kernel_initializer : str or keras.initializers.Initializer, default "glorot_uniform"
        First weights of every layer.
    l2 : float, default 0
        Keras adds ``l2 * sum(w ** 2)`` of each hidden layer's kernel to the mean loss.
    dropout : float, default 0
        Fraction of each hidden layer's outputs that is dropped in training, below 1.

    Returns
    -------
    keras.Model
        Uncompiled; input (n, 28, 28) float32, output (n, 10) class probabilities.

    Raises
    ------
    ValueError
        If `l2` is no number from 0 or `dropout` none in [0, 1).
    TypeError
        If `hidden` is no sequence.

    Examples
    --------
    >>> mnist_mlp().count_params()
    101770
    """
    if not isinstance(hidden, (list, tuple)):
        raise TypeError(f"hidden={hidden!r}: give a sequence of widths, such as (128,).")
    if not (isinstance(l2, Real) and 0 <= l2 < float("inf")):
        raise ValueError(f"l2={l2!r}: give a number from 0, such as 0.001.")
    if not (isinstance(dropout, Real) and 0 <= dropout < 1):
        raise ValueError(f"dropout={dropout!r}: give a fraction from 0 to below 1.")
    model = keras.Sequential([keras.Input((28, 28)), layers.Flatten()])
    for units in hidden:
        model.add(
            layers.Dense(
                units,
                activation=activation,
                kernel_initializer=fresh(kernel_initializer),
                kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
            )
        )
        if dropout:
            model.add(layers.Dropout(dropout))
    model.add(layers.Dense(10, activation="softmax", kernel_initializer=fresh(kernel_initializer)))
    return model


def fresh(value):
    """Return a value for one layer: Keras' initializers draw the same numbers every time."""
    own = isinstance(value, keras.Initializer) and type(value).__module__.startswith("keras.")
    return value.clone() if own else value
