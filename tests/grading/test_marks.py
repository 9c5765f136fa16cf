"""Marks in process: wrong answers lose what they must, right ones nothing, luck decides nothing."""

import contextlib
import gc
import os
import re
from pathlib import Path

import answers
import pytest
from course import (
    ASSIGNMENTS,
    KeptRuns,
    Marker,
    code_cells,
    names,
    quick_first_weights,
    quick_train,
    quick_train_epoch,
    trained_once,
)

from optlab import ensemble

REPETITIONS = 20
# Where an answer of one's own trains with Keras, fit by fit, one seed decides as well as three.
# (Not with other numbers: a single run with batch size 16 may fall to .78.)
ONE_SEED = {"SEEDS": [0]}
# What is wrong with these, the tests of `train` find, and nothing else does ("the seed is ignored"
# trains on to the end, to see that): the rest need not be trained with Keras.
TRUSTED = {
    "batch size looped over, not passed",
    "momentum never reaches the optimizer",
    "Keras keeps a tenth for itself",
}
TRAIN = ensemble.train


@pytest.fixture(scope="module", params=ASSIGNMENTS)
def assignment(request):
    return request.param


@pytest.fixture(scope="module", autouse=True)
def quick_runs():
    from tensorflow.python.eager import context  # after optlab, which imports it faster

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ensemble, "first_weights", quick_first_weights)
        patch.setattr(ensemble, "train", KeptRuns(TRAIN))
        # With a new seed TensorFlow forgets its operations, since some remember a seed; to find
        # them again takes longer than to draw weights. No answer uses such operations: see below.
        patch.setattr(context.pywrap_tfe, "TFE_ContextClearCaches", lambda _: None)
        yield


@pytest.fixture(scope="module")
def marker(assignment, tmp_path_factory):
    """The reference solution, run once, in an empty folder: assignment 7 writes files."""
    # once `train` has passed its own tests, one in numpy takes its place
    quick = {
        "d1": {"test_train_fresh": quick_train},
        "e5": {"experiment": trained_once()},
        "e7": {"setup": quick_train_epoch},
    }
    with contextlib.chdir(tmp_path_factory.mktemp("work")):
        marker = Marker(assignment, quick.get(assignment[:2]))
        gc.freeze()  # as optlab does: what stays is not looked through after every sweep
        yield marker


def lost(errors):
    return {name: f"{type(e).__name__}: {e}" for name, e in errors.items() if e is not None}


def few_seeds(name, changes):
    if os.environ.get("VARIANT"):
        return {}
    if name == "the other engine":  # all cells again with this seed
        return {"first": ONE_SEED}
    return {"again": ONE_SEED} if "train" in changes else {}


def test_no_answer_draws_as_tensorflow_remembers(assignment):
    """With operations that remember a seed, `quick_runs` would change the marks."""
    text = Path(answers.__file__).read_text("utf-8")
    text += "\n".join(cell.source for cell in code_cells(assignment))
    assert not re.search(r"tensorflow|\btf\.|clear_session", text)


def test_the_reference_earns_all(marker):
    assert lost(marker.errors()) == {}


def test_wrong_answers_lose_what_they_must(assignment, marker):
    assert len(answers.WRONG[assignment]) >= 6
    found = {}
    for name, (changes, expected) in answers.WRONG[assignment].items():
        trusted = name in TRUSTED
        came = set(lost(marker.errors(changes, **few_seeds(name, changes), trusted=trusted)))
        if came != expected:
            found[name] = {"too harsh": came - expected, "too mild": expected - came}
    assert found == {}


def test_right_answers_in_another_style_earn_all(assignment, marker):
    assert len(answers.RIGHT[assignment]) >= 2
    found = {
        name: lost(marker.errors(changes, **few_seeds(name, changes)))
        for name, changes in answers.RIGHT[assignment].items()
    }
    assert {name: errors for name, errors in found.items() if errors} == {}


def test_an_unfinished_cell_earns_nothing(marker):
    """Every test fails without the cells that it is about: none passes by itself."""
    stub = "# YOUR CODE HERE\nraise NotImplementedError()"
    tests = {cell.name for cell in marker.cells if cell.points is not None}
    open_ = {c.name: stub for c in marker.cells if "### BEGIN SOLUTION" in c.source}
    assert set(lost(marker.errors(open_))) == tests


def test_marks_do_not_depend_on_luck(marker, monkeypatch):
    """The same submission, from twenty other sets of seeds, gets the same mark.

    The runs of all sets are trained together, by the first cell that asks for one.
    """
    number, found = len(marker.namespace["SEEDS"]), {}
    sets = [[1000 * k + i for i in range(number)] for k in range(1, REPETITIONS + 1)]
    together = KeptRuns(TRAIN, schedules=True, pool=sets)
    monkeypatch.setattr(ensemble, "train", together)
    for repetition, seeds in enumerate(sets, start=1):
        errors = lost(marker.errors(first={"SEEDS": seeds}))
        if errors:
            found[repetition] = errors
    assert found == {}
    assert any("SEEDS" in names(cell.source)[1] for cell in marker.cells)
