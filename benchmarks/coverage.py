"""How often the intervals and tests of `harness.stats` are right: `python benchmarks/coverage.py --seed 0`.

Draws samples of which the truth is known, and counts. Prints markdown tables: the share of intervals at 95 % that hold
the truth, the share of tests at 0.05 that reject what is true, and the share that finds what is there.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from harness.stats.interval import Interval
from harness.stats.intervals import (
    bootstrap_interval,
    geometric_mean_interval,
    iqm_interval,
    jackknife_interval,
    mean_interval,
    median_interval,
    proportion_interval,
)
from harness.stats.multiple import Correction, adjust
from harness.stats.one_sample import bootstrap_test, permutation_test, t_test, wilcoxon_test
from harness.stats.power import minimum_detectable_effect
from harness.stats.ranks import critical_difference, friedman
from harness.stats.scaling import loglog_slope, loglog_slope_clustered

Array = NDArray[np.float64]
COUNTS = (3, 5, 10, 20, 50)
FEW_RESAMPLES = 499
"""For what is drawn 2000 times; the default of the library is higher."""


@dataclass(frozen=True)
class Distribution:
    """A distribution with what is true of it."""

    name: str
    draw: Callable[[np.random.Generator, tuple[int, ...]], Array]
    mean: float
    median: float


DISTRIBUTIONS = [
    Distribution("normal", lambda rng, shape: rng.normal(size=shape), 0, 0),
    Distribution("uniform", lambda rng, shape: rng.uniform(-1, 1, shape), 0, 0),
    Distribution("t, 3 df", lambda rng, shape: rng.standard_t(3, shape), 0, 0),
    Distribution("exponential", lambda rng, shape: rng.exponential(size=shape), 1, math.log(2)),
    Distribution("log-normal", lambda rng, shape: rng.lognormal(size=shape), math.exp(0.5), 1),
]
HEADINGS = [distribution.name for distribution in DISTRIBUTIONS]


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=2000)
    options = parser.parse_args()
    rng, draws = np.random.default_rng(options.seed), options.draws
    error = 100 * math.sqrt(0.05 * 0.95 / draws)
    print(f"{draws} draws a figure (standard error of 95 % or 5 %: {error:.1f} points); all in %.")
    show("Coverage of intervals at 95 %", ["interval", "n", *HEADINGS], one_sample_coverage(rng, draws))
    show("Coverage of Wilson's interval at 95 %", ["n", "p = 0.02", "p = 0.1", "p = 0.5"], proportions(rng, draws))
    show("Coverage of other intervals at 95 %", ["interval", "n = 3", "5", "10", "20"], composed(rng, draws))
    show("Both arms alike: rejected at 0.05", ["test", "n", *HEADINGS], type_one(rng, draws))
    show("Skewed differences of mean 0: rejected at 0.05", ["test", "n", *HEADINGS[3:]], skewed(rng, draws))
    headings = ["correction", "any wrong", "wrong among rejected", "found"]
    show("20 comparisons, 10 of them null, at 0.05", headings, corrections(rng, draws))
    show("Five equal models: anything found at 0.05", ["test", "10 tasks", "30 tasks"], equal_models(rng, draws))
    show("Power at the minimum detectable effect", [f"n = {count}" for count in COUNTS], power(rng, draws))


def show(title: str, headings: list[str], rows: Iterable[list[str | float]]) -> None:
    """A markdown table; numbers are shares."""
    print(f"\n### {title}\n\n| {' | '.join(headings)} |\n|{'---|' * len(headings)}")
    for row in rows:
        cells = [one if isinstance(one, str) else "-" if math.isnan(one) else f"{100 * one:.1f}" for one in row]
        print(f"| {' | '.join(cells)} |", flush=True)


def share(intervals: Iterable[Interval], truth: float) -> float:
    """How many hold the truth; NaN if they have no ends."""
    made = list(intervals)
    return float(np.mean([one.low <= truth <= one.high for one in made])) if made[0].high < math.inf else math.nan


def rejected(test: Callable[[Array], float], samples: Array) -> float:
    """How many samples (rows) the test rejects."""
    return float(np.mean([test(sample) <= 0.05 for sample in samples]))


def one_sample_coverage(rng: np.random.Generator, draws: int) -> Iterator[list[str | float]]:
    """Mean, geometric mean, median, bootstrap and interquartile mean."""
    for count in COUNTS:
        of = ((one, one.draw(rng, (draws, count))) for one in DISTRIBUTIONS)
        yield ["mean, Student t", str(count), *(share(map(mean_interval, drawn), one.mean) for one, drawn in of)]
    for count in COUNTS:
        drawn = rng.lognormal(size=(draws, count))
        blank = [math.nan] * (len(DISTRIBUTIONS) - 1)
        yield ["geometric mean", str(count), *blank, share(map(geometric_mean_interval, drawn), 1.0)]
    for count in COUNTS[2:]:
        of = ((one, one.draw(rng, (draws, count))) for one in DISTRIBUTIONS)
        yield ["median", str(count), *(share(map(median_interval, drawn), one.median) for one, drawn in of)]
    for count in COUNTS[1:]:
        of = ((one, one.draw(rng, (draws, count))) for one in DISTRIBUTIONS)
        yield ["mean, BCa", str(count), *(share(map(bca, drawn), one.mean) for one, drawn in of)]
    for tasks, count in product((1, 5), COUNTS[1:-1]):
        shares = [interquartile_mean(rng, one, draws, tasks, count) for one in DISTRIBUTIONS]
        yield [f"IQM, {tasks} {'tasks' if tasks > 1 else 'task'}", str(count), *shares]


def bca(sample: Array) -> Interval:
    """The bootstrap of a mean."""
    return bootstrap_interval(sample, np.mean, resamples=2 * FEW_RESAMPLES)


def interquartile_mean(
    rng: np.random.Generator, distribution: Distribution, draws: int, tasks: int, count: int
) -> float:
    """Tasks at different levels, so many seeds each."""
    levels = 2 * np.arange(tasks)[:, None]
    whole = np.sort((distribution.draw(rng, (tasks, 200_000)) + levels).ravel())
    truth = float(whole[whole.size // 4 : -whole.size // 4].mean())
    samples = distribution.draw(rng, (draws, tasks, count)) + levels
    return share((iqm_interval(list(groups), resamples=FEW_RESAMPLES) for groups in samples), truth)


def proportions(rng: np.random.Generator, draws: int) -> Iterator[list[str | float]]:
    """Wilson's interval."""
    for count in COUNTS:
        successes = {chance: rng.binomial(count, chance, draws).tolist() for chance in (0.02, 0.1, 0.5)}
        yield [
            str(count),
            *(share((proportion_interval(k, count) for k in drawn), chance) for chance, drawn in successes.items()),
        ]


