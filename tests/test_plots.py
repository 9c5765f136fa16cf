import base64
import dataclasses
import io
import itertools
import re
import warnings

import matplotlib as mpl
import matplotlib.image
import matplotlib.style
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from PIL import Image

import optlab as ol
from optlab import figures

STAND_IN = "digits (stand-in for MNIST)"
ALL = {
    "learning curves": lambda runs: ol.plot_learning_curves(runs),
    "comparison": lambda runs: ol.plot_comparison(runs),
    "final": lambda runs: ol.plot_final(runs),
    "rate and accuracy": lambda runs: ol.plot_rate_and_accuracy(runs),
    "schedules": lambda runs: ol.plot_schedules({"a": ol.constant(0.1), "b": ol.constant(0.2)}, 9),
}
OF_RUNS = [name for name in ALL if name != "schedules"]


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # matplotlib 3.9 calls pyparsing by its old names
        warnings.filterwarnings("ignore", r"'\w+' deprecated - use '\w+'", DeprecationWarning)
        yield


def make(settings=3, seeds=8, epochs=6, lengths=None, **more):
    """Build Runs with random curves; `lengths` has one entry a setting and seed."""
    rng = np.random.default_rng(0)
    shape = (settings, seeds, epochs)
    lengths = np.broadcast_to(epochs if lengths is None else lengths, shape[:2]).copy()
    trained = np.arange(epochs) < lengths[:, :, None]
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    metrics = {name: np.where(trained, rng.uniform(0.2, 0.9, shape), np.nan) for name in names}
    rates = np.broadcast_to(0.001 * 2.0 ** np.arange(epochs), shape)
    metrics["learning_rate"] = np.where(trained, rates, np.nan)
    fields = {
        "settings": [{"batch_size": 2 ** (i + 2)} for i in range(settings)],
        "seeds": list(range(seeds)),
        "metrics": metrics,
        "lengths": lengths,
        "updates_per_look": [4] * settings,
        "updates_per_epoch": [4] * settings,
        "data": "blobs (draw 0)",
    }
    return ol.Runs(**{**fields, **more})


def panels(figure):
    return [ax for ax in figure.figure.axes if ax.get_visible()]


def caption(figure):
    return figure.figure.get_supxlabel().replace("\n", " ")


def band(ax, k=0):
    """Return the lower and upper edge of a panel's k-th band."""
    bands = [c for c in ax.collections if isinstance(c, PolyCollection)]
    points = np.concatenate([path.vertices for path in bands[k].get_paths()])
    x = np.unique(points[:, 0])
    columns = [points[points[:, 0] == value, 1] for value in x]
    return x, [c.min() for c in columns], [c.max() for c in columns]


# ---- what is drawn ---------------------------------------------------------------------------


def test_learning_curves_are_medians_and_middle_halves():
    runs = make()
    figure = ol.plot_learning_curves(runs, ("val_accuracy", "accuracy"))
    assert len(panels(figure)) == 3
    for i, ax in enumerate(panels(figure)):
        lines = {line.get_label(): line for line in ax.lines}
        for metric, label in (
            ("val_accuracy", "validation accuracy"),
            ("accuracy", "training accuracy"),
        ):
            x, y = lines[label].get_data()
            np.testing.assert_array_equal(x, [1, 2, 3, 4, 5, 6])
            np.testing.assert_allclose(y, np.median(runs[metric][i], axis=0))
        x, low, high = band(ax)
        np.testing.assert_array_equal(x, [1, 2, 3, 4, 5, 6])
        np.testing.assert_allclose(low, np.percentile(runs["val_accuracy"][i], 25, axis=0))
        np.testing.assert_allclose(high, np.percentile(runs["val_accuracy"][i], 75, axis=0))
        assert ax.get_title(loc="left") == f"batch size {2 ** (i + 2)}"


