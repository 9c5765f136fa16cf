"""One look: a name is drawn alike everywhere, and what is drawn together can be told apart."""

import dataclasses
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from test_plots import EYES, difference, lightness, make, panels

import optlab as ol
from optlab import looks
from optlab.looks import LOOKS, looks_of

# what the lessons draw in one panel
TOGETHER = {
    "04": ["SGD", "Adam", "Adamax", "Adagrad", "Adadelta", "RMSprop"],
    "04, relatives": ["SGD", "Adam", "Nesterov", "Nadam", "AdamW"],
    "09": ["SGD", "Momentum", "Nesterov", "RMSprop", "Adagrad", "Adam", "Nadam"],
    "01": ["sgd", "momentum", "adagrad", "adadelta", "rmsprop", "adam"],
    "08": ["constant", "time-based", "step", "exponential", "cosine", "warm-up cosine",
           "one-cycle"],
    "batch sizes": [5, 32, 256, 500],
    "powers of two": [16, 32, 64, 128, 256, 512],
    "rates": [1, 0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6],
    "half decades": [0.01, 0.03, 0.1, 0.3, 1],
    "momenta": [0, 0.5, 0.8, 0.9, 0.95, 0.99],
}  # fmt: skip


@pytest.mark.parametrize("names", TOGETHER.values(), ids=TOGETHER)
def test_what_is_drawn_together_keeps_its_looks_and_has_colours_of_its_own(names):
    together = looks_of(names)
    assert together == [ol.look_of(name) for name in names]
    for styles in ("color", "marker"):
        assert len({look[styles] for look in together}) == len(names)
    for one, other in itertools.combinations(together, 2):
        for eye in EYES:  # in grey, dashes help
            dashes = one["linestyle"] != other["linestyle"]
            assert dashes or difference(one["color"], other["color"], eye) > 12, (one, other, eye)


def test_no_two_optimizers_and_no_two_schedules_look_the_same():
    optimizers = [name for name in looks.OPTIMIZERS if name != "plain"]
    assert len({looks.OPTIMIZERS[name] for name in optimizers}) == len(optimizers) == 10
    assert len(set(looks.SCHEDULES.values())) == 7


def test_any_two_looks_differ_in_grey():
    for one, other in itertools.combinations(LOOKS, 2):
        apart = abs(lightness(one[0]) - lightness(other[0]))
        assert one[2] != other[2] and (one[1] != other[1] or apart > 14), (one, other)


@pytest.mark.parametrize(
    ("name", "alike"),
    [
        ("Adam", "adam"), ("RMSprop", "rmsprop"), ("warm-up cosine", "warmup_cosine"),
        ("one-cycle", "One cycle"), ("Adam", "Adam, rate 0.3"), ("SGD", "plain, rate 0.01"),
        (32, "32"), (32, "batch size 32"), (32, np.float64(32)), (0.01, "learning_rate 0.01"),
        (1e-3, "rate 0.001"), (0.1, 0.1 + 1e-9), (0.9, "momentum 0.9"), ("Adam", ol.updates.adam),
    ],
)  # fmt: skip
def test_names_that_mean_the_same_look_the_same(name, alike):
    assert ol.look_of(name) == ol.look_of(alike)


def test_unknown_names_take_what_remains_in_order():
    adam, mine, yours = looks_of(["Adam", "mine", "yours"])
    assert adam == ol.look_of("Adam") and adam["color"] == LOOKS[0][0]
    assert (mine["color"], yours["color"]) == (LOOKS[1][0], LOOKS[2][0])
    assert ol.look_of("mine", among=["Adam", "mine"]) == mine
    first, second = looks_of(["mine", "Adam"])
    assert second == adam and first == mine


def test_names_that_would_look_alike_do_not():
    same = looks_of(["adam", "adam, t is the epoch", "Adam"])
    assert same[0] == ol.look_of("adam") and len({look["color"] for look in same}) == 3
    # none of two is the one
    both = looks_of(["plain, rate 1", "plain, rate 2"])
    assert ol.look_of("plain")["color"] not in {look["color"] for look in both}
    assert len({look["color"] for look in looks_of([0.01, 0.9, "Adam"])}) == 3