def composed(rng: np.random.Generator, draws: int) -> Iterator[list[str | float]]:
    """Slopes and jackknifed quantities; n is the number of points or of seeds."""
    x, counts = 2.0 ** np.arange(5), COUNTS[:-1]

    def curves(count: int) -> Array:
        """Power laws with exponent 1.5, a slope and a level of its own for each seed, and noise: (draws, seeds, 5)."""
        slopes = rng.normal(1.5, 0.2, (draws, count, 1))
        levels, noise = rng.normal(0, 0.1, (draws, count, 1)), rng.normal(0, 0.1, (draws, count, 5))
        return np.exp(levels + slopes * np.log(x) + noise)

    def straight(count: int) -> float:
        grid = np.arange(1.0, count + 1)
        noisy = grid**1.5 * rng.lognormal(0, 0.2, (draws, count))
        return share((loglog_slope(grid, y) for y in noisy), 1.5)

    yield ["slope, independent points", *map(straight, counts)]
    per_seed = [share((loglog_slope_clustered(x, y) for y in curves(count)), 1.5) for count in counts]
    yield ["slope per seed, 5 points", *per_seed]
    pooled = [share((loglog_slope(np.tile(x, count), y.ravel()) for y in curves(count)), 1.5) for count in counts]
    yield ["all seeds' points as if independent", *pooled]
    yield ["jackknife: slope of means", *(share(map(slope_of_means, scaled(rng, draws, n)), 1.5) for n in counts)]
    yield ["jackknife: ratio of means, log-normal 0.5", *(ratios(rng, draws, count, 0.5) for count in counts)]
    yield ["jackknife: ratio of means, log-normal 1", *(ratios(rng, draws, count, 1.0) for count in counts)]


def scaled(rng: np.random.Generator, draws: int, count: int) -> Array:
    """Values with means that grow as x^1.5, and log-normal spread: (draws, seeds, 5)."""
    return 2.0 ** (1.5 * np.arange(5)) * rng.lognormal(0, 0.5, (draws, count, 5))


