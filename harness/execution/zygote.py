"""The server that workers are forked from: `python -m harness.execution.zygote FD`.

It imports what the cases will need and then only forks, so that a fresh process costs milliseconds and never inherits
a computation (forking after one hangs: threads do not survive). Requests come on a socket as one byte and a number:
`J` with two descriptors starts a job (a socket with case specifications, a file for its output), `K` kills one.
Answers are lines: `ready`, `+ PID` for each job in order, `- PID STATUS` when one has ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
from typing import Any, NoReturn

REQUEST = struct.Struct("!cq")
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Read from standard input what to import, import it, then serve the socket of the given descriptor."""
    control = socket.socket(fileno=int(sys.argv[1]))
    setup = json.loads(sys.stdin.readline())
    sys.path[:] = setup["path"]
    preload(setup["modules"])
    gc.collect()
    gc.freeze()  # the collector would otherwise touch, and so copy, every page it shares with the workers
    Zygote(control).serve()


def preload(modules: list[str]) -> None:
    """Import modules; one that cannot be imported will fail again in its own case, where that is recorded."""
    for name in ["harness.execution.worker", "numpy", "numpy.random", *modules]:
        with contextlib.suppress(BaseException):
            importlib.import_module(name)
    if "torch.optim" in modules:  # torch imports this at an optimizer's first step: a second for every case
        with contextlib.suppress(BaseException):
            importlib.import_module("torch._dynamo")


class Zygote:
    """Forks a process per job and reports how each ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._jobs: set[int] = set()
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._woken, wake = os.pipe()
        for end in (self._woken, wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Serve until the coordinator is gone; then take all jobs along."""
        self._answer("ready")
        while True:
            watched: list[Any] = [self._control, self._woken]
            ready, _, _ = select.select(watched, [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
            self._reap()
            if self._control in ready and not self._handle_request():
                for pid in self._jobs:
                    kill_group(pid)
                return

    def _handle_request(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, REQUEST.size, 2)
        if len(data) < REQUEST.size:
            return False
        operation, number = REQUEST.unpack(data)
        if operation == b"J":
            self._fork(*descriptors)
        elif number in self._jobs:
            kill_group(number)
        return True

    def _fork(self, job: int, output: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_worker(job, output)
        os.close(job)
        os.close(output)
        self._jobs.add(pid)
        self._answer(f"+ {pid}")

    def _become_worker(self, job: int, output: int) -> NoReturn:
        status = 1
        try:
            os.setsid()  # the worker and all it starts can then be killed as one group
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if self._libc:
                self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            self._control.close()
            os.dup2(output, 1)
            os.dup2(output, 2)
            faulthandler.enable(2)
            worker: Any = sys.modules["harness.execution.worker"]
            worker.serve(job, output)
            status = 0
        finally:
            os._exit(status)

    def _reap(self) -> None:
        for pid in list(self._jobs):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._jobs.remove(pid)
                kill_group(pid)  # whatever the job has left behind
                self._answer(f"- {pid} {os.waitstatus_to_exitcode(status)}")

    def _answer(self, line: str) -> None:
        with contextlib.suppress(OSError):
            self._control.sendall(line.encode() + b"\n")


def kill_group(pid: int) -> None:
    """Kill a job and everything in its process group."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
