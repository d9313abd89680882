"""What the commands that execute cases have in common."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.api import Prepared


def stop_gently() -> None:
    """Let every signal to end do what Ctrl-C does: what is finished is kept."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def announce(prepared: Prepared) -> None:
    """Say what is reused and why the rest runs."""
    plan = prepared.plan
    reasons = Counter(planned.reason for planned in plan if planned.to_run)
    reused = sum(planned.reused is not None for planned in plan)
    skipped = Counter(f"{planned.case.backend.name}: {planned.skipped}" for planned in plan if planned.skipped)
    click.echo(f"{prepared.suite.name}: {len(plan)} cases, {reused} reused, {reasons.total()} to run", err=True)
    for reason, count in reasons.items():
        click.echo(f"  {count} {reason}", err=True)
    for reason, count in skipped.items():
        click.echo(f"  {count} skipped, {reason}", err=True)


def relative(path: Path) -> Path:
    """The path as one would write it from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
