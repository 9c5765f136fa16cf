"""The figures of descents, the animation, and the playgrounds without a browser."""

import base64
import dataclasses
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

import optlab as ol

BEALE = ol.beale()
RATES = {"small": 0.02, "good": 0.1, "large": 1.0}


def race(steps=30):
    return {
        name: ol.descend(BEALE, "adam", [1.0, 1.5], steps, learning_rate=rate)
        for name, rate in RATES.items()
    }


def drawn(figure, ax=0):
    """Return the lines of one panel by their labels, as (points, 2)."""
    return {line.get_label(): line.get_xydata() for line in figure.figure.axes[ax].lines}


def test_steps_are_the_points_on_the_curve():
    curve = ol.parabola(2.0)
    # each step multiplies x by 0.2 and by -1.4: 2, -2.8, 3.92, and the picture ends at 3
    paths = {rate: ol.descend(curve, "sgd", [2.0], 4, learning_rate=rate) for rate in (0.4, 1.2)}
    figure = ol.plot_steps(curve, paths)
    points = figure.figure.axes[0].lines[1].get_xydata()
    x = 2 * 0.2 ** np.arange(5)
    np.testing.assert_allclose(points, np.stack([x, x**2], -1))
    words = [[t.get_text() for t in ax.texts] for ax in figure.figure.axes]
    assert words == [[], ["leaves the picture at step 2"]]
    assert len({ax.get_ylim() for ax in figure.figure.axes}) == 1


def test_paths_are_drawn_where_they_go_and_said_in_words():
    figure = ol.plot_paths(BEALE, race())
    lines = drawn(figure)
    for name, path in race().items():
        np.testing.assert_allclose(lines[name], path)
        distance = BEALE.distance(path[-1])
        assert f"{name}: distance {distance:.3g}" in figure.alt


def test_a_path_that_leaves_is_cut_at_the_first_far_point():
    path = np.array([[1.0, 1.0], [2.0, 2.0], [1e200, -3.0], [0.0, 0.0], [np.nan, np.nan]])
    line = drawn(ol.plot_paths(BEALE, {"lost": path}))["lost"]
    np.testing.assert_array_equal(line[:2], path[:2])
    assert line[2, 0] > 100 and np.isnan(line[3:]).all()
    ol.plot_paths(BEALE, {"lost": path}).png()  # and can be rendered
    assert "lost: diverged" in ol.plot_paths(BEALE, {"lost": path}).alt


def test_one_panel_each():
    figure = ol.plot_paths(BEALE, race(), columns=2)
    shown = [ax for ax in figure.figure.axes if ax.get_visible()]
    assert [ax.get_title(loc="left") for ax in shown] == list(RATES)


def test_distance_by_step():
    lines = drawn(ol.plot_distance(BEALE, race()))
    for name, path in race().items():
        np.testing.assert_allclose(lines[name][:, 1], np.hypot(*(path - [3, 0.5]).T))


def test_distance_of_many_starts_is_their_median():
    starts = np.random.default_rng(1).uniform(-1, 1, (5, 2))
    path = ol.descend(ol.ravine(), "sgd", starts, 10, learning_rate=0.02)
    figure = ol.plot_distance(ol.ravine(), {"SGD": path})
    middle = np.median(np.linalg.norm(path, axis=-1), axis=0)
    np.testing.assert_allclose(drawn(figure)["SGD"][:, 1], middle)
    assert "middle half" in figure.figure.get_supxlabel()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ol.plot_steps(BEALE, race()), "give a curve"),
        (lambda: ol.plot_paths(ol.parabola(), race()), "give a surface"),
        (lambda: ol.plot_paths("beale", race()), "give a Surface"),
        (lambda: ol.plot_paths(BEALE, {}), "give a dict"),
        (lambda: ol.plot_paths(BEALE, race()["good"]), "give a dict"),
        (lambda: ol.plot_paths(BEALE, {"x": np.zeros((4, 3))}), "as descend returns it"),
        (lambda: ol.plot_paths(BEALE, dict.fromkeys("abcdefgh", np.ones((4, 2)))), "at most 7"),
        (lambda: ol.plot_distance(BEALE, dict.fromkeys("abcdefgh", np.ones((4, 2)))), "at most 7"),
        (lambda: ol.animate_paths(BEALE, race() | {"x": np.ones((4, 2))}), "same number"),
        (lambda: ol.animate_paths(BEALE, race(), seconds=0), "positive"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# ---- the animation ---------------------------------------------------------------------------


def test_animation_needs_nothing_from_outside_and_is_small():
    page = ol.animate_paths(BEALE, race(150)).html
    assert len(page) < 200_000
    assert "http" not in page and "require" not in page
    assert page.count("<script>") == page.count("</script>") == 1


def test_animation_carries_the_paths_in_pixels_of_its_picture():
    animation = ol.animate_paths(BEALE, race())
    data = json.loads(re.search(r"const data = (\{.*?\});\n", animation.html)[1])
    left, bottom, right, top = data["box"]
    for name, line in zip(data["names"], data["paths"], strict=True):
        x, y = np.array(line).reshape(-1, 2).T
        back = np.stack([(x - left) / (right - left), (y - bottom) / (top - bottom)], -1) * 9 - 4.5
        np.testing.assert_allclose(back, race()[name], atol=0.02)
    picture = Image.open(io.BytesIO(base64.b64decode(data["images"][0].split(",")[1])))
    # the frame of the axes is where the script believes it to be: dark pixels at its corner
    frame = np.asarray(picture.convert("L"))[bottom - 60, left - 3 : left + 4]
    assert frame.min() < 170 < frame.max()


def test_animation_shows_a_still_with_words_where_scripts_do_not_run():
    animation = ol.animate_paths(BEALE, race())
    still = re.search(r'<img src="data:image/png;base64,[^"]+" alt="([^"]+)"', animation.html)
    assert "racing on Beale&#x27;s function" in still[1]
    assert set(animation._repr_mimebundle_()) == {"text/html", "text/plain"}


def test_animation_survives_a_path_that_diverges_and_a_name_with_markup():
    path = np.array([[1.0, 1.0], [np.inf, np.nan], [np.nan, np.nan]])
    page = ol.animate_paths(BEALE, {"</script><b>": path}).html
    script = re.sub(r"base64,[^\"]+", "", page)
    assert script.count("</script>") == 1 and "NaN" not in script and "Infinity" not in script


# ---- playgrounds -----------------------------------------------------------------------------


def test_descent_playground_follows_its_controls():
    playground = ol.DescentPlayground(ol.ravine(), steps=40)
    before = playground.view.value
    playground.controls["learning_rate"].value = 0.01  # as a hand does
    assert playground.view.value != before
    start = [playground.controls[name].value for name in "xy"]
    expected = ol.descend(ol.ravine(), "momentum", start, 40, learning_rate=0.01, momentum=0.0)
    np.testing.assert_array_equal(playground.path, expected)
    playground.set(optimizer="Adam", x=3.0, y=-1.0)
    expected = ol.descend(ol.ravine(), "adam", [3.0, -1.0], 40, learning_rate=0.01)
    np.testing.assert_array_equal(playground.path, expected)
    assert playground.controls["momentum"].disabled


def test_descent_playground_draws_its_path():
    playground = ol.DescentPlayground(ol.ravine(), steps=10)
    pictures = []
    for rate in (0.001, 0.02, 10.0):  # the last one diverges
        playground.set(learning_rate=rate)
        png = re.search(r"base64,([^\"]+)", playground.view.value)[1]
        pictures.append(np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))))
    assert all((a != b).any() for a, b in zip(pictures, pictures[1:], strict=False))
    assert "diverges" in playground.view.value


