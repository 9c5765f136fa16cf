"""The tables of published figures and of verdicts elsewhere: their arithmetic, who wrote them."""

import ast
import itertools
import json
import re
import sys

import numpy as np
import pytest
from test_package import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import replicate  # noqa: E402
from lessons import LESSONS, NOTEBOOKS, code_digest, read, stored_claims  # noqa: E402
from published import CHANGED, EXPLAINED, PUBLISHED  # noqa: E402

import full  # noqa: E402

FIGURES = {(name, what) for name, rows in PUBLISHED.items() for what, _, _ in rows}


def test_every_published_experiment_has_its_cell():
    tags = {
        tag
        for path in LESSONS
        for cell in read(path)["cells"]
        for tag in cell["metadata"].get("tags", [])
    }
    assert {f"experiment:{name}" for name in PUBLISHED} <= tags
    assert {f"experiment:C{i}" for i in range(1, 12)} <= tags
    assert len(FIGURES) == sum(map(len, PUBLISHED.values()))  # none twice
    for rows in PUBLISHED.values():
        for _, published, expression in rows:
            assert np.isfinite(published)
            compile(expression, "<published>", "eval")


def test_explanations_are_of_something():
    assert all(key in FIGURES or key in PUBLISHED for key in EXPLAINED)
    sentences = {c["sentence"] for path in LESSONS for c in stored_claims(read(path))}
    assert set(CHANGED) <= sentences


@pytest.mark.parametrize(
    "published, far",
    # runs of mean 0.95 and sd 0.01: t(0.975, 4) = 2.776, so the reach is 2.776 · 0.01 · √1.2
    [(0.95, False), (0.95 + 0.0303, False), (0.95 + 0.0305, True), (0.95 - 0.0305, True)],
)
def test_apart_is_outside_the_range_of_single_runs(published, far):
    values = np.array([-1, -1, 0, 1, 1]) * 0.01 + 0.95
    assert values.std(ddof=1) == pytest.approx(0.01)
    lines, apart = full.rows("C2", [["some figure", published, list(values)]])
    assert lines[0].endswith("| yes |") is far
    assert bool(apart) is far


def test_runs_without_spread_have_half_a_digit():
    for published, far in ((0.9998, False), (0.999, True)):
        assert bool(full.rows("C2", [["x", published, [1.0] * 5]])[1]) is far


def test_a_figure_that_could_not_be_read_is_shown():
    lines, apart = full.rows("C2", [["x", 0.5, "NameError: name 'a' is not defined"]])
    assert "NameError" in lines[0] and not apart


def test_the_table_is_what_the_tool_writes():
    assert (ROOT / "full" / "README.md").read_text(encoding="utf-8") == full.table()


def test_nothing_apart_is_unexplained():
    assert "not explained yet" not in full.table()


def test_the_words_of_a_figure_do_not_change_what_a_lesson_computes():
    def digest(*sources):
        return code_digest({"cells": [{"cell_type": "code", "source": s, "metadata": {}}
                                      for s in sources]})  # fmt: skip

    first = digest("x = 1\nol.Figure(x, 'one')", "y = 2")
    assert digest("x = 1\nol.Figure(x, 'two')", "y = 2") == first
    assert digest("x = 3\nol.Figure(x, 'one')", "y = 2") != first
    assert digest("x = 1\nol.Figure(x, 'one')", "y = 3") != first
    for path in NOTEBOOKS:  # it would hide what came after it
        for cell in read(path)["cells"]:
            code = "".join(cell["source"])
            if cell["cell_type"] == "code" and "ol.Figure(" in code:
                last = ast.parse(code).body[-1]
                assert ast.get_source_segment(code, last).startswith("ol.Figure("), path
                assert code.count("ol.Figure(") == 1, path


# What lessons quote of the table: the words, with {} for each number, and the numbers.
RUNS = {
    (path.stem, what): np.array(values)
    for path in (ROOT / "full").glob("C*.json")
    for what, _, values in json.loads(path.read_text(encoding="utf-8"))["figures"]
}
OURS = {figure: values.mean() for figure, values in RUNS.items()}
THEIRS = {(name, what): number for name, rows in PUBLISHED.items() for what, number, _ in rows}
END = "{}, validation accuracy, epoch 50".format


