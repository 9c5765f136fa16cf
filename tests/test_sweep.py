"""The contract of `sweep`: what it takes, what it refuses, what it returns."""

import dataclasses
import functools
import importlib
import itertools
import logging
import random
import threading

import joblib
import keras
import numpy as np
import pytest
from keras.callbacks import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau
from keras.optimizers import SGD, Adam

import optlab as ol
from optlab import ensemble

sweeping = importlib.import_module("optlab.sweep")  # the name optlab.sweep is the function

BLOBS = ol.load_blobs(draw=0)
FAST = {"epochs": 1, "batch_size": 250, "seeds": 2}


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    monkeypatch.delenv("OPTLAB_SEED", raising=False)
    for module in (sweeping, ensemble):
        monkeypatch.setattr(module, "tqdm", functools.partial(module.tqdm, disable=True))


@pytest.fixture
def plans(monkeypatch):
    """Train nothing: return the plans that a sweep would have trained."""

    def planned(**given):
        caught = []

        def stop(plans, seeds, engine, n_jobs):
            caught.extend(plans)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(sweeping, "_train", stop)
            with pytest.raises(KeyboardInterrupt):
                sweep(**given)
        return caught

    return planned


def sweep(**given):
    return ol.sweep(**{"model": ol.blobs_mlp, "data": BLOBS, "optimizer": SGD} | FAST | given)


# ---- settings and where they go --------------------------------------------------------------


def test_a_grid_is_all_combinations_in_order(plans):
    settings = {"batch_size": [100, 500], "learning_rate": [1, 0.1]}
    found = plans(settings=settings)
    assert [p.batch_size for p in found] == [100, 100, 500, 500]
    assert [float(p.optimizer().learning_rate) for p in found] == pytest.approx([1, 0.1] * 2)


def test_keras_gets_whole_numbers_as_floats(plans):
    found = plans(optimizer=SGD, settings={"learning_rate": [1], "momentum": [0, 0.5]})
    assert [p.optimizer().momentum for p in found] == [0.0, 0.5]


def test_a_list_of_dicts_is_taken_as_it_is(plans):
    settings = [{"batch_size": 10, "epochs": 3}, {"epochs": 2, "batch_size": 500}]
    found = plans(settings=settings, epochs=None)
    assert [(p.batch_size, p.looks, p.updates_per_epoch) for p in found] == [
        (10, 3, 50),
        (500, 2, 1),
    ]


def test_no_settings_is_one(plans):
    assert len(plans()) == len(plans(settings={})) == len(plans(settings=[{}])) == 1


def test_each_entry_goes_to_who_names_it(plans):
    found = plans(
        model=lambda units: ol.blobs_mlp(units=units),
        data=lambda draw: ol.load_blobs(draw=draw),
        optimizer=lambda learning_rate, momentum: SGD(learning_rate, momentum=momentum),
        callbacks=lambda patience, units: [EarlyStopping(patience=patience + units)],
        schedule=lambda learning_rate, steps: ol.cosine(learning_rate, steps, per="epoch"),
        settings=[
            {"units": 3, "draw": 1, "learning_rate": 1, "momentum": 0.5, "patience": 4, "steps": 9}
        ],
    )
    (plan,) = found
    assert plan.template.layers[0].units == 3
    assert "draw 1" in plan.dataset.name
    assert plan.optimizer().momentum == 0.5
    assert plan.callbacks()[0].patience == 7  # an entry goes to all who name it
    assert plan.schedule(0) == 1.0 and plan.schedule(9) == pytest.approx(0)


@pytest.mark.parametrize(
    "name, values, read",
    [
        ("batch_size", [5, 500], lambda p: p.batch_size),
        ("epochs", [1, 2], lambda p: p.looks),
        ("optimizer", {5: lambda: SGD(0.1), 500: Adam}, lambda p: type(p.optimizer())),
        (
            "model",
            {"a": ol.blobs_mlp, "b": lambda: ol.blobs_mlp(4)},
            lambda p: p.template.layers[0].units,
        ),
        ("data", {"a": BLOBS, "b": lambda: BLOBS.fold(0)}, lambda p: len(p.dataset.x_train)),
        (
            "callbacks",
            {"no": None, "yes": lambda: [EarlyStopping()]},
            lambda p: len(p.callbacks()),
        ),
        (
            "schedule",
            {"no": None, "yes": ol.constant(0.1), "made": lambda: ol.constant(0.2)},
            lambda p: p.schedule and p.schedule(0),
        ),
    ],
)
def test_what_is_an_argument_may_vary(plans, name, values, read):
    found = plans(settings={name: values}, **({"epochs": None} if name == "epochs" else {}))
    assert len({read(plan) for plan in found}) == len(values)


