import pickle
import warnings

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import optlab as ol
from optlab import figures
from optlab.plan import read_settings

NAN = float("nan")


def make(curves, settings=None, *, metric="val_accuracy", per_look=2, per_epoch=2, **more):
    """Build Runs by hand from curves[setting][seed], padding what stopped early with NaN."""
    lengths = np.array([[len(curve) for curve in seeds] for seeds in curves])
    values = np.full((*lengths.shape, lengths.max()), NAN)
    for i, seeds in enumerate(curves):
        for j, curve in enumerate(seeds):
            values[i, j, : len(curve)] = curve
    count = len(curves)
    return ol.Runs(
        settings=settings or [{"batch_size": 2**i} for i in range(count)],
        seeds=list(range(lengths.shape[1])),
        metrics={"loss": 1 - values, metric: values},
        lengths=lengths,
        updates_per_look=[per_look] * count,
        updates_per_epoch=[per_epoch] * count,
        **{"data": "hand-made points", "engine": "keras", "seconds": 1.5, **more},
    )


# one setting, three seeds: trained to the end, stopped early, diverged
UNEVEN = make([[[0.1, 0.5, 0.9, 0.7], [0.2, 0.4], [0.3, 0.6, NAN, NAN]]])


# ---- what one asks of a curve, by hand -------------------------------------------------------


def test_final_best_and_area():
    np.testing.assert_array_equal(UNEVEN.final("val_accuracy"), [0.7, 0.4, NAN])
    np.testing.assert_allclose(UNEVEN.final("loss"), [0.3, 0.6, NAN])
    np.testing.assert_array_equal(UNEVEN.best("val_accuracy"), [0.9, 0.4, 0.6])
    np.testing.assert_allclose(UNEVEN.best("loss"), [0.1, 0.6, 0.4])
    np.testing.assert_allclose(UNEVEN.area("val_accuracy"), [0.55, 0.3, NAN])


def test_curves_are_those_of_one_setting():
    runs = make([[[0.1, 0.5], [0.2, 0.4]], [[0.3, 0.6, 0.9, 0.8], [0.4, 0.7, 0.8]]])
    np.testing.assert_array_equal(
        runs.curves("val_accuracy", batch_size=2), [[0.3, 0.6, 0.9, 0.8], [0.4, 0.7, 0.8, NAN]]
    )
    # as long as the longest run of the setting
    np.testing.assert_array_equal(
        runs.curves("val_accuracy", batch_size=1), [[0.1, 0.5], [0.2, 0.4]]
    )
    np.testing.assert_array_equal(
        runs.curves("loss", batch_size=1), runs.select(batch_size=1)["loss"][0]
    )
    assert make([[[]]]).curves("loss").shape == (1, 0)


@pytest.mark.parametrize("setting", [{}, {"batch_size": 7}])
def test_curves_are_refused_like_final(setting):
    runs = make([[[0.1]], [[0.2]]])
    said = []
    for ask in (runs.final, runs.curves):
        with pytest.raises(ValueError, match="name exactly one of: 1; 2.") as refused:
            ask("loss", **setting)
        said.append(str(refused.value))
    assert said[0] == said[1]
    with pytest.raises(KeyError, match="no metric 'los'"):
        runs.curves("los", batch_size=1)


def test_a_run_without_any_value():
    runs = make([[[NAN, NAN], [0.5, 0.6]]])
    for ask in (runs.final, runs.best, runs.jitter, runs.area):
        assert np.isnan(ask("val_accuracy")[0]) and np.isfinite(ask("val_accuracy")[1])
    untrained = make([[[], [0.5, 0.6]]])  # interrupted before it began
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ask in (untrained.final, untrained.best, untrained.jitter, untrained.area):
            assert np.isnan(ask("val_accuracy")[0]) and np.isfinite(ask("val_accuracy")[1])


