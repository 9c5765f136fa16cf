"""What a sweep is asked for: settings, where they go, and what is refused."""

import dataclasses
import functools
import importlib

import cloudpickle
import keras
import numpy as np
import pytest
from keras.callbacks import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau
from keras.initializers import HeNormal
from keras.optimizers import SGD, Adam

import optlab as ol
from optlab import ensemble
from optlab import plan as planning

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
    labels, values = planning.read_settings(settings)
    assert labels[1] == {
        "optimizer": "plain", "model": "blobs_mlp", "hidden": (4,), "x": 0.5, "none": None
    }  # fmt: skip
    assert values[1]["model"] is ol.blobs_mlp and values[1]["hidden"] == [4]


def test_functions_and_parts_of_keras_are_values(plans):
    """They go to the model like any number, and are called as Keras calls them."""
    settings = {
        "activation": [keras.activations.relu, keras.activations.tanh],
        "kernel_initializer": [HeNormal, keras.initializers.GlorotNormal()],
    }
    labels, _ = planning.read_settings(settings)
    assert [[*setting.values()] for setting in labels] == [
        ["relu", "HeNormal"], ["relu", "GlorotNormal"], ["tanh", "HeNormal"],
        ["tanh", "GlorotNormal"],
    ]  # fmt: skip
    hidden = [plan.template.layers[0] for plan in plans(settings=settings)]
    assert [layer.activation for layer in hidden] == [keras.activations.relu] * 2 + [
        keras.activations.tanh
    ] * 2
    assert [type(layer.kernel_initializer).__name__ for layer in hidden] == [
        "HeNormal", "GlorotNormal"
    ] * 2  # fmt: skip


def test_one_initializer_object_draws_anew_for_each_seed(plans):
    def model(initializer):
        hidden = keras.layers.Dense(4, "relu", kernel_initializer=initializer)
        return keras.Sequential([keras.Input((2,)), hidden, keras.layers.Dense(3, "softmax")])

    (plan,) = plans(model=model, settings={"initializer": [HeNormal()]})
    first, second, again = (ensemble.initial_model(plan, seed).get_weights() for seed in (0, 1, 0))
    assert not np.array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[0], again[0])


class Constant:
    """Objects that look alike."""

    def __init__(self, units):
        self.units = units

    def __repr__(self):
        return "Constant"


LONG = np.zeros(3000)
ALIKE = {
    "objects of one repr": {"a": Constant(3), "b": Constant(4)},
    "long arrays": {"a": LONG, "b": np.where(np.arange(3000) == 1500, 1, LONG)},
    "data of one name": {"a": BLOBS, "b": BLOBS.fold(0), "c": dataclasses.replace(BLOBS)},
    "numbers of different types": {"a": 1, "b": 1.0, "c": True, "d": "1", "e": np.int64(1)},
    "tuples": {"a": (1, 2), "b": (1.0, 2), "c": (True, 2), "d": ("1", 2)},
    "lists": {"a": [1], "b": [1]},
    "zeros": {"a": 0.0, "b": -0.0},
}


@pytest.mark.parametrize("case", ALIKE)
def test_what_looks_alike_is_not_one(plans, case):
    """Each value reaches its own model and its own data, whatever its repr."""
    got = []

    def model(value):
        got.append(value)
        return ol.blobs_mlp()

    def data(value):
        return dataclasses.replace(BLOBS, name=f"{len(got)}")

    found = plans(model=model, data=data, settings={"value": ALIKE[case]})
    assert len({id(value) for value in got}) == len({plan.model_key for plan in found})
    assert len({plan.model_key for plan in found}) == len(ALIKE[case])
    assert len({id(plan.dataset) for plan in found}) == len(ALIKE[case])


def test_what_is_equal_is_one(plans):
    settings = [{"units": (3, "a"), "momentum": m} for m in (0.0, 0.5)]
    settings = [setting | {"units": (*setting["units"],)} for setting in settings]
    found = plans(
        model=lambda units: ol.blobs_mlp(units[0]), optimizer=lambda momentum: SGD(0.1, momentum),
        settings=settings,
    )  # fmt: skip
    assert found[0].model_key == found[1].model_key and found[0].template is found[1].template


def test_a_model_without_an_input_is_another_for_other_data(plans):
    def model():
        return keras.Sequential([keras.layers.Dense(3, "softmax")])

    found = plans(model=model, settings={"data": {"a": BLOBS, "b": WRONG_SHAPE}})
    assert found[0].model_key != found[1].model_key


