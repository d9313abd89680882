"""Measure the operations of a suite, each group of competitors in rounds of fresh processes."""

from __future__ import annotations

import contextlib
import math
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.plan.planner import Modules
from harness.provenance import Counters, conditions, provenance, speed_fingerprint
from harness.speed.record import Measured, OperationKey, Outcome, SpeedRun
from harness.speed.suites import Planned, SpeedSuite
from harness.timing.processes import Side
from harness.timing.rounds import LEAST_PROCESSES, Competition, Competitor, Effort


def run(
    suite: SpeedSuite, *, effort: Effort | None = None, seed: int = 0, say: Callable[[str], object] = lambda _: None
) -> SpeedRun:
    """Measure a suite here and now.

    Args:
        suite: whose operations.
        effort: how much to do; its time is for all operations together.
        seed: what all orders are drawn from.
        say: told what is being measured.

    Raises:
        HarnessError: processes cannot be had.
    """
    started, origin, before = datetime.now(UTC), provenance(suite.path.absolute().parent), Counters.now()
    with tempfile.TemporaryDirectory(prefix="harness-speed-") as scratch, contextlib.ExitStack() as stack:
        found = _measure(suite, effort or Effort(), random.Random(seed), Path(scratch), stack, say)
    return SpeedRun(
        id=f"{started:%Y%m%d-%H%M%S-%f}-{suite.name}",
        suite=suite.name,
        commit=origin["commit"],
        dirty=origin["dirty"],
        started_at=started.isoformat(timespec="seconds"),
        fingerprint=speed_fingerprint() | _of_devices(found, "fingerprint"),
        conditions=conditions(before) | _of_devices(found, "conditions"),
        versions=origin["versions"],
        operations=tuple(_measured(planned, found.get(planned.key)) for planned in suite.operations),
    )


def _measure(
    suite: SpeedSuite,
    effort: Effort,
    rng: random.Random,
    scratch: Path,
    stack: contextlib.ExitStack,
    say: Callable[[str], object],
) -> dict[OperationKey, Competitor]:
    """One round of every competition after the other, so that all of them see the same hours."""
    sides: dict[int, Side] = {}
    parts = scratch / "parts"

    def side(threads: int) -> Side:
        if threads not in sides:
            made = Side(threads, suite.modules if threads in used else Modules(), scratch / str(threads))
            sides[threads] = stack.enter_context(contextlib.closing(made))
        return sides[threads]

    groups = [[one for one in group if not one.skipped] for group in suite.groups().values()]
    used = {group[0].case.threads for group in groups if group}
    competitions = [
        Competition({one.key: one.request(parts) for one in group}, side(group[0].case.threads), side(1), effort, rng)
        for group in groups
        if group
    ]
    active, end = list(competitions), time.monotonic() + effort.seconds
    while active and time.monotonic() < end:
        rng.shuffle(active)
        for competition in active:
            if time.monotonic() < end:
                say(str(next(iter(competition.competitors))))
                competition.round()
        active = [competition for competition in active if not competition.is_done]
    return {key: one for competition in competitions for key, one in competition.competitors.items()}


def _of_devices(found: Mapping[OperationKey, Competitor], what: str) -> dict[str, Any]:
    """What the backends tell of their devices; the host tells nothing."""
    told: dict[str, Any] = {}
    for key, one in found.items():
        told |= {f"{key.backend} {name}": value for name, value in one.facts.get(what, {}).items()}
    return told


def _measured(planned: Planned, found: Competitor | None) -> Measured:
    """What is kept of an operation."""
    if found is None:
        return Measured(planned.key, planned.role, planned.baseline, "skipped", planned.skipped)
    outcome: Outcome = "failed" if found.error else "noisy" if math.isnan(found.seconds) else "ok"
    error = found.error
    if outcome == "noisy":
        clean = f"{len(found.processes)} processes had enough clean samples"
        error = f"{clean}, {found.noisy} had not: a value takes {LEAST_PROCESSES}"
    return Measured(
        planned.key,
        planned.role,
        planned.baseline,
        outcome,
        error,
        tuple(found.processes),
        found.noisy,
        found.facts.get("items"),
        found.facts.get("item", ""),
    )
