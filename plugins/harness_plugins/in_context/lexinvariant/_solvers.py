"""Solvers of substitution ciphers that do not model the next token: what deciphering is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.languages.law import check_tokens
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.lexinvariant._told import Told

_LEAST_GAIN = 1e-9
"""Gain in log-likelihood below which a climb has arrived: rounding errors are smaller."""


@dataclass
class FrequencyMatching(Told):
    """The commonest symbol stands for the commonest plain one, and so on."""

    def decipher(self, tokens: NDArray[np.int64], vocabulary: int) -> NDArray[np.int64]:
        """Tokens (B, T) -> plain symbols (B, V) of the symbols shown."""
        check_tokens(tokens, vocabulary)
        return matched(tokens, self.known(vocabulary).initial)


@dataclass
class HillClimbing(Told):
    """The classical solver: swap two symbols as long as that makes the text more likely, from several beginnings.

    The likelihood is the planted bigram's; each step takes the best of all V (V - 1) / 2 swaps.
    """

    restarts: int = 10
    """Beginnings: one by matched frequencies, the others random."""
    seed: int = 0
    """Of the random beginnings."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"restarts": 2}, "paper": {"restarts": 50}}

    def __post_init__(self) -> None:
        if self.restarts < 1 or self.seed < 0:
            raise ValueError(f"restarts must be at least 1, seed not negative; they are {self.restarts}, {self.seed}")

    def decipher(self, tokens: NDArray[np.int64], vocabulary: int) -> NDArray[np.int64]:
        """Tokens (B, T) -> plain symbols (B, V) of the symbols shown."""
        batch, _ = check_tokens(tokens, vocabulary)
        initial, transitions = self.known(vocabulary)
        counts = np.zeros((batch, vocabulary, vocabulary))
        np.add.at(counts, (np.arange(batch)[:, None], tokens[:, :-1], tokens[:, 1:]), 1.0)
        random = np.random.default_rng(self.seed).permuted(
            np.tile(np.arange(vocabulary), (self.restarts - 1, batch, 1)), axis=2
        )
        reached = [climb(counts, np.log(transitions), plain) for plain in (matched(tokens, initial), *random)]
        scores = np.stack([score for _, score in reached])  # (R, B)
        plain = np.stack([plain for plain, _ in reached])  # (R, B, V)
        best: NDArray[np.int64] = plain[scores.argmax(axis=0), np.arange(batch)]
        return best


def matched(tokens: NDArray[np.int64], frequencies: FloatArray) -> NDArray[np.int64]:
    """Plain symbols (B, V) by rank of frequency: tokens (B, T), frequencies (V,) of plain symbols."""
    counts = (tokens[..., None] == np.arange(len(frequencies))).sum(axis=1)  # (B, V)
    ranks = np.argsort(np.argsort(-counts, axis=1, kind="stable"), axis=1)
    plain: NDArray[np.int64] = np.argsort(-frequencies, kind="stable")[ranks]
    return plain


def climb(
    counts: FloatArray, log_transitions: FloatArray, plain: NDArray[np.int64]
) -> tuple[NDArray[np.int64], FloatArray]:
    """Steepest ascent by swaps: counts (B, V, V), plain (B, V) -> where it ends, (B, V), and its score, (B,)."""
    plain = plain.copy()
    rows = np.arange(len(plain))
    while True:
        under = log_transitions[plain[:, :, None], plain[:, None, :]]  # (B, V, V), by symbols shown
        gains = swap_gains(counts, under)
        i, j = np.divmod(gains.reshape(len(plain), -1).argmax(axis=1), plain.shape[1])
        better = gains[rows, i, j] > _LEAST_GAIN
        if not better.any():
            return plain, (counts * under).sum(axis=(1, 2))
        r, i, j = rows[better], i[better], j[better]
        plain[r, i], plain[r, j] = plain[r, j], plain[r, i]


def swap_gains(counts: FloatArray, under: FloatArray) -> FloatArray:
    """What the score sum(counts * under) gains by each swap i, j, all at once: (B, V, V) twice -> (B, V, V).

    Rows i and j of `under` change places, then columns i and j. With X = N Q^T + N^T Q, each of the two as if it
    happened alone, the gain is X_ij + X_ji - X_ii - X_jj; the four entries at which rows and columns meet were moved
    twice, and are put right.
    """
    crossed = counts @ under.transpose(0, 2, 1) + counts.transpose(0, 2, 1) @ under
    own = np.diagonal(crossed, axis1=1, axis2=2)
    gains = crossed + crossed.transpose(0, 2, 1) - own[:, :, None] - own[:, None, :]
    n_ii, n_jj = (np.diagonal(counts, axis1=1, axis2=2)[index] for index in _ROW_AND_COLUMN)
    q_ii, q_jj = (np.diagonal(under, axis1=1, axis2=2)[index] for index in _ROW_AND_COLUMN)
    n_ij, n_ji, q_ij, q_ji = counts, counts.transpose(0, 2, 1), under, under.transpose(0, 2, 1)
    # counted: rows v in {i, j} of (N_i - N_j)(Q_j - Q_i), columns likewise; due: the corners of the swapped matrix
    counted = (n_ii - n_ji) * (q_ji - q_ii) + (n_ij - n_jj) * (q_jj - q_ij)
    counted += (n_ii - n_ij) * (q_ij - q_ii) + (n_ji - n_jj) * (q_jj - q_ji)
    due = (n_ii - n_jj) * (q_jj - q_ii) + (n_ij - n_ji) * (q_ji - q_ij)
    corrected: FloatArray = gains - counted + due
    return corrected


_ROW_AND_COLUMN = ((slice(None), slice(None), None), (slice(None), None, slice(None)))
