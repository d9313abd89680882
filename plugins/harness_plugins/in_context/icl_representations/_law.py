"""Dynamical systems that are linear in a representation of their last states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness_plugins.in_context.arenas.laws.law import Drawn, Law
from harness_plugins.in_context.arenas.laws.networks import RepresentationLaw, represent
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.ridge import ridge_prediction


@dataclass
class RepresentationDynamicsLaw(Law):
    """x_(i+1) = W Phi(x_i, ..., x_(i-k+1)) + noise * N(0, I), W (d, kd) Gaussian for each prompt and Phi for all.

    The label of x_i is the first coordinate of x_(i+1). States before the first, x_0 ~ N(0, I), are zero.
    Theory asks for bounded states. Phi is homogeneous, so that those of some systems grow without bound: many of them
    where `gain` is above 1 or `layers` is 1, and a few of them wherever `d` is small.
    """

    noise: float = 0.1
    """Standard deviation of the process noise, which is that of the labels too."""
    layers: int = 2
    """Layers L of the representation; 0 is the window of states itself."""
    window: int = 2
    """States k that the next one depends on."""
    gain: float = 1.0
    """Standard deviation of an entry of W, times sqrt(kd)."""
    which: int = 0
    """Seed of the representation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window < 1 or self.layers < 0:
            raise ValueError(f"window must be >= 1 and layers >= 0, not {self.window} and {self.layers}")
        if not 0 < self.gain < np.inf:
            raise ValueError(f"gain must be positive and finite, not {self.gain}")

    def matrices(self) -> FloatArray:
        """B_l of the representation, (L, kd, kd), orthogonal."""
        matrices: FloatArray = RepresentationLaw(
            d=self.window * self.d, layers=self.layers, which=self.which
        ).matrices()[0]
        return matrices

    def features(self, X: FloatArray) -> FloatArray:
        """Phi of the window that ends in each state of X (B, n+1, d): (B, n+1, kd), the newest state first."""
        batch, length, d = X.shape
        padded = np.concatenate([np.zeros((batch, self.window - 1, d)), X], axis=1)
        lags = [padded[:, self.window - 1 - lag : self.window - 1 - lag + length] for lag in range(self.window)]
        return represent(self.matrices(), np.concatenate(lags, axis=-1))

    def draw(self, rng: np.random.Generator, batch: int) -> Drawn:
        """Draw `batch` trajectories."""
        units = self.window * self.d
        W = self.gain / np.sqrt(units) * rng.standard_normal((batch, self.d, units))
        states = np.zeros((batch, self.n + 2, self.d))
        states[:, 0] = rng.standard_normal((batch, self.d))
        for i in range(self.n + 1):
            window = states[:, max(0, i - self.window + 1) : i + 1]
            drift = np.einsum("bde,be->bd", W, self.features(window)[:, -1])
            states[:, i + 1] = drift + self.noise * rng.standard_normal((batch, self.d))
        targets = states[:, 1:, 0]
        return Drawn(states[:, :-1], targets[:, :-1], targets)

    def posterior_mean(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """Ridge regression on the features: the first row of W is Gaussian and makes the labels alone."""
        scaled = self.gain / np.sqrt(self.window * self.d) * self.features(X)
        return ridge_prediction(scaled, Y, self.noise**2)
