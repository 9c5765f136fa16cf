import inspect
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.optimizers.schedules import CosineDecay, ExponentialDecay, InverseTimeDecay

import optlab as ol
from optlab.schedule import rates_at

STEPS = np.arange(301)

# name: (how to build it for a meaning of a step, the Keras class with the same numbers)
KERAS = {
    "time_based": (
        lambda per: ol.time_based(0.1, decay=0.05, per=per),
        InverseTimeDecay(0.1, decay_steps=1, decay_rate=0.05),
    ),
    "step": (
        lambda per: ol.step(0.1, factor=0.7, every=30, per=per),
        ExponentialDecay(0.1, decay_steps=30, decay_rate=0.7, staircase=True),
    ),
    "exponential": (
        lambda per: ol.exponential(0.1, rate=0.03, per=per),
        ExponentialDecay(0.1, decay_steps=1, decay_rate=math.exp(-0.03)),
    ),
    "cosine": (lambda per: ol.cosine(0.1, steps=200, per=per), CosineDecay(0.1, decay_steps=200)),
    "cosine to a tenth": (
        lambda per: ol.cosine(0.1, steps=200, final=0.01, per=per),
        CosineDecay(0.1, decay_steps=200, alpha=0.1),
    ),
    "warmup_cosine": (
        lambda per: ol.warmup_cosine(0.1, warmup=40, steps=200, per=per),
        CosineDecay(0.0, decay_steps=160, warmup_target=0.1, warmup_steps=40),
    ),
    "warmup_cosine to a tenth": (
        lambda per: ol.warmup_cosine(0.1, warmup=40, steps=200, final=0.01, per=per),
        CosineDecay(0.0, decay_steps=160, alpha=0.1, warmup_target=0.1, warmup_steps=40),
    ),
}
BUILD = {name: build for name, (build, _) in KERAS.items()} | {
    "constant": lambda per: ol.constant(0.1, per=per),
    "one_cycle": lambda per: ol.one_cycle(0.1, steps=200, per=per),
}


