"""The arms on one task: their standings, and the pairs that were tested."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.compare.baseline import baselines
from harness.compare.options import Options
from harness.compare.pair import Pair
from harness.compare.pairing import MOST, tested
from harness.compare.sample import Place, Quantity, Sample
from harness.compare.standing import Standing, standings


@dataclass(frozen=True)
class TaskComparison:
    """The arms on one task by one metric."""

    place: Place
    quantity: Quantity
    subject: str | None
    """The model, when its runs are the arms; None when the models of one run are."""
    instances: tuple[int, ...]
    """The seeds."""
    standings: tuple[Standing, ...]
    """The ranked arms best first, then those without a value, the references last."""
    pairs: tuple[Pair, ...]
    anchor: str | None
    """The arm with which a table compares the others: the baseline, or else the leader; None if there is none."""
    notes: tuple[str, ...]
    """What else is to be known, such as that only the pairs with the leader were tested."""

    @property
    def headlines(self) -> tuple[Pair, ...]:
        """The pairs to read first: each construction with the best baseline; if there are none, all with the leader."""
        ranked = [standing.arm for standing in self.standings if standing.place]
        best = next((arm.name for arm in ranked if arm.role == "baseline"), None)
        constructions = {arm.name for arm in ranked if arm.role == "construction"}
        wanted = [{name, best} for name in constructions]
        chosen = tuple(pair for pair in self.pairs if {pair.a, pair.b} in wanted)
        return chosen or tuple(pair for pair in self.pairs if ranked[0].name in (pair.a, pair.b))

    def beside(self, name: str) -> dict[str, Pair]:
        """The pairs with an arm, by the name of the other one, which comes first in each."""
        found = (pair.beside(name) for pair in self.pairs if name in (pair.a, pair.b))
        return {pair.a: pair for pair in found}

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        place, quantity = self.place, self.quantity
        return {
            "task": place.task,
            "scale": place.scale,
            "backend": place.backend,
            "metric": quantity.name,
            "unit": quantity.unit,
            "direction": quantity.direction,
            "model": self.subject,
            "instances": list(self.instances),
            "arms": [standing.plain() for standing in self.standings],
            "pairs": [pair.plain() for pair in self.pairs],
            "notes": list(self.notes),
        }


def task_comparisons(samples: Sequence[Sample], options: Options) -> tuple[TaskComparison, ...]:
    """Compare the arms of each sample; the tests of one task and metric are corrected together.

    Raises:
        HarnessError: the baseline is ambiguous.
    """
    positions = dict(zip(map(id, samples), baselines(samples, options.baseline), strict=True))
    families: dict[tuple[Place, str], list[Sample]] = {}
    for sample in samples:
        families.setdefault((sample.place, sample.quantity.name), []).append(sample)
    found = []
    for family in families.values():
        chosen = [positions[id(sample)] for sample in family]
        pairs = tested(family, chosen, options)
        found += [_comparison(*parts, options) for parts in zip(family, chosen, pairs, strict=True)]
    return tuple(found)


def _comparison(sample: Sample, baseline: int | None, pairs: tuple[Pair, ...], options: Options) -> TaskComparison:
    return TaskComparison(
        sample.place,
        sample.quantity,
        sample.subject,
        sample.instances,
        standings(sample, pairs, options.confidence),
        pairs,
        _anchor(sample, baseline),
        tuple(_notes(sample, baseline, options)),
    )


def _anchor(sample: Sample, baseline: int | None) -> str | None:
    position = next(iter(sample.ranking), None) if baseline is None else baseline
    return None if position is None else sample.arms[position].name


def _notes(sample: Sample, baseline: int | None, options: Options) -> Iterator[str]:
    subject = f"{sample.subject}: " if sample.subject else ""
    for arm, statuses, mean in zip(sample.arms, sample.statuses, sample.means.tolist(), strict=True):
        if math.isnan(mean):
            counted = ", ".join(f"{count} {status}" for status, count in statuses.items())
            yield f"{subject}{arm.name} has no value: {counted}"
    ranked = [sample.arms[index].name for index in sample.ranking]
    if options.baseline is not None and baseline is None and not sample.subject:
        yield f"the baseline {options.baseline} is not ranked here: the others are compared as if none had been named"
    if baseline is None and len(ranked) > MOST:
        yield f"{len(ranked)} models: each was tested against the leader, {ranked[0]}, only"
