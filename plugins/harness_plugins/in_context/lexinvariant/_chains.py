"""A population of keys that follows their posterior distribution, for vocabularies of which no list can be made.

Iterated batch importance sampling (Chopin, Biometrika 89, 2002): every token multiplies the weight of each of C keys
by its likelihood; when the weights have become too uneven, keys are drawn anew by them; and after every token each key
makes some Metropolis steps that leave the posterior so far as it is. A step proposes to swap what two symbols stand
for.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.languages.planted import Bigram
from harness_plugins.in_context.arenas.prompts import FloatArray


def follow(
    tokens: NDArray[np.int64], bigram: Bigram, keys: int, moves: int, rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Follow one sequence.

    Args:
        tokens: symbols shown, (T,).
        bigram: the planted chain, all its probabilities positive.
        keys: size C of the population.
        moves: swaps that each key proposes after each token.
        rng: of first keys, draws, proposals, decisions.

    Returns:
        The mixture's law of the token after each, (T, V), and the key of the highest posterior at the end, (V,).
    """
    V, T = len(bigram.initial), len(tokens)
    plain = rng.permuted(np.tile(np.arange(V), (keys, 1)), axis=1)  # (C, V): what each symbol stands for
    one = rng.integers(V, size=(T, keys, moves))
    other = (one + rng.integers(1, V, size=one.shape)) % V
    thresholds = np.log(1 - rng.random(one.shape))
    start, step, counts = np.log(bigram.initial), np.log(bigram.transitions), np.zeros((V, V))
    weights = np.full(keys, 1 / keys)
    predicted = np.empty((T, V))
    for t, x in enumerate(tokens):
        if t == 0:
            weights *= bigram.initial[plain[:, x]]
        else:
            weights *= bigram.transitions[plain[:, tokens[t - 1]], plain[:, x]]
            counts[tokens[t - 1], x] += 1
        weights /= weights.sum()
        if 1 / np.sum(weights**2) < keys / 2:
            plain = plain[drawn(weights, rng.random())]
            weights = np.full(keys, 1 / keys)
        move(plain, counts, tokens[0], start, step, one[t], other[t], thresholds[t])
        predicted[t] = weights @ bigram.transitions[plain[:, x, None], plain]
    scores = [log_likelihood(counts, tokens[0], bigram, key) for key in plain]
    return predicted, plain[int(np.argmax(scores))]


def drawn(weights: FloatArray, offset: float) -> NDArray[np.int64]:
    """Systematic resampling: C places in proportion to their weights (C,), by one uniform number."""
    C = len(weights)
    places: NDArray[np.int64] = np.searchsorted(weights.cumsum(), (np.arange(C) + offset) / C)
    return np.minimum(places, C - 1)


def transition_counts(tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
    """How often each symbol (column) follows each (row) in tokens (T,): (V, V)."""
    pairs = tokens[:-1] * vocabulary + tokens[1:]
    return np.bincount(pairs, minlength=vocabulary**2).reshape(vocabulary, vocabulary).astype(np.float64)


def log_likelihood(counts: FloatArray, first: int, bigram: Bigram, plain: NDArray[np.int64]) -> float:
    """ln p of a sequence with those transitions (V, V) and first symbol, if symbol x stands for plain[x]."""
    transitions = np.log(bigram.transitions[plain[:, None], plain])
    return float((counts * transitions).sum() + np.log(bigram.initial[plain[first]]))


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def swap_gain(
    counts: FloatArray, first: int, start: FloatArray, step: FloatArray, plain: NDArray[np.int64], i: int, j: int
) -> float:
    """What the log-likelihood gains if i and j exchange what they stand for, in O(V); start, step: logs of a chain."""
    a, b = plain[i], plain[j]
    gain: float = (counts[i, i] - counts[j, j]) * (step[b, b] - step[a, a])
    gain += (counts[i, j] - counts[j, i]) * (step[b, a] - step[a, b])
    for v in range(len(plain)):
        if v not in (i, j):
            c = plain[v]
            gain += (counts[i, v] - counts[j, v]) * (step[b, c] - step[a, c])
            gain += (counts[v, i] - counts[v, j]) * (step[c, b] - step[c, a])
    if first == i:
        gain += start[b] - start[a]
    elif first == j:
        gain += start[a] - start[b]
    return gain


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def move(
    plain: NDArray[np.int64],
    counts: FloatArray,
    first: int,
    start: FloatArray,
    step: FloatArray,
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    thresholds: FloatArray,
) -> None:
    """Metropolis: each of the keys `plain` (C, V), in place, accepts or refuses m swaps of `one` and `other` (C, m).

    Accepted is what gains no less than its threshold, the logarithm of a uniform number.
    """
    for c in range(one.shape[0]):
        key = plain[c]
        for m in range(one.shape[1]):
            i, j = one[c, m], other[c, m]
            if swap_gain(counts, first, start, step, key, i, j) >= thresholds[c, m]:
                key[i], key[j] = key[j], key[i]
