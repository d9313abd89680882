"""What the tests of the store share: a case, its rows, and a run that was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from harness.backends import Cpu
from harness.builtin.store import StoreWriter
from harness.plan.case import Case, Fingerprint
from harness.results import Measurement, Result, Status
from harness.store.rows import to_batch
from harness.suite.suite import CaseLimits, Choice

DATA = Path(__file__).parents[2] / "data"


def case(seed: int = 0, parameters: dict[str, object] | None = None) -> Case:
    """A case that only its seed tells from another."""

    def choice(name: str) -> Choice:
        return Choice(name, Cpu, parameters or {}, parameters or {})

    limits = CaseLimits(1.0, None)
    fingerprint = Fingerprint({}, {}, "3")
    return Case(choice("a/task"), choice("a/model"), choice("cpu"), seed, "smoke", ("m",), limits, "case", fingerprint)


def result(seed: int) -> Result:
    """The result of the case of this seed."""
    return Result(Status.OK, (Measurement("m", "1", "lower", seed / 3),))


def batch(seed: int, of: Result | None = None) -> pa.RecordBatch:
    """The rows of the case of this seed."""
    return to_batch("run", "suite", case(seed), of or result(seed), 0)


@pytest.fixture
def write_run(tmp_path: Path, record: Callable[..., dict[str, Any]]) -> Callable[..., Path]:
    """Write a run into the store `tmp_path / "runs"`: `write_run("name", seeds, finish=True)`; answers its folder."""

    def write(name: str = "run", seeds: int = 3, *, finish: bool = True) -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        finished = "2026-01-01T00:10:00+00:00" if finish else None
        suite = SimpleNamespace(name="toy", text="name: toy\n")
        run = SimpleNamespace(
            id=name, directory=folder, suite=suite, record=lambda: record(name, cases=seeds, finished_at=finished)
        )
        writer = StoreWriter()
        writer.harness_run_started(run)
        for seed in range(seeds):
            writer.harness_case_finished(run, case(seed), result(seed))
        if finish:
            writer.harness_run_finished(run)
        else:
            writer._journal.close()  # as the end of a process does
        return folder

    return write
