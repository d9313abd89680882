"""What the commands that execute cases have in common."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.say import say

if TYPE_CHECKING:
    from harness.api import Prepared
    from harness.execution.stop import Stop


def stop_gently() -> Stop:
    """What a run listens to while it goes on. Before and after, every signal to end does what Ctrl-C does."""
    from harness.execution.stop import Stop

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    return Stop(lambda text: say(text, err=True))


def announce(prepared: Prepared) -> None:
    """Say what is reused and why the rest runs."""
    plan = prepared.plan
    reasons = Counter(planned.reason for planned in plan if planned.to_run)
    reused = sum(planned.reused is not None for planned in plan)
    skipped = Counter(f"{planned.case.backend.name}: {planned.skipped}" for planned in plan if planned.skipped)
    say(f"{prepared.suite.name}: {len(plan)} cases, {reused} reused, {reasons.total()} to run", err=True)
    for reason, count in reasons.items():
        say(f"  {count} {reason}", err=True)
    for reason, count in skipped.items():
        say(f"  {count} skipped, {reason}", err=True)


def relative(path: Path) -> Path:
    """The path as one would write it from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
