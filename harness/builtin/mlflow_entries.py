"""A case's rows in MLflow's terms: tags, parameters, metrics. MLflow allows few characters in names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_FORBIDDEN = re.compile(r"[^\w\-. :/]")
_VALUE_LENGTH = 5000
_NAME_LENGTH = 250


def provenance(record: Mapping[str, Any]) -> dict[str, str]:
    """The tags that a run and its cases share."""
    known = record["provenance"]
    return {"commit": str(known["commit"]), "dirty": str(known["dirty"]), "suite": str(record["suite"]["name"])}


def tags(row: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a case."""
    found = {
        "mlflow.runName": f"{row['task_label']} {row['model_label']} seed {row['seed']}"[:_NAME_LENGTH],
        "harness.case": row["case"],
        "paper": row["model"].partition("/")[0],
        "error": row["error"],
        **{name: row[name] for name in ("task", "model", "role", "backend", "seed", "scale", "status")},
    }
    return {name: str(value)[:_VALUE_LENGTH] for name, value in found.items() if value not in (None, "")}


def parameters(row: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a case, as `task.NAME`, `model.NAME` and `backend.NAME`."""
    return {
        _name(f"{kind}.{name}"): str(value)[:_VALUE_LENGTH]
        for kind in ("task", "model", "backend")
        for name, value in json.loads(row[f"{kind}_parameters"]).items()
    }


def metrics(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float, int]]:
    """Names, values and steps: of a curve, the step is its one whole-numbered coordinate, or the position."""
    first = rows[0]
    for name in ("seconds", "cpu_seconds", "peak_memory", "device_memory"):
        if first[name] is not None:
            yield f"case/{name}", float(first[name]), 0
    if first["attempts"] > 1:
        yield "case/attempts", float(first["attempts"]), 0
    for phase, seconds in json.loads(first["phases"]).items():
        yield _name(f"phase/{phase}"), seconds, 0
    for index, row in enumerate(rows):
        if row["metric"] is not None:
            ticks = list(json.loads(row["coordinates"]).values()) if row["coordinates"] else [0]
            step = ticks[0] if len(ticks) == 1 and isinstance(ticks[0], int) else index
            yield _name(row["metric"]), row["value"], step


def _name(text: str) -> str:
    """The text as MLflow takes it for a name: it must also read as the path of a file below a folder."""
    parts = _FORBIDDEN.sub("_", text)[:_NAME_LENGTH].split("/")
    return "/".join("_" if part in ("", ".", "..") else part for part in parts)
