"""What a measurement of speed leaves: one JSON document for each `harness speed run`."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.timing.rounds import ProcessTimes

Outcome: TypeAlias = Literal["ok", "noisy", "failed", "skipped"]


@dataclass(frozen=True)
class OperationKey:
    """Which operation: the same from commit to commit."""

    task: str
    """Label: the full name, and what the suite says of its parameters."""
    operation: str
    """One of the task's operations."""
    model: str
    """Label."""
    backend: str
    """Label."""
    scale: str = "claim"

    @property
    def group(self) -> tuple[str, ...]:
        """What operations that compete with each other share."""
        return (self.task, self.operation, self.backend, self.scale)

    def __str__(self) -> str:
        names = [self.task, self.operation, self.model, self.backend]
        return " · ".join(names if self.scale == "claim" else [*names, self.scale])


@dataclass(frozen=True)
class Measured:
    """An operation as one speed run measured it."""

    key: OperationKey
    role: str
    """What the model is to its paper."""
    baseline: str
    """Label of the model that its group is compared with."""
    outcome: Outcome
    error: str | None = None
    """Why there is no value, or why not to trust it."""
    processes: tuple[ProcessTimes, ...] = ()
    """One for each round in which it was not noisy."""
    noisy: int = 0
    """Rounds of which too few samples were clean."""
    items: float | None = None
    item: str = ""

    @property
    def seconds(self) -> float:
        """Median over the processes.

        Raises:
            statistics.StatisticsError: there are none.
        """
        return statistics.median(process.seconds for process in self.processes)

    @property
    def peak_memory(self) -> float:
        """Median over the processes, in bytes, as `seconds`."""
        return statistics.median(process.peak_memory for process in self.processes)


@dataclass(frozen=True)
class SpeedRun:
    """One execution of `harness speed run`."""

    id: str
    suite: str
    commit: str | None
    """Of the repository around the suite; None outside of one."""
    dirty: bool | None
    """Whether there were uncommitted changes."""
    started_at: str
    """ISO 8601, UTC."""
    fingerprint: dict[str, str]
    """The machine in coarse terms: two values are one series where it is equal."""
    conditions: dict[str, float]
    """What else may explain a value: load, involuntary context switches ... Data, never a key."""
    versions: dict[str, str]
    """Of the packages that matter."""
    operations: tuple[Measured, ...] = ()
    schema: int = 1
