"""Clocks: how a call is timed on a device."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import repeat
from typing import Any, NamedTuple, Protocol

_NANOSECOND, _MILLISECOND = 1e-9, 1e-3


class Lap(NamedTuple):
    """One sample, in seconds for each call."""

    wall: float
    """On the clock that does not stop: the host's, or the device's own."""
    cpu: float
    """Processor time of the calling thread: of a device's call, what it takes to launch it."""


class Clock(Protocol):
    """Times calls on one device."""

    @property
    def filters(self) -> bool:
        """Whether `wall` well above `cpu` tells a sample that was disturbed; without it every sample counts."""

    def laps(self, call: Callable[[], object], count: int, loops: int) -> list[Lap]:
        """Take samples, one after the other.

        Args:
            call: what is timed; what it returns is dropped, which is part of its time.
            count: how many samples.
            loops: how many calls share a sample: more than one where a call is too short for the clock.
        """


class HostClock:
    """The host's clocks: for calls that are over when they return."""

    def __init__(self, threads: int = 1) -> None:
        """Args: the threads that a call computes with. With more than one, `cpu` is the calling thread's share."""
        self.filters = threads == 1

    def laps(self, call: Callable[[], object], count: int, loops: int) -> list[Lap]:
        """As `Clock` says."""
        return [_host_lap(call, loops) for _ in range(count)]


class EventClock:
    """Events in the queue of an accelerator: what the device itself took, while the host runs ahead.

    The host waits once for all samples: waiting for each would drain the queue and time the wait. Where a device is
    faster than the host can ask, it waits for the host inside of the sample: then `cpu` is no less than about `wall`.
    """

    filters = False
    """The host's time says nothing of the device's."""

    def __init__(self, device: str) -> None:
        """Args: the device's name in torch."""
        import torch

        self._module: Any = torch.get_device_module(device)

    def laps(self, call: Callable[[], object], count: int, loops: int) -> list[Lap]:
        """As `Clock` says; returns when the device has done them all."""
        taken = [self._launch(call, loops) for _ in range(count)]
        self._module.synchronize()
        return [Lap(start.elapsed_time(end) * _MILLISECOND / loops, cpu) for start, end, cpu in taken]

    def _launch(self, call: Callable[[], object], loops: int) -> tuple[Any, Any, float]:
        start, end = (self._module.Event(enable_timing=True) for _ in range(2))
        start.record()
        lap = _host_lap(call, loops)
        end.record()
        return start, end, lap.cpu


def _host_lap(call: Callable[[], object], loops: int) -> Lap:
    """The clock of the thread is read outside of the other: to read it takes longer."""
    cpu = time.thread_time_ns()
    wall = time.perf_counter_ns()
    for _ in repeat(None, loops):
        call()
    wall = time.perf_counter_ns() - wall
    cpu = time.thread_time_ns() - cpu
    return Lap(wall * _NANOSECOND / loops, cpu * _NANOSECOND / loops)
