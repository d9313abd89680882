"""A single regression, what gradient descent on it comes to, and what a model answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness_plugins.in_context.arenas.laws.networks import RepresentationLaw
from harness_plugins.in_context.arenas.prompts import FloatArray

if TYPE_CHECKING:
    from harness_plugins.in_context.icl_representations._layers import Descent


@dataclass(frozen=True)
class Problem:
    """Ridge regression on Phi, 1/(2n) |Phi w - y|^2 + lambda / 2 |w|^2, by gradient descent from w = 0."""

    law: RepresentationLaw
    """Whose representation it is."""
    X: FloatArray
    """Inputs, the query last, (1, n+1, d)."""
    Y: FloatArray
    """Labels, (1, n)."""
    learning_rate: float
    """1 / the largest eigenvalue of the Hessian."""
    penalty: float
    """lambda."""
    steps: int
    """Steps to be taken."""
    enough: int
    """Steps T = ceil(kappa log 1e6) after which the paper's error is 1e-6."""
    rate: float
    """log(1 - eta mu), mu the smallest eigenvalue: the log error that one more step takes off in the end."""
    ridge: FloatArray
    """The minimiser, by scikit-learn, (d,)."""

    def descent(self) -> Descent:
        """The algorithm, as transformers are built from it."""
        from harness_plugins.in_context.icl_representations._layers import Descent

        return Descent(self.learning_rate, self.penalty, self.steps)


@dataclass(frozen=True)
class Fitted:
    """What a model made of it."""

    path: FloatArray
    """Weights before the first step and after each, (steps + 1, d)."""
    prediction: float
    """At the query, after the last step."""
    layers: int | None = None
    """Layers of a transformer."""