def test_comparison_draws_the_same_in_one_panel():
    runs = make()
    figure = ol.plot_comparison(runs, "val_loss")
    (ax,) = panels(figure)
    assert [line.get_label() for line in ax.lines] == ["4", "8", "16"]
    for i, line in enumerate(ax.lines):
        np.testing.assert_allclose(line.get_ydata(), np.median(runs["val_loss"][i], axis=0))
        _, low, high = band(ax, i)
        np.testing.assert_allclose(low, np.percentile(runs["val_loss"][i], 25, axis=0))
        np.testing.assert_allclose(high, np.percentile(runs["val_loss"][i], 75, axis=0))
    (legend,) = figure.figure.legends
    assert legend.get_title().get_text() == "batch size"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "validation loss")


@pytest.mark.parametrize(
    ("x", "along", "scale"),
    [
        ("epoch", [1, 2, 3, 4, 5, 6], "linear"),
        ("updates", [4, 8, 12, 16, 20, 24], "linear"),
        ("learning_rate", [0.001, 0.002, 0.004, 0.008, 0.016, 0.032], "log"),
    ],
)
def test_what_runs_along_the_horizontal_axis(x, along, scale):
    (ax,) = panels(ol.plot_comparison(make(), x=x))
    np.testing.assert_allclose(ax.lines[0].get_xdata(), along)
    assert ax.get_xscale() == scale and ax.get_xlabel() == x.replace("_", " ")


def test_a_budget_of_updates_is_drawn_by_updates():
    runs = make(updates_per_look=[50] * 3, updates_per_epoch=[100, 20, 5])
    for figure in (ol.plot_comparison(runs), ol.plot_learning_curves(runs)):
        assert panels(figure)[-1].get_xlabel() == "updates"
        np.testing.assert_array_equal(
            panels(figure)[0].lines[0].get_xdata(), [50, 100, 150, 200, 250, 300]
        )


def test_final_shows_every_seed_its_median_and_middle_half():
    runs = make()
    (ax,) = panels(ol.plot_final(runs, "accuracy"))
    for i in range(3):
        ends = runs["accuracy"][i, :, -1]
        dots, half, middle = ax.lines[3 * i : 3 * i + 3]
        np.testing.assert_array_equal(dots.get_ydata(), ends)
        assert np.abs(dots.get_xdata() - i).max() < 0.3
        np.testing.assert_allclose(half.get_ydata(), np.percentile(ends, (25, 75)))
        np.testing.assert_allclose(middle.get_ydata(), [np.median(ends)] * 2)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["4", "8", "16"]


def grid(values):
    """Build runs of rates 0.1 and 1 by batch sizes 8, 64 and 512; `values` by rate and size."""
    settings = [{"learning_rate": r, "batch_size": b} for r in (0.1, 1) for b in (8, 64, 512)]
    runs = make(settings=6, seeds=3)
    losses = np.repeat(np.ravel(values), 3 * 6).reshape(6, 3, 6)
    losses[:, 0] += 10  # an outlier that the median leaves out
    return dataclasses.replace(runs, settings=settings, metrics=runs.metrics | {"val_loss": losses})


def test_a_heat_map_shows_medians_and_frames_the_best_of_each_column():
    values = [[0.3, 0.2, np.nan], [0.5, 0.1, 0.7]]
    drawn = ol.plot_heatmap(grid(values), x="batch_size", y="learning_rate", metric="val_loss")
    ax = drawn.figure.axes[0]
    np.testing.assert_allclose(ax.images[0].get_array().filled(np.nan), values)
    assert [t.get_text() for t in ax.texts] == ["0.3", "0.2", "not a number", "0.5", "0.1", "0.7"]
    frames = [(round(p.get_x() + 0.46), round(p.get_y() + 0.42)) for p in ax.patches]
    assert frames == [(0, 0), (1, 1), (2, 1)]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["8", "64", "512"]


