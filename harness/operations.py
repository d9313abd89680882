"""Operations: what a task lets be timed by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Operation:
    """A call that can be repeated, doing the same work each time: its state afterwards is that before."""

    call: Callable[[], object]
    """What is timed; made by `Task.operation`, with all that it needs built before."""
    check: Callable[[Any], object] | None = None
    """Looks at what a call has returned, once, before samples are taken: a wrong answer has no speed."""
    items: float | None = None
    """How many things one call works off, where a throughput says more than a time."""
    item: str = ""
    """What one of them is called, such as `token`."""

    def verify(self) -> None:
        """Call it once more and check what it returns.

        Raises:
            InvalidOutcomeError: it is not a legal answer.
        """
        answer = self.call()
        if self.check is not None:
            self.check(answer)
