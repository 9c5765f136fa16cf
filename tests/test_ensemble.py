"""The ensemble yields what `model.fit` yields, run by run.

Both engines compute here in double precision, over few updates: two programs round differently,
on every processor in its own way, and in float32 such a difference grows with every update to a
size at which a wrong formula would hide. How far float32 may drift is measured where it is judged
(`test_float32_drifts_no_further_than_its_rounding`).
"""

import functools
import importlib
import math

import keras
import numpy as np
import pytest
from keras.callbacks import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau
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
from scipy import stats

import optlab as ol
from optlab import chunk, ensemble, exact, program
from optlab import plan as planning

pytestmark = pytest.mark.slow

sweeping = importlib.import_module("optlab.sweep")  # the name optlab.sweep is the function

SEEDS = [3, 11]


def compute_in(precision):
    keras.config.set_floatx(precision)
    keras.config.set_dtype_policy(precision)


@pytest.fixture(autouse=True)
def double_precision():
    compute_in("float64")
    yield
    compute_in("float32")


@pytest.fixture
def single_precision(double_precision):
    compute_in("float32")


@pytest.fixture(scope="module")
def blobs():
    return ol.load_blobs(draw=0)


@pytest.fixture(scope="module")
def digits():
    return ol.load_mnist(train=200, val=40, test=40, stand_in="digits")


def plan(data, settings=None, model=ol.blobs_mlp, every=None, test=False, **given):
    """Plan a sweep as `sweep` does."""
    parts = dict.fromkeys(("optimizer", "callbacks", "schedule", "epochs", "updates"))
    parts |= {"model": model, "data": data, "batch_size": 16} | given
    cache = {}
    _, values = planning.read_settings(settings)
    return [planning.make_plan({**parts, **v}, v, every, test, cache) for v in values]


def fit(plan, seed):
    """Train by `model.fit`, not compiled by XLA, which takes longer than a few updates."""
    compile = keras.Model.compile
    keras.Model.compile = functools.partialmethod(compile, jit_compile=False)
    try:
        return sweeping.fit(plan, seed)
    finally:
        keras.Model.compile = compile


def check_equal(found, expected, tolerance=1e-8):
    """Compare two runs: each metric, then each weight relative to the largest of its array."""
    assert found.keys() == expected.keys()
    for name in sorted(expected.keys() - {"weights"}):
        np.testing.assert_allclose(found[name], expected[name], tolerance, tolerance, err_msg=name)
    for one, other in zip(found["weights"], expected["weights"], strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, 0, tolerance * np.abs(other).max())


def check_engines(plans, seeds=(3,), tolerance=1e-8):
    """Train by both engines, compare run by run, and return the ensemble's results."""
    assert ensemble.refusals(plans) == [None] * len(plans)
    results = ensemble.train(plans, seeds)
    assert results.keys() == {(i, seed) for i in range(len(plans)) for seed in seeds}
    for (i, seed), found in results.items():
        check_equal(found, fit(plans[i], seed), tolerance)
    return results


# ---- optimizers ------------------------------------------------------------------------------

