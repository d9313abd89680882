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

    @property
    def separator(self) -> int | None:
        """The symbol between the strings that a sequence consists of; None where it is all one."""
        return None

    def draw(self, rng: np.random.Generator, batch: int) -> Passages:
        """Draw `batch` sequences."""
        raise NotImplementedError

    def draw_training(self, rng: np.random.Generator, batch: int) -> Passages:
        """Draw what models may be trained on; a law that holds languages out for the test leaves these out here."""
        return self.draw(rng, batch)


def check_tokens(tokens: NDArray[np.int64], vocabulary: int) -> tuple[int, int]:
    """The sizes (B, T) of sequences of symbols 0..V-1.

    Raises:
        ValueError: they are no array (B, T) of integers, empty, or have a symbol that is out of range.
    """
    if not isinstance(tokens, np.ndarray) or not np.issubdtype(tokens.dtype, np.integer):
        kind = tokens.dtype if isinstance(tokens, np.ndarray) else type(tokens).__name__
        raise ValueError(f"tokens must be an array of integers, not {kind}")
    if tokens.ndim != 2 or 0 in tokens.shape:
        raise ValueError(f"tokens must be (B, T), neither of them 0; their shape is {tokens.shape}")
    if tokens.min() < 0 or tokens.max() >= vocabulary:
        raise ValueError(f"symbols must lie in 0..{vocabulary - 1}; there are {tokens.min()}..{tokens.max()}")
    batch, length = tokens.shape
    return batch, length