# ---- the formulas ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", KERAS)
def test_equals_the_keras_class(name):
    build, theirs = KERAS[name]
    expected = [float(theirs(int(t))) for t in STEPS]
    np.testing.assert_allclose(build("update")(STEPS), expected, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize(
    ("t", "rate"),
    # by hand: from 0.1/25 up over 30 steps, half-way at 15; down to 1e-5 over 70, half-way at 65
    [(0, 0.004), (15, 0.052), (30, 0.1), (65, 0.050005), (100, 1e-5), (1000, 1e-5)],
)
def test_one_cycle(t, rate):
    schedule = ol.one_cycle(0.1, steps=100, per="update", up=0.3, start=1 / 25, end=1e-4)
    assert schedule(t) == pytest.approx(rate)


def test_a_negative_rate_lets_the_learning_rate_grow_for_a_range_test():
    grows = ol.exponential(1e-5, rate=-math.log(10) / 20, per="update")  # tenfold in 20 updates
    assert grows([0, 20, 100]) == pytest.approx([1e-5, 1e-4, 1.0])


# ---- numbers, arrays, tensors ----------------------------------------------------------------


@pytest.mark.parametrize("name", BUILD)
def test_numbers_arrays_and_tensors_agree(name):
    schedule = BUILD[name]("update")
    one_by_one = [schedule(int(t)) for t in STEPS]
    assert all(type(rate) is float for rate in one_by_one)
    assert type(schedule(np.int64(3))) is float and type(schedule(np.array(3))) is float

    array = schedule(STEPS)
    assert array.shape == STEPS.shape and array.dtype == np.float64
    np.testing.assert_allclose(array, one_by_one, rtol=1e-12)
    np.testing.assert_allclose(schedule(STEPS.reshape(7, 43)), array.reshape(7, 43), rtol=1e-12)

    for dtype in ("int32", "int64", "float32"):
        steps = tf.constant(STEPS, dtype)
        for call in (schedule, tf.function(schedule), tf.function(schedule, jit_compile=True)):
            tensor = call(steps)
            assert tf.is_tensor(tensor) and tensor.shape == STEPS.shape
            np.testing.assert_allclose(tensor, array, rtol=1e-4, atol=1e-8)
    assert schedule(tf.constant(7)).shape == ()


@pytest.mark.parametrize("every", [1, 3, 7, 10, 32, 49, 97, 388])
def test_drops_come_on_the_step_in_compiled_float32_as_well(every):
    # TensorFlow compiles t / 97 to t * (1 / 97), which is below 1 for t = 97
    schedule = ol.step(1.0, factor=0.999, every=every, per="update")
    steps = np.arange(2000)
    expected = 0.999 ** (steps // every)
    np.testing.assert_allclose(schedule(steps), expected, rtol=1e-12)
    np.testing.assert_allclose(schedule(steps + 0.9), expected, rtol=1e-12)
    for call in (tf.function(schedule), tf.function(schedule, jit_compile=True)):
        np.testing.assert_allclose(call(tf.constant(steps)), expected, rtol=3e-4)


# ---- published numbers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "last"),
    [
        (ol.time_based(0.01, decay=0.01 / 50, per="epoch"), 0.009903),
        (ol.step(0.01, factor=0.5, every=10, per="epoch"), 0.000625),
        (ol.exponential(0.01, rate=0.1, per="epoch"), 7.4466e-5),
    ],
    ids=["time-based", "step", "exponential"],
)
def test_c3_ends_where_it_was_published(schedule, last):
    assert float(f"{schedule(49):.5g}") == pytest.approx(last, rel=1e-4)


def test_trap_3_the_closed_form_is_not_applied_again_and_again():
    rates = ol.time_based(0.1, decay=0.001, per="epoch")(np.arange(5))
    assert list(rates.round(7)) == [0.1, 0.0999001, 0.0998004, 0.0997009, 0.0996016]


def test_trap_4_the_sum_done_right():
    assert ol.time_based(0.01, decay=0.1, per="update")(1024) == pytest.approx(9.7e-5, rel=3e-3)


def test_a6_the_largest_decay():
    rates = ol.time_based(0.01, decay=0.1, per="update")(np.arange(201))
    assert rates[50] < 0.002 < rates[39]
    assert rates[200] == pytest.approx(0.0005, rel=0.06)


def test_a10_the_copied_form_drops_one_epoch_early():
    published = [0.1 * 0.5 ** math.floor((1 + epoch) / 32) for epoch in range(128)]
    copied = ol.step(0.1, factor=0.5, every=32, per="epoch", shift=1)
    assert list(copied(np.arange(128))) == pytest.approx(published, rel=1e-12)
    assert (copied(30), copied(31)) == (0.1, 0.05)
    plain = ol.step(0.1, factor=0.5, every=32, per="epoch")
    assert (plain(31), plain(32)) == (0.1, 0.05)


# ---- what a step is --------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(BUILD) - {"constant"}))
def test_the_meaning_of_a_step_is_explicit(name):
    assert BUILD[name]("epoch").per == "epoch" and str(BUILD[name]("update")).endswith("per update")
    per = inspect.signature(getattr(ol, name.split()[0])).parameters["per"]
    assert per.default is per.empty and per.kind is per.KEYWORD_ONLY
    with pytest.raises(ValueError, match='per=\'batch\'.*per="update" or per="epoch"'):
        BUILD[name]("batch")


def test_a_schedule_goes_only_where_its_step_is_counted():
    with pytest.raises(ValueError, match="counts epochs.*updates_per_epoch="):
        ol.cosine(0.1, 10, per="epoch").for_optimizer()
    with pytest.raises(ValueError, match='counts updates.*per="epoch"'):
        ol.cosine(0.1, 10, per="update").for_callback()
    for wrong in (0, -2, 2.5, "2"):
        with pytest.raises(ValueError, match="updates_per_epoch=.*whole number from 1"):
            ol.cosine(0.1, 10, per="epoch").for_optimizer(wrong)


# ---- in Keras' own training ------------------------------------------------------------------


def fit(optimizer, *callbacks, epochs=5, updates_per_epoch=3):
    """Train on random points; return each update's own rate and the history.

    The rate is measured from what SGD did: with a loss of gradient 1 a weight falls by the rate.
    """
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    weights = []

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            weights.append(self.model.get_weights()[0].item())

        def on_train_batch_end(self, batch, logs=None):
            weights.append(self.model.get_weights()[0].item())

    model.compile(optimizer, loss=lambda _, y: y)
    x = np.ones((updates_per_epoch, 1), "float32")
    history = model.fit(x, x, batch_size=1, epochs=epochs, verbose=0,
                        callbacks=[*callbacks, Watch()]).history  # fmt: skip
    return -np.diff(weights), history


def test_an_optimizer_follows_a_schedule_per_update():
    rates, history = fit(
        keras.optimizers.SGD(ol.time_based(0.1, decay=0.5, per="update").for_optimizer()),
        ol.LearningRateMonitor(),
    )
    expected = 0.1 / (1 + 0.5 * np.arange(15))
    np.testing.assert_allclose(rates, expected, rtol=1e-4)
    np.testing.assert_allclose(history["learning_rate"], expected[2::3], rtol=1e-6)


def test_a_schedule_per_update_needs_no_updates_per_epoch():
    schedule = ol.time_based(0.1, decay=0.5, per="update").for_optimizer(updates_per_epoch=3)
    assert float(schedule(2)) == pytest.approx(0.05)


def test_an_optimizer_follows_a_schedule_per_epoch():
    schedule = ol.step(0.1, factor=0.5, every=2, per="epoch")
    rates, history = fit(
        keras.optimizers.SGD(schedule.for_optimizer(updates_per_epoch=3)), ol.LearningRateMonitor()
    )
    expected = np.array([0.1, 0.1, 0.05, 0.05, 0.025])
    np.testing.assert_allclose(rates, expected.repeat(3), rtol=1e-4)
    np.testing.assert_allclose(history["learning_rate"], expected, rtol=1e-6)


class Falling(keras.optimizers.schedules.LearningRateSchedule):
    """As a student writes it: arithmetic that Keras' step allows and a plain int64 tensor not."""

    def __call__(self, step):
        return 0.3 - 0.02 * step


@pytest.mark.parametrize(
    "schedule",
    [
        Falling(),
        ExponentialDecay(0.1, decay_steps=3, decay_rate=0.5),
        ol.constant(0.1).for_optimizer(),
        ol.one_cycle(0.1, steps=5, per="epoch").for_optimizer(3),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_rates_at_some_updates_are_those_of_training(schedule):
    rates, _ = fit(keras.optimizers.SGD(schedule))
    steps = np.array([0, 1, 2, 7, 14])
    found = rates_at(schedule, steps)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, rates[steps], rtol=1e-4)


@pytest.mark.parametrize("monitor_first", [True, False])
def test_the_scheduler_callback_follows_and_the_monitor_records(monitor_first):
    schedule = ol.step(0.1, factor=0.5, every=2, per="epoch")
    callbacks = [
        keras.callbacks.LearningRateScheduler(schedule.for_callback()), ol.LearningRateMonitor(),
    ]  # fmt: skip
    rates, history = fit(keras.optimizers.SGD(7.0), *callbacks[:: -1 if monitor_first else 1])
    expected = np.array([0.1, 0.1, 0.05, 0.05, 0.025])
    np.testing.assert_allclose(rates, expected.repeat(3), rtol=1e-4)
    np.testing.assert_allclose(history["learning_rate"], expected, rtol=1e-6)


@pytest.mark.parametrize("monitor_first", [True, False])
def test_the_monitor_records_the_rate_that_was_used_beside_reduce_on_plateau(monitor_first):
    # nothing ever improves by 1000: patience 1 divides by ten after every epoch but the first
    callbacks = [
        keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=1, factor=0.1, min_delta=1000),
        ol.LearningRateMonitor(),
    ]
    rates, history = fit(keras.optimizers.SGD(0.1), *callbacks[:: -1 if monitor_first else 1])
    np.testing.assert_allclose(rates[::3], history["learning_rate"], rtol=1e-2)
    np.testing.assert_allclose(history["learning_rate"], [0.1, 0.1, 0.01, 1e-3, 1e-4], rtol=1e-6)


# ---- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [0, -0.1, float("nan"), float("inf"), "0.1", None, [0.1]])
@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("constant", "learning_rate"),
        ("time_based", "learning_rate"),
        ("step", "learning_rate"),
        ("step", "factor"),
        ("step", "every"),
        ("exponential", "learning_rate"),
        ("cosine", "learning_rate"),
        ("cosine", "steps"),
        ("warmup_cosine", "warmup"),
        ("warmup_cosine", "steps"),
        ("one_cycle", "learning_rate"),
        ("one_cycle", "steps"),
        ("one_cycle", "up"),
        ("one_cycle", "start"),
    ],
)
def test_what_must_be_positive(name, parameter, wrong):
    needed = {
        "constant": {}, "time_based": {"decay": 0.1}, "step": {}, "exponential": {"rate": 0.1},
        "cosine": {"steps": 10}, "warmup_cosine": {"warmup": 2, "steps": 10},
        "one_cycle": {"steps": 10},
    }[name]  # fmt: skip
    with pytest.raises(ValueError, match=f"^{parameter}=.*not a positive number") as refused:
        getattr(ol, name)(**{"learning_rate": 0.1, **needed, parameter: wrong, "per": "epoch"})
    assert repr(wrong) in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("wrong", [-0.1, float("nan"), "0.1", None])
