"""Functions that are linear in their weights: of the inputs, of few of them, of their squares."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Literal, TypeAlias, get_args

import numpy as np

from harness_plugins.in_context.arenas.laws.law import Law, one_of
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.ridge import mixture_posterior_mean, ridge_prediction

LinearFamily: TypeAlias = Literal["linear", "hetero-linear", "sparse-linear", "quadratic", "sign-linear"]

_MOST_SUPPORTS = 5000
"""Supports of a sparse function that are summed over, at most."""


@dataclass
class LinearLaw(Law):
    """f(x) = <w, phi(x)> for Gaussian w and x ~ N(0, I)."""

    family: LinearFamily = "linear"
    """Weights all alike; falling as 1 / i (hetero); few of them (sparse); of the squares x_i^2 / sqrt(3) (quadratic);
    or the sign of a linear function alone."""
    prior: float = 1.0
    """Standard deviation tau of a weight (of the first one in `hetero-linear`)."""
    nonzeros: int = 2
    """Weights that are not zero in `sparse-linear`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("family", self.family, get_args(LinearFamily))
        if not 0 < self.prior < np.inf:
            raise ValueError(f"prior must be positive and finite, not {self.prior}")
        if self.family == "sparse-linear" and not 1 <= self.nonzeros <= self.d:
            raise ValueError(f"nonzeros must lie in 1..{self.d} (d), not {self.nonzeros}")

    def draw_clean(self, rng: np.random.Generator, batch: int) -> tuple[FloatArray, FloatArray]:
        """Inputs X (B, n+1, d) and their labels without noise, (B, n+1)."""
        weights = rng.standard_normal((batch, self.d)) * np.sqrt(self._slot_variances())
        if self.family == "sparse-linear":
            places = np.argsort(rng.random((batch, self.d)), axis=1)  # (B, d): a random permutation for each prompt
            weights = np.where(places < self.nonzeros, weights, 0.0)
        X = rng.standard_normal((batch, self.n + 1, self.d))
        clean = np.einsum("bid,bd->bi", self.features(X), weights)
        return X, np.sign(clean) if self.family == "sign-linear" else clean

    def features(self, X: FloatArray) -> FloatArray:
        """phi(x), of the shape of X; a square over sqrt(3) has second moment 1, as x has."""
        return X**2 / np.sqrt(3) if self.family == "quadratic" else X

    def weight_variances(self) -> FloatArray:
        """Prior variance of each weight, (d,)."""
        variances = self._slot_variances()
        return variances * self.nonzeros / self.d if self.family == "sparse-linear" else variances

    def posterior_mean(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """Ridge regression in coordinates in which the prior is white; for sparse functions the mean over supports.

        Raises:
            ValueError: the functions are signs, or sparse with more supports than can be summed over.
        """
        if self.family == "sign-linear":
            return super().posterior_mean(X, Y)
        whitened = self.features(X) * np.sqrt(self._slot_variances())
        if self.family == "sparse-linear":
            supports = self._supports()  # (M, k)
            each = np.moveaxis(whitened[:, :, supports], 2, 0)  # (M, B, n+1, k)
            return mixture_posterior_mean(each, Y, self.noise)
        return ridge_prediction(whitened, Y, self.noise**2)

    def _slot_variances(self) -> FloatArray:
        """The variance that each weight has where it is not zero, (d,)."""
        falling = np.arange(1, self.d + 1) if self.family == "hetero-linear" else np.ones(self.d)
        variances: FloatArray = (self.prior / falling) ** 2
        return variances

    def _supports(self) -> np.ndarray:
        if comb(self.d, self.nonzeros) > _MOST_SUPPORTS:
            raise ValueError(f"{comb(self.d, self.nonzeros)} supports are too many to sum over")
        return np.array(list(combinations(range(self.d), self.nonzeros)))
