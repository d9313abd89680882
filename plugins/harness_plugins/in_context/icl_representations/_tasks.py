"""Tasks of this paper alone: does the transformer run its gradient descent, where is Phi, which Phi does it choose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np

from harness import Along, Context, InvalidOutcomeError, Task, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.laws.networks import RepresentationLaw
from harness_plugins.in_context.arenas.preparing import prepare
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.synthetic import SyntheticRegression
from harness_plugins.in_context.icl_representations._law import RepresentationDynamicsLaw
from harness_plugins.in_context.icl_representations._problem import Fitted, Problem

_WINDOW = (1e-12, 1e-7)
"""Relative errors that the rate is read off: earlier, eigenvalues mix; later, float64 ends."""


@dataclass
class RepresentationDynamics(SyntheticRegression, RepresentationDynamicsLaw):
    """The next state of a dynamical system that is linear in a representation of its last states."""

    drawn_from = RepresentationDynamicsLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 2, "n": 6, "layers": 1, "batch": 8},
        "paper": {"d": 20, "n": 40, "window": 3, "batch": 2000},
    }


# Does gradient descent arrive at ridge regression, and how fast?


class DescentModel(Protocol):
    """Runs gradient descent on a regression."""

    def fit(self, problem: Problem) -> Fitted:
        """Take the problem's steps; `problem.ridge` is not to be looked at."""


@metric(unit="1", direction="lower")
def relative_gap(problem: Problem, fitted: Fitted) -> float:
    """Distance of the weights to ridge regression's over their norm, after T = ceil(kappa log 1e6) steps."""
    return float(_gaps(problem, fitted)[problem.enough])


@metric(unit="1", direction="lower")
def prediction_gap(problem: Problem, fitted: Fitted) -> float:
    """Difference to ridge regression's prediction at the query, after all steps."""
    return abs(fitted.prediction - float(problem.law.features(problem.X)[0, 0, -1] @ problem.ridge))


@metric(unit="1", direction="higher")
def rate_ratio(problem: Problem, fitted: Fitted) -> float | None:
    """Slope of the log relative gap over steps, while it is in 1e-12..1e-7, over log(1 - eta mu); 1 is the theory."""
    gaps = _gaps(problem, fitted)
    inside = np.flatnonzero((gaps >= _WINDOW[0]) & (gaps <= _WINDOW[1]))
    if len(inside) < 3:
        return None
    return float(np.polyfit(inside, np.log(gaps[inside]), 1)[0] / problem.rate)


@metric(unit="1", direction="lower")
def gap_curve(problem: Problem, fitted: Fitted) -> Along:
    """Relative gap after each step."""
    return Along(_gaps(problem, fitted), step=range(problem.steps + 1))


@metric(unit="layers", direction="lower")
def layers_used(_: Problem, fitted: Fitted) -> float | None:
    """Layers that all steps take, those that compute Phi and read off the answer included."""
    return None if fitted.layers is None else float(fitted.layers)


def _gaps(problem: Problem, fitted: Fitted) -> FloatArray:
    gaps: FloatArray = np.linalg.norm(fitted.path - problem.ridge, axis=1) / np.linalg.norm(problem.ridge)
    return gaps


@dataclass
class RidgeByDescent(Task[Problem, DescentModel, Fitted]):
    """Ridge regression on Phi(x) for one prompt, by gradient descent with a step of 1 / the largest eigenvalue."""

    d: int = 8
    """Features of an input, and units of the representation."""
    n: int = 16
    """Labelled examples."""
    noise: float = 0.1
    """Standard deviation of the label noise."""
    layers: int = 2
    """Layers of the representation."""
    penalty: float = 0.1
    """lambda of 1/(2n) |Phi w - y|^2 + lambda / 2 |w|^2."""
    which: int = 0
    """Seed of the representation."""

    protocol = DescentModel
    metrics = (relative_gap, prediction_gap, rate_ratio, gap_curve, layers_used)
    operations: ClassVar[tuple[str, ...]] = ("fit",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 2, "n": 4, "layers": 1, "penalty": 1.0},
        "paper": {"d": 20, "n": 40, "layers": 3},
    }

    def __post_init__(self) -> None:
        if self.layers < 1 or not 0 < self.penalty < np.inf:
            raise ValueError(f"layers must be >= 1 and penalty positive, not {self.layers} and {self.penalty}")
        self.law()

    def law(self) -> RepresentationLaw:
        """Where the prompt is from."""
        return RepresentationLaw(self.d, self.n, self.noise, layers=self.layers, which=self.which)

    def instance(self, context: Context) -> Problem:
        """Draw the prompt; work out the Hessian's eigenvalues and the minimiser."""
        from sklearn.linear_model import Ridge

        X, Y, _ = self.law().draw(context.rng, 1)
        phi = self.law().features(X)[0, 0, :-1]  # (n, d)
        eigenvalues = np.linalg.eigvalsh(phi.T @ phi / self.n) + self.penalty
        ridge = Ridge(alpha=self.n * self.penalty, fit_intercept=False, solver="cholesky").fit(phi, Y[0]).coef_
        kappa = float(eigenvalues[-1] / eigenvalues[0])
        enough = math.ceil(kappa * math.log(1e6))
        rate = math.log1p(-1 / kappa)
        return Problem(self.law(), X, Y, float(1 / eigenvalues[-1]), self.penalty, 2 * enough, enough, rate, ridge)

    def run(self, model: DescentModel, instance: Problem, context: Context) -> Fitted:
        """Run the descent and check its shape."""
        with context.phase("fit"):
            fitted = model.fit(instance)
        _check_fitted(instance, fitted)
        return fitted

    def operation(self, name: str, model: DescentModel, instance: Problem, context: Context) -> Operation:
        """All steps, the transformer's weights written down first."""
        return Operation(partial(model.fit, instance), partial(_check_fitted, instance), instance.steps, "step")


