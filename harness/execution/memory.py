"""Memory of a case: its peak above where it began, and a limit that the allocator meets before the kernel does."""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_STATM = Path("/proc/self/statm")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_OUT_OF_MEMORY_TEXTS = ("can't allocate memory", "out of memory", "unable to allocate", "cannot allocate memory")


class MemoryMeter:
    """Measures from its making on; sets the limit, in bytes above what is held now."""

    def __init__(self, limit: float | None = None) -> None:
        _reset_high_water_mark()
        self._baseline = _resident()
        if limit is not None and (held := _data()) is not None:
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            wanted = held + int(limit)
            resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))

    def peak(self) -> int:
        """The most bytes held since, above the beginning."""
        return max(0, _high_water_mark() - self._baseline)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out (torch says so in a RuntimeError)."""
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in _OUT_OF_MEMORY_TEXTS)


def _reset_high_water_mark() -> None:
    """Bring the mark down to what is held now: it may come from an earlier case or the server."""
    with contextlib.suppress(OSError):
        _CLEAR_REFS.write_text("5")


def _high_water_mark() -> int:
    """The peak of this process since the last reset. Right in a forked process only: it survives an exec."""
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage if sys.platform == "darwin" else usage * 1024


def _resident() -> int:
    """Bytes of memory that this process holds now."""
    try:
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return _high_water_mark()


def _data() -> int | None:
    """Bytes that count against the limit; None where there is no such account."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData")), None)
