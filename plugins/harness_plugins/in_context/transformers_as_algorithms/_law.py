"""Prompts of a fixed set of tasks, on which a transformer is trained before it meets new ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness_plugins.in_context.arenas.laws.linear import LinearLaw
from harness_plugins.in_context.arenas.prompts import FloatArray

FAMILIES = ("linear", "hetero-linear")
"""Families whose weights are Gaussian, each by itself."""


@dataclass
class FixedTasksLaw(LinearLaw):
    """Linear functions of which there are T: their weights are drawn once, from the prior, and belong to the law."""

    tasks: int = 32
    """Tasks T."""
    which: int = 0
    """Seed of the tasks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.family not in FAMILIES:
            raise ValueError(f"family must be one of {', '.join(FAMILIES)}, not {self.family!r}")
        if self.tasks < 1:
            raise ValueError(f"tasks must be at least 1, not {self.tasks}")

    def weights(self) -> FloatArray:
        """The tasks' weights, (T, d)."""
        rng = np.random.default_rng(self.which)
        weights: FloatArray = rng.standard_normal((self.tasks, self.d)) * np.sqrt(self.weight_variances())
        return weights

    def draw_clean(self, rng: np.random.Generator, batch: int) -> tuple[FloatArray, FloatArray]:
        """Inputs X (B, n+1, d) and their labels without noise, (B, n+1); each prompt is of one of the tasks."""
        weights = self.weights()[rng.integers(self.tasks, size=batch)]
        X = rng.standard_normal((batch, self.n + 1, self.d))
        return X, np.einsum("bid,bd->bi", X, weights)

    def posterior_mean(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """The mean over the tasks, each weighted by the likelihood of the labels seen; noise of 1e-4 at least."""
        answers = np.einsum("bid,td->tbi", X, self.weights())  # (T, B, n+1)
        misses = np.zeros_like(answers)
        np.cumsum((answers[:, :, :-1] - Y) ** 2, axis=-1, out=misses[:, :, 1:])
        shares = np.exp(-(misses - misses.min(axis=0)) / (2 * max(self.noise, 1e-4) ** 2))
        mean: FloatArray = (shares * answers).sum(axis=0) / shares.sum(axis=0)
        return mean
