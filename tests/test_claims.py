import configparser
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import optlab as ol

SANITIZE = Path(__file__).with_name("nbval_sanitize.cfg")
NEAR_ONE = [0.98, 0.99, 1.0, 1.01, 1.02]  # the interval of their mean lies in 0.98 to 1.02
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
def test_verdicts(side, expected):
    assert verdict(NEAR_ONE, **side) == expected
    assert verdict(np.array(NEAR_ONE, "float32"), **side) == expected


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        ([1.0] * 4, "undecided"),  # fewer than five
        ([1.0], "undecided"),
        ([NAN], "undecided"),
        ([1.0] * 5, "supported"),
        ([1.0] * 19 + [NAN], "undecided"),
        ([1.0] * 19 + [INF], "undecided"),
        ([-INF] * 20, "undecided"),
        ([1.0] * 4 + [NAN] * 16, "undecided"),
        (np.isnan([NAN] * 20), "supported"),  # a claim about just that
    ],
    ids=str,
)
def test_missing_and_few_values(effect, expected):
    assert verdict(effect, at_least=0.5) == expected


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ({"at_least": 0.5}, "supported"),  # a side holds its own end
        ({"at_most": 0.5}, "supported"),
        ({"between": (0.5, 0.5)}, "supported"),
        ({"at_least": 0.6}, "contradicted"),
        ({"at_most": 0.4}, "contradicted"),
    ],
    ids=str,
)
def test_equal_values_are_that_value(side, expected):
    assert verdict([0.5] * 20, **side) == expected


def test_the_interval_covers_the_true_mean_as_often_as_it_says():
    # narrow sides around a truth are contradicted exactly when the interval misses it
    draws = np.random.default_rng(11).normal(loc=3.0, scale=2.0, size=(300, 20))
    missed = [
        ol.claim("The mean is 3", draw, between=(3 - 1e-9, 3 + 1e-9)).verdict == "contradicted"
        for draw in draws
    ]
    assert 0.90 <= 1 - np.mean(missed) <= 0.97


def test_the_same_numbers_get_the_same_evidence():
    draw = np.random.default_rng(1).normal(size=20)
    assert repr(ol.claim("a", draw, at_least=0)) == repr(ol.claim("a", draw, at_least=0))


# ---- what is shown ---------------------------------------------------------------------------


def test_the_checked_line_and_the_evidence_line():
    effect = [0.01, 0.02, 0.03, 0.04, 0.06]
    shown = repr(ol.claim("Adam wins", effect, at_least=0.015, over="fresh draws"))
    checked, evidence = shown.split("\n")
    assert checked == "SUPPORTED: Adam wins"
    assert evidence.startswith("Evidence: ")
    for part in ("mean 0.032", "claimed at least 0.015", "4 of 5 seeds", "weakest 0.01",
                 "over fresh draws"):  # fmt: skip
        assert part in evidence
    low, high = map(float, re.search(r"interval (\S+) to (\S+),", evidence).groups())
    assert 0.015 < low < 0.032 < high < 0.06


@pytest.mark.parametrize(
    ("side", "weakest"), [({"at_most": 0.05}, 0.06), ({"between": (0.005, 0.07)}, 0.01)], ids=str
)
def test_the_weakest_value_speaks_least_for_the_claim(side, weakest):
    shown = repr(ol.claim("a", [0.01, 0.02, 0.03, 0.04, 0.06], **side))
    assert f"weakest {weakest}" in shown


def test_missing_values_are_counted_and_shown():
    assert "2 without a value" in repr(ol.claim("a", [1.0] * 18 + [NAN, INF], at_least=0))
    assert "none of 3 seeds has a value" in repr(ol.claim("a", [NAN] * 3, at_least=0))


def test_another_verdict_than_expected_is_loud_but_does_not_raise():
    surprise = ol.claim("Adam wins", NEAR_ONE, at_most=0)
    assert not surprise.as_expected
    checked = repr(surprise).split("\n")[0]
    assert "CONTRADICTED" in checked and "NOT AS EXPECTED" in checked
    assert "the text says supported" in checked and "Adam wins" in checked

    told = ol.claim("Adam wins", NEAR_ONE, at_most=0, expect="contradicted")
    assert told.as_expected and repr(told).startswith("CONTRADICTED: Adam wins\n")


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
    assert "mean" not in sanitize(repr(one)) and "Adam wins" in sanitize(repr(one))
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
        ({"at_least": 0, "effect": ["a"]}, "one number per seed"),
        ({"at_least": 0, "effect": [[1], [1, 2]]}, "one number per seed"),
    ],
    ids=str,
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message) as refused:
        ol.claim("a", **{"effect": NEAR_ONE, **arguments})
    assert "\n" not in str(refused.value)
