"""Continuous maps of sequences to sequences, and what is known of them: models of the arena approximate these."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from harness_plugins.in_context.arenas.laws.law import one_of
from harness_plugins.in_context.arenas.prompts import FloatArray

Map: TypeAlias = Literal["sort", "times-max", "sine-of-mean", "running-mean", "waves"]

_LIPSCHITZ = {"sort": 1.0, "times-max": 2.0, "sine-of-mean": 2 * math.pi + 1, "running-mean": 1.0}


@dataclass(frozen=True)
class Target:
    """F: [0, 1]^(T x d) -> R^(T x d), which may be called as often as one likes.

    `sort`: each feature sorted along the sequence. `times-max`: x_i max_j x_j, feature by feature. `sine-of-mean`:
    sin(2 pi mean) + x_i, the mean over all of X. `running-mean`: the mean of x_1 ... x_i. `waves`: sin(2 pi i x_i),
    each token by itself, i = 1 ... T.
    """

    map: Map
    T: int
    """Tokens of a sequence."""
    d: int = 1
    """Features of a token."""

    def __post_init__(self) -> None:
        one_of("map", self.map, get_args(Map))
        if self.T < 1 or self.d < 1:
            raise ValueError(f"T and d must be at least 1, not {self.T} and {self.d}")

    @property
    def coordinates(self) -> int:
        """Numbers in a sequence, T d."""
        return self.T * self.d

    @property
    def lipschitz(self) -> float:
        """Largest change of an output per change of the inputs, both in the maximum norm."""
        return 2 * math.pi * self.T if self.map == "waves" else _LIPSCHITZ[self.map]

    def __call__(self, X: FloatArray) -> FloatArray:
        """X (B, T, d) in [0, 1] -> F(X) (B, T, d).

        Raises:
            ValueError: X is no such batch.
        """
        check_sequences(X, self.T, self.d)
        if self.map == "sort":
            return np.sort(X, axis=1)
        if self.map == "times-max":
            return np.asarray(X * X.max(axis=1, keepdims=True))
        if self.map == "sine-of-mean":
            return np.asarray(X + np.sin(2 * math.pi * X.mean(axis=(1, 2), keepdims=True)))
        places = np.arange(1, self.T + 1)[:, None]  # (T, 1)
        if self.map == "waves":
            return np.asarray(np.sin(2 * math.pi * places * X))
        return np.asarray(np.cumsum(X, axis=1) / places)


def check_sequences(X: FloatArray, T: int, d: int) -> None:
    """Raise a ValueError unless X is a batch (B, T, d) of numbers in [0, 1], not empty."""
    if not isinstance(X, np.ndarray) or not np.issubdtype(X.dtype, np.floating):
        raise ValueError(f"X must be a floating-point array, not {getattr(X, 'dtype', type(X).__name__)}")
    if X.shape[1:] != (T, d) or len(X) == 0:
        raise ValueError(f"X must be (B, T, d) = (B, {T}, {d}) with B >= 1, not {X.shape}")
    if not (X.min() >= 0 and X.max() <= 1):  # what is not a number is in no interval
        raise ValueError("X has entries outside of [0, 1], or that are not numbers")