def test_a_heat_map_needs_a_full_grid():
    runs = grid(np.ones((2, 3)))
    for few in (runs.select(learning_rate=[0.1, 1], batch_size=8), make()):
        with pytest.raises(ValueError, match="full grid"):
            ol.plot_heatmap(few, x="batch_size", y="rate")
    five = dataclasses.replace(runs, settings=runs.settings[:5])
    with pytest.raises(ValueError, match="in 5 settings"):
        ol.plot_heatmap(five, x="batch_size", y="learning_rate")


def test_schedules_are_drawn_by_their_formula():
    slow, fast = (ol.time_based(0.1, decay, per="update") for decay in (0.01, 0.5))
    figure = ol.plot_schedules({"slow": slow, "fast": fast}, steps=50)
    (ax,) = panels(figure)
    t = np.arange(51)  # each rate from its step to the next, the last one too
    for line, decay in zip(ax.lines, (0.01, 0.5), strict=True):
        rates = 0.1 / (1 + decay * np.minimum(t, 49))
        np.testing.assert_allclose(line.get_data(), (t, rates))
        assert line.get_drawstyle() == "steps-post"
    assert ax.get_xlabel() == "update" and "no training" in caption(figure)
    assert "slow from 0.1 to 0.0671; fast from 0.1 to 0.00392" in figure.alt


def test_rates_are_steps_above_what_they_lead_to():
    runs = make()
    figure = ol.plot_rate_and_accuracy(runs, "val_loss")
    above, below = panels(figure)
    assert above.get_shared_x_axes().joined(above, below)
    for i in range(3):
        x, y = above.lines[i].get_data()
        np.testing.assert_array_equal(x, [0, 1, 2, 3, 4, 5, 6])  # epoch 1 begins at 0
        np.testing.assert_allclose(y, 0.001 * 2.0 ** np.array([0, 1, 2, 3, 4, 5, 5]))
        assert above.lines[i].get_drawstyle() == "steps-post"
        x, y = below.lines[i].get_data()
        np.testing.assert_array_equal(x, [1, 2, 3, 4, 5, 6])
        np.testing.assert_allclose(y, np.median(runs["val_loss"][i], axis=0))
        assert below.lines[i].get_drawstyle() == "default"
    assert (above.get_ylabel(), below.get_ylabel()) == ("learning rate", "validation loss")
    assert (above.get_yscale(), below.get_xlabel()) == ("linear", "epoch")
    assert [t.get_text() for t in figure.figure.legends[0].get_texts()] == ["4", "8", "16"]
    assert "4: 0.032" in figure.alt and "validation loss (below)" in figure.alt
    log = panels(ol.plot_rate_and_accuracy(runs, ylim=(0.3, 0.6), log=True))
    assert log[0].get_yscale() == "log" and log[1].get_ylim() == (0.3, 0.6)


@pytest.mark.parametrize("plot", [ol.plot_comparison, ol.plot_learning_curves])
def test_rates_are_steps_wherever_they_are_drawn(plot):
    ax = panels(plot(make(), "learning_rate"))[0]
    assert {line.get_drawstyle() for line in ax.lines} == {"steps-post"}
    assert ax.lines[0].get_xdata()[0] == 0


def test_nothing_is_written_too_small_or_cut_off():
    long = [{"an optimizer": "a name that is longer than any panel", "rate": r} for r in range(8)]
    crowded = dataclasses.replace(make(settings=8), settings=long)
    wide = ol.plot_learning_curves(crowded, ("val_accuracy", "accuracy"), one_run=True)
    for drawn in (wide, ol.plot_final(crowded), ol.plot_rate_and_accuracy(make())):
        figure = drawn.figure
        figure.draw_without_rendering()
        shrunk = min(1, 9 / figure.get_figwidth())
        for text in figure.findobj(mpl.text.Text):
            if text.get_text() and text.get_visible():
                assert text.get_size() * shrunk >= 9.7, text
    boxes = [ax.title.get_window_extent() for ax in panels(wide)]
    boxes = [ax._left_title.get_window_extent() for ax in panels(wide)] or boxes
    for one, other in itertools.pairwise(boxes):
        assert one.x1 <= other.x0 or one.y0 > other.y1, "titles run into each other"


