import functools
import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import Variable
from keras.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Ftrl,
    Lamb,
    Lion,
    Nadam,
    RMSprop,
)

from optlab.updates import (
    STATES,
    UPDATES,
    WITH_PARAMETER,
    adam,
    initial_state,
    lamb,
    momentum,
    muon,
    nesterov,
    orthogonalized,
    sgd,
)  # fmt: skip

RULES = UPDATES | {"lamb": lamb}
SHAPES = [(), (2, 5)]
STEPS = {"float32": 50, "float64": 10}

# A rule, hyperparameters other than its defaults, its Keras class and what that needs beyond them.
# The large epsilons make its place visible: at 1e-7 it hardly counts.
OTHERS = {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.01}
CENTERED = {"centered": True, "momentum": 0.5, "rho": 0.7, "epsilon": 0.1}
FTRL = {
    "learning_rate": 0.1, "learning_rate_power": -0.7, "l1_regularization_strength": 0.02,
    "l2_regularization_strength": 0.1, "l2_shrinkage_regularization_strength": 0.05, "beta": 0.5,
}  # fmt: skip
CASES = {
    "sgd": ("sgd", {}, SGD, {}),
    "sgd other": ("sgd", {"learning_rate": 0.3}, SGD, {}),
    "momentum": ("momentum", {}, SGD, {"momentum": 0.9}),
    "momentum other": ("momentum", {"learning_rate": 0.2, "momentum": 0.5}, SGD, {}),
    "nesterov": ("nesterov", {}, SGD, {"momentum": 0.9, "nesterov": True}),
    "nesterov other": (
        "nesterov",
        {"learning_rate": 0.2, "momentum": 0.5},
        SGD,
        {"nesterov": True},
    ),
    "adagrad": ("adagrad", {}, Adagrad, {}),
    "adagrad other": (
        "adagrad",
        {"learning_rate": 0.1, "epsilon": 0.01},
        Adagrad,
        {"initial_accumulator_value": 0.5},
    ),
    "adadelta": ("adadelta", {}, Adadelta, {}),
    "adadelta other": (
        "adadelta",
        {"learning_rate": 1.0, "rho": 0.8, "epsilon": 0.01},
        Adadelta,
        {},
    ),
    "rmsprop": ("rmsprop", {}, RMSprop, {}),
    "rmsprop other": (
        "rmsprop",
        {"learning_rate": 0.1, "rho": 0.5, "epsilon": 0.01},
        RMSprop,
        {},
    ),
    "rmsprop centered": ("rmsprop", {"centered": True, "epsilon": 0.01}, RMSprop, {}),
    "rmsprop centered momentum": ("rmsprop", CENTERED, RMSprop, {}),
    "adam": ("adam", {}, Adam, {}),
    "adam other": ("adam", OTHERS, Adam, {}),
    "adamw": ("adamw", {}, AdamW, {}),
    "adamw other": ("adamw", OTHERS | {"weight_decay": 0.3}, AdamW, {}),
    "adamax": ("adamax", {}, Adamax, {}),
    "adamax other": ("adamax", OTHERS, Adamax, {}),
    "nadam": ("nadam", {}, Nadam, {}),
    "nadam other": ("nadam", OTHERS, Nadam, {}),
    "amsgrad": ("amsgrad", {}, Adam, {"amsgrad": True}),
    "amsgrad other": ("amsgrad", OTHERS, Adam, {"amsgrad": True}),
    "lion": ("lion", {}, Lion, {}),
    "lamb": ("lamb", {}, Lamb, {}),
    "lamb other": ("lamb", OTHERS, Lamb, {}),
    "ftrl": ("ftrl", {}, Ftrl, {}),
    "ftrl other": ("ftrl", FTRL, Ftrl, {"initial_accumulator_value": 0.5}),
    "lion other": ("lion", {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.75}, Lion, {}),
}


