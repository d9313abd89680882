"""A claim must be able to fail: its check is fed results that were tampered with, and must not hold by them.

- *swapped*: two models that the check tells apart have exchanged their results.
- *replaced*: the construction has the results of the model it is compared with.
- *noise*: each value of what is tested is worse, by random factors as large as the metric's whole range.
- *too little*: all seeds but one, or half of the cells, have no result; here it must be inconclusive.

None of the first three may hold, and one of them has to make the check fail, unless the true results do so already.
Swapping and replacing is for checks that equal models could not pass: what says `no worse than` says it of equals too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.checks.check import Check
from harness.checks.evidence import Cell, Evidence, Point
from harness.checks.ruling import rule
from harness.checks.samples import CheckError
from harness.checks.verdict import Verdict

_NOISE_DRAWS = 3
_LEAST_FACTOR = 10.0
"""Noise is at least this large, where a metric has the same value everywhere."""


@dataclass(frozen=True)
class Trial:
    """What a check said of tampered results."""

    sabotage: str
    verdict: Verdict


@dataclass(frozen=True)
class SelfTest:
    """Whether a claim's check is able to fail."""

    honest: Verdict
    """What it says of the true results."""
    trials: tuple[Trial, ...]
    thinned: Verdict
    """What it says of too few of them."""

    @property
    def passed(self) -> bool:
        """Whether it refuses what it must refuse."""
        fooled = any(trial.verdict is Verdict.HELD for trial in self.trials)
        failed = any(trial.verdict is Verdict.FAILED for trial in self.trials)
        if self.honest is Verdict.FAILED:
            return True
        return failed and not fooled and self.thinned is Verdict.INCONCLUSIVE

    @property
    def complaint(self) -> str:
        """What is wrong with the check; empty if nothing is."""
        if self.passed:
            return ""
        held = [trial.sabotage for trial in self.trials if trial.verdict is Verdict.HELD]
        if held:
            return f"still holds with results {', '.join(held)}"
        if self.thinned is not Verdict.INCONCLUSIVE:
            return f"is {self.thinned} with too little data"
        return "no sabotage makes it fail"


def self_test(check: Check, evidence: Evidence) -> SelfTest:
    """Feed a check the true results and each sabotage of them."""
    trials = tuple(Trial(name, rule(check, tampered).verdict) for name, tampered in sabotages(check, evidence))
    return SelfTest(rule(check, evidence).verdict, trials, rule(check, thinned(evidence)).verdict)


def sabotages(check: Check, evidence: Evidence) -> Iterator[tuple[str, Evidence]]:
    """Every sabotage that the check has to see through, with its name."""
    pairs = {(left, right) for lefts, rights in check.contrasts() for left in lefts for right in rights}
    for left, right in sorted(pairs):
        yield f"swapped: {left} and {right}", swapped(evidence, left, right)
        yield f"replaced: {left} by {right}", replaced(evidence, left, right)
    read = _read(check, evidence)
    for draw in range(_NOISE_DRAWS):
        yield f"noise {draw}", noisy(evidence, read, np.random.default_rng(draw))


def swapped(evidence: Evidence, one: str, other: str) -> Evidence:
    """Two models with each other's results on the same instance, or on the one that is most like it."""
    return _exchange(evidence, {one: other, other: one})


def replaced(evidence: Evidence, model: str, by: str) -> Evidence:
    """A model with the results of another one."""
    return _exchange(evidence, {model: by})


def noisy(evidence: Evidence, read: Sequence[Cell], rng: np.random.Generator) -> Evidence:
    """Cells whose values are worse, each by its own factor."""
    sizes = {metric: _log_range(evidence, metric) for metric in evidence.directions}

    def worsen(metric: str, value: float) -> float:
        sign = -1 if evidence.directions[metric] == "higher" else 1
        distance = abs(float(rng.standard_normal())) * sizes[metric]
        if value == 0:
            return sign * math.exp(min(distance, 700.0))
        return value * math.exp(max(-700.0, min(sign * math.copysign(distance, value), 700.0)))

    return _changed(evidence, read, worsen)


def thinned(evidence: Evidence) -> Evidence:
    """Only the first seed has results; of a single seed, every other cell."""
    seeds = sorted({cell.seed for cell in evidence.cells})
    cells = [
        cell if (cell.seed == seeds[0] if len(seeds) > 1 else index % 2) else replace(cell, status="not run", values={})
        for index, cell in enumerate(evidence.cells)
    ]
    return replace(evidence, cells=cells)


def _read(check: Check, evidence: Evidence) -> list[Cell]:
    """The constructions' cells that the check reads; of a check that reads none, all its cells."""
    read: dict[int, Cell] = {}
    for measured in check.measured():
        try:
            read.update((id(cell), cell) for cell in measured.cells(evidence))
        except CheckError:
            continue  # the check itself will say so
    cells = list(read.values())
    return [cell for cell in cells if cell.role == "construction"] or cells


def _exchange(evidence: Evidence, sources: dict[str, str]) -> Evidence:
    by_model: dict[str, list[Cell]] = {}
    for cell in evidence.cells:
        by_model.setdefault(cell.model, []).append(cell)
    cells = [
        _with_values_of(cell, by_model.get(sources[cell.model], [])) if cell.model in sources else cell
        for cell in evidence.cells
    ]
    return replace(evidence, cells=cells)


def _with_values_of(cell: Cell, others: Sequence[Cell]) -> Cell:
    """The cell with the metrics of the most similar one of the others, where that has them."""
    if not others:
        return cell
    likest = max(others, key=lambda other: _likeness(cell, other))
    return replace(cell, values={**cell.values, **{m: v for m, v in likest.values.items() if m in cell.values}})


def _likeness(cell: Cell, other: Cell) -> tuple[bool, int, bool]:
    same = sum(other.settings.get(name) == value for name, value in cell.settings.items())
    return (cell.task == other.task, same, cell.seed == other.seed)


def _changed(evidence: Evidence, read: Sequence[Cell], change: Callable[[str, float], float]) -> Evidence:
    chosen = {id(cell) for cell in read}
    cells = [_changed_cell(cell, change) if id(cell) in chosen else cell for cell in evidence.cells]
    return replace(evidence, cells=cells)


def _changed_cell(cell: Cell, change: Callable[[str, float], float]) -> Cell:
    values = {
        metric: [Point(change(metric, point.value), point.coordinates) for point in points]
        for metric, points in cell.values.items()
    }
    return replace(cell, values=values)


def _log_range(evidence: Evidence, metric: str) -> float:
    sizes = [abs(value) for value in _values(evidence.cells, metric) if value]
    return max(math.log(max(sizes) / min(sizes)), math.log(_LEAST_FACTOR)) if sizes else math.log(_LEAST_FACTOR)


def _values(cells: Sequence[Cell], metric: str) -> Iterator[float]:
    for cell in cells:
        for point in cell.values.get(metric, ()):
            yield point.value