def _check_fitted(problem: Problem, fitted: Fitted) -> None:
    wanted = problem.steps + 1, problem.X.shape[-1]
    if fitted.path.shape != wanted or not (np.isfinite(fitted.path).all() and np.isfinite(fitted.prediction)):
        raise InvalidOutcomeError(f"the path must be {wanted} finite weights and the prediction finite")


# Which of several representations?


@dataclass(frozen=True)
class Choice:
    """Prompts of which each uses one of K representations."""

    X: FloatArray
    """(B, n+1, d)"""
    Y: FloatArray
    """(B, n)"""
    used: FloatArray
    """Index of the representation that made the labels, (B,)."""


class Selector(Protocol):
    """Tells which representation a prompt uses."""

    def select(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> its index, (B,)."""


@metric(unit="1", direction="higher")
def selection_accuracy(choice: Choice, selected: FloatArray) -> float:
    """Share of prompts for which the representation that made the labels was selected."""
    return float(np.mean(selected == choice.used))


@dataclass
class RepresentationSelection(Task[Choice, Selector, FloatArray]):
    """Tell from a prompt's examples which of K representations its labels are linear in."""

    d: int = 5
    """Features of an input, and units of a representation."""
    n: int = 20
    """Labelled examples."""
    noise: float = 0.1
    """Standard deviation of the label noise."""
    layers: int = 2
    """Layers of a representation."""
    representations: int = 3
    """Representations K."""
    which: int = 0
    """Seed of the representations."""
    batch: int = 512
    """Prompts."""

    protocol = Selector
    metrics = (selection_accuracy,)
    operations: ClassVar[tuple[str, ...]] = ("select",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 2, "n": 6, "layers": 1, "batch": 8},
        "paper": {"d": 20, "n": 80, "layers": 3},
    }

    def __post_init__(self) -> None:
        if self.representations < 2 or self.batch < 1:
            raise ValueError(
                f"representations must be at least 2 and batch 1, not {self.representations} and {self.batch}"
            )
        self.law()

    def law(self) -> RepresentationLaw:
        """The mixture; a prior of 1."""
        return RepresentationLaw(
            self.d, self.n, self.noise, self.layers, representations=self.representations, which=self.which
        )

    def instance(self, context: Context) -> Choice:
        """Draw the prompts, and keep which representation each uses."""
        law, rng = self.law(), context.rng
        X = rng.standard_normal((self.batch, self.n + 1, self.d))
        used = rng.integers(self.representations, size=self.batch)
        weights = law.prior * rng.standard_normal((self.batch, self.d))
        clean = np.einsum("bid,bd->bi", law.features(X)[used, np.arange(self.batch)], weights)
        labels = clean + self.noise * rng.standard_normal(clean.shape)
        return Choice(X, labels[:, :-1], used.astype(float))

    def run(self, model: Selector, instance: Choice, context: Context) -> FloatArray:
        """Tell the model the law, and ask it."""
        prepare(model, self.law(), context)
        with context.phase("select"):
            selected = model.select(instance.X.copy(), instance.Y.copy())
        self._check(selected)
        return selected

    def operation(self, name: str, model: Selector, instance: Choice, context: Context) -> Operation:
        """Selecting for all prompts."""
        prepare(model, self.law(), context)
        return Operation(partial(model.select, instance.X, instance.Y), self._check, self.batch, "prompt")

    def _check(self, selected: FloatArray) -> None:
        if np.shape(selected) != (self.batch,) or not np.isin(selected, range(self.representations)).all():
            raise InvalidOutcomeError(f"expected {self.batch} indices below {self.representations}, not {selected!r}")


