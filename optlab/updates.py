"""The optimizers as pure functions: the formula on the blackboard.

Every rule is called in the same way and writes nothing in place::

    state = initial_state("adam", parameter)
    change, state = adam(gradient, state, t, learning_rate=0.01)
    parameter = parameter + change

gradient
    A NumPy array or a TensorFlow tensor of floats, of any shape. Whatever comes in comes out,
    in the same dtype; the rules also run inside a compiled `tf.function`.
state
    What the rule remembers: a tuple of arrays of the gradient's shape, named in `STATES`.
t
    The number of this update, from 1 (the update, not the epoch). Rules without a correction for
    the first updates ignore it.
hyperparameters
    Numbers, under Keras' names and with Keras' defaults. Or one value per run, to train many runs
    at once: arrays of the gradient's dtype that broadcast against it. The caller shapes them:
    (runs, 1, 1) for a gradient of shape (runs, 2, 50). The same goes for `t`.

The steps are those of Keras' optimizers, down to the place of epsilon.
"""

import difflib

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


def sgd(gradient, state, t, learning_rate=0.01):
    """Gradient descent: a step against the gradient.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is empty.
    learning_rate : float
        The length of the step, in gradients.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Robbins and Monro, "A stochastic approximation method" (1951); `keras.optimizers.SGD`.

    Examples
    --------
    >>> change, state = sgd(np.array([3.0, -4.0]), (), t=1, learning_rate=0.1)
    >>> print(change.round(3))
    [-0.3  0.4]
    """
    return -learning_rate * gradient, ()


def momentum(gradient, state, t, learning_rate=0.01, momentum=0.9):
    """Gradient descent with momentum: a heavy ball that keeps part of its velocity.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is (velocity,).
    learning_rate : float
        What a gradient adds to the velocity.
    momentum : float
        The share of the velocity that is kept; with 0 the rule is `sgd`.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Polyak, "Some methods of speeding up the convergence of iteration methods" (1964);
    `keras.optimizers.SGD(momentum=0.9)`.

    Examples
    --------
    The same gradient twice: the second step is 1.9 times the first.

    >>> gradient = np.array([1.0])
    >>> first, state = momentum(gradient, initial_state("momentum", gradient), t=1)
    >>> second, state = momentum(gradient, state, t=2)
    >>> print(first.round(3), second.round(3))
    [-0.01] [-0.019]
    """
    (velocity,) = state
    velocity = momentum * velocity - learning_rate * gradient
    return velocity, (velocity,)


def nesterov(gradient, state, t, learning_rate=0.01, momentum=0.9):
    """Nesterov's momentum: the gradient is taken where the ball is going.

    The parameter that Keras holds, and shows to the loss, is the look-ahead point itself,
    place + momentum * velocity. So the gradient at the parameter is the one ahead, and the change
    moves from one look-ahead point to the next.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is (velocity,).
    learning_rate : float
        What a gradient adds to the velocity.
    momentum : float
        The share of the velocity that is kept; with 0 the rule is `sgd`.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Nesterov, "A method for solving the convex programming problem with convergence rate O(1/k²)"
    (1983); Sutskever et al., "On the importance of initialization and momentum in deep learning"
    (2013); `keras.optimizers.SGD(momentum=0.9, nesterov=True)`.

    Examples
    --------
    >>> gradient = np.array([1.0])
    >>> change, state = nesterov(gradient, initial_state("nesterov", gradient), t=1)
    >>> print(change.round(3))
    [-0.019]
    """
    (velocity,) = state
    velocity = momentum * velocity - learning_rate * gradient
    return momentum * velocity - learning_rate * gradient, (velocity,)


