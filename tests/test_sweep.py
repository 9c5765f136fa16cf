"""The contract of `sweep`: what it takes, what it refuses, what it returns."""

import dataclasses
import functools
import importlib
import itertools
import logging
import random
import re
import threading
import time
from concurrent import futures

import joblib
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.callbacks import EarlyStopping
from keras.optimizers import SGD, Adam

import optlab as ol
from optlab import ensemble, program
from optlab import plan as planning

pytestmark = pytest.mark.slow

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

        def stop(plans, *_):
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


def test_ensemble_refuses_with_the_reason_and_auto_says_it(capsys, monkeypatch):
    given = {"optimizer": lambda: keras.optimizers.Adafactor(1e-3)}
    monkeypatch.setattr(sweeping, "_train_keras", lambda *_: {})
    with pytest.raises(
        ValueError, match='update rule for the optimizer Adafactor. Give engine="auto"'
    ):
        sweep(engine="ensemble", **given)
    assert capsys.readouterr().out == ""
    plans, seeds = [None], [0]
    monkeypatch.setattr(ensemble, "refusals", lambda plans: ["it knows no X."])
    assert sweeping._train(plans, seeds, "auto", 1) == ({}, "keras")
    assert capsys.readouterr().out.strip().endswith("cannot do this exactly: it knows no X.")
    sweeping._train(plans, seeds, "keras", 1)
    assert capsys.readouterr().out == ""


def test_auto_falls_back_from_what_cannot_be_compiled(capsys, monkeypatch):
    def refuse(*_):
        raise tf.errors.UnimplementedError(None, None, "no such operation\n[[node]]")

    monkeypatch.setattr(program.Program, "_update", refuse)
    monkeypatch.setattr(program, "_programs", type(program._programs)())
    runs = sweep(seeds=1)
    assert runs.engine == "keras" and np.isfinite(runs["loss"]).all()
    assert "cannot compile the runs as one (no such operation)." in capsys.readouterr().out
    with pytest.raises(ValueError, match="cannot compile the runs as one"):
        sweep(seeds=1, engine="ensemble")


def test_auto_falls_back_in_earnest(capfd):
    runs = sweep(optimizer=lambda: keras.optimizers.Adafactor(0.1), seeds=1)
    assert runs.engine == "keras"
    assert "optimizer Adafactor" in capfd.readouterr().out


def test_a_sweep_run_by_run_says_how_long_it_will_take(capsys, monkeypatch):
    sweep(engine="keras", seeds=2)
    assert capsys.readouterr().out == ""  # not worth saying
    monkeypatch.setattr(sweeping, "LONG", 0)
    sweep(engine="keras", seeds=2)
    assert re.fullmatch(
        r"The first of 2 runs took \d+ s: expect \d+ minutes\.\n", capsys.readouterr().out
    )
    sweep(seeds=2)
    assert capsys.readouterr().out == ""


MIXED = {
    "optimizer": {
        "SGD": SGD,
        "Adafactor": keras.optimizers.Adafactor,
        "Adam": keras.optimizers.Adam,
    }
}


def test_one_setting_that_needs_the_loop_does_not_take_the_others_with_it(capfd):
    runs = sweep(optimizer=None, settings=MIXED, seeds=[5, 2], keep_weights=True)
    assert runs.engine == "ensemble and keras"
    assert "1 of 3 settings run by run with Keras" in capfd.readouterr().out
    for i, setting in enumerate(MIXED["optimizer"]):
        alone = sweep(optimizer=MIXED["optimizer"][setting], seeds=[5, 2])
        np.testing.assert_allclose(runs["loss"][i], alone["loss"][0], 1e-5)
        assert len(runs.weights(optimizer=setting)) == 4


