"""Sparse contextual bigrams (Ren, Wang, Lee, arXiv:2410.23438): the last token decides where to look.

What stands at one or two positions decides the next token, and the last token decides which positions these are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from harness_plugins.in_context.arenas.languages.law import LanguageLaw, Passages
from harness_plugins.in_context.arenas.laws.law import one_of
from harness_plugins.in_context.arenas.prompts import FloatArray

IntArray: TypeAlias = npt.NDArray[np.int64]
Weighting: TypeAlias = Literal["equal", "random"]

DRAWS = 4_000
"""Transition matrices that are drawn before it is given up to find one that serves."""


@dataclass(frozen=True)
class SparseContextualBigram:
    """T tokens x_1 .. x_T and a query x_{T+1} = k, all i.i.d. from mu; then Pr[x_o = j] = sum_t Q_{t,k} P_{j,x_t}.

    Raises:
        ValueError: P or Q is not column-stochastic, or their shapes do not fit.
    """

    P: FloatArray
    """Transitions, (N, N): column i is the law of the token after i."""
    Q: FloatArray
    """Attention, (T, N): column k is the law of the position that the query k looks at; few entries are not 0."""

    def __post_init__(self) -> None:
        if self.P.ndim != 2 or self.Q.ndim != 2 or not self.P.shape[0] == self.P.shape[1] == self.Q.shape[1]:
            raise ValueError(f"P must be (N, N) and Q (T, N), not {self.P.shape} and {self.Q.shape}")
        for name, table in (("P", self.P), ("Q", self.Q)):
            if not (np.all(table >= 0) and np.allclose(table.sum(axis=0), 1)):
                raise ValueError(f"the columns of {name} must be probabilities that add up to 1")

    @cached_property
    def mu(self) -> FloatArray:
        """The stationary law of P, (N,)."""
        return stationary(self.P)

    def draw(self, rng: np.random.Generator, batch: int) -> tuple[IntArray, IntArray]:
        """Tokens (B, T+1), the query last, and the outputs that follow them (B,)."""
        uniform = rng.random((batch, len(self.Q) + 1))
        reached = np.zeros(uniform.shape, np.uint16)
        for bound in np.cumsum(self.mu)[:-1]:  # for a few tokens many times as fast as searching for each number
            reached += uniform >= bound
        tokens = reached.astype(np.int64)  # (B, T+1)
        positions = _categorical(rng, self.Q, tokens[:, -1])  # (B,)
        return tokens, _categorical(rng, self.P, tokens[np.arange(batch), positions])

    def next_token_probabilities(self, tokens: IntArray) -> FloatArray:
        """Of the output after tokens (B, T+1), (B, N)."""
        attention = self.Q.T[tokens[:, -1]]  # (B, T)
        following = self.P.T[tokens[:, :-1]]  # (B, T, N)
        probabilities: FloatArray = np.einsum("bt,btn->bn", attention, following)
        return probabilities

    def excess_loss(self, A: FloatArray, V: FloatArray) -> float:
        """E |V X a - P X q|^2 / 2, with a and q the columns of A (T, N) and Q of the query: the loss less the noise.

        With C = diag(mu) - mu mu^T, the tokens' covariance, it is the mean over k ~ mu of half of
        |a|^2 tr(V C V^T) - 2 <a, q> tr(V C P^T) + |q|^2 tr(P C P^T) + |V mu (sum_t a_t) - mu|^2.
        """
        C = np.diag(self.mu) - np.outer(self.mu, self.mu)
        means = np.outer(V @ self.mu, A.sum(axis=0)) - self.mu[:, None]  # (N, N)
        squares = (
            (A**2).sum(axis=0) * np.vdot(V @ C, V)
            - 2 * (A * self.Q).sum(axis=0) * np.vdot(V @ C, self.P)
            + (self.Q**2).sum(axis=0) * np.vdot(self.P @ C, self.P)
            + (means**2).sum(axis=0)
        )
        return float(squares @ self.mu) / 2


@dataclass
class ContextualBigramLaw(LanguageLaw):
    """Sequences of one sparse contextual bigram, the query last; scored is what follows the query.

    All other tokens are independent draws from mu. The language is the same in training and test.
    """

    length: int = 51
    """Tokens of a sequence: the T positions that a query can look at, and the query."""
    symbols: int = 3
    """Number of symbols N."""
    sparsity: int = 2
    """Positions that a query does look at."""
    weighting: Weighting = "equal"
    """Whether the positions of a query count the same."""
    language: int = 0
    """Seed of P and Q."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.symbols < 2 or self.language < 0:
            raise ValueError(
                f"symbols must be at least 2 and language not negative, not {self.symbols} and {self.language}"
            )
        if not 1 <= self.sparsity < self.length - 1:
            raise ValueError(f"sparsity must lie in 1..length - 2 = {self.length - 2}, not {self.sparsity}")
        one_of("weighting", self.weighting, ("equal", "random"))

    @property
    def vocabulary(self) -> int:
        """Number of symbols N."""
        return self.symbols

    def bigram(self) -> SparseContextualBigram:
        """The language."""
        rng = np.random.default_rng(self.language)
        return draw_law(rng, self.length - 1, self.symbols, self.sparsity, self.weighting)

    def draw(self, rng: np.random.Generator, batch: int) -> Passages:
        """Draw `batch` sequences."""
        bigram = self.bigram()
        tokens, outputs = bigram.draw(rng, batch)
        truth = np.tile(bigram.mu, (*tokens.shape, 1))
        truth[:, -1] = bigram.next_token_probabilities(tokens)
        scored = np.zeros(tokens.shape, dtype=bool)
        scored[:, -1] = True
        return Passages(tokens, np.column_stack([tokens[:, 1:], outputs]), truth, scored)


