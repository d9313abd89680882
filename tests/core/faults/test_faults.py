"""Whatever a case does costs the case alone, alone or beside others, in processes of its own or in shared ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from harness.api import RunResult, prepare, start
from harness.errors import ExitCode
from harness.store.store import Store

from .faults import FAULTS, Fault, table, written

WAYS = {"serial": ("case", 1), "two workers": ("case", 2), "shared": ("shared", 2)}


def neighbours(fault: Fault) -> dict[str, Any]:
    """Cells that have nothing to do with it; some look at the state of their process."""
    if fault.task == "faulty-torch/double":
        return {"tasks": [fault.task], "models": [{"faulty-torch/doubler": {"how": how}} for how in ("well", "better")]}
    inspector = "faulty-torch/torch-inspector" if "torch" in str(fault.entry) else "faulty/inspector"
    task = fault.task if fault.task == "faulty/mutable-guess" else "guessing/guess"
    models = ["guessing/noisy", {inspector: {"value": [1.0, 2.0]}}, {"guessing/constant": {"value": [0.5, 1.5]}}]
    return {"tasks": [task], "models": models, "metrics": ["error"]}


def around(cells: dict[str, Any], own: dict[str, Any]) -> list[dict[str, Any]]:
    """The first of the neighbours, the case, and then the others, those that look at their process among them."""
    return [{**cells, "models": cells["models"][:1]}, own, cells]


@pytest.fixture
def run(of, runs) -> Callable[..., Any]:
    def execute(matrix: list[dict[str, Any]], way: str) -> Any:
        isolation, workers = WAYS[way]
        prepared = prepare(of(matrix=matrix, isolation=isolation), store=runs, fresh=True)
        return start(prepared, jobs=workers)

    return execute


@pytest.fixture(scope="module")
def undisturbed_runs() -> dict[str, dict[tuple[str, str], dict[str, Any]]]:
    """What neighbours are by themselves, by their cells: run once."""
    return {}


def by_cell(result: RunResult) -> dict[tuple[str, str], dict[str, Any]]:
    """The first row of each cell."""
    rows = Store(result.directory.parent).table(result.id).to_pylist()
    return {(row["task_label"], row["model_label"]): row for row in reversed(rows)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(fault: Fault, way: str, run, undisturbed_runs, survivors) -> None:
    cells = neighbours(fault)
    key = repr(cells)
    if key not in undisturbed_runs:
        undisturbed_runs[key] = by_cell(run([cells], "serial"))
    undisturbed = undisturbed_runs[key]
    own = {"tasks": [fault.task], "models": [fault.entry], "limits": dict(fault.limits)}
    own |= {} if fault.task == "faulty-torch/double" else {"metrics": list(fault.metrics)}

    result = run(around(cells, own), way)

    rows = by_cell(result)
    (mine,) = (row for cell, row in rows.items() if cell not in undisturbed)
    for cell, before in undisturbed.items():
        now = rows[cell]
        assert (now["status"], now["error"], now["value"]) == ("ok", None, before["value"]), cell
    error, trace, output = (mine[name] or "" for name in ("error", "traceback", "output"))
    assert mine["status"] == fault.status, error
    assert re.fullmatch(fault.error, error), error
    assert fault.traceback in trace
    assert fault.output in output
    assert max(map(len, (error, trace, output))) < 5000
    assert mine["peak_memory"] is None if not fault.peak_known else mine["peak_memory"] >= 0
    assert mine["seconds"] > 0
    assert result.exit_code == (ExitCode.OK if fault.status == "ok" else ExitCode.CASES_FAILED)
    assert survivors() == []


def test_the_documentation_has_the_table() -> None:
    assert written() == table(), "python tests/core/faults/faults.py writes it"
