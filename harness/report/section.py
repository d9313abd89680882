"""What a report says of one task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.compare.pair import Pair
from harness.compare.sample import Place, Quantity
from harness.compare.sentence import change
from harness.report.figures.figure import Figure
from harness.report.table import Cell, Column, Row, Table, sortable
from harness.report.wording import oriented, probability

_MOST = 10
_MOST_OF_ALL = 200


TESTED = (
    Column("p", "Of the test of that difference, corrected"),
    Column("effect size", "Hedges' g: the mean difference in standard deviations of the differences"),
    Column("W/T/L", "Instances won, tied and lost"),
)
"""The columns that follow the difference."""


@dataclass(frozen=True)
class Section:
    """One task by one metric."""

    id: str
    place: Place
    quantity: Quantity
    table: Table
    sentences: tuple[str, ...]
    """The first of the pairs in words."""
    unsaid: int
    """How many more pairs there are."""
    notes: tuple[str, ...]
    figures: tuple[Figure, ...]
    entry: Row
    """The section's line in the index."""

    @property
    def subtitle(self) -> str:
        """Where and by what was measured."""
        return f"{oriented(self.quantity)} · {self.place.scale} · {self.place.backend}"

    def plain(self) -> dict[str, Any]:
        """As the page holds it."""
        return {
            "id": self.id,
            "title": self.place.task,
            "subtitle": self.subtitle,
            "table": self.table.plain(),
            "sentences": self.sentences,
            "unsaid": self.unsaid,
            "notes": self.notes,
            "figures": [figure.plain() for figure in self.figures],
        }


def tested(pair: Pair | None) -> tuple[Cell, ...]:
    """The difference of a pair and what `TESTED` tells of it; empty where there is no pair."""
    if pair is None:
        return (sortable("", None),) * (1 + len(TESTED))
    result = pair.result
    return (
        sortable(change(result.effect, result.scale, pair.quantity), result.effect.estimate),
        probability(pair.p_value),
        sortable("-", None) if result.effect_size is None else f"{result.effect_size:.2f}",
        f"{pair.wins}/{pair.ties}/{pair.losses}" if pair.paired else sortable("-", None),
    )


def sentences_each(sections: int) -> int:
    """How many pairs of a task are put in words: reckoning what instances can detect takes time, and reading too."""
    return max(1, min(_MOST, _MOST_OF_ALL // max(sections, 1)))