def stationary(P: FloatArray) -> FloatArray:
    """The law mu (N,) that the transitions P (N, N) keep, if there is one only: (I - P + 1 1^T) mu = 1."""
    N = len(P)
    return np.asarray(np.linalg.solve(np.eye(N) - P + 1, np.ones(N)), np.float64)


def _categorical(rng: np.random.Generator, table: FloatArray, columns: IntArray) -> IntArray:
    """One draw from each of these columns (B,) of a column-stochastic table (n, m): rows (B,).

    The columns' cumulative sums stand one after the other, each lifted by its index, so that one search serves all.
    """
    n, m = table.shape
    bounds = np.cumsum(table, axis=0)
    bounds /= bounds[-1]
    lifted = (bounds + np.arange(m)).T.ravel()
    found = np.searchsorted(lifted, rng.random(len(columns)) + columns, side="right")
    drawn: IntArray = np.minimum(found - n * columns, n - 1)  # adding the index can round a number just below 1 up
    return drawn


def draw_law(
    rng: np.random.Generator, T: int, N: int, sparsity: int, weighting: Weighting = "equal"
) -> SparseContextualBigram:
    """A random law: columns of P from Dirichlet(1/2), of Q `sparsity` positions anywhere."""
    P = _draw_transitions(rng, N, lambda _: True)
    Q = np.zeros((T, N))
    for k in range(N):
        Q[rng.choice(T, sparsity, replace=False), k] = _weights(rng, sparsity, weighting)
    return SparseContextualBigram(P, Q)


def draw_related(
    rng: np.random.Generator, old: SparseContextualBigram, shared: int, correlation: float, weighting: Weighting
) -> SparseContextualBigram:
    """A law with fresh P and Q that keeps some of another's.

    Args:
        rng: where it is drawn from.
        old: the other law.
        shared: positions that a column of Q keeps; its others are new.
        correlation: least correlation of P - mu 1^T with that of the old law.
        weighting: how the positions of a column share the probability.
    """
    P = _draw_transitions(rng, len(old.P), lambda P: value_correlation(P, old.P) >= correlation)
    Q = np.zeros_like(old.Q)
    for k, column in enumerate(old.Q.T):
        support, others = np.flatnonzero(column), np.flatnonzero(column == 0)
        kept = rng.choice(support, shared, replace=False)
        new = rng.choice(others, len(support) - shared, replace=False)
        Q[np.concatenate([kept, new]), k] = _weights(rng, len(support), weighting)
    return SparseContextualBigram(P, Q)


def value_correlation(P: FloatArray, other: FloatArray) -> float:
    """The cosine between what two transition matrices (N, N) have beyond their stationary laws."""
    beyond, beyond_other = P - stationary(P)[:, None], other - stationary(other)[:, None]
    return float(np.vdot(beyond, beyond_other) / (np.linalg.norm(beyond) * np.linalg.norm(beyond_other)))


def _draw_transitions(rng: np.random.Generator, N: int, serves: Callable[[FloatArray], bool]) -> FloatArray:
    """Columns from Dirichlet(1/2), until no token is rare (mu > 0.45 / N), |P - mu 1^T| > 0.6, and it serves.

    Raises:
        ValueError: none of many does.
    """
    for _ in range(DRAWS):
        P: FloatArray = rng.dirichlet(np.full(N, 0.5), N).T
        mu = stationary(P)
        if mu.min() > 0.45 / N and np.linalg.norm(P - mu[:, None]) > 0.6 and serves(P):
            return P
    raise ValueError(f"none of {DRAWS} transition matrices of {N} tokens will do: ask for fewer tokens or less of them")


def _weights(rng: np.random.Generator, sparsity: int, weighting: Weighting) -> FloatArray:
    """Probabilities (sparsity,): all the same, or at random, none below half of that."""
    random = rng.dirichlet(np.ones(sparsity)) if weighting == "random" else np.full(sparsity, 1 / sparsity)
    return (1 / sparsity + random) / 2
