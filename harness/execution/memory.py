"""Memory of a case: its peak above where it began, and a limit that the allocator meets before the kernel does."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_OUT_OF_MEMORY_TEXTS = ("can't allocate memory", "out of memory", "unable to allocate", "cannot allocate memory")


class MemoryMeter:
    """Measures one case after the other in a process; sets limits, in bytes above what is held when a case begins."""

    def __init__(self) -> None:
        # Opened once: a shared process may run thousands of cases a second.
        self._clear_refs = _open("/proc/self/clear_refs", os.O_WRONLY)
        self._statm = _open("/proc/self/statm", os.O_RDONLY)
        self._baseline = 0

    def start(self, limit: float | None = None) -> None:
        """A case begins."""
        if self._clear_refs is not None:  # the mark may come from an earlier case, or from the server
            os.pwrite(self._clear_refs, b"5", 0)
        self._baseline = self.resident()
        if limit is not None and (held := _data()) is not None:
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            wanted = held + int(limit)
            resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))

    def lift(self) -> None:
        """Take the limit away: to tell that memory ran out takes memory."""
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))

    def peak(self) -> int:
        """The most bytes held since the start, above what was held then."""
        return max(0, _high_water_mark() - self._baseline)

    def resident(self) -> int:
        """Bytes of memory that this process holds now."""
        if self._statm is None:
            return _high_water_mark()
        return int(os.pread(self._statm, 256, 0).split()[1]) * resource.getpagesize()


def is_out_of_memory(error: BaseException, text: str) -> bool:
    """Whether an exception says that memory ran out (torch says so in the text of a RuntimeError)."""
    return isinstance(error, MemoryError) or any(known in text.lower() for known in _OUT_OF_MEMORY_TEXTS)


def _high_water_mark() -> int:
    """The peak of this process since the last reset. Right in a forked process only: it survives an exec."""
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage if sys.platform == "darwin" else usage * 1024


def _open(path: str, mode: int) -> int | None:
    try:
        return os.open(path, mode | os.O_CLOEXEC)
    except OSError:
        return None  # no Linux


def _data() -> int | None:
    """Bytes that count against the limit; None where there is no such account."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData")), None)