def test_panels_share_their_axes():
    axes = panels(ol.plot_learning_curves(make(settings=6), columns=4))
    assert len({ax.get_ylim() for ax in axes}) == len({ax.get_xlim() for ax in axes}) == 1
    axes[0].set(xlim=(2, 3), ylim=(0.1, 0.2))
    assert (axes[5].get_xlim(), axes[5].get_ylim()) == ((2, 3), (0.1, 0.2))
    axes = panels(ol.plot_learning_curves(make(), ylim=(0.5, 1)))
    assert {ax.get_ylim() for ax in axes} == {(0.5, 1)}


def test_panels_of_different_length_keep_their_own_numbers_of_epochs():
    runs = make(settings=6, lengths=np.array([[1], [2], [3], [4], [5], [6]]))
    figure = ol.plot_learning_curves(runs, columns=3)
    figure.png()
    for i, ax in enumerate(panels(figure)):
        assert ax.lines[0].get_xdata()[-1] == i + 1
        assert any(tick.label1.get_visible() for tick in ax.xaxis.get_major_ticks())
    assert len({ax.get_ylim() for ax in panels(figure)}) == 1


def test_a_line_is_drawn_while_half_of_the_runs_train():
    runs = make(settings=1, lengths=[[6, 5, 4, 4, 3, 3, 2, 2]])
    (ax,) = panels(ol.plot_learning_curves(runs, "val_accuracy"))
    x, y = ax.lines[0].get_data()
    np.testing.assert_array_equal(x, [1, 2, 3, 4])
    np.testing.assert_allclose(y[3], np.median(runs["val_accuracy"][0, :4, 3]))
    ol.plot_comparison(runs, x="learning_rate").png()


def test_one_epoch_is_a_dot_and_one_seed_has_no_band():
    (ax,) = panels(ol.plot_comparison(make(settings=1, seeds=1, epochs=1)))
    assert ax.lines[0].get_marker() == "o" and not ax.collections
    assert "one seed" in caption(ol.plot_comparison(make(seeds=1)))


