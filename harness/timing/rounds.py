"""Rounds: in each, every competitor has a fresh process, and they all take turns with each other."""

from __future__ import annotations

import contextlib
import math
import random
import statistics
import tempfile
import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from harness.plan.planner import Modules
from harness.stats.interval import Interval
from harness.timing.processes import OperationError, Player, Request, Side, cores
from harness.timing.ratio import log_ratio, ratio
from harness.timing.samples import Samples
from harness.timing.settings import Settings
from harness.timing.turns import take_turns

KeyT = TypeVar("KeyT", bound=Hashable)

_CALIBRATION = "harness.timing.calibration:kernel"
LEAST_PROCESSES = 3
"""With fewer there is no value."""


@dataclass(frozen=True)
class Effort:
    """How many rounds, and what each process does in them."""

    settings: Settings = field(default_factory=lambda: Settings(seconds=2.0))
    """Of each process."""
    least_rounds: int = 5
    most_rounds: int = 20
    narrow: float = 0.01
    """Enough rounds: the interval of every ratio reaches no further than this from it, relatively."""
    seconds: float = math.inf
    """No round begins after so many."""


@dataclass(frozen=True)
class ProcessTimes:
    """What one fresh process found, in seconds for each call and bytes."""

    seconds: float
    """Median of the clean samples: the value of the process."""
    samples: tuple[float, ...]
    """The clean samples, in the order in which they were taken."""
    calls: int
    """Samples taken, clean or not."""
    cold_seconds: float
    """The very first call."""
    peak_memory: int
    """The most memory held while the operation was built and called, above what the process held before."""
    device_memory: int | None = None
    """The same of the accelerator's allocator."""
    calibration_seconds: float | None = None
    """What the calibration kernel took, timed in turns with it."""
    ratio: float | None = None
    """Its time over that of the baseline's process, with which it took turns; None for the baseline itself."""


@dataclass
class Competitor:
    """An operation, and what is known of it so far."""

    request: Request
    processes: list[ProcessTimes] = field(default_factory=list)
    """One for each round in which it was not noisy."""
    noisy: int = 0
    """Rounds of which too few samples were clean."""
    error: str | None = None
    """Why it takes part no more."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What its last process said of it (`Player.facts`)."""

    @property
    def seconds(self) -> float:
        """Median over the processes; not a number if there are too few."""
        values = [process.seconds for process in self.processes]
        return statistics.median(values) if len(values) >= LEAST_PROCESSES else math.nan

    @property
    def ratio(self) -> Interval | None:
        """Its time over the baseline's, with its bootstrap interval over processes; None if there is none."""
        values = [process.ratio for process in self.processes if process.ratio is not None]
        return ratio(values) if values else None

    def add(self, player: Player, own: Samples, baseline: Samples | None, unit: Samples) -> None:
        """A round: its samples, those of the baseline if that is another, and those of the calibration kernel."""
        self.facts = player.facts
        if own.noisy:
            self.noisy += 1
            return
        against = None if baseline is None else log_ratio(own, baseline)
        self.processes.append(
            ProcessTimes(
                seconds=own.seconds,
                samples=own.clean,
                calls=own.count,
                cold_seconds=player.facts["cold_seconds"],
                peak_memory=player.facts["peak_memory"],
                device_memory=player.facts["device_memory"],
                calibration_seconds=None if unit.noisy else unit.seconds,
                ratio=None if against is None else math.exp(against),
            )
        )


class Competition(Generic[KeyT]):
    """Operations that are compared with the first of them."""

    def __init__(
        self, requests: Mapping[KeyT, Request], side: Side, host: Side, effort: Effort, rng: random.Random
    ) -> None:
        """Args: what competes; where; where the calibration kernel runs, with one thread; how much; orders."""
        self.competitors = {key: Competitor(request) for key, request in requests.items()}
        self._baseline = next(iter(requests))
        self._side = side
        self._host = host
        self._effort = effort
        self._rng = rng
        self._rounds = 0

    @property
    def is_done(self) -> bool:
        """Whether further rounds would not change much, or are too many, or nobody is left."""
        if self._rounds < self._effort.least_rounds:
            return all(one.error for one in self.competitors.values())
        found = [one.ratio for one in self.competitors.values() if not one.error]
        narrow = all(self._is_narrow(interval) for interval in found if interval)
        return self._rounds >= self._effort.most_rounds or narrow

    def round(self) -> None:
        """Fresh processes for all, and for the calibration kernel.

        Raises:
            HarnessError: processes cannot be had.
        """
        self._rounds += 1
        core = self._rng.choice(available) if self._side.threads == 1 and (available := cores()) else None
        settings = self._effort.settings
        names = [key for key, one in self.competitors.items() if not one.error]
        self._rng.shuffle(names)
        with contextlib.ExitStack() as stack:
            players: dict[KeyT, Player] = {}
            for key in names:
                try:
                    players[key] = stack.enter_context(self._side.play(self.competitors[key].request, settings, core))
                except OperationError as error:
                    self.competitors[key].error = str(error)
            yardstick = stack.enter_context(self._host.play(Request(_CALIBRATION), settings, core))
            self._play(players, yardstick)

    def _play(self, players: Mapping[KeyT, Player], yardstick: Player) -> None:
        try:
            *found, unit = take_turns([*players.values(), yardstick], self._effort.settings, self._rng)
        except OperationError as error:
            for key, player in players.items():
                if player is error.player:
                    self.competitors[key].error = str(error)
            return
        samples = dict(zip(players, found, strict=True))
        baseline = samples.get(self._baseline)
        for key, player in players.items():
            self.competitors[key].add(player, samples[key], None if key == self._baseline else baseline, unit)

    def _is_narrow(self, interval: Interval) -> bool:
        reach = max(interval.high / interval.estimate - 1, 1 - interval.low / interval.estimate)
        return reach <= self._effort.narrow


def compare_fresh(
    requests: Mapping[str, Request],
    *,
    modules: Modules | None = None,
    threads: int = 1,
    effort: Effort | None = None,
    seed: int = 0,
) -> dict[str, Competitor]:
    """Time operations in fresh processes, beside the first of them.

    Args:
        requests: how a process builds each: functions in modules that can be imported.
        modules: what the server of the processes imports before it forks them.
        threads: of the numerical libraries.
        effort: how much to do.
        seed: of all orders.

    Raises:
        HarnessError: processes cannot be had.
    """
    effort = effort or Effort()
    with tempfile.TemporaryDirectory(prefix="harness-timing-") as scratch, contextlib.ExitStack() as stack:
        side = stack.enter_context(contextlib.closing(Side(threads, modules or Modules(), Path(scratch))))
        host = side
        if threads > 1:
            host = stack.enter_context(contextlib.closing(Side(1, Modules(), Path(scratch) / "host")))
        competition = Competition(requests, side, host, effort, random.Random(seed))
        end = time.monotonic() + effort.seconds
        while not competition.is_done and time.monotonic() < end:
            competition.round()
    return competition.competitors
