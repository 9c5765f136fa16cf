import configparser
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import optlab as ol
from optlab.claims import judge
from optlab.intervals import same_again

SANITIZE = Path(__file__).with_name("nbval_sanitize.cfg")
NEAR_ONE = [0.98, 0.99, 1.0, 1.01, 1.02]  # the interval of their mean is 0.980 to 1.020
NAN, INF = float("nan"), float("inf")


def verdict(effect, **side):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return ol.claim("It is so", effect, **side).verdict


# ---- verdicts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ({"at_least": 0.9}, "supported"),
        ({"at_least": 1.0}, "undecided"),
        ({"at_least": 1.1}, "contradicted"),
        ({"at_most": 1.1}, "supported"),
        ({"at_most": 1.0}, "undecided"),
        ({"at_most": 0.9}, "contradicted"),
        ({"between": (0.9, 1.1)}, "supported"),
        ({"between": [-1, 2]}, "supported"),
        ({"between": (1.0, 1.1)}, "undecided"),
        ({"between": (0.9, 1.0)}, "undecided"),
        ({"between": (0.999, 1.001)}, "undecided"),  # narrower than the interval
        ({"between": (1.1, 1.2)}, "contradicted"),
        ({"between": (0.8, 0.9)}, "contradicted"),
        ({"at_least": 0}, "supported"),
        ({"at_most": 0}, "contradicted"),
    ],
    ids=str,
)
@pytest.mark.parametrize("unit", [None, "points", "percent", "times", "epochs"])
def test_verdicts(side, expected, unit):
    if unit == "times" and min(np.ravel(list(side.values()))) <= 0:
        return  # no side of a ratio
    assert verdict(NEAR_ONE, **side, unit=unit) == expected
    assert verdict(np.array(NEAR_ONE, "float32"), **side, unit=unit) == expected
    assert verdict(pd.Series(NEAR_ONE, index=list("abcde")), **side, unit=unit) == expected


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("unit", ["epochs", "points", "times"])
def test_the_verdict_rests_on_the_interval_of_student(unit, wide):
    to_axis = np.log if unit == "times" else np.asarray
    confidence = 1 - 0.05 / 3 if wide else 0.95
    ends = stats.ttest_1samp(to_axis(NEAR_ONE), 0).confidence_interval(confidence)
    low, high = np.exp(ends) if unit == "times" else ends
    found = ol.claim("a", NEAR_ONE, at_least=0.5, unit=unit, main=wide)
    np.testing.assert_allclose(found.interval, (low, high), rtol=1e-9)
    for end, side in ((low, "at_least"), (high, "at_most")):
        out = 1e-5 if side == "at_most" else -1e-5
        assert verdict(NEAR_ONE, **{side: end + out}, unit=unit, main=wide) == "supported"
        assert verdict(NEAR_ONE, **{side: end - out}, unit=unit, main=wide) == "undecided"


def test_main_claims_are_judged_more_strictly():
    low = ol.claim("a", NEAR_ONE, at_least=0.5).interval[0] - 1e-4
    assert verdict(NEAR_ONE, at_least=low) == "supported"
    assert verdict(NEAR_ONE, at_least=low, main=True) == "undecided"
    assert "(95 % interval" in ol.claim("a", NEAR_ONE, at_least=0).evidence
    assert "(98.3 % interval" in ol.claim("a", NEAR_ONE, at_least=0, main=True).evidence


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        ([1.0, 1.1, 0.9, 1.0], "undecided"),  # fewer than five
        ([1.0, 1.1, 0.9, 1.0, 1.1], "supported"),
        ([1.0], "undecided"),
        ([NAN], "undecided"),
        (NEAR_ONE * 4 + [NAN], "undecided"),
        (NEAR_ONE * 4 + [None], "undecided"),
        (NEAR_ONE * 4 + [INF], "undecided"),
        ([-INF] * 20, "undecided"),
        ([1.0, 1.1, 0.9, 1.0] + [NAN] * 16, "undecided"),
        ([True] * 20 + [None], "undecided"),
        ([True] * 4, "undecided"),
        (np.isnan([NAN] * 20), "supported"),  # a claim about just that
        (pd.Series([1, 2, 3, 1, 2, 3], dtype="Int64"), "supported"),
        (pd.Series([1, 2, 3, None, 2, 3], dtype="Int64"), "undecided"),
        (pd.Series([True] * 9 + [None], dtype="boolean"), "undecided"),
    ],
    ids=lambda value: " ".join(repr(value).split()),
)
def test_missing_and_few_values(effect, expected):
    assert verdict(effect, at_least=0.5) == expected


