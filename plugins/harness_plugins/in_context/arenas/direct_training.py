"""Deep learning on a prompt by itself: what a transformer that trains networks in context competes with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from harness_plugins.in_context.arenas.prompts import FloatArray, check_prompts


@dataclass
class DirectTraining:
    """A leaky ReLU network trained by Adam on the examples of each prompt alone, stopped early on a fifth of them."""

    layers: int = 3
    """Weight matrices of the network."""
    hidden: int = 8
    """Units of each hidden layer."""
    steps: int = 500
    """Steps of Adam; the weights kept are those with the least error on the last fifth of the examples."""
    learning_rate: float = 0.01
    """Adam's step size."""
    leak: float = 0.1
    """Slope of the activation below zero."""
    every: int = 1
    """Train anew after so many examples, counted from the last one; in between the last network answers."""
    start: int = 0
    """Seed of the initial weights."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"layers": 2, "hidden": 3, "steps": 5},
        "paper": {"layers": 6, "hidden": 20},
    }

    def __post_init__(self) -> None:
        least = min(self.layers, self.hidden, self.steps, self.every)
        if least < 1 or not 0 < self.learning_rate < np.inf:
            raise ValueError(
                f"layers, hidden, steps and every must be at least 1 and learning_rate positive, not {self.layers}, "
                f"{self.hidden}, {self.steps}, {self.every} and {self.learning_rate}"
            )

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1), in float32; 0 before the first training."""
        return on_prefixes(self.fit, X, Y, self.every)

    def fit(self, X: FloatArray, Y: FloatArray, queries: FloatArray) -> FloatArray:
        """Train on X (B, i, d), Y (B, i), a network for each prompt, and answer its queries (B, q, d): (B, q)."""
        import torch

        from harness_plugins.in_context.arenas.trained_networks import train_networks

        inputs, labels, asked = (torch.from_numpy(array).float() for array in (X, Y, queries))
        networks = train_networks(
            inputs,
            labels,
            torch.ones_like(labels, dtype=torch.bool),
            [self.hidden] * (self.layers - 1),
            steps=self.steps,
            learning_rate=self.learning_rate,
            leak=self.leak,
            generator=torch.Generator().manual_seed(self.start),
        )
        answers: FloatArray = networks(asked)[..., 0].double().numpy()
        return answers


def on_prefixes(
    fit: Callable[[FloatArray, FloatArray, FloatArray], FloatArray], X: FloatArray, Y: FloatArray, every: int = 1
) -> FloatArray:
    """Predictions (B, n+1) of what is fitted to the first n examples, to n - every, n - 2 every ...; 0 before.

    Args:
        fit: (X (B, i, d), Y (B, i), queries (B, q, d)) -> answers (B, q), from all prompts' first i examples at once.
        X: inputs, (B, n+1, d).
        Y: labels, (B, n).
        every: the q queries that one fit answers, the last one apart.
    """
    batch, n, _ = check_prompts(X, Y)
    predictions = np.zeros((batch, n + 1))
    until = n + 1
    for i in range(n, 0, -every):
        predictions[:, i:until] = fit(X[:, :i], Y[:, :i], X[:, i:until])
        until = i
    return predictions
