"""Networks of finite width, many at a time: f(x) = m^(-1/2) V relu(W x / sqrt(k)), both layers trained on (e_i, P e_i).

Shapes: N networks, width m, k inputs and outputs, B test inputs of length 1. `descend` is gradient descent itself;
`linearized` goes at once where it would end if each network kept the tangent kernel that it was drawn with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness_plugins.in_context.arenas.prompts import FloatArray


@dataclass(frozen=True)
class Networks:
    """N networks."""

    W: FloatArray
    """(N, m, k)"""
    V: FloatArray
    """(N, k, m)"""

    def hidden(self, X: FloatArray) -> FloatArray:
        """What enters the ReLU: X (B, k) -> (N, m, B)."""
        k = X.shape[1]
        entering: FloatArray = self.W @ X.T / math.sqrt(k)
        return entering

    def __call__(self, X: FloatArray) -> FloatArray:
        """X (B, k) -> outputs (N, k, B)."""
        outputs: FloatArray = self.V @ np.maximum(self.hidden(X), 0) / math.sqrt(self.W.shape[1])
        return outputs


def drawn(N: int, m: int, k: int, rng: np.random.Generator) -> Networks:
    """Networks with standard normal weights."""
    return Networks(rng.standard_normal((N, m, k)), rng.standard_normal((N, k, m)))


def tangent_kernel(networks: Networks, X: FloatArray, Z: FloatArray) -> FloatArray:
    """The networks' own kernels between the rows of X (B, k) and Z (C, k): (N, k, B, k, C), output by output.

    With what enters the ReLU, h(x) = W x / sqrt(k): from V delta_oo' / m sum relu(h(x)) relu(h(z)), from W
    <x, z> / (k m) sum V_o V_o' [h(x) > 0] [h(z) > 0], the sums over hidden units.
    """
    m, k = networks.W.shape[1:]
    H_X, H_Z = networks.hidden(X), networks.hidden(Z)
    by_V = np.maximum(H_X, 0).transpose(0, 2, 1) @ np.maximum(H_Z, 0) / m  # (N, B, C)
    V_X = networks.V[:, :, None] * (H_X > 0).transpose(0, 2, 1)[:, None]  # (N, k, B, m)
    V_Z = networks.V[:, :, None] * (H_Z > 0).transpose(0, 2, 1)[:, None]  # (N, k, C, m)
    flat = V_X.reshape(len(V_X), -1, m) @ V_Z.reshape(len(V_Z), -1, m).transpose(0, 2, 1)
    by_W = flat.reshape(-1, k, len(X), k, len(Z)) * (X @ Z.T / (k * m))[:, None, :]
    kernel: FloatArray = by_W + np.eye(k)[:, None, :, None] * by_V[:, None, :, None, :]
    return kernel


def linearized(networks: Networks, X: FloatArray, Y: FloatArray) -> FloatArray:
    """Outputs (N, k, B) at X (B, k) after gradient descent on (E, Y) to the end, each network linear in its weights.

    f(x) = f_0(x) + Theta(x, E) Theta(E, E)^-1 (Y - f_0(E)) with the network's own kernel Theta. The change of weights
    that does this is applied instead of Theta(x, E), which would be larger.

    Args:
        networks: as they were drawn.
        X: test inputs.
        Y: labels (k, k), row i that of e_i.
    """
    N, m, k = networks.W.shape
    E = np.eye(k)
    left = (Y.T - networks(E)).reshape(N, k * k, 1)  # by output, then example
    kernel = tangent_kernel(networks, E, E).reshape(N, k * k, k * k)
    alpha = np.linalg.solve(kernel, left).reshape(N, k, k)  # (N, output, example)
    H_E, H_X = networks.hidden(E), networks.hidden(X)
    change_V = alpha @ np.maximum(H_E, 0).transpose(0, 2, 1) / math.sqrt(m)  # (N, k, m)
    change_W = (networks.V.transpose(0, 2, 1) @ alpha) * (H_E > 0) / math.sqrt(m * k)  # (N, m, k): E is the identity
    change_H = change_W @ X.T / math.sqrt(k)  # (N, m, B)
    moved = change_V @ np.maximum(H_X, 0) + networks.V @ (change_H * (H_X > 0))
    return networks(X) + moved / math.sqrt(m)


def descend(networks: Networks, Y: FloatArray, steps: int, learning_rate: float, tolerance: float) -> Networks:
    """Full-batch gradient descent on half the sum of squared errors at (E, Y).

    Args:
        networks: where it starts; they are left as they are.
        Y: labels (k, k), row i that of e_i.
        steps: most steps.
        learning_rate: step size.
        tolerance: it stops when no output of any network is further than this from its label.
    """
    m, k = networks.W.shape[1:]
    networks = Networks(networks.W.copy(), networks.V.copy())
    E = np.eye(k)
    for _ in range(steps):
        H = networks.hidden(E)  # (N, m, k)
        active = np.maximum(H, 0)
        error = networks.V @ active / math.sqrt(m) - Y.T  # (N, output, example)
        if np.abs(error).max() <= tolerance:
            break
        slope_W = (networks.V.transpose(0, 2, 1) @ error) * (H > 0)
        networks.V[:] -= learning_rate / math.sqrt(m) * (error @ active.transpose(0, 2, 1))
        networks.W[:] -= learning_rate / math.sqrt(m * k) * slope_W
    return networks
