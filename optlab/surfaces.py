"""Surfaces to walk down, and the paths that the update rules take on them."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from .updates import STATES, UPDATES, initial_state


@dataclass(frozen=True, eq=False)
class Surface:
    """A function of one or two variables whose lowest points are known.

    Made by `parabola`, `beale`, `ravine`, `saddle` and `rastrigin`; the value at every minimum
    is 0. Points are arrays of floats whose last axis holds the coordinates, so one point has the
    shape (dimensions,) and many of them any shape before that.

    Parameters
    ----------
    name : str
    value : function
        From points of shape (..., dimensions) to values of shape (...).
    gradient : function
        From points of shape (..., dimensions) to slopes of the same shape.
    domain : tuple of (float, float)
        From where to where each coordinate is drawn. The function goes on outside.
    minima : numpy.ndarray of float64, shape (minima, dimensions)
        Where the surface is lowest.
    """

    name: str
    value: Callable
    gradient: Callable
    domain: tuple
    minima: np.ndarray

    @property
    def dimensions(self) -> int:
        """The number of coordinates."""
        return len(self.domain)

    def distance(self, points):
        """Return how far points are from the nearest minimum, in a straight line.

        Parameters
        ----------
        points : array of float, shape (..., dimensions)

        Returns
        -------
        numpy.ndarray of float64, shape (...)

        Examples
        --------
        >>> print(beale().distance([[3.0, 0.5], [0.0, 4.5]]))
        [0. 5.]
        """
        points = np.asarray(points, dtype="float64")
        with np.errstate(over="ignore", invalid="ignore"):
            steps = points[..., None, :] - self.minima
            return np.sqrt((steps**2).sum(-1)).min(-1)

    def __repr__(self):
        return f"Surface: {self.name}"


def parabola(curvature=1.0):
    """Return the curve ``curvature / 2 * x**2``, whose slope is ``curvature * x``.

    Parameters
    ----------
    curvature : float, default 1.0
        The second derivative, the same everywhere. Gradient descent multiplies x by
        ``1 - learning_rate * curvature`` at each step.

    Returns
    -------
    Surface
        Of one dimension, with its minimum at 0.

    Raises
    ------
    ValueError
        If `curvature` is not positive: the curve would have no lowest point.

    Examples
    --------
    >>> curve = parabola(curvature=2.0)
    >>> print(curve.value(np.array([3.0])), curve.gradient(np.array([3.0])))
    9.0 [6.]
    """
    _positive(curvature=curvature)
    return Surface(
        f"a parabola of curvature {curvature:g}",
        lambda p: curvature / 2 * p[..., 0] ** 2,
        lambda p: curvature * p,
        ((-3.0, 3.0),),
        np.zeros((1, 1)),
    )


def beale():
    """Return Beale's function: steep walls around a long, flat, bent valley.

    The sum of the squares of ``1.5 - x + x*y``, ``2.25 - x + x*y**2`` and ``2.625 - x + x*y**3``.

    Returns
    -------
    Surface
        Of two dimensions, with its minimum at (3, 0.5).

    References
    ----------
    Beale, "On an iterative method for finding a local minimum of a function of more than one
    variable" (1958).

    Examples
    --------
    >>> beale().value(np.array([4.0, 4.0]))
    np.float64(68891.203125)
    """
    parts = ((1.5, 1), (2.25, 2), (2.625, 3))

    def value(p):
        x, y = p[..., 0], p[..., 1]
        return sum((a - x + x * y**k) ** 2 for a, k in parts)

    def gradient(p):
        x, y = p[..., 0], p[..., 1]
        along_x = sum(2 * (a - x + x * y**k) * (y**k - 1) for a, k in parts)
        along_y = sum(2 * (a - x + x * y**k) * k * x * y ** (k - 1) for a, k in parts)
        return np.stack([along_x, along_y], axis=-1)

    return Surface("Beale's function", value, gradient, ((-4.5, 4.5),) * 2, np.array([[3.0, 0.5]]))


def ravine(condition=50.0):
    """Return a ravine: a bowl that is steep across, ``y``, and almost flat along, ``x``.

    ``(x**2 + condition * y**2) / 2``, whose curvature is 1 along and `condition` across. One
    rate must serve both.

    Parameters
    ----------
    condition : float, default 50.0
        How many times steeper it is across than along: the condition number.

    Returns
    -------
    Surface
        Of two dimensions, with its minimum at (0, 0).

    Raises
    ------
    ValueError
        If `condition` is not positive.

    Examples
    --------
    >>> print(ravine(condition=50.0).gradient(np.array([1.0, 1.0])))
    [ 1. 50.]
    """
    _positive(condition=condition)
    curvature = np.array([1.0, condition])
    return Surface(
        f"a ravine {condition:g} times steeper across than along",
        lambda p: (p[..., 0] ** 2 + condition * p[..., 1] ** 2) / 2,
        lambda p: curvature * p,
        ((-10.0, 10.0), (-3.0, 3.0)),
        np.zeros((1, 2)),
    )


def saddle():
    """Return a saddle between two valleys: ``x**2 + (y**2 - 1)**2 / 4``.

    At (0, 0) the slope is 0: a minimum along x, a maximum along y.

    Returns
    -------
    Surface
        Of two dimensions, with its minima at (0, -1) and (0, 1).

    Examples
    --------
    >>> print(saddle().value(np.array([0.0, 0.5])), saddle().gradient(np.array([0.0, 0.5])))
    0.140625 [ 0.    -0.375]
    """

    def gradient(p):
        x, y = p[..., 0], p[..., 1]
        return np.stack([2 * x, y * (y**2 - 1)], axis=-1)

    return Surface(
        "a saddle",
        lambda p: p[..., 0] ** 2 + (p[..., 1] ** 2 - 1) ** 2 / 4,
        gradient,
        ((-1.5, 1.5), (-1.5, 1.5)),
        np.array([[0.0, -1.0], [0.0, 1.0]]),
    )


def rastrigin(depth=10.0):
    """Return Rastrigin's function: a bowl with a valley near every pair of whole numbers.

    The sum of ``x**2 + depth * (1 - cos(2 * pi * x))`` over the coordinates.

    Parameters
    ----------
    depth : float, default 10.0
        How deep the valleys are against the bowl.

    Returns
    -------
    Surface
        Of two dimensions, with its minimum at (0, 0); the valleys around it end higher.

    Raises
    ------
    ValueError
        If `depth` is not positive.

    References
    ----------
    Rastrigin, "Systems of extremal control" (1974, in Russian).

    Examples
    --------
    >>> print(rastrigin().value(np.array([[0.0, 0.0], [1.0, 0.0]])))
    [0. 1.]
    """
    _positive(depth=depth)
    return Surface(
        "Rastrigin's function",
        lambda p: _sum(p**2 + depth * (1 - _cos(2 * np.pi * p))),
        lambda p: 2 * p + depth * 2 * np.pi * np.sin(2 * np.pi * p),
        ((-5.12, 5.12),) * 2,
        np.zeros((1, 2)),
    )


def descend(surface, update, start, steps, **hyperparameters):
    """Return the path that an update rule takes down a surface.

    Parameters
    ----------
    surface : Surface
    update : str or function
        A rule of `optlab.updates`, by name ("adam") or itself; or a rule of your own, called as
        ``update(gradient, state, t, **hyperparameters)``, that returns (change, state) and whose
        first state is ``()``.
    start : array of float, shape (dimensions,) or (paths, dimensions)
        Where the path, or each of many paths, begins.
    steps : int
        How many updates to take.
    **hyperparameters : float, function or array of float, shape (paths,)
        Handed to the rule by name, such as ``learning_rate=0.1``: one number, one for each
        path, or a schedule, a function of the step (the update, from 0).

    Returns
    -------
    numpy.ndarray of float64, shape (steps + 1, dimensions) or (paths, steps + 1, dimensions)
        The start and the point after each update. A path that diverges goes on to infinity and
        then to NaN, and leaves the others alone.

    Raises
    ------
    ValueError
        If the rule or a hyperparameter is unknown, `start` is not of the surface's dimensions,
        `steps` is not a positive whole number, or the numbers of paths differ.

    Examples
    --------
    Each step multiplies by 1 - 0.5 * 1 here:

    >>> print(descend(parabola(curvature=1.0), "sgd", [3.0], steps=2, learning_rate=0.5)[:, 0])
    [3.   1.5  0.75]

    Three rates at once:

    >>> paths = descend(parabola(), "sgd", [3.0], steps=2, learning_rate=np.array([0.5, 1, 2]))
    >>> print(paths[:, -1, 0])
    [0.75 0.   3.  ]
    """
    rule = _rule(update)
    if not isinstance(surface, Surface):
        raise ValueError(f"surface={surface!r}: give a Surface, such as beale().")
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"steps={steps!r}: give a whole number of updates, at least 1.")
    start = _start(start, surface)
    values, paths = _hyperparameters(rule, hyperparameters, start)
    point = np.broadcast_to(start, (paths or 1, surface.dimensions)).copy()
    state = initial_state(rule, point) if rule in STATES else ()
    path = [point]
    decays_weights = "parameter" in inspect.signature(rule).parameters
    # overflow is what a rate that is too high leads to: a result, not a warning
    with np.errstate(all="ignore"):
        for t in range(1, steps + 1):
            now = {name: value(t - 1) if callable(value) else value
                   for name, value in values.items()}  # fmt: skip
            if decays_weights:
                now["parameter"] = point
            change, state = rule(surface.gradient(point), state, t, **now)
            point = point + change
            path.append(point)
    path = np.stack(path, axis=1)
    return path if paths else path[0]


def _rule(update):
    if callable(update):
        return update
    initial_state(update, np.zeros(1))  # refuses a name that is none
    return UPDATES[update]


def _start(start, surface):
    try:
        start = np.asarray(start, dtype="float64")
    except (TypeError, ValueError):
        start = np.array(np.nan)
    if start.ndim not in (1, 2) or start.shape[-1] != surface.dimensions or not start.size:
        raise ValueError(
            f"start has shape {start.shape}: {surface.name} needs "
            f"({surface.dimensions},) or (paths, {surface.dimensions})."
        )
    if not np.isfinite(start).all():
        raise ValueError("start holds a value that is not a finite number: give finite ones.")
    return start


def _hyperparameters(rule, given, start):
    """Return what to call the rule with, shaped to the points, and the number of paths.

    The number is None for a single path.
    """
    known = [name for name in list(inspect.signature(rule).parameters)[3:] if name != "parameter"]
    values, counts = {}, {len(start)} if start.ndim == 2 else set()
    for name, value in given.items():
        if name not in known and rule in STATES:
            raise ValueError(
                f"{rule.__name__} has no hyperparameter {name!r}: it has {', '.join(known)}."
            )
        if callable(value) or isinstance(value, bool):
            values[name] = value
            continue
        try:
            value = np.asarray(value, dtype="float64")
        except (TypeError, ValueError):
            raise ValueError(f"{name}={value!r}: give a number, or one a path.") from None
        if value.ndim > 1:
            raise ValueError(f"{name} has shape {value.shape}: give one number, or one a path.")
        if value.ndim:
            counts.add(len(value))
            value = value[:, None]
        values[name] = value[()]
    if len(counts) > 1:
        raise ValueError(
            f"start and hyperparameters speak of {sorted(counts)} paths: give the same number."
        )
    return values, (counts.pop() if counts else None)


def _cos(x):
    return tf.cos(x) if tf.is_tensor(x) else np.cos(x)


def _sum(x):
    return tf.reduce_sum(x, -1) if tf.is_tensor(x) else x.sum(-1)


def _positive(**numbers):
    for name, value in numbers.items():
        if not (isinstance(value, (int, float)) and 0 < value < np.inf):
            raise ValueError(f"{name}={value!r}: give a positive number.")