def test_an_interrupt_ends_both_parts(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeping, "fit", interrupt)
    with pytest.warns(UserWarning, match="4 of 6 runs are finished"):
        runs = sweep(optimizer=None, settings=MIXED, seeds=2)
    assert np.isfinite(runs["loss"][[0, 2]]).all() and np.isnan(runs["loss"][1]).all()
    # interrupted in the first part, it does not begin with the second
    part = ensemble.train
    monkeypatch.setattr(ensemble, "train", lambda plans, seeds, **k: part(plans, seeds[:1], **k))
    monkeypatch.setattr(sweeping, "_train_keras", lambda *_: pytest.fail("it went on"))
    runs = sweep(optimizer=None, settings=MIXED, seeds=2)
    assert np.isfinite(runs["loss"][[0, 2], 0]).all() and np.isnan(runs["loss"][:, 1]).all()


# ---- seeds ----------------------------------------------------------------------------------


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
        plan = functools.partial(planning.Plan, *[None] * 4)
        batches = sweeping._batches(
            plan(data, size, 1, count // 2, count // 2, False, (), None), seed=5
        )
        seen.append(np.concatenate([next(batches)[0] for _ in range(count)]))
    np.testing.assert_array_equal(*seen)


def draws():
    """Draw from every generator that a student may use."""
    return (
        random.random(), np.random.random(),  # noqa: NPY002
        float(keras.random.uniform(())), float(tf.random.uniform(())),
    )  # fmt: skip


@pytest.mark.parametrize("engine", ["ensemble", "keras"])
def test_random_generators_go_on_as_if_there_had_been_no_sweep(engine):
    """A random search around a sweep draws another candidate each time."""

    def dropping():
        draws()
        hidden = [keras.layers.Dense(4, "relu"), keras.layers.Dropout(0.5)]
        return keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(3, "softmax")])

    keras.utils.set_random_seed(7)
    expected = [draws() for _ in range(3)]
    keras.utils.set_random_seed(7)
    found = []
    for _ in range(3):
        found.append(draws())
        sweep(model=dropping, engine=engine)
    assert found == expected and len({*found}) == 3


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
def test_functions_and_classes_train_as_their_names_do(engine):
    named = {"activation": ["relu", "tanh"], "kernel_initializer": ["glorot_normal"]}
    given = {
        "activation": [keras.activations.relu, keras.activations.tanh],
        "kernel_initializer": [keras.initializers.GlorotNormal],
    }
    first, second = (sweep(settings=s, engine=engine, seeds=1) for s in (named, given))
    np.testing.assert_array_equal(first["val_loss"], second["val_loss"])
    assert second.settings[1] == {"activation": "tanh", "kernel_initializer": "GlorotNormal"}


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
    there = np.zeros((len(runs.settings), len(runs.seeds)), dtype=bool)
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
    train_chunk = ensemble.train_chunk
    finished = []

    def interrupted(chunk, *rest):
        if finished:
            raise KeyboardInterrupt
        finished.extend(chunk.runs)
        return train_chunk(chunk, *rest)

    def all_at_once(jobs, **_):  # as on a busy machine: what is finished comes with the interrupt
        return futures.wait(jobs)

    monkeypatch.setattr(ensemble, "wait", all_at_once)
    monkeypatch.setattr(ensemble, "train_chunk", interrupted)
    monkeypatch.setattr(ensemble.joblib, "cpu_count", lambda: 1)
    with pytest.warns(UserWarning, match="10 of 40 runs are finished"):
        runs = sweep(settings={"learning_rate": [0.1, 0.01]}, seeds=20)
    check_interrupted(runs, finished)


class Bar:
    """A progress bar that tells when something has come back."""

    def __init__(self, **_):
        self.moved = threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def update(self, _):
        self.moved.set()


