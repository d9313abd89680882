"""The gate: which operations got slower from one version of the code to another.

Of each operation a pair of fresh processes, one of either version, takes turns; the logarithm of the ratio of their
times is one number. How many pairs are needed, and what follows from them, says `harness.speed.decision`.
"""

from __future__ import annotations

import enum
import math
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from harness.errors import ExitCode
from harness.speed.decision import Rule, State, estimate
from harness.stats.interval import Interval

OperationT = TypeVar("OperationT", bound=Hashable)

_NOISY = 8
"""Pairs with too few clean samples, and more of them than of the others: then nothing will come of it."""


class Verdict(enum.StrEnum):
    """What the gate says of an operation."""

    FINE = "fine"
    """A slow-down of the size that the gate is to see is excluded."""
    REGRESSION = "regression"
    """It is slower, in two measurements that share nothing."""
    INCONCLUSIVE = "inconclusive"
    """Too noisy, or too little time, to say either."""
    FAILED = "failed"
    """The new version does not run."""
    NEW = "new"
    """The old version does not have it, or fails at it."""
    SKIPPED = "skipped"
    """It is not judged here."""


class PairError(Exception):
    """A pair could not be measured."""

    def __init__(self, verdict: Verdict, text: str) -> None:
        super().__init__(text)
        self.verdict = verdict


@dataclass(frozen=True)
class Judged(Generic[OperationT]):
    """An operation with its verdict."""

    operation: OperationT
    verdict: Verdict
    ratio: Interval | None = None
    """New time over old: of the second measurement, if there was one."""
    pairs: int = 0
    noisy: int = 0
    """Pairs with too few clean samples."""
    note: str = ""


@dataclass(eq=False)
class _Track(Generic[OperationT]):
    """An operation on its way to a verdict."""

    operation: OperationT
    screened: list[float] = field(default_factory=list)
    retested: list[float] = field(default_factory=list)
    suspect: bool = False
    """Whether it is measured for the second time."""
    state: State = State.UNDECIDED
    noisy: int = 0
    """Pairs of the current measurement with too few clean samples."""
    noisy_before: int = 0
    """The same of the first one, once the second has begun."""
    error: PairError | None = None

    @property
    def current(self) -> list[float]:
        return self.retested if self.suspect else self.screened

    @property
    def is_open(self) -> bool:
        too_noisy = self.noisy >= _NOISY and self.noisy > len(self.current)
        return self.state is State.UNDECIDED and not self.error and not too_noisy


class Gate(Generic[OperationT]):
    """Spends pairs of processes where they decide most, until every operation has its verdict."""

    def __init__(
        self,
        operations: Sequence[OperationT],
        measure: Callable[[OperationT, bool], float | None],
        rule: Rule,
        seconds: float = math.inf,
    ) -> None:
        """Prepare to judge.

        Args:
            operations: what to judge.
            measure: the log ratio of a fresh pair, None if it is noisy; raises `PairError`. It is told whether this is
                the second measurement, which must share nothing with the first.
            rule: when to alarm.
            seconds: after so many nothing more is measured.
        """
        self._tracks = [_Track(operation) for operation in operations]
        self._measure = measure
        self._rule = rule
        self._seconds = seconds

    def judge(self, say: Callable[[str], object] = lambda _: None) -> list[Judged[OperationT]]:
        """Measure until all is decided or the time is over; say what is measured."""
        end = time.monotonic() + self._seconds
        while (waiting := [track for track in self._tracks if track.is_open]) and time.monotonic() < end:
            track = max(waiting, key=self._priority)
            say(f"{'again' if track.suspect else 'pair'} {len(track.current) + 1}: {track.operation}")
            self._pair(track)
        confirmed = self._confirmed()
        return [self._judged(track, track in confirmed) for track in self._tracks]

    def _priority(self, track: _Track[OperationT]) -> tuple[bool, bool, float]:
        """First a look at everything, then at what is suspect, then at what is most plausibly slower."""
        unseen = not track.suspect and len(track.screened) < self._rule.looks[0]
        value = -len(track.screened) if unseen else self._rule.urgency(track.current)
        return unseen, track.suspect, value

    def _pair(self, track: _Track[OperationT]) -> None:
        try:
            found = self._measure(track.operation, track.suspect)
        except PairError as error:
            track.error = error
            return
        if found is None:
            track.noisy += 1
            return
        track.current.append(found)
        if track.suspect:
            track.state = self._rule.retest(track.retested, len(self._tracks))
        else:
            track.state = self._rule.screen(track.screened)
            if track.state is State.SUSPECT:
                track.suspect, track.state = True, State.UNDECIDED
                track.noisy, track.noisy_before = 0, track.noisy

    def _confirmed(self) -> set[_Track[OperationT]]:
        """The suspects that stay suspect beside all the others."""
        suspects = [track for track in self._tracks if track.state is State.SUSPECT]
        chances = [self._rule.p_slower(track.retested) for track in suspects]
        found = self._rule.confirmed(chances, len(self._tracks))
        return {track for track, confirmed in zip(suspects, found, strict=True) if confirmed}

    def _judged(self, track: _Track[OperationT], confirmed: bool) -> Judged[OperationT]:
        ratios = [*track.screened, *track.retested]
        interval = estimate(track.retested or track.screened) if ratios else None
        verdict, note = self._verdict(track, confirmed)
        return Judged(track.operation, verdict, interval, len(ratios), track.noisy + track.noisy_before, note)

    def _verdict(self, track: _Track[OperationT], confirmed: bool) -> tuple[Verdict, str]:
        if track.error:
            return track.error.verdict, str(track.error)
        if confirmed:
            return Verdict.REGRESSION, "slower in both measurements"
        if track.state is State.FINE and track.suspect:
            return Verdict.FINE, "the second measurement did not show what the first did"
        if track.state is State.FINE:
            return Verdict.FINE, "faster" if self._rule.faster(track.screened) else ""
        if track.state is State.UNDECIDED:
            told = "too few samples are clean" if track.noisy > len(track.current) else "the time was over"
            return Verdict.INCONCLUSIVE, told
        return Verdict.INCONCLUSIVE, "a slow-down is neither shown nor excluded"


def exit_code(judged: Sequence[Judged[OperationT]]) -> ExitCode:
    """What the command returns: the worst that was found; a regression before what could not be measured."""
    found = {one.verdict for one in judged}
    for verdict, code in (
        (Verdict.REGRESSION, ExitCode.SLOWER),
        (Verdict.FAILED, ExitCode.CASES_FAILED),
        (Verdict.INCONCLUSIVE, ExitCode.INCONCLUSIVE),
    ):
        if verdict in found:
            return code
    return ExitCode.OK