def test_updates_may_vary_and_batch_sizes_share_them(plans):
    settings = {"updates": [20, 40], "batch_size": [10, 500]}
    found = plans(settings=settings, epochs=None, every=10)
    assert [(p.looks, p.updates_per_look) for p in found] == [(2, 10), (2, 10), (4, 10), (4, 10)]


def test_every_may_be_what_a_function_takes(plans):
    schedule = functools.partial(ol.step, 0.1, per="epoch")
    found = plans(schedule=lambda every: schedule(every=every), settings={"every": [1, 2]})
    assert [p.schedule(1) for p in found] == [0.05, 0.1]


def test_rates_of_any_number_type(plans):
    rates = [1, np.int64(2), np.float32(0.5), np.float64(0.25)]
    found = plans(settings={"learning_rate": rates})
    assert [float(p.optimizer().learning_rate) for p in found] == [1, 2, 0.5, 0.25]


def test_labels_are_short():
    settings = {
        "optimizer": {"plain": lambda: SGD(0.1)},
        "model": [ol.blobs_mlp],
        "hidden": [(2, 3), [4]],
        "x": [np.float64(0.5)],
        "none": [None],
    }
    labels, values = sweeping._settings(settings)
    assert labels[1] == {
        "optimizer": "plain", "model": "blobs_mlp", "hidden": (4,), "x": 0.5, "none": None
    }  # fmt: skip
    assert values[1]["model"] is ol.blobs_mlp and values[1]["hidden"] == [4]


def test_data_is_made_once_for_equal_arguments(plans):
    made = []

    def data(fold):
        made.append(fold)
        return BLOBS.fold(fold)

    found = plans(data=data, settings={"fold": [0, 1], "learning_rate": [0.1, 0.2]})
    assert made == [0, 1]
    assert found[0].dataset is found[1].dataset


# ---- what is refused, all of it before any training ------------------------------------------


def constant_of(value):
    return lambda: value


WRONG_SHAPE = dataclasses.replace(
    BLOBS, **{f"x_{part}": np.zeros((len(getattr(BLOBS, f"x_{part}")), 5), "float32")
              for part in ("train", "val", "test")}
)  # fmt: skip
NO_TEST = dataclasses.replace(BLOBS, x_test=BLOBS.x_test[:0], y_test=BLOBS.y_test[:0])
DECAY = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
COSINE = ol.cosine(0.1, steps=10, per="epoch")