def test_playground_without_a_kernel_is_a_still():
    data, metadata = ol.DescentPlayground()._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 300
    alt = metadata["image/png"]["alt"]
    assert "distance" in alt and alt.endswith(" and a page that shows widgets.")


def test_playground_shows_its_controls_with_any_ipywidgets():
    """Version 7, which Colab has, gives no bundle; version 8 gives the same one as we do."""
    playground, kind = ol.DescentPlayground(), "application/vnd.jupyter.widget-view+json"
    data, _ = playground._repr_mimebundle_()
    assert data[kind]["model_id"] == playground.widget.model_id
    if hasattr(playground.widget, "_repr_mimebundle_"):
        assert data[kind] == playground.widget._repr_mimebundle_()[kind]


def test_playground_refuses_what_no_control_offers_and_stays():
    playground = ol.DescentPlayground()
    before = playground.view.value
    for bad, words in [
        ({"rate": 0.1}, "no control 'rate'"),
        ({"learning_rate": 0.123}, "give one of"),
        ({"momentum": 2}, "from 0 to 0.99"),
        ({"optimizer": "Adam", "x": "left"}, "from -10 to 10"),
    ]:
        with pytest.raises(ValueError, match=words):
            playground.set(**bad)
    assert playground.view.value == before
    assert playground.controls["optimizer"].value == "SGD"
    with pytest.raises(ValueError, match="is a curve"):
        ol.DescentPlayground(ol.parabola())


def test_training_playground_trains_and_judges_the_change():
    playground = ol.TrainingPlayground(epochs=4, seeds=6)
    assert playground.verdict is None and "before" not in playground.view.value
    playground.set(learning_rate=0.0001)
    change = playground.runs.final("val_accuracy") - playground.before.final("val_accuracy")
    np.testing.assert_array_equal(playground.verdict.effect, change)
    assert playground.verdict.verdict == "contradicted"  # next to no learning in eight updates
    assert "CONTRADICTED" in playground.view.value and "before:" in playground.view.value
    playground.set(learning_rate=0.05)
    assert playground.verdict.verdict == "supported"
    assert "NOT AS EXPECTED" not in playground.view.value


def test_training_playground_is_a_plain_sweep():
    import keras

    playground = ol.TrainingPlayground(epochs=3, seeds=5)
    playground.set(optimizer="Adam", learning_rate=0.02, batch_size=128)
    runs = ol.sweep(
        ol.blobs_mlp, ol.load_blobs(), optimizer=lambda: keras.optimizers.Adam(0.02),
        epochs=3, batch_size=128, seeds=5,
    )  # fmt: skip
    np.testing.assert_allclose(playground.runs["val_loss"], runs["val_loss"], rtol=1e-5)


def test_training_playground_takes_few_samples_and_refuses_a_bad_margin():
    blobs = ol.load_blobs()
    few = dataclasses.replace(blobs, x_train=blobs.x_train[:12], y_train=blobs.y_train[:12])
    playground = ol.TrainingPlayground(few, epochs=1, seeds=5)
    assert playground.controls["batch_size"].options == (12,)
    for margin in (True, "1", -0.1, 1, float("nan")):
        with pytest.raises(ValueError, match="margin=.*: give a difference of accuracies"):
            ol.TrainingPlayground(margin=margin)