def adagrad(gradient, state, t, learning_rate=0.001, epsilon=1e-7):
    """Adagrad: a rate of its own for each parameter, smaller the more it has moved.

    The sum of squared gradients only grows, so the steps only shrink.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is (accumulator,), which starts at 0.1;
        Keras' `initial_accumulator_value` is `initial_state("adagrad", ..., accumulator=...)`.
    learning_rate : float
        The length of the first step, about.
    epsilon : float
        Added under the root, against a division by zero.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization" (2011); `keras.optimizers.Adagrad`.

    Examples
    --------
    >>> gradient = np.array([3.0, 0.3])
    >>> state = initial_state("adagrad", gradient, accumulator=0.0)
    >>> change, state = adagrad(gradient, state, t=1, learning_rate=0.1)
    >>> print(change.round(3))
    [-0.1 -0.1]
    """
    (accumulator,) = state
    accumulator = accumulator + gradient**2
    return -learning_rate * gradient / sqrt(accumulator + epsilon), (accumulator,)


def adadelta(gradient, state, t, learning_rate=0.001, rho=0.95, epsilon=1e-7):
    """Adadelta: steps as large as past steps were, for gradients as large as past ones were.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is (mean_square, mean_square_step).
    learning_rate : float
        The paper needs none, which is a rate of 1; Keras' default makes it a thousand times
        slower.
    rho : float
        The share of the running means that is kept.
    epsilon : float
        Added under both roots; it decides the size of the first steps.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Zeiler, "ADADELTA: an adaptive learning rate method" (2012); `keras.optimizers.Adadelta`.

    Examples
    --------
    >>> gradient = np.array([3.0, 0.3])
    >>> state = initial_state("adadelta", gradient)
    >>> change, state = adadelta(gradient, state, t=1, learning_rate=1.0)
    >>> print(change.round(5))
    [-0.00141 -0.00141]
    """
    mean_square, mean_square_step = state
    mean_square = rho * mean_square + (1 - rho) * gradient**2
    step = -sqrt(mean_square_step + epsilon) / sqrt(mean_square + epsilon) * gradient
    mean_square_step = rho * mean_square_step + (1 - rho) * step**2
    return learning_rate * step, (mean_square, mean_square_step)


def rmsprop(
    gradient, state, t, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False
):
    """RMSprop: the gradient divided by its root mean square of late.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is (mean_square, mean, velocity);
        `mean` stays at its start unless `centered`.
    learning_rate : float
        The length of a step while the gradient stays the same.
    rho : float
        The share of the running means that is kept.
    momentum : float
        The share of the velocity that is kept.
    epsilon : float
        Added under the root, against a division by zero.
    centered : bool
        Divide by the standard deviation instead of the root mean square. One for all runs.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Hinton, "Neural networks for machine learning", lecture 6e (2012); centered: Graves,
    "Generating sequences with recurrent neural networks" (2013); `keras.optimizers.RMSprop`.

    Examples
    --------
    The first step is 1/√(1 - rho) times the rate: the running mean starts at zero, and nothing
    corrects for it.

    >>> gradient = np.array([3.0, 0.3])
    >>> state = initial_state("rmsprop", gradient)
    >>> change, state = rmsprop(gradient, state, t=1, rho=0.99)
    >>> print(change.round(4))
    [-0.01 -0.01]
    """
    mean_square, mean, velocity = state
    mean_square = rho * mean_square + (1 - rho) * gradient**2
    variance = mean_square
    if centered:
        mean = rho * mean + (1 - rho) * gradient
        variance = mean_square - mean**2
    velocity = momentum * velocity - learning_rate * gradient / sqrt(variance + epsilon)
    return velocity, (mean_square, mean, velocity)


