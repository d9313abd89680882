"""The gate's rule: when pairs of processes show that an operation has become slower, or that it has not.

Two versions of the code are timed in turns by pairs of fresh processes; what counts is the logarithm of the ratio of
their times. If nothing changed, the two of a pair are exchangeable, so a ratio is as likely as its inverse whatever the
noise, outlier processes included, and the signed-rank test is exact. After 8, 16, 32 and 48 pairs the rule looks at two
such tests: one shows that the slow-down is above `tolerance` (the operation is a suspect), the other that it is below
`threshold` (it is fine). p-values are multiplied by the number of looks, and so hold wherever one stops (Bonferroni).
A suspect is measured again from nothing, and the new pairs alone decide. It is a regression if its new p-value passes
Benjamini and Hochberg's procedure at the level `q` over all operations of the check, of which those that were no
suspects count as 1; fine if the new pairs exclude `threshold`; otherwise the check is inconclusive.

Hence three promises. Of the regressions reported, a share of at most `q` is expected to be within the tolerance. Where
all operations are within it, a check reports any with a chance of at most `alpha * q`, since chance has to make a
suspect first. A slow-down by `threshold` or more is called fine with a chance of at most `2 * alpha`, `alpha` for each
measurement. (The first two take operations to be independent; all three take a change to shift the logarithms and to
leave them symmetric.) Between the two limits either answer is right: less noise finds smaller slow-downs.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.arguments import Floats, finite_values, probability
from harness.stats.interval import Interval
from harness.stats.inversion import pseudo_median_interval
from harness.stats.multiple import adjust
from harness.stats.one_sample import signed_rank_tests


class State(enum.StrEnum):
    """What is known of an operation."""

    UNDECIDED = "undecided"
    """More pairs are needed."""
    SUSPECT = "suspect"
    """It seems to be slower."""
    FINE = "fine"
    """Not slower by the threshold."""
    INCONCLUSIVE = "inconclusive"
    """A slow-down between tolerance and threshold can be neither shown nor excluded."""
    REGRESSION = "regression"
    """It is slower: a suspect that was confirmed."""


@dataclass(frozen=True)
class Decision:
    """Where a sequence of pairs ends."""

    state: State
    pairs: int
    """How many it took; where it is undecided, how many there are."""


@dataclass(frozen=True)
class Rule:
    """The rule with its limits; ValueError if they make none.

    `log_ratios` are log(head seconds / base seconds), one for each pair, in the order of measurement; ValueError if one
    is not finite.
    """

    looks: tuple[int, ...] = (8, 16, 32, 48)
    """After how many pairs the rule looks."""
    tolerance: float = 0.015
    """The slow-down that nobody minds, as a share of the time."""
    threshold: float = 0.05
    """The slow-down that the gate promises to see."""
    alpha: float = 0.02
    """How often a measurement may suspect what is within the tolerance, and clear what is at the threshold."""
    q: float = 0.01
    """The share of false ones expected among confirmed regressions."""

    def __post_init__(self) -> None:
        if not self.looks or self.looks[0] < 1 or any(np.diff(self.looks) <= 0):
            raise ValueError(f"looks: {self.looks} are not rising numbers of pairs")
        if not 0 <= self.tolerance < self.threshold < math.inf:
            raise ValueError(f"threshold: {self.threshold:g} has to be above the tolerance, {self.tolerance:g}")
        if not probability(self.q, "q") <= probability(self.alpha, "alpha"):
            raise ValueError(f"q: {self.q:g} is above alpha, {self.alpha:g}: a suspect would be confirmed untested")

    def screen(self, log_ratios: Sequence[float]) -> State:
        """Undecided, a suspect, fine, or inconclusive at the last look; what comes after a decision changes nothing."""
        return self.screened(_row(log_ratios))[0].state

    def retest(self, log_ratios: Sequence[float], family: int) -> State:
        """Undecided, fine, or a suspect that `confirmed` rules on; `family` operations are checked."""
        return self.retested(_row(log_ratios), family)[0].state

    def screened(self, rows: Floats) -> list[Decision]:
        """`screen` for each row of log ratios (m, n)."""
        return self._decisions(rows, self.alpha, State.INCONCLUSIVE)

    def retested(self, rows: Floats, family: int) -> list[Decision]:
        """`retest` for each row of log ratios (m, n): stops where the others cannot matter any more."""
        return self._decisions(rows, self.q / family, State.SUSPECT)

    def confirmed(self, p_values: Sequence[float], family: int) -> list[bool]:
        """Which suspects are regressions, from `p_slower` of their second measurements; `family` as in `retest`."""
        return [bool(adjusted <= self.q) for adjusted in adjust(p_values, "fdr_bh", family)]

    def p_slower(self, log_ratios: Sequence[float]) -> float:
        """Of the hypothesis that the slow-down is within the tolerance; 1 before the first look."""
        return float(self._p_values(_row(log_ratios), self.tolerance, 1)[-1, 0])

    def p_excluded(self, log_ratios: Sequence[float]) -> float:
        """Of the hypothesis that the slow-down is the threshold or more; 1 before the first look."""
        return float(self._p_values(_row(log_ratios), self.threshold, -1)[-1, 0])

    def faster(self, log_ratios: Sequence[float]) -> bool:
        """Whether the head is shown to be faster by more than the tolerance; for display."""
        return self.p_slower([-ratio for ratio in log_ratios]) <= self.alpha

    def urgency(self, log_ratios: Sequence[float]) -> float:
        """How plausible a slow-down by the threshold still is, from 0 to 1: what to measure next if time is short."""
        row = _row(log_ratios)
        return float(signed_rank_tests(math.log1p(self.threshold) - row)[0])

    def _decisions(self, rows: Floats, level: float, at_last: State) -> list[Decision]:
        """Of each row: a suspect once `p_slower` reaches the level; fine once only `p_excluded` is at alpha."""
        slower, excluded = self._p_values(rows, self.tolerance, 1), self._p_values(rows, self.threshold, -1)
        suspect, fine = slower <= level, (excluded <= self.alpha) & (slower > self.alpha)
        ends = self.looks[-1] <= rows.shape[1]
        undecided = Decision(at_last, self.looks[-1]) if ends else Decision(State.UNDECIDED, rows.shape[1])
        made = [undecided] * len(rows)
        for row in np.flatnonzero((suspect | fine).any(axis=0)):
            place = int((suspect | fine)[:, row].argmax())
            made[row] = Decision(State.SUSPECT if suspect[place, row] else State.FINE, self.looks[place - 1])
        return made

    def _p_values(self, rows: Floats, slowdown: float, sign: int) -> Floats:
        """Of each row (m, n) at each look, after a first line of ones: (looks reached + 1, m).

        The smallest so far, times the number of looks. With the sign 1 the alternative is a larger slow-down, with -1
        a smaller one.
        """
        differences = sign * (rows - math.log1p(slowdown))
        reached = [look for look in self.looks if look <= rows.shape[1]]
        at_looks = [len(self.looks) * signed_rank_tests(differences[:, :look]) for look in reached]
        return np.minimum.accumulate([np.ones(len(rows)), *at_looks])


def estimate(log_ratios: Sequence[float], confidence: float = 0.95) -> Interval:
    """The ratio of the times, head to base: what Hodges and Lehmann (1963) estimate, with its interval.

    The interval is that of a fixed number of pairs; looks are not accounted for.
    """
    sample = finite_values(log_ratios, "log ratios")
    return pseudo_median_interval(sample, confidence).exponential()


def _row(log_ratios: Sequence[float]) -> Floats:
    return finite_values(log_ratios, "log ratios")[None] if len(log_ratios) else np.empty((1, 0))
