"""The figures of ends and of differences, against values computed apart."""

import dataclasses
import re
import warnings

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from scipy import stats
from test_plots import caption, make, panels

import optlab as ol

NAN, INF = float("nan"), float("inf")


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def runs_of(settings, ends, metric="val_accuracy"):
    """Build runs that end with these values, (settings, seeds); a loss of NaN where they are."""
    ends = np.array(ends, dtype="float64")
    runs = make(settings=len(settings), seeds=ends.shape[1])
    metrics = {name: values.copy() for name, values in runs.metrics.items()}
    metrics[metric][..., -1] = ends
    metrics["loss"][..., -1] = np.where(np.isfinite(ends), 0.5, np.nan)
    return dataclasses.replace(runs, settings=settings, metrics=metrics)


def texts(ax):
    return [text.get_text() for text in ax.texts]


# ---- along a number ----------------------------------------------------------------------------

RATES = [1, 0.01, 0.1]  # in no order
ENDS = np.random.default_rng(0).uniform(0.5, 0.9, (3, 8))


def test_by_setting_draws_every_run_medians_and_middle_halves():
    runs = runs_of([{"learning_rate": r} for r in RATES], ENDS)
    figure = ol.plot_by_setting(runs, "learning_rate")
    (ax,) = panels(figure)
    dots, line = ax.lines
    order = [1, 2, 0]
    np.testing.assert_array_equal(line.get_xdata(), [0.01, 0.1, 1])
    np.testing.assert_allclose(line.get_ydata(), np.median(ENDS, axis=1)[order])
    np.testing.assert_allclose(np.reshape(dots.get_ydata(), (3, 8)), ENDS[order])
    beside = np.log10(np.reshape(dots.get_xdata(), (3, 8))) - [[-2], [-1], [0]]
    assert np.abs(beside).max() < 0.1 and np.ptp(beside) > 0.05
    (band,) = [c for c in ax.collections if isinstance(c, PolyCollection)]
    corners = {tuple(np.round(corner, 9)) for corner in band.get_paths()[0].vertices}
    for x, row in zip(RATES, ENDS, strict=True):
        for quartile in np.percentile(row, (25, 75)):
            assert (x, round(quartile, 9)) in corners
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "learning rate (logarithmic axis)"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.01", "0.1", "1"]
    middle = np.median(ENDS[0])
    low, high = np.percentile(ENDS[0], (25, 75))
    assert f"1: {middle:.3g} ({low:.3g} to {high:.3g})" in figure.alt
    assert "8 seeds" in caption(figure) and "one run" in caption(figure)


def test_groups_are_lines_of_their_own_even_of_other_numbers():
    settings = [{"optimizer": n, "learning_rate": r}
                for n, r in (("SGD", 0.1), ("SGD", 1), ("Adam", 0.001), ("Adam", 0.1))]  # fmt: skip
    runs = runs_of(settings, np.tile([[0.6], [0.7], [0.8], [0.9]], 5))
    figure = ol.plot_by_setting(runs, "learning_rate", groups="optimizer")
    (ax,) = panels(figure)
    lines = {line.get_label(): line for line in ax.lines if line.get_label()[0] != "_"}
    np.testing.assert_allclose(lines["SGD"].get_data(), [[0.1, 1], [0.6, 0.7]])
    np.testing.assert_allclose(lines["Adam"].get_data(), [[0.001, 0.1], [0.8, 0.9]])
    for name, line in lines.items():
        assert line.get_color() == ol.look_of(name)["color"]
        assert line.get_marker() == ol.look_of(name)["marker"]
    assert "diverged" not in figure.alt
    (legend,) = figure.figure.legends
    assert legend.get_title().get_text() == "optimizer"


@pytest.mark.parametrize("lost", [3, 5, 8])
@pytest.mark.parametrize("metric", ["val_accuracy", "val_loss"])
def test_diverged_runs_are_counted_at_the_edge(lost, metric):
    ends = ENDS.copy()
    ends[0, :lost] = NAN
    runs = runs_of([{"learning_rate": r} for r in RATES], ends, metric)
    figure = ol.plot_by_setting(runs, "learning_rate", metric)
    (ax,) = panels(figure)
    (mark,) = ax.texts
    x, y = mark.xy
    assert (mark.get_text(), x) == (f"✗ {lost}", 1)
    assert y > 0.9 if metric == "val_loss" else y < 0.1
    # and no dot is where that is written
    low, high = ax.get_ylim()
    seen = (ends[np.isfinite(ends)] - low) / (high - low)
    assert seen.max() < 0.94 if metric == "val_loss" else seen.min() > 0.06
    assert f"1: {'no median, ' if lost > 4 else ''}" in figure.alt
    assert f"{lost} diverged" in figure.alt and "diverged" in caption(figure)
    last = ax.lines[-1].get_ydata()[-1]
    assert np.isnan(last) if lost > 4 else last == pytest.approx(np.median(ends[0, lost:]))