@pytest.mark.parametrize(
    ("parameter", "build"),
    [
        ("decay", lambda value: ol.time_based(0.1, decay=value, per="epoch")),
        ("final", lambda value: ol.cosine(0.1, 10, final=value, per="epoch")),
        ("final", lambda value: ol.warmup_cosine(0.1, 2, 10, final=value, per="epoch")),
        ("end", lambda value: ol.one_cycle(0.1, 10, end=value, per="epoch")),
    ],
)
def test_what_may_be_zero_but_not_less(parameter, build, wrong):
    build(0)
    with pytest.raises(ValueError, match=f"^{parameter}=.*give 0 or more"):
        build(wrong)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), "1", None])
def test_what_may_be_any_number(wrong):
    with pytest.raises(ValueError, match="^rate=.*no number"):
        ol.exponential(0.1, rate=wrong, per="epoch")
    with pytest.raises(ValueError, match="^shift=.*no number"):
        ol.step(0.1, shift=wrong, per="epoch")


@pytest.mark.parametrize("wrong", [{"every": 2.5}, {"shift": 0.5}], ids=str)
def test_drops_count_whole_steps(wrong):
    with pytest.raises(ValueError, match="whole numbers of steps"):
        ol.step(0.1, per="epoch", **wrong)


def test_no_steps_left_to_come_down():
    with pytest.raises(ValueError, match="steps=10 leaves nothing after warmup=10"):
        ol.warmup_cosine(0.1, warmup=10, steps=10, per="epoch")
    with pytest.raises(ValueError, match="up=1 leaves no steps"):
        ol.one_cycle(0.1, steps=10, up=1, per="epoch")