def defaults(rule):
    parameters = inspect.signature(RULES[rule]).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def to_float32(hyper):
    """The same hyperparameters, rounded as Keras rounds them even in double precision."""
    return {n: h if isinstance(h, bool) else float(np.float32(h)) for n, h in hyper.items()}


def problem(rule, dtype):
    """Starting values, and for every update gradients of sizes from 0.001 to 1, by shape."""
    generator = np.random.default_rng(7)
    # From zero the parameter is the sum of the changes, so that none of their digits is lost.
    away = 1.0 if RULES[rule] in WITH_PARAMETER else 0.0
    parameters = [np.asarray(away * generator.normal(size=s), dtype) for s in SHAPES]
    sizes = [10.0 ** generator.uniform(-3, 0, size=s) for s in SHAPES]
    gradients = [
        [np.asarray(s * (0.5 + generator.normal(size=np.shape(s))), dtype) for s in sizes]
        for _ in range(STEPS[dtype])
    ]
    return parameters, gradients


def hyperparameters(case, dtype):
    rule, hyper, _, _ = CASES[case]
    return to_float32(defaults(rule) | hyper) if dtype == "float64" else hyper


@functools.cache
def keras_path(case, dtype):
    """The parameters after every update of the Keras optimizer, shape by shape."""
    rule, _, optimizer, beyond = CASES[case]
    parameters, gradients = problem(rule, dtype)
    variables = [Variable(p, dtype=dtype) for p in parameters]
    optimizer = optimizer(**beyond | hyperparameters(case, dtype))
    path = []
    for step in gradients:
        optimizer.apply([tf.constant(g) for g in step], variables)
        path.append([v.numpy() for v in variables])
    return [np.stack(shape) for shape in zip(*path, strict=True)]


def our_path(case, dtype, kind):
    """The same by our rule, on NumPy arrays, TensorFlow tensors, or compiled by XLA."""
    rule, _, _, beyond = CASES[case]
    hyper = hyperparameters(case, dtype)
    start = {}
    if rule in ("adagrad", "ftrl"):
        start["accumulator"] = np.float32(beyond.get("initial_accumulator_value", 0.1))

    def update(parameters, gradients, states, t):
        news = []
        for parameter, gradient, state in zip(parameters, gradients, states, strict=True):
            extra = {"parameter": parameter} if RULES[rule] in WITH_PARAMETER else {}
            change, state = RULES[rule](gradient, state, t, **hyper, **extra)
            news.append((parameter + change, state))
        return tuple(zip(*news, strict=True))

    convert, count = (np.asarray, int) if kind == "numpy" else (tf.constant, tf.constant)
    if kind == "xla":
        update = tf.function(update, jit_compile=True)
    parameters, gradients = problem(rule, dtype)
    parameters = [convert(p) for p in parameters]
    states = [initial_state(RULES[rule], p, **start) for p in parameters]
    path = []
    for t, step in enumerate(gradients, start=1):
        parameters, states = update(parameters, [convert(g) for g in step], states, count(t))
        path.append(parameters)
    return [np.stack(shape) for shape in zip(*path, strict=True)]


def assert_same_path(case, dtype, kind, rtol):
    """Differ by no more than `rtol` of how far a parameter goes, and its rounding each update."""
    starts, _ = problem(CASES[case][0], dtype)
    pairs = zip(our_path(case, dtype, kind), keras_path(case, dtype), starts, strict=True)
    for ours, theirs, start in pairs:
        assert ours.dtype == theirs.dtype == dtype
        reach = np.abs(theirs - start).max(axis=0)
        rounding = STEPS[dtype] * np.finfo(dtype).eps * np.abs(theirs).max(axis=0)
        assert np.all(reach > 0)
        assert np.max(np.abs(ours - theirs) / (rtol * reach + rounding)) <= 1


