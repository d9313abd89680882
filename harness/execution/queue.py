"""What waits for a worker, and in which order it gets one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from harness.plan.case import Case

SHARED_CASES = 50
"""Cases after which a shared process is replaced by a fresh one, the last instance's cases completed."""


class Queue:
    """Batches of cases, each for one process: ordinary ones first, then timed ones, which run alone.

    Cases that ran when their server died run alone too, before all others: then it is known which of them kills it.
    """

    def __init__(self, cases: Sequence[Case]) -> None:
        self._ordinary = deque(_batches(case for case in cases if not case.timed))
        self._timed = deque(_batches(case for case in cases if case.timed))
        self._suspects: deque[list[Case]] = deque()
        self._alone = False
        self.closed = False
        """Whether nothing will start any more."""

    def __bool__(self) -> bool:
        return bool(self._suspects or self._ordinary or self._timed)

    def next(self, running: int, workers: int) -> list[Case] | None:
        """What may be started now, if anything."""
        alone = self._suspects or (None if self._ordinary else self._timed)
        if running and (alone or self._alone):
            return None
        waiting = alone or self._ordinary
        return waiting[0] if waiting and running < workers else None

    def taken(self, batch: list[Case]) -> None:
        """A batch that was `next` has been started."""
        for waiting in (self._suspects, self._ordinary, self._timed):
            if waiting and waiting[0] is batch:
                waiting.popleft()
                self._alone = waiting is not self._ordinary
                return

    def put_back(self, cases: list[Case]) -> None:
        """Cases that a worker has left over, or one that is to be tried again."""
        if cases and not self.closed:
            (self._timed if cases[0].timed else self._ordinary).appendleft(cases)

    def suspect(self, case: Case) -> None:
        """A case that ran when its server died."""
        if not self.closed:
            self._suspects.append([case])

    def close(self) -> None:
        """Let nothing start any more."""
        self.closed = True
        for waiting in (self._suspects, self._ordinary, self._timed):
            waiting.clear()


def _batches(cases: Iterable[Case]) -> Iterator[list[Case]]:
    """Each case by itself; those that share processes in batches, the cases of an instance together."""
    shared: dict[int, dict[str, list[Case]]] = {}
    for case in cases:
        if case.isolation == "case":
            yield [case]
        else:
            shared.setdefault(case.threads, {}).setdefault(case.instance_key, []).append(case)
    for by_instance in shared.values():
        batch: list[Case] = []
        for group in by_instance.values():
            batch += group
            if len(batch) >= SHARED_CASES:
                yield batch
                batch = []
        if batch:
            yield batch
