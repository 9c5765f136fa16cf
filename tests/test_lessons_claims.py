"""The claims that lessons store: each could have come out otherwise, and none stands alone."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import optlab as ol
from optlab.claims import judge
from optlab.evidence import kind_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from falsify import falsify  # noqa: E402
from lessons import NOTEBOOKS, read, slug, source, stated_seconds, stored_claims  # noqa: E402

NAMES = [slug(path) for path in NOTEBOOKS]
CLAIM = re.compile(r"\bol\.(claim|fact)\(")


# ---- each could have come out otherwise ------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_every_verdict_changes_when_its_effect_is_turned_round(path):
    survivors, _ = falsify(stored_claims(read(path)))
    assert survivors == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_every_claim_that_is_shown_is_stored(path):
    notebook = read(path)
    shown = [c for c in notebook["cells"] if c["cell_type"] == "code" and CLAIM.search(source(c))]
    assert len(stored_claims(notebook)) == len(shown)


def stored(effect, **sides):
    return ol.claim("a sentence", effect, **sides)._repr_mimebundle_()[1]["optlab"]


@pytest.mark.parametrize(
    ("effect", "sides"),
    [
        ([0.2, 0.25, 0.3, 0.2, 0.25], {"at_least": -0.05}),
        ([0.01, 0.02, 0.01, 0.02, 0.01], {"at_least": -0.005}),
        ([-0.3, -0.2, -0.3, -0.2, -0.3], {"at_most": 0.05}),
        ([8.0, 9.0, 8.5, 9.0, 8.0], {"at_least": 0.9, "unit": "times"}),
    ],
)
def test_a_claim_that_could_hardly_fail_survives_and_is_named(effect, sides):
    survivors, tried = falsify([stored(effect, **sides)])
    assert tried == 1 and survivors[0][0] == "a sentence"


@pytest.mark.parametrize(
    ("effect", "sides"),
    [
        ([0.2, 0.25, 0.3, 0.2, 0.25], {"at_least": 0.05}),
        ([0.01, 0.02, 0.01, 0.02, 0.01], {"at_least": 0.05}),  # contradicted
        ([-0.2, -0.25, -0.3, -0.2, -0.25], {"at_least": 0.05}),
        ([0.002, -0.003, 0.004, 0.001, 0.0], {"between": (-0.01, 0.01)}),
        ([0.2, 0.21, 0.2, 0.22, 0.2], {"between": (-0.01, 0.01)}),
        ([1.0] * 11 + [0.0], {"at_least": 0.5}),
        ([1.0] * 11 + [0.0], {"at_most": 0.5}),  # contradicted
        ([1.0] * 18 + [0.0] * 2, {"between": (0.6, 1)}),
        ([1.0] * 20 + [0.0] * 20, {"between": (0.3, 0.7)}),
        ([1.0] * 20, {"between": (0.3, 0.7)}),
        ([2.5, 3.0, 3.5, 3.0, 2.5], {"at_least": 2, "unit": "times"}),
        ([2.5, 3.0, 3.5, 3.0, 2.5], {"at_most": 2, "unit": "times"}),
        ([0.3, 0.25, 0.3, 0.4, 0.3], {"at_most": 0.5, "unit": "times"}),
        ([1.0, 1.01, 0.99, 1.02, 1.0], {"between": (0.8, 1.25), "unit": "times"}),
        ([3.0, 3.1, 2.9, 3.0, 3.1], {"between": (0.8, 1.25), "unit": "times"}),
        ([1.0, 1.01, 0.99, 1.02, 1.0], {"at_least": 0.9, "unit": "times", "main": True}),
        ([0.03, 0.04, 0.03, 0.05, 0.03], {"at_most": 0.1}),
        ([3.0, 4.0, 3.0, 5.0, 3.0], {"at_least": 2.0}),
    ],
)
def test_a_claim_that_says_something_does_not_survive(effect, sides):
    survivors, tried = falsify([stored(effect, **sides)])
    assert tried and survivors == []


def test_a_claim_is_stored_with_what_it_takes_to_judge_it_again():
    effect = [0.02, np.nan, 0.03, 0.02, 0.04]
    claim = ol.claim("It gains", effect, at_least=0.01, unit="points", main=True, label="97.1")
    shown, metadata = claim._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/html"} and shown["text/plain"] == repr(claim)
    assert metadata["optlab"] == {
        "sentence": "It gains", "verdict": "undecided", "expected": "supported", "label": "97.1",
        "over": "new seeds on this data", "unit": "points", "per": "seed", "main": True,
        "low": 0.01, "high": None, "again": None, "effect": [0.02, None, 0.03, 0.02, 0.04],
    }  # fmt: skip
    assert ol.fact("One is one", True)._repr_mimebundle_()[1]["optlab"] == {
        "sentence": "One is one", "verdict": "true", "expected": "true"
    }  # fmt: skip


@pytest.mark.parametrize("main", [False, True])
@pytest.mark.parametrize("unit", [None, "points", "times", "runs"])
def test_what_is_stored_can_be_judged_again(unit, main):
    rng = np.random.default_rng(4)
    for margin in np.linspace(0.2, 0.9, 8):
        effect = rng.normal(0.7, 0.2, 9).clip(0.01) if unit != "runs" else rng.integers(0, 2, 9)
        sides = {"at_least": margin, "unit": unit, "main": main}
        kept = json.loads(json.dumps(stored(effect, **sides), allow_nan=False))
        values, low = np.array(kept["effect"]), kept["low"]
        again = judge(values, low, np.inf, kind_of(kept["unit"]), kept["main"])
        assert again == kept["verdict"] == ol.claim("a", effect, **sides).verdict
        assert 0 < kept["again"] <= 1


# ---- none stands alone -----------------------------------------------------------------------


def sections(notebook):
    """Yield each "What we saw": a list of texts and code cells, up to the next heading."""
    parts, inside = [], False
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            parts.append(cell)
            continue
        for text in re.split(r"^(?=#+ )", source(cell), flags=re.M):
            heading = re.match(r"#+ (.+)\n?", text)
            if heading:
                if inside:
                    yield parts
                inside, parts = heading.group(1).strip() == "What we saw", []
            if text := text[heading.end() if heading else 0 :].strip():
                parts.append(text)
    if inside:
        yield parts


def named(text):
    """Return the labels that a text refers to, as in "(claims 5.3 and 5.4)"."""
    return [n for part in re.findall(r"\(claims?\s+([^)]+)\)", text)
            for n in re.findall(r"[\d.]*\d", part)]  # fmt: skip


def unbound(parts):
    """Return what is wrong with one "What we saw": text without a claim, a claim without text."""
    found, claims, open_text, before = [], 0, "", None
    for part in parts:
        if isinstance(part, str):
            if isinstance(before, str):
                found.append(f"no claim follows: {before[:60]!r}")
            open_text = part
        elif CLAIM.search(source(part)):
            if not claims and not open_text:
                found.append("begins without a sentence")
            claims, open_text = claims + 1, ""
        before = part
    if open_text and not named(open_text):  # the last words rest on claims that they name
        found.append(f"no claim follows and none is named: {open_text[:60]!r}")
    return found + ([] if claims else ["has no claim"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_what_we_saw_is_bound_to_claims(path):
    parts = list(sections(read(path)))
    assert parts
    assert [problem for cells in parts for problem in unbound(cells)] == []


def labels(number):
    """Return the labels of the claims of one lesson and of what goes deeper beside it."""
    own = [path for path in NOTEBOOKS if path.name[:2] == number]
    return [claim["label"] for path in own for claim in stored_claims(read(path))]


@pytest.mark.parametrize("number", sorted({path.name[:2] for path in NOTEBOOKS}))
def test_every_claim_has_a_label_of_its_own(number):
    assert len(set(labels(number))) == len(labels(number))
    assert {label.split(".")[0] for label in labels(number)} <= {str(int(number))}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_texts_name_claims_that_there_are(path):
    texts = [source(c) for c in read(path)["cells"] if c["cell_type"] == "markdown"]
    found = {label for text in texts for label in named(text)}
    numbers = {f"{int(label.split('.')[0]):02}" for label in found}
    assert found <= {label for number in numbers for label in labels(number)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_at_most_three_claims_are_main(path):
    assert sum(claim.get("main", False) for claim in stored_claims(read(path))) <= 3


SHOWN = {"cell_type": "code", "source": "ol.claim('It falls', effect, at_most=0)"}
OTHER = {"cell_type": "code", "source": "effect = runs.jitter()"}


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        (["It falls."], "none is named"),
        (["It falls.", SHOWN, "It rises."], "none is named"),
        (["It falls.", "It rises.", SHOWN], "no claim follows"),
        ([SHOWN], "without a sentence"),
        (["It falls.", OTHER], "has no claim"),
    ],
)
def test_loose_text_and_loose_claims_are_seen(parts, word):
    assert word in " ".join(unbound(parts))


def test_labels_are_read_from_a_text():
    assert named("a (claim 5.3), b\n(claims 5.12 and\n5.4) and (claims 0.1 to 0.2)") == [
        "5.3", "5.12", "5.4", "0.1", "0.2",
    ]  # fmt: skip


def test_bound_text_is_left_in_peace():
    cells = [
        {"cell_type": "markdown", "source": "### What we saw\n\nIt falls."},
        OTHER,
        SHOWN,
        {"cell_type": "markdown", "source": "So it does (claim 5.1).\n\n## Next\n\nOther things."},
    ]
    (parts,) = sections({"cells": cells})
    assert parts == ["It falls.", OTHER, SHOWN, "So it does (claim 5.1)."]
    assert unbound(parts) == []


# ---- the times that the lessons state --------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_lesson_states_its_seconds(path):
    assert 5 <= stated_seconds(read(path)) <= 120  # 90, once those on MNIST are shorter