@pytest.mark.parametrize("unit", ["epochs", "points", "percent", "times"])
@pytest.mark.parametrize(
    "effect",
    [
        [0.3] * 20,
        [0.3, 0.1 + 0.2, 0.3, 0.3, 0.3],
        [0.9 - 0.6, 0.4 - 0.1, 0.5 - 0.2, 0.3, 0.6 - 0.3],
    ],
    ids=["equal", "sums", "differences"],
)
@pytest.mark.parametrize(
    "side", [{"at_least": 0.1}, {"at_most": 0.1}, {"between": (0.2, 0.4)}], ids=str
)
def test_equal_values_are_no_proof(effect, side, unit):
    assert verdict(effect, **side, unit=unit) == "undecided"
    found = ol.claim("a", effect, **side, unit=unit)
    assert "no interval, as all values are equal" in found.evidence and np.isnan(found.again)


def test_differences_of_single_precision_that_are_equal_are_seen_to_be():
    accuracies = np.float32([0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97]).astype(float)
    effect = np.diff(accuracies)  # one point each
    assert np.ptp(effect) > 1e-8
    for unit in ("points", "percent"):
        assert verdict(effect, at_least=0.005, unit=unit) == "undecided"
    none = [0.3 - 0.3, 0.1 + 0.2 - 0.3, 0.0, 0.0, 0.3 - 0.2 - 0.1]
    assert verdict(none, between=(-0.01, 0.01)) == "undecided"


# ---- ratios and shares -----------------------------------------------------------------------


def test_a_ratio_is_judged_by_its_geometric_mean():
    effect = [0.25, 0.5, 2.0, 4.0, 1.0, 8.0, 0.125]  # of 1, where the mean is 2.3
    found = ol.claim("a", effect, between=(0.1, 10), unit="times")
    assert found.evidence.startswith("1.0 times (")
    low, high = found.interval
    assert low * high == pytest.approx(1)
    for side in ({"at_least": 1.3}, {"at_most": 1 / 1.3}):
        swapped = {"at_most" if "at_least" in side else "at_least": 1 / next(iter(side.values()))}
        assert verdict(NEAR_ONE, **side, unit="times") == verdict(
            1 / np.array(NEAR_ONE), **swapped, unit="times"
        )


@pytest.mark.parametrize("zeros", [1, 3, 6])
def test_a_ratio_of_zero_has_no_logarithm(zeros):
    effect = [0.0] * zeros + [0.1, 0.2, 0.15, 0.1, 0.12, 0.2][zeros:]
    assert verdict(effect, at_most=0.5, unit="times") == "undecided"
    found = ol.claim("a", effect, at_most=0.5, unit="times")
    said = "none of 6 seeds has" if zeros == 6 else f"Without a value: {zeros}."
    assert said in found.evidence and np.isnan(found.interval).all()


@pytest.mark.parametrize(
    ("hits", "n", "side", "expected"),
    [
        (20, 20, {"at_least": 0.83}, "supported"),
        (20, 20, {"at_least": 0.84}, "undecided"),
        (20, 20, {"at_least": 1}, "undecided"),  # never proved
        (19, 20, {"at_least": 1}, "contradicted"),
        (0, 20, {"at_most": 0.17}, "supported"),
        (0, 20, {"at_most": 0.16}, "undecided"),
        (0, 20, {"at_least": 0.5}, "contradicted"),
        (6, 7, {"at_least": 0.5}, "undecided"),
        (5, 5, {"at_least": 0.47}, "supported"),
        (5, 5, {"at_least": 0.5}, "undecided"),
        (10, 20, {"between": (0.25, 0.75)}, "supported"),
        (10, 20, {"between": (0.3, 0.7)}, "undecided"),
    ],
)
def test_shares(hits, n, side, expected):
    effect = np.arange(n) < hits
    for values in (effect, effect.astype(int), effect.astype(float), pd.Series(effect)):
        assert verdict(values, **side) == expected
        assert verdict(values, **side, unit="runs") == expected
    found = ol.claim("a", effect, **side)
    theirs = stats.binomtest(hits, n).proportion_ci(0.95, "exact")
    np.testing.assert_allclose(found.interval, theirs, atol=1e-9)
    assert found.kind == "share" and found.unit == "runs"


