"""The model, one layer of linear attention f = V X a^(k), and the gradient of its squared loss: gathers, no products.

X (N, T) is one-hot, so V X a needs no matrix X: X a^(k) adds up the attention that each token gets, and X^T r reads, at
every position, the entry of r that its token names. Both passes cost B T steps, whatever N; a product with X costs N
times as many.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from harness_plugins.in_context.arenas.languages.contextual_bigram import IntArray, SparseContextualBigram
from harness_plugins.in_context.arenas.prompts import FloatArray


class Weights(NamedTuple):
    """The model."""

    A: FloatArray
    """Attention, (T, N): column k is how much a query k looks at each position."""
    V: FloatArray
    """Values, (N, N): column i is what token i says about the output."""


def attended(A: FloatArray, tokens: IntArray) -> FloatArray:
    """X a^(k): the attention A (T, N) that each token of the prompts (B, T+1) gets from their last, (B, N)."""
    N = A.shape[1]
    attention = np.ascontiguousarray(A.T)[tokens[:, -1]]  # (B, T)
    return _totals(_cells(tokens, N), attention, (len(tokens), N))


def predict(weights: Weights, tokens: IntArray) -> FloatArray:
    """f = V X a^(k) for tokens (B, T+1), (B, N)."""
    return attended(weights.A, tokens) @ weights.V.T


def descent(weights: Weights, tokens: IntArray, outputs: IntArray) -> Weights:
    """Minus the gradient of the batch's mean of |e_{x_o} - V X a^(k)|^2 / 2 by A (T, N) and by V (N, N).

    By V it is the mean of res (X a)^T; column k of that by A is the sum of X^T V^T res over the prompts that end in k.
    """
    A, V = weights
    (T, N), B = A.shape, len(tokens)
    contexts = attended(A, tokens)  # (B, N)
    residuals = -contexts @ V.T
    residuals[np.arange(B), outputs] += 1  # (B, N)
    gains = np.take(residuals @ V, _cells(tokens, N))  # (B, T): X^T V^T res
    slots = np.arange(0, T * N, N) + tokens[:, -1:]  # where (position, query) lies in a (T, N) array
    return Weights(_totals(slots, gains, (T, N)) / B, residuals.T @ contexts / B)


def _cells(tokens: IntArray, N: int) -> IntArray:
    """Where (prompt, token) of the tokens but the last lies in a (B, N) array, (B, T)."""
    return tokens[:, :-1] + N * np.arange(len(tokens))[:, None]


def _totals(places: IntArray, amounts: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """What comes to lie at each place of an array of that shape, from amounts (B, T) at places (B, T)."""
    counted = np.bincount(places.ravel(), amounts.ravel(), shape[0] * shape[1])
    return np.asarray(counted, np.float64).reshape(shape)


class Stream:
    """Batches of fresh samples of a law: no learner sees one twice, or learns more of the law than mu.

    Iterating gives tokens (B, T+1) and outputs (B,), `len` the number of batches.

    Raises:
        ValueError: there is no batch, or nothing in it.
    """

    def __init__(self, law: SparseContextualBigram, batch: int, steps: int, rng: np.random.Generator) -> None:
        if batch < 1 or steps < 1:
            raise ValueError(f"there must be a batch or more of a sample or more, not {steps} of {batch}")
        self._law, self._steps, self._rng = law, steps, rng
        self.batch = batch
        """Samples B of a batch."""
        self.T, self.N = law.Q.shape
        self.mu = law.mu
        """How often each token comes, (N,)."""

    def __len__(self) -> int:
        return self._steps

    def __iter__(self) -> Iterator[tuple[IntArray, IntArray]]:
        for _ in range(self._steps):
            yield self._law.draw(self._rng, self.batch)


class Replay(Stream):
    """Batches that are drawn at once and come again the same each time: for timing what is done with them."""

    def __init__(self, law: SparseContextualBigram, batch: int, steps: int, rng: np.random.Generator) -> None:
        super().__init__(law, batch, steps, rng)
        self._drawn = [*super().__iter__()]

    def __iter__(self) -> Iterator[tuple[IntArray, IntArray]]:
        return iter(self._drawn)
