"""Languages that are planted: one that is known, which every sequence writes in symbols of its own.

A *key* is a permutation of the vocabulary: it says which symbol is shown for each plain symbol (Huang et al.,
arXiv:2305.16349, whose lexinvariant models have to do without knowing it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.languages.law import LanguageLaw, Passages
from harness_plugins.in_context.arenas.prompts import FloatArray


class Bigram(NamedTuple):
    """A Markov chain over plain symbols: the language itself, or what models take it for."""

    initial: FloatArray
    """Probability of a first symbol, (V,)."""
    transitions: FloatArray
    """Probability of each symbol (column) after each (row), (V, V)."""


class Enciphered(NamedTuple):
    """Sequences, and what only their writer knows."""

    passages: Passages
    """The sequences as they are shown."""
    plain: NDArray[np.int64]
    """What their tokens stand for, (B, T)."""
    keys: NDArray[np.int64]
    """The symbol shown for each plain symbol, (B, V)."""


@dataclass
class PlantedLaw(LanguageLaw):
    """A known language under a key."""

    permuted: bool = True
    """Whether each sequence has a fresh random key; without, symbols always mean the same."""

    def bigram(self) -> Bigram:
        """The language as a Markov chain: exactly, or as well as one can say it."""
        raise NotImplementedError

    def draw_plain(self, rng: np.random.Generator, batch: int, training: bool) -> tuple[NDArray[np.int64], FloatArray]:
        """Plain sequences, (B, T+1), to train on or to be tested on; the true law of each token but the first."""
        raise NotImplementedError

    def draw(self, rng: np.random.Generator, batch: int) -> Passages:
        """Draw `batch` sequences; every token counts."""
        return self.draw_enciphered(rng, batch).passages

    def draw_training(self, rng: np.random.Generator, batch: int) -> Passages:
        """Draw sequences to train on."""
        return self.draw_enciphered(rng, batch, training=True).passages

    def draw_enciphered(self, rng: np.random.Generator, batch: int, training: bool = False) -> Enciphered:
        """Draw `batch` sequences with their keys, to be tested on or to train on."""
        plain, truth = self.draw_plain(rng, batch, training)
        keys = np.tile(np.arange(self.vocabulary), (batch, 1))
        if self.permuted:
            keys = rng.permuted(keys, axis=1)
        scored = np.ones(truth.shape[:2], dtype=bool)
        shown = Passages(plain[:, :-1], plain[:, 1:], truth, scored)
        return Enciphered(rename(shown, keys), plain[:, :-1], keys)


def rename(passages: Passages, names: NDArray[np.int64]) -> Passages:
    """The same sequences with symbol v of sequence b written names[b, v]; names (B, V), a permutation each."""
    places = invert(names)[:, None]  # (B, 1, V): whose probability belongs in each column
    return Passages(
        np.take_along_axis(names, passages.tokens, axis=1),
        np.take_along_axis(names, passages.following, axis=1),
        np.take_along_axis(passages.truth, places, axis=2),
        passages.scored,
    )


def invert(permutations: NDArray[np.int64]) -> NDArray[np.int64]:
    """The inverse of each row, (B, V)."""
    return np.argsort(permutations, axis=-1)
