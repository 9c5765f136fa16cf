import warnings

import numpy as np
import pytest
from scipy import stats

from optlab.intervals import interval, same_again, verdicts

INF, NAN = float("inf"), float("nan")
SIZES = (5, 8, 20)
DISTRIBUTIONS = {  # of mean zero and deviation one
    "normal": lambda rng, shape: rng.normal(size=shape),
    "coarse": lambda rng, shape: np.round(2 * rng.normal(size=shape)) / 2 / np.sqrt(1 + 1 / 12 / 4),
    "uniform": lambda rng, shape: rng.uniform(-(3**0.5), 3**0.5, size=shape),
    "skewed": lambda rng, shape: (rng.gamma(4, size=shape) - 4) / 2,
}


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def covered(values, truth, **settings):
    """Return how often the intervals of rows do not exclude the truth."""
    low, high = interval(values, **settings)
    return 1 - np.mean((low > truth) | (high < truth))


# ---- beside other implementations ------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 5, 8, 20, 1000])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 1 - 0.05 / 3])
def test_a_mean_has_the_interval_of_scipy(n, confidence):
    values = np.random.default_rng(n).normal(3, 2, size=n)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    np.testing.assert_allclose(interval(values, confidence), theirs, rtol=1e-12)


@pytest.mark.parametrize("n", [2, 5, 20])
def test_a_ratio_has_the_interval_of_its_logarithms(n):
    values = np.random.default_rng(n).lognormal(1, 2, size=n)
    theirs = np.exp(stats.ttest_1samp(np.log(values), 0).confidence_interval(0.95))
    np.testing.assert_allclose(interval(values, kind="ratio"), theirs, rtol=1e-12)
    low, high = interval(1 / values, kind="ratio")  # the settings swapped
    np.testing.assert_allclose((1 / high, 1 / low), theirs, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 5, 8, 20, 300])
@pytest.mark.parametrize("confidence", [0.95, 1 - 0.05 / 3])
def test_a_share_has_the_exact_interval(n, confidence):
    for hits in {0, 1, n // 2, n - 1, n}:
        values = np.arange(n) < hits
        theirs = stats.binomtest(hits, n).proportion_ci(confidence, "exact")
        np.testing.assert_allclose(interval(values, confidence, "share"), theirs, atol=1e-12)


@pytest.mark.parametrize("kind", ["mean", "ratio", "share"])
def test_rows_are_summed_up_one_by_one(kind):
    rows = np.random.default_rng(0).integers(0, 2, size=(3, 4, 9)) + (kind != "share")
    low, high = interval(rows, kind=kind)
    assert low.shape == high.shape == (3, 4)
    np.testing.assert_allclose((low[2, 1], high[2, 1]), interval(rows[2, 1], kind=kind))


# ---- coverage --------------------------------------------------------------------------------


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("confidence", [0.95, 1 - 0.05 / 3])
@pytest.mark.parametrize("name", ["normal", "coarse"])
def test_a_mean_is_covered_as_often_as_said(name, confidence, n):
    draws = 3 + DISTRIBUTIONS[name](np.random.default_rng(n), (20_000, n))
    noise = np.sqrt(confidence * (1 - confidence) / 20_000)
    assert abs(covered(draws, 3, confidence=confidence) - confidence) < 4 * noise + 0.002


@pytest.mark.parametrize(("n", "said"), [(5, 0.88), (20, 0.92)])
def test_a_long_tail_is_covered_as_the_docstring_says(n, said):
    draws = np.random.default_rng(n).exponential(size=(20_000, n))
    assert f"exponential: {100 * 0.88:.0f} % at 5 values, {100 * 0.92:.0f} % at 20" in " ".join(
        interval.__doc__.split()
    )
    assert covered(draws, 1) == pytest.approx(said, abs=0.01)


@pytest.mark.parametrize("n", SIZES)
def test_a_geometric_mean_is_covered_as_often_as_said(n):
    draws = np.random.default_rng(n).lognormal(0.7, 1.0, size=(20_000, n))
    assert covered(draws, np.exp(0.7), kind="ratio") == pytest.approx(0.95, abs=0.008)


@pytest.mark.parametrize("n", [1, *SIZES])
@pytest.mark.parametrize("confidence", [0.95, 1 - 0.05 / 3])
def test_no_share_is_covered_less_often_than_said(n, confidence):
    low, high = interval(np.arange(n) < np.arange(n + 1)[:, None], confidence, "share")
    for truth in np.linspace(0, 1, 201):
        inside = (low <= truth) & (truth <= high)
        assert stats.binom.pmf(np.arange(n + 1), n, truth)[inside].sum() >= confidence - 1e-12


# ---- where there is none ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mean", "ratio"])
@pytest.mark.parametrize(
    "values",
    [
        [],
        [1.0],
        [2.0] * 9,
        [0.3, 0.1 + 0.2, 0.3, 0.3, 0.3],
        [0.9 - 0.8, 0.1, 0.3 - 0.2, 0.6 - 0.5, 0.1],
        np.float32([0.1, 0.1, 0.1]) + np.array([0, 1e-9, 2e-9]),
        [1e300, 1e300],
    ],
    ids=str,
)
def test_equal_values_leave_no_interval(values, kind):
    assert np.isnan(interval(values, kind=kind)).all()
    assert np.isnan(same_again(values, 0, INF, kind=kind))


def test_zeros_that_differ_by_rounding_are_equal():
    assert np.isnan(interval([0.0, 0.1 + 0.2 - 0.3, 0.0, 0.0, -1e-16])).all()
    assert np.isnan(interval([0.0] * 5)).all()


def test_the_same_shares_say_much():
    assert interval([1] * 20, kind="share") == (pytest.approx(0.8316, abs=1e-4), 1.0)
    assert interval([0] * 20, kind="share") == (0.0, pytest.approx(0.1684, abs=1e-4))


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1e6, 1e200, 1e300])
def test_an_interval_grows_with_its_values(scale):
    values = np.array([1.0, 2.0, 2.5, 3.0, 7.0])
    for kind in ("mean", "ratio"):
        expected = np.array(interval(values, kind=kind))
        np.testing.assert_allclose(
            np.array(interval(scale * values, kind=kind)) / scale, expected, rtol=1e-9
        )
    again = same_again(values, 1, INF)
    assert same_again(scale * values, scale, INF) == pytest.approx(again, abs=1e-3)