@pytest.mark.parametrize(
    ("epochs", "changes"),
    [(1, 0), (2, 1), (3, 2), (6, 5), (8, 5), (20, 5), (24, 6), (40, 10), (128, 32)],
)
def test_jitter_is_the_mean_change_over_the_last_quarter_but_at_least_five(epochs, changes):
    # a curve whose change into epoch e is e/1000 up or down: the last ones by hand
    steps = np.arange(1, epochs) / 1000 * (-1.0) ** np.arange(1, epochs)
    curve = 0.5 + np.concatenate([[0], np.cumsum(steps)])
    expected = np.mean([(epochs - 1 - k) / 1000 for k in range(changes)]) if changes else NAN
    assert make([[curve]]).jitter() == pytest.approx([expected], nan_ok=True)


def test_jitter_of_a_saw_and_of_runs_of_different_lengths():
    runs = make([[[0.5, 0.6] * 20, [0.5, 0.6] * 5, [0.7] * 40, [0.5] * 39 + [NAN]]])
    assert runs.jitter() == pytest.approx([0.1, 0.1, 0, NAN], nan_ok=True)


def test_epochs_to_reach():
    np.testing.assert_array_equal(UNEVEN.epochs_to_reach(0.5), [2, NAN, 2])
    np.testing.assert_array_equal(UNEVEN.epochs_to_reach(0.1), [1, 1, 1])
    np.testing.assert_array_equal(UNEVEN.epochs_to_reach(0.55, "loss"), [2, NAN, 2])  # at most


def test_a_budget_of_updates_is_looked_at_in_fractions_of_an_epoch():
    runs = make([[[0.1, 0.5, 0.9]]], per_look=50, per_epoch=100)
    assert runs.look_name == "look" and UNEVEN.look_name == "epoch"
    assert runs.updates().tolist() == [[50, 100, 150]]
    assert runs.epochs_to_reach(0.9).tolist() == [1.5]
    assert runs.history["epoch"].tolist() == [0.5, 1.0, 1.5]
    assert runs.history["updates"].tolist() == [50, 100, 150]


# ---- which setting ---------------------------------------------------------------------------

GRID = make(
    [[[0.1 * i, 0.1 * i + 0.05]] for i in range(6)],
    [{"learning_rate": rate, "hidden": h} for rate in (0.1, 1e-5) for h in ((8,), (8, 8), None)],
)


def test_index_and_labels():
    assert GRID.index(learning_rate=1e-5, hidden=(8, 8)) == 4
    assert GRID.index(learning_rate=0.1, hidden=None) == 2
    assert GRID.final("val_accuracy", learning_rate=1e-5, hidden=(8, 8)) == pytest.approx([0.45])
    assert GRID.names == ["learning_rate", "hidden"]
    assert GRID.labels()[4] == "learning_rate 1e-05, hidden (8, 8)"
    assert make([[[1]], [[1]]]).labels() == ["1", "2"]
    assert make([[[1]]], [{}]).labels() == [""]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "no setting named matches 6 settings; name exactly one of: .*hidden None"),
        (
            {"learning_rate": 0.1},
            r"learning_rate=0.1 matches 3 .*rate 0.1, hidden \(8,\); .*None\.$",
        ),
        ({"learning_rate": 0.2}, "matches 0 settings; name exactly one of: learning_rate 0.1"),
        ({"lerning_rate": 0.1}, "no setting 'lerning_rate'.*Did you mean 'learning_rate'?"),
    ],
    ids=str,
)
def test_none_or_several_settings(asked, message):
    for ask in (GRID.final, GRID.best, GRID.jitter, GRID.area):
        with pytest.raises(ValueError, match=message):
            ask("val_accuracy", **asked)


def test_unknown_metrics():
    for ask in (GRID.__getitem__, lambda m: GRID.final(m, learning_rate=0.1, hidden=None)):
        with pytest.raises(KeyError, match="Did you mean 'val_accuracy'"):
            ask("val_acuracy")
    with pytest.raises(KeyError, match="test=True"):
        GRID.final("test_accuracy", learning_rate=0.1, hidden=None)


