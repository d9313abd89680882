"""Random neural networks, and linear functions of a representation that all prompts share."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

import numpy as np

from harness_plugins.in_context.arenas.laws.law import Law, one_of
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.ridge import mixture_posterior_mean, ridge_prediction

Inputs: TypeAlias = Literal["gaussian", "mixture"]

_CALIBRATION = 256
"""Inputs, beside those of the prompt, that a network's variance is taken from."""


@dataclass
class NetworkLaw(Law):
    """f is a random network of leaky ReLU layers with a linear output, scaled to unit variance over its inputs."""

    layers: int = 2
    """Weight matrices N; 2 is a network with one hidden layer."""
    hidden: int = 8
    """Units of each hidden layer."""
    leak: float = 0.1
    """Slope of the activation below zero."""
    inputs: Inputs = "gaussian"
    """x ~ N(0, I), or a mixture of N(-2, I) and N(2, I), means with all coordinates alike."""
    share: float = 0.5
    """Share of N(-2, I) in the mixture."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("inputs", self.inputs, get_args(Inputs))
        if self.layers < 1 or self.hidden < 1:
            raise ValueError(f"layers and hidden must be at least 1, not {self.layers} and {self.hidden}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must lie in 0..1, not {self.share}")

    def draw_clean(self, rng: np.random.Generator, batch: int) -> tuple[FloatArray, FloatArray]:
        """Inputs X (B, n+1, d) and their labels without noise, (B, n+1)."""
        weights = self._weights(rng, batch)
        X = self._inputs(rng, batch, self.n + 1 + _CALIBRATION)
        outputs = network(weights, X, self.leak)[..., 0]
        outputs /= outputs[:, self.n + 1 :].std(axis=1, keepdims=True) + np.finfo(np.float64).tiny
        return X[:, : self.n + 1], outputs[:, : self.n + 1]

    def _weights(self, rng: np.random.Generator, batch: int) -> list[FloatArray]:
        """V_j (B, d_j, d_(j-1)) ~ N(0, 2 / d_(j-1)) (He et al., arXiv:1502.01852)."""
        widths = [self.d, *[self.hidden] * (self.layers - 1), 1]
        return [
            np.sqrt(2 / fan_in) * rng.standard_normal((batch, fan_out, fan_in)) for fan_in, fan_out in pairwise(widths)
        ]

    def _inputs(self, rng: np.random.Generator, batch: int, count: int) -> FloatArray:
        X = rng.standard_normal((batch, count, self.d))
        if self.inputs == "gaussian":
            return X
        shift: FloatArray = np.where(rng.random((batch, count, 1)) < self.share, -2.0, 2.0)
        return X + shift


@dataclass
class RepresentationLaw(Law):
    """f(x) = <w, Phi(x)> with w ~ N(0, tau^2 I), x ~ N(0, I) and a fixed network Phi, one of K for each prompt.

    Phi(x) = s(B_L ... s(B_1 x)) with orthogonal matrices B_l and s(t) = max(t, t / 100) (Guo et al., arXiv:2310.10616,
    section 4.1). The networks belong to the law: all prompts share them.
    """

    layers: int = 2
    """Layers L of a representation; 0 is x itself."""
    prior: float = 1.0
    """Standard deviation tau of a weight."""
    representations: int = 1
    """Representations K; a prompt uses one, and does not say which."""
    which: int = 0
    """Seed of the representations."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.layers < 0 or self.representations < 1:
            raise ValueError(
                f"layers must be >= 0 and representations >= 1, not {self.layers} and {self.representations}"
            )
        if not 0 < self.prior < np.inf:
            raise ValueError(f"prior must be positive and finite, not {self.prior}")

    def matrices(self) -> FloatArray:
        """B_l of every representation, (K, L, d, d): orthogonal, uniformly distributed."""
        rng = np.random.default_rng(self.which)
        gaussian = rng.standard_normal((self.representations, self.layers, self.d, self.d))
        Q, R = np.linalg.qr(gaussian)
        matrices: FloatArray = Q * np.sign(np.diagonal(R, axis1=-2, axis2=-1))[..., None, :]
        return matrices

    def features(self, X: FloatArray) -> FloatArray:
        """Phi_k(x) for every representation, (K, *X.shape)."""
        return np.stack([represent(matrices, X) for matrices in self.matrices()])

    def draw_clean(self, rng: np.random.Generator, batch: int) -> tuple[FloatArray, FloatArray]:
        """Inputs X (B, n+1, d) and their labels without noise, (B, n+1)."""
        X = rng.standard_normal((batch, self.n + 1, self.d))
        weights = self.prior * rng.standard_normal((batch, self.d))
        chosen = rng.integers(self.representations, size=batch)
        return X, np.einsum("bid,bd->bi", self.features(X)[chosen, np.arange(batch)], weights)

    def posterior_mean(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """Ridge regression on Phi(x); with several representations the mean over them."""
        features = self.prior * self.features(X)
        if self.representations == 1:
            return ridge_prediction(features[0], Y, self.noise**2)
        return mixture_posterior_mean(features, Y, self.noise)


def network(weights: list[FloatArray], X: FloatArray, leak: float) -> FloatArray:
    """Outputs (B, n, d_N) of networks V_j (B, d_j, d_(j-1)) at X (B, n, d_0): leaky ReLU between layers, none after."""
    h = X
    for j, V in enumerate(weights):
        h = np.einsum("bnd,bed->bne", h if j == 0 else np.maximum(h, leak * h), V)
    return h


def represent(matrices: FloatArray, X: FloatArray) -> FloatArray:
    """Phi(x) for one representation B (L, d, d), of the shape of X."""
    h = X
    for B in matrices:
        h = h @ B.T
        h = np.maximum(h, 0.01 * h)
    return h