def both(name, what):
    return OURS[name, what], THEIRS[name, what]


def best_of_five_over_another():
    """Return by how much the best of five of the ten runs lies above one of the others."""
    runs = RUNS["C8", "part 1, rate 0.1, test accuracy"]
    fives = map(list, itertools.combinations(range(len(runs)), 5))
    return np.mean([runs[five].max() - np.delete(runs, five).mean() for five in fives])


QUOTED = {
    "09_meet_mnist": [
        ("RMSprop ends at {} (published: {}), Adam at {} ({}) and Nadam at {} ({})",
         [x for name in ("RMSprop", "Adam", "Nadam") for x in both("C2", END(name))]),
    ],
    "10_schedules_on_mnist": [
        ("exponential ends at {} (mean of five runs), published {}",
         both("C3", "exponential, validation accuracy")),
        ("it ended {} % above its lowest", [100 * (OURS["C5", "last over lowest"] - 1)]),
        ("decay training ended {} % above its", [100 * (OURS["C4", "last over lowest"] - 1)]),
    ],
    "11_tune_on_a_budget": [
        ("784-128-10 ends with a loss of {} at rate 1, {} at 0.1",
         [OURS["C6", f"784-128-10, rate {rate}, training loss"] for rate in (1, 0.1)]),
        ("256 ends with {} and 128 with {}",
         [OURS["C7", f"{size}, training loss"] for size in (256, 128)]),
        ("rate 0.1 has {}, published {}", both("C8", "part 1, rate 0.1, test accuracy")),
        ("the best of five lies {} points above another run", [100 * best_of_five_over_another()]),
    ],
    "12_search_with_cross_validation": [
        ("the lowest of the seven reaches {} and the highest {}",
         [OURS["C9", f"{which} of the seven, accuracy over the folds"]
          for which in ("lowest", "highest")]),
    ],
    "13_regularize": [
        ("the network with both layers ends at {}", [OURS["C10", "dropout, validation loss"]]),
        ("published: {}.", [THEIRS["C10", "dropout, validation loss"]]),
        ("The published early stopping ended at epoch {}",
         [THEIRS["C10", "early stopping, last epoch"]]),
    ],
    "14_save_and_resume": [
        ("Adam ends at {} % (published: {} %", [100 * x for x in both("C2", END("Adam"))]),
    ],
    "deeper/09_scales_labels_and_losses": [
        ("RMSprop ends at {} and Adam at {}, means of five runs, where the published log has {} "
         "and {}",
         [table["C2", f"{name}, validation loss, epoch 50"] for table in (OURS, THEIRS)
          for name in ("RMSprop", "Adam")]),
    ],
    "deeper/10_sums_turns_and_traps": [
        ("step ends {} points below constant",
         [100 * (OURS["C3", "constant, validation accuracy"]
                 - OURS["C3", "step, validation accuracy"])]),
    ],
    "deeper/12_folds_grids_and_traps": [
        ("against {} with stratified folds (mean of ten) and {} in the lab",
         both("C9", "lowest of the seven, accuracy over the folds")),
    ],
    "deeper/13_prices_and_patience": [
        ("both kernels gave {} (published: {})", both("C10", "L2, validation accuracy")),
        ("ended with a training accuracy of {}",
         [OURS["C10-softmax", "dropout after the softmax, training accuracy"]]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("lesson", QUOTED)
def test_what_lessons_quote_of_the_table_is_there(lesson):
    cells = read(ROOT / "notebooks" / f"{lesson}.ipynb")["cells"]
    text = " ".join(" ".join("".join(c["source"]) for c in cells).split())
    for words, numbers in QUOTED[lesson]:
        pattern = re.escape(words).replace(re.escape("{}"), r"(\d+(?:\.\d+)?)")
        found = re.search(pattern, text)
        assert found, words
        for said, number in zip(found.groups(), numbers, strict=True):
            half = 0.5 * 10.0 ** -len(said.partition(".")[2])
            assert abs(float(said) - number) <= half * 1.001, (words, said, number)


def test_the_verdicts_elsewhere_are_what_the_tool_writes():
    results = json.loads((ROOT / "replication" / "results.json").read_text(encoding="utf-8"))
    written = (ROOT / "replication" / "README.md").read_text(encoding="utf-8")
    # the head names the machine and the versions of the day
    assert replicate.table(results).split("## ")[1:] == written.split("## ")[1:]


def results_of(verdicts, again):
    """Return invented results of a lesson: factor -> verdicts of its claims, in order."""
    given = {} if again is None else {"again": again}
    return {
        factor: {"claims": [{"sentence": "a", "verdict": v, **given} for v in found]}
        for factor, found in verdicts.items()
    }


def rows(lessons):
    """Return the table's rows: seeds -> what is said of them."""
    lines = replicate.blocks(lessons)[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name: rest for name, *rest in cells}


def test_changes_stand_beside_what_the_claims_predict():
    first = {
        "baseline": ["supported", "contradicted", "undecided", "true"],
        "seeds 1000 …": ["undecided", "contradicted", "supported", "false"],
        "seeds 3000 …": ["supported"] * 2 + ["undecided", "true"],
        "seeds 7000 …": ["supported", "contradicted", "undecided", "true"],
        "seeds 12000 …": ["undecided"] * 3 + ["true"],
    }
    found = rows([results_of(first, 0.9), results_of({"baseline": ["supported"]}, 0.5)])
    assert found["1000 …"] == ["1", "2", "1", "0.2", "1", "1", "0.1"]
    assert found["3000 …"] == ["1", "2", "1", "0.2", "1", "0", "0.1"]
    assert found["2000 …"] == ["0", "not run", "–", "–", "–", "–", "–"]
    assert found["3000 … to 7000 …"] == ["2", "4", "1", "0.4", "2", "0", "0.2"]
    assert found["8000 … to 12000 …"] == ["1", "2", "2", "0.2", "1", "0", "0.1"]
    assert list(found)[:-2] == [f"{block}000 …" for block in range(1, 13)]


def test_results_without_that_figure_predict_nothing():
    both = {"baseline": ["supported"], "seeds 1000 …": ["contradicted"]}
    assert rows([results_of(both, None)])["1000 …"] == ["1", "1", "1", "–", "0", "0", "0.0"]
    assert rows([results_of(both, 0.99), results_of(both, None)])["1000 …"][2:4] == ["2", "–"]


@pytest.mark.parametrize(
    "again, words", [(None, "–"), (1.0, "> 99"), (0.996, "> 99"), (0.95, "95"), (0.4, "40")]
)
def test_same_again_is_told_in_100(again, words):
    assert replicate.often(again) == words


def test_what_was_run_stands_only_where_the_numbers_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(replicate, "FOLDER", tmp_path)
    monkeypatch.setattr(replicate, "table", lambda results: "")
    paths = NOTEBOOKS[:2]
    results = {replicate.slug(path): {"baseline": {"trains": "before"}} for path in paths}

    def claims_of(path, environment):
        other = environment is not None and path == paths[1]
        effect = [0.1, 0.2 + 1e-6 * other]
        again = {} if environment is None else {"again": 1.0}  # judged by today's rule
        return [{"sentence": "A wins", "verdict": "supported", "effect": effect} | again]

    monkeypatch.setattr(replicate, "claims_of", claims_of)
    replicate.compare(paths, results, "abc")
    stands, falls = (results[replicate.slug(path)]["baseline"] for path in paths)
    assert stands == {"trains": replicate.trains_digest(), "same": "abc"}
    assert falls == {"trains": "before"}


def test_each_block_has_seeds_of_its_own():
    seeds = [replicate.FACTORS[block]["OPTLAB_SEED"] for block in replicate.BLOCKS]
    assert seeds == [str(block) for block in range(1, 13)]
