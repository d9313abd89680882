"""What the kernel tells of this machine, in files. They are Linux's: elsewhere there are none, and no answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/")


class ProcessorTime(NamedTuple):
    """Time of all processors since the machine was started, in the kernel's ticks."""

    total: int
    stolen: int
    """What the hypervisor gave to other machines while this one had something to do."""


class Kernel:
    """The kernel's files below a root."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._groups = root / "sys/fs/cgroup"

    def processor(self) -> str | None:
        """The model of the first processor."""
        lines = self._read("proc/cpuinfo").splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)

    def governor(self) -> str | None:
        """What decides the clock rate of the first processor, such as `performance`."""
        return self._read("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip() or None

    def processor_time(self) -> ProcessorTime:
        """How much time the processors had; zero where it is not counted."""
        first = self._read("proc/stat").partition("\n")[0]
        ticks = [int(number) for number in first.split()[1:9]]  # those of guests are in there already
        return ProcessorTime(sum(ticks), ticks[7] if len(ticks) > 7 else 0)

    def processor_limit(self) -> float | None:
        """How many processors' time the control groups of this process may use; None where there is no limit."""
        shares = [share for file in self.limits("cpu", "cpu.max", "cpu.cfs_quota_us") if (share := _share(file))]
        return min(shares, default=None)

    def limits(self, controller: str, file: str, old_file: str) -> Iterator[Path]:
        """Where the limits of the control groups of this process stand, and of those around them.

        Args:
            controller: what is limited, such as `memory`.
            file: the name in version 2.
            old_file: the name in version 1.
        """
        for line in self._read("proc/self/cgroup").splitlines():
            _, controllers, name = line.split(":", 2)
            if not controllers or controller in controllers.split(","):
                top, chosen = (self._groups / controller, old_file) if controllers else (self._groups, file)
                group = top / name.strip("/")
                yield from (folder / chosen for folder in (group, *group.parents) if folder.is_relative_to(top))

    def _read(self, path: str) -> str:
        """The text of a file; none if it is not there."""
        try:
            return (self._root / path).read_text()
        except OSError:
            return ""


def _share(file: Path) -> float | None:
    """A limit of processor time as a number of processors; None for the word `max` and, in version 1, for -1."""
    with contextlib.suppress(OSError, ValueError):
        numbers = file.read_text().split()
        if len(numbers) == 1:
            numbers += file.with_name("cpu.cfs_period_us").read_text().split()
        quota, period = map(int, numbers)
        return quota / period if quota > 0 and period > 0 else None
    return None
