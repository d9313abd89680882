"""The samples of one operation in one process."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from harness.clocks import Lap
from harness.timing.settings import Settings


class Samples:
    """Laps in blocks, and which of them are clean."""

    def __init__(self, settings: Settings, *, filters: bool) -> None:
        """Args: the settings; whether wall-clock over CPU time tells a disturbed sample, as it does for one thread."""
        self._settings = settings
        self._filters = filters
        self.blocks: list[list[float]] = []
        """The clean samples of each block, in seconds for each call."""
        self.count = 0
        """All samples, clean or not."""

    def add(self, laps: Sequence[Lap]) -> None:
        """Another block."""
        self.blocks.append([lap.wall for lap in laps if self._is_clean(lap)])
        self.count += len(laps)

    @property
    def clean(self) -> tuple[float, ...]:
        """The clean samples, in order."""
        return tuple(sample for block in self.blocks for sample in block)

    @property
    def noisy(self) -> bool:
        """Whether too few samples are clean for a value."""
        clean = len(self.clean)
        least = self._settings.least_clean_fraction * self.count
        return clean < max(self._settings.least_clean, least)

    @property
    def seconds(self) -> float:
        """The median of the clean samples.

        Raises:
            statistics.StatisticsError: there are none.
        """
        return statistics.median(self.clean)

    def _is_clean(self, lap: Lap) -> bool:
        if not self._filters:
            return lap.wall > 0  # some devices' events come out in the wrong order
        return lap.wall < self._settings.undisturbed * lap.cpu
