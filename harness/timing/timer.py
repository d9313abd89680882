"""Time one operation in this process."""

from __future__ import annotations

import contextlib
import gc
import math
import time
from collections.abc import Callable, Iterator

from harness.clocks import Clock, Lap
from harness.timing.settings import Settings


class Timer:
    """An operation with its clock: a cold call, a warm-up, and then blocks of samples."""

    def __init__(self, call: Callable[[], object], clock: Clock, settings: Settings) -> None:
        self._call = call
        self._clock = clock
        self._settings = settings
        self._loops = 1
        self.cold_seconds = math.nan
        """What the first call took, once `warm_up` has made it."""

    def warm_up(self) -> None:
        """Make the cold call, then more, until the operation is warm and it is known how often a sample repeats it."""
        start = time.perf_counter()
        self.cold_seconds = warm = self._lap()
        calls = 1
        while calls < self._settings.warm_up_calls and time.perf_counter() - start < self._settings.warm_up_seconds:
            warm = min(warm, self._lap())
            calls += 1
        if calls < 2:  # a cold call says nothing of how often a sample has to repeat it
            warm = self._lap()
        self._loops = max(1, math.ceil(self._settings.shortest / max(warm, 1e-9)))
        if self._loops > 1:
            self._clock.laps(self._call, 1, self._loops)

    def block(self) -> list[Lap]:
        """A turn: samples one after the other, the first of them left out."""
        with _no_collection():
            return self._clock.laps(self._call, 1 + self._settings.block, self._loops)[1:]

    def _lap(self) -> float:
        with _no_collection():
            return self._clock.laps(self._call, 1, 1)[0].wall


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Without the garbage collector, which would run in somebody's sample; what it has to do, it does in between."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
