"""Two arms on one task: the test, its verdict, and the sentence that says it."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from typing import Any

from harness.compare.sample import Quantity
from harness.compare.sentence import sentence
from harness.stats.interval import Interval
from harness.stats.paired import Paired, Scale


class Verdict(enum.StrEnum):
    """What the data say of the first arm beside the second."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    """The whole interval lies within the region of practical equivalence."""
    UNDECIDED = "undecided"
    """The data do not tell the arms apart: that is no proof that they are equal."""
    IDENTICAL = "identical"
    """The same value on every instance."""


@dataclass(frozen=True)
class Pair:
    """Two arms on the instances of one task. Where two runs are compared, `a` is the second one, `b` the first."""

    subject: str | None
    """The model, when its runs are the arms."""
    a: str
    b: str
    quantity: Quantity
    result: Paired
    """The test by itself; its effect is a - b, or a / b."""
    paired: bool
    """Whether the values were paired by instance; if not, the arms have too few instances in common."""
    p_value: float
    """Corrected for the number of pairs of the task."""
    corrected: bool
    """Whether it had to be: there are more pairs, and a correction was chosen."""
    verdict: Verdict
    wins: int
    """Instances on which `a` is better; an ok case beats a failed one."""
    ties: int
    losses: int
    met: int
    """Instances that at least one of the two has met."""
    failed: tuple[int, int]
    """Cases of each arm that failed, and are in no mean."""
    level: float
    """The level that a p-value must reach to be significant whatever the others are: it decides the power."""
    rope: float | None
    """The region of practical equivalence: a share on the scale of ratios, else in the unit of the metric."""

    @property
    def instances(self) -> int:
        """The instances that both have met, if they are paired."""
        return self.wins + self.ties + self.losses

    @property
    def mirrored(self) -> Pair:
        """The same, with the arms in the other order."""
        verdict = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}.get(self.verdict, self.verdict)
        return replace(
            self,
            a=self.b,
            b=self.a,
            result=_mirrored(self.result),
            verdict=verdict,
            wins=self.losses,
            losses=self.wins,
            failed=self.failed[::-1],
        )

    def beside(self, name: str) -> Pair:
        """The pair with `name` as its second arm."""
        return self if self.b == name else self.mirrored

    @property
    def winner(self) -> str | None:
        """The arm that is better, if the data tell."""
        return {Verdict.BETTER: self.a, Verdict.WORSE: self.b}.get(self.verdict)

    @property
    def loser(self) -> str | None:
        """The arm that is worse, if the data tell."""
        return {Verdict.BETTER: self.b, Verdict.WORSE: self.a}.get(self.verdict)

    @property
    def sentence(self) -> str:
        """The pair in plain English."""
        return sentence(self)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        names = {"subject": self.subject, "a": self.a, "b": self.b, "verdict": str(self.verdict)}
        counts = {"wins": self.wins, "ties": self.ties, "losses": self.losses, "failed": list(self.failed)}
        return {
            **names,
            "sentence": self.sentence,
            "scale": str(self.result.scale),
            "effect": self.result.effect.plain(),
            "effect_size": self.result.effect_size,
            "test": self.result.test,
            "paired": self.paired,
            "p_value": self.p_value,
            "raw_p_value": self.result.p_value,
            **counts,
        }


def _mirrored(result: Paired) -> Paired:
    size = result.effect_size
    return replace(
        result,
        effect=_inverse(result.effect) if result.scale is Scale.RATIO else _negative(result.effect),
        effect_size=None if size is None else -size,
        wins=result.losses,
        losses=result.wins,
    )


def _negative(effect: Interval) -> Interval:
    return replace(effect, estimate=-effect.estimate, low=-effect.high, high=-effect.low)


def _inverse(effect: Interval) -> Interval:
    estimate, low, high = (1 / end if end else math.inf for end in (effect.estimate, effect.high, effect.low))
    return replace(effect, estimate=estimate, low=low, high=high)