@pytest.mark.parametrize("side", [{"at_least": 0}, {"at_least": -0.01}, {"between": (-1, 1)}])
def test_differences_that_are_all_zero_are_no_share(side):
    found = ol.claim("a", [0.0] * 20, **side)
    assert found.kind == "mean" and found.verdict == "undecided"


def test_zeros_and_ones_of_another_unit_are_no_share():
    assert ol.claim("a", [0, 1, 1, 0, 1], at_most=3).kind == "mean"
    assert ol.claim("a", [0, 1, 1, 0, 1], at_most=0.5, unit="epochs").kind == "mean"
    assert ol.claim("a", [0, 1, 1, 0, 1], at_most=0.5, unit="points").kind == "mean"


# ---- as often right as it says ---------------------------------------------------------------


@pytest.mark.parametrize(("main", "wrong"), [(False, 0.05), (True, 0.05 / 3)])
@pytest.mark.parametrize("coarse", [False, True])
def test_an_effect_at_the_margin_is_decided_as_rarely_as_promised(main, wrong, coarse):
    draws = np.random.default_rng(11).normal(3, 2, size=(4000, 8))
    draws = np.round(draws) if coarse else draws
    decided = np.mean([judge(draw, 3, INF, "mean", main) != "undecided" for draw in draws])
    assert abs(decided - wrong) < 4 * np.sqrt(wrong / 4000)


def test_a_claim_and_its_judge_agree():
    rng = np.random.default_rng(3)
    for unit, kind in ((None, "mean"), ("times", "ratio"), ("runs", "share")):
        for _ in range(20):
            draw = rng.lognormal(0, 0.3, size=6) if unit != "runs" else rng.integers(0, 2, 6)
            found = ol.claim("a", draw, at_least=0.6, unit=unit, main=True)
            assert found.verdict == judge(draw, 0.6, INF, kind, True)


def test_the_same_again_is_the_one_of_its_interval():
    for settings, confidence, kind in (
        ({"unit": "epochs"}, 0.95, "mean"),
        ({"unit": "epochs", "main": True}, 1 - 0.05 / 3, "mean"),
        ({"unit": "times"}, 0.95, "ratio"),
    ):
        found = ol.claim("a", NEAR_ONE, at_least=0.985, **settings)
        assert found.again == same_again(NEAR_ONE, 0.985, INF, confidence, kind)
        assert f"new seeds: {100 * found.again:.0f} times in 100" in found.evidence
    assert "more than 99 times in 100" in ol.claim("a", NEAR_ONE, at_least=0).evidence
    for nothing in ([1.0] * 9, [1.0, 2.0, 3.0, 4.0], NEAR_ONE + [NAN]):
        found = ol.claim("a", nothing, at_least=0)
        assert np.isnan(found.again) and "times in 100" not in found.evidence


def test_the_same_numbers_get_the_same_evidence():
    draw = np.random.default_rng(1).normal(size=20)
    assert repr(ol.claim("a", draw, at_least=0)) == repr(ol.claim("a", draw, at_least=0))


