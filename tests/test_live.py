"""The pages that train in the browser: they compute what the package and Keras compute.

All comparisons are with values of this moment, never with stored ones.
"""

import base64
import math
import re
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import optlab as ol
import optlab_live

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow

RULES = {
    "sgd": lambda rate: keras.optimizers.SGD(rate),
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.8),
    "nesterov": lambda rate: keras.optimizers.SGD(rate, momentum=0.8, nesterov=True),
    "adagrad": keras.optimizers.Adagrad,
    "rmsprop": keras.optimizers.RMSprop,
    "adadelta": keras.optimizers.Adadelta,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "adamax": keras.optimizers.Adamax,
    "nadam": keras.optimizers.Nadam,
}
RATES = {"adadelta": 5.0, "adagrad": 0.1, "sgd": 0.1, "momentum": 0.05, "nesterov": 0.05}
TRAIN = """([sizes, activation, weights, x, y, orders, rule, rates, momentum]) => {
  const net = modules.network.network(sizes, activation), w = Float64Array.from(weights);
  const state = modules.rules.initialState(rule, w.length), gradient = new Float64Array(w.length);
  const options = {...modules.rules.RULES[rule].options};
  if ("momentum" in options) options.momentum = momentum;
  orders.forEach((order, i) => {
    modules.network.gradientOfBatch(net, w, {x, y}, order, 0, order.length, gradient);
    modules.rules.update(rule, w, gradient, state, i + 1, rates[i], options);
  });
  return [...w, ...Object.values(modules.network.evaluate(net, w, {x, y}))];
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live pages, as a student's folder")
    optlab_live.build(folder)
    return folder


def functions_of(page_name, browser, folder):
    """Open a page from the disk, for its functions; close it at the end."""
    page = browser.new_page()
    page.goto((folder / page_name).as_uri())
    yield page
    page.close()


@pytest.fixture(scope="module")
def engine(browser, folder):
    yield from functions_of("index.html", browser, folder)


@pytest.fixture
def opened(browser, folder):
    """Return a function that opens a page from the disk; fail on any error it prints."""
    pages, errors = [], []

    def opened(name="index.html", script=None, **options):
        page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}} | options)
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: line.type == "error" and errors.append(line.text))
        page.on("request", lambda asked: errors.append(asked.url)
                if not asked.url.startswith(("file:", "blob:", "data:")) else None)  # fmt: skip
        if script:
            page.add_init_script(script)
        page.goto(f"{(folder / name.partition('#')[0]).as_uri()}#{name.partition('#')[2]}")
        return page

    yield opened
    for page in pages:
        page.close()
    assert errors == []


def network(sizes, activation):
    hidden = [keras.layers.Dense(n, activation, kernel_initializer="he_uniform")
              for n in sizes[1:-1]]  # fmt: skip
    return keras.Sequential(
        [keras.Input((2,)), *hidden, keras.layers.Dense(sizes[-1], activation="softmax")]
    )


def flat(model):
    return np.concatenate([w.ravel() for w in model.get_weights()]).astype("float64")


def batches(n, size, count, seed=0):
    """Return the first `count` batches of some epochs, the last of each short."""
    draw, found = np.random.default_rng(seed), []
    while len(found) < count:
        order = draw.permutation(n)
        found += [order[i : i + size].tolist() for i in range(0, n, size)]
    return found[:count]


def in_double_precision(model, activation, x, y, orders, rule, rates, momentum):
    """Train by `optlab.updates` and TensorFlow's own gradient, in float64."""
    weights = [tf.Variable(w, dtype="float64") for w in model.get_weights()]
    x, y = tf.constant(x, "float64"), tf.constant(y)
    options = {"momentum": momentum} if rule in ("momentum", "nesterov") else {}
    act = {"relu": tf.nn.relu, "tanh": tf.tanh}[activation]
    states = [ol.updates.initial_state(rule, w.numpy()) for w in weights]
    for t, (order, rate) in enumerate(zip(orders, rates, strict=True), 1):
        with tf.GradientTape() as tape:
            out = tf.gather(x, order)
            for k in range(0, len(weights) - 2, 2):
                out = act(out @ weights[k] + weights[k + 1])
            logits = out @ weights[-2] + weights[-1]
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(
                tf.gather(y, order), logits))  # fmt: skip
        for k, gradient in enumerate(tape.gradient(loss, weights)):
            extra = {"parameter": weights[k].numpy()} if rule == "adamw" else {}
            change, states[k] = ol.updates.UPDATES[rule](
                gradient.numpy(), states[k], t, learning_rate=rate, **options, **extra
            )
            weights[k].assign_add(change)
    return np.concatenate([w.numpy().ravel() for w in weights])


