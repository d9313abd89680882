"""The models of a run on one task, ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.compare.comparison import TaskComparison
from harness.compare.pair import Pair
from harness.compare.sentence import estimate_text
from harness.compare.standing import Standing
from harness.report.costs import Cost
from harness.report.figures.curves import Curve, curves
from harness.report.figures.tradeoff import tradeoffs
from harness.report.figures.values import values
from harness.report.section import TESTED, Section, tested
from harness.report.table import Column, Row, Table, sortable
from harness.report.wording import labelled, oriented
from harness.tables import duration, size

INDEX = (
    Column("task", "The task and its parameters", numeric=False),
    Column("where", "Scale and backend", numeric=False),
    Column("metric", "What ranks the models", numeric=False),
    Column("best", "The model of the best mean", numeric=False),
    Column("place", "The places that the tests leave open to it"),
    Column("mean", "Its mean with its interval"),
    Column("models", "Models that are ranked"),
    Column("ok", "Cases that are ok, of all"),
)


def ranking(
    task: TaskComparison, costs: Mapping[str, Cost], found: Sequence[Curve], section_id: str, said: int
) -> Section:
    """The section of a task, with so many of its pairs in words."""
    figure = values(task, section_id)
    first = {id(pair) for pair in task.headlines}
    pairs = sorted(task.pairs, key=lambda pair: (id(pair) not in first, pair.winner is None))
    return Section(
        id=section_id,
        place=task.place,
        quantity=task.quantity,
        table=_table(task, costs),
        sentences=tuple(pair.sentence for pair in pairs[:said]),
        unsaid=max(0, len(pairs) - said),
        notes=task.notes,
        figures=(*([figure] if figure else []), *tradeoffs(task, costs, section_id), *curves(task, found, section_id)),
        entry=_entry(task, section_id),
    )


def _table(task: TaskComparison, costs: Mapping[str, Cost]) -> Table:
    beside = f"beside {task.anchor}" if task.anchor else "not tested"
    pairs = task.beside(task.anchor) if task.anchor else {}
    columns = (
        Column("model", "Constructions are the papers' own; references are shown, but not ranked", numeric=False),
        Column("place", "The places that the tests leave open"),
        Column(labelled(task.quantity), "Mean over the instances that are ok, with its interval"),
        Column("difference", f"{beside}, on the same instances, with its interval"),
        *TESTED,
        Column("time", "Mean wall-clock time of a case"),
        Column("memory", "Mean peak memory of a case"),
        Column("ok", "Cases that are ok, of all"),
    )
    rows = (_row(line, pairs.get(line.arm.name), costs.get(line.arm.name)) for line in task.standings)
    caption = f"{task.place.task} by {oriented(task.quantity)}; differences: {beside}"
    return Table(caption, columns, tuple(rows))


def _row(line: Standing, pair: Pair | None, cost: Cost | None) -> Row:
    seconds, memory = (cost.seconds, cost.peak_memory) if cost else (None, None)
    spent = (sortable(duration(seconds), seconds), sortable(size(memory), memory))
    means = (line.places, estimate_text(line.estimate))
    return Row((line.arm.name, *means, *tested(pair), *spent, line.cases), role=line.arm.role)


def _entry(task: TaskComparison, section_id: str) -> Row:
    ranked = [line for line in task.standings if line.place]
    best = ranked[0] if ranked else None
    total = sum(line.total for line in task.standings)
    return Row(
        (
            task.place.task,
            f"{task.place.scale} · {task.place.backend}",
            labelled(task.quantity),
            best.arm.name if best else "",
            best.places if best else "",
            estimate_text(best.estimate if best else None),
            str(len(ranked)),
            f"{sum(line.ok for line in task.standings)}/{total}",
        ),
        target=section_id,
    )