# ---- what is shown ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "settings", "words"),
    [
        (
            [0.02, 0.03, 0.02, 0.03, 0.02],
            {"at_least": 0.01, "unit": "points", "over": "fresh draws", "per": "draw"},
            "2.4 points (95 % interval 1.7 to 3.1, 5 draws); claimed: at least 1. On that side: "
            "5 of 5, the weakest 2.0. The same verdict from 5 new draws: N times in 100. Over "
            "fresh draws.",
        ),
        (
            [0.92, 0.93, 0.92, 0.93, 0.92],
            {"between": (0.9, 0.95), "unit": "percent", "main": True},
            "92.4 % (98.3 % interval 91.4 % to 93.4 %, 5 seeds); claimed: 90 % to 95 %. On that "
            "side: 5 of 5, the weakest 93.0 %. The same verdict from 5 new seeds: N times in 100. "
            "Over new seeds on this data.",
        ),
        (
            [True, True, True, False, True, True, True],
            {"at_most": 0.5, "per": "start"},
            "6 of 7 starts, 86 % (95 % interval 42 % to 100 %); claimed: at most 50 %. The same "
            "verdict from 7 new starts: N times in 100. Over new seeds on this data.",
        ),
        (
            [3, 4, 5, 4, 40],
            {"at_most": 30, "unit": "epochs"},
            "11 epochs (95 % interval -9 to 31, 5 seeds); claimed: at most 30. On that side: 4 of "
            "5, the weakest 40. The same verdict",
        ),
        (
            [1.5, 2.0, 3.0, 2.0, 2.5],
            {"at_least": 1, "unit": "times"},
            "2.1 times (95 % interval 1.5 to 3.0, 5 seeds); claimed: at least 1. On that side: 5 "
            "of 5, the weakest 1.5.",
        ),
        (
            [2.0, NAN, 3.0, INF, 4.0],
            {"at_least": 1},
            "3 (no interval, as not every seed has a value, 3 seeds); claimed: at least 1. On "
            "that side: 3 of 5, the weakest 2. Without a value: 2. Over new seeds on this data.",
        ),
        (
            [2.0],
            {"at_least": 1},
            "2 (no interval of one value, 1 seed); claimed: at least 1. On that side: 1 of 1, the "
            "weakest 2. Fewer than 5 decide nothing. Over new seeds on this data.",
        ),
        (
            [0.1 + 0.2, 0.3, 0.3, 0.3, 0.3],
            {"at_least": 0.2},
            "0.3 (no interval, as all values are equal up to rounding, 5 seeds); claimed",
        ),
        ([NAN] * 3, {"at_least": 0}, "none of 3 seeds has a value. Over new seeds on this data."),
    ],
    ids=str,
)
def test_the_evidence_reads_in_the_unit_of_its_sentence(effect, settings, words):
    evidence = ol.claim("a", effect, **settings).evidence
    assert re.sub(r"\d+ times in", "N times in", evidence).startswith(words)
    assert repr(ol.claim("a", effect, **settings)).endswith(f"\nEvidence: {evidence}")


def test_what_is_counted_stands_in_the_plural():
    found = ol.claim("a", NEAR_ONE, at_least=0, per="group of 20").evidence
    n = len(NEAR_ONE)
    assert f" {n} groups of 20)" in found and f"from {n} new groups of 20: " in found


@pytest.mark.parametrize(
    ("effect", "settings", "words"),
    [
        (np.array([1, 2, 3, 4, 5]) * 1e300, {}, "3e+300 (95 % interval 1.037e+300 to 4.963e+300"),
        (np.array([1, 2, 3, 4, 5]) * 1e-9, {}, "3e-09 (95 % interval 1.037e-09 to 4.963e-09"),
        (np.array([1, 2, 3, 4, 5]) * 1e5, {}, "300000 (95 % interval 103676 to 496324"),
        (
            np.array([4, 9, 90, 3, 7]) / 1e3,
            {"unit": "times"},
            "0.009 times (95 % interval 0.002 to",
        ),
        ([-3, -2, 2, 2.5, 0], {}, "0 (95 % interval -3 to 3"),  # not -0
        ([1] * 999 + [0], {"at_least": 0.9}, "999 of 1000 seeds, 99.9 % (95 % interval 99.4 %"),
    ],
    ids=str,
)
def test_numbers_have_as_many_digits_as_can_be_read(effect, settings, words):
    assert ol.claim("a", effect, **({"at_least": 1e-3} | settings)).evidence.startswith(words)


@pytest.mark.parametrize("shift", [-1e-2, -1e-3, -1e-4, 1e-4, 1e-3, 1e-2])
def test_the_evidence_shows_on_which_side_the_interval_ends(shift):
    effect = np.array([1.0, 2.0, 3.0, 2.0, 2.0])
    low = ol.claim("a", effect, at_least=0).interval[0]
    found = ol.claim("a", effect - low + 1 + shift, at_least=1)
    shown = float(re.search(r"interval (\S+) to", found.evidence)[1])
    assert (shown > 1) == (shift > 0) and (shown < 1) == (shift < 0)
    assert found.verdict == ("supported" if shift > 0 else "undecided")


