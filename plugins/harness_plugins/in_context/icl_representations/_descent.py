"""What the layers compute, without the tokens: gradient descent on every prefix of a prompt at once.

The layers of gradient descent are alike, and each is an affine map of the weights, so that T of them are one affine
map, found by squaring in log T products of D x D matrices. Gram matrices of prefixes are sums that grow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness_plugins.in_context.arenas.prompts import FloatArray

if TYPE_CHECKING:
    from harness_plugins.in_context.icl_representations._layers import Descent


def prefix_weights(features: FloatArray, labels: FloatArray, descent: Descent, counted: FloatArray) -> FloatArray:
    """Weights after the steps of descent on the first i tokens, i = 1..n.

    Args:
        features: Phi, (B, n, D).
        labels: m of them for each token, (B, n, m).
        descent: step size, penalty and number of steps.
        counted: 1 for tokens that are examples, 0 for others, which still count in the mean, (n,).

    Returns:
        Weights, (B, n, D, m).
    """
    n, D = features.shape[1:]
    share = 1 / np.arange(1, n + 1)[:, None, None]
    counted_features = features * counted[:, None]
    gram = share * np.cumsum(counted_features[..., :, None] * features[..., None, :], axis=1)  # (B, n, D, D)
    moment = share * np.cumsum(counted_features[..., :, None] * labels[..., None, :], axis=1)  # (B, n, D, m)
    step = (1 - descent.learning_rate * descent.penalty) * np.eye(D) - descent.learning_rate * gram
    weights: FloatArray = descent.learning_rate * (geometric_sum(step, descent.steps) @ moment)
    return weights


def geometric_sum(A: FloatArray, terms: int) -> FloatArray:
    """I + A + ... + A^(terms - 1) for matrices A (..., D, D), by squaring: S_2k = S_k + A^k S_k."""
    power = np.broadcast_to(np.eye(A.shape[-1]), A.shape)
    total = np.zeros_like(A)
    for bit in f"{terms:b}":
        total = total + power @ total
        power = power @ power
        if bit == "1":
            total = total + power
            power = power @ A
    return total