def test_ratios_without_end_do_not_warn():
    assert 0.4 < same_again([1e-30, 1e30, 1.0, 1e38, 2.0], 2, INF, kind="ratio") < 1


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind='shares': give one of mean, ratio, share"):
        interval([1, 2, 3], kind="shares")


# ---- verdicts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("below", "above", "low", "high", "expected"),
    [
        (1, 2, 1, INF, "supported"),  # a side holds its own end
        (1, 2, -INF, 2, "supported"),
        (1, 2, 1, 2, "supported"),
        (1, 2, 1.1, INF, "undecided"),
        (1, 2, 2, INF, "undecided"),
        (1, 2, 2.1, INF, "contradicted"),
        (1, 2, -INF, 0.9, "contradicted"),
        (1, 2, 1.4, 1.6, "undecided"),
        (NAN, NAN, 0, INF, "undecided"),
        (NAN, NAN, -INF, 0, "undecided"),
    ],
)
def test_verdicts(below, above, low, high, expected):
    assert verdicts(below, above, low, high) == expected
    both = verdicts(np.array([below, NAN]), np.array([above, NAN]), low, high)
    assert both.tolist() == [expected, "undecided"]


# ---- the same again --------------------------------------------------------------------------


def agrees(stated, seen):
    """Compare stated probabilities with the observed frequencies of the same verdict, in bins."""
    assert len(stated) > 400
    for low, high in ((0, 0.6), (0.6, 0.8), (0.8, 0.95), (0.95, 1.01)):
        here = (stated >= low) & (stated < high)
        if here.sum() >= 30:
            noise = (stated - seen)[here].std() / np.sqrt(here.sum())
            assert abs((stated - seen)[here].mean()) < 3 * noise + 0.02, (low, high)
    assert abs((stated - seen).mean()) < 0.04