@pytest.mark.parametrize(
    ("effect", "side", "weakest"),
    [
        ([0.01, 0.02, 0.03, 0.04, 0.06], {"at_most": 0.05}, 0.06),
        ([0.01, 0.02, 0.03, 0.04, 0.06], {"at_least": 0.05}, 0.01),
        ([0.01, 0.02, 0.03, 0.04, 0.06], {"between": (0.005, 0.07)}, 0.01),
        ([0.75, 1.7, 1, 1, 1], {"between": (0.5, 2), "unit": "times"}, 1.7),  # as a factor
    ],
    ids=str,
)
def test_the_weakest_value_speaks_least_for_the_claim(effect, side, weakest):
    shown = ol.claim("a", effect, **side).evidence
    assert float(re.search(r"weakest (\S+)\. ", shown)[1]) == weakest


def test_the_unit_does_not_change_the_verdict_of_a_mean():
    for side in ({"at_least": 0.015}, {"at_most": 0.015}, {"at_least": 0.032}):
        found = {verdict([0.01, 0.02, 0.03, 0.04, 0.06], **side, unit=unit)
                 for unit in (None, "points", "percent", "epochs")}  # fmt: skip
        assert len(found) == 1


def test_another_verdict_than_expected_is_loud_but_does_not_raise():
    surprise = ol.claim("Adam wins", NEAR_ONE, at_most=0)
    assert not surprise.as_expected
    checked = repr(surprise).split("\n")[0]
    assert "CONTRADICTED" in checked and "NOT AS EXPECTED" in checked
    assert "the text says supported" in checked and "Adam wins" in checked

    told = ol.claim("Adam wins", NEAR_ONE, at_most=0, expect="contradicted", label="98.1")
    assert told.as_expected
    assert repr(told).startswith("CONTRADICTED: Adam wins (claim 98.1)\nEvidence: ")


def test_a_claim_keeps_a_copy_of_its_effect():
    effect = np.array(NEAR_ONE)
    found = ol.claim("a", effect, at_least=0.5)
    effect[:] = 0
    assert found.effect.tolist() == NEAR_ONE


def sanitize(text):
    """Do what nbval does with the file."""
    rules = configparser.RawConfigParser()
    rules.read(SANITIZE)
    for name in rules.sections():
        text = re.sub(rules[name]["regex"], rules[name]["replace"], text)
    return text


def test_nbval_compares_the_verdict_and_not_the_evidence():
    rng = np.random.default_rng(0)
    one, other = (ol.claim("Adam wins", rng.normal(1, 0.1, 20), at_least=0.5) for _ in range(2))
    assert repr(one) != repr(other) and sanitize(repr(one)) == sanitize(repr(other))
    assert "interval" not in sanitize(repr(one)) and "Adam wins" in sanitize(repr(one))
    for changed in (
        ol.claim("Adam wins", rng.normal(0.5, 0.1, 20), at_least=0.5),
        ol.claim("Adam loses", rng.normal(1, 0.1, 20), at_least=0.5),
        ol.claim("Adam wins", rng.normal(1, 0.1, 20), at_least=0.5, expect="undecided"),
    ):
        assert sanitize(repr(one)) != sanitize(repr(changed))
    truth = repr(ol.fact("Two is two", True))
    assert sanitize(truth) == truth


# ---- facts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("holds", [True, np.True_, np.array([1, 1]).all()])
def test_a_fact(holds):
    fact = ol.fact("It is so", holds)
    assert repr(fact) == "TRUE: It is so" and fact.as_expected


@pytest.mark.parametrize("fails", [False, np.False_, 1 > 2])
def test_a_false_fact_is_loud(fails):
    fact = ol.fact("It is so", fails)
    assert repr(fact).startswith("FALSE (NOT AS EXPECTED") and not fact.as_expected


@pytest.mark.parametrize(
    "condition", [np.array([True, True]), np.array(True), [True], 1, "x", None]
)
def test_a_fact_takes_nothing_but_a_truth_value(condition):
    with pytest.raises(TypeError, match="condition is a .*: give True or False"):
        ol.fact("It is so", condition)


