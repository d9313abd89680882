"""The coordinator's side of a zygote: start jobs, hear of their ends, kill them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from harness.execution.spec import CaseSpec
from harness.execution.worker import tail
from harness.execution.zygote import REQUEST
from harness.plan.case import Case

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_AHEAD = 2
"""Specifications sent before the answer to the first: the worker never waits for the coordinator."""


class Job:
    """Cases that share one worker process, and where the worker stands."""

    def __init__(self, cases: Sequence[Case], spec: Callable[[Case], CaseSpec]) -> None:
        self.channel, self._worker_end = socket.socketpair()
        self._output = tempfile.TemporaryFile(mode="a+b")  # noqa: SIM115 - lives as long as the job
        self._spec = spec
        self._unsent = deque(cases)
        self._sent: deque[Case] = deque()
        self._buffer = b""
        self.pid: int | None = None
        self.deadline: float | None = None
        """When the running case has to be done, on the monotonic clock."""
        self.overdue: Case | None = None
        """The case for whose limit the worker has been killed."""
        self.silent = False
        """Whether the worker has closed its end."""
        self._feed()

    @property
    def current(self) -> Case | None:
        """The case that runs, or is next to."""
        return self._sent[0] if self._sent else None

    def descriptors(self) -> list[int]:
        """What the worker gets: its end of the channel and the file for its output."""
        return [self._worker_end.fileno(), self._output.fileno()]

    def started(self) -> None:
        """The worker's end is the worker's now."""
        self._worker_end.close()
        self.channel.setblocking(False)

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the worker has said since the last time; sets `silent` when it will say no more."""
        while chunk := self._receive():
            self._buffer += chunk
        self.silent = chunk is not None
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            yield json.loads(line)

    def finish_current(self) -> Case:
        """Take the running case off the list, and send the worker another."""
        case = self._sent.popleft()
        self.deadline = None
        self._feed()
        return case

    def left_over(self) -> list[Case]:
        """The cases that have not been finished."""
        return [*self._sent, *self._unsent]

    def output(self) -> str | None:
        """The end of what the worker wrote."""
        return tail(self._output.fileno())

    def close(self) -> None:
        """Let go of the channel and the file."""
        self.channel.close()
        self._worker_end.close()
        self._output.close()

    def _feed(self) -> None:
        try:
            while self._unsent and len(self._sent) < _AHEAD:
                case = self._unsent.popleft()
                self._sent.append(case)
                self.channel.setblocking(True)
                self.channel.sendall(json.dumps(self._spec(case)).encode() + b"\n")
            if not self._unsent:
                self.channel.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the worker is gone; its end will be reported
        finally:
            self.channel.setblocking(False)

    def _receive(self) -> bytes | None:
        """What has arrived; None if there is nothing yet, empty at the end."""
        try:
            return self.channel.recv(1 << 16)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            return b""


class Server:
    """A zygote with the number of threads its workers have."""

    def __init__(self, threads: int, modules: Sequence[str]) -> None:
        self.control, theirs = socket.socketpair()
        self.ready = False
        self.modules = modules
        self._awaiting: deque[Job] = deque()
        self._jobs: dict[int, Job] = {}
        self._buffer = b""
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.execution.zygote", str(theirs.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_environment(threads),
                start_new_session=True,  # the terminal's Ctrl-C is for the coordinator
            )
        assert self._process.stdin is not None
        with self._process.stdin as stdin:
            stdin.write(json.dumps({"path": sys.path, "modules": list(modules)}).encode() + b"\n")

    def start(self, job: Job) -> None:
        """Have a worker forked for a job. If the zygote is gone, that is heard where its answers are."""
        with contextlib.suppress(OSError):
            socket.send_fds(self.control, [REQUEST.pack(b"J", 0)], job.descriptors())
        job.started()
        self._awaiting.append(job)

    def kill(self, job: Job) -> None:
        """Kill a job's process group; its end is reported as ever."""
        if job.pid is not None:
            with contextlib.suppress(OSError):
                self.control.sendall(REQUEST.pack(b"K", job.pid))

    def ended(self) -> Iterator[tuple[Job, int]] | None:
        """The jobs that have ended, with their exit codes (negative: a signal); None if the zygote itself has died."""
        try:
            chunk = self.control.recv(1 << 16)
        except ConnectionResetError:
            chunk = b""
        self._buffer += chunk
        *lines, self._buffer = self._buffer.split(b"\n")
        return self._read(lines) if chunk else None

    def close(self) -> None:
        """End the zygote and every job of it."""
        self.control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self, lines: Sequence[bytes]) -> Iterator[tuple[Job, int]]:
        for line in lines:
            word, *numbers = line.split()
            if word == b"ready":
                self.ready = True
            elif word == b"+":
                job = self._awaiting.popleft()
                job.pid = int(numbers[0])
                self._jobs[job.pid] = job
            else:
                yield self._jobs.pop(int(numbers[0])), int(numbers[1])


def _environment(threads: int) -> dict[str, str]:
    """The workers' environment: threads are read when libraries are loaded, hashes of strings must not be random."""
    return {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads)), "PYTHONHASHSEED": "0"}
