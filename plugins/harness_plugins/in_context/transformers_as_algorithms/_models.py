"""Transformers whose stability is measured, and ridge regression with the prior that is right for uneven weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from harness_plugins.in_context._kernel_ridge import prefix_predictions
from harness_plugins.in_context.arenas.prompts import FloatArray, check_prompts

if TYPE_CHECKING:
    from torch import Tensor

    from harness_plugins.in_context.transformers_as_algorithms._networks import BoundedNetwork


@dataclass
class BoundedTransformer:
    """Softmax self-attention and MLPs with bounded weights, every token seeing all: what Theorem 3.2 is about.

    Tokens are [x, 0] and [0, y] with |x|, |y| <= 1. Weights are random orthogonal matrices,
    as large as the bounds allow.
    """

    layers: int = 3
    """Layers D."""
    gamma: float = 0.5
    """Gamma: |W| = Gamma / 2 for the matrix of the attention scores x W x'."""
    which: int = 0
    """Seed of the weights."""

    def __post_init__(self) -> None:
        if self.layers < 1 or not 0 < self.gamma < math.inf:
            raise ValueError(f"layers must be >= 1 and gamma positive, not {self.layers} and {self.gamma}")

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1).

        Raises:
            ValueError: the prompts are not legal, or have an input or label beyond 1.
        """
        from harness_plugins.in_context.transformers_as_algorithms._networks import bounded_predictions

        _, _, d = check_prompts(X, Y)
        if np.linalg.norm(X, axis=-1).max() > 1 + 1e-9 or np.abs(Y).max() > 1 + 1e-9:
            raise ValueError("inputs must be of norm 1 and labels of absolute value 1 at most")
        return bounded_predictions(self.network(d), X, Y)

    def change_bound(self, n: int) -> float:
        """What replacing one of n examples can change a prediction by, at most.

        Let S be the sum over the T = 2n + 1 tokens of how far each has moved, and u the same of one token. Scores are
        within Gamma / 2 of zero, so that no weight of the softmax exceeds e^Gamma / T. The derivative of sum_s p_s x_s
        is sum_s p_s dx_s, at most e^Gamma S / T, and the covariance of the scores' derivative with x under p: at most
        Gamma e^Gamma S / T through the keys, and Gamma u / 2 through the query. With a = (1 + Gamma) e^Gamma

            u <- a S / T + Gamma u / 2,      S <- (a + Gamma / 2) S,

        and S = 4 at first: one x and one y move by 2 at most. The last token starts at u = 0.
        """
        a = (1 + self.gamma) * math.exp(self.gamma)
        return 4 / (2 * n + 1) * ((a + self.gamma / 2) ** self.layers - (self.gamma / 2) ** self.layers)

    def network(self, d: int) -> BoundedNetwork:
        """The transformer for inputs of d features."""
        from harness_plugins.in_context.transformers_as_algorithms._networks import BoundedNetwork

        return BoundedNetwork(1 + d, self.layers, self.gamma, self.which)

    def weights(self, d: int) -> dict[str, Tensor]:
        """Its matrices, by name."""
        return self.network(d).weights()


@dataclass
class UntrainedTransformer:
    """The family's causal transformer at its initial weights: a fixed algorithm for prompts of any length."""

    layers: int = 3
    """Layers."""
    width: int = 64
    """Units of the residual stream."""
    heads: int = 4
    """Attention heads; they divide the width."""
    sharpness: float = 1.0
    """What queries and keys are multiplied by; from some hundreds on, attention is hard."""
    most: int = 128
    """Examples that it has positions for."""
    which: int = 0
    """Seed of the weights."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"layers": 1, "width": 8, "heads": 2, "most": 16},
        "paper": {"layers": 12, "width": 256, "heads": 8},
    }

    def __post_init__(self) -> None:
        if not 0 < self.sharpness < math.inf or self.most < 1:
            raise ValueError(f"sharpness must be positive and most at least 1, not {self.sharpness} and {self.most}")

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1), causal.

        Raises:
            ValueError: the prompts are not legal, or longer than the positions.
        """
        from harness_plugins.in_context.arenas._prompted import predict
        from harness_plugins.in_context.transformers_as_algorithms._networks import initial_weights

        _, n, d = check_prompts(X, Y)
        if n > self.most:
            raise ValueError(f"there are positions for {self.most} examples (most), not for {n}")
        architecture = {"layers": self.layers, "width": self.width, "heads": self.heads}
        return predict(initial_weights(self.most, d, architecture, self.sharpness, self.which), architecture, X, Y)


@dataclass
class WeightedRidge:
    """Ridge regression in which weight i has standard deviation i^-decay: w = (X^T X + s^2 Sigma^-1)^-1 X^T y.

    All prefixes come from one Cholesky factor of X Sigma X^T + s^2 I.
    """

    noise: float = 1.0
    """Standard deviation s of the label noise that is reckoned with."""
    decay: float = 1.0
    """How fast weights are expected to fall; 0 is isotropic ridge regression."""

    def __post_init__(self) -> None:
        if not 0 < self.noise < math.inf or not math.isfinite(self.decay):
            raise ValueError(f"noise must be positive and decay finite, not {self.noise} and {self.decay}")

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1)."""
        _, _, d = check_prompts(X, Y)
        scaled = X * np.arange(1, d + 1) ** -self.decay
        return prefix_predictions(scaled @ scaled.transpose(0, 2, 1), Y, self.noise**2)
