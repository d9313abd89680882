"""A claim must be able to fail: its check is fed results that were tampered with, and must not hold by them.

- *swapped*: two models that the check tells apart have exchanged their results.
- *replaced*: the construction has the results of the model it is compared with.
- *tilted*: what grows along a setting that the check looks along grows by one more power of it, and by one less: of
  the two, one may pass.
- *noise*: each value of what is tested is worse, by a random factor no smaller than the metric's whole range.
- *worse*: all are worse by the same factor, so that a mean moves and its interval widens no more than it; a check of
  what is the same in any unit cannot see that, and may pass if it does not pass with noise.
- *displaced*: the values of each curve are half a curve away from their places; it too may pass if it does not pass
  with noise.
- *too little*: all seeds but one, or half of the cells, have no result; here it must be inconclusive.

By none of them may it hold, and by one it has to fail, unless it fails by the true results already.
Swapping and replacing is for checks that equal models could not pass: what says `no worse than` says it of equals too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.checks.check import Check
from harness.checks.evidence import Cell, Evidence
from harness.checks.ruling import rule
from harness.checks.samples import CheckError
from harness.checks.verdict import Verdict
from harness.claims.tampering import displaced, noisy, replaced, swapped, thinned, tilted, worse

_NOISE_DRAWS = 3
_LEAST_HELD = (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.HELD)


@dataclass(frozen=True)
class Trial:
    """What a check said of tampered results."""

    sabotage: str
    verdict: Verdict


@dataclass(frozen=True)
class SelfTest:
    """Whether a claim's check is able to fail."""

    honest: Verdict
    """What it says of the true results."""
    trials: tuple[Trial, ...]
    thinned: Verdict
    """What it says of too few of them."""

    @property
    def passed(self) -> bool:
        """Whether it refuses what it must refuse."""
        fooled = any(trial.verdict is Verdict.HELD for trial in self.trials)
        failed = any(trial.verdict is Verdict.FAILED for trial in self.trials)
        if self.honest is Verdict.FAILED:
            return True
        return failed and not fooled and self.thinned is Verdict.INCONCLUSIVE

    @property
    def complaint(self) -> str:
        """What is wrong with the check; empty if nothing is."""
        if self.passed:
            return ""
        held = [trial.sabotage for trial in self.trials if trial.verdict is Verdict.HELD]
        if held:
            return f"still holds with results {', '.join(held)}"
        if self.thinned is not Verdict.INCONCLUSIVE:
            return f"is {self.thinned} with too little data"
        return "no sabotage makes it fail"


def self_test(check: Check, evidence: Evidence) -> SelfTest:
    """Feed a check the true results and each sabotage of them."""
    trials = tuple(
        Trial(name, min((rule(check, one).verdict for one in tampered), key=_LEAST_HELD.index))
        for name, *tampered in sabotages(check, evidence)
    )
    too_little = thinned(evidence, _read(check, evidence))
    return SelfTest(rule(check, evidence).verdict, trials, rule(check, too_little).verdict)


def sabotages(check: Check, evidence: Evidence) -> Iterator[tuple[str, *tuple[Evidence, ...]]]:
    """Every sabotage with its name; where it is several results, the check must not hold by all of them."""
    pairs = {(left, right) for lefts, rights in check.contrasts() for left in lefts for right in rights}
    for left, right in sorted(pairs):
        yield f"swapped: {left} and {right}", swapped(evidence, left, right)
        yield f"replaced: {left} by {right}", replaced(evidence, left, right)
    read = _tested(check, evidence)
    for dim in dict.fromkeys(check.trends()):
        yield f"tilted along {dim}", tilted(evidence, read, dim, 1), tilted(evidence, read, dim, -1)
    noise = [noisy(evidence, read, np.random.default_rng(draw)) for draw in range(_NOISE_DRAWS)]
    for draw, tampered in enumerate(noise):
        yield f"noise {draw}", tampered
    yield "worse", worse(evidence, read), noise[0]
    if any(len(points) > 1 for cell in read for points in cell.values.values()):
        yield "displaced", displaced(evidence, read), noise[0]


def _tested(check: Check, evidence: Evidence) -> list[Cell]:
    """The constructions' cells that the check reads; of a check that reads none of them, all that it reads."""
    read = _read(check, evidence)
    return [cell for cell in read if cell.role == "construction"] or read


def _read(check: Check, evidence: Evidence) -> list[Cell]:
    read: dict[int, Cell] = {}
    for measured in check.measured():
        try:
            read.update((id(cell), cell) for cell in measured.cells(evidence))
        except CheckError:
            continue  # the check itself will say so
    return list(read.values())
