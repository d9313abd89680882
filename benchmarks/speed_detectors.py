"""Which detector finds a slow-down, and which cries wolf: `python benchmarks/speed_detectors.py --seed 1`.

Draws histories of an operation over 60 commits, with and without one true step, on machines with six kinds of noise,
and counts what the detectors say. At every commit a run takes ten samples in one process: log-normal ones, with a level
of the process. Beyond that, an outlier is a process that is 20 % slower throughout, `drift` a slow wave, and `two
levels` a machine that is slower for some ten commits at a time. Series detectors see the runs. The gate (`harness speed
check`) sees pairs of fresh processes of a commit and its predecessor instead, measured anew at each commit. Each
process has its own level and its own chance to be an outlier. Drift is the same for the two of a pair, which take turns
within a second, and is not drawn; so is the machine's level, but in one pair of fifty, where only one of the two is
slower.

A false alarm is a history without a step in which a slow-down is reported anywhere. A step is found if it is reported
within three commits of the right one; by the gate, and by the tests of neighbouring runs, at the very commit.

The constants of the rule and of the series detector were chosen on seeds 0 and 99; the figures in the README are of
seed 1. `apache-otava` is optional. Prints markdown tables, with Wilson's intervals at 95 % in parentheses.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from harness.speed.decision import Decision, Rule, State
from harness.stats.change_points import change_points
from harness.stats.intervals import proportion_interval
from harness.stats.resampling import batches

Array = NDArray[np.float64]
COMMITS, SAMPLES = 60, 10
FIRST_STEP, LAST_STEP = 15, 45
STEPS = (0.02, 0.05, 0.10, 0.20)
OUTLIER = math.log(1.2)
LEVEL_CHANGES = 0.1
"""The chance that a two-level machine changes from one commit to the next ..."""
CHANGES_WITHIN_PAIR = 0.02
"""... and within a pair."""
GATES = COMMITS - 1


@dataclass(frozen=True)
class Scenario:
    """A noisy machine; standard deviations and sizes are those of logarithms."""

    name: str
    samples: float
    processes: float
    outliers: float = 0.0
    drift: float = 0.0
    levels: float = 0.0


SCENARIOS = (
    Scenario("A quiet, 1 %", 0.01, 0.005),
    Scenario("B 3 %", 0.03, 0.015),
    Scenario("C 3 %, outliers", 0.03, 0.015, outliers=0.05),
    Scenario("D 3 %, drift 3 %", 0.03, 0.015, drift=0.03),
    Scenario("E 3 %, two levels 5 %", 0.03, 0.015, levels=0.05),
    Scenario("F 5 %, all of it", 0.05, 0.025, outliers=0.05, drift=0.03, levels=0.05),
)


def processes(rng: np.random.Generator, scenario: Scenario, shape: tuple[int, ...]) -> Array:
    """Logarithms of the samples of processes at level 0: (*shape, samples)."""
    level = rng.normal(0, scenario.processes, shape) + OUTLIER * (rng.random(shape) < scenario.outliers)
    return level[..., None] + rng.normal(0, scenario.samples, (*shape, SAMPLES))


def history(rng: np.random.Generator, scenario: Scenario, step: float) -> tuple[Array, int]:
    """The samples of a run at each commit (commits, samples), and the first commit that is slower by `step`."""
    at = int(rng.integers(FIRST_STEP, LAST_STEP + 1))
    commits = np.arange(COMMITS)
    wave = np.sin(2 * np.pi * (commits / rng.uniform(40, 120) + rng.random()))
    slow = (np.cumsum(rng.random(COMMITS) < LEVEL_CHANGES) + rng.integers(2)) % 2
    level = scenario.drift / 2 * wave + scenario.levels * slow + math.log1p(step) * (commits >= at)
    return np.exp(level[:, None] + processes(rng, scenario, (COMMITS,))), at


def pairs(rng: np.random.Generator, scenario: Scenario, step: float, shape: tuple[int, int]) -> Array:
    """Log ratios of pairs of processes (gates, pairs), head to base, head being slower by `step`."""
    count, most = shape
    sizes = batches(count, most * SAMPLES) if count else ()
    return np.concatenate([np.empty((0, most)), *(_pairs(rng, scenario, step, (size, most)) for size in sizes)])


def _pairs(rng: np.random.Generator, scenario: Scenario, step: float, shape: tuple[int, int]) -> Array:
    base, head = (np.median(processes(rng, scenario, shape), axis=-1) for _ in range(2))
    changed = (rng.random(shape) < CHANGES_WITHIN_PAIR) * rng.choice((-1, 1), shape)
    return head - base + math.log1p(step) + scenario.levels * changed


@dataclass(frozen=True)
class Gated:
    """What came of many gates."""

    states: tuple[State, ...]
    pairs: tuple[int, ...]
    """Of both measurements."""

    def share(self, state: State) -> float:
        return self.states.count(state) / len(self.states)


def gate(rng: np.random.Generator, rule: Rule, scenario: Scenario, step: float, count: int, family: int = 1) -> Gated:
    """So many gates, each of one operation that is checked beside `family - 1` others of which none is a suspect."""
    decisions = rule.screened(pairs(rng, scenario, step, (count, rule.looks[-1])))
    suspects = [place for place, one in enumerate(decisions) if one.state is State.SUSPECT]
    again = pairs(rng, scenario, step, (len(suspects), rule.looks[-1]))
    for place, row, second in zip(suspects, again, rule.retested(again, family), strict=True):
        state = second.state
        if state is State.SUSPECT:
            confirmed = rule.confirmed([rule.p_slower(row[: second.pairs].tolist())], family)[0]
            state = State.REGRESSION if confirmed else State.INCONCLUSIVE
        decisions[place] = Decision(state, decisions[place].pairs + second.pairs)
    return Gated(tuple(one.state for one in decisions), tuple(one.pairs for one in decisions))


Alarms = Callable[[Array], Iterable[int]]
"""From the samples of a history (commits, samples) to the commits at which a slow-down is reported."""


@dataclass(frozen=True)
class Detector:
    """One that sees the runs."""

    name: str
    alarms: Alarms
    reach: int = 3
    """How far from the step a report of it may be."""


def tracked(samples: Array) -> Iterator[int]:
    """`harness speed history`."""
    return (one.index for one in change_points(np.median(samples, axis=1)) if one.ratio > 1)


def published(samples: Array) -> Iterator[int]:
    """What `asv publish` lists as regressions, with its threshold of 5 %."""
    from asv._stats import get_weight
    from asv.step_detect import detect_regressions, detect_steps
    from asv_runner.statistics import compute_stats

    medians, summaries = zip(*(compute_stats(run.tolist(), 1) for run in samples), strict=True)
    steps = detect_steps(list(medians), [get_weight(summary) for summary in summaries])
    return (after for _, after, _, _ in detect_regressions(steps, threshold=0.05)[2] or ())


def continuous(samples: Array) -> Iterator[int]:
    """What `asv continuous` fails on: medians of neighbours that differ by 10 %, and a U test at 0.002 that agrees."""
    from asv._stats import is_different

    medians = np.median(samples, axis=1)
    for commit in np.flatnonzero(medians[1:] > 1.1 * medians[:-1]) + 1:
        if is_different(samples[commit - 1].tolist(), samples[commit].tolist(), None, None):
            yield int(commit)


def welch(samples: Array) -> Iterable[int]:
    """Neighbouring runs by Welch's t test at 0.01."""
    from scipy.stats import ttest_ind

    found = ttest_ind(samples[1:], samples[:-1], axis=1, equal_var=False, alternative="two-sided")
    return (np.flatnonzero((found.pvalue < 0.01) & (found.statistic > 0)) + 1).tolist()


