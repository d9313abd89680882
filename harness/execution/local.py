"""The local executor: cases in worker processes on this machine, so many at a time, with hard limits."""

from __future__ import annotations

import dataclasses
import math
import os
import selectors
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.execution import spec as wire
from harness.execution.job import Job, Why
from harness.execution.machine import memory_kills
from harness.execution.queue import Queue
from harness.execution.server import End, Server
from harness.execution.stop import Stop
from harness.execution.texts import presentable
from harness.execution.verdict import verdict
from harness.execution.watch import MemoryWatch
from harness.plan.case import Case
from harness.plan.planner import Modules
from harness.redaction import Redactor
from harness.results import Result, Status

_KILL_SECONDS = 0.1
"""Between asking a worker where it stands, which ends it, and killing it."""
_DEAF_SECONDS = 2.0
"""After which a server that does not kill is killed itself."""


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
        modules: Callable[[Iterable[Case]], Modules],
        memory: int,
    ) -> None:
        """Args: how many at a time; what travels to them; what they import; bytes that each may use by default."""
        self._workers = workers
        self._spec = spec
        self._modules = modules
        self._memory = memory
        self._watch = MemoryWatch(lambda case: wire.memory_limit(case, memory))
        self._selector = selectors.DefaultSelector()
        self._servers: dict[int, Server[Job]] = {}
        self._running: dict[Job, Server[Job]] = {}
        self._queue = Queue(())
        self._starts: Counter[str] = Counter()
        self._crashes: Counter[str] = Counter()
        self._kernel_kills = memory_kills()
        self._redactor = Redactor(os.environ)
        self._scratch = Path()

    def execute(self, cases: Sequence[Case], stop: Stop | None = None) -> Generator[Event, None, None]:
        """Run the cases and yield what happens. Timed cases come last, alone. Closing the iterator kills what runs."""
        self._queue = Queue(cases)
        self._scratch = Path(tempfile.mkdtemp(prefix="harness-"))
        by_threads: dict[int, list[Case]] = {}
        for case in cases:
            by_threads.setdefault(case.threads, []).append(case)
        try:
            if stop:
                self._selector.register(stop, selectors.EVENT_READ, lambda _: self._wind_up(stop))
            for threads, group in by_threads.items():
                self._open(threads, self._modules(group))
            while (self._queue or self._running) and not (stop and stop.at_once):
                self._launch()
                for key, ready in self._selector.select(self._patience()):
                    if self._selector.get_map().get(key.fd) is key:  # not closed by what came just before
                        yield from key.data(ready)
                self._enforce()
        finally:
            for job in self._running:
                job.close()
            for server in self._servers.values():
                server.close()
            self._selector.close()
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _open(self, threads: int, modules: Modules) -> None:
        server = self._servers[threads] = Server(threads, modules, self._scratch / str(threads))
        self._selector.register(server.control, selectors.EVENT_READ, lambda _: self._hear(threads))

    def _launch(self) -> None:
        """Start what may be started now."""
        while batch := self._queue.next(len(self._running), self._workers):
            server = self._servers[batch[0].threads]
            if not server.ready:
                return
            self._queue.taken(batch)
            job = Job(batch, self._spec)
            server.start(job)
            self._running[job] = server
            self._selector.register(job.channel, _events(job), lambda ready, job=job: self._listen(job, ready))
            self._selector.register(job.output, selectors.EVENT_READ, lambda _, job=job: self._take_output(job))

    def _wind_up(self, stop: Stop) -> Iterator[Event]:
        """Start nothing more."""
        stop.heard()
        self._queue.close()
        return iter(())

    def _take_output(self, job: Job) -> Iterator[Event]:
        job.output.drain()
        if job.output.ended:
            self._unregister(job.output)
        return iter(())

    def _listen(self, job: Job, ready: int = selectors.EVENT_READ) -> Iterator[Event]:
        """What a worker says of its cases."""
        if ready & selectors.EVENT_WRITE:
            job.send()
        try:
            for message in job.messages():
                yield from self._heed(job, message)
        except ValueError:
            self._stop(job, "garbled")
        if job.silent:
            self._unregister(job.channel)
        elif (key := self._selector.get_map().get(job.channel)) and key.events != _events(job):
            self._selector.modify(job.channel, _events(job), key.data)

    def _heed(self, job: Job, message: wire.Message | wire.Started) -> Iterator[Event]:
        if job.over:
            return
        if message["event"] == "started":
            job.held = message["held"]
        else:
            result = wire.result(message)
            if result.failed:
                result = dataclasses.replace(result, output=job.output.of(message["case"])[0])
            yield from self._conclude(job.finish_current(), result)
            job.over = message["last"]
            if self._queue.closed and job.current and not job.over:
                job.over = True
                self._running[job].kill(job)
        if not job.over and (case := job.begin()):  # it starts when the one before has finished
            self._starts[case.id] += 1
            yield Event(case)

    def _hear(self, threads: int) -> Iterator[Event]:
        """What a zygote says of its jobs."""
        server = self._servers[threads]
        ends = server.heard()
        if ends is None:
            yield from self._replace(threads, server)
            return
        for end in ends:
            yield from self._finish(end)

    def _finish(self, end: End[Job]) -> Iterator[Event]:
        """A job has ended: what ran has its result, what did not waits again."""
        job = end.job
        yield from self._listen(job)
        self._unregister(job.channel)
        self._unregister(job.output)
        del self._running[job]
        spared = job.over or (job.stopped and job.condemned is not job.current)  # it finished just in time
        if job.current and not spared:
            memory = wire.memory_limit(job.current, self._memory)
            result = verdict(end, memory, kernel_kills=self._kernel_has_killed())
            yield from self._conclude(job.finish_current(), result)
        self._queue.put_back(job.left_over())
        job.close()

    def _conclude(self, case: Case, result: Result) -> Iterator[Event]:
        """A case has its result, unless it may be tried again."""
        if result.status is Status.CRASHED and not self._queue.closed:
            self._crashes[case.id] += 1
            if self._crashes[case.id] <= case.retries:
                self._queue.put_back([case])
                return
        result = dataclasses.replace(result, attempts=max(1, self._starts[case.id]))
        yield Event(case, presentable(result, self._redactor))

    def _replace(self, threads: int, server: Server[Job]) -> Iterator[Event]:
        """A zygote has died: while importing (then the next leaves that out), or with its jobs, perhaps by one."""
        self._selector.unregister(server.control)
        server.close()
        modules = server.modules if server.ready else server.modules.without(server.importing or "")
        if not server.ready and modules == server.modules:
            raise HarnessError(f"no worker can be started: {sys.executable} -m harness.execution.zygote ends at once")
        jobs = [job for job, its in self._running.items() if its is server]
        for job in jobs:
            yield from self._bury(job, alone=len(jobs) == 1)
        self._open(threads, modules)

    def _bury(self, job: Job, *, alone: bool) -> Iterator[Event]:
        """A job has died with its server. If others have too, it is not known whose fault it is: try each by itself."""
        if job.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(job.pid, signal.SIGKILL)  # nobody else will
        yield from self._listen(job)
        if job.current and job.pid is not None and not (alone or job.stopped):
            self._queue.suspect(job.finish_current())
            job.over = True
        elif job.pid is None:
            job.over = True  # it never began
        yield from self._finish(End(job, -signal.SIGKILL, reason="the server of its process died while it ran"))

    def _enforce(self) -> None:
        """Stop what is over its limits, and servers that do not answer."""
        now = time.monotonic()
        for job in self._watch.over(self._running):
            self._stop(job, "memory")
        for job, server in self._running.items():
            if job.stopped_at is None:
                if job.deadline is not None and job.deadline <= now:
                    self._stop(job, "time")
            elif job.stopped_at + _KILL_SECONDS <= now:
                server.kill(job)
                if job.stopped_at + _DEAF_SECONDS <= now:
                    server.kill_all()
        for server in self._servers.values():
            if server.patience_ends <= now:
                server.kill_all()

    def _stop(self, job: Job, why: Why) -> None:
        if job.stopped is None:
            job.stop(why)
            self._running[job].abort(job)

    def _patience(self) -> float:
        """Seconds until something has to be enforced."""
        now = time.monotonic()
        times = [self._watch.due, *(server.patience_ends for server in self._servers.values())]
        for job in self._running:
            if job.stopped_at is None:
                times.append(math.inf if job.deadline is None else job.deadline)
            else:
                kill, give_up = job.stopped_at + _KILL_SECONDS, job.stopped_at + _DEAF_SECONDS
                times.append(kill if now < kill else give_up)
        return max(0.0, min(times) - now)

    def _kernel_has_killed(self) -> bool:
        """Whether a death may be put down to the kernel: each that it has counted explains one."""
        if there := memory_kills() > self._kernel_kills:
            self._kernel_kills += 1
        return there

    def _unregister(self, end: object) -> None:
        with suppress(KeyError):
            self._selector.unregister(end)  # type: ignore[arg-type]


def _events(job: Job) -> int:
    return selectors.EVENT_READ | (selectors.EVENT_WRITE if job.unsent else 0)