def test_keys_keep_their_objects_and_survive_being_sent(plans):
    found = plans(
        model=lambda value: ol.blobs_mlp(),
        settings={"value": ALIKE["lists"], "momentum": [0, 0.5]},
    )  # fmt: skip
    keys = [plan.model_key for plan in found]
    sent = cloudpickle.loads(cloudpickle.dumps(keys))
    assert [sent.index(key) for key in sent] == [keys.index(key) for key in keys] == [0, 0, 2, 2]
    assert len({*sent}) == 2 and not {*sent} & {*keys}
    key = planning.key_of(Constant(3))
    assert key.thing.units == 3  # alive, so that no other object gets its id


def test_rates_count_only_where_they_are_trained_with(plans):
    """A schedule may fall below 0 after the last update."""
    falling = formula(lambda t, m: 0.1 - 0.05 * t)
    assert plans(schedule=falling, epochs=3)
    assert plans(optimizer=lambda: SGD(Own(lambda step: 0.3 - 0.1 * step)), epochs=2)
    assert plans(optimizer=lambda: SGD(Own(lambda step: 0.1 * keras.ops.exp(-step))))
    assert plans(optimizer=lambda: SGD(lambda: 0.1), settings={"epochs": [1]}, epochs=None)
    assert plans(settings={"learning_rate": [0]})


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


def stranger(module, name):
    """Return an object of a class of a package that is not installed here."""
    return type(name, (), {"__module__": module})()


def compiled(loss):
    model = ol.blobs_mlp()
    model.compile("sgd", loss)
    return model


def used(optimizer):
    weight = keras.Variable(1.0)
    for _ in range(2):
        optimizer.apply([keras.ops.ones(())], [weight])
    return optimizer


def formula(function, per="epoch"):
    return ol.Schedule(function, per, "mine")


