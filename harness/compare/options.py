"""How a comparison is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from harness.errors import HarnessError
from harness.stats.multiple import Correction
from harness.stats.paired import Test

_TEST_NAMES = {
    "t": "paired t test",
    "wilcoxon": "Wilcoxon signed-rank test",
    "permutation": "paired permutation test",
    "bootstrap": "paired bootstrap test",
}
_CORRECTION_NAMES = {"holm": "Holm's correction", "fdr_bh": "Benjamini and Hochberg's correction"}


@dataclass(frozen=True)
class Options:
    """The choices of whoever compares.

    Raises:
        HarnessError: one of them is not possible.
    """

    metric: str | None = None
    """A name or glob pattern; None stands for each task's first metric."""
    baseline: str | None = None
    """Where two runs are compared: the first of them."""
    alpha: float = 0.05
    rope: float | None = None
    """The region of practical equivalence: a share where ratios are compared, else in the unit of the metric."""
    test: Test = "t"
    correction: Correction = "holm"

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 0.5:
            raise HarnessError(f"alpha lies between 0 and 0.5, such as 0.05; {self.alpha:g} does not")
        if self.rope is not None and not 0 < self.rope < float("inf"):
            raise HarnessError(f"a region of practical equivalence is above 0, such as 0.02; {self.rope:g} is not")
        for given, possible in ((self.test, get_args(Test)), (self.correction, get_args(Correction))):
            if given not in possible:
                raise HarnessError(f"there is no {given!r}; there are {', '.join(possible)}")

    @property
    def confidence(self) -> float:
        """The nominal coverage of all intervals."""
        return 1 - self.alpha

    @property
    def procedure(self) -> str:
        """The procedure in one line."""
        correction = _CORRECTION_NAMES.get(self.correction, "no correction")
        rope = "" if self.rope is None else f", region of practical equivalence {self.rope:g}"
        return (
            f"{_TEST_NAMES[self.test]} on the instances that both have solved, of logarithms where all values are "
            f"positive; {correction} over the pairs of a task; alpha {self.alpha:g}, intervals at "
            f"{100 * self.confidence:g} %{rope}; failed cases enter no mean, and lose to those that are ok"
        )

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        chosen = {"metric": self.metric, "baseline": self.baseline, "alpha": self.alpha, "rope": self.rope}
        return {**chosen, "test": self.test, "correction": self.correction}