def test_select():
    chosen = GRID.select(learning_rate=[1e-5], hidden=[(8,), None])
    assert chosen.settings == [GRID.settings[3], GRID.settings[5]]
    np.testing.assert_array_equal(chosen["val_accuracy"], GRID["val_accuracy"][[3, 5]])
    assert len(GRID.settings) == 6
    assert GRID.select(hidden=(8, 8)).settings == [GRID.settings[1], GRID.settings[4]]
    with pytest.raises(ValueError, match="No setting has learning_rate=0.2: choose from 0.1"):
        GRID.select(learning_rate=[0.1, 0.2])
    with pytest.raises(ValueError, match="no setting 'hiden'.*'hidden'"):
        GRID.select(hiden=None)


def test_select_cuts_everything_to_what_is_left():
    runs = make([[[0.1] * 5], [[0.2] * 3]], test={"test_accuracy": np.array([[0.8], [0.9]])})
    short = runs.select(batch_size=2)
    assert short["val_accuracy"].shape == (1, 1, 3) and short.updates().shape == (1, 3)
    assert short.final("test_accuracy").tolist() == [0.9]
    assert short.history["val_accuracy"].tolist() == [0.2] * 3


RATES = {
    "arange": np.arange(0.1, 0.5, 0.1),  # holds 0.30000000000000004
    "logspace": np.logspace(-7, -1, 5),
    "linspace": np.linspace(0, 1, 7),
    "float32": np.array([0.1, 0.3, 1e-7], "float32"),
    "float32 in a list": [np.float32(0.1), np.float32(0.7)],
    "int64": np.array([8, 64]),
    "mixed": [1, 0.1, 1e-7],
    "with None": [None, 0.1, 1e-7],
    "with text": ["none", 0.1, 1e-7],
}


def as_swept(values):
    """Return runs whose settings are labelled as a sweep labels them."""
    labels, _ = read_settings({"rate": values})
    return make([[[i / 10]] for i in range(len(labels))], labels)


@pytest.mark.parametrize("case", RATES)
def test_what_is_given_or_shown_is_found(case):
    values = RATES[case]
    runs = as_swept(values)
    table = runs.summary()
    lines = str(table).splitlines()[1:]
    for i, value in enumerate(values):
        shown = lines[i].split()[1]
        typed = [float(shown)] if isinstance(value, (float, np.floating)) else []
        for asked in [value, table["rate"][i], table["rate"].tolist()[i], shown, *typed]:
            assert runs.index(rate=asked) == i, asked
            assert runs.final("val_accuracy", rate=asked) == [i / 10]
            assert runs.select(rate=asked).settings == [runs.settings[i]]
            assert runs.select(rate=[asked]).settings == [runs.settings[i]]
    for several in (values, table["rate"], np.array(values), pd.Index(values, dtype=object)):
        assert runs.select(rate=several[:2]).settings == runs.settings[:2]
        assert runs.select(rate=several).settings == runs.settings


def test_range_and_objects_are_found():
    runs = make([[[0.1]], [[0.2]]], [{"n": 1, "make": "relu"}, {"n": 2, "make": "Adam"}])
    assert runs.select(n=range(1, 3)).settings == runs.settings
    assert runs.select(n={2}).settings == [runs.settings[1]]
    assert runs.index(make=keras.optimizers.Adam) == 1
    assert runs.index(make=keras.activations.relu) == 0
    assert GRID.index(learning_rate=0.1, hidden=[8, 8]) == 1


