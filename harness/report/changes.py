"""One task in two runs: each model beside itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.compare.comparison import TaskComparison
from harness.compare.pair import Pair, Verdict
from harness.compare.sentence import estimate_text
from harness.report.figures.change import change
from harness.report.section import TESTED, Section, tested
from harness.report.table import Column, Row, Table
from harness.report.wording import labelled, oriented

INDEX = (
    Column("task", "The task and its parameters", numeric=False),
    Column("where", "Scale and backend", numeric=False),
    Column("metric", "What is compared", numeric=False),
    Column("models", "Models in both runs"),
    Column("better", "Models that are better in the second run"),
    Column("worse", "Models that are worse in the second run"),
    Column("undecided", "Models whose runs these data do not tell apart"),
    Column("the same", "Models with the same values, or equivalent ones"),
)


def changes(models: Sequence[TaskComparison], runs: Sequence[str], section_id: str, said: int) -> Section:
    """The section of a task, given the comparison of each model, with so many of them in words."""
    first = models[0]
    pairs = [pair for task in models for pair in task.pairs]
    pairs.sort(key=lambda pair: pair.winner is None)
    figure = change(models, section_id)
    return Section(
        id=section_id,
        place=first.place,
        quantity=first.quantity,
        table=_table(models, runs),
        sentences=tuple(pair.sentence for pair in pairs[:said]),
        unsaid=max(0, len(pairs) - said),
        notes=tuple(note for task in models for note in task.notes),
        figures=(figure,) if figure else (),
        entry=_entry(models, pairs, section_id),
    )


def _table(models: Sequence[TaskComparison], runs: Sequence[str]) -> Table:
    earlier, later = runs
    columns = (
        Column("model", "Each is compared with itself", numeric=False),
        Column("first", f"Mean in {earlier}, with its interval"),
        Column("second", f"Mean in {later}, with its interval"),
        Column("change", "The second beside the first, on the same instances, with its interval"),
        *TESTED,
        Column("second is", "What the test says", numeric=False),
        Column("ok", "Cases that are ok, of all, in the first run and in the second"),
    )
    caption = f"{models[0].place.task} by {oriented(models[0].quantity)}; first: {earlier}, second: {later}"
    return Table(caption, columns, tuple(_row(task, runs) for task in models))


def _row(task: TaskComparison, runs: Sequence[str]) -> Row:
    lines = {line.arm.name: line for line in task.standings}
    first, second = (lines[run] for run in runs)
    means = (estimate_text(line.estimate) for line in (first, second))
    pair = task.pairs[0] if task.pairs else None
    verdict = str(pair.verdict) if pair else ""
    return Row(
        (task.subject or "", *means, *tested(pair), verdict, f"{first.cases}, {second.cases}"), role=first.arm.role
    )


def _entry(models: Sequence[TaskComparison], pairs: Sequence[Pair], section_id: str) -> Row:
    place, quantity = models[0].place, models[0].quantity
    verdicts = Counter(pair.verdict for pair in pairs)
    same = verdicts[Verdict.IDENTICAL] + verdicts[Verdict.EQUIVALENT]
    counts = (len(models), verdicts[Verdict.BETTER], verdicts[Verdict.WORSE], verdicts[Verdict.UNDECIDED], same)
    names = (place.task, f"{place.scale} · {place.backend}", labelled(quantity))
    return Row((*names, *map(str, counts)), target=section_id)
