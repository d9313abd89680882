"""`harness speed check`: the operations of suites, in the working tree and in another commit."""

from __future__ import annotations

import contextlib
import math
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import ExitCode
from harness.execution.server import Code
from harness.plan.planner import Modules
from harness.speed.decision import Rule
from harness.speed.gate import Gate, Judged, PairError, Verdict, exit_code
from harness.speed.record import OperationKey
from harness.speed.sides import Repository, code_of
from harness.speed.suites import Planned, SpeedSuite
from harness.timing.processes import OperationError, Player, Request, Side, cores
from harness.timing.ratio import log_ratio
from harness.timing.samples import Samples
from harness.timing.settings import Settings
from harness.timing.turns import take_turns

SETTINGS = Settings(seconds=2.0)
"""Of each process of a pair."""


@dataclass(frozen=True)
class Checked:
    """What a check has found."""

    base: str
    """The commit that the working tree was compared with."""
    judged: tuple[Judged[OperationKey], ...]

    @property
    def exit_code(self) -> ExitCode:
        """What the command returns."""
        return exit_code(self.judged)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"base": self.base, "exit_code": int(self.exit_code), "operations": [_plain(one) for one in self.judged]}


class Pairs:
    """Pairs of fresh processes, one of each of two versions of the code, which take turns."""

    def __init__(self, modules: Modules, old: Code | None, scratch: Path, seed: int = 0) -> None:
        """Args: what both import; the old version's code, None for this one; a folder; what orders are drawn from."""
        self._modules = modules
        self._codes = {"old": old, "new": None}
        self._scratch = scratch
        self._rng = random.Random(seed)
        self._sides: dict[tuple[str, bool], Side] = {}

    def measure(self, old: Request, new: Request, settings: Settings, *, again: bool = False) -> float | None:
        """The logarithm of the new version's time over the old one's; None if too few samples are clean.

        With `again` the processes come from servers of their own: those of one server lie in memory alike.

        Raises:
            PairError: one of the two cannot be built or called.
        """
        samples = self._turns({"old": old, "new": new}, settings, again)
        return log_ratio(samples["new"], samples["old"])

    def close(self) -> None:
        """End the servers."""
        for side in self._sides.values():
            side.close()

    def _turns(self, requests: Mapping[str, Request], settings: Settings, again: bool) -> dict[str, Samples]:
        core = self._rng.choice(available) if (available := cores()) else None
        versions = list(requests)
        self._rng.shuffle(versions)
        players: dict[str, Player] = {}
        errors: dict[str, OperationError] = {}
        with contextlib.ExitStack() as stack:
            for version in versions:
                side = self._side(version, again)
                try:
                    players[version] = stack.enter_context(side.play(requests[version], settings, core))
                except OperationError as error:
                    errors[version] = error
            if errors:
                raise _pair_error(errors)
            try:
                found = take_turns(list(players.values()), settings, self._rng)
            except OperationError as error:
                culprit = next(version for version, player in players.items() if player is error.player)
                raise _pair_error({culprit: error}) from None
        return dict(zip(players, found, strict=True))

    def _side(self, version: str, again: bool) -> Side:
        key = (version, again)
        if key not in self._sides:
            scratch = self._scratch / f"{version}{' again' if again else ''}"
            self._sides[key] = Side(1, self._modules, scratch, self._codes[version])
        return self._sides[key]


def _pair_error(errors: Mapping[str, OperationError]) -> PairError:
    """What fails in the new version has failed, whatever the old one did."""
    if "new" in errors:
        return PairError(Verdict.FAILED, f"the new version: {errors['new']}")
    return PairError(Verdict.NEW, f"the old version: {errors['old']}")


def check(
    suites: Sequence[SpeedSuite],
    base: str | None = None,
    *,
    rule: Rule | None = None,
    settings: Settings = SETTINGS,
    seconds: float = math.inf,
    seed: int = 0,
    folder: Path | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> Checked:
    """Compare the working tree with a commit.

    Args:
        suites: their operations are compared.
        base: the commit; the default is the last one if something has changed since, else the one before.
        rule: when to alarm.
        settings: how long each process measures.
        seconds: how long all of it may take; what is undecided then is inconclusive.
        seed: of all orders.
        folder: in the repository; the default is the working directory.
        say: told what is being done.

    Raises:
        HarnessError: there is no repository, no such commit, or the code of it cannot be had.
    """
    repository = Repository(folder or Path())
    commit = repository.commit(base or repository.default_base())
    planned = {one.key: one for suite in suites for one in suite.operations}
    reasons = {key: reason for key, one in planned.items() if (reason := _not_judged(one))}
    with tempfile.TemporaryDirectory(prefix="harness-speed-") as scratch:
        place = Path(scratch)
        say(f"checking out {commit[:10]}")
        with repository.checked_out(commit, place / commit[:10]) as worktree:
            pairs = Pairs(_joined(suites), code_of(repository.top, worktree, place), place, seed)

            def measure(key: OperationKey, again: bool) -> float | None:
                request = planned[key].request(place / "parts")
                return pairs.measure(request, request, settings, again=again)

            try:
                gate = Gate([key for key in planned if key not in reasons], measure, rule or Rule(), seconds)
                judged = {one.operation: one for one in gate.judge(say)}
            finally:
                pairs.close()
    judged |= {key: Judged(key, Verdict.SKIPPED, note=reason) for key, reason in reasons.items()}
    return Checked(commit, tuple(judged[key] for key in planned))


def _plain(judged: Judged[OperationKey]) -> dict[str, Any]:
    ratio = judged.ratio and judged.ratio.plain()
    counts = {"pairs": judged.pairs, "noisy": judged.noisy, "note": judged.note}
    return {"operation": asdict(judged.operation), "verdict": str(judged.verdict), "ratio": ratio, **counts}


def _not_judged(planned: Planned) -> str | None:
    """Why an operation is left out."""
    if planned.skipped:
        return planned.skipped
    if planned.case.threads > 1:
        return f"it uses {planned.case.threads} threads, whose times no number of samples makes reliable"
    return None


def _joined(suites: Sequence[SpeedSuite]) -> Modules:
    """What any of the suites imports, once."""
    libraries, sources = (
        tuple(dict.fromkeys(name for suite in suites for name in getattr(suite.modules, kind)))
        for kind in ("libraries", "sources")
    )
    return Modules(libraries, sources)
