"""Update rules of another make: by sign, by layer, by matrix.

They are called as `optlab.updates` says, from where they are imported, too.
"""

import numpy as np
import tensorflow as tf

from .arrays import as_float, maximum, sign, sqrt


def lion(gradient, state, t, learning_rate=0.001, beta_1=0.9, beta_2=0.99):
    """Lion: every parameter moves by the learning rate, against the sign of a running mean.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is (m,), a running mean of gradients.
    learning_rate : float
        The length of every step; the authors take a third to a tenth of Adam's.
    beta_1 : float
        The share of `m` in the mean whose sign decides; the gradient has the rest.
    beta_2 : float
        The share of `m` that is kept.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Chen et al., "Symbolic discovery of optimization algorithms" (2023); `keras.optimizers.Lion`.

    Examples
    --------
    >>> from optlab.updates import initial_state
    >>> gradient = np.array([300.0, -0.3])
    >>> change, state = lion(gradient, initial_state("lion", gradient), t=1)
    >>> print(change)
    [-0.001  0.001]
    """
    (m,) = state
    towards = beta_1 * m + (1 - beta_1) * gradient
    return -learning_rate * sign(towards), (beta_2 * m + (1 - beta_2) * gradient,)


def lamb(
    gradient, state, t, learning_rate=0.001, *, beta_1=0.9, beta_2=0.999, epsilon=1e-7, parameter
):
    """LAMB: Adam's direction, with a step as long as the rate says in lengths of the parameter.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is Adam's.
    learning_rate : float
        The length of the step as a part of the parameter's; a parameter of zeros takes Adam's step.
    beta_1, beta_2, epsilon : float
        As for `adam`.
    parameter : array or tensor
        The parameter before the update, of the gradient's shape. Of many runs at once, each has a
        length of its own: over those axes along which there is one rate.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    You et al., "Large batch optimization for deep learning: training BERT in 76 minutes" (2019);
    `keras.optimizers.Lamb`.

    Examples
    --------
    >>> from optlab.updates import initial_state
    >>> parameter = np.array([3.0, 4.0])
    >>> state = initial_state(lamb, parameter)
    >>> change, state = lamb(np.array([300.0, -0.3]), state, 1, 0.1, parameter=parameter)
    >>> print(np.sqrt((change**2).sum()).round(3))  # a tenth of 5
    0.5
    """
    t, rate = as_float(t, gradient), as_float(learning_rate, gradient)
    m, v = state
    m = beta_1 * m + (1 - beta_1) * gradient
    v = beta_2 * v + (1 - beta_2) * gradient**2
    step = m / (1 - beta_1**t) / (sqrt(v / (1 - beta_2**t)) + epsilon)
    length, whole = (_length(x, rate.shape) for x in (step, parameter))
    where = tf.where if tf.is_tensor(gradient) else np.where
    none = (length == 0) | (whole == 0)
    ratio = where(none, length * 0 + 1, whole / where(none, length * 0 + 1, length))
    return -rate * ratio * step, (m, v)


def _length(x, rates):
    """Return the Euclidean length of each run's part of `x`, given the shape of their rates."""
    axes = [i for i in range(len(x.shape)) if not len(rates) or rates[i] == 1]
    if tf.is_tensor(x):
        return tf.sqrt(tf.reduce_sum(x * x, axes, keepdims=True))
    return np.sqrt((x * x).sum(tuple(axes), keepdims=True))


