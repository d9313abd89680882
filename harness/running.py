"""One execution of a suite."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import ExitCode
from harness.execution.local import Event, LocalExecutor
from harness.execution.stop import Stop
from harness.plan.case import Case
from harness.plan.reuse import Planned
from harness.plugins import Plugins
from harness.results import Result, Status
from harness.store.rows import SCHEMA_VERSION
from harness.suite.suite import Suite


@dataclass
class Run:
    """A run: what was planned, and how far it has come."""

    id: str
    directory: Path
    """The run's folder in the store."""
    suite: Suite
    plan: Sequence[Planned]
    provenance: dict[str, Any]
    workers: int
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime | None = None
    conclude: Callable[[Run], None] | None = None
    """What is made of the results when all are there, before the run is over."""
    interrupted: bool = False
    statuses: Counter[Status] = field(default_factory=Counter)
    """How many cases have ended in which way so far."""

    def record(self) -> dict[str, Any]:
        """What `run.json` says."""
        fingerprints = {planned.case.fingerprint.id: planned.case.fingerprint.plain() for planned in self.plan}
        return {
            "schema": SCHEMA_VERSION,
            "run": self.id,
            "suite": {"name": self.suite.name, "description": self.suite.description, "path": str(self.suite.path)},
            "started_at": self.started_at.isoformat(timespec="seconds"),
            "finished_at": self.finished_at and self.finished_at.isoformat(timespec="seconds"),
            "interrupted": self.interrupted,
            "workers": self.workers,
            "cases": len(self.plan),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "provenance": self.provenance,
            "fingerprints": fingerprints,
        }

    @property
    def exit_code(self) -> ExitCode:
        """What the command returns."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        bad = sum(self.statuses.values()) - self.statuses[Status.OK] - self.statuses[Status.SKIPPED]
        return ExitCode.CASES_FAILED if bad else ExitCode.OK


def execute(run: Run, executor: LocalExecutor, plugins: Plugins, stop: Stop) -> None:
    """Run what has to be run and tell the plugins of everything. Stopped early, it keeps what is finished."""
    plugins.notify("harness_run_started", run=run)
    try:
        with stop.on_signals():
            for planned in run.plan:
                if not planned.to_run:
                    result = planned.reused or Result(Status.SKIPPED, error=planned.skipped)
                    _finished(run, plugins, planned.case, result)
            waiting = [planned.case for planned in run.plan if planned.to_run]
            with contextlib.closing(executor.execute(waiting, stop)) as events:  # if the store fails, nothing runs on
                for event in events:
                    _tell(run, plugins, event)
        run.interrupted = stop.requested and sum(run.statuses.values()) < len(run.plan)
        if run.conclude and not run.interrupted:
            run.conclude(run)
    except KeyboardInterrupt:
        run.interrupted = True
    finally:
        run.finished_at = datetime.now(UTC)
        plugins.notify("harness_run_finished", to_the_end=True, run=run)


def _tell(run: Run, plugins: Plugins, event: Event) -> None:
    if event.result is None:
        plugins.notify("harness_case_started", run=run, case=event.case)
    else:
        _finished(run, plugins, event.case, event.result)


def _finished(run: Run, plugins: Plugins, case: Case, result: Result) -> None:
    run.statuses[result.status] += 1
    plugins.notify("harness_case_finished", run=run, case=case, result=result)
