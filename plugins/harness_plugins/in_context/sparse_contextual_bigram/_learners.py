"""The paper's algorithm, and what it is compared with; each yields its weights after every batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from harness_plugins.in_context.arenas.languages.contextual_bigram import IntArray, SparseContextualBigram
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.sparse_contextual_bigram._attention import Stream, Weights, descent

LAST_STEPS = 0.4
"""Share of the steps, at the end, that are smaller."""
LEAST_SIGNAL = 1e-3
"""What tr(V' C V'^T) counts as at least: it is 0 at the start, and divides."""
DIVERGED = 1e6
"""Weights beyond this are past recovery; descent ends with those before."""


@dataclass
class _Learner:
    """What all have: the size of their steps."""

    learning_rate: float = 0.1
    """Step size eta."""
    decay: float = 0.2
    """The last 40 % of the steps are this much smaller."""

    def __post_init__(self) -> None:
        if not (0 < self.learning_rate < np.inf and 0 < self.decay <= 1):
            raise ValueError(
                f"learning_rate must be positive and decay in (0, 1], not {self.learning_rate} and {self.decay}"
            )

    def rate(self, step: int, steps: int) -> float:
        """The step size f eta at a step."""
        return self.learning_rate * (self.decay if step >= (1 - LAST_STEPS) * steps else 1.0)


def uninformed(stream: Stream) -> Weights:
    """Where all start: attention the same everywhere, and values that say mu whatever the token."""
    A = np.full((stream.T, stream.N), 1 / stream.T)
    return Weights(A, np.repeat(stream.mu[:, None], stream.N, axis=1))


@dataclass
class ProximalGradient(_Learner):
    """Preconditioned, projected, l1-regularised proximal gradient descent."""

    penalty: float = 0.2
    """Weight lambda of |A|_1; below the smallest weight of Q, or that is shrunk away. 0: without the proximal step."""
    value_steps: float = 0.0
    """Share of the steps, at the start, that move the values alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.penalty < 1 and 0 <= self.value_steps < 1):
            raise ValueError(f"penalty and value_steps must be in [0, 1), not {self.penalty} and {self.value_steps}")

    def train(self, stream: Stream, start: Weights | None = None) -> Iterator[Weights]:
        """The weights after each batch, from `start` or from uniform attention."""
        mu, steps = stream.mu, len(stream)
        allowed = self.positions(stream)  # (T, N)
        A, V = self.begin(stream, allowed, start)
        for step, (tokens, outputs) in enumerate(stream):
            rate = self.rate(step, steps)
            by_A, by_V = descent(Weights(A, V), tokens, outputs)
            V_before = V
            V = self.value_step(A, V, by_V / mu, mu, rate)
            if step >= self.value_steps * steps:
                A = self.attention_step(A, V_before - mu[:, None], by_A / mu, mu, allowed, rate)
            yield Weights(A, V)

    def positions(self, stream: Stream) -> FloatArray:
        """Ones where attention may be, (T, N)."""
        return np.ones((stream.T, stream.N))

    def begin(self, stream: Stream, allowed: FloatArray, start: Weights | None) -> Weights:
        """Attention uniform where it may be, V = mu 1^T; or another law's weights, V recentred so that V mu = mu.

        The steps never touch V mu: what another law's V has there would stay.
        """
        uniform = allowed / allowed.sum(axis=0)
        if start is None:
            return Weights(uniform, uninformed(stream).V)
        kept = start.A * allowed
        total = kept.sum(axis=0)
        A = np.where(total > 0, kept / np.where(total > 0, total, 1), uniform)
        return Weights(A, start.V - (start.V @ stream.mu - stream.mu)[:, None])

    @staticmethod
    def value_step(A: FloatArray, V: FloatArray, gradient: FloatArray, mu: FloatArray, rate: float) -> FloatArray:
        """V' += rate G / mean_k |a^(k)|^2, where G keeps columns that add up to 1 and the mean direction, V mu = mu."""
        G = gradient - gradient.mean(axis=0)
        G -= (G @ mu)[:, None]
        stepped: FloatArray = V + rate * G / np.mean((A**2).sum(axis=0))
        return stepped

    def attention_step(
        self,
        A: FloatArray,
        beyond: FloatArray,
        gradient: FloatArray,
        mu: FloatArray,
        allowed: FloatArray,
        rate: float,
    ) -> FloatArray:
        """A <- relu(A + rate (G / tr(V' C V'^T) - lambda)), with G tangent to the simplex; then columns to sum 1.

        A column that the shrinkage would empty stays as it is. `beyond` is V' = V - mu 1^T, for which V' mu = 0 and so
        V' C V'^T = V' diag(mu) V'^T.
        """
        G = allowed * (gradient - (allowed * gradient).sum(axis=0) / allowed.sum(axis=0))
        signal = max(float((beyond**2 @ mu).sum()), LEAST_SIGNAL)
        shrunk = np.maximum(A + rate * (G / signal - self.penalty), 0)
        total = shrunk.sum(axis=0)
        return np.where(total > 0, shrunk / np.where(total > 0, total, 1), A)


@dataclass
class OracleSupport(ProximalGradient):
    """The same, told where Q is not 0: what is left to learn once the positions are found."""

    penalty: float = 0.0
    """No position has to be shrunk away."""
    _support: FloatArray | None = field(default=None, init=False, repr=False)

    def inform(self, law: SparseContextualBigram) -> None:
        """Learn where the law's Q is not 0."""
        self._support = (law.Q > 0).astype(np.float64)  # (T, N)

    def positions(self, stream: Stream) -> FloatArray:
        """The support of Q."""
        if self._support is None:
            raise ValueError("the oracle has not been told the support of Q")
        return self._support


@dataclass
class GradientDescent(_Learner):
    """Vanilla stochastic gradient descent on A and V."""

    def train(self, stream: Stream, start: Weights | None = None) -> Iterator[Weights]:
        """The weights after each batch; ends where they diverge."""
        steps = len(stream)
        weights = start or uninformed(stream)
        for step, (tokens, outputs) in enumerate(stream):
            rate = self.rate(step, steps)
            by_A, by_V = self.downhill(weights, tokens, outputs)
            weights = Weights(weights.A + rate * by_A, weights.V + rate * by_V)
            if max(np.abs(weights.A).max(), np.abs(weights.V).max()) > DIVERGED:
                return
            yield weights

    def downhill(self, weights: Weights, tokens: IntArray, outputs: IntArray) -> Weights:
        """Minus the gradient."""
        return descent(weights, tokens, outputs)


@dataclass
class OneHotGradientDescent(GradientDescent):
    """The same as one writes it in torch: one-hot matrices, einsum, autograd."""

    def downhill(self, weights: Weights, tokens: IntArray, outputs: IntArray) -> Weights:
        """Minus the gradient, by autograd."""
        from harness_plugins.in_context.sparse_contextual_bigram._torch import one_hot_descent

        return one_hot_descent(weights, tokens, outputs)


@dataclass
class SoftmaxAttention(_Learner):
    """Attention A = softmax(Z) over the positions, Z and V trained by Adam: nothing is preconditioned by mu."""

    learning_rate: float = 0.1
    """Step size of Adam: of 0.01, 0.03 and 0.1 the one with the smallest error of A."""

    def train(self, stream: Stream, start: Weights | None = None) -> Iterator[Weights]:
        """The weights after each batch."""
        from harness_plugins.in_context.sparse_contextual_bigram._torch import adam_on_softmax

        return adam_on_softmax(start or uninformed(stream), stream, lambda step: self.rate(step, len(stream)))
