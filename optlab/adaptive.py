"""The update rules that divide a gradient by its running size: Adagrad and what came of it.

They are called as `optlab.updates` says, from where they are imported, too.
"""

import numpy as np  # noqa: F401 (for the examples)

from .arrays import as_float, maximum, sqrt


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
    >>> from optlab.updates import initial_state
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
    >>> from optlab.updates import initial_state
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
    gradient, state, t, learning_rate=0.001, *, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False
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

    >>> from optlab.updates import initial_state
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


def adam(gradient, state, t, learning_rate=0.001, *, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
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

    >>> from optlab.updates import initial_state
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
    *,
    weight_decay=0.004,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-7,
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

    >>> from optlab.updates import initial_state
    >>> parameter, gradient = np.array([2.0]), np.array([0.0])
    >>> state = initial_state("adamw", parameter)
    >>> change, state = adamw(gradient, state, 1, 0.1, weight_decay=0.5, parameter=parameter)
    >>> print(change.round(3))
    [-0.1]
    """
    change, state = adam(
        gradient, state, t, learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon
    )
    return change - learning_rate * weight_decay * parameter, state


def amsgrad(gradient, state, t, learning_rate=0.001, *, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
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

    >>> from optlab.updates import initial_state
    >>> start = np.array([0.0])
    >>> state = initial_state("amsgrad", start)
    >>> for gradient in (9.0, *[1.0] * 30):
    ...     change, state = amsgrad(np.array([gradient]), state, 500, beta_2=0.5)
    >>> print(change.round(4))
    [-0.0002]
    """
    m, v, largest = state
    _, (m, v) = adam(
        gradient, (m, v), t, learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon
    )
    largest = maximum(largest, v)
    t = as_float(t, gradient)
    corrected_rate = learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return -corrected_rate * m / (sqrt(largest) + epsilon), (m, v, largest)


def adamax(gradient, state, t, learning_rate=0.001, *, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
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
    >>> from optlab.updates import initial_state
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


def nadam(gradient, state, t, learning_rate=0.001, *, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
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
    >>> from optlab.updates import initial_state
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