def test_what_a_line_stands_for():
    assert ol.look_of("training")["linestyle"] == "--"
    assert ol.look_of("one run")["linewidth"] <= 1 and "marker" not in ol.look_of("one run")
    changed = ol.look_of("one run")
    changed["color"] = "red"
    assert ol.look_of("one run")["color"] != "red"


def test_bad_names():
    with pytest.raises(ValueError, match=r"name='Adam' is not among \['SGD'\]: name one that"):
        ol.look_of("Adam", among=["SGD"])
    with pytest.raises(ValueError, match="11 names drawn together .*: give at most 10."):
        ol.look_of("0", among=[str(i) for i in range(11)])


def color_of(ax):
    return {line.get_label(): line.get_color() for line in ax.lines}


def test_every_figure_of_several_names_uses_the_looks():
    settings = [{"optimizer": name} for name in ("Adam", "mine", "SGD")]
    runs = dataclasses.replace(make(), settings=settings)
    wanted = {name: ol.look_of(name)["color"] for name in ("Adam", "SGD")}
    rates = {"SGD": ol.constant(0.1), "mine": ol.constant(0.2), "Adam": ol.constant(0.3)}
    walks = {n: ol.descend(ol.beale(), ol.updates.sgd, (1, 1), 3) for n in ("mine", "SGD", "Adam")}
    for figure in (
        ol.plot_comparison(runs),
        ol.plot_rate_and_accuracy(runs),
        ol.plot_schedules(rates, 3),
        ol.plot_paths(ol.beale(), walks),
        ol.plot_distance(ol.beale(), walks),
    ):
        found = color_of(panels(figure)[-1])
        assert {name: found[name] for name in wanted} == wanted
    moving = ol.animate_paths(ol.beale(), walks)
    assert f'"colors":["{ol.look_of("x")["color"]}"' not in moving.html
    assert f'"{wanted["SGD"]}","{wanted["Adam"]}"]' in moving.html


def test_of_several_settings_the_one_that_tells_them_apart_counts():
    settings = [{"learning_rate": r, "optimizer": n} for r, n in ((0.1, "SGD"), (0.1, "Adam"))]
    (ax,) = panels(ol.plot_comparison(dataclasses.replace(make(settings=2), settings=settings)))
    assert [line.get_color() for line in ax.lines] == [
        ol.look_of(name)["color"] for name in ("SGD", "Adam")
    ]


# ---- figures by hand -------------------------------------------------------------------------


@pytest.fixture
def drawn():
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "lines.linewidth": 9}):
        before = dict(mpl.rcParams)
        with ol.figure_style():
            figure, ax = plt.subplots(figsize=(6, 3))
            for k in range(8):
                ax.plot([1, 2], [k, k + 1], label=str(k))
            ax.set(xlabel="epoch", ylabel="accuracy")
        assert dict(mpl.rcParams) == before
    plt.close(figure)
    return figure, ax


def test_a_figure_by_hand_looks_like_one_of_the_package(drawn):
    figure, ax = drawn
    model = panels(ol.plot_comparison(make()))[0]
    assert ax.get_facecolor() == model.get_facecolor()
    assert ax.xaxis.label.get_size() == model.xaxis.label.get_size() >= 10
    assert ax.lines[0].get_linewidth() == model.lines[0].get_linewidth()
    assert not ax.spines["top"].get_visible()
    assert [to_hex(line.get_color()).upper() for line in ax.lines[:7]] == [
        to_hex(look[0]).upper() for look in LOOKS[: looks.MOST_TOGETHER]
    ]


def test_nothing_of_a_figure_by_hand_is_cut_off(drawn):
    figure, ax = drawn
    figure.draw_without_rendering()
    box = ax.get_tightbbox()
    assert box.x0 >= 0 and box.y0 >= 0
    assert box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1
    assert ol.Figure(figure, "Eight lines.").png().startswith(b"\x89PNG")


def test_settings_come_back_after_an_error():
    before = dict(mpl.rcParams)
    with pytest.raises(RuntimeError), ol.figure_style():
        raise RuntimeError
    assert dict(mpl.rcParams) == before