@pytest.mark.parametrize("raised", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("engine", ["ensemble", "keras"])
def test_interrupted_among_several_jobs_keeps_what_came(monkeypatch, engine, raised):
    """The job that was sent off first is the one that fails, after the others are done."""
    bar = Bar()
    monkeypatch.setattr(sweeping, "tqdm", lambda **_: bar)
    fit, train = sweeping.fit, ensemble.train

    def one(plan, seed):
        if seed == 0:
            bar.moved.wait(60)
            raise raised
        return fit(plan, seed)

    def share(plans, seeds, **_):
        if 0 in seeds:
            bar.moved.wait(60)
            raise raised
        return train(plans, seeds)

    monkeypatch.setattr(sweeping, "fit", one)
    monkeypatch.setattr(ensemble, "train", share)
    message = "Interrupted: 1 of 2" if raised is KeyboardInterrupt else "Failed with MemoryError"
    with joblib.parallel_config(backend="threading"), pytest.warns(UserWarning, match=message):
        try:
            runs = sweep(engine=engine, n_jobs=2)
        except KeyboardInterrupt:
            pytest.fail("it lost what was finished")
    np.testing.assert_array_equal(runs.lengths, [[0, 1]])


def test_an_error_in_a_run_of_keras_does_not_lose_the_others(monkeypatch):
    fit = sweeping.fit

    def broken(plan, seed):
        if seed == 1:
            raise MemoryError("too much")
        return fit(plan, seed)

    monkeypatch.setattr(sweeping, "fit", broken)
    with pytest.warns(UserWarning, match=r"MemoryError \(too much\): 1 of 2 runs are finished"):
        runs = sweep(engine="keras")
    np.testing.assert_array_equal(runs.lengths, [[1, 0]])


@pytest.mark.parametrize("engine", ["ensemble", "keras"])
def test_interrupted_before_anything_is_finished(monkeypatch, engine):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeping, "fit", interrupted)
    monkeypatch.setattr(ensemble, "train_chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(engine=engine)


def in_need_of(thing, what):
    """Return a function that holds a thing and returns what it makes."""
    return lambda: (thing, what())[1]


@pytest.mark.parametrize("engine", ["ensemble", "keras"])
@pytest.mark.parametrize("part", ["model", "optimizer", "callbacks", "schedule"])
def test_what_no_other_process_can_get_is_named(monkeypatch, engine, part):
    monkeypatch.setattr(joblib, "Parallel", None)  # nothing is started
    lock = threading.Lock()
    given = {
        "model": in_need_of(lock, ol.blobs_mlp),
        "optimizer": in_need_of(lock, SGD),
        "callbacks": in_need_of(lock, list),
        "schedule": ol.Schedule(lambda t, m: 0.1 + 0 * t * lock.locked(), "epoch", "locked"),
    }
    with pytest.raises(TypeError, match=f"^{part} cannot be sent .*lock.*: create what it uses"):
        sweep(**{part: given[part]}, engine=engine, n_jobs=2)


@pytest.mark.parametrize("engine", ["ensemble", "keras"])
def test_the_multiprocessing_backend_is_refused(monkeypatch, engine):
    monkeypatch.setattr(joblib, "Parallel", None)
    with joblib.parallel_config(backend="multiprocessing"):
        with pytest.raises(ValueError, match='"multiprocessing" can .*: use .*backend="loky"'):
            sweep(engine=engine, n_jobs=2)


def test_an_error_in_a_thread_is_raised(monkeypatch):
    def broken(*_):
        raise MemoryError("too much")

    monkeypatch.setattr(ensemble, "train_chunk", broken)
    with pytest.raises(MemoryError, match="too much"):
        sweep(settings={"batch_size": [100, 250]})


def test_an_error_in_a_part_does_not_lose_the_others(monkeypatch):
    train_chunk = ensemble.train_chunk

    def broken(chunk, *rest):
        if (1, 0) in chunk.runs or (1, 1) in chunk.runs:
            raise MemoryError("too much")
        return train_chunk(chunk, *rest)

    monkeypatch.setattr(ensemble, "train_chunk", broken)
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


@pytest.mark.parametrize("engine", ["ensemble", "keras"])
def test_threads_that_build_at_once_build_each_seeds_own_model(engine):
    """As the threads of one Dask worker do."""

    def slow():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, "relu")])
        time.sleep(0.1)  # so that another thread begins in the middle of this model
        model.add(keras.layers.Dense(3, "softmax"))
        return model

    given = {"model": slow, "optimizer": lambda: SGD(1e-30), "engine": engine, "seeds": 4}
    alone = sweep(**given)
    with joblib.parallel_config(backend="threading"):
        together = sweep(**given, n_jobs=4)
    np.testing.assert_allclose(together["val_loss"], alone["val_loss"], 1e-5)


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
    for i in range(6):  # TensorFlow warns at the fifth
        sweep(batch_size=100 + i, seeds=1, test=i == 0)
    for i in range(3):  # each fits and evaluates
        sweep(batch_size=100 + i, seeds=2, engine="keras")
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == ""


