"""What a report says of the models over several tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.compare.overall import Overall, OverallPair
from harness.compare.sentence import estimate_text, p_text
from harness.report.figures.figure import Figure
from harness.report.figures.profile import profile
from harness.report.figures.ranks import ranks
from harness.report.table import Cell, Column, Row, Table, sortable
from harness.report.wording import probability

_COLUMNS = (
    Column("model", "", numeric=False),
    Column("mean rank", "Over the tasks; 1 is best"),
    Column("beside", "With what it is compared", numeric=False),
    Column("W/T/L", "Tasks won, tied and lost against it, by the mean"),
    Column(
        "cost ratio", "Geometric mean over the tasks of the cost relative to it, with its interval; below 1 is better"
    ),
    Column("p", "Of that ratio, corrected"),
    Column("probability", "Bayesian signed-rank test: that it is better, equivalent, worse", numeric=False),
)


@dataclass(frozen=True)
class Across:
    """The models that a group of tasks share."""

    title: str
    note: str
    table: Table
    figures: tuple[Figure, ...]

    def plain(self) -> dict[str, Any]:
        """As the page holds it."""
        figures = [figure.plain() for figure in self.figures]
        return {"title": self.title, "note": self.note, "table": self.table.plain(), "figures": figures}


def across(overalls: Sequence[Overall]) -> tuple[Across, ...]:
    """A part for each group of tasks."""
    return tuple(_across(overall, f"overall-{index}") for index, overall in enumerate(overalls))


def _across(overall: Overall, prefix: str) -> Across:
    figures = tuple(figure for make in (ranks, profile) if (figure := make(overall, prefix)))
    title = f"{len(overall.tasks)} tasks by {overall.metric} ({overall.scale} · {overall.backend})"
    note = (
        f"Friedman test that some model differs by its ranks: {p_text(overall.friedman.p_value)}. "
        f"Tasks: {'; '.join(overall.tasks)}."
    )
    return Across(title, note, _table(overall, title), figures)


def _table(overall: Overall, title: str) -> Table:
    pairs = {pair.a: pair for pair in overall.pairs}
    ranked = zip(overall.arms, overall.friedman.mean_ranks, strict=True)
    return Table(title, _COLUMNS, tuple(Row((name, f"{rank:.2f}", *_cells(pairs.get(name)))) for name, rank in ranked))


def _cells(pair: OverallPair | None) -> tuple[Cell, ...]:
    if pair is None:
        return ("", *(sortable("", None),) * 3, "")
    posterior = pair.posterior
    shares = "" if posterior is None else f"{posterior.left:.2f}, {posterior.rope:.2f}, {posterior.right:.2f}"
    return (
        pair.b,
        f"{pair.wins}/{pair.ties}/{pair.losses}",
        estimate_text(pair.result.effect if pair.result else None),
        sortable("-", None) if pair.p_value is None else probability(pair.p_value),
        shares,
    )
