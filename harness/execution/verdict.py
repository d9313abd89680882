"""Why a worker ended before its case did."""

from __future__ import annotations

import signal
import time

from harness.execution.job import Job
from harness.execution.server import End
from harness.results import Result, Status

_ABORTED_ALLOCATION = "std::bad_alloc"


def verdict(end: End[Job], memory: int, *, kernel_kills: bool) -> Result:
    """The result of the case that a job was running when it ended.

    Args:
        end: how it ended.
        memory: the case's limit, in bytes.
        kernel_kills: whether the kernel has killed a process for want of memory meanwhile.
    """
    job, case = end.job, end.job.current
    assert case is not None
    output, stack = job.output.of(case.id)
    limit = f"{memory / 1e9:.3g} GB"
    status, error = Status.CRASHED, end.reason or _ended(end.code)
    if job.stopped == "time":
        status, error = Status.TIMEOUT, f"stopped at its limit of {case.limits.seconds:g} s"
    elif job.stopped == "memory":
        status, error = Status.OUT_OF_MEMORY, f"stopped when its processes held more than its limit of {limit}"
    elif job.stopped == "garbled":
        error = "its process sent what is no result"
    elif end.code == -signal.SIGKILL and kernel_kills:
        status, error = Status.OUT_OF_MEMORY, "killed by the kernel: the machine was out of memory"
    elif end.code == -signal.SIGABRT and _ABORTED_ALLOCATION in (output or ""):
        status, error = Status.OUT_OF_MEMORY, f"an allocation failed at its limit of {limit} (std::bad_alloc)"
    return Result(
        status,
        error=error,
        output=output,
        traceback=stack,
        seconds=time.monotonic() - job.began if job.began is not None else None,
        cpu_seconds=end.cpu_seconds if case.isolation == "case" else None,
        peak_memory=None if end.peak is None else max(0, end.peak - job.held),
    )


def _ended(code: int) -> str:
    if code >= 0:
        return f"its process ended with exit code {code}"
    known = {number.value: number.name for number in signal.Signals}
    return f"its process was killed by {known.get(-code, f'signal {-code}')}"
