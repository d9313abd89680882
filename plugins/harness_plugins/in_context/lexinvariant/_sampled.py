"""The mixture over keys where V! is out of reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.languages.law import check_tokens
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.lexinvariant._told import Told


@dataclass
class SampledMixture(Told):
    """The mixture over keys by Markov chain Monte Carlo, with swaps of two symbols as proposals; for any vocabulary."""

    keys: int = 64
    """Keys that are followed for each sequence; the error falls with their square root."""
    moves: int = 40
    """Swaps that each of them proposes after each token."""
    seed: int = 0
    """Of the random numbers."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"keys": 8, "moves": 2}, "paper": {"keys": 512}}

    def __post_init__(self) -> None:
        if self.keys < 1 or self.moves < 0 or self.seed < 0:
            raise ValueError(
                f"keys must be at least 1, moves and seed not negative; they are {self.keys}, {self.moves}, {self.seed}"
            )

    def next_token_probabilities(self, tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
        """Tokens (B, T) -> (B, T, V), in O(C (m + 1) V) a token for C keys and m moves."""
        return self._follow(tokens, vocabulary)[0]

    def decipher(self, tokens: NDArray[np.int64], vocabulary: int) -> NDArray[np.int64]:
        """The most probable key among those followed, for each sequence (B, T): plain symbols (B, V)."""
        return self._follow(tokens, vocabulary)[1]

    def _follow(self, tokens: NDArray[np.int64], vocabulary: int) -> tuple[FloatArray, NDArray[np.int64]]:
        from harness_plugins.in_context.lexinvariant._chains import follow

        check_tokens(tokens, vocabulary)
        bigram = self.known(vocabulary)
        streams = np.random.default_rng(self.seed).spawn(len(tokens))  # so no sequence depends on the others
        followed = [
            follow(sequence, bigram, self.keys, self.moves, stream)
            for sequence, stream in zip(tokens, streams, strict=True)
        ]
        return np.stack([law for law, _ in followed]), np.stack([key for _, key in followed])