def test_a_run_without_a_loss_diverged_whatever_its_accuracy():
    runs = runs_of([{"learning_rate": r} for r in RATES], ENDS)
    runs.metrics["loss"][1, 2:4, -1] = NAN, INF
    (ax,) = panels(ol.plot_by_setting(runs, "learning_rate"))
    assert texts(ax) == ["✗ 2"]
    assert ax.lines[-1].get_ydata()[0] == pytest.approx(np.median(np.delete(ENDS[1], (2, 3))))


def test_zero_stands_apart_on_a_logarithmic_axis():
    runs = runs_of([{"decay": d} for d in (0, 0.01, 0.1)], ENDS)
    (ax,) = panels(ol.plot_by_setting(runs, "decay"))
    np.testing.assert_allclose(ax.lines[-1].get_xdata(), [0.01, 0.1])  # not joined to zero
    zero = [line for line in ax.lines if len(line.get_xdata()) == 1]
    np.testing.assert_allclose(zero[0].get_data(), [[0.001], [np.median(ENDS[0])]])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "0.01", "0.1"]
    (ax,) = panels(ol.plot_by_setting(runs, "decay", log=False))
    np.testing.assert_allclose(ax.lines[-1].get_xdata(), [0, 0.01, 0.1])


def test_momentum_is_logarithmic_in_what_it_lacks_to_one():
    runs = runs_of([{"momentum": m} for m in (0, 0.9, 0.99)], ENDS)
    (ax,) = panels(ol.plot_by_setting(runs, "momentum"))
    np.testing.assert_allclose(ax.lines[-1].get_xdata(), [0, 0.9, 0.99])
    pixels = ax.transData.transform([(m, 0.7) for m in (0, 0.9, 0.99)])[:, 0]
    assert pixels[2] - pixels[1] == pytest.approx(pixels[1] - pixels[0])


def test_labels_of_close_numbers_do_not_run_into_each_other():
    sizes = [100, 101, 102, 400]
    runs = runs_of([{"batch_size": b} for b in sizes], ENDS[[0, 1, 2, 0]])
    figure = ol.plot_by_setting(runs, "batch_size", log=False)
    (ax,) = panels(figure)
    figure.figure.draw_without_rendering()
    assert [tick.get_text().strip() for tick in ax.get_xticklabels()] == [str(b) for b in sizes]
    assert ax.get_xticklabels()[1].get_text().startswith("\n")


