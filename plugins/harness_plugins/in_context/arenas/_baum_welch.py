"""Baum-Welch for automata that emit along their edges, many of them at once.

A[v, s, s'] is the probability that state s emits symbol v and goes to s'; over v and s' it sums to 1. Strings start in
state 0. Shapes: B sequences, R restarts each, k strings of at most L letters, V symbols, S states.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.prompts import FloatArray

FLOOR = 1e-5
"""Expected count that every edge has beforehand, so that no probability becomes 0 for good."""


def initial(rng: np.random.Generator, batch: int, restarts: int, vocabulary: int, states: int) -> FloatArray:
    """Random automata A (B, R, V, S, S), without edges from a state to itself."""
    A = rng.random((batch, restarts, vocabulary, states, states)) * ~np.eye(states, dtype=bool)
    return _normalised(A)


def fit(A: FloatArray, strings: NDArray[np.int64], steps: int) -> FloatArray:
    """Steps of expectation maximisation from A (B, R, V, S, S) on strings (B, k, L), whose ends are filled with V.

    Returns:
        The fitted automata of each sequence's likeliest restart, (B, V, S, S).
    """
    for _ in range(steps):
        A = _normalised(expected_edges(A, strings)[0] + FLOOR * (A > 0))
    likeliest = expected_edges(A, strings)[1].argmax(axis=1)
    chosen: FloatArray = A[np.arange(len(A)), likeliest]
    return chosen


def expected_edges(A: FloatArray, strings: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """How often each edge is taken in the strings, in expectation (B, R, V, S, S), and their log-likelihood (B, R)."""
    B, R, V, S, _ = A.shape
    _, k, L = strings.shape
    padded = np.concatenate([A, np.broadcast_to(np.eye(S), (B, R, 1, S, S))], axis=2)  # V: stay, at no cost
    sequence, restart = np.ogrid[:B, :R]
    forward = np.empty((L + 1, B, R, k, S))
    forward[0] = np.eye(S)[0]
    scales = np.empty((L, B, R, k, 1))
    moves = [padded[sequence[..., None], restart[..., None], strings[:, None, :, t]] for t in range(L)]
    for t in range(L):
        ahead = (forward[t, ..., None, :] @ moves[t])[..., 0, :]  # (B, R, k, S)
        scales[t] = ahead.sum(axis=-1, keepdims=True)
        forward[t + 1] = ahead / scales[t]
    backward = np.ones((L + 1, B, R, k, S))  # over the scales from t on
    for t in reversed(range(L)):
        backward[t] = (moves[t] @ (backward[t + 1] / scales[t])[..., None])[..., 0]
    came = np.arange(V) == strings.transpose(2, 0, 1)[:, :, None, :, None]  # (L, B, 1, k, V)
    sources = np.moveaxis(forward[:-1], 0, 2).reshape(B, R, L * k, S)
    targets = np.moveaxis(backward[1:] / scales, 0, 2).reshape(B, R, L * k, S)
    symbols = np.moveaxis(came, 0, 2).reshape(B, 1, L * k, V)
    expected = np.stack([(sources * symbols[..., v, None]).swapaxes(2, 3) @ targets for v in range(V)], axis=2)
    return expected * A, np.log(scales).sum(axis=(0, 3, 4))


def next_letters(A: FloatArray, strings: NDArray[np.int64]) -> FloatArray:
    """The law of the next symbol after 0, 1, ..., L letters of each string, (B, k, L + 1, V), for A (B, V, S, S)."""
    B, V, S, _ = A.shape
    _, k, L = strings.shape
    padded = np.concatenate([A, np.broadcast_to(np.eye(S), (B, 1, S, S))], axis=1)
    emitted = A.sum(axis=3).swapaxes(1, 2)  # (B, S, V)
    belief = np.broadcast_to(np.eye(S)[0], (B, k, S))
    laws = np.empty((B, k, L + 1, V))
    for t in range(L + 1):
        laws[:, :, t] = belief @ emitted
        if t < L:
            belief = (belief[..., None, :] @ padded[np.arange(B)[:, None], strings[:, :, t]])[..., 0, :]
            belief = belief / belief.sum(axis=-1, keepdims=True)
    laws /= laws.sum(axis=-1, keepdims=True)
    return laws


def _normalised(A: FloatArray) -> FloatArray:
    """A with the edges of each state summing to 1."""
    normalised: FloatArray = A / A.sum(axis=(2, 4), keepdims=True)
    return normalised