@pytest.mark.parametrize("kind", ["numpy", "tensorflow", "xla"])
@pytest.mark.parametrize("case", CASES)
def test_takes_the_steps_of_keras(case, kind):
    assert_same_path(case, "float32", kind, rtol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_takes_the_steps_of_keras_in_double_precision(case):
    # Keras' Nadam has its 0.96 once in double and once in single precision even then.
    assert_same_path(case, "float64", "numpy", rtol=1e-6 if "nadam" in case else 1e-12)


@pytest.mark.parametrize("case", [case for case, (_, hyper, _, _) in CASES.items() if not hyper])
def test_has_the_defaults_of_keras(case):
    rule, _, optimizer, beyond = CASES[case]
    config = optimizer(**beyond).get_config()
    for name, value in defaults(rule).items():
        assert config[name] == pytest.approx(value, rel=1e-7)
    if rule == "adagrad":
        assert initial_state(RULES[rule], 0.0) == (config["initial_accumulator_value"],)


@pytest.mark.skipif(not hasattr(keras.optimizers, "Muon"), reason="this Keras has no Muon")
@pytest.mark.parametrize("kind", ["numpy", "xla"])
@pytest.mark.parametrize("shape", [(2, 5), (5, 2), (4, 4), (1, 3)])
def test_muon_takes_the_steps_of_keras(shape, kind):
    generator = np.random.default_rng(2)
    gradients = generator.normal(size=(6, *shape)).astype("float32")
    numbers = {"learning_rate": 0.125, "momentum": 0.75, "rms_rate": 0.5}
    variable = Variable(np.zeros(shape, "float32"))
    optimizer = keras.optimizers.Muon(weight_decay=None, **numbers)
    convert, update = np.asarray, functools.partial(muon, **numbers)
    if kind == "xla":
        convert, update = tf.constant, tf.function(update, jit_compile=True)
    place = convert(np.zeros(shape, "float32"))
    state = initial_state(muon, place)
    for t, gradient in enumerate(gradients, start=1):
        optimizer.apply([tf.constant(gradient)], [variable])
        change, state = update(convert(gradient), state, t)
        place = place + change
        # a step has entries of about 0.125 * 0.5, and its matrix products round
        np.testing.assert_allclose(place, variable, 0, 1e-5 * t)


def test_muon_treats_stacked_matrices_one_by_one():
    generator = np.random.default_rng(3)
    gradient = generator.normal(size=(3, 2, 5))
    rates = np.array([0.001, 0.1, 1.0])[:, None, None]
    change, _ = muon(gradient, initial_state(muon, gradient), 1, rates)
    for one, rate, whole in zip(gradient, rates.ravel(), change, strict=True):
        alone, _ = muon(one, initial_state(muon, one), 1, rate)
        np.testing.assert_allclose(whole, alone, 1e-12)


def test_orthogonalized_keeps_the_singular_vectors():
    x = np.random.default_rng(4).normal(size=(6, 3))
    u, _, v = np.linalg.svd(x, full_matrices=False)
    among = u.T @ orthogonalized(x) @ v.T
    values = np.diag(among)
    np.testing.assert_allclose(among, np.diag(values), atol=1e-9)
    assert ((values > 0.6) & (values < 1.3)).all()


def test_first_steps_by_hand():
    gradient = np.array([2.0, -4.0])
    np.testing.assert_allclose(sgd(gradient, (), 1, learning_rate=0.1)[0], [-0.2, 0.4])
    # velocity 0.5 * 1 - 0.1 * gradient
    state = (np.ones(2),)
    change, (velocity,) = momentum(gradient, state, 1, learning_rate=0.1, momentum=0.5)
    np.testing.assert_allclose(change, [0.3, 0.9])
    np.testing.assert_allclose(velocity, [0.3, 0.9])
    # and once more: 0.5 * velocity - 0.1 * gradient
    change, (velocity,) = nesterov(gradient, state, 1, learning_rate=0.1, momentum=0.5)
    np.testing.assert_allclose(change, [-0.05, 0.85])
    np.testing.assert_allclose(velocity, [0.3, 0.9])
    # m = 0.5 * gradient and v = 0.25 * gradient², corrected: gradient and gradient²; epsilon
    # is added to the uncorrected root 0.5 * |gradient|, so it counts twice
    change, (m, v) = adam(
        gradient,
        initial_state("adam", gradient),
        1,
        learning_rate=0.1,
        beta_1=0.5,
        beta_2=0.75,
        epsilon=1.0,
    )
    np.testing.assert_allclose(change, [-0.1 * 2 / (2 + 2), 0.1 * 4 / (4 + 2)])
    np.testing.assert_allclose(m, [1.0, -2.0])
    np.testing.assert_allclose(v, [1.0, 4.0])


@pytest.mark.parametrize("rule", [momentum, nesterov])
def test_a_momentum_of_zero_is_plain_descent(rule):
    gradient, velocity = np.random.default_rng(1).normal(size=(2, 4))
    change, _ = rule(gradient, (velocity,), 1, momentum=0.0)
    np.testing.assert_array_equal(change, sgd(gradient, (), 1)[0])


def test_nesterov_looks_where_it_is_going():
    # The textbook's way, on the loss x²: the gradient at place + momentum * velocity.
    place, velocity = 1.0, 0.0
    parameter, state = 1.0, initial_state("nesterov", 1.0)
    for t in range(1, 20):
        velocity = 0.9 * velocity - 0.1 * 2 * (place + 0.9 * velocity)
        place = place + velocity
        change, state = nesterov(2 * parameter, state, t, learning_rate=0.1, momentum=0.9)
        parameter = parameter + change
        assert parameter == pytest.approx(place + 0.9 * velocity)


PER_RUN = {
    "learning_rate": [0.001, 0.1, 1.0],
    "momentum": [0.0, 0.5, 0.9],
    "rho": [0.9, 0.95, 0.5],
    "beta_1": [0.9, 0.8, 0.0],
    "beta_2": [0.999, 0.9, 0.5],
    "epsilon": [1e-7, 1e-3, 0.1],
    "weight_decay": [0.0, 0.004, 0.3],
    "learning_rate_power": [-0.5, -0.6, 0.0],
    "l1_regularization_strength": [0.0, 0.01, 0.1],
}


@pytest.mark.parametrize("kind", ["numpy", "xla"])
@pytest.mark.parametrize("rule", RULES)
def test_one_value_per_run_is_the_runs_separately(rule, kind):
    generator = np.random.default_rng(3)
    runs, steps = 3, 4
    parameter = generator.normal(size=(runs, 2, 5))
    gradients = generator.normal(size=(steps, runs, 2, 5))
    hyper = {name: np.array(PER_RUN[name]) for name in defaults(rule) if name in PER_RUN}
    # A run may be some updates ahead of another.
    first = np.array([1, 3, 10])
    centered = {"centered": True} if rule == "rmsprop" else {}

    def train(parameter, gradients, state, first, hyper):
        for step in range(steps):
            extra = {"parameter": parameter} if RULES[rule] in WITH_PARAMETER else {}
            change, state = RULES[rule](
                gradients[step], state, first + step, **hyper, **extra, **centered
            )
            parameter = parameter + change
        return parameter

    each = [
        train(
            parameter[r],
            gradients[:, r],
            initial_state(RULES[rule], parameter[r]),
            int(first[r]),
            {name: float(h[r]) for name, h in hyper.items()},
        )
        for r in range(runs)
    ]
    convert = np.asarray
    if kind == "xla":
        convert, train = tf.constant, tf.function(train, jit_compile=True)
    parameter, gradients, first = convert(parameter), convert(gradients), convert(first)
    together = train(
        parameter,
        gradients,
        initial_state(RULES[rule], parameter),
        first[:, None, None],
        {name: convert(h)[:, None, None] for name, h in hyper.items()},
    )
    np.testing.assert_allclose(together, each, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_writes_nothing_in_place(rule):
    generator = np.random.default_rng(5)
    gradient, parameter = generator.normal(size=(2, 4))
    state = tuple(generator.uniform(0.1, 0.5, size=4) for _ in STATES[RULES[rule]])
    given = (gradient, parameter, *state)
    before = [x.copy() for x in given]
    for x in given:
        x.setflags(write=False)
    extra = {"parameter": parameter} if RULES[rule] in WITH_PARAMETER else {}
    change, new = RULES[rule](gradient, state, 3, **extra)
    again, _ = RULES[rule](gradient, state, 3, **extra)
    np.testing.assert_array_equal(change, again)
    for x, y in zip(given, before, strict=True):
        np.testing.assert_array_equal(x, y)
    assert isinstance(new, tuple)
    assert len(new) == len(state)


@pytest.mark.parametrize("t", [2, 2.0, np.int64(2), np.float64(2), np.array(2), tf.constant(2)])
@pytest.mark.parametrize("rule", RULES)
def test_keeps_the_dtype_whatever_counts_the_updates(rule, t):
    convert = tf.constant if tf.is_tensor(t) else np.asarray
    gradient = convert(np.array([0.5, -2.0], "float32"))
    extra = {"parameter": gradient} if RULES[rule] in WITH_PARAMETER else {}
    expected, _ = RULES[rule](gradient, initial_state(RULES[rule], gradient), 2, **extra)
    change, state = RULES[rule](gradient, initial_state(RULES[rule], gradient), t, **extra)
    assert all(x.dtype == "float32" and x.shape == (2,) for x in (change, *state))
    np.testing.assert_array_equal(change, expected)


@pytest.mark.parametrize("rule", RULES)
def test_initial_state_is_like_the_parameter(rule):
    parts = STATES[RULES[rule]]
    for parameter in (np.ones((2, 3), "float32"), tf.ones((2, 3)), tf.Variable(tf.ones((2, 3)))):
        state = initial_state(RULES[rule], parameter)
        assert isinstance(state, tuple)
        assert len(state) == len(parts)
        for x, value in zip(state, parts.values(), strict=True):
            assert x.dtype == "float32"
            assert tf.is_tensor(x) == tf.is_tensor(parameter)
            np.testing.assert_array_equal(x, np.full((2, 3), value, "float32"))
    (whole,) = initial_state(RULES["adagrad"], np.array([1, 2]))
    assert whole.dtype == "float64"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_initial_state_does_not_depend_on_the_library(dtype):
    x = np.zeros(2, dtype)
    np.testing.assert_array_equal(
        initial_state("adagrad", tf.constant(x)), [[x.dtype.type(0.1)] * 2]
    )


def test_initial_state_per_run():
    start = np.array([0.1, 0.5])[:, None]
    for parameter in (np.zeros((2, 3), "float32"), tf.zeros((2, 3))):
        (state,) = initial_state("adagrad", parameter, accumulator=start)
        assert state.dtype == "float32"
        np.testing.assert_allclose(state, np.repeat(start, 3, axis=1))


@pytest.mark.parametrize(
    ("rule", "nearest"),
    [("adm", "adam"), ("RMSProp", "rmsprop"), ("Nesterof", "nesterov"), ("SGD", "sgd")],
)
def test_an_unknown_rule_gets_the_nearest_name(rule, nearest):
    with pytest.raises(ValueError, match=f"update rule {rule!r}: did you mean {nearest!r}"):
        initial_state(rule, np.zeros(2))


@pytest.mark.parametrize("rule", ["xyz", None, 3, ["adam"], Adam, np.add])
def test_what_is_no_rule_is_refused(rule):
    with pytest.raises(ValueError, match="unknown update rule .* Known are: sgd, momentum"):
        initial_state(rule, np.zeros(2))


def test_an_unknown_part_of_the_state_is_refused():
    with pytest.raises(ValueError, match="'acumulator': did you mean 'accumulator'"):
        initial_state("adagrad", np.zeros(2), acumulator=0.5)
    with pytest.raises(ValueError, match="part of sgd's state 'velocity': Known are: none"):
        initial_state("sgd", np.zeros(2), velocity=0.5)