# In which layer is the representation?


class Readable(Protocol):
    """A transformer whose residual stream can be read."""

    def states(self, X: FloatArray, Y: FloatArray, most: int) -> FloatArray:
        """The tokens of x before the first layer and after each of the first `most`, (<= most + 1, B, n+1, D)."""


@metric(unit="layer", direction="lower")
def probe_layer(_: FloatArray, probed: FloatArray) -> float | None:
    """The first layer after which the probe's R^2 exceeds 0.99; None if there is none."""
    found = np.flatnonzero(probed > 0.99)
    return float(found[0]) if len(found) else None


@metric(unit="1", direction="higher")
def probe_r2(_: FloatArray, probed: FloatArray) -> Along:
    """Share of the variance of Phi(x) that a linear probe explains after each layer, on prompts it did not see."""
    return Along(probed, layer=range(len(probed)))


@dataclass
class RepresentationProbe(Task[FloatArray, Readable, FloatArray]):
    """Read Phi(x) off each layer's residual stream by a linear probe, which is fitted on half of the prompts.

    An instance is the inputs X (B, n+1, d) and labels beside each other, (B, n+1, d+1); an outcome R^2 by layer.
    """

    d: int = 5
    """Features of an input, and units of the representation."""
    n: int = 16
    """Labelled examples."""
    noise: float = 0.1
    """Standard deviation of the label noise."""
    layers: int = 2
    """Layers of the representation."""
    which: int = 0
    """Seed of the representation."""
    batch: int = 128
    """Prompts."""
    most: int = 6
    """Layers to be probed."""

    protocol = Readable
    metrics = (probe_layer, probe_r2)
    operations: ClassVar[tuple[str, ...]] = ("read",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 2, "n": 6, "layers": 1, "batch": 16, "most": 2},
        "paper": {"d": 20, "n": 40, "layers": 3, "most": 12, "batch": 512},
    }

    def __post_init__(self) -> None:
        if self.batch < 2 or self.most < 0:
            raise ValueError(f"batch must be at least 2 and most 0, not {self.batch} and {self.most}")
        self.law()

    def law(self) -> RepresentationLaw:
        """Where the prompts are from."""
        return RepresentationLaw(self.d, self.n, self.noise, layers=self.layers, which=self.which)

    def instance(self, context: Context) -> FloatArray:
        """Draw the prompts."""
        X, _, targets = self.law().draw(context.rng, self.batch)
        return np.concatenate([X, targets[..., None]], axis=-1)

    def run(self, model: Readable, instance: FloatArray, context: Context) -> FloatArray:
        """Read the residual stream and probe it."""
        prepare(model, self.law(), context)
        X, Y = instance[..., :-1].copy(), instance[:, :-1, -1].copy()
        states = model.states(X, Y, self.most)
        _check_states(states, X)
        phi = self.law().features(instance[..., :-1])[0]
        return np.array([_probe(state, phi) for state in states])

    def operation(self, name: str, model: Readable, instance: FloatArray, context: Context) -> Operation:
        """Reading the residual stream."""
        prepare(model, self.law(), context)
        X, Y = instance[..., :-1].copy(), instance[:, :-1, -1].copy()
        read = partial(model.states, X, Y, self.most)
        return Operation(read, partial(_check_states, X=X), items=X[..., 0].size, item="token")


def _check_states(states: FloatArray, X: FloatArray) -> None:
    if states.ndim != 4 or states.shape[1:3] != X.shape[:2] or not np.isfinite(states).all():
        raise InvalidOutcomeError(f"states must be finite, (layers + 1, {len(X)}, {X.shape[1]}, D)")


def _probe(state: FloatArray, phi: FloatArray) -> float:
    """R^2 of an affine map from tokens (B, n+1, D) to phi (B, n+1, d), fitted on the first half of the prompts."""
    half = len(state) // 2
    known, new = (np.concatenate([part, np.ones_like(part[..., :1])], axis=-1) for part in (state[:half], state[half:]))
    seen, held_out = phi[:half].reshape(-1, phi.shape[-1]), phi[half:].reshape(-1, phi.shape[-1])
    probe = np.linalg.lstsq(known.reshape(-1, known.shape[-1]), seen, rcond=None)[0]
    missed = np.sum((new.reshape(-1, new.shape[-1]) @ probe - held_out) ** 2)
    return float(1 - missed / np.sum((held_out - held_out.mean(axis=0)) ** 2))