PAIRS = [{"learning_rate": rate, "m": m} for rate in (0.1, 1) for m in (0, 0.9)]
GRID = runs_of(PAIRS, ENDS[[0, 1, 2, 0]])
ONE = GRID.select(learning_rate=1, m=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ol.plot_by_setting(GRID, "learning_rat"), "no setting 'learning_rat'.*Did you"),
        (lambda: ol.plot_by_setting(GRID, "m", groups="rate"), "no setting 'rate'"),
        (lambda: ol.plot_by_setting(GRID, "m"), "vary learning_rate and m: .*another as groups"),
        (lambda: ol.plot_by_setting(GRID, "m", groups="m"), "vary learning_rate and m"),
        (lambda: ol.plot_by_setting(runs_of([{"a": "x"}, {"a": "y"}], ENDS[:2]), "a"),
         "a has the value 'x': name a setting of numbers only"),
        (lambda: ol.plot_by_setting(runs_of([{"a": -1}, {"a": 1}], ENDS[:2]), "a"),
         "a has the value -1, without a logarithm: give log=False."),
        (lambda: ol.plot_by_setting(runs_of([{"momentum": 1.0}], ENDS[:1]), "momentum"),
         "momentum has the value 1.0, without a logarithm"),
        (lambda: ol.plot_by_setting(
            runs_of([{"a": k, "b": 1} for k in range(8)], [[0.5] * 4] * 8), "b", groups="a"),
         "8 groups cannot be told apart: choose at most 7"),
        (lambda: ol.plot_histogram(GRID), "of 4 settings: choose one with runs.select"),
        (lambda: ol.plot_histogram(ONE, one_run=8),
         "one_run=8: give a number from 0 to 7, or None."),
        (lambda: ol.plot_histogram(ONE, one_run=True), "one_run=True"),
        (lambda: ol.plot_histogram(runs_of([{"a": 1}], [[NAN] * 3])), "No run has a finite"),
        (lambda: ol.plot_differences(GRID, 0.1, 1), "0.1 is no setting of .* and m: give"),
        (lambda: ol.plot_differences(GRID, {"m": 0}, {"m": 0.9}), "matches 2 settings"),
        (lambda: ol.plot_differences(make(), 4, 5), "batch_size=5 matches 0 settings"),
        (lambda: ol.plot_differences(make(), 4, 4), "both 4: give two settings."),
        (lambda: ol.plot_differences(runs_of([{"a": 1}, {"a": 2}], [[NAN, 1], [1, NAN]]), 1, 2),
         "No seed has a finite"),
        (lambda: ol.plot_effects([]), "claims is empty"),
        (lambda: ol.plot_effects({}, at_least=0), "claims is empty"),
        (lambda: ol.plot_effects([ol.fact("One is one", True)]), "'One is one' is a fact"),
        (lambda: ol.plot_effects({"a": [1, 2, 3]}), "0 of at_least, at_most and between"),
        (lambda: ol.plot_effects([ol.claim("c", [1, 2, 3], at_least=0)], unit="points"),
         "go with a dict of effects: claims have their own."),
    ],
)  # fmt: skip
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message) as refused:
        call()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("wrong", [3, "claims", [1, 2], None])
def test_effects_of_no_claims(wrong):
    with pytest.raises(TypeError, match="claims is of type .*: give a list of what claim"):
        ol.plot_effects(wrong)


# ---- histogram -------------------------------------------------------------------------------


def test_a_histogram_counts_all_runs_and_marks_one():
    counts = np.random.default_rng(3).binomial(500, 0.8, 60)
    runs = runs_of([{"a": 1}], counts[None] / 500)
    figure = ol.plot_histogram(runs, one_run=7)
    (ax,) = panels(figure)
    assert sum(bar.get_height() for bar in ax.patches) == 60
    for bar in ax.patches:
        left, right = 500 * bar.get_x(), 500 * (bar.get_x() + bar.get_width())
        assert bar.get_height() == ((left < counts) & (counts < right)).sum()
    half, ring, marked = ax.lines
    np.testing.assert_allclose(half.get_xdata(), np.percentile(counts / 500, (25, 75)))
    np.testing.assert_allclose(ring.get_xdata(), np.median(counts / 500))
    np.testing.assert_allclose(marked.get_xdata(), counts[7] / 500)
    assert marked.get_color() == ol.look_of("one run")["color"]
    below = (np.delete(counts, 7) < counts[7]).sum()
    said = f"he run of seed 7: {counts[7] / 500:.3g}, above {below} of the 59 others"
    assert texts(ax) == [f"t{said}"] and f"T{said}." in figure.alt
    assert f"median {np.median(counts / 500):.3g}" in figure.alt


def test_a_histogram_tells_of_diverged_runs():
    runs = runs_of([{"a": 1}], [[0.5, NAN, 0.7, INF]])
    for one, words in (
        (0, "above 0 of the 3 others"),
        (1, "the run of seed 1 diverged"),
        (None, ""),
    ):
        figure = ol.plot_histogram(runs, one_run=one)
        figure.png()
        (ax,) = panels(figure)
        assert words in " ".join(texts(ax)) and len(ax.lines) == (3 if one == 0 else 2)
        assert "2 of 4 runs diverged" in figure.alt
        assert sum(bar.get_height() for bar in ax.patches) == 2


# ---- differences -----------------------------------------------------------------------------


