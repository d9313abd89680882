"""The local executor: cases in worker processes on this machine, so many at a time, with hard limits."""

from __future__ import annotations

import selectors
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError
from harness.execution import spec as wire
from harness.execution.server import Job, Server
from harness.plan.case import Case
from harness.results import Result, Status

SHARED_CASES = 50
"""Cases after which a shared process is replaced by a fresh one, the last instance's cases completed."""


@dataclass(frozen=True)
class Event:
    """A case has begun (no result yet) or has its result."""

    case: Case
    result: Result | None = None


class LocalExecutor:
    """Runs cases on this machine."""

    def __init__(
        self,
        workers: int,
        spec: Callable[[Case], wire.CaseSpec],
        modules: Callable[[Iterable[Case]], list[str]],
    ) -> None:
        self._workers = workers
        self._spec = spec
        self._modules = modules
        self._selector = selectors.DefaultSelector()
        self._servers: dict[int, Server] = {}
        self._running: dict[Job, Server] = {}

    def execute(self, cases: Sequence[Case]) -> Iterator[Event]:
        """Run the cases and yield what happens. Timed cases come last, alone. Closing the iterator kills what runs."""
        pending = {
            False: deque(_jobs(c for c in cases if not c.timed)),
            True: deque(_jobs(c for c in cases if c.timed)),
        }
        by_threads: dict[int, list[Case]] = {}
        for case in cases:
            by_threads.setdefault(_threads(case), []).append(case)
        try:
            for threads, group in by_threads.items():
                self._open(threads, self._modules(group))
            while pending[False] or pending[True] or self._running:
                self._launch(pending)
                for key, _ in self._selector.select(self._patience()):
                    if self._selector.get_map().get(key.fd) is key:  # not closed by what came just before
                        yield from key.data(pending)
                self._kill_overdue()
        finally:
            for job in self._running:
                job.close()
            for server in self._servers.values():
                server.close()
            self._selector.close()

    def _open(self, threads: int, modules: Sequence[str]) -> None:
        server = self._servers[threads] = Server(threads, modules)
        self._selector.register(server.control, selectors.EVENT_READ, lambda pending: self._hear(threads, pending))

    def _launch(self, pending: dict[bool, deque[list[Case]]]) -> None:
        """Start jobs while there are workers to spare; a timed one only when nothing else runs."""
        for timed, most in ((False, self._workers), (True, 1)):
            if timed and pending[False]:
                return
            while pending[timed] and len(self._running) < most:
                server = self._servers[_threads(pending[timed][0][0])]
                if not server.ready:
                    return
                job = Job(pending[timed].popleft(), self._spec)
                server.start(job)
                self._running[job] = server
                self._selector.register(job.channel, selectors.EVENT_READ, lambda _, job=job: self._listen(job))

    def _listen(self, job: Job) -> Iterator[Event]:
        """What a worker says of its cases."""
        for message in job.messages():
            if message["event"] == "finished" and job.current:
                yield Event(job.finish_current(), wire.result(message))
            if job.current:  # it starts when the one before has finished
                job.deadline = time.monotonic() + job.current.limits.seconds
                yield Event(job.current)
        if job.silent and job.channel in self._selector.get_map():
            self._selector.unregister(job.channel)

    def _hear(self, threads: int, pending: dict[bool, deque[list[Case]]]) -> Iterator[Event]:
        """What a zygote says of its jobs."""
        server = self._servers[threads]
        ended = server.ended()
        if ended is None:
            yield from self._replace(threads, server, pending)
            return
        for job, code in ended:
            yield from self._finish(job, code, pending)

    def _finish(self, job: Job, code: int, pending: dict[bool, deque[list[Case]]]) -> Iterator[Event]:
        yield from self._listen(job)
        if job.channel in self._selector.get_map():
            self._selector.unregister(job.channel)
        del self._running[job]
        if job.pid is None:  # its zygote died before it began
            pending[job.left_over()[0].timed].appendleft(job.left_over())
        elif job.current:
            if job.overdue in (None, job.current):  # else it finished just in time, and the next was hit
                result = _verdict(job, job.current, code)
                yield Event(job.finish_current(), result)
            if rest := job.left_over():
                pending[rest[0].timed].appendleft(rest)
        job.close()

    def _replace(self, threads: int, server: Server, pending: dict[bool, deque[list[Case]]]) -> Iterator[Event]:
        """A zygote has died: while importing (then the next imports nothing ahead), or by accident with its jobs."""
        self._selector.unregister(server.control)
        server.close()
        if not server.ready and not server.modules:
            raise HarnessError(f"no worker can be started: {sys.executable} -m harness.execution.zygote ends at once")
        self._open(threads, server.modules if server.ready else [])
        for job in [job for job, its in self._running.items() if its is server]:
            yield from self._finish(job, -signal.SIGKILL, pending)

    def _patience(self) -> float | None:
        deadlines = [job.deadline for job in self._running if job.deadline is not None and not job.overdue]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for job, server in self._running.items():
            overdue = job.deadline is not None and job.deadline <= now
            if overdue and job.pid is not None and not job.overdue:  # without its number it cannot be killed yet
                job.overdue = job.current
                server.kill(job)


def _jobs(cases: Iterable[Case]) -> Iterator[list[Case]]:
    """Each case by itself; those that share processes in batches, the cases of an instance together."""
    shared: dict[int, dict[str, list[Case]]] = {}
    for case in cases:
        if case.isolation == "case":
            yield [case]
        else:
            shared.setdefault(_threads(case), {}).setdefault(case.instance_key, []).append(case)
    for by_instance in shared.values():
        batch: list[Case] = []
        for group in by_instance.values():
            batch += group
            if len(batch) >= SHARED_CASES:
                yield batch
                batch = []
        if batch:
            yield batch


def _threads(case: Case) -> int:
    threads: Any = case.backend.values["threads"]
    return int(threads)


def _verdict(job: Job, case: Case, code: int) -> Result:
    """Why a worker ended before its case did."""
    if job.overdue:
        seconds = case.limits.seconds
        error = f"stopped at its limit of {seconds:g} s"
        return Result(Status.TIMEOUT, error=error, output=job.output(), seconds=seconds)
    if code >= 0:
        error = f"its process ended with exit code {code}"
    else:
        known = {number.value: number.name for number in signal.Signals}
        error = f"its process was killed by {known.get(-code, f'signal {-code}')}"
    return Result(Status.CRASHED, error=error, output=job.output())
