"""What operations have cost from commit to commit, and the commits at which that has changed.

A series holds one value for each commit: the median over the processes of all runs of that commit. A series is of one
operation on machines of one fingerprint, beside one baseline; values of different ones are never judged together.
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
from harness.speed.quantity import Quantity
from harness.speed.record import OperationKey
from harness.stats.interval import Interval
from harness.tables import duration

CONFIDENCE = 0.9
"""Of the intervals. Five processes bound their median at 90 %, not at 95 %."""
LEAST = 1.05
"""A smaller ratio of levels, in either direction, is no change."""
FEWEST = 14
"""Commits below which even a clean step in the middle may go unnoticed: in random order, 5 and 5 values stand apart one
time in 126, 6 and 6 one time in 462, 7 and 7 one time in 1716; what chance does one time in 200 is no change, and of
its p-value there is an estimate only. Of 100 such steps 70 are found among 12 commits, 98 among 14."""

_SUBJECT = 72
"""Characters of a commit's subject that are quoted."""


@dataclass(frozen=True)
class Point:
    """One commit."""

    commit: Commit
    value: Interval
    """Of what is judged, the median over processes. Its interval is between order statistics; infinite for fewer than
    five."""
    seconds: Interval
    """The same of the time of a call."""
    runs: int

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        values = {"value": self.value.plain(), "seconds": self.seconds.plain()}
        return {**self.commit.plain(), **values, "runs": self.runs}


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
    beside_baseline: bool = False
    """Whether the baseline, to which the values are relative, may have changed at the same commit."""

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

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "after": self.after.hash,
            "candidates": [commit.plain() for commit in self.candidates],
            "ratio": self.ratio,
            "p_value": self.p_value,
            "beside_baseline": self.beside_baseline,
        }


@dataclass(frozen=True)
class History:
    """One operation on machines of one fingerprint, beside one baseline."""

    key: OperationKey
    machine: Machine
    quantity: Quantity
    """What is judged."""
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
            return f"no change {self._where}"
        few = f"{len(self.points)} of the {FEWEST} commits that it takes to tell a change from chance"
        return f"too few commits for a verdict {self._where}: {few}"

    @property
    def latest(self) -> str:
        """The last point."""
        point, judged = self.points[-1], self.quantity
        told = duration(point.seconds.estimate)
        if judged.name != "seconds":
            told = f"{judged.text(point.value.estimate)} {judged.label} ({told})"
        return f"{told} at {point.commit.short}"

    def effect(self, change: Change) -> str:
        """How large and how sure one of the changes is, and where."""
        return f"{self.size(change)} ({p_text(change.p_value)}), {self._where}{self.reservation(change)}"

    def size(self, change: Change) -> str:
        """How large one of the changes is, and beside what."""
        return f"{change.size} beside {self.quantity.baseline}" if self.quantity.baseline else change.size

    def reservation(self, change: Change) -> str:
        """What there is to know of one of the changes, in parentheses, or nothing."""
        return " (its baseline changed there too)" if change.beside_baseline else ""

    @property
    def _where(self) -> str:
        return f"on {self.machine.name}"

    @property
    def levels(self) -> Iterator[tuple[int, int, float]]:
        """Between the changes: the first point, the one after the last, and the median of the values."""
        ends = [0, *(change.index for change in self.changes), len(self.points)]
        for start, stop in pairwise(ends):
            yield start, stop, statistics.median(point.value.estimate for point in self.points[start:stop])

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "operation": str(self.key),
            "machine": self.machine.plain(),
            "quantity": self.quantity.plain(),
            "points": [point.plain() for point in self.points],
            "judged": self.judged,
            "changes": [change.plain() for change in self.changes],
        }


@dataclass(frozen=True)
class Histories:
    """What was asked for."""

    found: tuple[History, ...]
    """By operation, then by machine, then by their first commits; at least one."""
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