def repeated(draw, truths, n, low, high, kind, rng):
    """Return the stated probability of the same verdict and how often 40 repetitions gave it."""
    first = draw(rng, (len(truths), n))
    stated = np.array([same_again(values, low, high, kind=kind) for values in first])
    found = verdicts(*interval(first, kind=kind), low, high)
    again = [verdicts(*interval(draw(rng, (len(truths), n)), kind=kind), low, high) == found
             for _ in range(40)]  # fmt: skip
    there = np.isfinite(stated)
    return stated[there], np.mean(again, axis=0)[there]


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_same_again_is_seen_as_often_as_stated(name):
    rng, parts = np.random.default_rng(5), []
    for n in SIZES:
        truths = rng.uniform(-8, 8, size=(150, 1)) / np.sqrt(n)  # from clear to close

        def draw(rng, shape, truths=truths):
            return truths + DISTRIBUTIONS[name](rng, shape)

        parts.append(repeated(draw, truths, n, 0, INF, "mean", rng))
    agrees(*map(np.concatenate, zip(*parts, strict=True)))


def test_the_same_again_of_ranges_ratios_and_shares():
    rng, parts = np.random.default_rng(6), []
    n, truths = 20, rng.uniform(-1.5, 1.5, size=(150, 1))

    def normal(rng, shape):
        return truths + rng.normal(size=shape)

    shares = rng.uniform(size=(150, 1))
    parts.append(repeated(normal, truths, n, -0.8, 0.8, "mean", rng))
    parts.append(repeated(lambda *a: np.exp(normal(*a)), truths, n, 1, INF, "ratio", rng))
    parts.append(
        repeated(lambda r, s: r.uniform(size=s) < shares, shares, n, 0.5, INF, "share", rng)
    )
    for stated, seen in parts:
        assert abs((stated - seen).mean()) < 0.04
    agrees(*map(np.concatenate, zip(*parts, strict=True)))


def test_the_same_again_knows_clear_from_close():
    values = [1.0, 2.0, 3.0, 2.5, 1.5]
    clear, edge = same_again(values, -20, INF), same_again(values, interval(values)[0], INF)
    assert clear > 0.99 and 0.4 < edge < 0.6  # at the interval's very end it is a coin
    assert same_again(values, 30, INF) > 0.99  # a clear no is as sure
    assert same_again(values, 1, INF) == same_again(values, 1, INF)
    stricter = same_again(values, 1, INF, confidence=1 - 0.05 / 3)
    assert interval(values, 1 - 0.05 / 3)[0] < 1 < interval(values)[0]
    assert stricter != same_again(values, 1, INF)
    swapped = same_again(-np.array(values), -INF, -1)
    assert swapped == pytest.approx(same_again(values, 1, INF), abs=0.015)


@pytest.mark.parametrize("kind", ["mean", "ratio"])
@pytest.mark.parametrize("n", [5, 20])
def test_the_same_again_knows_that_equal_values_decide_nothing(n, kind):
    # a run in so many differs: of the experiments that have an interval, how many have one again?
    rng, zero = np.random.default_rng(n), float(kind == "ratio")
    shares = rng.uniform(0, 1, size=(2000, 1))
    first, second = (
        np.where(rng.random((2000, n)) < shares, zero, rng.uniform(1.5, 2, (2000, n)))
        for _ in range(2)
    )
    there = ~np.isnan(interval(first, kind=kind)[0])
    seen = ~np.isnan(interval(second, kind=kind)[0])[there]
    stated = np.array([same_again(row, 1e-99, 1e99, kind=kind) for row in first[there] + 0.0])
    if kind == "mean":
        stated = np.array([same_again(row, -1e9, 1e9) for row in first[there]])
    assert abs(stated.mean() - seen.mean()) < 0.02
    assert stated.min() < 0.8 and stated.max() == 1


def test_the_same_again_of_few_equal_values_is_as_before():
    values = [0.1, 0.1, 0.2, 0.3, 0.4]
    assert same_again(values, -9, INF) == 1.0
    most = [0.1] * 18 + [0.2, 0.3]
    share = stats.betabinom(20, 18.5, 2.5).pmf(20)
    assert same_again(most, -9, INF) == pytest.approx(1 - share, abs=0.01)
    assert same_again(most, 0.1101, INF) == pytest.approx(1, abs=0.3)  # undecided, and so they are


def test_the_same_again_of_certain_runs():
    # 20 of 20 are one of 21 equal shares with Jeffreys' prior: all but sure to be above a half
    assert same_again([1] * 20, 0.5, INF, kind="share") > 0.99
    assert same_again([1] * 5, 0.45, INF, kind="share") < 0.9  # needs all five again
