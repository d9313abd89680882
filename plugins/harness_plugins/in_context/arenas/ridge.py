"""Ridge regression on every prefix of a prompt, and the posterior mean of mixtures of linear models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness_plugins.in_context.arenas.prompts import FloatArray, check_prompts

_SMALLEST_NOISE = 1e-4
"""Share of the prior's standard deviation that noise has at least, where models are told apart by their evidence."""


def ridge_predictions(X: FloatArray, Y: FloatArray, penalties: Sequence[float]) -> FloatArray:
    """Ridge regression on every prefix, from one singular value decomposition for all penalties.

    Penalty 0 stands for least squares of minimal norm, its singular values cut off as `numpy.linalg.lstsq` does.

    Args:
        X: inputs, (B, n+1, d).
        Y: labels, (B, n).
        penalties: weights of |w|^2, P of them, each >= 0.

    Returns:
        Predictions, (P, B, n+1).

    Raises:
        ValueError: a penalty is negative, or the prompts are not legal ones.
    """
    batch, n, d = check_prompts(X, Y)
    if not all(penalty >= 0 for penalty in penalties):
        raise ValueError(f"penalties must be >= 0, not {penalties}")
    predictions = np.zeros((len(penalties), batch, n + 1))
    for i in range(1, n + 1):
        U, s, Vt = np.linalg.svd(X[:, :i], full_matrices=False)  # (B, i, r), (B, r), (B, r, d)
        projected = np.einsum("bir,bi->br", U, Y[:, :i])
        query = np.einsum("brd,bd->br", Vt, X[:, i])
        kept = s > np.finfo(s.dtype).eps * max(i, d) * s[:, :1]
        for p, penalty in enumerate(penalties):
            shrinkage = np.divide(s, s**2 + penalty, out=np.zeros_like(s), where=kept)
            predictions[p, :, i] = np.einsum("br,br,br->b", query, shrinkage, projected)
    return predictions


def ridge_prediction(X: FloatArray, Y: FloatArray, penalty: float) -> FloatArray:
    """Ridge regression with one penalty on every prefix of X (B, n+1, d), Y (B, n): (B, n+1)."""
    predictions: FloatArray = ridge_predictions(X, Y, (penalty,))[0]
    return predictions


def mixture_posterior_mean(features: FloatArray, Y: FloatArray, noise: float) -> FloatArray:
    """The posterior mean when one of M linear models, each as likely as another, made the labels of a prompt.

    Model m says y = <w, phi_m(x)> + noise * N(0, 1) with w ~ N(0, I). Their predictions are weighted by their evidence

        log p(y | m) = -1/2 [log det(I + G / s^2) + (y.y - b.(G + s^2 I)^-1 b) / s^2] + const,

    G = Phi^T Phi, b = Phi^T y, s the noise (Bishop, Pattern Recognition and Machine Learning, section 3.5.1). Noise
    below 1e-4 counts as 1e-4, which tells models apart and moves no prediction by more than some 1e-8.

    Args:
        features: phi_m(x) of every input, (M, B, n+1, k).
        Y: labels, (B, n).
        noise: standard deviation of the labels' noise.

    Returns:
        Predictions, (B, n+1).
    """
    models, batch, length, k = features.shape
    variance = max(noise, _SMALLEST_NOISE) ** 2
    gram = np.zeros((models, batch, k, k))
    moment = np.zeros((models, batch, k))
    squares = np.zeros(batch)
    predictions = np.zeros((batch, length))
    for i in range(1, length):
        seen, y = features[:, :, i - 1], Y[:, i - 1]  # (M, B, k), (B,)
        gram += seen[..., :, None] * seen[..., None, :]
        moment += seen * y[:, None]
        squares += y**2
        regularised = gram + variance * np.eye(k)
        weights = np.linalg.solve(regularised, moment[..., None])[..., 0]  # (M, B, k)
        log_determinant = np.linalg.slogdet(regularised)[1] - k * np.log(variance)  # (M, B)
        unexplained = squares - np.einsum("mbk,mbk->mb", moment, weights)
        evidence = -0.5 * (log_determinant + unexplained / variance)
        share = np.exp(evidence - evidence.max(axis=0))
        each = np.einsum("mbk,mbk->mb", weights, features[:, :, i])
        predictions[:, i] = (share * each).sum(axis=0) / share.sum(axis=0)
    return predictions
