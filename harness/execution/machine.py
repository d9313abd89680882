"""What this machine has to give, and what its kernel has taken back."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

from harness.kernel import ROOT, Kernel

_SHARED_FRACTION = 0.8
"""Of the machine's memory, what all cases together may use where their suite says nothing."""
_COUNTERS = Path("/proc/vmstat")


def machine_memory(root: Path = ROOT) -> int:
    """Bytes of memory that this machine has, or that the control groups of this process may use."""
    limits: list[int] = [psutil.virtual_memory().total]
    for path in Kernel(root).limits("memory", "memory.max", "memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # no such file, or the word `max`
            limits.append(int(path.read_text()))
    return min(limits)


def memory_share(workers: int) -> int:
    """What a case may use where its suite says nothing: an equal share of most of the machine, in bytes."""
    return int(machine_memory() * _SHARED_FRACTION / workers)


def memory_kills() -> int:
    """How many processes the kernel has killed for want of memory since the machine was started."""
    with contextlib.suppress(OSError):
        for line in _COUNTERS.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
