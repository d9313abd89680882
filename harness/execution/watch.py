"""Memory that the limit of a single process does not see: what its children hold, and what is shared."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from harness.execution.job import Job
from harness.execution.processes import Process, own_memory, trees
from harness.plan.case import Case

_SECONDS = 0.25
_FRACTION = 0.01
"""Of the time, what looking may take."""


class MemoryWatch:
    """Looks at running jobs now and then."""

    def __init__(self, limit: Callable[[Case], int]) -> None:
        self._limit = limit
        self.due = time.monotonic() + _SECONDS
        """When to look again, on the monotonic clock."""

    def over(self, jobs: Collection[Job]) -> list[Job]:
        """The jobs whose processes together hold more than their case may."""
        start = time.monotonic()
        if start < self.due:
            return []
        by_pid = {job.pid: job for job in jobs if job.pid is not None and job.current}
        found = [by_pid[pid] for pid, tree in trees(by_pid).items() if self._is_over(by_pid[pid], tree)]
        now = time.monotonic()
        self.due = now + max(_SECONDS, (now - start) / _FRACTION)
        return found

    def _is_over(self, job: Job, tree: Collection[Process]) -> bool:
        """A rough sum first; files that are mapped count in it, though the kernel can take them back."""
        assert job.current is not None
        limit = self._limit(job.current)
        if sum(max(0, process.resident - job.held) for process in tree) <= limit:
            return False
        return sum(max(0, own_memory(process.pid) - job.held) for process in tree) > limit