# Keras takes some of these numbers through float32 even where it computes in float64: sums of few
# powers of two are the same in both. The defaults, which are not, are judged in float32 (DEFAULTS).
BETAS = {"beta_1": 0.875, "beta_2": 0.96875}
FAMILIES = {
    "SGD": {
        "plain": lambda: SGD(0.005),
        "momentum": lambda: SGD(0.001, momentum=0.875),
        "nesterov": lambda: SGD(0.001, momentum=0.875, nesterov=True),
        "nesterov without momentum": lambda: SGD(0.005, nesterov=True),
        "decay": lambda: SGD(0.005, momentum=0.5, weight_decay=4.0),
        "clipped weights": lambda: SGD(0.05, momentum=0.5, clipnorm=0.125),
        "clipped more": lambda: SGD(0.05, momentum=0.5, clipnorm=0.03125),
        "clipped values": lambda: SGD(0.05, clipvalue=0.015625, weight_decay=0.5),
        "clipped as one": lambda: SGD(0.05, global_clipnorm=0.125),
    },
    "Adagrad": {
        "default": lambda: Adagrad(0.1),
        "other start": lambda: Adagrad(0.1, initial_accumulator_value=1.0),
        "other epsilon": lambda: Adagrad(0.1, epsilon=0.1),
    },
    "Adadelta": {
        "default": lambda: Adadelta(0.3),
        "other": lambda: Adadelta(0.1, rho=0.75, epsilon=1e-3),
    },
    "RMSprop": {
        "default": lambda: RMSprop(0.003),
        "momentum": lambda: RMSprop(0.001, rho=0.75, momentum=0.875, epsilon=1e-2),
        "centered": lambda: RMSprop(0.003, centered=True, epsilon=1e-2),
        "centered momentum": lambda: RMSprop(0.001, centered=True, momentum=0.5, epsilon=1e-2),
    },
    "Adam": {
        "default epsilon": lambda: Adam(0.003, **BETAS),
        "other": lambda: Adam(0.01, beta_1=0.75, beta_2=0.96875, epsilon=0.1),
        "decay": lambda: Adam(0.003, weight_decay=2.0, **BETAS),
        "amsgrad": lambda: Adam(0.003, amsgrad=True, beta_1=0.5, beta_2=0.5),
    },
    "AdamW": {
        "default epsilon": lambda: AdamW(0.003, weight_decay=0.125, **BETAS),
        "other": lambda: AdamW(0.01, weight_decay=0.5, beta_1=0.75, beta_2=0.5, epsilon=0.1),
        "no decay": lambda: AdamW(0.003, weight_decay=0.0, **BETAS),
        "amsgrad": lambda: AdamW(0.003, amsgrad=True, weight_decay=2.0, beta_1=0.5, beta_2=0.5),
    },
    "Adamax": {
        "default epsilon": lambda: Adamax(0.003, **BETAS),
        "other": lambda: Adamax(0.01, beta_1=0.75, beta_2=0.875, epsilon=0.1),
    },
    "Nadam": {
        "default epsilon": lambda: Nadam(0.003, **BETAS),
        "other": lambda: Nadam(0.01, beta_1=0.75, beta_2=0.96875, epsilon=0.1),
    },
    "Lamb": {
        "default": lambda: Lamb(0.005, epsilon=2.0**-10, **BETAS),
        "other": lambda: Lamb(0.01, beta_1=0.5, beta_2=0.75, epsilon=0.125, weight_decay=2.0),
    },
    "Ftrl": {
        "default": lambda: Ftrl(0.0625, beta=0.5, initial_accumulator_value=0.125),
        "other": lambda: Ftrl(
            0.0625,
            learning_rate_power=-0.75,
            l1_regularization_strength=2.0**-7,
            l2_regularization_strength=2.0**-7,
            l2_shrinkage_regularization_strength=2.0**-5,
        ),
    },
    "Lion": {
        "default": lambda: Lion(0.0003, beta_1=0.875, beta_2=0.96875),
        "other": lambda: Lion(0.001, beta_1=0.5, beta_2=0.75, weight_decay=2.0),
    },
}
DEFAULTS = {
    "SGD": lambda: SGD(0.001, momentum=0.9),
    "Adagrad": lambda: Adagrad(0.1),
    "Adadelta": lambda: Adadelta(0.3),
    "RMSprop": lambda: RMSprop(0.003),
    "Adam": lambda: Adam(0.003),
    "AdamW": lambda: AdamW(0.003),
    "Adamax": lambda: Adamax(0.003),
    "Nadam": lambda: Nadam(0.003),
    "Lion": lambda: Lion(0.0003),
    "Lamb": lambda: Lamb(0.005),
    "Ftrl": lambda: Ftrl(0.05),
}


if hasattr(keras.optimizers, "Muon"):  # from Keras 3.10
    Muon = keras.optimizers.Muon
    DEFAULTS["Muon"] = lambda: Muon(0.001, weight_decay=0.5, adam_weight_decay=0.5)


def adam(learning_rate):
    """Return an Adam that is the same in both engines to the last digit."""
    return Adam(learning_rate, **BETAS)


@pytest.mark.parametrize("family", FAMILIES)
def test_optimizers(blobs, family):
    # 500 = 7 * 64 + 52: 16 updates, 2 of them on the short last batch
    plans = plan(blobs, {"optimizer": FAMILIES[family]}, epochs=2, batch_size=64)
    # Nadam has a 0.96 of its own, which Keras takes through float32
    check_engines(plans, tolerance=1e-6 if family == "Nadam" else 1e-8)


@pytest.mark.skipif("Muon" not in DEFAULTS, reason="this Keras has no Muon")
@pytest.mark.parametrize(
    ("option", "value"),
    [("ns_steps", 3), ("nesterov", False), ("muon_a", 3.0), ("adam_lr_ratio", 0.5),
     ("adam_weight_decay", 1.0), ("exclude_layers", ["dense"]), ("rms_rate", None)],
)  # fmt: skip
def test_a_muon_of_another_kind_is_refused(option, value):
    assert exact.refuse_optimizer(Muon(**{option: value})).endswith(f"another {option}.")
    assert exact.refuse_optimizer(Muon(weight_decay=0.5, adam_weight_decay=0.5)) is None


def test_every_rule_is_compared():
    assert {cls.__name__ for cls in exact.RULES} == DEFAULTS.keys()
    assert DEFAULTS.keys() - FAMILIES.keys() <= {"Muon"}  # which Keras has in float32 only


# ---- the learning rate -----------------------------------------------------------------------