def otava(samples: Array) -> Iterator[int]:
    """Apache Otava (Hunter), with its defaults and the least change that the series detector reports."""
    from otava.analysis import compute_change_points

    found, _ = compute_change_points(np.median(samples, axis=1).tolist(), window_len=50, max_pvalue=0.001)
    return (one.index for one in found if one.stats.forward_rel_change() >= 0.05)


TRACKER = Detector("E-divisive, 5 % (`speed history`)", tracked)
DETECTORS = (
    TRACKER,
    Detector("asv publish, 5 %", published),
    Detector("asv continuous: U test, 10 %", continuous, reach=0),
    Detector("Welch's t test, 0.01", welch, reach=0),
    Detector("Otava, 0.001, 5 %", otava),
)


def found(rng: np.random.Generator, detector: Detector, scenario: Scenario, step: float, count: int) -> int:
    """In how many histories the detector reports the step; without a step, in how many it reports anything."""
    reach = detector.reach if step else COMMITS
    drawn = (history(rng, scenario, step) for _ in range(count))
    return sum(any(abs(alarm - at) <= reach for alarm in detector.alarms(samples)) for samples, at in drawn)


@dataclass(frozen=True)
class Sizes:
    """How many histories of each scenario are drawn."""

    gate: int
    """Without a step, each with a gate at every commit but the first; with a step, gates of its commit."""
    series: int


