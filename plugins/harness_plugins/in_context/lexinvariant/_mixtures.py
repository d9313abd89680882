"""The Bayes mixture over keys: the language model that does not care which symbol is which.

M = V! keys pi; `plain[k, x]` is the plain symbol that x stands for under key k. With a planted chain (mu, P), and the
weights w_k(t) that the keys have after t tokens,

    w_k(0) = mu[plain_k(x_0)],  w_k(t + 1) = w_k(t) P[plain_k(x_t), plain_k(x_(t+1))]      (each over its sum)
    p'(v | x_0 .. x_t) = sum_k w_k(t) P[plain_k(x_t), plain_k(v)]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.languages.law import check_tokens
from harness_plugins.in_context.arenas.languages.planted import Bigram
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.lexinvariant._told import Told

_MOST_SYMBOLS = 8
"""Symbols whose keys are enumerated, at most: 8! = 40320."""
_WEIGHTS_AT_ONCE = 2**16
"""Weights of keys that are carried along together: few enough to stay in the cache of a processor."""


class KeyTables:
    """What a chain says of tokens under each of the V! keys."""

    def __init__(self, bigram: Bigram) -> None:
        """Arrays of V and V x V numbers for each key.

        Raises:
            ValueError: the keys are too many.
        """
        V = len(bigram.initial)
        if V > _MOST_SYMBOLS:
            raise ValueError(
                f"the keys of {V} symbols are too many to enumerate (at most {_MOST_SYMBOLS}); sampled-mixture walks "
                "among them"
            )
        self.plain = np.array(list(permutations(range(V))))  # (M, V): all orders, hence all inverse orders too
        self.first: FloatArray = np.ascontiguousarray(bigram.initial[self.plain.T])  # (V, M)
        self.then: FloatArray = np.ascontiguousarray(  # (V, V, M): [x, y, k] = P[plain_k(x), plain_k(y)]
            bigram.transitions[self.plain.T[:, None], self.plain.T[None]]
        )

    def predict(self, tokens: NDArray[np.int64], weights: FloatArray) -> FloatArray:
        """The mixture after tokens (B,) under keys of weights (B, M): (B, V)."""
        mixed = np.empty((len(tokens), len(self.then)))
        for x in np.unique(tokens):  # for each symbol one product of matrices
            after = tokens == x
            mixed[after] = weights[after] @ self.then[x].T
        return mixed


@dataclass
class BayesMixture(Told):
    """p'(x) = mean over all V! keys pi of p(pi^-1 x): lexinvariant by symmetry, exact, for few symbols.

    As p' >= p / V!, it loses ln V! nats to p on a whole sequence, at most; so by Pinsker's inequality the mean L1
    distance of their next-token laws over T tokens is at most sqrt(2 ln V! / T), hence sqrt(2 V ln V / T).
    """

    def next_token_probabilities(self, tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
        """Tokens (B, T) -> (B, T, V), in O(V! V) a token.

        Raises:
            ValueError: it was not told the language, this has too many symbols, or rules a sequence out.
        """
        batch, length = check_tokens(tokens, vocabulary)
        tables = KeyTables(self.known(vocabulary))
        answered = np.empty((batch, length, vocabulary))
        for rows in _portions(batch, len(tables.plain)):
            for t, weights in enumerate(posteriors(tables, tokens[rows])):
                answered[rows, t] = tables.predict(tokens[rows, t], weights)
        return answered

    def decipher(self, tokens: NDArray[np.int64], vocabulary: int) -> NDArray[np.int64]:
        """The most probable key of each sequence (B, T): plain symbols (B, V) of the symbols shown."""
        batch, _ = check_tokens(tokens, vocabulary)
        tables = KeyTables(self.known(vocabulary))
        best = np.empty(batch, dtype=np.int64)
        for rows in _portions(batch, len(tables.plain)):
            *_, weights = posteriors(tables, tokens[rows])
            best[rows] = weights.argmax(axis=1)
        return tables.plain[best]


@dataclass
class RecomputedMixture(Told):
    """The same mixture, with the likelihood of every key computed anew for every prefix: what it costs otherwise."""

    def next_token_probabilities(self, tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
        """Tokens (B, T) -> (B, T, V), in O(V! (V + t)) for token t."""
        batch, length = check_tokens(tokens, vocabulary)
        tables = KeyTables(self.known(vocabulary))
        answered = np.empty((batch, length, vocabulary))
        for b, sequence in enumerate(tokens):
            for t in range(length):
                scores = np.log(tables.first[sequence[0]])  # (M,)
                scores = scores + np.log(tables.then[sequence[:t], sequence[1 : t + 1]]).sum(axis=0)
                weights = np.exp(scores - scores.max())
                answered[b, t] = tables.predict(sequence[t : t + 1], weights[None] / weights.sum())[0]
        return answered


def posteriors(tables: KeyTables, tokens: NDArray[np.int64]) -> Iterator[FloatArray]:
    """The weights of the keys, (B, M), after each token of (B, T). A step overwrites those of the step before.

    They are multiplied, not added up as logarithms, which would cost an exponential for each key and token. A key
    that falls behind the best one by a factor of 1e308 is lost, and could only come back if the next tokens spoke for
    it as strongly.

    Raises:
        ValueError: a sequence is impossible under every key.
    """
    weights = tables.first[tokens[:, 0]]
    for t in range(tokens.shape[1]):
        if t > 0:
            weights *= tables.then[tokens[:, t - 1], tokens[:, t]]
        totals = weights.sum(axis=1, keepdims=True)
        if not totals.all():
            raise ValueError(f"the language rules out a sequence under every key, at token {t}")
        weights /= totals
        yield weights


def _portions(batch: int, keys: int) -> Iterator[slice]:
    step = max(1, _WEIGHTS_AT_ONCE // keys)
    return (slice(start, start + step) for start in range(0, batch, step))
