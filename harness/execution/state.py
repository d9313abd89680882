"""The state of a process that a case may change, so that the next case of the process does not see it."""

from __future__ import annotations

import contextlib
import gc
import locale
import os
import resource
import shutil
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SIGNALS = [getattr(signal, f"SIG{name}") for name in ("INT", "TERM", "HUP", "ALRM", "USR1", "USR2", "PIPE")]
_LIMITS = [getattr(resource, f"RLIMIT_{name}") for name in ("NOFILE", "FSIZE", "CPU", "AS", "STACK", "NPROC")]
_SPARE_DESCRIPTORS = 16
"""Descriptors that libraries may open and keep."""


class ProcessState:
    """How a process is now; of what a library keeps (torch's default dtype), how it is once the library is imported."""

    def __init__(self) -> None:
        self._warnings: Any = None
        self._undo: list[Callable[[], object]] = []
        self._modules: set[str] = set()
        self._folder = Path.cwd()
        self._threads = threading.active_count()
        self._descriptors = _open_descriptors()
        self._limits = _limits()
        self._streams = [os.fstat(number)[:3] for number in (1, 2)]
        self._keep(_interpreter())
        self._see_modules()
        self._see_warnings()

    def restore(self) -> list[str]:
        """Put everything back; answers what cannot be, in words: such a process is not fit for another case."""
        self._warnings.__exit__(None, None, None)
        self._see_warnings()
        for undo in self._undo:
            undo()
        self._see_modules()
        return [problem for problem, there in self._spoilt() if there]

    def _see_warnings(self) -> None:
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()

    def _see_modules(self) -> None:
        for name, look in (("numpy", _numpy), ("torch", _torch)):
            if name in sys.modules and name not in self._modules:
                self._modules.add(name)
                self._keep(look(sys.modules[name]))

    def _keep(self, settings: list[tuple[Callable[[], Any], Callable[[Any], object]]]) -> None:
        for look, put in settings:
            self._undo.append(_undo(look, put, look()))

    def _spoilt(self) -> list[tuple[str, bool]]:
        return [
            ("its folder is gone", not _back_to(self._folder)),
            ("threads are left", threading.active_count() > self._threads),
            ("processes are left", has_children()),
            ("files are left open", _open_descriptors() > self._descriptors + _SPARE_DESCRIPTORS),
            ("its output is closed", not self._can_write()),
            ("its limits are others", _limits() != self._limits),
        ]

    def _can_write(self) -> bool:
        try:
            there = [os.fstat(number)[:3] for number in (1, 2)]
        except OSError:
            return False
        return there == self._streams and not any(stream.closed for stream in (sys.stdout, sys.stderr))


def has_children() -> bool:
    """Whether this process has started others that are still there, ended or not."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def empty(folder: Path) -> None:
    """Remove whatever is in a folder."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)  # noqa: PTH108 - no path object for what is thrown away


def _undo(look: Callable[[], Any], put: Callable[[Any], object], value: Any) -> Callable[[], object]:
    return lambda: None if look() == value else put(value)


def _back_to(folder: Path) -> bool:
    """Go back to the working directory; answers whether it is there."""
    try:
        os.chdir(folder)
    except OSError:
        return False
    return True


def _interpreter() -> list[tuple[Callable[[], Any], Callable[[Any], object]]]:
    streams = (sys.stdin, sys.stdout, sys.stderr)
    handlers = [(lambda one=one: signal.getsignal(one), lambda old, one=one: _handle(one, old)) for one in _SIGNALS]
    return [
        (lambda: dict(os.environ), _set_environment),
        (lambda: list(sys.path), lambda old: sys.path.__setitem__(slice(None), old)),
        (lambda: locale.setlocale(locale.LC_ALL), lambda old: locale.setlocale(locale.LC_ALL, old)),
        (_umask, os.umask),
        (gc.isenabled, lambda old: gc.enable() if old else gc.disable()),
        (sys.getrecursionlimit, sys.setrecursionlimit),
        (lambda: signal.getitimer(signal.ITIMER_REAL)[0], lambda old: signal.setitimer(signal.ITIMER_REAL, old)),
        (lambda: (sys.stdin, sys.stdout, sys.stderr), lambda _: _set_streams(*streams)),
        *handlers,
    ]


def _numpy(numpy: Any) -> list[tuple[Callable[[], Any], Callable[[Any], object]]]:
    return [(numpy.geterr, lambda old: numpy.seterr(**old))]


def _torch(torch: Any) -> list[tuple[Callable[[], Any], Callable[[Any], object]]]:
    return [
        (torch.get_default_dtype, torch.set_default_dtype),
        (torch.get_default_device, lambda _: torch.set_default_device(None)),
        (torch.get_num_threads, torch.set_num_threads),
        (torch.is_grad_enabled, torch.set_grad_enabled),
        (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    ]


def _set_environment(old: dict[str, str]) -> None:
    for name in os.environ.keys() - old.keys():
        del os.environ[name]
    os.environ.update(old)


def _set_streams(stdin: Any, stdout: Any, stderr: Any) -> None:
    sys.stdin, sys.stdout, sys.stderr = stdin, stdout, stderr


def _handle(number: signal.Signals, handler: Any) -> None:
    if handler is not None:  # None: not set by Python, and cannot be set back
        signal.signal(number, handler)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def _limits() -> list[tuple[int, int]]:
    """What the kernel lets the process use; of its data the hard limit alone, since each case has a soft one."""
    _, data = resource.getrlimit(resource.RLIMIT_DATA)
    return [*map(resource.getrlimit, _LIMITS), (data, data)]


def _open_descriptors() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count
    except OSError:
        return 0
