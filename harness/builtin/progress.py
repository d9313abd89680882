"""Shows how a run goes: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from harness.hookspecs import hookimpl
from harness.tables import console, duration, inert

if TYPE_CHECKING:
    from harness.plan.case import Case
    from harness.results import Result
    from harness.running import Run

_PLAIN_SECONDS = 5.0
"""Least time between two plain lines of progress."""


class Progress:
    """Progress on stderr."""

    def __init__(self) -> None:
        self._console = console(stderr=True)
        self._bar: Bar | None = None
        self._line: Any = None
        self._running: dict[str, Case] = {}
        self._left: dict[str, float | None] = {}
        self._known = 0.0
        """Seconds of the cases left whose time is known; the others are reckoned from those that are done."""
        self._unknown: Counter[str] = Counter()
        """By task, since the cases of one are the likest."""
        self._spent: dict[str, list[float]] = {}
        """Of each task, the seconds and the number of the cases that are done."""
        self._said = 0.0

    @hookimpl
    def harness_run_started(self, run: Run) -> None:
        """Begin; the time left is reckoned from how long the cases took when they last ran, or else from the others."""
        waiting = [planned for planned in run.plan if planned.to_run]
        self._left = {planned.case.id: planned.expected_seconds for planned in waiting}
        self._known = sum(seconds for seconds in self._left.values() if seconds is not None)
        self._unknown = Counter(planned.case.task.name for planned in waiting if planned.expected_seconds is None)
        self._said = time.monotonic()
        if self._console.is_terminal:
            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
            self._bar = Bar(*columns, console=self._console, transient=True)
            self._line = self._bar.add_task("", total=len(run.plan))
            self._bar.start()

    @hookimpl
    def harness_case_started(self, run: Run, case: Case) -> None:
        """Show what runs now."""
        self._running[case.id] = case
        if self._bar:
            self._bar.update(self._line, description=self._describe(run))

    @hookimpl
    def harness_case_finished(self, run: Run, case: Case, result: Result) -> None:
        """Count; a failure is said at once."""
        self._running.pop(case.id, None)
        if case.id in self._left:
            self._count(case.task.name, self._left.pop(case.id), result.seconds)
        if result.failed:
            self._console.print(
                f"[red]{result.status}[/] {inert(str(case))}: {inert(result.error or '')}", soft_wrap=True
            )
        if self._bar:
            self._bar.update(self._line, advance=1, description=self._describe(run))
        elif time.monotonic() - self._said > _PLAIN_SECONDS:
            self._said = time.monotonic()
            done = f"{sum(run.statuses.values())}/{len(run.plan)} cases"
            self._console.print(" · ".join(part for part in (done, self._describe(run)) if part), soft_wrap=True)

    @hookimpl
    def harness_run_finished(self) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.stop()

    def _count(self, task: str, expected: float | None, took: float | None) -> None:
        """Take a case off what is left. Sums are kept, not made anew: a run may have a hundred thousand cases."""
        if expected is None:
            self._unknown[task] -= 1
        else:
            self._known -= expected
        if took is not None:
            spent = self._spent.setdefault(task, [0.0, 0])
            spent[0] += took
            spent[1] += 1

    def _unknown_seconds(self) -> float:
        """A task of which nothing is done is taken to be like the others."""
        means = {task: seconds / count for task, (seconds, count) in self._spent.items()}
        overall = sum(means.values()) / len(means)
        return sum(count * means.get(task, overall) for task, count in self._unknown.items())

    def _describe(self, run: Run) -> str:
        failed = sum(count for status, count in run.statuses.items() if status not in ("ok", "skipped"))
        parts = [f"{failed} failed"] if failed else []
        if self._left and self._spent:
            left = self._known + self._unknown_seconds()
            parts.append(f"about {duration(left / run.workers)} left")
        if self._running:
            parts.append(f"now {inert(str(next(iter(self._running.values()))))}")
        return " · ".join(parts)
