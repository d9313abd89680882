"""Looking up: keys and their values in turn, of which a key that has been seen must be answered by its value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.languages.law import LanguageLaw, Passages
from harness_plugins.in_context.arenas.languages.planted import rename


@dataclass
class LookupLaw(LanguageLaw):
    """k_1 v_1 k_2 v_2 ..., keys drawn with repetition; n keys with a value each are all the 2n symbols there are.

    Training languages are few assignments of symbols to keys and values; those of the test are random, one for each
    sequence. Scored are keys that came before in the sequence, so that everything needed is in it.
    """

    length: int = 60
    """Tokens T of a sequence that models are shown; the one after each is to be predicted."""
    pairs: int = 10
    """Keys, and values."""
    assignments: int = 16
    """Assignments in the training: a text in which symbols always mean the same has one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pairs < 2 or self.assignments < 1:
            raise ValueError(f"pairs must be at least 2, assignments 1; they are {self.pairs} and {self.assignments}")
        if self.length <= 2 * self.pairs:
            raise ValueError(f"length must exceed 2 pairs = {2 * self.pairs}, or no key need repeat; not {self.length}")

    @property
    def vocabulary(self) -> int:
        """Two symbols for each pair."""
        return 2 * self.pairs

    def draw(self, rng: np.random.Generator, batch: int) -> Passages:
        """Draw sequences of random assignments."""
        return self._draw(rng, rng.permuted(np.tile(np.arange(self.vocabulary), (batch, 1)), axis=1))

    def draw_training(self, rng: np.random.Generator, batch: int) -> Passages:
        """Draw sequences of the training's assignments."""
        known = np.random.default_rng(self.assignments).permuted(
            np.tile(np.arange(self.vocabulary), (self.assignments, 1)), axis=1
        )
        return self._draw(rng, known[rng.integers(self.assignments, size=batch)])

    def _draw(self, rng: np.random.Generator, symbols: NDArray[np.int64]) -> Passages:
        """Plain keys are 0..n-1, the value of k is n + k; symbols (B, 2n) are shown in their place."""
        n, T = self.pairs, self.length
        keys = rng.integers(n, size=(len(symbols), T // 2 + 1))
        plain = np.stack([keys, n + keys], axis=2).reshape(len(symbols), -1)[:, : T + 1]
        at_key = np.arange(T) % 2 == 0
        known = np.eye(2 * n)[plain[:, 1:]]
        unknown = np.arange(2 * n) < n  # after a value comes any key
        truth = np.where(at_key[:, None], known, unknown / n)
        shown = np.eye(2 * n, dtype=np.int64)[plain[:, :-1]].cumsum(axis=1)  # (B, T, 2n): how often each has come
        again = np.take_along_axis(shown, plain[:, :-1, None], axis=2)[..., 0] > 1
        return rename(Passages(plain[:, :-1], plain[:, 1:], truth, at_key & again), symbols)
