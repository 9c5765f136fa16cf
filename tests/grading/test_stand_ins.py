"""What stands in for slow parts in test_marks.py does the same as they."""

import dataclasses
import itertools
import types

import keras
import numpy as np
from course import (
    KeptRuns,
    code_cells,
    quick_first_weights,
    quick_train,
    quick_train_epoch,
    run,
)

import optlab as ol
from optlab import ensemble

BLOBS = ol.load_blobs()
FIRST_WEIGHTS, TRAIN = ensemble.first_weights, ensemble.train


def test_a_run_is_given_again_only_where_nothing_differs(monkeypatch):
    trained = []

    def train(plans, seeds, weights=True):
        """Give each run a number of its own, in place of a loss."""
        trained.append((len(plans), list(seeds)))
        numbers = itertools.count(100 * len(trained))
        runs = [(i, seed) for i in range(len(plans)) for seed in seeds]
        return {(i, s): {"loss": np.full(plans[i].looks, next(numbers))} for i, s in runs}

    def sweep(
        optimizer=lambda: keras.optimizers.SGD(0.1), model=ol.blobs_mlp, data=BLOBS, **options
    ):
        trained.clear()
        options = {"epochs": 2, "batch_size": 250, "seeds": [3, 5]} | options
        return ol.sweep(model, data, optimizer=optimizer, **options)["loss"]

    def follow():
        return [keras.callbacks.LearningRateScheduler(lambda epoch: 0.2)]

    kept = KeptRuns(train, schedules=True)
    monkeypatch.setattr(ensemble, "train", kept)
    others = [
        {}, {"epochs": 3}, {"batch_size": 125}, {"test": True},
        {"data": dataclasses.replace(BLOBS, x_val=BLOBS.x_val + 1e-3)},
        {"model": lambda: ol.blobs_mlp(20)}, {"model": lambda: ol.blobs_mlp(activation="tanh")},
        {"model": lambda: ol.blobs_mlp(kernel_initializer="he_normal")},
        {"optimizer": lambda: keras.optimizers.SGD(0.2)}, {"optimizer": keras.optimizers.Adam},
        {"optimizer": lambda: keras.optimizers.SGD(0.1, momentum=0.9)},
        {"schedule": ol.exponential(0.1, 0.5, per="epoch")},
        {"optimizer": lambda: keras.optimizers.SGD(
            keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 0.1))},
        {"callbacks": follow},
    ]  # fmt: skip
    first = []
    for options in others:
        first.append(sweep(**options))
        assert trained == [(1, [3, 5])], options
    for options, before in zip(others, first, strict=True):
        assert np.array_equal(sweep(**options), before) and trained == []
    more = sweep(seeds=[5, 4, 3])
    assert trained == [(1, [4])]
    assert np.array_equal(more[0, [2, 0]], first[0][0])
    kept.pool = [[5, 6, 7], [15, 16, 17]]
    sweep(epochs=4)
    assert trained == [(1, [3, 5, 15])]
    sweep(epochs=4, seeds=[3, 15])
    assert trained == []
    sweep(epochs=4, seeds=[17, 15])
    assert trained == [(1, [17, 7])]
    kept.pool = ()
    first_of_all = sweep(optimizer=lambda: keras.optimizers.SGD(0.5), seeds=[3])
    both = sweep(
        settings={"learning_rate": [0.6, 0.5]}, optimizer=keras.optimizers.SGD, seeds=[3, 4]
    )
    assert trained == [(2, [3, 4])] and np.array_equal(both[1, 0], first_of_all[0, 0])
    some = sweep(settings={"learning_rate": [0.1, 0.3]}, optimizer=keras.optimizers.SGD)
    assert trained == [(1, [3, 5])] and np.array_equal(some[0], first[0][0])
    for _ in range(2):
        sweep(callbacks=lambda: [keras.callbacks.EarlyStopping()])
        assert trained == [(1, [3, 5])]
    kept.schedules = False
    sweep(callbacks=follow)
    assert trained == [(1, [3, 5])]


def test_what_is_given_again_is_what_was_trained(monkeypatch):
    options = {"optimizer": keras.optimizers.Adam, "epochs": 2, "seeds": 3, "keep_weights": True}
    expected = ol.sweep(ol.blobs_mlp, BLOBS, **options)
    monkeypatch.setattr(ensemble, "train", KeptRuns(TRAIN))
    monkeypatch.setattr(ensemble, "first_weights", quick_first_weights)
    runs = [ol.sweep(ol.blobs_mlp, BLOBS, **options) for _ in range(2)]
    for some in runs:
        for name in expected.names:
            np.testing.assert_allclose(some[name], expected[name], rtol=1e-5)
        for one, other in zip(some.weights(), expected.weights(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_the_quick_training_is_the_training():
    """What stands in for `train` in these tests gives its weights, where no order matters."""
    namespace = {"__name__": "__main__"}
    for cell in code_cells("d1_tune_by_validation")[:2]:
        assert run(cell.source, namespace) is None
    x, y = namespace["digits"].x_train[:50], namespace["digits"].y_train[:50]
    slow, quick = (
        train(x, y, 0.1, batch_size=50, momentum=0.9, epochs=5, seed=3).get_weights()
        for train in (namespace["train"], quick_train(namespace)["train"])
    )
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(slow, quick, strict=True))


def test_the_quick_epoch_is_the_epoch():
    """What stands in for `train_epoch` gives its losses, its weights and Adam's numbers."""
    namespace = {"__name__": "__main__"}
    assert run(code_cells("e7_save_and_resume")[0].source, namespace) is None
    quick = quick_train_epoch(namespace)["train_epoch"]
    models = [namespace["new_model"](3) for _ in range(2)]
    for epoch in (0, 1):
        losses = [
            train(model, epoch, 3)
            for train, model in zip((namespace["train_epoch"], quick), models, strict=True)
        ]
        assert np.isclose(*losses, rtol=1e-3)
    slow, fast = ([*m.weights, *m.optimizer.variables] for m in models)
    assert len(slow) == len(fast) == 4 + 1 + 2 * 4
    assert all(np.allclose(a, b, rtol=1e-3, atol=1e-3) for a, b in zip(slow, fast, strict=True))


def test_the_quick_first_weights_are_the_first_weights():
    namespace = {"__name__": "__main__"}
    assert run(code_cells("d1_tune_by_validation")[0].source, namespace) is None
    for model in (namespace["build_model"], ol.blobs_mlp):
        plan = types.SimpleNamespace(model=model, model_key=model, template=model())
        for seed in (0, 1, 1000):
            quick, slow = quick_first_weights(plan, seed), FIRST_WEIGHTS(plan, seed)
            assert len(quick) == 4 and all(map(np.array_equal, quick, slow))