def ftrl(
    gradient,
    state,
    t,
    learning_rate=0.001,
    *,
    learning_rate_power=-0.5,
    l1_regularization_strength=0.0,
    l2_regularization_strength=0.0,
    l2_shrinkage_regularization_strength=0.0,
    beta=0.0,
    parameter,
):
    """Follow the regularized leader: Adagrad's step, with a pull that can hold weights at zero.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is (accumulator, linear).
    learning_rate : float
        The size of the first steps.
    learning_rate_power : float
        At most 0. How the steps shrink with the accumulated squares: at -0.5 as in `adagrad`.
    l1_regularization_strength : float
        A weight is zero until what pulls at it exceeds this.
    l2_regularization_strength, l2_shrinkage_regularization_strength, beta : float
        Further pulls to zero, as in Keras.
    parameter : array or tensor
        The parameter before the update, of the gradient's shape.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    McMahan et al., "Ad click prediction: a view from the trenches" (2013); `keras.optimizers.Ftrl`.

    Examples
    --------
    The second gradient is too small to leave zero.

    >>> from optlab.updates import initial_state
    >>> parameter, gradient = np.zeros(2), np.array([3.0, 0.5])
    >>> state = initial_state("ftrl", parameter)
    >>> change, state = ftrl(
    ...     gradient, state, 1, 0.1, l1_regularization_strength=1.0, parameter=parameter
    ... )
    >>> print(change.round(3))
    [-0.066 -0.   ]
    """
    accumulator, linear = state
    rate, power = as_float(learning_rate, gradient), -as_float(learning_rate_power, gradient)
    more = accumulator + gradient**2
    linear = linear + gradient + 2 * l2_shrinkage_regularization_strength * parameter
    linear = linear - (more**power - accumulator**power) / rate * parameter
    curvature = more**power / rate + 2 * l2_regularization_strength + beta / rate
    beyond = sign(linear) * maximum(sign(linear) * linear - l1_regularization_strength, 0.0)
    return -beyond / curvature - parameter, (more, linear)


def orthogonalized(x, iterations=5):
    """Return matrices with the singular vectors of `x` and singular values near 1.

    Each iteration replaces every singular value s by 3.4445 s - 4.775 s³ + 2.0315 s⁵, which brings
    those that are not tiny to between about 0.7 and 1.2: near enough, and quicker than a
    decomposition.

    Parameters
    ----------
    x : array or tensor (..., rows, columns)
    iterations : int

    Examples
    --------
    >>> x = np.diag([3.0, 1.0, 0.2])
    >>> print(np.linalg.svd(orthogonalized(x))[1].round(2))
    [1.13 1.08 0.75]
    """
    swap = tf.linalg.matrix_transpose if tf.is_tensor(x) else lambda x: x.swapaxes(-1, -2)
    tall = x.shape[-2] > x.shape[-1]
    if tall:  # the smaller products are the cheaper ones
        x = swap(x)
    x = x / (sqrt(_sum_of_squares(x)) + 1e-7)
    for _ in range(iterations):
        square = x @ swap(x)
        x = 3.4445 * x + (-4.775 * square + 2.0315 * square @ square) @ x
    return swap(x) if tall else x


def _sum_of_squares(x):
    """Return the sum of the squares of each matrix, (..., 1, 1)."""
    if tf.is_tensor(x):
        return tf.reduce_sum(x * x, (-2, -1), keepdims=True)
    return (x * x).sum((-2, -1), keepdims=True)


def muon(gradient, state, t, learning_rate=0.001, momentum=0.95, rms_rate=0.2):
    """Muon: momentum whose step is made to go equally far in all directions of a matrix.

    For matrices only, the last two axes: what else a network has is left to `adam`.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is (velocity,).
    learning_rate : float
        With `rms_rate`, about the size of Adam's step.
    momentum : float
        The share of the velocity that is kept. The step looks ahead, as Nesterov's.
    rms_rate : float
        The root mean square of a step's entries, in learning rates.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Jordan, "Muon: an optimizer for hidden layers in neural networks" (2024); `rms_rate`: Liu et
    al., "Muon is scalable for LLM training" (2025); `keras.optimizers.Muon`.

    Examples
    --------
    A gradient that is steep in one direction and flat in the other: the step hardly cares.

    >>> from optlab.updates import initial_state
    >>> gradient = np.diag([100.0, 1.0])
    >>> change, state = muon(gradient, initial_state(muon, gradient), t=1)
    >>> print(change.diagonal().round(5))
    [-0.0002 -0.0002]
    """
    (velocity,) = state
    velocity = momentum * velocity + gradient
    step = orthogonalized(gradient + momentum * velocity)
    size = learning_rate * rms_rate * max(gradient.shape[-2:]) ** 0.5
    return -size * step, (velocity,)
