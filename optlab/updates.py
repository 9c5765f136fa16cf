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

Three rules, `WITH_PARAMETER`, also take the parameter before the update.

The steps are those of Keras' optimizers, down to the place of epsilon.
"""

import difflib

import numpy as np  # noqa: F401 (for the examples)

from .adaptive import adadelta, adagrad, adam, adamax, adamw, amsgrad, nadam, rmsprop
from .arrays import full_like
from .newer import ftrl, lamb, lion, muon, orthogonalized

__all__ = [
    "STATES", "UPDATES", "WITH_PARAMETER", "adadelta", "adagrad", "adam", "adamax", "adamw",
    "amsgrad", "ftrl", "initial_state", "lamb", "lion", "momentum", "muon", "nadam", "nesterov",
    "orthogonalized", "rmsprop", "sgd",
]  # fmt: skip


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
    lamb: {"m": 0.0, "v": 0.0},
    ftrl: {"accumulator": 0.1, "linear": 0.0},
    muon: {"velocity": 0.0},
}
# By name, the rules that treat every number of a parameter alone, as those of a point on a surface;
# muon and lamb, which look at a whole weight, are none of them.
UPDATES = {rule.__name__: rule for rule in STATES if rule not in (muon, lamb)}
WITH_PARAMETER = (adamw, lamb, ftrl)  # these are also given the parameter


def initial_state(rule, parameter, **start):
    """Return the state of a rule before its first update.

    Parameters
    ----------
    rule : str or function
        One of `UPDATES`, by name or itself: "adam" or `adam`; or `muon` or `lamb`.
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