# ---- equal to the package and to Keras ---------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_rules_train_as_keras_does(engine, rule):
    """Twenty updates of the blob network from the same weights on the same batches."""
    blobs, sizes, rate = ol.load_blobs(), [2, 50, 3], RATES.get(rule, 0.01)
    keras.utils.set_random_seed(1)
    model = network(sizes, "relu")
    orders = batches(100, 32, 20)  # every fourth batch is short
    x, y = blobs.x_train[:100], blobs.y_train[:100]
    sent = [sizes, "relu", flat(model).tolist(), x.ravel().tolist(), y.tolist(), orders, rule,
            [rate] * 20, 0.8]  # fmt: skip
    *weights, loss, accuracy = engine.evaluate(TRAIN, sent)
    exact = in_double_precision(model, "relu", x, y, orders, rule, [rate] * 20, 0.8)
    np.testing.assert_allclose(weights, exact, rtol=1e-9, atol=1e-9)
    before = flat(model)
    model.compile(RULES[rule](rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    for order in orders:
        model.train_on_batch(x[order], y[order])
    assert np.abs(flat(model) - before).max() > 0.05  # the weights have moved
    np.testing.assert_allclose(weights, flat(model), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose([loss, accuracy], model.evaluate(x, y, verbose=0), rtol=1e-3)


@pytest.mark.parametrize("sizes, activation", [
    ([2, 10, 3], "tanh"), ([2, 5, 5, 3], "relu"), ([2, 10, 10, 3], "tanh"), ([2, 3, 3, 3], "relu"),
])  # fmt: skip
def test_all_networks_train_as_the_package_does(engine, sizes, activation):
    blobs = ol.load_blobs()
    keras.utils.set_random_seed(2)
    model = network(sizes, activation)
    orders, rates = batches(60, 16, 12), list(np.linspace(0.1, 0.01, 12))
    x, y = blobs.x_train[:60], blobs.y_train[:60]
    sent = [sizes, activation, flat(model).tolist(), x.ravel().tolist(), y.tolist(), orders,
            "nadam", rates, 0.9]  # fmt: skip
    weights = engine.evaluate(TRAIN, sent)[:-2]
    exact = in_double_precision(model, activation, x, y, orders, "nadam", rates, 0.9)
    np.testing.assert_allclose(weights, exact, rtol=1e-9, atol=1e-9)


def test_sure_and_wrong_networks_learn_as_in_keras(engine):
    """Keras computes the loss from what goes into the softmax, so that nothing is clipped."""
    blobs, sizes = ol.load_blobs(), [2, 10, 3]
    keras.utils.set_random_seed(3)
    model = network(sizes, "relu")
    model.set_weights([8 * w for w in model.get_weights()])
    x, y = blobs.x_train[:60], blobs.y_train[:60]
    p = model.predict(x, verbose=0)
    assert (p.min(axis=1) < 1e-7).any() and (p[np.arange(60), y] < 1e-7).any()
    order = [np.arange(60).tolist()]
    sent = [sizes, "relu", flat(model).tolist(), x.ravel().tolist(), y.tolist(), order, "sgd",
            [0.1], 0.9]  # fmt: skip
    *weights, loss, accuracy = engine.evaluate(TRAIN, sent)
    model.compile(
        keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.train_on_batch(x, y)
    np.testing.assert_allclose(weights, flat(model), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose([loss, accuracy], model.evaluate(x, y, verbose=0), rtol=1e-2)


def schedules(peak, n):
    up = max(1, n // 10)
    return {
        "constant": ol.constant(peak),
        **{f"time{k}": ol.time_based(peak, 10.0**-k, per="update") for k in (1, 2, 3, 4)},
        "step": ol.step(peak, 0.5, every=max(1, n // 4), per="update"),
        "exponential": ol.exponential(peak, math.log(100) / n, per="update"),
        "cosine": ol.cosine(peak, n, per="update"),
        "warmup": ol.warmup_cosine(peak, up, n, per="update"),
        "onecycle": ol.one_cycle(peak, n, per="update"),
    }


@pytest.mark.parametrize("n", [40, 256, 1003])
def test_schedules_are_the_packages(engine, n):
    wanted = schedules(0.3, n)
    assert engine.evaluate("Object.keys(modules.schedules.SCHEDULES)") == list(wanted)
    for name, schedule in wanted.items():
        came = engine.evaluate(
            """([name, n]) => Array.from(
            {length: n}, (_, t) => modules.schedules.rateAt(name, 0.3, t, n))""",
            [name, n],
        )
        np.testing.assert_allclose(came, [schedule(t) for t in range(n)], rtol=1e-9, atol=1e-12)


def test_the_points_are_the_lessons(engine):
    blobs = ol.load_blobs(draw=0)
    found = re.findall(r'(\w+): \{ x: "([^"]*)", y: "([^"]*)" \}',
                       (optlab_live.SOURCES / "points.js").read_text())  # fmt: skip
    assert [part for part, *_ in found] == ["train", "val", "test"]
    for part, x, y in found:
        x = np.frombuffer(base64.b64decode(x), "<f4").reshape(-1, 2)
        np.testing.assert_array_equal(x, getattr(blobs, f"x_{part}"))
        y = np.frombuffer(base64.b64decode(y), "uint8")
        np.testing.assert_array_equal(y, getattr(blobs, f"y_{part}"))


def test_first_weights_are_keras_own_kind(engine):
    """Uniform, as wide as he_uniform and glorot_uniform say; another seed draws others."""
    draw = """([sizes, activation, seed]) => Array.from(modules.network.firstWeights(
        modules.network.network(sizes, activation), modules.random.generator(seed)))"""
    for activation, limit in (("relu", math.sqrt(6 / 2)), ("tanh", math.sqrt(6 / 102))):
        weights = np.array([engine.evaluate(draw, [[2, 100, 3], activation, s]) for s in range(20)])
        first, output = weights[:, :200], weights[:, 300:600]
        assert abs(weights[:, [*range(200, 300), *range(600, 603)]]).max() == 0  # biases
        for kernel, most in ((first, limit), (output, math.sqrt(6 / 103))):
            assert 0.99 * most < abs(kernel).max() <= most
            assert abs(kernel.mean()) < 0.05 * most
            assert kernel.std() == pytest.approx(most / math.sqrt(3), rel=0.05)
        assert len(np.unique(first)) == first.size


def test_every_order_is_equally_likely(engine):
    orders = engine.evaluate("""() => { const random = modules.random.generator(3), found = [];
        for (let k = 0; k < 6000; k++) {
          const order = [0, 1, 2];
          modules.random.shuffle(order, 3, random);
          found.push(order.join(""));
        } return found; }""")
    _, counts = np.unique(orders, return_counts=True)
    assert len(counts) == 6 and (abs(counts - 1000) < 150).all()  # five standard deviations


PLAN = {"optimizer": "momentum", "rate": 0.01, "momentum": 0.9, "batch": 64, "schedule": "constant",
        "epochs": 3, "updates": 0, "layers": 1, "width": 10, "activation": "relu", "points": 100,
        "noise": 0, "seeds": 5, "first": 0}  # fmt: skip
RUN = """(plan) => {
  const decoded = ({x, y}) => ({
    x: new Float32Array(Uint8Array.from(atob(x), (c) => c.charCodeAt(0)).buffer),
    y: Uint8Array.from(atob(y), (c) => c.charCodeAt(0))});
  const data = {};
  for (const [part, set] of Object.entries(modules.points.POINTS)) data[part] = decoded(set);
  const training = new modules.training.Training(plan, data);
  const first = training.runs.map((run) => [...run.weights]);
  const orders = [];
  while (!training.finished) {
    training.advance();
    if (training.done % training.perEpoch === 1) orders.push([...training.runs[0].order]);
  }
  return {first, orders, curves: training.curves, test: training.test(),
    last: training.runs.map((run) => [...run.weights]),
    labels: [...training.train.y], updates: training.updates};
}"""


def test_a_training_is_what_fit_does(engine):
    """Epochs, short batches, curves: as model.fit reports them for the same weights and order."""
    came = engine.evaluate(RUN, PLAN)
    blobs = ol.load_blobs(draw=0)
    model = network([2, 10, 3], "relu")
    shapes = [w.shape for w in model.get_weights()]
    parts = np.split(np.array(came["first"][0]), np.cumsum([math.prod(s) for s in shapes])[:-1])
    model.set_weights([part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)])
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy",
                  metrics=["accuracy"])  # fmt: skip
    assert came["updates"] == 6 and len(came["orders"]) == 3
    for epoch, order in enumerate(came["orders"]):
        assert sorted(order) == list(range(100))
        history = model.fit(
            blobs.x_train[order], blobs.y_train[order], batch_size=64, shuffle=False, verbose=0,
            validation_data=(blobs.x_val, blobs.y_val),
        ).history  # fmt: skip
        for metric, (value,) in history.items():
            assert came["curves"][metric][0][epoch] == pytest.approx(value, rel=1e-3), metric
    np.testing.assert_allclose(came["last"][0], flat(model), rtol=1e-3, atol=1e-3)
    loss, accuracy = model.evaluate(blobs.x_test, blobs.y_test, verbose=0)
    assert came["test"][0] == pytest.approx(accuracy, abs=1e-3)


def test_a_budget_of_updates_counts_instead_of_epochs(engine, opened):
    came = engine.evaluate(RUN, PLAN | {"updates": 5})  # two epochs of two batches, and a batch
    assert came["updates"] == 5 and len(came["curves"]["loss"][0]) == 3
    accuracy = np.array(came["curves"]["accuracy"][0]) * [100, 100, 64]  # of so many points
    np.testing.assert_allclose(accuracy, accuracy.round())
    page = opened("index.html#A1")
    page.select_option("#shared-updates", "64")
    assert page.is_disabled("#shared-epochs")
    trained(page)
    said = page.inner_text("#where")
    assert said == "A: epoch 0 of 0.6, update 64 of 64; B: epoch 32 of 32, update 64 of 64"
    assert page.inner_text("#status").count("after update 64") == 2


def test_settings_are_paired_by_seed(engine):
    a = engine.evaluate(RUN, PLAN)
    b = engine.evaluate(RUN, PLAN | {"optimizer": "adam"})
    again, other = engine.evaluate(RUN, PLAN), engine.evaluate(RUN, PLAN | {"first": 5})
    assert a["first"] == b["first"] and a["orders"] == b["orders"] and a["last"] != b["last"]
    assert a == again
    assert not any(weights in a["first"] for weights in other["first"])


def test_wrong_labels_are_as_many_as_asked(engine):
    blobs = ol.load_blobs(draw=0)
    for points, noise in ((100, 0.2), (50, 0.1), (500, 0.4)):
        labels = engine.evaluate(RUN, PLAN | {"points": points, "noise": noise, "epochs": 1})[
            "labels"
        ]
        assert (np.array(labels) != blobs.y_train[:points]).sum() == noise * points


# ---- the verdict -------------------------------------------------------------------------------


def effects():
    draw = np.random.default_rng(0)
    yield from (draw.normal(0.01, sd, n).round(3) for sd in (0.002, 0.02) for n in (2, 5, 20, 50))
    yield np.full(20, 0.02)
    yield np.full(20, 0.01)
    yield np.append(draw.normal(size=19), np.nan)
    yield np.zeros(5)
    yield np.array([0.3])
    yield draw.exponential(0.05, 20)
    yield np.array([0.01, 0.01, 0.01, 0.01, 0.010001])


@pytest.mark.parametrize("effect", effects(), ids=lambda e: f"{len(e)} values")
@pytest.mark.parametrize("at_least", [0.0, 0.01, -0.02])
def test_verdicts_are_those_of_claim(engine, effect, at_least):
    claim = ol.claim("A beats B", effect, at_least=at_least, unit="points")
    sent = [[v if np.isfinite(v) else None for v in effect.tolist()], at_least]
    came = engine.evaluate("""([values, atLeast]) => {
        const found = modules.statistics.judge(values.map((v) => v ?? NaN), atLeast);
        return [found.verdict, found.low, found.high].map(String); }""", sent)  # fmt: skip
    assert came[0] == claim.verdict
    np.testing.assert_allclose([float(v) for v in came[1:]], claim.interval, rtol=1e-6)


def test_the_middle_half_is_numpys(engine):
    draw = np.random.default_rng(1)
    for n in (1, 2, 5, 20, 51):
        values = draw.normal(size=n)
        came = engine.evaluate("(v) => modules.statistics.middleHalf(v)", values.tolist())
        np.testing.assert_allclose(came, np.quantile(values, [0.25, 0.5, 0.75]))


# ---- the surfaces ------------------------------------------------------------------------------


SURFACES = {"ravine": ol.ravine(50.0), "beale": ol.beale(), "saddle": ol.saddle(),
            "rastrigin": ol.rastrigin()}  # fmt: skip


@pytest.fixture(scope="module")
def map_engine(browser, folder):
    yield from functions_of("surface.html", browser, folder)


@pytest.mark.parametrize("name", SURFACES)
def test_walks_are_those_of_the_package(map_engine, name):
    surface = SURFACES[name]
    assert map_engine.evaluate("Object.keys(modules.surfaces.SURFACES)") == list(SURFACES)
    minima = map_engine.evaluate("(s) => modules.surfaces.SURFACES[s].minima", name)
    np.testing.assert_array_equal(minima, surface.minima)
    start = [0.7, -0.4]
    value = map_engine.evaluate("(s) => modules.surfaces.SURFACES[s].value(0.7, -0.4)", name)
    assert value == pytest.approx(surface.value(np.array(start)))
    for rule in RULES:
        options = {"momentum": 0.8} if rule in ("momentum", "nesterov") else {}
        came = map_engine.evaluate(
            "([s, rule, from]) => modules.surfaces.descend(s, rule, from, 30, 0.003, 0.8)",
            [name, rule, start],
        )
        path = ol.descend(surface, rule, start, steps=30, learning_rate=0.003, **options)
        np.testing.assert_allclose(came, path, rtol=1e-7, atol=1e-9, err_msg=rule)


# ---- the page ----------------------------------------------------------------------------------


SMALL = "shared=100,0,1,10,relu,10,0,5,0&A=adam,0.1,0.9,64,constant&B=adam,0.001,0.9,64,constant"


def wait_for(page, part, words):
    """Wait until a part of the page says some words."""
    page.wait_for_function(
        "([id, words]) => document.getElementById(id).textContent.includes(words)",
        arg=[part, words],
    )


def trained(page):
    page.click("#train")
    wait_for(page, "status", "Trained")
    return page


def numbers(page):
    """Return the accuracies of A and B by seed, as the page's table shows them."""
    if not page.evaluate("document.getElementById('numbers').open"):
        page.click("#numbers summary")
    page.wait_for_selector("#tables table:nth-of-type(2) td")
    rows = page.locator("#tables table:nth-of-type(2) tr").all_inner_texts()[1:]
    return np.array([[float(cell.split()[0]) for cell in row.split("\t")[1:3]] for row in rows]).T


def test_the_page_judges_as_claim_does(opened):
    page = trained(opened(f"index.html#{SMALL}&compare=1&points=2"))
    a, b = numbers(page) / 100  # in parts of 500, so one decimal of a percent is all of it
    assert len(a) == 5 and a.min() > 0.3
    claim = ol.claim("A beats B", a - b, at_least=0.02, unit="points")
    said = page.inner_text("#verdict")
    assert (
        claim.verdict in said.lower() and f"A is {100 * abs(a - b).mean():.1f} points above" in said
    )
    low, high = (f"{100 * end:.1f}".replace("-", "−") for end in claim.interval)
    assert f"95 % interval {low} to {high}, 5 seeds" in said
    page.fill("#atLeast", "90")
    assert "✗ Contradicted" in page.inner_text("#verdict")


def test_it_trains_pauses_and_makes_single_updates(opened):
    page = opened("index.html#A1")
    wait_for(page, "where", "update 0 of")
    page.click("#one")
    wait_for(page, "where", "A: epoch 0 of 200, update 1 ")
    page.click("#train")
    assert page.inner_text("#train") == "Pause"
    wait_for(page, "where", "B: epoch 1")
    page.click("#train")
    page.wait_for_selector("#progress[data-running=false]")
    stopped = page.inner_text("#where")
    page.wait_for_timeout(400)
    assert page.inner_text("#where") == stopped
    page.click("#again")
    wait_for(page, "where", "update 0 of")


def test_new_seeds_are_new(opened):
    page = trained(opened(f"index.html#{SMALL}"))
    first = numbers(page)
    page.click("#fresh")
    page.wait_for_function("document.getElementById('shared-first').value === '5'")
    wait_for(page, "status", "Trained")
    assert not np.array_equal(numbers(page), first)
    assert "2 comparisons" in page.inner_text("#caution")


def test_a_link_brings_everything_back(opened):
    page = opened("index.html#A7")
    page.select_option("#A-optimizer", "adamw")
    page.select_option("#shared-points", "50")
    page.fill("#atLeast", "2.5")
    link = page.evaluate("location.hash").removeprefix("#")
    other = opened(f"index.html#{link}")
    for field in ("A-optimizer", "shared-points", "B-schedule", "A-rate", "atLeast"):
        assert other.input_value(f"#{field}") == page.input_value(f"#{field}"), field
    assert other.input_value("#A-optimizer") == "adamw"
    assert other.is_visible("#changed") and other.input_value("#preset") == "A7"
    assert other.inner_text("#status") == ""


@pytest.mark.parametrize("link, named", [
    ("A=adam,-1,0.9,64,constant", "A's learning rate"),
    ("B=sgdd,0.1,0.9,64,constant", "B's optimizer"),
    ("shared=1e9,0,1,10,relu,10,0,5,0", "training points"),
    ("preset=<b>", "preset"), ("points=many", "points"), ("shared=100,0", "seeds"),
    ("preset=constructor", "preset"), ("A=momentum,0.01,,256,constant", "A's momentum"),
    ("points=", "points"), ("A=adam,NaN,0.9,64,constant", "A's learning rate"),
])  # fmt: skip
def test_a_link_that_makes_no_sense_is_named(opened, link, named):
    page = opened(f"index.html#{link}")
    said = page.inner_text("#status")
    assert said.startswith("The link asks for something unknown") and named in said
    wait_for(page, "where", "update 0 of")  # and the page works


def test_every_experiment_is_there_and_its_lesson(opened):
    page = opened()
    presets = page.evaluate("modules.plans.PRESETS")
    options = page.locator("#preset option").evaluate_all("all => all.map((o) => o.value)")
    assert options == [*presets]
    for name, preset in presets.items():
        lesson = (ROOT / "notebooks" / f"{preset['lesson']}.ipynb").read_text(encoding="utf-8")
        assert f"docs/live/index.html#{name}" in lesson, name  # and back
        assert f"experiment:{name}" in lesson
        page.select_option("#preset", name)
        assert page.inner_text("#hint") == preset["hint"]
        wait_for(page, "where", "update 0 of")


def test_a_run_that_diverges_is_a_result(opened):
    page = trained(opened("index.html#A=sgd,100,0.9,500,constant&shared=500,0,1,50,relu,128,0,5,0"))
    said = page.inner_text("#verdict")
    assert "Undecided" in said and "diverged" in said
    assert "A: all 5 seeds diverged." in page.inner_text("#status")
    page.click("#numbers summary")
    page.wait_for_selector("#tables td")
    table = page.inner_text("#tables")
    assert "diverged" in table and "NaN" not in table and "\t0.0 %" not in table


def test_what_was_trained_before_is_gone(opened):
    """A change of a control shows nothing, and counts nothing, of the training before it."""
    page = trained(opened(f"index.html#{SMALL}"))
    first = page.inner_text("#verdict")
    page.select_option("#A-rate", "0.003")
    wait_for(page, "where", "update 0 of")
    assert page.inner_text("#status") == "" and "Not trained yet" in page.inner_text("#verdict")
    assert "New seeds: does the verdict" in page.inner_text("#caution")
    assert page.is_visible("#changed") and page.inner_text("#hint") != ""
    trained(page)
    assert page.inner_text("#verdict") != first
    assert "2 comparisons" in page.inner_text("#caution")
    page.click("#reset")
    assert not page.is_visible("#changed") and page.input_value("#shared-seeds") == "20"


SLOW_ANSWERS = """const Fast = window.Worker;
window.Worker = class extends Fast {
  set onmessage(receive) { super.onmessage = (event) => setTimeout(receive, 300, event); }
};"""


def test_an_answer_that_comes_late_is_not_shown(opened):
    """It is of the training before the change of a control."""
    page = opened(f"index.html#{SMALL}", script=SLOW_ANSWERS)
    wait_for(page, "where", "update 0 of")
    page.evaluate("""() => {
        window.said = [];
        const where = document.getElementById("where"), rate = document.getElementById("A-rate");
        new MutationObserver(() => said.push(where.textContent)).observe(where, {childList: true});
        document.getElementById("one").click();  // its answer comes after the change
        rate.value = "0.003";
        rate.dispatchEvent(new Event("change"));
    }""")
    wait_for(page, "where", "update 0 of")
    assert not any("update 1 " in text for text in page.evaluate("said"))


def test_a_claim_that_was_moved_is_told(opened):
    page = trained(opened(f"index.html#{SMALL}"))
    page.fill("#atLeast", "-1")
    assert "You changed the claim" in page.inner_text("#caution")
    page.click("#fresh")
    wait_for(page, "status", "Trained")
    assert "You changed the claim" not in page.inner_text("#caution")


def test_the_loss_tells_where_it_was_lowest(opened, engine):
    page = trained(opened(f"index.html#{SMALL}"))
    page.select_option("#metric", "loss")
    plan = PLAN | {"optimizer": "adam", "epochs": 10}
    for name, rate in (("A", 0.1), ("B", 0.001)):
        losses = engine.evaluate(RUN, plan | {"rate": rate})["curves"]["val_loss"]
        median = np.median(losses, axis=0)
        told = f"after epoch {median.argmin() + 1} (median {median.min():.3f})"
        assert told in page.inner_text("#status"), name


def test_it_works_without_a_worker(opened):
    page = trained(opened(f"index.html#{SMALL}", script="delete window.Worker"))
    with_one = trained(opened(f"index.html#{SMALL}"))
    assert page.inner_text("#verdict") == with_one.inner_text("#verdict") != ""


def test_the_run_of_a_seed_is_shown_on_touch(opened):
    page = trained(opened("index.html#A4"))
    box = page.locator("#curves canvas").bounding_box()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.2 * box["height"])
    for share in np.linspace(0.1, 0.9, 60):
        page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + share * box["height"])
        if "seed" in page.inner_text("#curvesTitle"):
            break
    assert "the run of seed" in page.inner_text("#curvesTitle")
    page.mouse.down()
    page.mouse.up()
    assert page.input_value("#seed").isdigit()  # kept
    page.select_option("#seed", "3")  # by keyboard as well
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + share * box["height"] + 2)
    page.mouse.move(5, 5)
    assert page.input_value("#seed") == "3" and "seed 3" in page.inner_text("#curvesTitle")


@pytest.mark.parametrize("name", optlab_live.PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everyone_can_use_it(opened, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(name, color_scheme=scheme)
    if name == "index.html":
        page.click("#numbers summary")
    found = axe.run(page).response["violations"]
    assert [(v["id"], n["html"][:150]) for v in found for n in v["nodes"][:3]] == []
    canvases = page.locator("canvas:visible").evaluate_all("all => all.map((c) => c.ariaLabel)")
    assert canvases and all(label and len(label) > 30 for label in canvases), canvases


@pytest.mark.parametrize("name", optlab_live.PAGES)
def test_it_fits_a_phone(opened, name):
    page = opened(name, viewport={"width": 360, "height": 740}, has_touch=True)
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_reduced_motion_redraws_seldom(opened):
    looks = """window.shown = 0; new MutationObserver(() => window.shown++).observe(
        document.getElementById('where'), {childList: true})"""
    counts = []
    for motion in ("reduce", "no-preference"):
        page = opened("index.html#A4", reduced_motion=motion)
        wait_for(page, "where", "update 0 of")
        page.evaluate(looks)
        trained(page)
        counts.append(page.evaluate("window.shown"))
    assert 1 <= counts[0] < counts[1]


def test_a_rule_keeps_its_colour(map_engine):
    looks = map_engine.evaluate("modules.walk.LOOKS")
    assert {rule: color for rule, (color, _) in looks.items()} == {
        rule: ol.look_of(rule)["color"] for rule in looks
    }


def test_a_start_is_set_by_click_and_many_are_drawn(opened):
    page = opened("surface.html")
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"])
    assert float(page.input_value("#x")) == pytest.approx(5, abs=0.1)
    assert float(page.input_value("#y")) == pytest.approx(0, abs=0.1)
    page.fill("#x", "99")
    page.keyboard.press("Tab")
    assert float(page.input_value("#x")) == 10  # the edge of the map
    page.click("#many")
    said = page.inner_text("#status")
    shares = re.findall(r"(\d+) of 200", said)
    assert len(shares) == 3 and "200 random walks" in said
    assert page.inner_text("#share-sgd") == f"{shares[0]} of 200"


def test_its_speed_is_printed(opened, capsys):
    """How long 20 seeds take, and how smooth the page stays: printed, not judged."""
    page = opened("index.html#A2")
    page.select_option("#shared-epochs", "128")
    page.evaluate("""window.frames = []; const count = (now) => { frames.push(now);
        requestAnimationFrame(count); }; requestAnimationFrame(count);""")
    start = time.perf_counter()
    trained(page)
    seconds = time.perf_counter() - start
    frames = page.evaluate("frames")
    assert len(frames) > 1
    with capsys.disabled():
        print(f"\nlive page: 20 seeds, 128 epochs at batch size 256 in {seconds:.1f} s; "
              f"{len(frames) / (frames[-1] - frames[0]) * 1000:.0f} frames per second, the longest "
              f"{np.diff(frames).max():.0f} ms")  # fmt: skip
