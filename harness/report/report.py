"""A report: what the page and the comment show, gathered from one run or from two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.compare.comparison import Comparison, NothingToCompareError, TaskComparison, compare, compare_runs
from harness.compare.options import Options
from harness.compare.pair import Pair
from harness.compare.sample import Place
from harness.report import changes as changes_module
from harness.report import ranking as ranking_module
from harness.report.across import Across, across
from harness.report.changes import changes
from harness.report.claims import Claim, read_claims, verdicts_text
from harness.report.costs import costs
from harness.report.failures import Failure, read_failures
from harness.report.figures.claims import claims_matrix
from harness.report.figures.curves import read_curves
from harness.report.figures.figure import Figure
from harness.report.figures.heatmap import heatmap
from harness.report.figures.scaling import scalings
from harness.report.parameters import parameters
from harness.report.ranking import ranking
from harness.report.section import Section, sentences_each
from harness.report.source import Source
from harness.report.table import Table

_HEADLINES = 8


@dataclass(frozen=True)
class Report:
    """All that is shown, in the order in which it is."""

    sources: tuple[Source, ...]
    headlines: tuple[tuple[str, str], ...]
    """Tasks, and what matters most there."""
    unsaid: int
    """How many more of these there are."""
    index: Table | None
    """The tasks, where they are more than one."""
    sections: tuple[Section, ...]
    across: tuple[Across, ...]
    figures: tuple[Figure, ...]
    """Those that show several tasks."""
    claims: tuple[Claim, ...]
    failures: tuple[Failure, ...]
    only_in: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    procedure: str = ""

    @property
    def verdicts(self) -> str:
        """How many claims hold, as `3 held, 1 failed`."""
        return verdicts_text(claim.verdict for claim in self.claims)

    @property
    def title(self) -> str:
        """What the page is about."""
        return " against ".join(dict.fromkeys(source.record["suite"]["name"] for source in reversed(self.sources)))


def gather(sources: Sequence[Source], options: Options) -> Report:
    """The report of a run, or of two, the earlier one first.

    Raises:
        HarnessError: a choice is not possible, or the runs have nothing in common.
    """
    comparison, notes = _compared(sources, options)
    sections, figures = _parts(sources, comparison) if comparison else ((), [])
    headlines = _headlines(comparison.tasks) if comparison else []
    claims = tuple(claim for source in sources[-1:] for claim in read_claims(source.folder))
    matrix = claims_matrix(claims)
    return Report(
        sources=tuple(sources),
        headlines=tuple((task, pair.sentence) for task, pair in headlines[:_HEADLINES]),
        unsaid=max(0, len(headlines) - _HEADLINES),
        index=_index(sections, single=len(sources) == 1),
        sections=tuple(sections),
        across=across(comparison.overall) if comparison else (),
        figures=(*figures, *([matrix] if matrix else [])),
        claims=claims,
        failures=tuple(failure for source in sources for failure in read_failures(source.table)),
        only_in=comparison.only_in if comparison else {},
        notes=notes,
        procedure=comparison.procedure if comparison else "",
    )


def _compared(sources: Sequence[Source], options: Options) -> tuple[Comparison | None, tuple[str, ...]]:
    """The comparison; none while no case of the run has a value to compare."""
    if len(sources) > 1:
        first, second = sources
        found = compare_runs(first.table, second.table, first.name, second.name, options)
    else:
        try:
            found = compare(sources[0].table, options)
        except NothingToCompareError as error:
            return None, (str(error),)
    return found, found.notes


def _parts(sources: Sequence[Source], comparison: Comparison) -> tuple[Sequence[Section], list[Figure]]:
    if len(sources) > 1:
        tasks: dict[tuple[Place, str], list[TaskComparison]] = {}
        for task in comparison.tasks:
            tasks.setdefault((task.place, task.quantity.name), []).append(task)
        said = sentences_each(len(tasks))
        return [
            changes(models, comparison.sources, f"task-{index}", said) for index, models in enumerate(tasks.values())
        ], []
    table, said = sources[0].table, sentences_each(len(comparison.tasks))
    spent, curves = costs(table), read_curves(table)
    sections = [
        ranking(task, spent.get(task.place, {}), curves.get(task.place, ()), f"task-{index}", said)
        for index, task in enumerate(comparison.tasks)
    ]
    heat = heatmap(comparison.tasks, "all")
    lines = scalings(comparison.tasks, parameters(table, "task"), parameters(table, "model"))
    return sections, [*([heat] if heat else []), *lines]


def _headlines(tasks: Sequence[TaskComparison]) -> list[tuple[str, Pair]]:
    """What was decided first."""
    found = [(task.place.task, pair) for task in tasks for pair in task.headlines]
    return sorted(found, key=lambda one: one[1].winner is None)


def _index(sections: Sequence[Section], *, single: bool) -> Table | None:
    if len(sections) < 2:
        return None
    columns = ranking_module.INDEX if single else changes_module.INDEX
    return Table("The tasks; each leads to its section", columns, tuple(section.entry for section in sections))
