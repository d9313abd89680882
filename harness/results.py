"""What came of a case."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any


class Status(enum.StrEnum):
    """How a case ended."""

    OK = "ok"
    """Every metric has its value."""
    FAILED = "failed"
    """The task, the model or a metric raised an exception."""
    INVALID = "invalid"
    """The model's answer is not a legal one, or a metric is not a finite number."""
    TIMEOUT = "timeout"
    """Stopped at its time limit."""
    OUT_OF_MEMORY = "out-of-memory"
    """Asked for more memory than its limit."""
    CRASHED = "crashed"
    """Its process died."""
    SKIPPED = "skipped"
    """Not run: the backend is not available here."""


@dataclass(frozen=True)
class Measurement:
    """One value of one metric."""

    metric: str
    unit: str
    direction: str
    value: float
    coordinates: dict[str, Any] | None = None
    """Where a value of a curve stands, such as `{"step": 100}`; None for a plain number."""


@dataclass(frozen=True)
class Result:
    """What came of a case, whatever it was."""

    status: Status
    measurements: tuple[Measurement, ...] = ()
    seconds: float | None = None
    """Wall-clock time of the case, the instance included."""
    cpu_seconds: float | None = None
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds of each phase that the task marked."""
    peak_memory: int | None = None
    """Bytes above what the process held when the case began, without pages of files (code, mapped data)."""
    device_memory: int | None = None
    """The same of the accelerator's allocator; None without one, and where it does not count."""
    error: str | None = None
    """What went wrong, in one line."""
    traceback: str | None = None
    """The tail of the traceback."""
    output: str | None = None
    """The tail of what a case that is not ok wrote to stdout and stderr."""
    attempts: int = 1
    """How often it was started: more than once where its process died and the suite allows retries."""
    reused_from: str | None = None
    """The run that executed the case, if it was not this one."""

    @property
    def failed(self) -> bool:
        """Whether the case counts against the run's exit code."""
        return self.status not in (Status.OK, Status.SKIPPED)
