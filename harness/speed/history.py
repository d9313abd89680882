"""What operations have cost from commit to commit, and the commits at which that has changed.

A series holds one value for each commit: the median over the processes of all runs of that commit. A series is of one
operation on machines of one fingerprint; values of different fingerprints are never judged together.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.compare.sentence import p_text
from harness.quoting import cut
from harness.speed.commits import Commit
from harness.speed.machines import Machine
from harness.speed.record import OperationKey
from harness.stats.interval import Interval

CONFIDENCE = 0.9
"""Of the intervals. Five processes bound their median at 90 %, not at 95 %."""
LEAST = 1.05
"""A smaller ratio of levels, in either direction, is no change."""
FEWEST = 12
"""Commits below which even a clean step may go unnoticed: in random order, 4 and 4 values stand apart one time in 35, 5
and 5 one time in 126, 6 and 6 one time in 462; what chance does one time in 100 is no change."""

_SUBJECT = 72
"""Characters of a commit's subject that are quoted."""


@dataclass(frozen=True)
class Point:
    """One commit."""

    commit: Commit
    seconds: Interval
    """The median over processes. Its interval is between order statistics; infinite for fewer than five."""
    units: float | None
    """The same in units of the calibration kernel, where that was timed too."""
    runs: int

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**self.commit.plain(), **self.seconds.plain(), "units": self.units, "runs": self.runs}


@dataclass(frozen=True)
class Change:
    """A new level."""

    index: int
    """Of its first point."""
    after: Commit
    """The last commit that was measured at the old level."""
    candidates: tuple[Commit, ...]
    """The commits that may have caused it, oldest first: of several, only the last was measured."""
    ratio: float
    """The new level over the old."""
    p_value: float

    @property
    def size(self) -> str:
        """How large it is, as `x1.15 slower`."""
        return f"x{self.ratio:.3g} slower" if self.ratio > 1 else f"x{1 / self.ratio:.3g} faster"

    @property
    def origin(self) -> str:
        """Which commit it was, or which ones it may have been."""
        first = self.candidates[-1]
        named = f'{first.short} "{cut(first.subject, _SUBJECT)}"'
        if len(self.candidates) == 1:
            return f"commit {named}"
        return f"one of {len(self.candidates)} commits after {self.after.short}, up to {named}"

    @property
    def effect(self) -> str:
        """How large and how sure it is."""
        return f"{self.size} ({p_text(self.p_value)})"

    def __str__(self) -> str:
        return f"{self.origin} {self.effect}"

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "after": self.after.hash,
            "candidates": [commit.plain() for commit in self.candidates],
            "ratio": self.ratio,
            "p_value": self.p_value,
        }


@dataclass(frozen=True)
class History:
    """One operation on machines of one fingerprint."""

    key: OperationKey
    machine: Machine
    points: tuple[Point, ...]
    """In the order of the commits; at least one."""
    changes: tuple[Change, ...]
    """In the same order."""

    @property
    def judged(self) -> bool:
        """Whether there are enough points for a change to be told from chance wherever it is not at an end."""
        return len(self.points) >= FEWEST

    @property
    def verdict(self) -> str:
        """What there is to say where there are no changes."""
        if self.judged:
            return f"no change on {self.machine.name}"
        few = f"{len(self.points)} of the {FEWEST} commits that it takes to tell a change from chance"
        return f"too few commits for a verdict on {self.machine.name}: {few}"

    @property
    def levels(self) -> Iterator[tuple[int, int, float]]:
        """Between the changes: the first point, the one after the last, and the median in seconds."""
        ends = [0, *(change.index for change in self.changes), len(self.points)]
        for start, stop in pairwise(ends):
            yield start, stop, statistics.median(point.seconds.estimate for point in self.points[start:stop])

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "operation": str(self.key),
            "machine": self.machine.plain(),
            "points": [point.plain() for point in self.points],
            "judged": self.judged,
            "changes": [change.plain() for change in self.changes],
        }


@dataclass(frozen=True)
class Histories:
    """What was asked for."""

    found: tuple[History, ...]
    """By operation, then by machine; at least one."""
    left_out: Mapping[str, int]
    """Why runs and measurements are not among the points, and how many."""

    @property
    def by_commit(self) -> list[tuple[str, list[tuple[History, Change]]]]:
        """The changes with the same origin together, the latest first."""
        changes = [(history, change) for history in self.found for change in history.changes]
        together: dict[tuple[Commit, ...], list[tuple[History, Change]]] = {}
        for history, change in sorted(changes, key=lambda one: one[1].candidates[-1].place, reverse=True):
            together.setdefault(change.candidates, []).append((history, change))
        return [(alike[0][1].origin, alike) for alike in together.values()]

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        found = [history.plain() for history in self.found]
        return {"confidence": CONFIDENCE, "histories": found, "left_out": dict(self.left_out)}
