"""What becomes of a claim: a verdict, and the findings it rests on."""

from __future__ import annotations

import enum
import math
from dataclasses import asdict, dataclass
from typing import Any


class Verdict(enum.StrEnum):
    """Whether results bear a claim out."""

    HELD = "held"
    """They do, with the confidence asked for."""
    FAILED = "failed"
    """They contradict it, with the confidence asked for."""
    INCONCLUSIVE = "inconclusive"
    """They are too few, too noisy or incomplete."""


@dataclass(frozen=True)
class Finding:
    """One quantity beside its bound."""

    what: str
    """The quantity, and where it was looked at, such as `seconds of a/b at k=8`."""
    verdict: Verdict
    bound: str
    """What it has to be, such as `<= 0.5`."""
    estimate: float | None = None
    low: float | None = None
    """Lower end of the interval; None where there is none."""
    high: float | None = None
    margin: float | None = None
    """How far the estimate is inside of the bound; negative outside. In the quantity's unit."""
    reason: str = ""
    """Why the verdict is what it is, where the numbers do not say so."""

    def plain(self) -> dict[str, Any]:
        """As JSON has it; what is not finite is None."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim, with all that was looked at."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    """What makes it inconclusive or failed beyond the findings, such as cells without a result."""

    @property
    def telling(self) -> Finding | None:
        """The finding that decides: of those with the judgement's verdict the one of the smallest margin."""
        deciding = [finding for finding in self.findings if finding.verdict == self.verdict] or list(self.findings)
        return min(deciding, key=_relative_margin, default=None)


def all_of(judgements: list[Judgement]) -> Judgement:
    """Held if all are; failed if any is."""
    return at_least(len(judgements), judgements)


def at_least(count: int, judgements: list[Judgement]) -> Judgement:
    """Held if at least `count` are; failed if so many failed that this cannot be."""
    held = sum(one.verdict is Verdict.HELD for one in judgements)
    failed = sum(one.verdict is Verdict.FAILED for one in judgements)
    if held >= count:
        verdict = Verdict.HELD
    else:
        verdict = Verdict.FAILED if failed > len(judgements) - count else Verdict.INCONCLUSIVE
    reasons = dict.fromkeys(one.reason for one in judgements if one.reason)
    return Judgement(verdict, tuple(finding for one in judgements for finding in one.findings), "; ".join(reasons))


def _relative_margin(finding: Finding) -> float:
    if finding.margin is None or finding.estimate is None:
        return -math.inf
    return finding.margin / (abs(finding.estimate) + abs(finding.margin) or 1.0)