SCHEDULES = {
    "constant": lambda per, n: ol.constant(0.05, per=per),
    "time-based": lambda per, n: ol.time_based(0.1, decay=5 / n, per=per),
    "step": lambda per, n: ol.step(0.1, factor=0.5, every=n // 3, per=per),
    "shifted step": lambda per, n: ol.step(0.1, factor=0.5, every=n // 3, per=per, shift=1),
    "exponential": lambda per, n: ol.exponential(0.1, rate=3 / n, per=per),
    "growing": lambda per, n: ol.exponential(0.001, rate=-3 / n, per=per),
    "cosine": lambda per, n: ol.cosine(0.1, steps=n, per=per, final=0.001),
    "warm-up": lambda per, n: ol.warmup_cosine(0.1, warmup=n // 3, steps=n, per=per),
    "one cycle": lambda per, n: ol.one_cycle(0.1, steps=n, per=per),
}


@pytest.mark.parametrize("per", ["update", "epoch"])
def test_schedules(blobs, per):
    steps = {"update": 6 * 4, "epoch": 6}[per]
    names = SCHEDULES if per == "update" else ("time-based", "shifted step", "one cycle")
    schedules = {name: SCHEDULES[name](per, steps) for name in names}
    plans = plan(
        blobs, {"schedule": schedules}, optimizer=lambda: SGD(0.7, momentum=0.5), epochs=6,
        batch_size=128,
    )  # fmt: skip
    results = check_engines(plans, tolerance=1e-6)  # Keras computes the rates in float32
    for i, schedule in enumerate(schedules.values()):  # the rate is that of the last update
        last = [4 * epoch + 3 if per == "update" else epoch for epoch in range(6)]
        rates = [schedule(step) for step in last]
        np.testing.assert_allclose(results[i, 3]["learning_rate"], rates, 1e-5, 1e-9)


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """A student's own schedule, which Keras could not save."""

    def __call__(self, step):
        return 0.1 * 0.5 ** keras.ops.cast(step // 10, "float32")


def test_keras_schedules_in_the_optimizer(blobs):
    schedules = keras.optimizers.schedules
    optimizers = {
        "decay": lambda: SGD(schedules.ExponentialDecay(0.1, 5, 0.9)),
        "pieces": lambda: SGD(schedules.PiecewiseConstantDecay([5, 17], [0.1, 0.05, 0.01])),
        "optlab's": lambda: SGD(ol.cosine(0.1, steps=24, per="update").for_optimizer()),
        "own": lambda: SGD(Halving()),
        "number": lambda: SGD(0.1),
        "Adam": lambda: adam(schedules.CosineDecay(0.01, 20, warmup_target=0.02, warmup_steps=4)),
    }
    # rates in float32, which each engine rounds in its own way
    check_engines(plan(blobs, {"optimizer": optimizers}, epochs=6, batch_size=128), tolerance=1e-6)


def test_learning_rates_side_by_side(blobs):
    plans = plan(blobs, {"learning_rate": [0.01, 0.003, 0.001]}, optimizer=SGD, epochs=2)
    check_engines(plans, SEEDS)


# ---- callbacks -------------------------------------------------------------------------------

CALLBACKS = {
    "none": lambda: [],
    "plateau": lambda: [ReduceLROnPlateau(patience=1, factor=0.3, min_delta=1000)],
    "plateau to a minimum": lambda: [
        ReduceLROnPlateau(patience=1, factor=0.1, min_delta=1000, cooldown=1, min_lr=3e-3)
    ],
    "plateau of accuracy": lambda: [ReduceLROnPlateau("val_accuracy", patience=1, min_delta=0.05)],
    "stop": lambda: [EarlyStopping(patience=2, min_delta=1000)],
    "stop and restore": lambda: [
        EarlyStopping(patience=2, min_delta=1000, restore_best_weights=True)
    ],
    "stop by accuracy": lambda: [
        EarlyStopping("val_accuracy", patience=0, min_delta=0.02, restore_best_weights=True)
    ],
    "never stop, restore": lambda: [
        EarlyStopping("accuracy", patience=99, restore_best_weights=True)
    ],
    "scheduler": lambda: [LearningRateScheduler(lambda epoch, rate: rate / (1 + epoch))],
    "scheduler of optlab": lambda: [
        LearningRateScheduler(ol.step(0.1, factor=0.1, every=2, per="epoch").for_callback())
    ],
    "two, and the monitor": lambda: [
        ReduceLROnPlateau("loss", patience=1, min_delta=0.1),
        EarlyStopping("loss", patience=3, min_delta=0.1),
        ol.LearningRateMonitor(),
    ],
}


def test_callbacks(blobs):
    settings = {"callbacks": CALLBACKS}
    plans = plan(blobs, settings, optimizer=lambda: SGD(0.1), batch_size=128, epochs=6)
    results = check_engines(plans)
    lengths = {name: len(results[i, 3]["loss"]) for i, name in enumerate(CALLBACKS)}
    assert lengths["none"] == lengths["plateau"] == 6
    assert lengths["stop"] == lengths["stop and restore"] == 3
    rates = {name: results[i, 3]["learning_rate"] for i, name in enumerate(CALLBACKS)}
    np.testing.assert_allclose(rates["plateau"][:4], [0.1, 0.1, 0.03, 0.009], 1e-5)
    assert rates["plateau to a minimum"][-1] == pytest.approx(3e-3)
    # best was the first epoch, two before the last
    i, j = [*CALLBACKS].index("stop"), [*CALLBACKS].index("stop and restore")
    assert not np.allclose(results[i, 3]["weights"][0], results[j, 3]["weights"][0], 1e-3)


def test_callbacks_act_at_every_look(blobs):
    settings = {"callbacks": {k: CALLBACKS[k] for k in ("plateau", "stop and restore")}}
    plans = plan(blobs, settings, optimizer=lambda: SGD(0.01), batch_size=64, updates=66, every=11)
    results = check_engines(plans)
    assert [len(results[i, 3]["loss"]) for i in (0, 1)] == [6, 3]


# ---- data and models -------------------------------------------------------------------------


def test_batch_sizes(blobs):
    # 500 = 7 * 71 + 3 = 10 * 50 = 499 + 1
    plans = plan(blobs, {"batch_size": [7, 50, 499]}, optimizer=lambda: SGD(0.005), epochs=1)
    check_engines(plans)


@pytest.mark.parametrize("every", [13, 40])
def test_updates(blobs, every):
    """Looks begin and end anywhere in an epoch of 8 updates, or span five epochs."""
    check_engines(
        plan(blobs, optimizer=lambda: adam(0.01), batch_size=64, updates=2 * every, every=every)
    )


def test_one_hot_labels(blobs):
    plans = plan(blobs.one_hot(), {"learning_rate": [0.003, 0.001]}, optimizer=SGD, epochs=2)
    results = check_engines(plans)
    plain = plan(blobs, {"learning_rate": [0.003, 0.001]}, optimizer=SGD, epochs=2)
    plain = ensemble.train(plain, [3])
    for run, result in plain.items():
        check_equal(results[run], result)


def test_images_l2_and_test_set(digits):
    # 200 = 3 * 64 + 8
    plans = plan(
        digits,
        {"l2": [0.0, 0.01], "hidden": [(8, 8)]},
        model=ol.mnist_mlp, optimizer=lambda: SGD(0.05, momentum=0.875), epochs=2, batch_size=64,
        test=True,
    )  # fmt: skip
    results = check_engines(plans, SEEDS)
    assert {"test_loss", "test_accuracy"} <= results[0, 3].keys()


def test_test_metrics_are_of_the_last_or_the_restored_weights(blobs):
    callbacks = {"stop": CALLBACKS["stop"], "restore": CALLBACKS["stop and restore"]}
    plans = plan(
        blobs, {"callbacks": callbacks}, optimizer=lambda: SGD(0.1), epochs=5, batch_size=100,
        test=True,
    )  # fmt: skip
    results = check_engines(plans)
    assert results[0, 3]["test_loss"] != pytest.approx(results[1, 3]["test_loss"], rel=1e-3)


def test_without_a_validation_set(blobs):
    results = check_engines(plan(blobs.join_val(), optimizer=lambda: SGD(0.1), epochs=2))
    assert "val_loss" not in results[0, 3]


def test_layers_that_have_equal_settings_are_told_apart(digits):
    def pool(layer):
        inputs = [keras.Input((28, 28)), layer(7), keras.layers.Flatten()]
        return keras.Sequential([*inputs, keras.layers.Dense(10, "softmax")])

    layers = {"max": keras.layers.MaxPooling1D, "mean": keras.layers.AveragePooling1D}
    models = {name: lambda layer=layer: pool(layer) for name, layer in layers.items()}
    plans = plan(digits, {"model": models}, optimizer=lambda: SGD(0.1), epochs=2, batch_size=64)
    results = check_engines(plans)
    assert not np.allclose(results[0, 3]["loss"], results[1, 3]["loss"], 1e-3)


def test_functions_of_ones_own_and_other_ways_to_build(blobs):
    dense = keras.layers.Dense

    def own(x):
        return x * x

    def wired():
        x = inputs = keras.Input((2,))
        x = dense(5, "relu")(x)
        x = keras.layers.Multiply()([dense(5)(x), x])
        return keras.Model(inputs, dense(3, "softmax")(x))

    def added():
        x = inputs = keras.Input((2,))
        x = dense(5, "relu")(x)
        x = keras.layers.Add()([dense(5)(x), x])
        return keras.Model(inputs, dense(3, "softmax")(x))

    models = {
        "own activation": lambda: keras.Sequential([dense(5, own), dense(3, "softmax")]),
        "nested": lambda: keras.Sequential(
            [
                keras.Sequential([dense(5, "tanh")]),
                dense(3),
                keras.layers.Softmax(),
            ]
        ),
        "multiplied": wired,
        "added": added,
    }
    check_engines(
        plan(blobs, {"model": models}, optimizer=lambda: SGD(0.001), epochs=2, batch_size=100)
    )


def test_a_function_that_changes_is_not_mistaken_for_its_former_self(blobs):
    """As in a notebook whose cell is changed and run again."""
    losses = []
    for factor in (1.0, 3.0):

        def scaled(x, factor=factor):
            return factor * x

        def build(scaled=scaled):
            return keras.Sequential(
                [keras.layers.Dense(5, scaled), keras.layers.Dense(3, "softmax")]
            )

        plans = plan(blobs, model=build, optimizer=lambda: SGD(0.01), epochs=1, batch_size=500)
        losses.append(ensemble.train(plans, [3])[0, 3]["loss"])
    assert not np.allclose(*losses, 1e-3)


# ---- shapes and chunks -----------------------------------------------------------------------


@pytest.mark.parametrize("settings, seeds", [(1, 1), (1, 2), (2, 1)])
def test_one_of_a_kind(blobs, settings, seeds):
    rates = [0.01, 0.001][:settings]
    plans = plan(blobs, {"learning_rate": rates}, optimizer=adam, epochs=2, batch_size=64)
    check_engines(plans, [*range(seeds)])


def test_chunks_change_nothing(blobs):
    settings = {"learning_rate": [0.01, 0.001]}
    plans = plan(blobs, settings, optimizer=adam, epochs=2, batch_size=100)
    whole = ensemble.train(plans, [0, 1, 2])
    small = ensemble.train(plans, [0, 1, 2], max_memory=1)
    assert whole.keys() == small.keys()
    for run, result in whole.items():
        check_equal(small[run], result)


@pytest.mark.parametrize("budget", [{"epochs": 7}, {"updates": 21, "every": 3}])
def test_however_many_updates_one_call_makes_the_result_is_the_same(blobs, monkeypatch, budget):
    found = []
    for updates in (4, 16, 64):  # an epoch has 4, a look 3 or 4
        monkeypatch.setattr(chunk, "updates_a_call", lambda plan, runs, n=updates: n)
        plans = plan(
            blobs, optimizer=lambda: adam(0.01), batch_size=150,
            schedule=ol.cosine(0.1, steps=20, per="update"), **{"every": None} | budget,
        )  # fmt: skip
        found.append(ensemble.train(plans, [0, 1]))
    for other in found[1:]:
        for run, result in other.items():
            check_equal(result, found[0][run])


def test_chunks_hold_every_run_once_and_fit_into_memory(blobs):
    plans = plan(blobs, {"learning_rate": [0.1, 0.2, 0.3, 0.4, 0.5]}, optimizer=SGD, epochs=1)
    plans += plan(blobs, {"learning_rate": [0.1, 0.2]}, optimizer=SGD, epochs=1, batch_size=250)
    for seeds in (1, 2, 5, 20):
        for memory in (1, 2_000_000, 10_000_000, 2**40):
            chunks = ensemble._chunks(plans, [*range(seeds)], memory)
            runs = [run for chunk in chunks for run in chunk.runs]
            assert sorted(runs) == [(i, s) for i in range(7) for s in range(seeds)]
            assert all(len(chunk.runs) <= chunk.width <= program.RUNS for chunk in chunks)
            assert all(len({p.batch_size for p in chunk.plans}) == 1 for chunk in chunks)
            if memory == 1:
                assert len(chunks) == 7 * seeds


def test_chunks_do_not_depend_on_the_cores(blobs, monkeypatch):
    plans = plan(blobs, {"learning_rate": [0.1, 0.2, 0.3]}, optimizer=SGD, epochs=1)
    found = []
    for cores in (1, 2, 64):
        monkeypatch.setattr(ensemble.joblib, "cpu_count", lambda n=cores: n)
        found.append([chunk.runs for chunk in ensemble._chunks(plans, [*range(9)], 2**30)])
    assert found[0] == found[1] == found[2]


def test_a_large_set_is_evaluated_in_slices(blobs, monkeypatch):
    data = ol.load_blobs(draw=0)
    plans = plan(data, optimizer=SGD, epochs=1, batch_size=500, test=True)
    whole = ensemble.train(plans, [3])[0, 3]
    monkeypatch.setattr(program, "SLICE", 137)  # 500 and 20,000 are no multiples
    monkeypatch.setattr(program, "_programs", type(program._programs)())
    check_equal(ensemble.train(plans, [3])[0, 3], whole)


# ---- the edges of equality -------------------------------------------------------------------


@pytest.mark.parametrize("family", DEFAULTS)
def test_float32_drifts_no_further_than_its_rounding(single_precision, blobs, family):
    """Long runs in float32, against what a disturbance of the size of a rounding does to them."""
    optimizer = DEFAULTS[family]

    def disturbed(draw):
        model = ol.blobs_mlp()
        rng = np.random.default_rng(draw)
        if draw:
            model.set_weights(
                [w * (1 + 2.0**-23 * rng.standard_normal(w.shape)) for w in model.get_weights()]
            )
        return model

    plans = plan(blobs, {"draw": [*range(8)]}, model=disturbed, optimizer=optimizer, epochs=8)
    runs = ensemble.train(plans, [3])
    keras = fit(plans[0], 3)  # 256 updates by other programs, which round after each in their way
    for name in ("loss", "val_loss"):
        found = runs[0, 3][name]
        drift = max(np.abs(runs[i, 3][name] - found).max() for i in range(1, 8))
        assert np.abs(keras[name] - found).max() <= 30 * (drift + 2.0**-23 * found.max()), name


def test_chaos_is_compared_over_the_first_updates_only(blobs):
    """At a rate of 1 Adam doubles the difference of two roundings every update or so."""
    settings = {"learning_rate": [1.0, 0.3]}
    plans = plan(blobs, settings, optimizer=adam, updates=5, every=1, batch_size=250)
    check_engines(plans)


def test_a_diverged_run_is_nan_in_both_and_harms_no_neighbour(blobs):
    settings = {"learning_rate": [1e30, 0.01]}
    plans = plan(blobs, settings, optimizer=SGD, epochs=3, batch_size=100)
    results = ensemble.train(plans, SEEDS)
    alone = ensemble.train(plans[1:], SEEDS)
    for seed in SEEDS:
        bad, good = results[0, seed], results[1, seed]
        expected = fit(plans[0], seed)
        assert math.isnan(bad["loss"][-1]) and math.isnan(expected["loss"][-1])
        np.testing.assert_array_equal(np.isnan(bad["val_loss"]), np.isnan(expected["val_loss"]))
        np.testing.assert_allclose(bad["val_accuracy"], expected["val_accuracy"])
        check_equal(good, alone[0, seed])
        check_equal(good, fit(plans[1], seed))


def compiled():
    """Return how many programs were compiled, of all kinds and shapes."""
    return sum(len(one._compiled) for one in program._programs.values())


def test_the_same_program_serves_the_next_sweep(blobs):
    """Whatever its rates, seeds, settings, epochs, looks and schedules."""
    common = {"optimizer": SGD, "batch_size": 250}
    plans = plan(blobs, {"learning_rate": [0.1, 0.01]}, epochs=1, **common)
    first = ensemble.train(plans, [*range(10)])
    known = compiled()
    again = plan(blobs, {"learning_rate": [0.5, 0.01]}, epochs=1, **common)
    second = ensemble.train(again, [*range(10)])
    np.testing.assert_array_equal(first[1, 3]["weights"][0], second[1, 3]["weights"][0])
    for settings, seeds, given in (
        ({"learning_rate": [1.0, 0.1, 0.01]}, 7, {"epochs": 3}),
        ({"learning_rate": [0.1], "momentum": [0.0, 0.5, 0.9]}, 25, {"updates": 9, "every": 3}),
        ({"schedule": {"a": ol.constant(0.1), "b": None}}, 11, {"epochs": 2}),
    ):
        if "momentum" in settings:
            given["optimizer"] = lambda learning_rate, momentum: SGD(learning_rate, momentum)
        ensemble.train(plan(blobs, settings, **common | given), [*range(seeds)])
    assert compiled() == known


def test_models_wired_by_hand_are_known_by_their_structure():
    dense, add = keras.layers.Dense, keras.layers.Add

    def wired(units=5, twice=False, activation="relu"):
        x = inputs = keras.Input((2,))
        x = dense(units, activation)(x)
        one, other = dense(units), dense(units)
        x = add()([one(x), x]) if twice else add()([one(x), other(inputs)])
        return keras.Model(inputs, dense(3, "softmax")(x))

    texts = [exact.structure(wired()) for _ in range(2)]
    assert texts[0] == texts[1] and not texts[0].startswith("model ")
    others = [wired(6), wired(twice=True), wired(activation="tanh"), ol.blobs_mlp(5)]
    assert len({texts[0], *map(exact.structure, others)}) == 5
    own = wired(activation=lambda x: x)
    assert exact.structure(own) == f"model {id(own)}"


# ---- dropout: equal in distribution ----------------------------------------------------------


DROPS = {"dropout": keras.layers.Dropout, "noise": keras.layers.GaussianNoise}


def dropping(rate=0.5, kind="dropout"):
    """Start from the same weights whatever the seed, so that only the noise differs."""
    first = keras.layers.Dense(20, "relu", kernel_initializer=keras.initializers.HeNormal(1))
    last = keras.layers.Dense(3, "softmax", kernel_initializer=keras.initializers.HeNormal(2))
    return keras.Sequential([keras.Input((2,)), first, DROPS[kind](rate), last])


@pytest.mark.parametrize("kind", DROPS)
def test_noise_is_that_of_keras_in_distribution(blobs, kind):
    few = ol.Dataset(
        *(getattr(blobs, f"{axis}_{part}")[:20] for part in ("train", "val", "test")
          for axis in "xy"),
        blobs.class_names, "few blobs",
    )  # fmt: skip
    given = {"optimizer": lambda: SGD(0.1), "epochs": 1, "batch_size": 20}
    plans = plan(few, model=lambda: dropping(kind=kind), **given)
    assert ensemble.refusals(plans) == [None]
    results = ensemble.train(plans, list(range(300)))
    found = np.array([run["loss"][0] for run in results.values()])
    model = dropping(kind=kind)
    keras.utils.set_random_seed(0)
    loss = keras.losses.sparse_categorical_crossentropy
    expected = [
        float(keras.ops.mean(loss(few.y_train, model(few.x_train, training=True))))
        for _ in range(300)
    ]
    assert stats.ks_2samp(found, expected).pvalue > 0.001
    # off in prediction: the first weights are equal, and the step from them is a noisy one
    steps = np.array([run["weights"][0] for run in results.values()])
    assert len(np.unique(steps.sum(axis=(1, 2)))) > 250


def test_gaussian_noise_is_as_large_as_that_of_keras():
    layer, x = keras.layers.GaussianNoise(0.5, seed=1), np.zeros((400, 500))
    given = exact.GivenNoise(layer)
    given.noise = np.random.default_rng(0).normal(size=x.shape)
    ours, theirs = (np.std(each(x, training=True)) for each in (given, layer))
    assert ours == pytest.approx(theirs, rel=0.02)  # of 200,000: known to 0.2 %
    assert np.std(given(x)) == 0


def test_dropout_is_off_at_validation_and_the_same_in_any_chunk(blobs):
    settings = {"learning_rate": [0.1, 0.01]}
    plans = plan(blobs, settings, model=dropping, optimizer=SGD, epochs=2, batch_size=100)
    whole = ensemble.train(plans, [0, 1, 2])
    parts = ensemble.train(plans, [0, 1, 2], max_memory=1)
    for key, run in whole.items():
        check_equal(parts[key], run)
        model = dropping()
        model.set_weights(run["weights"])
        model.compile(loss="sparse_categorical_crossentropy")
        loss = model.evaluate(blobs.x_val, blobs.y_val, verbose=0)
        np.testing.assert_allclose(run["val_loss"][-1], loss, 1e-5)


def test_a_run_ends_with_the_batch_that_makes_its_loss_no_number(blobs, capfd):
    # of five batches an epoch: some runs are lost in the midst of one, others never
    stopping = {"callbacks": lambda: [keras.callbacks.TerminateOnNaN()]}
    settings = {"learning_rate": [0.1, 1e36]}
    plans = plan(blobs, settings, optimizer=SGD, epochs=4, batch_size=100, **stopping)
    results = check_engines(plans, seeds=(1, 2))
    assert len(results[0, 1]["loss"]) == 4 and len(results[1, 1]["loss"]) < 4
    assert np.isnan(results[1, 1]["loss"][-1]) and results[1, 1]["accuracy"][-1] > 0
    plans = plan(blobs, settings, optimizer=SGD, epochs=4, batch_size=100)
    without = ensemble.train(plans, [1])  # goes on to the end, and counts whole epochs
    np.testing.assert_allclose(without[1, 1]["accuracy"], fit(plans[1], 1)["accuracy"], 1e-6)
    check_equal(results[0, 1], without[0, 1])


# ---- layers that normalize --------------------------------------------------------------------

NORMALIZED = {
    "by the batch": lambda: [keras.layers.BatchNormalization()],
    "twice": lambda: [
        keras.layers.BatchNormalization(momentum=0.75, epsilon=0.125),
        keras.layers.Dense(6, "relu"),
        keras.layers.BatchNormalization(momentum=0.5, center=False, scale=False),
    ],
    "by the sample": lambda: [keras.layers.LayerNormalization()],
    "by groups": lambda: [keras.layers.GroupNormalization(2)],
}


def normalized(layers):
    return build(keras.layers.Dense(8, "relu", kernel_regularizer="l2"), *layers)


@pytest.mark.parametrize("kind", NORMALIZED)
def test_normalizations(blobs, kind):
    plans = plan(
        blobs, {"learning_rate": [0.1, 0.01]}, model=lambda: normalized(NORMALIZED[kind]()),
        optimizer=lambda learning_rate: SGD(learning_rate, momentum=0.5), epochs=2, batch_size=100,
        test=True,
    )  # fmt: skip
    # Keras' BatchNormalization takes its momentum through float32
    results = check_engines(plans, seeds=(3, 4), tolerance=1e-6)
    model = normalized(NORMALIZED[kind]())
    model.set_weights(results[1, 4]["weights"])  # in the order that Keras expects
    model.compile(loss="sparse_categorical_crossentropy")
    loss = model.evaluate(blobs.x_test, blobs.y_test, verbose=0)
    assert loss == pytest.approx(results[1, 4]["test_loss"], rel=1e-5)


def test_the_statistics_of_a_batch_are_restored_with_the_best_weights(blobs):
    stopping = {"monitor": "val_loss", "restore_best_weights": True, "patience": 1}
    plans = plan(
        blobs, model=lambda: normalized(NORMALIZED["by the batch"]()), optimizer=lambda: SGD(2.0),
        callbacks=lambda: [EarlyStopping(**stopping)], epochs=8, batch_size=250,
    )  # fmt: skip
    results = check_engines(plans, tolerance=1e-6)
    assert len(results[0, 3]["loss"]) < 8


def test_dropout_before_a_normalization(blobs):
    layers = [keras.layers.Dropout(0.5), keras.layers.BatchNormalization()]
    given = {"optimizer": lambda: SGD(0.1), "epochs": 2, "batch_size": 250}
    plans = plan(blobs, model=lambda: build(*[type(x).from_config(x.get_config()) for x in layers]),
                 **given)  # fmt: skip
    assert ensemble.refusals(plans) == [None]
    found = ensemble.train(plans, [0, 1])
    assert np.isfinite(found[0, 0]["val_loss"]).all()
    assert (found[0, 0]["weights"][2] != found[0, 1]["weights"][2]).all()  # the moving means


# ---- what it refuses -------------------------------------------------------------------------


def build(*layers):
    return keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(3, "softmax")])


class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.last = keras.layers.Dense(3, "softmax")

    def call(self, x):
        return self.last(x)


def excluding():
    optimizer = AdamW(0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def functional(wire):
    """Build a model by hand from the two inputs to what its last layer takes."""
    inputs = keras.Input((2,))
    return keras.Model(inputs, keras.layers.Dense(3, "softmax")(wire(inputs)))


def shared_dropout(x):
    drop = keras.layers.Dropout(0.5)
    return keras.layers.Concatenate()([drop(x), drop(x)])


def unknown_length():
    inputs = keras.Input((None,))
    x = keras.layers.GlobalAveragePooling1D()(keras.ops.expand_dims(inputs, -1))
    return keras.Model(inputs, keras.layers.Dense(3, "softmax")(x))


def half_frozen():
    x = inputs = keras.Input((2,))
    seen = keras.layers.Dense(4)(x)
    x = keras.layers.Concatenate()([x, keras.ops.stop_gradient(seen)])
    return keras.Model(inputs, keras.layers.Dense(3, "softmax")(x))


def frozen():
    model = build()
    model.trainable = False
    return model


REFUSED = {
    "optimizer Adafactor": {"optimizer": lambda: keras.optimizers.Adafactor(0.1)},
    "use_ema": {"optimizer": lambda: SGD(0.1, use_ema=True)},
    "exclude_from_weight_decay": {"optimizer": excluding},
    "rate of SGD is a function": {"optimizer": lambda: SGD(lambda: 0.1)},
    "callback SwapEMAWeights": {"callbacks": lambda: [keras.callbacks.SwapEMAWeights()]},
    "seed or a noise_shape": {"model": lambda: build(keras.layers.Dropout(0.5, seed=1))},
    "GaussianNoise has a seed": {"model": lambda: build(keras.layers.GaussianNoise(0.5, seed=1))},
    "last batch that is shorter": {"model": lambda: build(keras.layers.BatchNormalization())},
    "weights that are not trained": {
        "model": lambda: build(keras.layers.Dense(4, trainable=False)),
        "batch_size": 100,
    },
    "constraint": {"model": lambda: build(keras.layers.Dense(4, kernel_constraint="max_norm"))},
    "activity_regularizer": {
        "model": lambda: build(keras.layers.Dense(4, activity_regularizer="l2"))
    },
    "computes in float16": {"model": lambda: build(keras.layers.Dense(4, dtype="mixed_float16"))},
    "quick way to train the model's Conv1D": {
        "model": lambda: build(
            keras.layers.Reshape((2, 1)), keras.layers.Conv1D(4, 2), keras.layers.Flatten()
        )
    },
    "own, Twice": {"model": lambda: build(Twice())},
    "own, Lambda": {"model": lambda: build(keras.layers.Lambda(lambda x: 2 * x))},
    "own, Own": {"model": Own},
    "carries a mask": {"model": lambda: build(keras.layers.Masking(0.0))},
    "depends on the others": {"model": lambda: functional(lambda x: x - keras.ops.mean(x, 0))},
    "depends on the others ": {
        "model": lambda: functional(lambda x: x * keras.ops.sum(keras.ops.ones_like(x), 0))
    },
    "calls a Dropout or a GaussianNoise more than once": {
        "model": lambda: functional(shared_dropout)
    },
    "unknown length": {"model": unknown_length},
    "on which its output does not depend": {"model": half_frozen},
    "no trainable weights": {"model": frozen},
}


def test_a_reason_is_what_an_error_says():
    wrapped = (
        "Exception encountered when calling Embedding.call().\n\n\x1b[1mno floats.\x1b[0m\n\nArgs"
    )
    assert exact.reason(ValueError(wrapped)) == "no floats"
    assert exact.reason(KeyError()) == "KeyError"


@pytest.mark.parametrize("reason", REFUSED)
def test_refusals(blobs, reason):
    given = {"optimizer": lambda: SGD(0.1), "epochs": 1} | REFUSED[reason]
    assert reason in ensemble.refusals(plan(blobs, **given))[0]
