"""Competitors take turns: a block each, in random order, again and again."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Protocol

from harness.clocks import Lap
from harness.timing.samples import Samples
from harness.timing.settings import Settings


class Player(Protocol):
    """Something that takes turns: an operation here, or in a process of its own."""

    @property
    def filters(self) -> bool:
        """Whether wall-clock over CPU time tells a disturbed sample."""

    def block(self) -> Sequence[Lap]:
        """The samples of a turn."""


def take_turns(players: Sequence[Player], settings: Settings, rng: random.Random) -> list[Samples]:
    """The samples of each player, with as many blocks for one as for the other.

    It goes on until all have enough clean samples, or one has taken all the samples, or they all the time, that the
    settings allow. Blocks with the same index stand next to each other in time.
    """
    found = [Samples(settings, filters=player.filters) for player in players]
    end = time.perf_counter() + settings.seconds * len(players)
    while True:
        order = list(zip(players, found, strict=True))
        rng.shuffle(order)
        for player, samples in order:
            samples.add(player.block())
        if all(len(samples.clean) >= settings.clean_samples for samples in found):
            return found
        if found[0].count >= settings.samples or time.perf_counter() >= end:
            return found