def test_close_values_stay_apart():
    """The equal one is meant where there is one; else, if several are shown alike, it is said."""
    runs = as_swept([0.1, 0.1000001, 0.2])
    assert runs.index(rate=0.1000001) == 1 and runs.index(rate=0.1) == 0
    with pytest.raises(ValueError, match="matches 2 settings"):
        runs.index(rate=0.10000005)
    assert len(runs.select(rate=[0.1, 0.2]).settings) == 2
    for other in (0.11, 0.1001, -0.1, 0, "0.11", None):
        with pytest.raises(ValueError, match="matches 0 settings"):
            runs.index(rate=other)
        with pytest.raises(ValueError, match=f"No setting has rate={other!r}: choose from 0.1, "):
            runs.select(rate=np.array([other]))


# ---- tables ----------------------------------------------------------------------------------


def test_history_is_tidy():
    history = UNEVEN.history
    assert [*history] == ["batch_size", "seed", "epoch", "loss", "val_accuracy", "updates"]
    assert len(history) == 4 + 2 + 4  # nothing after an early stop
    early = history[history.seed == 1]
    assert early.epoch.tolist() == [1, 2] and early.updates.tolist() == [2, 4]
    assert early.val_accuracy.tolist() == [0.2, 0.4]
    assert (history.batch_size == 1).all()
    assert GRID.history.hidden.iloc[0] == (8,)
    assert len(make([[[0.1, 0.2]]], [{}]).history) == 2  # nothing varies


def test_history_keeps_a_setting_apart_from_a_running_value_of_the_same_name():
    runs = make([[[0.1, 0.01]], [[0.2, 0.02]]], [{"learning_rate": 0.1}, {"learning_rate": 0.2}],
                metric="learning_rate")  # fmt: skip
    assert runs.history["learning_rate"].tolist() == [0.1, 0.1, 0.2, 0.2]
    assert runs.history["learning_rate now"].tolist() == [0.1, 0.01, 0.2, 0.02]


def test_summary():
    ends = np.array([0.61, 0.64, 0.58, 0.70, 0.66, 0.59, 0.63, 0.75])
    runs = make([[[0, e] for e in ends], [[0, 0.5]] * 8, [[0.4, NAN]] * 6 + [[0, 0.4], [0, 0.6]],
                 [[0, NAN]] * 8])  # fmt: skip
    table = runs.summary()
    assert [*table] == ["batch_size", "mean", "sd", "low", "high", "seeds", "diverged"]
    assert "hand-made points" in table.to_string() and "val_accuracy" in table.to_html()

    known, equal, few, none = table.to_dict("records")
    assert known["mean"] == pytest.approx(5.16 / 8) and known["sd"] == pytest.approx(
        np.sqrt(sum((e - 0.645) ** 2 for e in ends) / 7), abs=5e-5
    )
    theirs = stats.ttest_1samp(ends, 0).confidence_interval()
    assert known["low"] == pytest.approx(theirs.low, abs=5e-5)
    assert known["high"] == pytest.approx(theirs.high, abs=5e-5)
    assert (known["seeds"], known["diverged"]) == (8, 0)

    assert [equal["mean"], equal["sd"]] == [0.5, 0]
    assert np.isnan([equal["low"], equal["high"]]).all()
    assert few["mean"] == 0.5 and (few["seeds"], few["diverged"]) == (2, 6)
    assert np.isnan([none[k] for k in ("mean", "sd", "low", "high")]).all()
    assert (none["seeds"], none["diverged"]) == (0, 8)
    pd.testing.assert_frame_equal(table, runs.summary())  # the same every time


def test_numbers_stay_numbers_in_a_summary_and_are_only_shown_short():
    rates = [10.0, 9.0, 1e-7, 0.30000000000000004]
    runs = make([[[0.5]]] * 4, [{"rate": rate} for rate in rates])
    table = runs.summary()
    assert isinstance(table, pd.DataFrame) and table["rate"].dtype == "float64"
    assert table["rate"].tolist() == rates
    sorted_table = table.sort_values("rate")
    assert sorted_table["rate"].tolist() == sorted(rates)  # text would put 10 before 9
    for shown in (table, sorted_table, table[["rate", "mean"]], pickle.loads(pickle.dumps(table))):
        for text in (str(shown), repr(shown), shown._repr_html_()):
            assert all(f"{rate:g}" in text for rate in rates), text
            assert "0.0000" not in text and "0.3000000" not in text and "e-01" not in text
    assert "0.5" in str(table) and "hand-made points" in table._repr_html_()
    ints = make([[[0.5]]] * 2).summary()
    assert ints["batch_size"].dtype == "int64"
    assert "1e-07" in str(table[table["rate"] < 1]) and "rate" in str(table.iloc[:0])
    assert str(table.set_index("rate")["mean"]) and str(table.T)


