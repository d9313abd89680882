"""From the results of a run to the evidence of a claim."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.checks.evidence import Cell, Evidence, Point
from harness.checks.samples import Tick
from harness.plan.case import Case

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("key", "status", "error", "metric", "unit", "direction", "value", "coordinates", "seconds")
"""The columns of a results table that claims are judged by."""
_TAKEN = {"task", "model", "seed", "backend"}


def evidence(cases: Sequence[Case], table: pa.Table) -> Evidence:
    """The evidence of a claim: each of its cases with its rows; one without a row counts as not run."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in _of(cases, table).select(list(COLUMNS)).to_pylist():
        rows.setdefault(row["key"], []).append(row)
    directions = {row["metric"]: row["direction"] for found in rows.values() for row in found if row["metric"]}
    return Evidence([_cell(case, rows.get(case.key, [])) for case in cases], directions)


def seconds_spent(cases: Iterable[Case], table: pa.Table) -> float:
    """Wall-clock time of the cases, those of earlier runs included."""
    rows = _of(cases, table).select(["key", "seconds"]).to_pylist()
    return sum({row["key"]: row["seconds"] or 0.0 for row in rows}.values())


def _of(cases: Iterable[Case], table: pa.Table) -> pa.Table:
    """The rows of the cases: a run holds those of all claims, and each claim reads its own only."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.is_in(table["key"], pa.array({case.key for case in cases}, pa.string())))


def _cell(case: Case, rows: Sequence[Mapping[str, Any]]) -> Cell:
    values: dict[str, list[Point]] = {}
    for row in rows:
        if row["metric"] is not None:
            coordinates = json.loads(row["coordinates"]) if row["coordinates"] else {}
            values.setdefault(row["metric"], []).append(Point(row["value"], coordinates))
    return Cell(
        task=case.task.name,
        model=case.model.name,
        role=case.model.role,
        seed=case.seed,
        settings=_settings(case),
        status=rows[0]["status"] if rows else "not run",
        values=values,
        error=(rows[0]["error"] or "") if rows else "",
    )


def _settings(case: Case) -> dict[str, Tick]:
    settings: dict[str, Tick] = {"backend": case.backend.label}
    for name, value in case.task.values.items():
        settings[f"task.{name}" if name in _TAKEN else name] = _tick(value)
    for name, value in case.model.values.items():
        settings[f"model.{name}" if name in _TAKEN or name in case.task.values else name] = _tick(value)
    return settings


def _tick(value: Any) -> Tick:
    return value if isinstance(value, str | int | float | None) else json.dumps(value, sort_keys=True)
