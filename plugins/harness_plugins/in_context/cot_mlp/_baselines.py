"""What learns a network from inputs and labels alone: ridge regression on features, and networks trained by Adam."""

from __future__ import annotations

import numpy as np
import torch

from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.trained_networks import train_networks

PENALTIES = tuple(10.0**power for power in range(-6, 4))
"""Ridge penalties that cross-validation chooses from."""


def random_features(X: FloatArray, count: int, seed: int) -> FloatArray:
    """sqrt(2 / count) relu(A x) with A ~ N(0, 1 / d): X (B, n+1, d) -> (B, n+1, count)."""
    d = X.shape[2]
    A = np.random.default_rng(seed).standard_normal((d, count)) / np.sqrt(d)
    features: FloatArray = np.sqrt(2 / count) * np.maximum(X @ A, 0.0)
    return features


def ridge(features: FloatArray, Y: FloatArray) -> FloatArray:
    """Ridge regression of Y (B, n) on features (B, n+1, m); the prediction (B,) for the last.

    The penalty is chosen for each prompt by leaving out one example after the other. The residual without example i is
    a_i / C_ii with C = (K + penalty)^-1, K the features' Gram matrix, a = C y (Craven and Wahba, 1979).
    """
    known, query = features[:, :-1], features[:, -1]
    values, vectors = np.linalg.eigh(known @ known.transpose(0, 2, 1))  # (B, n), (B, n, n)
    turned = np.einsum("bij,bi->bj", vectors, Y)
    shrinkage = 1.0 / (np.maximum(values, 0.0) + np.array(PENALTIES)[:, None, None])  # (P, B, n)
    dual = np.einsum("bij,pbj->pbi", vectors, shrinkage * turned)  # a
    diagonal = np.einsum("bij,pbj->pbi", vectors**2, shrinkage)  # C_ii
    chosen = np.sum((dual / diagonal) ** 2, axis=-1).argmin(axis=0)  # (B,)
    best = dual[chosen, np.arange(len(Y))]
    predictions: FloatArray = np.einsum("bm,bnm,bn->b", query, known, best)
    return predictions


def network(
    X: FloatArray, Y: FloatArray, hidden: int, restarts: int, steps: int, learning_rate: float, seed: int
) -> FloatArray:
    """Two-layer networks for X (B, n+1, d), Y (B, n), one prompt each; of the restarts the best on held-out examples.

    The last fifth of five or more examples is held out, to stop each network where it is best on them, too.
    """
    batch, n = Y.shape
    inputs = torch.from_numpy(X).float().repeat_interleave(restarts, dim=0)  # (B R, n+1, d)
    labels = torch.from_numpy(Y).float().repeat_interleave(restarts, dim=0)
    networks = train_networks(
        inputs[:, :-1],
        labels,
        torch.ones_like(labels, dtype=torch.bool),
        [hidden],
        steps=steps,
        learning_rate=learning_rate,
        leak=0.0,
        generator=torch.Generator().manual_seed(seed),
    )
    with torch.no_grad():
        outputs = networks(inputs)[..., 0].unflatten(0, (batch, restarts))  # (B, R, n+1)
    judged = slice(n - n // 5, n) if n >= 5 else slice(n)
    errors = (outputs[..., judged] - torch.from_numpy(Y[:, None, judged]).float()).square().mean(-1)  # (B, R)
    answers: FloatArray = outputs[torch.arange(batch), errors.argmin(1), -1].double().numpy()
    return answers