# ---- files -----------------------------------------------------------------------------------

LABELS = [
    {"hidden": (8, 8), "name": "größer ✓", "nesterov": True, "decay": None, "learning_rate": 1e-5},
    {"hidden": (), "name": "", "nesterov": False, "decay": 0, "learning_rate": 1.0},
]


def test_saved_and_loaded_it_is_the_same(tmp_path):
    runs = make([[[0.1, 0.2], [0.3, NAN]], [[0.5], [0.6]]], LABELS,
                data="digits (stand-in for MNIST) – ü", test={"test_loss": np.ones((2, 2))},
                fixed={"epochs": 2, "schedule": None})  # fmt: skip
    path = runs.save(tmp_path / "läufe.npz")
    loaded = ol.Runs.load(path)
    for name in ("seeds", "updates_per_look", "updates_per_epoch", "data", "fixed", "engine",
                 "seconds"):  # fmt: skip
        assert getattr(loaded, name) == getattr(runs, name)
    assert loaded.settings == runs.settings
    assert [[type(v) for v in s.values()] for s in loaded.settings] == [
        [type(v) for v in s.values()] for s in LABELS
    ]
    for mine, theirs in ((loaded.metrics, runs.metrics), (loaded.test, runs.test)):
        assert [*mine] == [*theirs]
        for name in theirs:
            np.testing.assert_array_equal(mine[name], theirs[name])
    np.testing.assert_array_equal(loaded.lengths, runs.lengths)
    assert loaded.final("val_accuracy", hidden=(8, 8))[0] == 0.2
    pd.testing.assert_frame_equal(loaded.history, runs.history)
    pd.testing.assert_frame_equal(loaded.summary(), runs.summary())


def test_numpy_numbers_are_saved_as_numbers(tmp_path):
    settings = [{"learning_rate": np.float32(0.5), "batch_size": np.int64(3)}]
    loaded = ol.Runs.load(make([[[0.1]]], settings).save(str(tmp_path / "runs.npz")))
    assert loaded.settings == [{"learning_rate": 0.5, "batch_size": 3}]


def test_what_cannot_be_saved_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = make([[[0.1]]]).save(tmp_path / "runs.npz")
    before = path.read_bytes()
    with pytest.raises(TypeError, match="give it a name in settings"):
        make([[[0.2]]], [{"model": object()}]).save(path)

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(figures.os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        make([[[0.2]]]).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["runs.npz"]


def test_a_saved_file_has_the_rights_of_any_new_file(tmp_path):
    (tmp_path / "any").write_text("")
    path = make([[[0.1]]]).save(tmp_path / "runs.npz")
    assert path.stat().st_mode == (tmp_path / "any").stat().st_mode


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "empty", "other"])
def test_a_damaged_file_is_named(tmp_path, damage):
    path = make([[np.random.default_rng(0).random(200)]]).save(tmp_path / "runs.npz")
    content = bytearray(path.read_bytes())
    if damage == "other":
        np.savez(path, x=np.ones(3))
    elif damage == "flipped":
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    else:
        path.write_bytes(
            {"cut": content[: len(content) // 2], "text": b"hello", "empty": b""}[damage]
        )
    with pytest.raises(ValueError, match=r"runs\.npz is damaged or no file of runs"):
        ol.Runs.load(path)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        ol.Runs.load(tmp_path / "none.npz")