BAD = {
    # settings
    "typo": ({"settings": {"learning_rte": [1, 2]}}, "nothing takes.*Did you mean 'learning_rate'"),
    "typo of sweep's": ({"settings": {"batchsize": [1]}}, "Did you mean 'batch_size'"),
    "typo of optimizer": ({"settings": {"optimiser": [SGD]}}, "Did you mean 'optimizer'"),
    "seeds vary": ({"settings": {"seeds": [1, 2]}}, "cannot vary 'seeds'"),
    "every varies": ({"settings": {"every": [1, 2]}}, "cannot vary 'every'"),
    "engine varies": ({"settings": {"engine": ["keras"]}}, "cannot vary 'engine'"),
    "no list": ({"settings": {"batch_size": 32}}, "give a list of values"),
    "text": ({"settings": {"optimizer": "adam"}}, "give a list of values"),
    "empty list": ({"settings": {"batch_size": []}}, "holds no setting"),
    "empty list of settings": ({"settings": []}, "holds no setting"),
    "a list of numbers": ({"settings": [0.1, 0.2]}, "dict of lists or a list of dicts"),
    "a number": ({"settings": 3}, "dict of lists or a list of dicts"),
    "twice": ({"settings": {"batch_size": [5, 5]}}, "same setting twice"),
    "twice, turned": (
        {"settings": [{"units": 3, "epochs": 1}, {"epochs": 1, "units": 3}]}, "same setting twice",
    ),
    "unlike dicts": ({"settings": [{"units": 3}, {"epochs": 1}]}, "different names"),
    "nameless": ({"settings": {"optimizer": [lambda: SGD(0.1)]}}, "without a short name"),
    "nameless instance": ({"settings": {"optimizer": [Adam()]}}, "without a short name"),
    "named instance": ({"settings": {"optimizer": {"a": Adam()}}}, "optimizer is an object of"),
    "names as optimizers": ({"settings": {"optimizer": ["sgd", "adam"]}}, "optimizer is 'sgd'"),
    # the budget
    "no budget": ({"epochs": None}, "exactly one of the two"),
    "two budgets": ({"updates": 10, "every": 1}, "exactly one of the two"),
    "every without updates": ({"every": 5}, "give updates= with it"),
    "updates without every": ({"epochs": None, "updates": 10}, "a divisor of updates"),
    "no divisor": ({"epochs": None, "updates": 10, "every": 3}, "a divisor of updates"),
    "every 0": ({"epochs": None, "updates": 10, "every": 0}, "every=0: give a whole"),
    "no epoch": ({"epochs": 0}, "epochs=0: give a whole number from 1"),
    "half an epoch": ({"epochs": 2.5}, "epochs=2.5"),
    "epochs as text": ({"epochs": "10"}, "epochs='10'"),
    "batch of 0": ({"batch_size": 0}, "batch_size=0"),
    "batch too large": ({"batch_size": 501}, "more than the 500 training samples"),
    "batch 'full'": ({"batch_size": "full"}, "batch_size='full'"),
    "float batches": ({"settings": {"batch_size": np.logspace(0, 2, 3)}}, "batch_size="),
    # seeds and the rest
    "no seed": ({"seeds": 0}, "from 1 to 1000"),
    "too many seeds": ({"seeds": 1001}, "from 1 to 1000"),
    "seeds 2.5": ({"seeds": 2.5}, "number of seeds or a list"),
    "seeds True": ({"seeds": True}, "number of seeds or a list"),
    "seeds as text": ({"seeds": "3"}, "number of seeds or a list"),
    "seeds None": ({"seeds": None}, "number of seeds or a list"),
    "no list of seeds": ({"seeds": []}, "at least one"),
    "seed twice": ({"seeds": [1, 1]}, "none twice"),
    "seed -1": ({"seeds": [-1]}, "from 0 to"),
    "seed 0.5": ({"seeds": [0.5]}, "whole number"),
    "huge seed": ({"seeds": [2**32]}, "from 0 to"),
    "engine": ({"engine": "Keras"}, "Did you mean 'keras'"),
    "engine None": ({"engine": None}, "known here: auto"),
    "a share as test": ({"test": 0.2}, "test=0.2: give True"),
    "n_jobs 0": ({"n_jobs": 0}, "n_jobs=0"),
    "n_jobs as text": ({"n_jobs": "2"}, "n_jobs='2'"),
    # the functions
    "a model": ({"model": ol.blobs_mlp()}, "an object of type Sequential: give a"),
    "no model": ({"model": None}, "model is None"),
    "shared model": ({"model": constant_of(ol.blobs_mlp())}, "same object each time"),
    "no model made": ({"model": constant_of(3)}, "model made 3"),
    "nothing returned": ({"model": constant_of(None)}, "model made None"),
    "model needs": ({"model": lambda units: ol.blobs_mlp(units)}, "needs units: give it"),
    "no softmax": (
        {"model": lambda: keras.Sequential([keras.layers.Dense(3)])}, 'end it in Dense\\(3, "soft',
    ),
    "other classes": (
        {"model": lambda: keras.Sequential([keras.layers.Dense(4, "softmax")])}, "3 classes",
    ),
    "other inputs": ({"data": WRONG_SHAPE}, "does not take blobs, whose samples have shape"),
    "model of images": ({"model": ol.mnist_mlp}, "does not take blobs"),
    "no optimizer": ({"optimizer": None}, "optimizer is None: give a function"),
    "an optimizer": ({"optimizer": Adam()}, "optimizer is an object of type Adam: give a function"),
    "name of one": ({"optimizer": "adam"}, "optimizer is 'adam': give a function"),
    "shared optimizer": ({"optimizer": constant_of(SGD(0.1))}, "same object each time"),
    "class returned": ({"optimizer": lambda: SGD}, "optimizer made SGD itself"),
    "optimizer needs": ({"optimizer": lambda rate: SGD(rate)}, "needs rate: give it in settings"),
    "callbacks": ({"callbacks": [EarlyStopping()]}, "callbacks is an object of type list"),
    "a callback": ({"callbacks": EarlyStopping()}, "callbacks is an object of type EarlyStopping"),
    "callback class": ({"callbacks": EarlyStopping}, "return a list of Keras callbacks"),
    "shared callbacks": ({"callbacks": constant_of([EarlyStopping()])}, "same objects each time"),
    "no callbacks made": ({"callbacks": constant_of([3])}, "return a list of Keras callbacks"),
    "monitor": ({"callbacks": lambda: [EarlyStopping("val_acc")]}, "Did you mean 'val_accuracy'"),
    "monitor nothing": (
        {"callbacks": lambda: [EarlyStopping()], "data": BLOBS.join_val()}, "no metric 'val_loss'",
    ),
    "no data": ({"data": None}, "data is None: give a Dataset"),
    "arrays": ({"data": (BLOBS.x_train, BLOBS.y_train)}, "data is an object of type tuple"),
    "no test set": ({"data": NO_TEST, "test": True}, "no test samples"),
    # the learning rate
    "overridden": (
        {"settings": {"learning_rate": [1, 2]}, "schedule": COSINE}, "which the schedule overrides",
    ),
    "a number as schedule": ({"schedule": 0.1}, "schedule is 0.1: give one of optlab's"),
    "function as schedule": ({"schedule": lambda epoch: 0.1}, "schedule is a function that needs"),
    "number made": ({"schedule": lambda: 0.1}, "schedule is 0.1: give one of optlab's"),
    "Keras schedule": ({"schedule": DECAY}, "schedule is an object of type ExponentialDecay"),
    "schedule and plateau": (
        {"schedule": COSINE, "callbacks": lambda: [ReduceLROnPlateau()]}, "both set the learning",
    ),
    "Keras schedule and scheduler": (
        {"optimizer": lambda: SGD(DECAY),
         "callbacks": lambda: [LearningRateScheduler(COSINE.for_callback())]},
        "both set the learning",
    ),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["auto", "keras"])
