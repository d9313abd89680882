"""The paper's own task: what a layer that was trained on random labels has become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from harness import Along, Context, Task, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.laws.law import Drawn
from harness_plugins.in_context.arenas.laws.nearest import NearestLaw
from harness_plugins.in_context.arenas.preparing import prepare
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.regression import InContextRegressor, answer, predict_operation

_LOSSES_SHOWN = 50


@runtime_checkable
class AttentionLayer(Protocol):
    """A model that is one matrix W."""

    def matrix(self, d: int) -> FloatArray:
        """W (d+2, d+2), for inputs of d features."""


@runtime_checkable
class Trained(Protocol):
    """A model that remembers how its training went."""

    def training_loss(self) -> FloatArray:
        """The loss before each step and after the last, (steps + 1,)."""


@dataclass(frozen=True)
class NearestPrompts:
    """Prompts whose query asks for the label of its nearest example."""

    held_out: Drawn
    """Prompts as in training, but new."""
    shifted: Drawn
    """Prompts of another distribution."""


@dataclass(frozen=True)
class Examined:
    """Answers at the queries, and what the layer is."""

    held_out: FloatArray
    """(B,)"""
    shifted: FloatArray
    """(B,)"""
    W: FloatArray | None
    """(d+2, d+2); None if the model is no such layer."""
    loss: FloatArray | None
    """(steps + 1,); None if the model does not remember."""


@metric(unit="1", direction="lower")
def mse_query(instance: NearestPrompts, outcome: Examined) -> float:
    """Mean squared error to the nearest example's label."""
    return float(np.mean((outcome.held_out - instance.held_out.targets[:, -1]) ** 2))


@metric(unit="1", direction="higher")
def agreement(instance: NearestPrompts, outcome: Examined) -> float:
    """Share of the prompts in which the answer has the sign of the nearest example's label."""
    return float(np.mean(np.sign(outcome.held_out) == instance.held_out.targets[:, -1]))


@metric(unit="1", direction="lower")
def shifted_mse(instance: NearestPrompts, outcome: Examined) -> float:
    """Mean squared error under the shift, where labels have variance 1."""
    return float(np.mean((outcome.shifted - instance.shifted.targets[:, -1]) ** 2))


@metric(unit="1", direction="lower")
def isotropy(instance: NearestPrompts, outcome: Examined) -> float | None:
    """How far W_11 is from a multiple of the identity: |W_11 - tr(W_11) / d I|_F / |W_11|_F; None if W_11 is 0."""
    d = instance.held_out.X.shape[-1]
    W_11 = np.zeros((d, d)) if outcome.W is None else outcome.W[:d, :d]
    norm = float(np.linalg.norm(W_11))
    return float(np.linalg.norm(W_11 - np.trace(W_11) / d * np.eye(d))) / norm if norm > 0 else None


@metric(unit="1", direction="higher")
def sharpness(instance: NearestPrompts, outcome: Examined) -> float | None:
    """xi_1 = tr(W_11) / d, the inverse temperature of the attention; it grows as long as training goes on."""
    d = instance.held_out.X.shape[-1]
    return None if outcome.W is None else float(np.trace(outcome.W[:d, :d])) / d


@metric(unit="1", direction="lower")
def training_loss(instance: NearestPrompts, outcome: Examined) -> Along | None:
    """The loss in the course of training, at some fifty of its steps."""
    if outcome.loss is None:
        return None
    steps = np.unique(np.linspace(0, len(outcome.loss) - 1, _LOSSES_SHOWN).astype(int))
    return Along(outcome.loss[steps], step=steps.tolist())


@dataclass
class LearnNearestNeighbor(Task[NearestPrompts, InContextRegressor, Examined]):
    """Learn the rule of the nearest neighbour from random labels on the sphere, and keep to it on other prompts."""

    d: int = 8
    """Features of an input."""
    n: int = 16
    """Labelled examples in a prompt."""
    batch: int = 2000
    """Prompts to be tested on, of either kind."""
    delta: float = 0.5
    """Squared distance below which no second example is left near a query of the shifted kind."""

    protocol = InContextRegressor
    metrics = (mse_query, agreement, shifted_mse, isotropy, sharpness, training_loss)
    operations: ClassVar[tuple[str, ...]] = ("predict",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 3, "n": 4, "batch": 50},
        "paper": {"batch": 10_000},
    }

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1 prompt, not {self.batch}")
        if not 0 <= self.delta < 2:  # from 2 on the mirror image may be as near
            raise ValueError(f"delta must lie in 0..2 (2 excluded), not {self.delta}")
        self.law()

    def law(self) -> NearestLaw:
        """The distribution that is trained on."""
        return NearestLaw(self.d, self.n)

    def instance(self, context: Context) -> NearestPrompts:
        """Draw both kinds of prompts."""
        held_out = self.law().draw(context.rng, self.batch)
        return NearestPrompts(held_out, shifted_prompts(context.rng, self.batch, self.n, self.d, self.delta))

    def run(self, model: InContextRegressor, instance: NearestPrompts, context: Context) -> Examined:
        """Train what is to be trained, and ask for all queries."""
        prepare(model, self.law(), context)
        held_out, shifted = (
            answer(model, drawn.X, drawn.Y, context)[:, -1] for drawn in (instance.held_out, instance.shifted)
        )
        W = model.matrix(self.d) if isinstance(model, AttentionLayer) else None
        return Examined(held_out, shifted, W, model.training_loss() if isinstance(model, Trained) else None)

    def operation(self, name: str, model: InContextRegressor, instance: NearestPrompts, context: Context) -> Operation:
        """Reading the held-out prompts, once the model is trained."""
        prepare(model, self.law(), context)
        return predict_operation(model, instance.held_out.X, instance.held_out.Y)


def shifted_prompts(rng: np.random.Generator, batch: int, n: int, d: int, delta: float) -> Drawn:
    """Prompts whose query is one of the examples, with real-valued labels.

    Examples other than that with |x_j - x|^2 <= delta change sides, to -x_j; labels are N(0, 1).

    Returns:
        X (B, n+1, d), Y (B, n) and targets (B, n+1), of which only the last, the query's, is asked for: the others are
        the examples' own labels.
    """
    X = rng.standard_normal((batch, n + 1, d))
    X /= np.linalg.norm(X, axis=-1, keepdims=True)
    Y = rng.standard_normal((batch, n))
    chosen = rng.integers(n, size=(batch, 1))
    X[:, -1] = np.take_along_axis(X, chosen[:, :, None], axis=1)[:, 0]
    near = np.sum((X[:, :-1] - X[:, -1:]) ** 2, axis=-1) <= delta
    near &= np.arange(n) != chosen
    X[:, :-1][near] *= -1
    return Drawn(X, Y, np.concatenate([Y, np.take_along_axis(Y, chosen, axis=1)], axis=1))
