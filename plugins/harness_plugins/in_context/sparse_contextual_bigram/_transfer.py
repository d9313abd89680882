"""Recover a law after another that is related to it, and from nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from harness import Context, Task, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.languages.contextual_bigram import draw_law, draw_related
from harness_plugins.in_context.arenas.preparing import prepare
from harness_plugins.in_context.sparse_contextual_bigram._attention import Stream, Weights
from harness_plugins.in_context.sparse_contextual_bigram._learning import (
    BigramSizes,
    History,
    Learner,
    Problem,
    first_steps,
    follow,
)


@dataclass(frozen=True)
class Move:
    """A law, one that is related to it, and the seeds of the samples of each."""

    old: Problem
    new: Problem


@dataclass(frozen=True)
class Moved:
    """Learning the new law, from the weights that the old one left and from nothing, on the same samples."""

    transferred: History
    scratch: History


@metric(unit="1", direction="lower")
def transferred_error(_: Move, outcome: Moved) -> float:
    """|A - Q| / |Q| at the end, from the old law's weights."""
    return float(outcome.transferred.error_a[-1])


@metric(unit="1", direction="lower")
def scratch_error(_: Move, outcome: Moved) -> float:
    """|A - Q| / |Q| at the end, from nothing."""
    return float(outcome.scratch.error_a[-1])


@metric(unit="samples", direction="lower")
def transferred_samples(_: Move, outcome: Moved) -> float | None:
    """Samples of the new law until both errors are below 0.2, from the old law's weights; None if they never are."""
    return outcome.transferred.until_recovered()


@metric(unit="samples", direction="lower")
def scratch_samples(_: Move, outcome: Moved) -> float | None:
    """Samples of the new law until both errors are below 0.2, from nothing; None if they never are."""
    return outcome.scratch.until_recovered()


@dataclass
class Transfer(BigramSizes, Task[Move, Learner, Moved]):
    """Learn a law, then a related one: fresh but correlated P, and queries that look at some new positions."""

    shared: int = 1
    """Positions that a query keeps; its others are new. With all of them kept, Q changes by its weights alone."""
    correlation: float = 0.5
    """Least correlation of P - mu 1^T with that of the old law."""
    old_steps: int = 800
    """Steps on the old law."""

    protocol = Learner
    metrics = (transferred_error, scratch_error, transferred_samples, scratch_samples)
    operations: ClassVar[tuple[str, ...]] = ("train-step",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"T": 20, "batch": 64, "steps": 50, "old_steps": 50},
        "paper": {"T": 5000, "batch": 64, "steps": 20_000, "old_steps": 20_000},
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.shared <= self.sparsity and 2 * self.sparsity - self.shared <= self.T):
            raise ValueError(f"shared must be between 0 and {self.sparsity}, with room for new ones, not {self.shared}")
        if self.shared == self.sparsity and self.weighting == "equal":
            raise ValueError("with all positions kept and equal weights Q does not change: nothing has to be learnt")
        if not (-1 <= self.correlation < 1 and self.old_steps >= 1):
            raise ValueError(
                f"correlation must be in [-1, 1) and old_steps at least 1, not {self.correlation}, {self.old_steps}"
            )

    def instance(self, context: Context) -> Move:
        """Draw both laws."""
        rng = context.rng
        old = draw_law(rng, self.T, self.N, self.sparsity, self.weighting)
        new = draw_related(rng, old, self.shared, self.correlation, self.weighting)
        return Move(Problem(old, int(rng.integers(2**63))), Problem(new, int(rng.integers(2**63))))

    def run(self, model: Learner, instance: Move, context: Context) -> Moved:
        """Train on the old law; then on the new one twice."""
        prepare(model, instance.old.law, context)
        with context.phase("pretrain"):
            before = follow(model, instance.old.law, self.stream(instance.old, self.old_steps)).weights
        prepare(model, instance.new.law, context)
        with context.phase("transfer"):
            transferred = follow(model, instance.new.law, self.stream(instance.new, self.steps), before)
        with context.phase("scratch"):
            scratch = follow(model, instance.new.law, self.stream(instance.new, self.steps))
        return Moved(transferred, scratch)

    def operation(self, name: str, model: Learner, instance: Move, context: Context) -> Operation:
        """The first steps on the new law, from attention and values that are right for the old one."""
        prepare(model, instance.new.law, context)
        old = instance.old.law
        return first_steps(model, instance.new, self.batch, Weights(old.Q, old.P))

    def stream(self, problem: Problem, steps: int) -> Stream:
        """Its samples, the same each time."""
        return Stream(problem.law, self.batch, steps, np.random.default_rng(problem.seed))
