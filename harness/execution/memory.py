"""Memory of a case: its peak above where it began, and a limit that the allocator meets before the kernel does."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import sys
from typing import NamedTuple

_OUT_OF_MEMORY_TEXTS = ("can't allocate memory", "out of memory", "unable to allocate", "cannot allocate memory")
_LEFT_OVER = 1 << 20
"""Bytes that earlier cases of a process may leave before they are asked for: what is free is taken again, unseen."""


class Held(NamedTuple):
    """What this process holds, in bytes."""

    resident: int
    """All that it has in memory now."""
    files: int
    """Of that, pages of files: the page cache's, such as code, which a forked process finds page by page."""
    peak: int
    """The most that it had in memory since the last reset."""
    data: int | None
    """What counts against the limit; None where there is no such account."""

    @property
    def own(self) -> int:
        """What is the process's own."""
        return self.resident - self.files


class MemoryMeter:
    """Measures one case after the other in a process; sets limits, in bytes above what is held when a case begins."""

    def __init__(self) -> None:
        # Opened once: a shared process may run thousands of cases a second.
        self._clear_refs = _open("/proc/self/clear_refs", os.O_WRONLY)
        self._status = _open("/proc/self/status", os.O_RDONLY)
        self._least = sys.maxsize
        self._baseline = 0

    def start(self, limit: float | None = None) -> None:
        """A case begins."""
        held = self.held()
        if held.own > self._least + _LEFT_OVER:
            _give_back()
            held = self.held()
            self._least = held.own
        self._least = min(self._least, held.own)
        self._baseline = held.own
        if self._clear_refs is not None:  # the mark may come from an earlier case, or from the server
            os.pwrite(self._clear_refs, b"5", 0)
        if limit is not None and held.data is not None:
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            wanted = held.data + int(limit)
            resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))

    def lift(self) -> None:
        """Take the limit away: to tell that memory ran out takes memory."""
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))

    def peak(self) -> int:
        """The most bytes of its own that the process held since the start, above what it held then."""
        held = self.held()
        return max(0, held.peak - held.files - self._baseline)

    def held(self) -> Held:
        """What this process holds now."""
        if self._status is None:
            return Held(_largest(), 0, _largest(), None)
        lines = (line.split() for line in os.pread(self._status, 1 << 14, 0).splitlines())
        sizes = {line[0]: int(line[1]) * 1024 for line in lines if len(line) == 3 and line[2] == b"kB"}
        resident, files, peak = (sizes.get(name) for name in (b"VmRSS:", b"RssFile:", b"VmHWM:"))
        return Held(resident or _largest(), files or 0, peak or _largest(), sizes.get(b"VmData:"))


def is_out_of_memory(error: BaseException, text: str) -> bool:
    """Whether an exception says that memory ran out (torch says so in the text of a RuntimeError)."""
    return isinstance(error, MemoryError) or any(known in text.lower() for known in _OUT_OF_MEMORY_TEXTS)


def _give_back() -> None:
    """Free what only waits to be freed, and let the C library return what is free."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # glibc's
        ctypes.CDLL(None).malloc_trim(0)


def _largest() -> int:
    """The most that this process has held, where nothing tells more."""
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage if sys.platform == "darwin" else usage * 1024


def _open(path: str, mode: int) -> int | None:
    try:
        return os.open(path, mode | os.O_CLOEXEC)
    except OSError:
        return None  # no Linux
