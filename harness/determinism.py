"""Whether a case depends on nothing but the case: each run twice, in processes that are polluted differently."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.api import Prepared, RunResult, start
from harness.errors import ExitCode
from harness.execution.stop import Stop
from harness.store.store import Store


@dataclass(frozen=True)
class Difference:
    """What came out otherwise the second time."""

    case: str
    """The cell in words."""
    what: str
    """The metric, with the place on its curve; or `status`."""
    first: float | str | None
    second: float | str | None


@dataclass(frozen=True)
class Determinism:
    """Two runs of the same cases, and what differs between them."""

    runs: Sequence[RunResult]
    differences: Sequence[Difference]
    compared: int
    """How many cases both runs have."""

    @property
    def exit_code(self) -> ExitCode:
        """Of the runs, or that for failed cases where something differs."""
        if ExitCode.INTERRUPTED in (run.exit_code for run in self.runs):
            return ExitCode.INTERRUPTED
        return ExitCode.CASES_FAILED if self.differences else self.runs[-1].exit_code


def check_determinism(prepared: Prepared, *, jobs: int, new_stop: Callable[[], Stop]) -> Determinism:
    """Run every case of a suite that was prepared afresh, and again in the opposite order; compare bit for bit.

    Metrics that are read off a clock are left out.
    """
    runs = [start(prepared, jobs=jobs, stop=new_stop(), pollution=1)]
    if runs[0].exit_code is ExitCode.INTERRUPTED:
        return Determinism(runs, [], 0)
    turned = dataclasses.replace(prepared, plan=prepared.plan[::-1])
    runs.append(start(turned, jobs=jobs, stop=new_stop(), pollution=2))
    first, second = (_by_case(prepared.store, run) for run in runs)
    found: list[Difference] = []
    for planned in prepared.plan:
        case = planned.case
        if case.id in first and case.id in second:
            timing = {name for name in case.metrics if prepared.catalogue.metric(name, case.task.cls)[1].timing}
            found += _differences(str(case), first[case.id], second[case.id], timing)
    return Determinism(runs, found, len(first.keys() & second.keys()))


def _by_case(store: Store, run: RunResult) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in store.table(run.id, ["case", "status", "metric", "coordinates", "value"]).to_pylist():
        found.setdefault(row["case"], []).append(row)
    return found


def _differences(
    case: str, first: list[dict[str, Any]], second: list[dict[str, Any]], timing: set[str]
) -> Iterator[Difference]:
    before, after = first[0]["status"], second[0]["status"]
    if before != after:
        yield Difference(case, "status", before, after)
        return
    values, others = _values(first, timing), _values(second, timing)
    for what in dict.fromkeys([*values, *others]):
        if values.get(what) != others.get(what):
            yield Difference(case, what, values.get(what), others.get(what))


def _values(rows: list[dict[str, Any]], timing: set[str]) -> dict[str, float]:
    return {
        f"{row['metric']} at {row['coordinates']}" if row["coordinates"] else row["metric"]: row["value"]
        for row in rows
        if row["metric"] is not None and row["metric"] not in timing
    }