@pytest.mark.parametrize("case", BAD)
def test_refused_before_any_training(monkeypatch, case, engine):
    def trained(*_, **__):
        raise AssertionError("it trained")

    monkeypatch.setattr(ensemble, "train", trained)
    monkeypatch.setattr(sweeping, "fit", trained)
    given, message = BAD[case]
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        sweep(**{"engine": engine} | given)
    text = str(caught.value)
    assert text.endswith((".", "?")) and text.count(": ") >= 1 and "\n" not in text, text


def test_one_bad_setting_among_good_ones_is_refused_before_any_training(monkeypatch):
    monkeypatch.setattr(ensemble, "train", None)
    with pytest.raises(ValueError, match="batch_size=501"):
        sweep(settings={"batch_size": [5, 50, 501]})


def test_ensemble_refuses_with_the_reason_and_auto_says_it(capsys, monkeypatch):
    given = {"optimizer": lambda: keras.optimizers.Lion(1e-3)}
    monkeypatch.setattr(sweeping, "_train_keras", lambda plans, seeds, n_jobs: {})
    with pytest.raises(ValueError, match='update rule for the optimizer Lion. Give engine="auto"'):
        sweep(engine="ensemble", **given)
    assert capsys.readouterr().out == ""
    plans, seeds = [], [0]
    monkeypatch.setattr(ensemble, "refusal", lambda plans: "it knows no X.")
    assert sweeping._train(plans, seeds, "auto", 1) == ({}, "keras")
    assert capsys.readouterr().out.strip().endswith("cannot do this exactly: it knows no X.")
    sweeping._train(plans, seeds, "keras", 1)
    assert capsys.readouterr().out == ""


def test_auto_falls_back_in_earnest(capfd):
    runs = sweep(model=lambda: normalized(), seeds=1)
    assert runs.engine == "keras"
    assert "BatchNormalization" in capfd.readouterr().out


def normalized():
    layers = [keras.layers.Dense(4, "relu"), keras.layers.BatchNormalization()]
    return keras.Sequential([*layers, keras.layers.Dense(3, "softmax")])


# ---- seeds -----------------------------------------------------------------------------------


