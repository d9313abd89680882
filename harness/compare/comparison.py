"""Comparisons: of the models within a run, and of one run with another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from harness.compare.across import overalls
from harness.compare.baseline import check_baseline
from harness.compare.columns import USED
from harness.compare.options import Options
from harness.compare.overall import Overall
from harness.compare.sample import Sample, Sampling, sampling
from harness.compare.task import TaskComparison, task_comparisons
from harness.errors import HarnessError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Comparison", "TaskComparison", "compare", "compare_runs"]


_DEFAULT = Options()


class NothingToCompareError(HarnessError):
    """No case is ok and has a value that is a plain number."""


@dataclass(frozen=True)
class Comparison:
    """All of a comparison."""

    sources: tuple[str, ...]
    """The run, or the two runs."""
    options: Options
    tasks: tuple[TaskComparison, ...]
    overall: tuple[Overall, ...]
    only_in: Mapping[str, tuple[str, ...]]
    """Of two runs, the cells (`task, model`) that the other does not have."""
    notes: tuple[str, ...]

    @property
    def procedure(self) -> str:
        """How it was made, in one line."""
        return self.options.procedure

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "sources": list(self.sources),
            "options": self.options.plain(),
            "procedure": self.procedure,
            "tasks": [task.plain() for task in self.tasks],
            "overall": [overall.plain() for overall in self.overall],
            "only_in": {source: list(cells) for source, cells in self.only_in.items()},
            "notes": list(self.notes),
        }


def compare(table: pa.Table, options: Options = _DEFAULT) -> Comparison:
    """Compare the models of a run, given its table of results.

    Raises:
        HarnessError: there is no such metric or baseline, or nothing to compare.
    """
    found = _found(table, options)
    if options.baseline is not None:
        check_baseline(found.samples, options.baseline)
    runs = tuple(table.column("run").unique().to_pylist())
    tasks = task_comparisons(found.samples, options)
    return Comparison(runs, options, tasks, overalls(found.samples, options), {}, _left_out(found))


def compare_runs(
    table_a: pa.Table, table_b: pa.Table, name_a: str, name_b: str, options: Options = _DEFAULT
) -> Comparison:
    """Compare each model of a run with itself in an earlier run, A; the instances are paired by task and seed.

    Raises:
        HarnessError: a baseline is given; there is no such metric, or the runs have no cell in common.
    """
    if options.baseline is not None:
        raise HarnessError("a baseline is for the models of one run: of two runs, the first is the baseline")
    if name_a == name_b:
        name_a, name_b = f"{name_a} (A)", f"{name_b} (B)"
    options = replace(options, baseline=name_a)
    found = _found(_joined({name_a: table_a, name_b: table_b}), options, arms="run")
    both = [sample for sample in found.samples if len(sample.arms) > 1]
    if not both:
        raise HarnessError(f"{name_a} and {name_b} have no task with the same model, backend and scale in common")
    only_in = {
        name: tuple(_cell(sample) for sample in found.samples if [arm.name for arm in sample.arms] == [name])
        for name in (name_a, name_b)
    }
    ranked = [sample for sample in both if sample.arms[0].role != "reference"]
    tasks, overall = task_comparisons(both, options), overalls(ranked, options)
    notes = (*_left_out(found), *_reused(table_a, table_b))
    return Comparison((name_a, name_b), options, tasks, overall, only_in, notes)


def _found(table: pa.Table, options: Options, arms: Literal["model_label", "run"] = "model_label") -> Sampling:
    found = sampling(table, options.metric, arms)
    if not found.samples and options.metric and found.metrics:
        among = f"there are {', '.join(found.metrics)}" + (
            f" (and curves: {', '.join(found.curves)})" * bool(found.curves)
        )
        raise HarnessError(f"no metric to compare matches {options.metric!r}; {among}")
    if not found.samples:
        raise NothingToCompareError("there is nothing to compare: no case is ok and has a value that is a plain number")
    return found


def _joined(tables: Mapping[str, pa.Table]) -> pa.Table:
    """One table, with the names given in the column `run`."""
    import pyarrow as pa

    return pa.concat_tables(
        table.select(USED).set_column(USED.index("run"), "run", pa.repeat(name, table.num_rows))
        for name, table in tables.items()
    )


def _cell(sample: Sample) -> str:
    place = sample.place
    return f"{place.task}, {sample.subject} ({place.scale}, {place.backend})"


def _left_out(found: Sampling) -> tuple[str, ...]:
    curves = [f"left out, as they are curves: {', '.join(found.curves)}"] if found.curves else []
    return (*curves, *(f"no case has a value: {place.task} ({place.scale}, {place.backend})" for place in found.empty))


def _reused(table_a: pa.Table, table_b: pa.Table) -> Iterator[str]:
    """Say it where results are not only equal but the same."""
    a, b = _executions(table_a), _executions(table_b)
    if a == b:
        yield "both runs hold the same results: every case was reused"
    elif a & b:
        yield f"{len(a & b)} of {len(b)} cases are the same results in both runs: they were reused"


def _executions(table: pa.Table) -> set[tuple[str, str]]:
    """The cases, each with the run that executed it."""
    import pyarrow.compute as pc

    origin = pc.coalesce(table["reused_from"], table["run"])
    found = table.select(["case"]).append_column("origin", origin).group_by(["case", "origin"]).aggregate([])
    return set(zip(found["case"].to_pylist(), found["origin"].to_pylist(), strict=True))
