"""What the tasks share: who learns, of what, and the history of how far it got."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from harness import Along, InvalidOutcomeError, check_array
from harness.operations import Operation
from harness_plugins.in_context.arenas.languages.contextual_bigram import SparseContextualBigram, Weighting
from harness_plugins.in_context.arenas.laws.law import one_of
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.sparse_contextual_bigram._attention import Replay, Stream, Weights

RECOVERED = 0.2
"""Relative error of both A and V from which a law counts as recovered."""
CURVE = 40
"""Points of a curve."""
TIMED_STEPS = 4
"""Steps of the timed operation."""


class Learner(Protocol):
    """Learns attention and values from a stream of samples."""

    def train(self, stream: Stream, start: Weights | None = None) -> Iterator[Weights]:
        """The weights after each batch taken from the stream, from `start` (another law's) or from nothing."""


@dataclass(frozen=True)
class Problem:
    """A law, and the seed of the samples: all learners see the same."""

    law: SparseContextualBigram
    seed: int


@dataclass(frozen=True)
class History:
    """What a learner had learnt after each of its S steps."""

    weights: Weights
    """The last."""
    samples: FloatArray
    """Samples seen, (S,)."""
    error_a: FloatArray
    """|A - Q| / |Q|, (S,)."""
    error_v: FloatArray
    """|V - P| / |P|, (S,)."""
    overlap: FloatArray
    """<Q, A> / |Q|^2, (S,)."""

    def until(self, reached: NDArray[np.bool_]) -> float | None:
        """Samples until a condition (S,) first holds; None if it never does."""
        return float(self.samples[int(np.argmax(reached))]) if np.any(reached) else None

    def until_recovered(self) -> float | None:
        """Samples until A and V first are right up to `RECOVERED`."""
        return self.until((self.error_a < RECOVERED) & (self.error_v < RECOVERED))

    def curve(self, values: FloatArray) -> Along:
        """Values (S,) at `CURVE` of the steps, the last among them."""
        chosen = np.unique(np.linspace(0, len(values) - 1, CURVE).astype(int))
        return Along(values[chosen], samples=self.samples[chosen])


@dataclass
class BigramSizes:
    """What both tasks are about."""

    T: int = 200
    """Positions that a query can look at."""
    N: int = 3
    """Tokens."""
    sparsity: int = 2
    """Positions that it does look at: non-zeros of a column of Q."""
    weighting: Weighting = "equal"
    """Whether the positions of a query count the same."""
    batch: int = 256
    """Fresh samples of a step."""
    steps: int = 800
    """Steps."""

    def __post_init__(self) -> None:
        if not (self.N >= 2 and 1 <= self.sparsity < self.T):
            raise ValueError(
                f"there must be 2 tokens or more and 1 <= sparsity < T, not {self.N}, {self.sparsity}, {self.T}"
            )
        one_of("weighting", self.weighting, ("equal", "random"))
        if self.batch < 1 or self.steps < 1:
            raise ValueError(f"batch and steps must be at least 1, not {self.batch} and {self.steps}")


def follow(model: Learner, law: SparseContextualBigram, stream: Stream, start: Weights | None = None) -> History:
    """Train, and note after each step how far the weights are from the law.

    Raises:
        InvalidOutcomeError: there are none, or they are not finite (T, N) and (N, N).
    """
    squares, scale = float(np.vdot(law.Q, law.Q)), float(np.linalg.norm(law.P))
    notes, last = [], None
    for last in model.train(stream, start):
        check_weights(last, law)
        away = float(np.linalg.norm(last.A - law.Q)) / squares**0.5
        notes.append((away, float(np.linalg.norm(last.V - law.P)) / scale, float(np.vdot(law.Q, last.A)) / squares))
    if last is None:
        raise InvalidOutcomeError("the learner gave no weights")
    error_a, error_v, overlap = np.array(notes).T
    return History(last, stream.batch * np.arange(1.0, len(notes) + 1), error_a, error_v, overlap)


def first_steps(model: Learner, problem: Problem, batch: int, start: Weights | None = None) -> Operation:
    """The first steps, again and again on the same samples, from `start` or from nothing."""
    stream = Replay(problem.law, batch, TIMED_STEPS, np.random.default_rng(problem.seed))

    def steps() -> Weights:
        *_, last = model.train(stream, start)
        return last

    return Operation(steps, lambda last: check_weights(last, problem.law), items=TIMED_STEPS * batch, item="sample")


def check_weights(weights: Any, law: SparseContextualBigram) -> None:
    """Raise an InvalidOutcomeError unless these are finite weights of a model for that law."""
    if not isinstance(weights, Weights):
        raise InvalidOutcomeError(f"weights must be Weights(A, V), not {type(weights).__name__}")
    check_array(weights.A, "A", "(T, N)", law.Q.shape)
    check_array(weights.V, "V", "(N, N)", law.P.shape)