class Own(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule as a student writes it."""

    def __init__(self, function):
        self.function = function

    def __call__(self, step):
        return self.function(step)


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
    "a model": ({"model": ol.blobs_mlp()}, "an object of type keras.*Sequential: give a"),
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
    "an optimizer": ({"optimizer": Adam()}, r"object of type keras\..*\.Adam: give a function"),
    "name of one": ({"optimizer": "adam"}, "optimizer is 'adam': give a function"),
    "shared optimizer": ({"optimizer": constant_of(SGD(0.1))}, "same object each time"),
    "optimizer of another package": (
        {"optimizer": lambda: stranger("tf_keras.src.optimizers.sgd", "SGD")},
        r"optimizer made an object of type tf_keras\.src\.optimizers\.sgd\.SGD",
    ),
    "model of another package": (
        {"model": lambda: stranger("tf_keras.src.engine", "Sequential")},
        r"model made an object of type tf_keras\.src\.engine\.Sequential",
    ),
    "compiled model": (
        {"model": lambda: compiled("mse")}, "compiled model, and sweep would ignore its loss 'mse'",
    ),
    "used optimizer": (
        {"optimizer": lambda: used(SGD(0.1))}, "SGD, which has done 2 updates before: build a new",
    ),
    "class returned": ({"optimizer": lambda: SGD}, r"optimizer made keras\..*\.SGD itself"),
    "optimizer needs": ({"optimizer": lambda rate: SGD(rate)}, "needs rate: give it in settings"),
    "callbacks": ({"callbacks": [EarlyStopping()]}, "callbacks is an object of type list"),
    "a callback": ({"callbacks": EarlyStopping()}, r"an object of type keras\..*EarlyStopping"),
    "callback class": ({"callbacks": EarlyStopping}, "return a list of Keras callbacks"),
    "callback classes": (
        {"callbacks": lambda: [ol.LearningRateMonitor(), EarlyStopping]},
        r"holds keras\..*\.EarlyStopping itself",
    ),
    "callback of another package": (
        {"callbacks": lambda: [stranger("tf_keras.src.callbacks", "EarlyStopping")]},
        r"holds an object of type tf_keras\.src\.callbacks\.EarlyStopping",
    ),
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
    "Keras schedule": ({"schedule": DECAY}, "object of type keras.*ExponentialDecay"),
    "schedule and plateau": (
        {"schedule": COSINE, "callbacks": lambda: [ReduceLROnPlateau()]}, "both set the learning",
    ),
    "Keras schedule and scheduler": (
        {"optimizer": lambda: SGD(DECAY),
         "callbacks": lambda: [LearningRateScheduler(COSINE.for_callback())]},
        "both set the learning",
    ),
    "NaN rate": ({"settings": {"learning_rate": [0.1, np.nan]}}, "rate of SGD is nan: give a fin"),
    "endless rate": ({"settings": {"learning_rate": [np.inf]}}, "learning rate of SGD is inf"),
    "rate beyond float32": ({"settings": {"learning_rate": [1e39]}}, "learning rate of SGD is inf"),
    "negative rate": ({"settings": {"learning_rate": [-1]}}, "learning rate of SGD is -1"),
    "negative rate in optimizer": ({"optimizer": lambda: Adam(-0.5)}, "rate of Adam is -0.5"),
    "rates below 0": (
        {"schedule": formula(lambda t, m: 0.1 - 0.05 * t), "epochs": 4},
        "learning rate of the schedule mine per epoch at update 6 is -0.05",
    ),
    "rates below 0 by updates": (
        {"schedule": formula(lambda t, m: 0.1 - 0.05 * t, "update"), "epochs": 2}, "at update 3",
    ),
    "NaN in a Keras schedule": (
        {"optimizer": lambda: SGD(Own(lambda step: keras.ops.log(1.0 - step))), "epochs": 2},
        r"rate of an object of type .*\.Own in the optimizer SGD at update 1 is -inf",
    ),
    "rates below 0 by callback": (
        {"callbacks": lambda: [LearningRateScheduler(lambda epoch: 0.1 - epoch)], "epochs": 2},
        "LearningRateScheduler at epoch 1 is -0.9",
    ),
    "whole number by callback": (
        {"callbacks": lambda: [LearningRateScheduler(lambda epoch: 1)]},
        "LearningRateScheduler fails at epoch 0 with ValueError: mend its function",
    ),
    "formula with if": (
        {"schedule": formula(lambda t, m: 0.1 if t < 10 else 0.01)},
        r"^The schedule mine per epoch cannot be computed .*: write m\.where",
    ),
    "formula with np.cos": ({"schedule": formula(lambda t, m: np.cos(t))}, "place of np.cos"),
    "Keras schedule with if": (
        {"optimizer": lambda: SGD(Own(lambda step: 0.1 if step < 10 else 0.01))},
        r"Own in the optimizer SGD cannot be .*: write keras\.ops\.where",
    ),
    "Keras schedule with np.cos": (
        {"optimizer": lambda: SGD(Own(lambda step: 0.1 * np.cos(step)))}, "place of np.cos",
    ),
    "function of the step as rate": (
        {"optimizer": lambda: SGD(lambda step: 0.1 if step < 10 else 0.01)},
        "learning rate of SGD is a function, which Keras calls without a step: give",
    ),
    "function of the epoch as schedule": (
        {"schedule": lambda epoch: 0.1 if epoch < 10 else 0.01},
        r"needs epoch: give it in settings, or make your formula a schedule, as in ol\.Schedule\(",
    ),
    # values
    "two of one name": (
        {"settings": {"kernel_initializer": [HeNormal(), HeNormal(seed=1)]}},
        "holds two values that are both called 'HeNormal': give a dict",
    ),
    "two of one name in dicts": (
        {"settings": [{"activation": keras.activations.relu}, {"activation": keras.ops.relu}]},
        "settings\\['activation'\\] holds two values that are both called 'relu': give a dict",
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


def test_an_optimizer_shared_by_one_setting_only_is_refused():
    shared = SGD(0.1)
    with pytest.raises(ValueError, match="same object each time"):
        sweep(
            optimizer=lambda momentum: shared if momentum else SGD(0.1),
            settings={"momentum": [0.0, 0.5]},
        )


# ---- seeds -----------------------------------------------------------------------------------


def test_seeds(monkeypatch):
    assert planning.read_seeds(3) == planning.read_seeds(np.int64(3)) == [0, 1, 2]
    assert planning.read_seeds([7, 3]) == planning.read_seeds(np.array([7, 3])) == [7, 3]
    assert planning.read_seeds(range(2, 4)) == [2, 3]
    blocks = set()
    for block in ("0", "1", "17"):
        monkeypatch.setenv("OPTLAB_SEED", block)
        seeds = planning.read_seeds(1000)
        assert seeds == [1000 * int(block) + i for i in range(1000)]
        assert not blocks & {*seeds}
        blocks |= {*seeds}
        assert planning.read_seeds([5]) == [5]  # a list is what it says


@pytest.mark.parametrize("block", ["x", "-1", "1.5", "", "²", "9999999"])
def test_a_bad_block_of_seeds_is_refused(monkeypatch, block):
    monkeypatch.setenv("OPTLAB_SEED", block)
    with pytest.raises(ValueError, match=f"OPTLAB_SEED='{block}'"):
        planning.read_seeds(3)
