"""How often the intervals of claims cover the truth, by simulation: writes docs/coverage.md.

Usage: coverage.py [PAGE]     (`make coverage`; a quarter of a minute, no training)

The intervals and verdicts are those of the lessons, `optlab.intervals`, called on many invented
experiments at once. The seed is fixed, so that the same code writes the same page.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from optlab.evidence import ALONE, TOGETHER  # noqa: E402
from optlab.figures import write_atomically  # noqa: E402
from optlab.intervals import interval, verdicts  # noqa: E402

SIZES = (5, 8, 10, 20, 50)
DRAWS = 100_000  # simulated experiments of each size: 95.0 % is known to 0.07 percentage points
RESAMPLED, RESAMPLES = 4_000, 2_000  # experiments, and resamples of each, for the bootstrap
FAILS = 0.1  # how often a run of the lottery fails


def coarse(rng, shape):
    return np.round(rng.normal(0.9, 0.01, shape) / 0.002) * 0.002


def lottery(rng, shape):
    return (rng.random(shape) >= FAILS).astype("float64")


def noisy_lottery(rng, shape):
    return lottery(rng, shape) + rng.normal(0, 0.05, shape)


# What is drawn: name -> (how, kind, confidence, what is true of the mean, geometric mean or share).
EFFECTS = {
    "normal": (lambda rng, shape: rng.normal(size=shape), "mean", ALONE, 0.0),
    "normal, one of three main claims": (
        lambda rng, shape: rng.normal(size=shape), "mean", TOGETHER, 0.0,
    ),
    "coarse accuracies": (coarse, "mean", ALONE, 0.9),
    "skewed": (lambda rng, shape: rng.exponential(size=shape), "mean", ALONE, 1.0),
    "heavy-tailed": (lambda rng, shape: rng.standard_t(3, size=shape), "mean", ALONE, 0.0),
    "ratios, as a mean": (
        lambda rng, shape: 2 ** rng.normal(size=shape), "mean", ALONE, np.exp(np.log(2) ** 2 / 2),
    ),
    "ratios, as a geometric mean": (
        lambda rng, shape: 2 ** rng.normal(size=shape), "ratio", ALONE, 1.0,
    ),
    "lottery with noise, as a mean": (noisy_lottery, "mean", ALONE, 1 - FAILS),
    "lottery, as a mean": (lottery, "mean", ALONE, 1 - FAILS),
    "lottery, as a share of runs": (lottery, "share", ALONE, 1 - FAILS),
}  # fmt: skip
BEFORE = "normal, by the percentile bootstrap"
RESAMPLED_SIZES = (5, 8, 20)
CAN_BE_EQUAL = ("coarse accuracies", "lottery, as a mean")


# ---- the simulation --------------------------------------------------------------------------


def simulate(draws=DRAWS, seed=0, resampled=RESAMPLED):
    """Return what came of each effect and size, as shares between 0 and 1.

    Parameters
    ----------
    draws, resampled : int
        How many experiments are simulated; the latter for the bootstrap.
    seed : int

    Returns
    -------
    dict
        (effect, n) -> dict of "covers" (of the intervals that there are, how many hold the truth),
        "supported" and "contradicted" (of all claims "at least the truth") and "none" (how many
        experiments yield no interval).
    """
    found = {}
    for number, (name, (draw, kind, confidence, truth)) in enumerate(EFFECTS.items()):
        for n in SIZES:
            rng = np.random.default_rng([seed, number, n])
            ends = interval(draw(rng, (draws, n)), confidence, kind)
            found[name, n] = counted(*ends, truth)
    for n in RESAMPLED_SIZES:
        rng = np.random.default_rng([seed, len(EFFECTS), n])
        found[BEFORE, n] = counted(*bootstrap(rng.normal(size=(resampled, n)), rng), 0.0)
    return found


def counted(below, above, truth):
    """Return how often intervals cover a truth and decide the claim "at least the truth"."""
    there = ~np.isnan(below)
    covers = (below <= truth) & (truth <= above)
    verdict = verdicts(below, above, truth, np.inf)
    return {
        "covers": covers[there].mean(),
        "supported": np.mean(verdict == "supported"),
        "contradicted": np.mean(verdict == "contradicted"),
        "none": 1 - there.mean(),
    }


def bootstrap(values, rng):
    """Return the percentile bootstrap's 95 % intervals of means, which claims no longer use."""
    n, ends = values.shape[1], []
    for some in np.array_split(values, max(1, len(values) // 400)):
        weights = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n
        ends.append(np.percentile(some @ weights.T, (2.5, 97.5), axis=1))
    return np.concatenate(ends, axis=1)


# ---- the page --------------------------------------------------------------------------------


def percent(share):
    return f"{100 * share:.1f}"


def decided(cell):
    return f"{percent(cell['supported'])} + {percent(cell['contradicted'])}"


def table(found, names, say):
    """Return a table in Markdown: a row for each effect, a column for each size."""
    head = [f"| effects | {' | '.join(f'{n} seeds' for n in SIZES)} |", "|---" * 6 + "|"]
    for name in names:
        cells = [say(found[name, n]) if (name, n) in found else "–" for n in SIZES]
        head.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(head)


def page(found, draws=DRAWS, resampled=RESAMPLED):
    """Return the page, in Markdown."""

    def covers(name, n):
        return f"{100 * found[name, n]['covers']:.0f} %"

    names = [*EFFECTS, BEFORE]
    return f"""# How often the intervals are right

A claim prints a 95 % interval. If that figure is right, then of a hundred experiments that anybody
runs, about 95 print an interval that holds the true effect. Nobody knows the true effect of a real
experiment, so we invented some whose truth we do know, simulated each {draws:,} times, and counted.
The intervals come from the functions that the lessons use (`optlab/intervals.py`).
`make coverage` writes this page again.

## What was simulated

- *Normal*: the effect scatters around its mean in a bell curve, as differences of accuracies
  between two settings nearly do. The second row gives the same effects the wider interval of a
  lesson's three main claims, which should cover 98.3 %.
- *Coarse accuracies*: accuracies on 500 validation samples, so that they move in steps of 0.2
  percentage points; their standard deviation is one percentage point.
- *Skewed*: many small values and a few large ones (exponential), as with the number of epochs until
  a target is reached.
- *Heavy-tailed*: now and then a value lies very far away, on either side (Student's t with three
  degrees of freedom).
- *Ratios*: such as one loss divided by another. Two out of three lie within a factor of two of the
  middle (log-normal). Judged as a mean, and as a geometric mean (`unit="times"`).
- *Lottery*: one run in ten fails and counts 0, the others count 1. Judged as a mean, and as a share
  of runs (`unit="runs"`); and once with a little noise on top, so that no two runs are equal.

## How often the interval covers the truth

In per cent of the experiments that yield an interval; 95.0 is what is promised.

{table(found, names, lambda cell: percent(cell["covers"]))}

The last row is the percentile bootstrap, which claims relied on before
({resampled:,} experiments, {RESAMPLES:,} resamples each).

## How often a claim exactly at the margin is decided

The hardest case: the claim says "at least m", and the truth is exactly m. Then neither "supported"
nor "contradicted" is a finding, and together they should come up in at most 5 % of the experiments
(1.7 % for a main claim). In per cent: supported + contradicted.

{table(found, names, decided)}

## How often there is no interval

If all values of a mean are equal, they say nothing about how far away the next one may lie. No
interval is printed then, and the claim is undecided. In per cent:

{table(found, CAN_BE_EQUAL, lambda cell: percent(cell["none"]))}

Equal coarse accuracies are rare. In a lottery equal runs are the rule at five seeds: taken for
certainty, they would have "proved" in {percent(found["lottery, as a mean", 5]["none"])} % of the
experiments that no run fails. Where a failure does show up among few seeds, the interval is so wide
that it misses hardly anything, hence the high coverage in the first table.

## What to take from it

- **The printed figure holds on normal and on coarse effects, from five seeds on.** So does the
  promise at the margin: one verdict in twenty is wrong there, as often on one side as on the other.
  The bootstrap printed 95 % and covered {covers(BEFORE, 5)} at five seeds, {covers(BEFORE, 8)} at
  eight and {covers(BEFORE, 20)} at twenty.
- **Heavy tails make the interval cautious**: it is wide and covers a little more than it says.
- **On skewed effects it covers less**: {covers("skewed", 5)} at five seeds, {covers("skewed", 20)}
  at twenty. Nearly all errors go the same way: the rare large values are missing, so the mean seems
  smaller than it is. Take more seeds, or judge a ratio as a geometric mean.
- **A geometric mean suits ratios**: it covers what it says, where the plain mean of the same ratios
  covers {covers("ratios, as a mean", 5)} at five seeds.
- **The interval of a mean knows nothing of a failure that no run has shown.** If one run in ten
  fails, most experiments with five seeds see no failure, and their narrow intervals miss the truth:
  only {covers("lottery with noise, as a mean", 5)} hold it. Count runs instead: the exact interval
  of a share covers at least 95 % with any number of seeds. Its price is its width: 20 of 20 runs
  are 83 % to 100 %.
"""


def main(target):
    """Simulate, and write the page whole or not at all."""
    write_atomically(target, page(simulate()).encode())
    print(f"Written: {target}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs" / "coverage.md")
