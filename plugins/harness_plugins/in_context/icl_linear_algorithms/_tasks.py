"""Tasks of this paper alone: does a program equal its algorithm, at what size, and which weights does a model use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from harness import Along, Context, Task, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.laws.linear import LinearLaw
from harness_plugins.in_context.arenas.preparing import prepare
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.regression import (
    PENALTIES,
    InContextRegressor,
    answer,
    predict_operation,
)


class LearningProgram(Protocol):
    """A transformer that is constructed to run a known learning algorithm."""

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1) of the transformer."""

    def textbook(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """The same of the algorithm it is to equal, by independent code."""

    def rows(self, d: int) -> int:
        """Rows of the residual stream that the program uses, position units apart."""

    def depth(self, n: int) -> int:
        """Decoder layers for n examples."""


@dataclass(frozen=True)
class Examined:
    """What a program answered, what it should have answered, and its size."""

    predictions: FloatArray
    """(B, n+1)"""
    textbook: FloatArray
    """(B, n+1)"""
    rows: int
    layers_per_example: int


@metric(unit="1", direction="lower")
def relative_gap(_: tuple[FloatArray, FloatArray], outcome: Examined) -> float:
    """Norm of the difference to the textbook algorithm's predictions, over the norm of these."""
    scale = max(float(np.linalg.norm(outcome.textbook)), np.finfo(np.float64).tiny)
    return float(np.linalg.norm(outcome.predictions - outcome.textbook)) / scale


@metric(unit="1", direction="lower")
def largest_gap(_: tuple[FloatArray, FloatArray], outcome: Examined) -> float:
    """Largest difference to a prediction of the textbook algorithm, over all prompts and positions."""
    return float(np.abs(outcome.predictions - outcome.textbook).max())


@metric(unit="rows", direction="lower")
def hidden_rows(_: tuple[FloatArray, FloatArray], outcome: Examined) -> float:
    """Rows of the residual stream, without the position units (these depend on the prompt's length alone)."""
    return float(outcome.rows)


@metric(unit="layers", direction="lower")
def layers_per_example(_: tuple[FloatArray, FloatArray], outcome: Examined) -> float:
    """Decoder layers that one more example costs."""
    return float(outcome.layers_per_example)


@dataclass
class ProgramFidelity(Task[tuple[FloatArray, FloatArray], LearningProgram, Examined]):
    """How far a constructed transformer is from its algorithm at every position of linear prompts, and how large."""

    d: int = 4
    """Features of an input."""
    n: int = 20
    """Labelled examples in a prompt."""
    batch: int = 16
    """Prompts."""
    noise: float = 0.0
    """Standard deviation of the label noise."""

    protocol = LearningProgram
    metrics = (relative_gap, largest_gap, hidden_rows, layers_per_example)
    operations: ClassVar[tuple[str, ...]] = ("predict",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 2, "n": 4, "batch": 4},
        "paper": {"d": 8, "n": 40, "batch": 64},
    }

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1 prompt, not {self.batch}")
        self.law()

    def law(self) -> LinearLaw:
        """Weights and inputs are standard normal."""
        return LinearLaw(self.d, self.n, self.noise)

    def instance(self, context: Context) -> tuple[FloatArray, FloatArray]:
        """X (B, n+1, d) and Y (B, n)."""
        X, Y, _ = self.law().draw(context.rng, self.batch)
        return X, Y

    def run(self, model: LearningProgram, instance: tuple[FloatArray, FloatArray], context: Context) -> Examined:
        """Both answers, and the program's size."""
        predictions = answer(model, *instance, context)
        with context.phase("textbook"):
            textbook = model.textbook(*instance)
        per_example = model.depth(self.n + 1) - model.depth(self.n)
        return Examined(predictions, textbook, model.rows(self.d), per_example)

    def operation(
        self, name: str, model: LearningProgram, instance: tuple[FloatArray, FloatArray], context: Context
    ) -> Operation:
        """The transformer reading the prompts."""
        return predict_operation(model, *instance)


@dataclass(frozen=True)
class Probed:
    """Prompts without a query, and queries to put to each."""

    X: FloatArray
    """(B, n, d)"""
    Y: FloatArray
    """(B, n)"""
    probes: FloatArray
    """(B, m, d)"""
    weights: FloatArray
    """Weights of ridge regression with each of `PENALTIES`, (P, B, d); the first is minimum-norm OLS."""