def seeded(seed: int, scenario: Scenario, step: float) -> np.random.Generator:
    """The same histories for all detectors."""
    return np.random.default_rng([seed, SCENARIOS.index(scenario), round(1000 * step)])


def false_alarms(seed: int, sizes: Sizes, detectors: Iterable[Detector]) -> Iterator[list[str]]:
    """Histories of 1000 with any."""
    row = ["gate"]
    for scenario in SCENARIOS:
        made = gate(seeded(seed, scenario, 0), Rule(), scenario, 0, sizes.gate * GATES)
        alarms = np.array([state is State.REGRESSION for state in made.states]).reshape(sizes.gate, GATES)
        row.append(share(int(alarms.any(axis=1).sum()), sizes.gate, 1000))
    yield row
    for one in detectors:
        counts = (found(seeded(seed, scenario, 0), one, scenario, 0, sizes.series) for scenario in SCENARIOS)
        yield [one.name, *(share(count, sizes.series, 1000) for count in counts)]


def detections(seed: int, sizes: Sizes, detectors: Iterable[Detector], step: float) -> Iterator[list[str]]:
    """Steps found, in percent."""
    for family in (1, 100):
        made = (gate(seeded(seed, one, step), Rule(), one, step, sizes.gate, family) for one in SCENARIOS)
        counts = (one.states.count(State.REGRESSION) for one in made)
        name = f"gate of {family} operations" if family > 1 else "gate"
        yield [name, *(share(count, sizes.gate, 100) for count in counts)]
    for one in detectors:
        counts = (found(seeded(seed, scenario, step), one, scenario, step, sizes.series) for scenario in SCENARIOS)
        yield [one.name, *(share(count, sizes.series, 100) for count in counts)]


def costs(seed: int, sizes: Sizes) -> Iterator[list[str]]:
    """Pairs that a gate takes for both measurements, and how often it comes to no conclusion."""
    for step in (0.0, *STEPS):
        row = [f"{step:.0%}"]
        for scenario in SCENARIOS:
            made = gate(seeded(seed, scenario, step), Rule(), scenario, step, sizes.gate)
            median, ninety = np.quantile(made.pairs, (0.5, 0.9))
            row.append(f"{median:.0f}, {ninety:.0f}; {100 * made.share(State.INCONCLUSIVE):.1f} %")
        yield row


def share(count: int, total: int, unit: int) -> str:
    """Of so many units, with Wilson's interval."""
    one = proportion_interval(count, total)
    return f"{unit * one.estimate:.4g} ({unit * one.low:.0f} to {unit * one.high:.0f})"


def show(title: str, rows: Iterable[list[str]]) -> None:
    """A markdown table."""
    print(f"\n### {title}\n\n| | {' | '.join(one.name for one in SCENARIOS)} |\n|{'---|' * (len(SCENARIOS) + 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a tenth of the histories")
    options = parser.parse_args()
    sizes = Sizes(100, 20) if options.quick else Sizes(1000, 200)
    detectors = [one for one in DETECTORS if one.alarms is not otava or find_spec("otava")]
    if len(detectors) < len(DETECTORS):
        print("Otava is not installed.")
    began = time.process_time()
    print(f"{sizes.gate} histories for each figure of the gate, {sizes.series} for the others, seed {options.seed}.")
    show("Histories without a step, of 1000, with a false alarm", false_alarms(options.seed, sizes, detectors))
    for step in STEPS:
        show(f"Steps of {step:.0%} found, in %", detections(options.seed, sizes, detectors, step))
    show("Pairs of a gate: median, 90 %; inconclusive", costs(options.seed, sizes))
    print(f"\n{time.process_time() - began:.0f} s of CPU time, load {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