def test_seeds(monkeypatch):
    assert sweeping._seeds(3) == sweeping._seeds(np.int64(3)) == [0, 1, 2]
    assert sweeping._seeds([7, 3]) == sweeping._seeds(np.array([7, 3])) == [7, 3]
    assert sweeping._seeds(range(2, 4)) == [2, 3]
    blocks = set()
    for block in ("0", "1", "17"):
        monkeypatch.setenv("OPTLAB_SEED", block)
        seeds = sweeping._seeds(1000)
        assert seeds == [1000 * int(block) + i for i in range(1000)]
        assert not blocks & {*seeds}
        blocks |= {*seeds}
        assert sweeping._seeds([5]) == [5]  # a list is what it says


@pytest.mark.parametrize("block", ["x", "-1", "1.5", "", "²", "9999999"])
def test_a_bad_block_of_seeds_is_refused(monkeypatch, block):
    monkeypatch.setenv("OPTLAB_SEED", block)
    with pytest.raises(ValueError, match=f"OPTLAB_SEED='{block}'"):
        sweeping._seeds(3)


@pytest.mark.parametrize("engine", ["ensemble", "keras"])
def test_seeds_are_paired(engine):
    """At a rate of (almost) 0 all settings of a seed are the same run."""
    settings = [
        {"learning_rate": 1e-30, "batch_size": 250},
        {"learning_rate": 1e-35, "batch_size": 500},
    ]
    runs = sweep(settings=settings, engine=engine)
    for metric in ("val_loss", "val_accuracy", "accuracy"):
        for other in runs[metric][1:]:
            np.testing.assert_allclose(other, runs[metric][0], 1e-6)
    assert np.ptp(runs["val_loss"][0, :, 0]) > 0  # from seed to seed they differ


