"""The server that workers are forked from: `python -m harness.execution.zygote FD`.

It imports what the cases will need and then only forks, so that a fresh process costs milliseconds and never inherits
a computation (forking after one hangs: threads do not survive). Requests come on a socket as one byte and a number:
`J` with two descriptors starts a job (a socket with case specifications, a pipe for its output), `A` aborts one, so
that it says where it stands, `K` kills one with all it has started. Answers are lines: `~ NAME` before a module is
imported, `ready`, `+ PID` or `! REASON` for each job in order, `- PID CODE PEAK CPU` when one has ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from harness.execution.processes import process_table
from harness.execution.state import ProcessState

REQUEST = struct.Struct("!cq")
CLEAN = 111
"""Exit code of a worker that ended as it should and left no process behind."""
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_BASICS = ("numpy", "numpy.random")
_SWEEPS = 100


def main() -> None:
    """Read from standard input what to import, import it, then serve the socket of the given descriptor."""
    control = socket.socket(fileno=int(sys.argv[1]))
    setup = json.loads(sys.stdin.readline())
    sys.path[:] = setup["path"]
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 - for as long as there are workers
    for stream in (sys.stdout, sys.stderr):
        assert hasattr(stream, "reconfigure")
        # what a model printed must not be lost in a buffer when it dies
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    zygote = Zygote(control, Path(setup["scratch"]), setup["serve"])
    zygote.preload(setup["libraries"], setup["sources"])
    gc.collect()
    gc.freeze()  # the collector would otherwise touch, and so copy, every page it shares with the workers
    zygote.serve()


class Zygote:
    """Forks a process per job and reports how each ended."""

    def __init__(self, control: socket.socket, scratch: Path, serve: str) -> None:
        """Args: where requests come from; the folder of the workers' folders; what they run, as `module:function`."""
        self._control = control
        self._scratch = scratch
        self._module, _, self._function = serve.partition(":")
        scratch.mkdir(parents=True, exist_ok=True)
        self._jobs: set[int] = set()
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._prctl(_PR_SET_CHILD_SUBREAPER, 1)  # orphans of a dead worker become children of this process
        self._helpers: set[int] = set()
        self._woken, wake = os.pipe()
        for end in (self._woken, wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def preload(self, libraries: list[str], sources: list[str]) -> None:
        """Import modules, each announced: one that ends or hangs this process is left out by the next.

        One that cannot be imported will fail again in its own case, where that is recorded. What the papers' own
        modules (`sources`) change in the process is taken back: it would be the state of everybody's cases.
        """
        for name in [self._module, *_BASICS, *libraries]:
            self._import(name)
        state = ProcessState()
        for name in sources:
            self._import(name)
            state.restore()

    def serve(self) -> None:
        """Serve until the coordinator is gone; then take all jobs along."""
        self._helpers = set(self._children())
        self._answer("ready")
        while True:
            watched: list[Any] = [self._control, self._woken]
            ready, _, _ = select.select(watched, [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
            self._reap()
            if self._control in ready and not self._handle_request():
                self._end()
                return

    def _import(self, name: str) -> None:
        self._answer(f"~ {name}")
        with contextlib.suppress(BaseException):
            importlib.import_module(name)

    def _handle_request(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, REQUEST.size, 2)
        if len(data) < REQUEST.size:
            return False
        operation, number = REQUEST.unpack(data)
        if operation == b"J":
            self._fork(*descriptors)
        elif number in self._jobs and operation == b"A":
            os.kill(number, signal.SIGABRT)
        elif number in self._jobs:
            kill_group(number)
        return True

    def _fork(self, job: int, output: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            self._answer(f"! {error.strerror}")
        else:
            if pid == 0:
                self._become_worker(job, output)
            self._jobs.add(pid)
            self._answer(f"+ {pid}")
        os.close(job)
        os.close(output)

    def _become_worker(self, job: int, output: int) -> NoReturn:
        code = 1
        try:
            os.setsid()  # the worker and all it starts can then be killed as one group
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            self._prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what it starts stays below it while it lives
            self._control.close()
            os.set_inheritable(job, False)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            faulthandler.enable(2)
            serve = getattr(sys.modules[self._module], self._function)
            if serve(job, self._scratch / str(os.getpid())):
                code = CLEAN
        except BaseException:  # noqa: BLE001 - its output is all that can still tell
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)

    def _reap(self) -> None:
        """Hear of every child that has ended: jobs, and orphans that came to this process."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
                if not pid:
                    return
                if pid not in self._jobs:
                    continue
                self._jobs.remove(pid)
                code = os.waitstatus_to_exitcode(status)
                kill_group(pid)
                if code != CLEAN:
                    self._sweep()
                self._remove_scratch(pid)
                cpu = usage.ru_utime + usage.ru_stime
                self._answer(f"- {pid} {code} {usage.ru_maxrss * 1024} {cpu:.6f}")

    def _sweep(self) -> None:
        """Kill what a job has left behind outside of its group: it is now a child of this process, or below one."""
        for _ in range(_SWEEPS):  # a stray may be starting others
            strays = [pid for pid in self._children() if pid not in self._jobs and pid not in self._helpers]
            if not strays:
                return
            for pid in strays:
                kill_group(pid)
            time.sleep(0.001)
            for pid in strays:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)

    def _children(self) -> list[int]:
        own = os.getpid()
        return [process.pid for process in process_table() if process.parent == own]

    def _remove_scratch(self, pid: int) -> None:
        folder = self._scratch / str(pid)
        try:
            folder.rmdir()  # nearly always empty
        except FileNotFoundError:
            pass
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)

    def _end(self) -> None:
        for pid in self._jobs:
            kill_group(pid)
        self._jobs.clear()
        self._sweep()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _prctl(self, option: int, value: int) -> None:
        if self._libc:
            self._libc.prctl(option, value)

    def _answer(self, line: str) -> None:
        with contextlib.suppress(OSError):
            self._control.sendall(line.encode() + b"\n")


def kill_group(pid: int) -> None:
    """Kill a process and everything in the group that it leads."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