def adam(gradient, state, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """Adam: momentum and RMSprop in one, both corrected for having started at zero.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is (m, v): the running means of the
        gradient and of its square.
    learning_rate : float
        The length of a step while the gradient stays the same.
    beta_1, beta_2 : float
        The shares of `m` and of `v` that are kept.
    epsilon : float
        Against a division by zero. Added to √v before v is corrected, as in Keras: the paper's
        "epsilon hat".

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization" (2014), the form at the end of
    section 2; `keras.optimizers.Adam`.

    Examples
    --------
    However large the gradient, the first step is the learning rate.

    >>> gradient = np.array([300.0, -0.3])
    >>> change, state = adam(gradient, initial_state("adam", gradient), t=1)
    >>> print(change.round(5))
    [-0.001  0.001]
    """
    t = as_float(t, gradient)
    m, v = state
    m = beta_1 * m + (1 - beta_1) * gradient
    v = beta_2 * v + (1 - beta_2) * gradient**2
    corrected_rate = learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return -corrected_rate * m / (sqrt(v) + epsilon), (m, v)


def adamw(
    gradient,
    state,
    t,
    learning_rate=0.001,
    weight_decay=0.004,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-7,
    *,
    parameter,
):
    """AdamW: Adam, and beside it the parameter shrinks a little with every update.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is Adam's.
    learning_rate, beta_1, beta_2, epsilon : float
        As for `adam`.
    weight_decay : float
        The share of the parameter that an update takes away is learning_rate * weight_decay.
    parameter : array or tensor
        The parameter before the update, of the gradient's shape: no other rule needs it.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization" (2017);
    `keras.optimizers.AdamW`.

    Examples
    --------
    Without a gradient the parameter shrinks by a rate of 0.1 times a decay of 0.5.

    >>> parameter, gradient = np.array([2.0]), np.array([0.0])
    >>> state = initial_state("adamw", parameter)
    >>> change, state = adamw(gradient, state, 1, 0.1, weight_decay=0.5, parameter=parameter)
    >>> print(change.round(3))
    [-0.1]
    """
    change, state = adam(gradient, state, t, learning_rate, beta_1, beta_2, epsilon)
    return change - learning_rate * weight_decay * parameter, state


def amsgrad(gradient, state, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """AMSGrad: Adam whose divisor never shrinks, so that one large gradient is not forgotten.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is (m, v, largest): Adam's, and the
        largest v so far.
    learning_rate, beta_1, beta_2, epsilon : float
        As for `adam`.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Reddi, Kale and Kumar, "On the convergence of Adam and beyond" (2018);
    `keras.optimizers.Adam(amsgrad=True)`.

    Examples
    --------
    After a large gradient, a small one moves the parameter less than Adam would.

    >>> start = np.array([0.0])
    >>> state = initial_state("amsgrad", start)
    >>> for gradient in (9.0, *[1.0] * 30):
    ...     change, state = amsgrad(np.array([gradient]), state, 500, beta_2=0.5)
    >>> print(change.round(5))
    [-0.00015]
    """
    m, v, largest = state
    _, (m, v) = adam(gradient, (m, v), t, learning_rate, beta_1, beta_2, epsilon)
    largest = maximum(largest, v)
    t = as_float(t, gradient)
    corrected_rate = learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return -corrected_rate * m / (sqrt(largest) + epsilon), (m, v, largest)


def adamax(gradient, state, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """Adamax: Adam that divides by the largest gradient of late instead of the mean square.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is (m, u): the running mean of the
        gradient and its fading maximum.
    learning_rate : float
        The length of a step while the gradient stays the same.
    beta_1, beta_2 : float
        The shares of `m` and of `u` that are kept.
    epsilon : float
        Added to `u`, against a division by zero.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization" (2014), section 7.1;
    `keras.optimizers.Adamax`.

    Examples
    --------
    >>> gradient = np.array([300.0, -0.3])
    >>> change, state = adamax(gradient, initial_state("adamax", gradient), t=1)
    >>> print(change.round(5))
    [-0.001  0.001]
    """
    t = as_float(t, gradient)
    m, u = state
    m = beta_1 * m + (1 - beta_1) * gradient
    u = maximum(beta_2 * u, abs(gradient))
    return -learning_rate / (1 - beta_1**t) * m / (u + epsilon), (m, u)


def nadam(gradient, state, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """Nadam: Adam with Nesterov's look-ahead, and a momentum that warms up.

    Parameters
    ----------
    gradient, state, t
        As in every rule, see `optlab.updates`. The state is (m, v, product): Adam's, and the
        product of all momentums so far, which starts at 1.
    learning_rate : float
        The length of a step while the gradient stays the same, about.
    beta_1, beta_2 : float
        The shares of `m` and of `v` that are kept; the momentum grows from about half of
        `beta_1` to `beta_1`.
    epsilon : float
        Added to the root of the corrected v, as in Adam's paper but unlike `adam`.

    Returns
    -------
    change, state
        What to add to the parameter, and the new state.

    References
    ----------
    Dozat, "Incorporating Nesterov momentum into Adam" (2016); `keras.optimizers.Nadam`.

    Examples
    --------
    >>> gradient = np.array([300.0, -0.3])
    >>> change, state = nadam(gradient, initial_state("nadam", gradient), t=1)
    >>> print(change.round(5))
    [-0.00106  0.00106]
    """
    t = as_float(t, gradient)
    m, v, product = state
    momentum = beta_1 * (1 - 0.5 * 0.96**t)
    next_momentum = beta_1 * (1 - 0.5 * 0.96 ** (t + 1))
    product = product * momentum
    m = beta_1 * m + (1 - beta_1) * gradient
    v = beta_2 * v + (1 - beta_2) * gradient**2
    ahead = next_momentum * m / (1 - product * next_momentum)
    m_hat = ahead + (1 - momentum) * gradient / (1 - product)
    v_hat = v / (1 - beta_2**t)
    return -learning_rate * m_hat / (sqrt(v_hat) + epsilon), (m, v, product)


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
    >>> gradient = np.array([300.0, -0.3])
    >>> change, state = lion(gradient, initial_state("lion", gradient), t=1)
    >>> print(change)
    [-0.001  0.001]
    """
    (m,) = state
    towards = beta_1 * m + (1 - beta_1) * gradient
    return -learning_rate * sign(towards), (beta_2 * m + (1 - beta_2) * gradient,)


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


# What each rule remembers, in the order of its state, and where that starts.
STATES = {
    sgd: {},
    momentum: {"velocity": 0.0},
    nesterov: {"velocity": 0.0},
    adagrad: {"accumulator": 0.1},
    adadelta: {"mean_square": 0.0, "mean_square_step": 0.0},
    rmsprop: {"mean_square": 0.0, "mean": 0.0, "velocity": 0.0},
    adam: {"m": 0.0, "v": 0.0},
    adamw: {"m": 0.0, "v": 0.0},
    amsgrad: {"m": 0.0, "v": 0.0, "largest": 0.0},
    adamax: {"m": 0.0, "u": 0.0},
    nadam: {"m": 0.0, "v": 0.0, "product": 1.0},
    lion: {"m": 0.0},
    muon: {"velocity": 0.0},
}
# By name, the rules for parameters of any shape: muon, which is for matrices, is none of them.
UPDATES = {rule.__name__: rule for rule in STATES if rule is not muon}


def initial_state(rule, parameter, **start):
    """Return the state of a rule before its first update.

    Parameters
    ----------
    rule : str or function
        One of `UPDATES`, by name or itself: "adam" or `adam`; or `muon`.
    parameter : array or tensor
        What the rule is to update, for its shape and dtype.
    **start : float, array or tensor
        Where a part of the state starts instead of where `STATES` says, by its name there; one
        value, or one per run, shaped as a hyperparameter.

    Returns
    -------
    tuple of arrays or tensors
        Each of the parameter's shape and dtype.

    Raises
    ------
    ValueError
        If there is no such rule, or the rule's state has no such part.

    Examples
    --------
    >>> initial_state("adam", np.zeros(2))
    (array([0., 0.]), array([0., 0.]))
    >>> initial_state(adagrad, np.zeros(2), accumulator=0.5)
    (array([0.5, 0.5]),)
    """
    function = UPDATES.get(rule) if isinstance(rule, str) else rule
    if not callable(function) or function not in STATES:
        raise ValueError(_unknown("update rule", getattr(rule, "__name__", str(rule)), UPDATES))
    parts = STATES[function]
    for name in start:
        if name not in parts:
            raise ValueError(_unknown(f"part of {function.__name__}'s state", name, parts))
    return tuple(full_like(parameter, value) for value in (parts | start).values())


def _unknown(what, name, known):
    """Return the sentence that refuses a name and points to the nearest known one."""
    nearest = difflib.get_close_matches(name.lower(), known, n=1)
    question = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"unknown {what} {name!r}: {question}Known are: {', '.join(known) or 'none'}."
