"""What is to be trained and on what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol, TypeAlias

import numpy as np

from harness import Context
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.icl_deep_gd._sums import Activation

Path: TypeAlias = Literal["fast", "dense"]
"""Attention that uses what tokens share, or as it is defined."""


@dataclass(frozen=True)
class Descent:
    """The algorithm: w <- clip(w - eta grad L(w), -B, B), L the mean of |f(w, x_i) - y_i|^2 / 2."""

    activation: Activation
    """r of the hidden layers; the output layer is linear."""
    learning_rate: float = 0.05
    """Step size eta."""
    box: float = 5.0
    """Bound B on every weight."""

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < np.inf or not self.box > 0:
            raise ValueError(f"learning_rate and box must be positive, not {self.learning_rate} and {self.box}")


@dataclass(frozen=True)
class Training:
    """A network, where it starts, what it is trained on, how, and what gradient descent makes of it."""

    X: FloatArray
    """Inputs of the examples, (n, d_0)."""
    Y: FloatArray
    """Their labels, (n,)."""
    queries: FloatArray
    """Inputs to answer, (q, d_0)."""
    answers: FloatArray
    """Their labels, (q,)."""
    widths: tuple[int, ...]
    """d_0, ..., d_N = 1."""
    start: FloatArray
    """w_0, all weights row by row, (|w|,)."""
    descent: Descent
    steps: int
    trajectory: FloatArray
    """Weights before the first step of exact gradient descent and after each, (steps + 1, |w|)."""
    curvature: float | None
    """Largest curvature of the loss on that path, if it was asked for."""


@dataclass(frozen=True)
class Trained:
    """What came of it."""

    predictions: FloatArray
    """(q,)"""
    trajectory: FloatArray | None = None
    """Weights before the first step and after each, (steps + 1, |w|); None of what has no such weights."""
    spread: float | None = None
    """Largest difference between two tokens' copies of a weight, of a transformer."""
    layers: int | None = None
    """Layers that a transformer's tokens went through, without those that read the answer off."""
    heads: int | None = None
    """Attention heads of one step of a transformer."""


class NetworkTrainer(Protocol):
    """Trains the network of a problem, or answers its queries in another way."""

    def train(self, problem: Training, context: Context) -> Trained:
        """Answer the queries from the examples; `answers`, `trajectory` and `curvature` are not to be looked at."""


def initial_weights(widths: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """V_j ~ N(0, 2 / d_(j-1)), row by row (|w|,) (He et al., arXiv:1502.01852)."""
    layers = pairwise(widths)
    return np.concatenate([np.sqrt(2 / fan_in) * rng.standard_normal(fan_in * fan_out) for fan_in, fan_out in layers])
