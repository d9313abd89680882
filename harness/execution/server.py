"""The coordinator's side of a zygote: start jobs, hear of their ends, kill them."""

from __future__ import annotations

import contextlib
import getpass
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from harness.execution.zygote import REQUEST
from harness.plan.planner import Modules

_IMPORT_SECONDS = 60.0
"""What the import of one module may take. One that takes longer is left to the cases that need it."""
_FORK_SECONDS = 30.0
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Client(Protocol):
    """What a process is forked for."""

    pid: int | None

    def descriptors(self) -> list[int]:
        """What the process gets: a socket, and a pipe for its output."""

    def started(self) -> None:
        """The descriptors have been sent."""

    def forked(self, pid: int) -> None:
        """The process is there."""


JobT = TypeVar("JobT", bound=Client)


@dataclass(frozen=True)
class Code:
    """Which code runs in the processes."""

    python: str
    """The interpreter."""
    path: tuple[str, ...]
    """Its module search path, absolute."""


@dataclass(frozen=True)
class End(Generic[JobT]):
    """How a job ended."""

    job: JobT
    code: int
    """Exit code; negative: killed by that signal."""
    peak: int | None = None
    """The most bytes of memory that it held."""
    cpu_seconds: float | None = None
    reason: str = ""
    """What there is to say that the code does not."""


class Server(Generic[JobT]):
    """A zygote with the number of threads its workers have."""

    def __init__(
        self,
        threads: int,
        modules: Modules,
        scratch: Path,
        *,
        serve: str = "harness.execution.worker:serve",
        code: Code | None = None,
    ) -> None:
        """Args: threads; what to import; a folder for the workers' folders; what they run; other code than this."""
        self.control, theirs = socket.socketpair()
        self.ready = False
        self.modules = modules
        self.importing: str | None = None
        """The module that it is importing."""
        self.since = time.monotonic()
        """When it began what it was last asked to do."""
        self._awaiting: deque[JobT] = deque()
        self._jobs: dict[int, JobT] = {}
        self._buffer = b""
        with theirs:
            self._process = subprocess.Popen(
                [code.python if code else sys.executable, "-P", "-m", "harness.execution.zygote", str(theirs.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_environment(threads, code),
                start_new_session=True,  # the terminal's Ctrl-C is for the coordinator
            )
        setup = {
            "path": code.path if code else [os.path.abspath(folder) for folder in sys.path],  # noqa: PTH100
            "serve": serve,
            "libraries": modules.libraries,
            "sources": modules.sources,
            "scratch": str(scratch),
        }
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(json.dumps(setup).encode() + b"\n")

    def start(self, job: JobT) -> None:
        """Have a worker forked for a job. If the zygote is gone, that is heard where its answers are."""
        with contextlib.suppress(OSError):
            socket.send_fds(self.control, [REQUEST.pack(b"J", 0)], job.descriptors())
        job.started()
        self._awaiting.append(job)
        self.since = time.monotonic()

    @property
    def patience_ends(self) -> float:
        """When to give it up, on the monotonic clock: it has not answered."""
        if not self.ready:
            return self.since + _IMPORT_SECONDS
        return self.since + _FORK_SECONDS if self._awaiting else math.inf

    def abort(self, job: JobT) -> None:
        """Let a job's process say where it stands, and end."""
        self._request(b"A", job)

    def kill(self, job: JobT) -> None:
        """Kill a job and what it has started; its end is reported as ever."""
        self._request(b"K", job)

    def kill_all(self) -> None:
        """Kill the zygote, and so its jobs: for one that does not answer any more."""
        self._process.kill()

    def heard(self) -> Iterator[End[JobT]] | None:
        """The jobs that have ended; None if the zygote itself has died."""
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

    def _request(self, operation: bytes, job: JobT) -> None:
        if job.pid is not None:
            with contextlib.suppress(OSError):
                self.control.sendall(REQUEST.pack(operation, job.pid))

    def _read(self, lines: Sequence[bytes]) -> Iterator[End[JobT]]:
        for line in lines:
            word, _, rest = line.decode("utf-8", "replace").partition(" ")
            if word == "~":
                self.importing, self.since = rest, time.monotonic()
            elif word == "ready":
                self.ready = True
            elif word == "+":
                job = self._awaiting.popleft()
                job.forked(int(rest))
                self._jobs[int(rest)] = job
            elif word == "!":
                yield End(self._awaiting.popleft(), 1, reason=f"no process could be started for it: {rest}")
            else:
                pid, code, peak, cpu = rest.split()
                yield End(self._jobs.pop(int(pid)), int(code), int(peak), float(cpu))


def _environment(threads: int, code: Code | None) -> dict[str, str]:
    """The workers' environment: threads are read when libraries are loaded, hashes of strings must not be random.

    What torch compiles is kept where torch would keep it, and not in the folder of a case.
    """
    compiled = {"TORCHINDUCTOR_CACHE_DIR": f"{tempfile.gettempdir()}/torchinductor_{getpass.getuser()}"}
    fixed = {**dict.fromkeys(_THREAD_VARIABLES, str(threads)), "PYTHONHASHSEED": "0"}
    if code:  # the zygote itself has to be of it
        fixed["PYTHONPATH"] = os.pathsep.join(code.path)
    return {**compiled, **os.environ, **fixed}
