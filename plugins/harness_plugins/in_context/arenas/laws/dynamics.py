"""Linear dynamical systems, read as regression: what comes next from what is now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness_plugins.in_context.arenas.laws.law import Drawn, Law
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.ridge import ridge_prediction


@dataclass
class DynamicsLaw(Law):
    """x_(t+1) = A x_t + noise * N(0, I) from x_0 = 0; the label of x_t is the first coordinate of x_(t+1).

    A is Gaussian, scaled to a spectral radius (Li et al., arXiv:2301.07067, experiments). Each input shows the label
    before it, as the trajectory does.
    """

    noise: float = 1.0
    """Standard deviation of the process noise, which is that of the labels too."""
    radius: float = 0.9
    """Spectral radius of A; below 1 the system is stable."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.radius < 1 or self.noise == 0:
            raise ValueError(f"radius must lie between 0 and 1 and noise be positive, not {self.radius}, {self.noise}")

    def draw(self, rng: np.random.Generator, batch: int) -> Drawn:
        """Draw `batch` trajectories."""
        states = self.trajectories(self.matrices(rng, batch), rng)  # (B, n+2, d)
        targets = states[:, 1:, 0]
        return Drawn(states[:, :-1], targets[:, :-1], targets)

    def matrices(self, rng: np.random.Generator, batch: int) -> FloatArray:
        """A for each prompt, (B, d, d)."""
        A = rng.standard_normal((batch, self.d, self.d))
        largest = np.abs(np.linalg.eigvals(A)).max(axis=-1)
        scaled: FloatArray = A * (self.radius / largest)[:, None, None]
        return scaled

    def trajectories(self, A: FloatArray, rng: np.random.Generator) -> FloatArray:
        """States x_0 .. x_(n+1), (B, n+2, d)."""
        states = np.zeros((len(A), self.n + 2, self.d))
        for t in range(self.n + 1):
            shock = self.noise * rng.standard_normal((len(A), self.d))
            states[:, t + 1] = np.einsum("bde,be->bd", A, states[:, t]) + shock
        return states

    def posterior_mean(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """Ridge regression under a Gaussian prior of the variance that the entries of A have: an approximation.

        They are not quite Gaussian, as A is scaled by its own eigenvalues; the variance is taken from draws.
        """
        variance = np.mean(self.matrices(np.random.default_rng(0), 2000) ** 2)
        return ridge_prediction(X, Y, float(self.noise**2 / variance))