# ---- weights that are kept -------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["ensemble", "keras"])
def test_kept_weights_give_back_the_model_of_each_run(engine):
    runs = sweep(
        optimizer=SGD, settings={"learning_rate": [0.01, 0.1]}, epochs=2, engine=engine,
        seeds=[3, 8], keep_weights=True, batch_size=100,
    )  # fmt: skip
    for rate, j in itertools.product((0.01, 0.1), range(2)):
        model = runs.model(seed=runs.seeds[j], learning_rate=rate)
        loss, accuracy = model.evaluate(BLOBS.x_val, BLOBS.y_val, verbose=0)
        assert accuracy == pytest.approx(runs.final("val_accuracy", learning_rate=rate)[j])
        assert loss == pytest.approx(runs.final("val_loss", learning_rate=rate)[j], rel=1e-5)
        stacks = runs.weights(learning_rate=rate)
        for stack, weights in zip(stacks, model.get_weights(), strict=True):
            np.testing.assert_array_equal(stack[j], weights)
    chosen = runs.select(learning_rate=0.1)
    np.testing.assert_array_equal(chosen.weights()[0], runs.weights(learning_rate=0.1)[0])


def test_kept_weights_come_back_from_other_processes():
    given = {"optimizer": SGD, "settings": {"learning_rate": [0.01, 0.1]}, **FAST}
    here, there = (sweep(**given, n_jobs=n, keep_weights=True) for n in (1, 2))
    for one, other in zip(*(r.weights(learning_rate=0.1) for r in (here, there)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_the_model_goes_on_training_with_what_its_setting_says():
    runs = sweep(
        optimizer=lambda momentum: SGD(0.01, momentum=momentum), settings={"momentum": [0.0, 0.9]},
        data=BLOBS.one_hot(), keep_weights=True, **FAST,
    )  # fmt: skip
    model = runs.model(seed=0, momentum=0.9)
    assert (model.optimizer.momentum, int(model.optimizer.iterations)) == (0.9, 0)
    loss, _ = model.evaluate(BLOBS.x_val, BLOBS.one_hot().y_val, verbose=0)
    assert loss == pytest.approx(runs.final("val_loss", momentum=0.9)[0], rel=1e-5)


def test_weights_that_were_not_kept_are_refused(tmp_path):
    runs = sweep(optimizer=SGD, **FAST)
    for ask in (runs.weights, lambda: runs.model(seed=0)):
        with pytest.raises(ValueError, match=r"not kept: .*keep_weights=True"):
            ask()
    runs = sweep(optimizer=SGD, keep_weights=True, **FAST)
    with pytest.raises(ValueError, match="seed=7 was not trained to its end: choose from 0, 1"):
        runs.model(seed=7)
    with pytest.warns(UserWarning, match="not their weights"):
        path = runs.save(tmp_path / "runs.npz")
    with pytest.raises(ValueError, match="a saved file never holds them"):
        ol.Runs.load(path).weights()
    with pytest.raises(TypeError, match="keep_weights='yes': give True"):
        sweep(optimizer=SGD, keep_weights="yes", **FAST)


def test_weights_of_an_interrupted_run_are_missing(monkeypatch):
    fit = sweeping.fit

    def interrupted(plan, seed):
        if seed == 1:
            raise KeyboardInterrupt
        return fit(plan, seed)

    monkeypatch.setattr(sweeping, "fit", interrupted)
    with pytest.warns(UserWarning, match="1 of 2 runs are finished"):
        runs = sweep(optimizer=SGD, engine="keras", keep_weights=True, **FAST)
    kernel = runs.weights()[0]
    assert kernel.shape == (2, 2, 50)
    assert np.isfinite(kernel[0]).all() and np.isnan(kernel[1]).all()
    with pytest.raises(ValueError, match="seed=1 was not trained"):
        runs.model(seed=1)
