"""The page on how often intervals are right: what it says, another simulation says, too."""

import importlib.util
import re

import numpy as np
import pytest
from test_package import ROOT

# under a name of its own: a well-known package is called coverage
spec = importlib.util.spec_from_file_location("simulated", ROOT / "benchmarks" / "coverage.py")
simulated = importlib.util.module_from_spec(spec)
spec.loader.exec_module(simulated)

PAGE = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
DRAWS, RESAMPLED = 50_000, 1_000
COLUMNS = (("covers",), ("supported", "contradicted"), ("none",))  # of its three tables


@pytest.fixture(scope="module")
def again():
    return simulated.simulate(DRAWS, seed=1, resampled=RESAMPLED)


def written():
    """Return the shares of the page: (effect, n, what) -> share."""
    found, tables = {}, PAGE.split("| effects |")[1:]
    for columns, text in zip(COLUMNS, tables, strict=True):
        for line in text.split("\n\n")[0].splitlines()[2:]:
            name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            for n, cell in zip(simulated.SIZES, cells, strict=True):
                for what, number in zip(columns, re.findall(r"[\d.]+", cell), strict=False):
                    found[name, n, what] = float(number) / 100
    return found


def test_the_page_agrees_with_another_simulation(again):
    shares = written()
    assert len(shares) == 3 * 53 + 2 * 5
    for (name, n, what), share in shares.items():
        cell = again[name, n]
        bootstrap = name == simulated.BEFORE
        draws = np.array(
            [simulated.RESAMPLED, RESAMPLED] if bootstrap else [simulated.DRAWS, DRAWS]
        )
        if what == "covers":
            draws = draws * (1 - cell["none"])
        spread = np.sqrt(max(share * (1 - share), 1e-4) * (1 / draws).sum())
        assert cell[what] == pytest.approx(share, abs=5 * spread + 0.0005), (name, n, what)


def test_the_page_is_what_the_tool_writes_but_for_its_numbers(again):
    ours = simulated.page(again, DRAWS, RESAMPLED)
    assert re.sub(r"[\d.,]*\d", "#", ours) == re.sub(r"[\d.,]*\d", "#", PAGE)


@pytest.mark.parametrize("n", simulated.SIZES)
def test_intervals_are_right_as_often_as_they_say(n):
    shares = written()
    for name in ("normal", "coarse accuracies", "ratios, as a geometric mean"):
        assert 0.94 <= shares[name, n, "covers"] <= 0.96
        assert shares[name, n, "supported"] + shares[name, n, "contradicted"] <= 0.06
    assert shares["lottery, as a share of runs", n, "covers"] >= 0.95
    assert shares["normal, one of three main claims", n, "covers"] == pytest.approx(
        0.983, abs=0.002
    )


def test_the_docstring_says_the_same():
    from optlab.intervals import interval

    text, shares = " ".join(interval.__doc__.split()), written()
    for name, words in (
        ("skewed", "(exponential: {} % at 5 values, {} % at 20)"),
        ("lottery with noise, as a mean", "it covers {} % at 5 values and {} % at 20."),
    ):
        assert words.format(*(f"{100 * shares[name, n, 'covers']:.0f}" for n in (5, 20))) in text
