"""The one schema of all results: a row for each case and metric value, and the way there and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from harness.results import Measurement, Result, Status

if TYPE_CHECKING:
    from harness.plan.case import Case

SCHEMA_VERSION = 3
"""Raised with each change of the columns, which is then a step of `harness.store.versions`."""
SCHEMA_KEY = "harness.schema"
"""Under this key the metadata of a table name its version."""

SCHEMA = pa.schema(
    [
        ("run", pa.string()),
        ("suite", pa.string()),
        ("case", pa.string()),
        ("key", pa.string()),
        ("fingerprint", pa.string()),
        ("task", pa.string()),
        ("task_label", pa.string()),
        ("task_parameters", pa.string()),
        ("model", pa.string()),
        ("model_label", pa.string()),
        ("model_parameters", pa.string()),
        ("role", pa.string()),
        ("backend", pa.string()),
        ("backend_label", pa.string()),
        ("backend_parameters", pa.string()),
        ("seed", pa.int64()),
        ("scale", pa.string()),
        ("status", pa.string()),
        ("metric", pa.string()),
        ("unit", pa.string()),
        ("direction", pa.string()),
        ("value", pa.float64()),
        ("coordinates", pa.string()),
        ("seconds", pa.float64()),
        ("cpu_seconds", pa.float64()),
        ("phases", pa.string()),
        ("peak_memory", pa.int64()),
        ("error", pa.string()),
        ("traceback", pa.string()),
        ("output", pa.string()),
        ("reused_from", pa.string()),
        ("finished_at", pa.timestamp("ms", tz="UTC")),
        ("attempts", pa.int64()),
        ("device_memory", pa.int64()),
    ],
    metadata={SCHEMA_KEY: str(SCHEMA_VERSION)},
)

_ROWS = pa.list_(pa.struct(list(SCHEMA)))


def to_batch(run: str, suite: str, case: Case, result: Result, finished_at: int) -> pa.RecordBatch:
    """A case's rows: one per value; a case without values has one row, its metric and value null."""
    shared: dict[str, Any] = {
        "run": run,
        "suite": suite,
        "case": case.id,
        "key": case.key,
        "fingerprint": case.fingerprint.id,
        "task": case.task.name,
        "task_label": case.task.label,
        "task_parameters": case.task.parameters,
        "model": case.model.name,
        "model_label": case.model.label,
        "model_parameters": case.model.parameters,
        "role": case.model.role,
        "backend": case.backend.name,
        "backend_label": case.backend.label,
        "backend_parameters": case.backend.parameters,
        "seed": case.seed,
        "scale": case.scale,
        "status": str(result.status),
        "seconds": result.seconds,
        "cpu_seconds": result.cpu_seconds,
        "phases": _json(result.phases),
        "peak_memory": result.peak_memory,
        "error": _text(result.error),
        "traceback": _text(result.traceback),
        "output": _text(result.output),
        "reused_from": result.reused_from,
        "finished_at": finished_at,
        "attempts": result.attempts,
        "device_memory": result.device_memory,
    }
    rows = [{**shared, **_value(measurement)} for measurement in result.measurements] or [shared]
    structs = pa.scalar(rows, _ROWS).values  # one conversion for all columns
    return pa.RecordBatch.from_struct_array(structs).replace_schema_metadata(SCHEMA.metadata)


def to_results(table: pa.Table) -> Iterator[tuple[str, Result]]:
    """The results of a table by case id; a case's rows stand together."""
    for case, rows in groupby(table.to_pylist(), key=lambda row: row["case"]):
        yield case, _result(list(rows))


def _value(measurement: Measurement) -> dict[str, Any]:
    return {
        "metric": measurement.metric,
        "unit": measurement.unit,
        "direction": measurement.direction,
        "value": measurement.value,
        "coordinates": _json(measurement.coordinates) if measurement.coordinates else None,
    }


def _result(rows: list[dict[str, Any]]) -> Result:
    first = rows[0]
    return Result(
        status=Status(first["status"]),
        measurements=tuple(_measurements(rows)),
        seconds=first["seconds"],
        cpu_seconds=first["cpu_seconds"],
        phases=json.loads(first["phases"]),
        peak_memory=first["peak_memory"],
        device_memory=first["device_memory"],
        error=first["error"],
        traceback=first["traceback"],
        output=first["output"],
        attempts=first["attempts"],
        reused_from=first["reused_from"] or first["run"],
    )


def _measurements(rows: Iterable[dict[str, Any]]) -> Iterator[Measurement]:
    for row in rows:
        if row["metric"] is not None:
            coordinates = json.loads(row["coordinates"]) if row["coordinates"] else None
            yield Measurement(row["metric"], row["unit"], row["direction"], row["value"], coordinates)


def _text(value: str | None) -> str | None:
    """Text that can be stored: what a model says may hold halves of characters (undecodable file names do)."""
    return None if value is None else value.encode("utf-8", "replace").decode()


def _json(value: Any) -> str:
    return json.dumps(dict(value), sort_keys=True)
