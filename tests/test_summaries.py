"""What the figures compute before they draw."""

import numpy as np
import pytest
from scipy import stats

from optlab.summaries import SCALES, edges, held, lost, middle_curve, paired, places, spread

NAN, INF = float("nan"), float("inf")


def test_the_few_that_are_left_have_no_median():
    rows = [[1, 2, 3, 4], [1, 2, NAN, INF], [5, NAN, NAN, NAN], [NAN] * 4]
    low, middle, high, gone = spread(rows)
    np.testing.assert_array_equal(middle, [2.5, 1.5, NAN, NAN])
    np.testing.assert_array_equal(low, [1.75, 1.25, NAN, NAN])
    np.testing.assert_array_equal(high, [3.25, 1.75, NAN, NAN])
    np.testing.assert_array_equal(gone, [0, 2, 3, 4])
    assert lost(rows) == 9


def test_a_curve_goes_on_while_half_of_the_runs_train():
    values = np.array([[1.0, 2, 3], [3, 4, NAN], [5, NAN, NAN], [7, NAN, NAN]])
    there, low, middle, high = middle_curve(values, [3, 2, 1, 1])
    np.testing.assert_array_equal(there, [True, True, False])
    np.testing.assert_array_equal(middle, [4, 3])
    np.testing.assert_array_equal(low, [2.5, 2.5])


def test_a_rate_holds_from_the_look_before():
    x, y = held(np.array([10, 20, 30]), np.array([3.0, 2.0, 1.0]))
    np.testing.assert_array_equal(x, [0, 10, 20, 30])
    np.testing.assert_array_equal(y, [3, 2, 1, 1])
    assert [len(part) for part in held([], [])] == [0, 0]


@pytest.mark.parametrize(
    ("scale", "values", "x", "apart"),
    [
        ("logarithmic", [1e-3, 1e-2, 1], [1e-3, 1e-2, 1], 1.5),
        ("logarithmic", [0, 1e-3, 1e-2, 1e-1], [1e-4, 1e-3, 1e-2, 1e-1], 1),
        ("logarithmic", [0, 5], [0.5, 5], 1),
        ("logarithmic", [0], [1], 1),
        ("linear", [0, 2, 4], [0, 2, 4], 2),
        ("linear", [-1], [-1], 1),
        ("momentum", [0, 0.9, 0.99], [0, 0.9, 0.99], 1),
    ],
)
def test_where_numbers_stand(scale, values, x, apart):
    found, distance = places(values, SCALES[scale])
    np.testing.assert_allclose(found, x)
    assert distance == pytest.approx(apart)
    scale = SCALES[scale]
    np.testing.assert_allclose(scale.back(scale.to(found)), found, atol=1e-12)


def test_no_bin_holds_more_of_the_possible_values_than_another():
    counts = np.random.default_rng(0).binomial(500, 0.8, 200)
    for values in (counts / 500, counts * 1.0):
        found = edges(values)
        samples = 500 if values.max() <= 1 else 1
        first, last = np.rint(samples * np.array([values.min(), values.max()]))
        possible = np.arange(first, last + 1) / samples
        inside = np.histogram(possible, found)[0]
        assert len(set(inside[:-1])) <= 1 and inside[-1] <= inside[0]
        assert np.histogram(values, found)[0].sum() == len(values)


def test_bins_of_anything_hold_all():
    rng = np.random.default_rng(1)
    for values in (rng.normal(size=50), [0.3] * 5, [0.0], [1.0, 1.0, 2.0], rng.exponential(size=9)):
        found = edges(values)
        assert np.histogram(values, found)[0].sum() == len(values)
        assert (np.diff(found) > 0).all() and len(found) < 200


def test_pairs():
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(2, 12))
    first[3], second[5], second[7] = NAN, INF, first[7]
    found = paired(first, second)
    there = [i for i in range(12) if i not in (3, 5)]
    differences = (first - second)[there]
    np.testing.assert_allclose(found.values, sorted(differences), atol=1e-8)
    assert found.mean == pytest.approx(differences.mean())
    low, high = stats.t.interval(
        0.95, len(there) - 1, differences.mean(), stats.sem(differences)
    )  # fmt: skip
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.above, found.below) == ((differences > 0).sum(), (differences < 0).sum())
    assert (found.equal, found.missing) == (1, 2)


def test_pairs_that_are_equal_up_to_rounding_are_equal():
    found = paired([0.3 - 0.2] * 6, [0.1] * 6)
    assert found.equal == 6 and np.isnan(found.low)
