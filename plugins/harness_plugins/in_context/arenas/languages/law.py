"""What a law of tokens is: it draws sequences, each of a language of its own, and knows the true next-token law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.prompts import FloatArray


class Passages(NamedTuple):
    """A batch of token sequences, and what is known of what follows each token."""

    tokens: NDArray[np.int64]
    """What models are shown, (B, T), each in 0..V-1."""
    following: NDArray[np.int64]
    """The token that follows each, (B, T): `tokens` one place on."""
    truth: FloatArray
    """Its law given the language of the sequence and the tokens so far, (B, T, V)."""
    scored: NDArray[np.bool_]
    """Where predictions count, (B, T)."""


@dataclass
class LanguageLaw:
    """A distribution of token sequences, each of a language that is drawn with it."""

    length: int = 200
    """Tokens T of a sequence that models are shown; the one after each is to be predicted."""

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ValueError(f"length must be at least 1 token, not {self.length}")

    @property
    def vocabulary(self) -> int:
        """Number of symbols V."""
        raise NotImplementedError

    def draw(self, rng: np.random.Generator, batch: int) -> Passages:
        """Draw `batch` sequences."""
        raise NotImplementedError