@metric(unit="1", direction="lower")
def ilwd_ols(instance: Probed, outcome: FloatArray) -> float:
    """Implicit linear weight difference: E |w_model - w_OLS|^2 (section 4.1 of the paper)."""
    return float(np.mean(np.sum((outcome - instance.weights[0]) ** 2, axis=-1)))


@metric(unit="1", direction="lower")
def ilwd_ridge(instance: Probed, outcome: FloatArray) -> Along:
    """Implicit linear weight difference to ridge regression with each penalty (0: OLS)."""
    gaps = np.sum((outcome - instance.weights) ** 2, axis=-1).mean(axis=1)  # (P,)
    return Along(gaps, penalty=PENALTIES)


@dataclass
class ImplicitWeights(Task[Probed, InContextRegressor, FloatArray]):
    """The linear function a model has in mind: its predictions at fresh queries on one context, fitted by OLS."""

    d: int = 8
    """Features of an input."""
    n: int = 12
    """Labelled examples in a prompt."""
    batch: int = 64
    """Prompts."""
    noise: float = 0.0
    """Standard deviation of the label noise."""
    probes: int = 2
    """Fresh queries to each prompt, as a multiple of d; at least 1, or the weights are not determined."""

    protocol = InContextRegressor
    metrics = (ilwd_ols, ilwd_ridge)
    operations: ClassVar[tuple[str, ...]] = ("predict",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 2, "n": 4, "batch": 4},
        "paper": {"d": 8, "n": 40, "batch": 1000},
    }

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1 prompt, not {self.batch}")
        if self.probes < 1:
            raise ValueError(f"probes must be at least 1 per feature, not {self.probes}")
        self.law()

    def law(self) -> LinearLaw:
        """Weights and inputs are standard normal."""
        return LinearLaw(self.d, self.n, self.noise)

    def instance(self, context: Context) -> Probed:
        """Draw prompts and probes, and fit the references."""
        X, Y, _ = self.law().draw(context.rng, self.batch)
        X = X[:, :-1]
        probes = context.rng.standard_normal((self.batch, self.probes * self.d, self.d))
        return Probed(X, Y, probes, np.stack([ridge_weights(X, Y, penalty) for penalty in PENALTIES]))

    def run(self, model: InContextRegressor, instance: Probed, context: Context) -> FloatArray:
        """The model's implicit weights, (B, d)."""
        prepare(model, self.law(), context)
        predictions = answer(model, *probing_prompts(instance), context)[:, -1]
        labels = predictions.reshape(*instance.probes.shape[:2], 1)
        weights: FloatArray = (np.linalg.pinv(instance.probes) @ labels)[..., 0]  # (B, d)
        return weights

    def operation(self, name: str, model: InContextRegressor, instance: Probed, context: Context) -> Operation:
        """Reading every context once for each probe."""
        prepare(model, self.law(), context)
        return predict_operation(model, *probing_prompts(instance))


def probing_prompts(instance: Probed) -> tuple[FloatArray, FloatArray]:
    """Each context with each of its m probes for a query: X (B m, n+1, d) and Y (B m, n)."""
    m = instance.probes.shape[1]
    contexts = np.repeat(instance.X[:, None], m, axis=1)  # (B, m, n, d)
    X = np.concatenate([contexts, instance.probes[:, :, None]], axis=2)  # (B, m, n+1, d)
    return X.reshape(-1, *X.shape[2:]), np.repeat(instance.Y, m, axis=0)


def ridge_weights(X: FloatArray, Y: FloatArray, penalty: float) -> FloatArray:
    """Weights (B, d) of ridge regression on X (B, n, d), Y (B, n); penalty 0 is OLS of minimal norm."""
    X_T = X.transpose(0, 2, 1)  # (B, d, n)
    fitted = np.linalg.pinv(X) if penalty == 0 else np.linalg.solve(X_T @ X + penalty * np.eye(X.shape[2]), X_T)
    weights: FloatArray = np.einsum("bdn,bn->bd", fitted, Y)
    return weights