@pytest.mark.parametrize(("metric", "factor"), [("val_accuracy", 100), ("val_loss", 1)])
def test_differences_are_paired_sorted_and_in_points(metric, factor):
    first, second = np.random.default_rng(4).uniform(0.5, 0.9, (2, 9))
    second[2], first[5] = first[2], NAN
    runs = runs_of([{"optimizer": "Adam"}, {"optimizer": "SGD"}], [first, second], metric)
    figure = ol.plot_differences(runs, "Adam", {"optimizer": "SGD"}, metric)
    (ax,) = panels(figure)
    differences = factor * np.delete(first - second, 5)
    drawn = {line.get_label(): line for line in ax.lines}
    up, down = (differences > 0).sum(), (differences < 0).sum()
    for label, color in ((f"Adam higher: {up}", "Adam"), (f"SGD higher: {down}", "SGD")):
        assert drawn[label].get_color() == ol.look_of(color)["color"]
    tips = [drawn[label].get_data() for label in drawn if ": " in label]
    assert len(tips) == 3
    xy = np.concatenate(tips, axis=1)
    order = xy[0].argsort()
    np.testing.assert_array_equal(xy[0][order], np.arange(1, 9))
    np.testing.assert_allclose(xy[1][order], np.sort(differences), atol=1e-6)
    mean, (low, high) = differences.mean(), stats.t.interval(
        0.95, 7, differences.mean(), stats.sem(differences))  # fmt: skip
    assert any(np.allclose(line.get_ydata(), mean, atol=1e-6) for line in ax.lines)
    band = ax.patches[0].get_bbox()
    assert (band.y0, band.y1) == pytest.approx((low, high), abs=1e-6)
    words = f"Adam is higher in {up} of 8, SGD in {down}, equal in 1; mean {mean:.3g}"
    assert words in figure.alt and "1 without a value" in figure.alt


def test_differences_of_equal_runs_have_no_interval():
    runs = runs_of([{"batch_size": 1}, {"batch_size": 2}], [[0.5] * 6] * 2)
    figure = ol.plot_differences(runs, 1, 2)
    assert "equal in 6; mean 0 points." in figure.alt and not panels(figure)[0].patches
    assert "batch size 1 minus batch size 2" in figure.alt
    figure.png()


# ---- effects ---------------------------------------------------------------------------------

GAIN = np.array([0.021, 0.034, 0.018, 0.027, 0.05, 0.012])
CLAIMS = [
    ol.claim("The gain is at least a point", GAIN, at_least=0.01, unit="points", label="5.1"),
    ol.claim("The gain is within a point", GAIN, between=(-0.01, 0.01), unit="points"),
    ol.claim("The loss halves", [0.3, 0.5, 0.4, 0.2, 0.6], at_most=0.5, unit="times"),
    ol.claim("Most arrive", [1, 1, 0, 1, 1, 1, 1], at_least=0.5, per="start", main=True),
    ol.claim("It takes 20 epochs", [12.0, 30.0, NAN, 9.0, 14.0, 15.0], at_most=20, unit="epochs"),
]


def rows_of(figure):
    axes = panels(figure)
    return [*zip(axes[::2], axes[1::2], strict=True)]


def test_effects_show_every_seed_the_interval_and_the_claimed_side():
    rows = rows_of(ol.plot_effects(CLAIMS))
    for (_, ax), claim, factor in zip(rows, CLAIMS, (100, 100, 1, 100, 1), strict=True):
        values = factor * np.sort(claim.effect[np.isfinite(claim.effect)])
        dots = next(line for line in ax.lines if len(line.get_xdata()) == len(values))
        if claim.kind == "share":  # beside each other, so that they can be counted
            assert ((dots.get_xdata() > 50) == (values > 50)).all()
        else:
            np.testing.assert_allclose(dots.get_xdata(), values)
        shaded = ax.patches[0].get_bbox()
        low, high = ax.get_xlim()
        assert shaded.x0 == pytest.approx(max(factor * claim.low, low))
        assert shaded.x1 == pytest.approx(min(factor * claim.high, high))
        assert low < values.min() and high > values.max()


def test_effects_of_a_dict_name_their_unit_of_repetition_and_expect_nothing():
    figure = ol.plot_effects({"Adam": -GAIN}, at_least=0.01, unit="points", per="draw")
    assert f"{len(GAIN)} draws" in figure.alt and "Dot: one draw." in figure.alt
    ((left, _),) = rows_of(figure)
    assert left.texts[0].get_text().startswith("✗ Contradicted: ")
    assert "not as expected" not in left.texts[0].get_text()


