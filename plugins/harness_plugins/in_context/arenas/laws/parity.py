"""Boolean functions of few bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias, get_args

import numpy as np

from harness_plugins.in_context.arenas.laws.law import Law, one_of
from harness_plugins.in_context.arenas.prompts import FloatArray

BooleanFamily: TypeAlias = Literal["parity", "conjunction", "disjunction"]

_RULES: dict[BooleanFamily, Callable[[FloatArray], FloatArray]] = {
    "parity": lambda bits: bits.prod(axis=-1),
    "conjunction": lambda bits: bits.min(axis=-1),
    "disjunction": lambda bits: bits.max(axis=-1),
}


@dataclass
class BooleanLaw(Law):
    """f(x) is the parity, the AND or the OR of `bits` of the d bits of x, uniform on {-1, 1}^d."""

    family: BooleanFamily = "parity"
    """What is made of the bits; -1 is false."""
    bits: int = 2
    """Bits that matter; which ones is drawn for each prompt."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("family", self.family, get_args(BooleanFamily))
        if not 1 <= self.bits <= self.d:
            raise ValueError(f"bits must lie in 1..{self.d} (d), not {self.bits}")

    def draw_clean(self, rng: np.random.Generator, batch: int) -> tuple[FloatArray, FloatArray]:
        """Inputs X (B, n+1, d) and their labels without noise, (B, n+1)."""
        X = rng.choice([-1.0, 1.0], (batch, self.n + 1, self.d))
        places = np.argsort(rng.random((batch, 1, self.d)), axis=-1)[..., : self.bits]
        return X, _RULES[self.family](np.take_along_axis(X, places, axis=-1))

    def posterior_mean(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """The mean over all supports, each weighted by the likelihood of the labels seen: (B, n+1)."""
        supports = np.array(list(combinations(range(self.d), self.bits)))  # (M, k)
        answers = np.moveaxis(_RULES[self.family](X[:, :, supports]), -1, 0)  # (M, B, n+1)
        misses = np.cumsum((answers[:, :, :-1] - Y) ** 2, axis=-1)
        misses = np.concatenate([np.zeros_like(misses[:, :, :1]), misses], axis=-1)  # (M, B, n+1): before each position
        misses -= misses.min(axis=0)
        likelihood = np.exp(-misses / (2 * self.noise**2)) if self.noise else (misses == 0).astype(float)
        mean: FloatArray = (likelihood * answers).sum(axis=0) / likelihood.sum(axis=0)
        return mean