# ---- diverged runs ---------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [2, 8])
def test_diverged_runs_are_noted_and_left_out(lost):
    runs = make()
    for values in runs.metrics.values():
        values[1, : lost // 2, 3:] = np.nan
        values[1, lost // 2 : lost, 3:] = np.inf
    figure = ol.plot_learning_curves(runs)
    notes = [[t.get_text() for t in ax.texts] for ax in panels(figure)]
    assert notes == [[], [f"{lost} of 8 diverged"], []]
    line = panels(figure)[1].lines[-1]
    if lost < 8:
        np.testing.assert_allclose(
            line.get_ydata()[3:], np.median(runs["val_accuracy"][1, lost:, 3:], axis=0)
        )
    else:
        assert np.isnan(line.get_ydata()[3:]).all() and "8: not a number" in figure.alt

    final = ol.plot_final(runs)
    (ax,) = panels(final)
    assert [t.get_text() for t in ax.texts] == [f"{lost} diverged"]
    if lost < 8:
        middles = [line.get_ydata()[0] for line in ax.lines if line.get_linewidth() == 2.5]
        assert middles[1] == pytest.approx(np.median(runs["val_accuracy"][1, lost:, -1]))
    for drawn in (figure, final, ol.plot_comparison(runs)):
        drawn.png()


# ---- words -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OF_RUNS)
def test_captions_and_alternative_texts(name):
    runs = make(data=STAND_IN, fixed={"epochs": 6, "model": "mnist_mlp"})
    figure = ALL[name](runs)
    for text in (caption(figure), figure.alt):
        assert "8 seeds" in text and f"Data: {STAND_IN}" in text
        assert "median" in text and "middle half" in text and "epochs 6" in text
    for i, label in enumerate(("4", "8", "16")):
        low, middle, high = np.percentile(runs["val_accuracy"][i, :, -1], (25, 50, 75))
        assert f"{label}: {middle:.3g} ({low:.3g} to {high:.3g})" in figure.alt
    assert repr(figure) == f"Figure: {figure.alt}"


# ---- pictures --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_a_notebook_gets_a_png_with_its_alternative_text(name, tmp_path):
    figure = ALL[name](make())
    data, metadata = figure._repr_mimebundle_()
    png = base64.b64decode(data["image/png"])
    assert png.startswith(b"\x89PNG\r\n\x1a\n") and alike(png, figure.png())
    assert metadata["image/png"]["alt"] == figure.alt and figure.alt in data["text/plain"]
    assert alike(figure.save(tmp_path / "figure.png").read_bytes(), png)


def alike(png, other):
    """Whether no eye can tell two pictures apart: a layout settles to a millionth of an inch."""
    one, other = (np.asarray(Image.open(io.BytesIO(p)).convert("L"), int) for p in (png, other))
    return one.shape == other.shape and np.abs(one - other).mean() < 0.1


# what people set for their other figures: in a matplotlibrc, by a style, at the top of a notebook
SETTINGS = {
    "dark": lambda: mpl.style.use("dark_background"),
    "a style": lambda: mpl.style.use("ggplot"),
    "latex": lambda: mpl.rcParams.update({"text.usetex": True, "font.family": "serif"}),
    "transparent": lambda: mpl.rcParams.update({"savefig.transparent": True}),
    "large": lambda: mpl.rcParams.update({"font.size": 30, "figure.dpi": 300, "savefig.dpi": 50}),
    "own lines": lambda: mpl.rcParams.update(
        {"lines.marker": "x", "lines.linestyle": ":", "axes.prop_cycle": mpl.cycler(color="r"),
         "axes.formatter.limits": (0, 0), "xtick.bottom": False, "image.cmap": "jet"}
    ),
    "a font that is not there": lambda: mpl.rcParams.update({"font.family": ["No Such Font"]}),
    "own fonts": lambda: mpl.rcParams.update({"font.sans-serif": ["STIXGeneral", "Arial"]}),
}  # fmt: skip
FIGURES = ALL | {
    "heat map": lambda runs: ol.plot_heatmap(
        grid([[0.3, 0.2, 0.4], [0.5, 0.1, 0.7]]), "batch_size", "learning_rate", "val_loss"
    ),
    "paths": lambda runs: ol.plot_paths(
        ol.beale(), {"a": ol.descend(ol.beale(), ol.updates.sgd, start=(1, 1), steps=3)}
    ),
    "data": lambda runs: ol.load_blobs().plot(),
}


@pytest.fixture(scope="module")
def by_default():
    figures = {name: draw(make()) for name, draw in FIGURES.items()}
    return {name: (figure, figure.png()) for name, figure in figures.items()}


@pytest.mark.parametrize("own", SETTINGS)
def test_figures_are_the_same_under_any_settings(own, by_default, caplog):
    with mpl.rc_context():
        SETTINGS[own]()
        before = dict(mpl.rcParams)
        for name, draw in FIGURES.items():
            assert draw(make()).png() == by_default[name][1], name
        drawn, png = by_default["learning curves"]
        assert drawn.png() == png  # drawn before, and written now
        assert dict(mpl.rcParams) == before
    assert caplog.text == ""  # matplotlib logs, in red, a font that it does not find


@pytest.mark.parametrize("name", ALL)
def test_paper_is_white_and_opaque(name):
    pixels = matplotlib.image.imread(io.BytesIO(ALL[name](make()).png()))
    assert (pixels[0] == 1).all() and (pixels[:, 0] == 1).all()  # red, green, blue and alpha
    assert pixels.shape[2] == 3 or (pixels[..., 3] == 1).all()
    assert (pixels[..., :3].min(axis=2) < 0.5).any()  # and something is written on it


@pytest.mark.parametrize(
    "settings",
    [
        {"font.family": ["DejaVu Sans Mono"]},
        {"font.family": "DejaVu Sans Mono"},
        {"font.sans-serif": ["DejaVu Sans Mono"]},  # as in most recipes for Chinese
        {"font.family": ["monospace"], "font.monospace": ["No Such Font", "DejaVu Sans Mono"]},
    ],
)
def test_the_users_fonts_stand_in_for_letters_that_ours_lacks(settings):
    """A font for code plays the Chinese one: it has a sign that ours has not."""
    sign = "\u2336"
    with pytest.warns(UserWarning, match="missing from font"):
        without = dataclasses.replace(ol.load_blobs(), class_names=[sign, "b", "c"]).plot().png()
    with mpl.rc_context(settings):
        figure = dataclasses.replace(ol.load_blobs(), class_names=[sign, "b", "c"]).plot()
        assert figure.png() != without  # and no warning
    assert figure.png() != without  # the figure keeps its fonts


def lightness(color):
    """Return how light a colour is in grey, CIE L* from 0 to 100."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    y = linear @ (0.2126, 0.7152, 0.0722)
    return 116 * np.cbrt(y) - 16 if y > 0.008856 else 903.3 * y


@pytest.mark.parametrize("most", ["runs", "schedules"])
def test_seven_lines_can_be_told_apart_in_grey(most):
    if most == "runs":
        figure = ol.plot_comparison(make(settings=7))
    else:
        figure = ol.plot_schedules({str(i): ol.constant(i) for i in range(1, 8)}, steps=3)
    (ax,) = panels(figure)
    assert len(ax.lines) == 7
    for one, other in itertools.combinations(ax.lines, 2):
        apart = abs(lightness(one.get_color()) - lightness(other.get_color()))
        assert apart > 15 or one._dash_pattern != other._dash_pattern
    for line in ax.lines:  # and each from the paper
        assert lightness(line.get_color()) < 80


def test_a_panels_two_lines_differ_in_dashes():
    ax = panels(ol.plot_learning_curves(make()))[0]
    assert {line.get_linestyle() for line in ax.lines} == {"-", "--"}


# ---- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plot",
    [ol.plot_learning_curves, ol.plot_comparison, ol.plot_final, ol.plot_rate_and_accuracy],
)
def test_unknown_metric(plot):
    with pytest.raises(KeyError, match="no metric 'val_acuracy'.*Did you mean 'val_accuracy'"):
        plot(make(), "val_acuracy")


CONSTANT = ol.constant(0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ol.plot_comparison(make(settings=8)), "8 settings .*at most 7 with runs.select"),
        (lambda: ol.plot_rate_and_accuracy(make(settings=8)), "8 settings .*at most 7 with runs"),
        (lambda: ol.plot_rate_and_accuracy(make(), log="yes"), "log='yes': give True or False."),
        (lambda: ol.plot_comparison(make(), x="time"), "x='time': give \"epoch\""),
        (lambda: ol.plot_learning_curves(make(), ()), "metrics=.*give one or two"),
        (lambda: ol.plot_learning_curves(make(), ["loss"] * 3), "give one or two"),
        (lambda: ol.plot_schedules({i: CONSTANT for i in range(8)}, 5), "8 schedules.*one to 7"),
        (lambda: ol.plot_schedules({}, 5), "0 schedules"),
        (lambda: ol.plot_schedules(CONSTANT, 0), "steps=0: give a whole number from 1"),
        (
            lambda: ol.plot_schedules({"a": CONSTANT, "b": ol.constant(1, per="epoch")}, 5),
            "per epoch and update.*same meaning of a step",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message) as refused:
        call()
    assert not re.search("\n", str(refused.value))


def test_a_list_of_schedules_has_no_names():
    with pytest.raises(TypeError, match=r"schedules is of type list\[.*Schedule\]: give .* a dict"):
        ol.plot_schedules([CONSTANT], 5)


@pytest.mark.parametrize(
    "plot",
    [ol.plot_learning_curves, ol.plot_comparison, ol.plot_final, ol.plot_rate_and_accuracy,
     ol.plot_histogram, ol.plot_effects, lambda runs: ol.plot_by_setting(runs, "batch_size"),
     lambda runs: ol.plot_differences(runs, 4, 8),
     lambda runs: ol.plot_heatmap(runs, "batch_size", "momentum"),
     lambda runs: ol.plot_schedules(runs, 5), lambda runs: ol.plot_schedules({"a": runs}, 5),
     lambda runs: ol.plot_paths(runs, {}), lambda runs: ol.plot_distance(ol.beale(), runs),
     lambda runs: ol.plot_steps(ol.parabola(), {"a": runs}),
     lambda runs: ol.animate_paths(ol.beale(), runs)],
)  # fmt: skip
def test_several_runs_are_refused_by_every_figure(plot):
    with pytest.raises((TypeError, ValueError)) as refused:
        plot([make(), make()])
    said = str(refused.value)
    assert "list[optlab.runs.Runs]: give" in said and said.endswith(".") and "\n" not in said


def test_the_palette_of_a_png_loses_no_color():
    figure, axes = figures.new_figure()
    for color in figures.COLORS:
        axes[0, 0].plot(np.random.default_rng(0).normal(size=50), color=color)
    axes[0, 0].imshow(np.linspace(0, 1, 300)[None], cmap="viridis", aspect="auto")
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    picture = Image.open(drawn).convert("RGB")
    before = np.asarray(picture).astype(int)
    after = np.asarray(figures.fewer_colors(picture).convert("RGB")).astype(int)
    assert np.abs(before - after).max() <= 12  # of 255


# ---- for every eye ----------------------------------------------------------------------------

# G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, "A Physiologically-based Model for
# Simulation of Color Vision Deficiency" (2009), table 1, severity 1.0: for linear RGB.
EYES = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
    "grey": [[0.2126, 0.7152, 0.0722]] * 3,
}  # fmt: skip


def seen(colors, eye):
    """Return what an eye sees of colours, in CIELAB, where 2.3 is a difference just noticed."""
    rgb = np.array([to_rgb(color) for color in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.transpose(EYES[eye]), 0, 1)
    to_xyz = [[0.41246, 0.35758, 0.18044], [0.21267, 0.71515, 0.07218], [0.01933, 0.11919, 0.9503]]
    xyz = linear @ np.transpose(to_xyz) / [0.95047, 1.0, 1.08883]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), xyz * 7.787 + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def difference(a, b, eye):
    return np.linalg.norm(np.subtract(*seen([a, b], eye)))


@pytest.mark.parametrize("eye", ["usual", "protanopia", "deuteranopia", "tritanopia"])
def test_colours_stay_apart_for_the_colour_blind(eye):
    for a, b in itertools.combinations(figures.COLORS, 2):
        assert difference(a, b, eye) > 15, (a, b)


def test_in_grey_neighbours_stay_apart_and_dashes_tell_the_rest():
    for a, b in itertools.pairwise(figures.COLORS):
        assert difference(a, b, "grey") > 8, (a, b)
    # some others do not: hence no two that are used together share a line or a marker
    for styles in (figures.LINES, figures.MARKERS):
        assert len(set(styles)) == len(styles) >= len(figures.COLORS)


@pytest.mark.parametrize("eye", list(EYES))
def test_every_colour_stands_out_from_the_paper(eye):
    for color in figures.COLORS:
        assert difference(color, "white", eye) > 25, color