def test_the_bar_is_the_claims_interval():
    n = len(GAIN)
    half = 100 * stats.t.ppf(0.975, n - 1) * GAIN.std(ddof=1) / np.sqrt(n)
    ax = rows_of(ol.plot_effects(CLAIMS[0]))[0][1]
    (bar,) = ax.containers
    segment = bar.lines[2][0].get_segments()[0]
    np.testing.assert_allclose(segment[:, 0], 100 * GAIN.mean() + np.array([-half, half]))
    diamond = next(line for line in ax.lines if line.get_marker() == "D")
    np.testing.assert_allclose(diamond.get_xdata(), 100 * GAIN.mean())
    ratio = rows_of(ol.plot_effects(CLAIMS))[2][1]
    diamond = next(line for line in ratio.lines if line.get_marker() == "D")
    np.testing.assert_allclose(diamond.get_xdata(), stats.gmean(CLAIMS[2].effect))


def test_verdicts_are_told_by_word_shape_and_colour():
    rows = rows_of(ol.plot_effects(CLAIMS))
    heads = [left.texts[0] for left, _ in rows]
    assert [head.get_text() for head in heads] == [
        "✓ Supported (5.1): 2.7 points",
        "✗ Contradicted: 2.7 points, not as expected",
        "≈ Undecided: 0.4 times, not as expected",
        "≈ Undecided: 6 of 7 starts, 86 %, not as expected",
        "≈ Undecided: 16 epochs, not as expected",
    ]
    assert len({to_hex(head.get_color()) for head in heads}) == 3
    assert [left.texts[1].get_text() for left, _ in rows] == [c.sentence for c in CLAIMS]
    assert texts(rows[4][1]) == ["1 without a value"]


def test_rows_of_one_unit_share_their_axis_and_label_it_once():
    rows = [ax for _, ax in rows_of(ol.plot_effects(CLAIMS))]
    assert rows[0].get_xlim() == rows[1].get_xlim() != rows[3].get_xlim()
    # in any order: the axis holds what the widest needs
    turned = [ax.get_xlim() for _, ax in rows_of(ol.plot_effects(CLAIMS[1::-1]))]
    assert turned == [rows[0].get_xlim()] * 2
    assert [ax.get_xlabel() for ax in rows] == [
        "", "percentage points", "times (logarithmic axis)", "percent of runs", "epochs",
    ]  # fmt: skip
    assert [ax.get_xscale() for ax in rows] == ["linear", "linear", "log", "linear", "linear"]


def test_effects_by_name_are_claimed_alike():
    effects = {"Adam": GAIN, "SGD": GAIN - 0.02}
    figure = ol.plot_effects(effects, at_least=0.01, unit="points")
    same = [ol.claim(n, e, at_least=0.01, unit="points") for n, e in effects.items()]
    assert figure.alt == ol.plot_effects(same).alt
    assert "Adam: supported, 2.7 points (95 % interval" in figure.alt


def test_the_words_of_effects():
    figure = ol.plot_effects(CLAIMS)
    for claim in CLAIMS:
        assert f"{claim.sentence}: {claim.verdict}, " in figure.alt
    assert "claimed: at least 1." in figure.alt and "5 effects, a row each" in figure.alt
    assert "one seed or start" in caption(figure) and "95 % or 98.3 %" in caption(figure)


def test_effects_that_have_no_interval():
    equal = ol.claim("Equal", [0.5] * 6, at_least=0, unit="epochs")
    nothing = ol.claim("Nothing", [NAN] * 6, at_least=0, unit="points")
    ratio = ol.claim("A ratio of zero", [0.0, 1, 2, 3, 4], at_least=0.5, unit="times")
    figure = ol.plot_effects([equal, nothing, ratio])
    figure.png()
    rows = rows_of(figure)
    assert not any(ax.containers for _, ax in rows)
    assert [texts(ax) for _, ax in rows] == [[], ["6 without a value"], ["1 without a value"]]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: ol.plot_effects(CLAIMS),
        lambda: ol.plot_differences(make(), 4, 8),
        lambda: ol.plot_histogram(make(settings=1)),
        lambda: ol.plot_by_setting(make(), "batch_size"),
        lambda: ol.plot_by_setting(GRID, "learning_rate", groups="m"),
    ],
)
def test_pictures_are_large_and_said_in_words(draw):
    figure = draw()
    assert figure.png().startswith(b"\x89PNG")
    assert re.search(r"\d", figure.alt) and caption(figure) in figure.alt
    assert figure.figure.get_figwidth() <= 9.2
    for text in figure.figure.findobj(lambda thing: hasattr(thing, "get_fontsize")):
        assert text.get_fontsize() >= 10 or not text.get_text()