def slope_of_means(values: Array) -> Interval:
    """Over seeds (rows)."""
    centred = np.log(2) * (np.arange(5) - 2)
    return jackknife_interval(
        lambda kept: float(np.log(values[kept].mean(axis=0)) @ centred / (centred @ centred)), len(values)
    )


def ratios(rng: np.random.Generator, draws: int, count: int, spread: float) -> float:
    """Coverage for mean(a) / mean(b) of pairs that share half of their variance."""
    shared, own = rng.normal(0, spread / math.sqrt(2), (2, draws, 1, count)), rng.normal(0, 1, (draws, 2, count))
    values = np.exp(shared[0] + own * spread / math.sqrt(2))
    return share(
        (jackknife_interval(lambda kept, a=a, b=b: float(a[kept].mean() / b[kept].mean()), count) for a, b in values),
        1.0,
    )


TESTS: dict[str, Callable[[Array], float]] = {
    "t": t_test,
    "Wilcoxon": wilcoxon_test,
    "permutation": lambda sample: permutation_test(sample, FEW_RESAMPLES),
    "bootstrap": lambda sample: bootstrap_test(sample, FEW_RESAMPLES),
}


def type_one(rng: np.random.Generator, draws: int) -> Iterator[list[str | float]]:
    """Both arms draw from one distribution: their differences are symmetric."""
    for (name, test), count in product(TESTS.items(), COUNTS):
        pairs = (one.draw(rng, (2, draws, count)) for one in DISTRIBUTIONS)
        yield [name, str(count), *(rejected(test, a - b) for a, b in pairs)]


def skewed(rng: np.random.Generator, draws: int) -> Iterator[list[str | float]]:
    """The means are equal, but the differences are skewed."""
    for (name, test), count in product(TESTS.items(), COUNTS):
        drawn = (one.draw(rng, (draws, count)) - one.mean for one in DISTRIBUTIONS[3:])
        yield [name, str(count), *(rejected(test, sample) for sample in drawn)]


def corrections(rng: np.random.Generator, draws: int) -> Iterator[list[str | float]]:
    """Ten pairs each, half of them with an effect of 1.2 deviations; each by itself, or all against one baseline."""
    effects = np.repeat([0.0, 1.2], 10)
    independent = rng.normal(effects[:, None], 1, (draws, 20, 10))
    models, baseline = rng.normal(0, math.sqrt(0.5), (draws, 20, 10)), rng.normal(0, math.sqrt(0.5), (draws, 1, 10))
    methods: tuple[Correction, ...] = ("none", "holm", "fdr_bh")
    for name, drawn in (("independent", independent), ("one baseline", models - baseline + effects[:, None])):
        p_values = np.array([[t_test(differences) for differences in table] for table in drawn])
        for method in methods:
            found = np.array([adjust(row, method) <= 0.05 for row in p_values])
            wrong, right = found[:, :10].sum(axis=1), found[:, 10:]
            among = wrong / np.maximum(found.sum(axis=1), 1)
            yield [f"{method}, {name}", float((wrong > 0).mean()), float(among.mean()), float(right.mean())]


def equal_models(rng: np.random.Generator, draws: int) -> Iterator[list[str | float]]:
    """Five models without a difference, over tasks of different levels."""
    tables = {tasks: rng.normal(size=(draws, tasks, 5)) + rng.normal(size=(draws, tasks, 1)) for tasks in (10, 30)}
    overall = {tasks: [friedman(table) for table in drawn] for tasks, drawn in tables.items()}
    yield ["Friedman", *(np.mean([one.p_value <= 0.05 for one in found]) for found in overall.values())]
    yield [
        "Iman and Davenport",
        *(np.mean([one.iman_davenport_p_value <= 0.05 for one in found]) for found in overall.values()),
    ]
    for method in ("nemenyi", "wilcoxon-holm"):
        smallest = (
            [critical_difference(table, "abcde", 0.05, method).p_values.min() for table in drawn]
            for drawn in tables.values()
        )
        yield [method, *(float((np.array(found) <= 0.05).mean()) for found in smallest)]


def power(rng: np.random.Generator, draws: int) -> Iterator[list[str | float]]:
    """How often a t test finds just the effect that is said to be detectable in 80 % of the cases."""
    effects = {count: minimum_detectable_effect(1.0, count) for count in COUNTS}
    yield [rejected(t_test, rng.normal(effect, 1, (draws, count))) for count, effect in effects.items()]


if __name__ == "__main__":
    main()
