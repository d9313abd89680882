"""Memory of a case: its peak above where it began, and a limit that the allocator meets before the kernel does."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_OUT_OF_MEMORY_TEXTS = ("can't allocate memory", "out of memory", "unable to allocate", "cannot allocate memory")


class MemoryMeter:
    """Measures from its making on; sets the limit, in bytes above what is held now."""

    def __init__(self, limit: float | None = None) -> None:
        self._reset()
        self._baseline = _read("VmRSS") or _maxrss()
        if limit is not None and (held := _read("VmData")) is not None:
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            wanted = held + int(limit)
            resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))

    def peak(self) -> int:
        """The most bytes held since, above the beginning."""
        return max(0, (_read("VmHWM") or _maxrss()) - self._baseline)

    def _reset(self) -> None:
        """Bring the high-water mark down to what is held now: it may come from an earlier case or the server."""
        try:
            _CLEAR_REFS.write_text("5")
        except OSError:
            return


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out (torch says so in a RuntimeError)."""
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in _OUT_OF_MEMORY_TEXTS)


def _read(key: str) -> int | None:
    """A line of the kernel's account of this process, in bytes; None where there is no such account."""
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _maxrss() -> int:
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage if sys.platform == "darwin" else usage * 1024
