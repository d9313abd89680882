"""The limit of infinite width: kernels, and the law of a network's outputs after training on the k basis vectors.

Two-layer ReLU networks f(x) = m^(-1/2) V relu(W x / sqrt(k)) without biases, W (m, k) and V (k, m) standard normal. As
m grows, f becomes a Gaussian process with kernel K (NNGP) at the start, and gradient descent on squared errors becomes
kernel regression with Theta (NTK). Its outputs are independent, with one covariance. Inputs are scaled to length 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from harness_plugins.in_context.arenas.permutation import IntArray
from harness_plugins.in_context.arenas.prompts import FloatArray

C = 1 / (2 * math.pi)
"""k Theta of two different basis vectors, k K of two inputs without a common 1."""
_JITTER = 1e-10
"""Added to variances of order 1 / k, so that the covariance has a Cholesky factor in floating point."""


def normalized(X: FloatArray) -> FloatArray:
    """X (B, k) with rows of length 1."""
    unit: FloatArray = X / np.linalg.norm(X, axis=1, keepdims=True)
    return unit


def kernels(X: FloatArray, Z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """K and Theta between the rows of X (B, k) and Z (C, k), (B, C) each: arc-cosine kernels of degree 1 and 0."""
    k = X.shape[1]
    lengths = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(Z, axis=1)
    products = X @ Z.T
    cosine = np.clip(products / lengths, -1, 1)
    angle = np.arccos(cosine)
    K: FloatArray = lengths * (np.sqrt(1 - cosine**2) + (math.pi - angle) * cosine) / (2 * math.pi * k)
    Theta: FloatArray = K + products * (math.pi - angle) / (2 * math.pi * k)
    return K, Theta


def regression(X: FloatArray) -> FloatArray:
    """A = Theta(X, E) Theta(E, E)^-1 (B, k) by linear algebra, X (B, k) scaled to length 1: the mean is A Y."""
    E = np.eye(X.shape[1])
    return np.asarray(np.linalg.solve(kernels(E, E)[1], kernels(normalized(X), E)[1].T).T, dtype=np.float64)


def covariance(X: FloatArray) -> FloatArray:
    """The covariance (B, B) of an output after training: K(X, X) + A K(E, E) A^T - A K(E, X) - K(X, E) A^T."""
    E, unit, A = np.eye(X.shape[1]), normalized(X), regression(X)
    cross = A @ kernels(E, unit)[0]
    matrix: FloatArray = kernels(unit, unit)[0] + A @ kernels(E, E)[0] @ A.T - cross - cross.T
    return matrix


def coefficients(n: IntArray, k: int) -> tuple[FloatArray, FloatArray]:
    """The two values that a row of A has for an input of n ones: at its ones, and elsewhere. As n, each.

    k Theta(E, E) = (1 - c) I + c 11^T, and k Theta(x, e_i) is f_1 where x_i = 1 and c elsewhere, so Sherman and
    Morrison's formula gives both with S = n f_1 + (k - n) c. They are the means of the outputs that should be 1 and 0,
    mu_1 > 0 >= mu_0; mu_0 = 0 for n = 1 alone, and -mu_0 is of order 1 / k.
    """
    rho = 1 / np.sqrt(n)
    f_1 = (2 * rho * (math.pi - np.arccos(rho)) + np.sqrt(1 - rho**2)) * C
    # the same as (c - c S / (1 - c + c k)) / (1 - c), with the difference taken first: exactly 0 for n = 1
    mu_0 = C * ((1 - C) - n * (f_1 - C)) / ((1 - C) * (1 - C + C * k))
    return mu_0 + (f_1 - C) / (1 - C), mu_0


def mean(Y: FloatArray) -> FloatArray:
    """The mean mu (B, k) of the outputs that should be Y (B, k): mu_1 at its ones, mu_0 elsewhere."""
    k = Y.shape[1]
    mu_1, mu_0 = coefficients(np.arange(1, k + 1), k)
    n = Y.sum(axis=1).astype(np.int64) - 1
    outputs: FloatArray = mu_0[n, None] + (mu_1 - mu_0)[n, None] * Y
    return outputs


def variance(n: IntArray, k: int) -> FloatArray:
    """The variance of every output for an input of n ones, as n; 0 at the examples."""
    rho = 1 / np.sqrt(n)
    K_1 = (np.sqrt(1 - rho**2) + (math.pi - np.arccos(rho)) * rho) * C  # k K(x, e_i) where x_i = 1; c elsewhere
    mu_1, mu_0 = coefficients(n, k)
    squares, total = n * mu_1**2 + (k - n) * mu_0**2, n * mu_1 + (k - n) * mu_0
    spread = 0.5 + (0.5 - C) * squares + C * total**2 - 2 * (n * mu_1 * K_1 + (k - n) * mu_0 * C)
    return np.where(n > 1, np.maximum(spread, 0) / k, 0.0)


def factor(X: FloatArray) -> FloatArray:
    """A Cholesky factor (B, B) of the covariance of an output at the rows of X (B, k); zero rows at the examples."""
    n = X.sum(axis=1)
    unseen = np.flatnonzero(n > 1)
    root = np.zeros((len(X), len(X)))
    if len(unseen):
        jitter = _JITTER * np.eye(len(unseen))
        root[np.ix_(unseen, unseen)] = np.linalg.cholesky(covariance(X[unseen]) + jitter)
    return root


def members_needed(k: int, ones: int, confidence: float) -> int:
    """Members M whose average has all k signs right at an input of so many ones, with this probability.

    The average of M outputs is normal with mean mu and variance sigma^2 / M, so the probability is
    Phi(mu_1 sqrt(M) / sigma)^n Phi(-mu_0 sqrt(M) / sigma)^(k - n), which grows with M.

    Raises:
        ValueError: no number is enough.
    """
    n = np.array([ones])
    (mu_1,), (mu_0,), (sigma,) = *coefficients(n, k), np.sqrt(variance(n, k))
    if sigma == 0:
        return 1
    phi = NormalDist().cdf

    def enough(M: int) -> bool:
        root = math.sqrt(M) / float(sigma)
        return bool(phi(float(mu_1) * root) ** ones * phi(-float(mu_0) * root) ** (k - ones) >= confidence)

    found = smallest(enough)
    if found is None:
        raise ValueError(f"confidence must be below 1, not {confidence}")
    return found


def smallest(enough: Callable[[int], bool], most: int = 2**40, precision: float = 0.0) -> int | None:
    """The smallest M up to `most` that is enough, if more are enough too; None if not even `most` are.

    Args:
        enough: whether M are.
        most: none larger is tried.
        precision: how far the answer may be above the true one, as a part of it.
    """
    low, high = 0, 1  # low is not enough
    while not enough(high):
        if high == most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > max(1, precision * low):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
