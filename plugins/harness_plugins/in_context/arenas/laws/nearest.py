"""Labels without a function behind them, of which that of the nearest example is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness_plugins.in_context.arenas.laws.law import Drawn, Law
from harness_plugins.in_context.arenas.prompts import FloatArray


@dataclass
class NearestLaw(Law):
    """x is uniform on the sphere, y a random sign; the target is the label of the nearest example before.

    Labels have nothing to do with inputs, so that nothing but the rule of the nearest neighbour can be learnt (Li et
    al., arXiv:2411.10830, assumption 1). Before the first example the target is 0.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.noise:
            raise ValueError("noise must be 0: the labels are arbitrary already")

    def draw(self, rng: np.random.Generator, batch: int) -> Drawn:
        """Draw `batch` prompts."""
        X = rng.standard_normal((batch, self.n + 1, self.d))
        X /= np.linalg.norm(X, axis=-1, keepdims=True)
        Y = rng.choice([-1.0, 1.0], (batch, self.n))
        return Drawn(X, Y, nearest_labels(X, Y))

    def posterior_mean(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """The rule itself."""
        return nearest_labels(X, Y)


def nearest_labels(X: FloatArray, Y: FloatArray) -> FloatArray:
    """Label of the nearest of the examples before each position, (B, n+1); 0 before the first."""
    labels = np.zeros(X.shape[:2])
    for i in range(1, X.shape[1]):
        nearest = np.linalg.norm(X[:, :i] - X[:, i : i + 1], axis=-1).argmin(axis=1)
        labels[:, i] = np.take_along_axis(Y, nearest[:, None], axis=1)[:, 0]
    return labels
