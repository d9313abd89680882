"""A simulated accelerator: a queue beside the host, both on one clock, and an allocator that counts as torch's does."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any


class Simulated:
    """Stands for torch's module of a device, and for the host's clocks."""

    def __init__(self) -> None:
        self.now = 0.0
        """The host's time, in seconds; all of it is time of its thread."""
        self.done = 0.0
        """When the queue will be empty."""
        self.synchronized = -1.0
        """Until when the host knows that all is done."""
        self.calls: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        """`current`, `peak`, `allocated` and `freed`."""
        self.reserved = 0

    def launch(self, host: float, device: float) -> None:
        """Work of the host that gives the device work."""
        self.now += host
        self.done = max(self.done, self.now) + device

    def clocks(self) -> Any:
        """In place of the module `time`."""
        return SimpleNamespace(perf_counter_ns=self._nanoseconds, thread_time_ns=self._nanoseconds)

    def Event(self, *, enable_timing: bool) -> Event:
        """An event of this device."""
        assert enable_timing
        return Event(self)

    def synchronize(self) -> None:
        self.calls["synchronize"] += 1
        self.now = self.synchronized = max(self.now, self.done)

    def init(self) -> None:
        self.calls["init"] += 1

    def empty_cache(self) -> None:
        self.calls["empty_cache"] += 1
        self.reserved = self.bytes["current"]

    def allocate(self, size: int) -> None:
        self.bytes.update(current=size, allocated=size)
        self.bytes["peak"] = max(self.bytes["peak"], self.bytes["current"])
        self.reserved = max(self.reserved, self.bytes["current"])

    def free(self, size: int) -> None:
        self.bytes.update(current=-size, freed=size)

    def reset_peak_memory_stats(self) -> None:
        assert self.calls["init"], "as torch: the device has not been started"
        self.bytes["peak"] = self.bytes["current"]

    def reset_accumulated_memory_stats(self) -> None:
        assert self.calls["init"]
        self.bytes.update(allocated=-self.bytes["allocated"], freed=-self.bytes["freed"])

    def memory_stats(self) -> dict[str, int]:
        if not (self.calls["init"] or self.bytes):
            return {}
        names = ("peak", "current", "allocated", "freed")
        counts = {f"allocated_bytes.all.{name}": self.bytes[name] for name in names}
        return {**counts, "reserved_bytes.all.peak": self.reserved}

    def get_device_properties(self, device: str) -> Any:
        assert device == "cuda"
        return SimpleNamespace(name="Abacus 9000", total_memory=80_000_123_456)

    def get_device_capability(self, device: str) -> tuple[int, int]:
        return (9, 0)

    def clock_rate(self) -> int:
        return 1980

    def power_draw(self) -> int:
        return 250_000

    def temperature(self) -> int:
        raise ModuleNotFoundError("pynvml")

    def _nanoseconds(self) -> int:
        return round(self.now * 1e9)


class Event:
    """The moment at which the queue comes to where it was recorded."""

    def __init__(self, device: Simulated) -> None:
        self._device = device
        self.at: float | None = None

    def record(self) -> None:
        self.at = self._device.done = max(self._device.now, self._device.done)

    def elapsed_time(self, end: Event) -> float:
        """Milliseconds; as of torch, an error where the device may not be done."""
        assert self.at is not None
        assert end.at is not None
        assert end.at <= self._device.synchronized, "the device is not ready"
        return (end.at - self.at) * 1e3
