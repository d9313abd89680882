"""What the kernel tells of processes: who started whom, and how much memory each holds."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_PAGE = resource.getpagesize()


class Process(NamedTuple):
    """A line of the process table."""

    pid: int
    parent: int
    resident: int
    """Bytes in memory, shared ones included."""


def process_table() -> Iterator[Process]:
    """Every process that can be seen; none where there is no `/proc`."""
    try:
        names = os.listdir("/proc")  # noqa: PTH208 - names, and fast
    except OSError:
        return
    for name in names:
        if name.isdigit() and (content := _read(f"/proc/{name}/stat")):
            fields = content.rpartition(b")")[2].split()  # a program's name may hold anything
            if fields[0] != b"Z":
                yield Process(int(name), int(fields[1]), int(fields[21]) * _PAGE)


def trees(roots: Iterable[int]) -> dict[int, list[Process]]:
    """Each root with all that descend from it."""
    processes = {process.pid: process for process in process_table()}
    children: dict[int, list[Process]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process)
    found: dict[int, list[Process]] = {}
    for root in roots:
        tree = found[root] = [processes[root]] if root in processes else []
        for process in tree:  # grows as it is walked
            tree += children.get(process.pid, [])
    return found


def own_memory(pid: int) -> int:
    """Bytes of memory that a process holds and that are no file's: what the kernel could not take back."""
    content = _read(f"/proc/{pid}/status") or b""
    lines = (line.split() for line in content.splitlines() if line.startswith((b"RssAnon", b"RssShmem")))
    return sum(int(line[1]) * 1024 for line in lines)


def _read(path: str) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, 8192)
    except OSError:
        return None
    finally:
        os.close(descriptor)