def test_paired_runs_see_the_same_order():
    orders = [ensemble.sample_order(seed, epoch, 50) for seed in (0, 1) for epoch in (0, 1)]
    assert all((np.sort(order) == np.arange(50)).all() for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    # 3 batches of 20, 20, 10 and 2 of 25, each twice
    data = dataclasses.replace(BLOBS, x_train=BLOBS.x_train[:50], y_train=BLOBS.y_train[:50])
    seen = []
    for size, count in ((20, 6), (25, 4)):
        plan = functools.partial(sweeping.Plan, *[None] * 4)
        batches = sweeping._batches(
            plan(data, size, 1, count // 2, count // 2, False, (), None), seed=5
        )
        seen.append(np.concatenate([next(batches)[0] for _ in range(count)]))
    np.testing.assert_array_equal(*seen)


# ---- what comes back -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs():
    return sweep(
        settings={"epochs": [1, 3], "learning_rate": [0.01, 0.001]}, epochs=None, seeds=[4, 2],
        test=True,
    )  # fmt: skip


def test_shapes_and_nan_after_the_last_epoch(runs):
    assert runs.engine == "ensemble"
    assert runs.seeds == [4, 2]
    assert runs.settings[1] == {"epochs": 1, "learning_rate": 0.001}
    for metric in ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"):
        assert runs[metric].shape == (4, 2, 3)
        assert np.isnan(runs[metric][:2, :, 1:]).all()
        assert np.isfinite(runs[metric][:2, :, 0]).all() and np.isfinite(runs[metric][2:]).all()
    np.testing.assert_array_equal(runs.lengths, [[1, 1], [1, 1], [3, 3], [3, 3]])


def test_final_and_history_agree(runs):
    history = runs.history
    assert {"epochs", "learning_rate", "seed", "epoch", "loss", "accuracy", "updates"} <= {*history}
    assert len(history) == runs.lengths.sum()
    for setting in runs.settings:
        for metric in ("loss", "val_accuracy"):
            rows = history[(history.epochs == setting["epochs"])]
            rows = rows[np.isclose(rows.learning_rate, setting["learning_rate"])]
            last = rows.groupby("seed").last()[metric]
            np.testing.assert_array_equal(runs.final(metric, **setting), last[runs.seeds])


def test_the_test_set_is_looked_at_only_if_asked(runs):
    assert runs.final("test_accuracy", epochs=3, learning_rate=0.01).shape == (2,)
    with pytest.raises(KeyError, match="test=True"):
        sweep(seeds=1).final("test_accuracy")


def test_a_longer_run_begins_as_the_shorter_one(runs):
    np.testing.assert_allclose(runs["loss"][:2, :, 0], runs["loss"][2:, :, 0], 1e-6)


@pytest.mark.parametrize("engine", ["ensemble", "keras"])
def test_the_same_sweep_gives_the_same_numbers(engine):
    given = {"settings": {"optimizer": [SGD, Adam]}, "engine": engine, "seeds": 1}
    first, second = sweep(**given), sweep(**given)
    for metric, values in first.metrics.items():
        np.testing.assert_array_equal(values, second[metric])


@pytest.mark.parametrize("engine", ["ensemble", "keras"])
def test_data_with_and_without_validation_set(engine):
    data = {"with": BLOBS, "without": BLOBS.join_val()}
    runs = sweep(settings={"data": data}, engine=engine, seeds=1)
    assert np.isfinite(runs.final("val_loss", data="with"))
    assert np.isnan(runs.final("val_loss", data="without"))
    assert np.isfinite(runs.final("loss", data="without"))


@pytest.mark.parametrize("engine", ["ensemble", "keras"])
def test_a_diverged_run_is_a_result_and_leaves_neighbours_alone(engine):
    settings = {"learning_rate": [0.01, 1e30]}
    runs = sweep(settings=settings, engine=engine, epochs=2, seeds=1)
    assert not np.isfinite(runs.final("loss", learning_rate=1e30)).any()
    alone = sweep(settings={"learning_rate": [0.01]}, engine=engine, epochs=2, seeds=1)
    np.testing.assert_allclose(runs["val_loss"][0], alone["val_loss"][0], 1e-6)
    assert runs.summary()["diverged"].tolist()[0] == 0


def test_one_sample_is_enough_to_train_on():
    one = dataclasses.replace(BLOBS, x_train=BLOBS.x_train[:1], y_train=BLOBS.y_train[:1])
    assert np.isfinite(sweep(data=one, batch_size=1, seeds=1).final("loss")).all()


def test_a_schedule_may_depend_on_the_number_of_epochs():
    runs = sweep(
        schedule=lambda epochs: ol.cosine(0.01, steps=epochs, per="epoch"),
        settings={"epochs": [2, 4]}, optimizer=SGD, epochs=None,
    )  # fmt: skip
    by_hand = [[0.01, 0.005], [0.01, 0.01 * (1 + 0.5**0.5) / 2, 0.005, 0.01 * (1 - 0.5**0.5) / 2]]
    for epochs, rates in zip((2, 4), by_hand, strict=True):
        np.testing.assert_allclose(
            runs.select(epochs=epochs)["learning_rate"][0, 0], rates, rtol=1e-5
        )


# ---- interrupted, spread, quiet --------------------------------------------------------------


def check_interrupted(runs, finished):
    """Check which runs (setting, seed) are there and that the others are NaN."""
    there = np.zeros((2, 2), dtype=bool)
    there[tuple(zip(*finished, strict=True))] = True
    np.testing.assert_array_equal(runs.lengths > 0, there)
    np.testing.assert_array_equal(np.isfinite(runs["val_loss"][:, :, 0]), there)
    assert len(runs.history) == len(finished)
    assert len(runs.summary()) == 2


def test_interrupted_keras_keeps_what_is_finished(monkeypatch):
    fit, done = sweeping.fit, []

    def interrupted(plan, seed):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(seed)
        return fit(plan, seed)

    monkeypatch.setattr(sweeping, "fit", interrupted)
    with pytest.warns(UserWarning, match="3 of 4 runs are finished"):
        runs = sweep(settings={"learning_rate": [0.1, 0.01]}, engine="keras")
    check_interrupted(runs, [(0, 0), (0, 1), (1, 0)])


def test_interrupted_ensemble_keeps_what_is_finished(monkeypatch):
    train_chunk = ensemble._train_chunk
    finished = []

    def interrupted(compiled, plans, positions, seeds, *rest):
        if finished:
            raise KeyboardInterrupt
        finished.extend((i, seed) for i in positions for seed in seeds)
        return train_chunk(compiled, plans, positions, seeds, *rest)

    monkeypatch.setattr(ensemble, "_train_chunk", interrupted)
    monkeypatch.setattr(ensemble.joblib, "cpu_count", lambda: 1)
    with pytest.warns(UserWarning, match="2 of 4 runs are finished"):
        runs = sweep(settings={"batch_size": [100, 250]})  # two groups
    check_interrupted(runs, finished)


@pytest.mark.parametrize("engine", ["ensemble", "keras"])
def test_interrupted_before_anything_is_finished(monkeypatch, engine):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeping, "fit", interrupted)
    monkeypatch.setattr(ensemble, "_train_chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(engine=engine)


def test_an_error_in_a_thread_is_raised(monkeypatch):
    def broken(*_):
        raise MemoryError("too much")

    monkeypatch.setattr(ensemble, "_train_chunk", broken)
    with pytest.raises(MemoryError, match="too much"):
        sweep(settings={"batch_size": [100, 250]})


def test_an_error_in_a_part_does_not_lose_the_others(monkeypatch):
    train_chunk = ensemble._train_chunk

    def broken(compiled, plans, positions, *rest):
        if positions == [1]:
            raise MemoryError("too much")
        return train_chunk(compiled, plans, positions, *rest)

    monkeypatch.setattr(ensemble, "_train_chunk", broken)
    message = r"Failed with MemoryError \(too much\): 2 of 4 runs are finished"
    with pytest.warns(UserWarning, match=message):
        runs = sweep(settings={"batch_size": [100, 250]})
    check_interrupted(runs, [(0, 0), (0, 1)])


def test_two_processes_yield_what_one_yields():
    given = {
        "settings": {"optimizer": {"a": lambda: SGD(0.01), "b": lambda: Adam(0.01)}},
        "schedule": None, "callbacks": lambda: [EarlyStopping(patience=1)], "engine": "keras",
        "seeds": 1,
    }  # fmt: skip
    one, two = sweep(**given), sweep(**given, n_jobs=2)
    assert one.metrics.keys() == two.metrics.keys()
    for metric, values in one.metrics.items():
        np.testing.assert_allclose(two[metric], values, 1e-6)


def test_an_optimizer_shared_by_one_setting_only_is_refused():
    shared = SGD(0.1)
    with pytest.raises(ValueError, match="same object each time"):
        sweep(
            optimizer=lambda momentum: shared if momentum else SGD(0.1),
            settings={"momentum": [0.0, 0.5]},
        )


def test_a_draw_of_another_thread_does_not_change_the_first_weights(plans):
    """As the event loop of a Dask worker draws: Keras uses the generator of the whole process."""
    (plan,) = plans()
    expected = {seed: ensemble.initial_model(plan, seed).get_weights() for seed in range(9)}
    builds, found = itertools.count(), {}

    def disturbed():
        if next(builds) % 3 == 0:
            random.random()
        return ol.blobs_mlp()

    def build():
        other = dataclasses.replace(plan, model=disturbed)
        found.update((s, ensemble.initial_model(other, s).get_weights()) for s in expected)

    thread = threading.Thread(target=build)
    thread.start()
    thread.join()
    for seed, weights in expected.items():
        assert all(map(np.array_equal, weights, found[seed])), seed


def test_processes_and_a_cluster_yield_what_one_process_yields():
    """The ensemble's seeds, shared out by joblib: to processes, and to a Dask cluster."""
    distributed = pytest.importorskip("distributed")
    blobs = ol.load_blobs()
    given = {
        "optimizer": lambda learning_rate: SGD(learning_rate, momentum=0.9), "epochs": 3,
        "settings": {"learning_rate": [0.1, 0.01]}, "batch_size": 64, "seeds": 3,
        "engine": "ensemble",
    }  # fmt: skip
    one = ol.sweep(ol.blobs_mlp, blobs, **given)
    found = [ol.sweep(ol.blobs_mlp, blobs, **given, n_jobs=2)]
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        found.append(ol.sweep(ol.blobs_mlp, blobs, **given))
    for runs in found:
        assert runs.metrics.keys() == one.metrics.keys()
        for metric, values in one.metrics.items():
            np.testing.assert_allclose(runs[metric], values, 1e-5)


def test_many_sweeps_are_quiet(capfd):
    """No progress bar for short work, and no warnings from TensorFlow of being traced often."""
    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    for i in range(8):
        sweep(batch_size=100 + i, seeds=1, test=i == 0)
    for i in range(4):
        sweep(batch_size=100 + i, seeds=2, engine="keras")
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == ""
