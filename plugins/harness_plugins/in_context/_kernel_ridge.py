"""Kernel ridge regression on every prefix of a prompt from one Cholesky factor."""

from __future__ import annotations

import numpy as np

from harness_plugins.in_context.arenas.prompts import FloatArray


def prefix_predictions(kernel: FloatArray, Y: FloatArray, penalty: float) -> FloatArray:
    """k_i . (K_i + penalty I)^-1 y_i with K_i the kernel of the inputs before i: (B, n+1), 0 at the first position.

    The factor L of all inputs' K + penalty I holds those of all prefixes as its corners, and its row i, left of the
    diagonal, is the solution of L_i z = k_i. So with L z = y, solved once, prediction i is L[i, :i] . z[:i].

    Args:
        kernel: k(x_i, x_j), (B, n+1, n+1).
        Y: labels, (B, n).
        penalty: what is added to the diagonal, positive.

    Raises:
        ValueError: the penalty is not positive, or the kernel is not positive definite with it.
    """
    if not 0 < penalty < np.inf:
        raise ValueError(f"penalty must be positive and finite, not {penalty}")
    batch, n = Y.shape
    try:
        L = np.linalg.cholesky(kernel + penalty * np.eye(n + 1))  # (B, n+1, n+1)
    except np.linalg.LinAlgError as error:
        raise ValueError(f"the kernel is not positive definite with a penalty of {penalty}") from error
    z = np.zeros_like(Y)
    predictions = np.zeros((batch, n + 1))
    for i in range(n):  # forward substitution, all prompts at once; row i + 1 is about the input after the i-th
        z[:, i] = (Y[:, i] - np.einsum("bj,bj->b", L[:, i, :i], z[:, :i])) / L[:, i, i]
        predictions[:, i + 1] = np.einsum("bj,bj->b", L[:, i + 1, : i + 1], z[:, : i + 1])
    return predictions
