"""The same arms over several tasks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from harness.stats.bayes import Posterior
from harness.stats.paired import Paired
from harness.stats.ranks import CriticalDifference, FriedmanResult, critical_difference


@dataclass(frozen=True)
class OverallPair:
    """Two arms over the tasks."""

    a: str
    b: str
    wins: int
    """Tasks on which the mean of `a` is better; one that has a value is better than one that has none."""
    ties: int
    losses: int
    result: Paired | None
    """The geometric mean over tasks of the cost of `a` relative to `b` (below 1: `a` is better), and the test of it.
    Tasks whose values are not all positive are left out; None if there are not two others."""
    p_value: float | None
    """Of that test, corrected."""
    posterior: Posterior | None
    """Bayesian signed-rank test of these costs (left: `a` is better); only with a region of practical equivalence."""

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        shares = self.posterior and {"a": self.posterior.left, "rope": self.posterior.rope, "b": self.posterior.right}
        return {
            "a": self.a,
            "b": self.b,
            "wins": self.wins,
            "ties": self.ties,
            "losses": self.losses,
            "ratio": self.result and self.result.effect.plain(),
            "p_value": self.p_value,
            "posterior": shares,
        }


@dataclass(frozen=True, eq=False)
class Overall:
    """The arms that a group of tasks share, over these tasks."""

    scale: str
    backend: str
    metric: str
    """Of the same name on all tasks; the units may differ."""
    tasks: tuple[str, ...]
    arms: tuple[str, ...]
    """Best mean rank first."""
    costs: np.ndarray
    """(tasks, arms): the mean, or its inverse where higher is better; infinite where there is no value."""
    friedman: FriedmanResult
    """Mean ranks, in the order of the arms, and whether any arm differs by them."""
    pairs: tuple[OverallPair, ...]
    """Every other arm against the anchor."""
    anchor: int
    """The position of the baseline, or of the arm of the best mean rank."""
    alpha: float

    @cached_property
    def critical_difference(self) -> CriticalDifference | None:
        """Nemenyi's critical difference of mean ranks; None for fewer than three arms."""
        return critical_difference(self.costs, self.arms, self.alpha) if len(self.arms) > 2 else None

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        ranks = self.critical_difference
        return {
            "scale": self.scale,
            "backend": self.backend,
            "metric": self.metric,
            "tasks": list(self.tasks),
            "arms": list(self.arms),
            "mean_ranks": list(self.friedman.mean_ranks),
            "friedman_p_value": self.friedman.p_value,
            "critical_difference": ranks and ranks.distance,
            "cliques": ranks and [list(clique) for clique in ranks.cliques],
            "pairs": [pair.plain() for pair in self.pairs],
        }
