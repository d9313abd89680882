"""What failed: the same error once, with the cells that have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.results import Status

if TYPE_CHECKING:
    import pyarrow as pa

_CELLS = 20
"""Cells that are listed of one error."""
_COLUMNS = ["case", "task_label", "model_label", "backend_label", "seed", "status", "error", "traceback", "output"]


@dataclass(frozen=True)
class Failure:
    """Cells that ended in the same way."""

    status: str
    error: str
    count: int
    cells: tuple[str, ...]
    """The first of them."""
    traceback: str
    """Of the first of them; empty if there is none."""
    output: str


def read_failures(table: pa.Table) -> tuple[Failure, ...]:
    """The failures in a table of results, the most frequent first."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bad = pc.invert(pc.is_in(table["status"], pa.array([Status.OK, Status.SKIPPED], pa.string())))
    groups: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
    for row in table.select(_COLUMNS).filter(bad).to_pylist():
        groups.setdefault((row["status"], row["error"] or ""), {})[row["case"]] = row
    found = [_failure(*key, list(cases.values())) for key, cases in groups.items()]
    return tuple(sorted(found, key=lambda failure: -failure.count))


def _failure(status: str, error: str, cases: list[dict[str, str]]) -> Failure:
    cells = tuple(
        f"{case['task_label']} · {case['model_label']} · {case['backend_label']} · seed {case['seed']}"
        for case in cases[:_CELLS]
    )
    first = cases[0]
    return Failure(status, error, len(cases), cells, first["traceback"] or "", first["output"] or "")
