"""Recover P and Q from samples of their law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from harness import Along, Context, Task, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.languages.contextual_bigram import draw_law
from harness_plugins.in_context.arenas.preparing import prepare
from harness_plugins.in_context.sparse_contextual_bigram._attention import Stream
from harness_plugins.in_context.sparse_contextual_bigram._learning import (
    BigramSizes,
    History,
    Learner,
    Problem,
    first_steps,
    follow,
)

FOUND, HALFWAY = 0.05, 0.5
"""Overlaps <Q, A> / |Q|^2 that end the first stage and the second."""


@metric(unit="1", direction="lower")
def rel_err_a(_: Problem, outcome: History) -> float:
    """|A - Q| / |Q|, Frobenius, at the end."""
    return float(outcome.error_a[-1])


@metric(unit="1", direction="lower")
def rel_err_v(_: Problem, outcome: History) -> float:
    """|V - P| / |P|, Frobenius, at the end."""
    return float(outcome.error_v[-1])


@metric(unit="1", direction="higher")
def support_f1(instance: Problem, outcome: History) -> float:
    """F1 of the positions found: where A is above half of the smallest weight of Q."""
    Q = instance.law.Q
    found, true = Q[Q > 0].min() / 2 < outcome.weights.A, Q > 0
    return float(2 * (found & true).sum() / (found.sum() + true.sum()))


@metric(unit="1", direction="lower")
def excess_loss(instance: Problem, outcome: History) -> float:
    """What the squared loss is above that of the true law, in expectation, in closed form."""
    return instance.law.excess_loss(*outcome.weights)


@metric(unit="samples", direction="lower")
def samples_to_recovery(_: Problem, outcome: History) -> float | None:
    """Samples until the relative errors of A and V are both below 0.2; None if they never are."""
    return outcome.until_recovered()


@metric(unit="samples", direction="lower")
def initial_samples(_: Problem, outcome: History) -> float | None:
    """Samples until <Q, A> / |Q|^2 exceeds 0.05, the paper's first stage; None if it never does."""
    return outcome.until(outcome.overlap > FOUND)


@metric(unit="samples", direction="lower")
def growth_samples(_: Problem, outcome: History) -> float | None:
    """Samples from there until it exceeds 0.5; None if it never does."""
    first, second = (outcome.until(outcome.overlap > level) for level in (FOUND, HALFWAY))
    return None if first is None or second is None else second - first


@metric(unit="1", direction="lower")
def error_curve(_: Problem, outcome: History) -> Along:
    """|A - Q| / |Q| along the samples."""
    return outcome.curve(outcome.error_a)


@metric(unit="1", direction="higher")
def overlap_curve(_: Problem, outcome: History) -> Along:
    """<Q, A> / |Q|^2 along the samples."""
    return outcome.curve(outcome.overlap)


@dataclass
class Recovery(BigramSizes, Task[Problem, Learner, History]):
    """Learn a sparse contextual bigram from fresh samples, knowing mu alone."""

    language: int | None = None
    """Seed of the law, whose P is the same for every T; without one each seed and size has a law of its own."""

    protocol = Learner
    metrics = (
        rel_err_a,
        rel_err_v,
        support_f1,
        excess_loss,
        samples_to_recovery,
        initial_samples,
        growth_samples,
        error_curve,
        overlap_curve,
    )
    operations: ClassVar[tuple[str, ...]] = ("train-step",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"T": 20, "batch": 64, "steps": 50},
        "paper": {"T": 5000, "batch": 64, "steps": 20_000},
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.language is not None and self.language < 0:
            raise ValueError(f"language must not be negative, not {self.language}")

    def instance(self, context: Context) -> Problem:
        """Draw a law."""
        rng = context.rng if self.language is None else np.random.default_rng(self.language)
        law = draw_law(rng, self.T, self.N, self.sparsity, self.weighting)
        return Problem(law, int(context.rng.integers(2**63)))

    def run(self, model: Learner, instance: Problem, context: Context) -> History:
        """Train to the end of the budget."""
        prepare(model, instance.law, context)
        stream = Stream(instance.law, self.batch, self.steps, np.random.default_rng(instance.seed))
        with context.phase("train"):
            return follow(model, instance.law, stream)

    def operation(self, name: str, model: Learner, instance: Problem, context: Context) -> Operation:
        """The first steps, on samples that are drawn already."""
        prepare(model, instance.law, context)
        return first_steps(model, instance, self.batch)
