"""Training as an animation: what its tiles hold, what it weighs, what a browser makes of it."""

import base64
import io
import json
import re

import keras
import numpy as np
import pytest
from PIL import Image

import optlab as ol
from optlab import growth, regions

BLOBS = ol.load_blobs(draw=0)


def monitor(rate, epochs=3, every=1, seed=0, make=ol.blobs_mlp, data=BLOBS):
    keras.utils.set_random_seed(seed)
    model, record = make(), ol.WeightMonitor(every)
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    model.fit(data.x_train, data.y_train, epochs=epochs, batch_size=250, verbose=0,
              callbacks=[record])  # fmt: skip
    return record


MONITORS = {"rate 0.01": monitor(0.01), "rate 0.5": monitor(0.5)}


def with_weights(weights):
    model = ol.blobs_mlp()
    model.set_weights(weights)
    return model


def carried(animation):
    """Return the data of the script and its pictures, the sprites as numbers."""
    data = json.loads(re.search(r"const data = (\{.*?\});\n", animation.html)[1])
    pictures = [Image.open(io.BytesIO(base64.b64decode(i.split(",")[1]))) for i in data["images"]]
    return data, pictures


def test_weights_are_kept_before_training_and_after_each_epoch():
    record = monitor(0.01, epochs=5, every=2)
    assert record.epochs == [0, 2, 4, 5]
    keras.utils.set_random_seed(0)
    for one, other in zip(record.weights[0], ol.blobs_mlp().get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    all_of_them = monitor(0.01, epochs=5).weights
    for place, epoch in enumerate(record.epochs):
        for one, other in zip(record.weights[place], all_of_them[epoch], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    for one, other in zip(record.weights[-1], record.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="every=0: give a whole number of epochs"):
        ol.WeightMonitor(0)


def test_each_fit_has_its_own_record():
    record = monitor(0.01, epochs=2)
    before = record.model.get_weights()
    record.model.fit(BLOBS.x_train, BLOBS.y_train, epochs=1, verbose=0, callbacks=[record])
    assert record.epochs == [0, 1]
    assert all(map(np.array_equal, record.weights[0], before))


def test_tiles_are_what_each_network_says_at_each_epoch():
    animation = ol.animate_training(MONITORS, BLOBS, part="val")
    data, (_, sheet) = carried(animation)
    wide, tall = data["tile"]
    numbers = np.asarray(sheet).reshape(4, tall, 2, wide)
    (left, right), (bottom, top) = regions.plane(BLOBS)
    for i, record in enumerate(MONITORS.values()):
        for j, weights in enumerate(record.weights):
            model = with_weights(weights)
            for row, column in [(0, 0), (5, wide - 1), (tall // 2, wide // 3), (tall - 1, 7)]:
                point = [left + (column + 0.5) / wide * (right - left),
                         top - (row + 0.5) / tall * (top - bottom)]  # fmt: skip
                winner = model.predict(np.array([point], "float32"), verbose=0).argmax()
                assert numbers[j, row, i, column] in (winner + 1, 4)  # 4: on a border
            right_ones = model.predict(BLOBS.x_val, verbose=0).argmax(axis=1) == BLOBS.y_val
            assert data["notes"][i][j] == f"accuracy {right_ones.mean():.1%}"
    assert (numbers == 4).mean() < 0.1
    assert data["labels"] == [f"epoch {k} of 3" for k in range(4)]


def test_border_is_where_neighbours_differ():
    tile = growth.bordered(np.array([[0, 0, 1], [0, 2, 1]]), 3)
    np.testing.assert_array_equal(tile, [[1, 1, 4], [1, 4, 4]])


def test_models_keep_their_weights():
    before = [m.model.get_weights() for m in MONITORS.values()]
    ol.animate_training(MONITORS, BLOBS)
    for weights, record in zip(before, MONITORS.values(), strict=True):
        assert all(map(np.array_equal, weights, record.model.get_weights()))


def test_panels_lie_where_the_axes_are():
    data, (picture, sheet) = carried(ol.animate_training(MONITORS, BLOBS))
    alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    for left, top, wide, tall in data["boxes"]:
        spine = alpha[top + 5 : top + tall - 5, left - 2 : left + 3]
        assert (spine.max(axis=1) > 150).all()  # the left axis, all along
        inside = alpha[top + 3 : top + tall - 3, left + 3 : left + wide - 3]
        assert (inside == 0).mean() > 0.5  # where tiles show through
        assert alpha[top + tall + 3 :, left : left + wide].any()  # numbers below
    colors = np.asarray(sheet.convert("RGB")).reshape(-1, 3)
    known = {tuple(c) for c in growth.palette(3).tolist()}
    assert {tuple(c) for c in np.unique(colors, axis=0).tolist()} <= known


def test_animation_is_small_and_needs_nothing_from_outside():
    many = {f"run {i}": MONITORS["rate 0.5"] for i in range(8)}
    for record in many.values():
        assert len(record.weights) == 4
    page = ol.animate_training(many, BLOBS).html
    assert len(page) < 250_000
    assert "http" not in page and "require" not in page
    assert page.count("<script>") == page.count("</script>") == 1


def test_many_epochs_are_spread_over_at_most_so_many_frames():
    record = monitor(0.01, epochs=1)
    record.epochs = list(range(200))
    record.weights = record.weights * 100
    data, _ = carried(ol.animate_training({"a": record}, BLOBS))
    assert len(data["labels"]) == growth.MOST_FRAMES
    assert data["labels"][0] == "epoch 0 of 199" and data["labels"][-1] == "epoch 199 of 199"


def test_still_and_words_are_of_the_end():
    animation = ol.animate_training(MONITORS, BLOBS)
    still = re.search(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]+)"', animation.html)
    assert Image.open(io.BytesIO(base64.b64decode(still[1]))).width == 720
    model = MONITORS["rate 0.5"].model
    accuracy = (model.predict(BLOBS.x_train, verbose=0).argmax(axis=1) == BLOBS.y_train).mean()
    assert f"accuracy {accuracy:.1%} at the end. One run of each." in animation.alt
    assert "training set. Data: blobs." in still[2]
    assert set(animation._repr_mimebundle_()) == {"text/html", "text/plain"}


def test_a_network_that_diverges_leaves_an_empty_panel():
    record = monitor(1e30)
    data, (_, sheet) = carried(ol.animate_training({"</script><b>": record}, BLOBS))
    assert data["notes"][0][0].startswith("accuracy") and data["notes"][0][-1] == "diverged"
    tall = data["tile"][1]
    assert not np.asarray(sheet)[-tall:].any()


def text_monitor():
    record = ol.WeightMonitor()
    record.set_model(ol.blobs_mlp())
    return record


DIGITS = ol.load_mnist(train=40, val=30, test=20, stand_in="digits")


@pytest.mark.parametrize(
    ("monitors", "data", "more", "error", "words"),
    [
        (MONITORS["rate 0.5"], BLOBS, {}, TypeError, "give a dict of names and WeightMonitors"),
        ({"a": ol.blobs_mlp()}, BLOBS, {}, TypeError, "give a dict of names and WeightMonitors"),
        ({}, BLOBS, {}, ValueError, "0 monitors: give from 1 to 8"),
        (dict.fromkeys("abcdefghi", MONITORS["rate 0.5"]), BLOBS, {}, ValueError, "9 monitors"),
        ({"new": text_monitor()}, BLOBS, {}, ValueError, "'new' has recorded no training"),
        (MONITORS | {"x": monitor(0.1, epochs=2)}, BLOBS, {}, ValueError,
         r"'x' has other epochs \(3 from 0 to 2\) than the first \(4 from 0 to 3\)"),
        (MONITORS, DIGITS, {}, ValueError, "regions are drawn in the plane"),
        (MONITORS, "blobs", {}, TypeError, "give a Dataset"),
        ({"d": monitor(0.1, make=lambda: ol.mnist_mlp(hidden=(2,)), data=DIGITS)}, BLOBS, {},
         ValueError, "The model of 'd' takes samples"),
        (MONITORS, BLOBS, {"seconds": 0}, ValueError, "seconds=0: give a positive number"),
        (MONITORS, BLOBS, {"part": "all"}, ValueError, "part='all'"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(monitors, data, more, error, words):
    with pytest.raises(error, match=words):
        ol.animate_training(monitors, data, **more)


@pytest.mark.slow
def test_a_browser_plays_it(open_page):
    page = open_page("about:")
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.emulate_media(reduced_motion="reduce")
    page.set_content(ol.animate_training(MONITORS, BLOBS).html)
    page.locator("canvas[aria-label^='Decision regions of 3 classes']").wait_for()
    assert page.locator("span").last.inner_text() == "epoch 3 of 3"  # still, at its end
    colors = []
    for epoch in (0, 3):
        page.locator("input").fill(str(epoch))
        assert page.locator("span").last.inner_text() == f"epoch {epoch} of 3"
        drawn = page.evaluate("() => document.querySelector('canvas').toDataURL()")
        colors.append(np.asarray(Image.open(io.BytesIO(base64.b64decode(drawn.split(",")[1])))))
    assert (colors[0] != colors[1]).any(axis=-1).mean() > 0.02
    assert problems == [] and page.outside == []