# ---- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "0 of at_least, at_most and between are given: give exactly one"),
        ({"at_least": 0, "at_most": 1}, "2 of at_least"),
        ({"at_least": NAN}, "side nan is no number"),
        ({"at_most": INF}, "side inf is no number"),
        ({"at_least": True}, "side True is no number"),
        ({"at_least": 10**400}, "side 1000.*0 is no number"),
        ({"at_least": "0.1"}, "side '0.1' is no number"),
        ({"at_least": [0.1, 0.2]}, "is no number"),
        ({"between": 5}, "between=5: give two numbers"),
        ({"between": (1,)}, "give two numbers"),
        ({"between": (1, 2, 3)}, "give two numbers"),
        ({"between": (0, NAN)}, "side nan is no number"),
        ({"between": (0, "b")}, "side 'b' is no number"),
        ({"between": (2, 1)}, r"between=\(2, 1\): give the smaller number first"),
        ({"at_least": 0, "expect": "yes"}, "expect='yes': give one of supported, contradicted"),
        ({"at_least": 0, "effect": 1.0}, r"shape \(\): give one number per seed"),
        ({"at_least": 0, "effect": []}, r"shape \(0,\)"),
        ({"at_least": 0, "effect": np.ones((2, 3))}, r"shape \(2, 3\)"),
        ({"at_least": 0, "effect": pd.DataFrame({"a": NEAR_ONE})}, r"shape \(5, 1\)"),
        ({"at_least": 0, "effect": ["a"]}, "one number per seed"),
        ({"at_least": 0, "effect": ["1"] * 5}, "one number per seed"),
        ({"at_least": 0, "effect": pd.Series(["1"] * 9)}, "one number per seed"),
        ({"at_least": 0, "effect": pd.Series(["1"] * 9, dtype=object)}, "one number per seed"),
        ({"at_least": 0, "effect": pd.to_datetime(["2020-01-01"] * 9)}, "one number per seed"),
        ({"at_least": 0, "effect": [1j] * 5}, "one number per seed"),
        ({"at_least": 0, "effect": [[1], [1, 2]]}, "one number per seed"),
        ({"at_least": 0, "effect": [10**400] * 5}, "one number per seed"),
        ({"at_least": 0, "effect": [True, 0.5, False]}, "2 truth values among 3: give numbers"),
        ({"at_least": 0, "effect": pd.Series([True, 2], dtype=object)}, "1 truth values among 2"),
        ({"at_least": 0.5, "unit": "runs"}, 'unit="runs" counts runs'),
        ({"at_least": 50, "unit": "runs", "effect": [1, 0]}, 'unit="runs" is a share'),
        ({"at_least": 0, "unit": "runs", "effect": [1, 0]}, 'unit="runs" is a share'),
        ({"at_most": 1, "unit": "runs", "effect": [1, 0]}, 'unit="runs" is a share'),
        ({"at_least": 1, "unit": "times", "effect": [1, -2.5]}, "a ratio, and -2.5 is below 0"),
        ({"at_least": 0, "unit": "times"}, "a ratio: claim a side above 0"),
        ({"at_most": -1, "unit": "times"}, "a ratio: claim a side above 0"),
        ({"between": (0, 2), "unit": "times"}, "a ratio: claim a side above 0"),
        ({"at_least": 0, "unit": ""}, "unit='': give words, such as 'epochs'"),
        ({"at_least": 0, "unit": 3}, "unit=3: give words"),
        ({"at_least": 0, "per": None}, "per=None: give words, such as 'seed'"),
        ({"at_least": 0, "over": " "}, "over=' ': give words"),
        ({"at_least": 0, "sentence": None}, "sentence=None: give words, such as 'Adam wins'"),
        ({"at_least": 0, "main": 1}, "main=1: give True or False"),
        ({"at_least": 0, "label": "5"}, "label='5': give lesson and number"),
        ({"at_least": 0, "label": 5.3}, "label=5.3: give lesson and number"),
        ({"at_least": 0, "label": "claim 5.3"}, "give lesson and number"),
    ],
    ids=lambda value: " ".join(repr(value).split())[:60],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message) as refused:
        ol.claim(**{"sentence": "a", "effect": NEAR_ONE, **arguments})
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 250


def test_a_fact_has_a_label_and_no_interval():
    fact = ol.fact("Two is two", True, label="98.2")
    assert repr(fact) == "TRUE: Two is two (claim 98.2)" and np.isnan(fact.interval).all()
    with pytest.raises(ValueError, match="give lesson and number"):
        ol.fact("Two is two", True, label="two")


def test_a_ratio_that_rounding_put_beside_its_side_lies_on_it():
    assert 0.3 / 0.1 < 3
    shown = repr(ol.claim("a", [0.3 / 0.1, 3.5, 4.0, 5.0, 6.0], at_least=3, unit="times"))
    assert "On that side: 5 of 5" in shown
