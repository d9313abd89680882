"""Tasks of this paper alone: stability, which prior a model has learnt, and transfer from T tasks to new ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np

from harness import Along, Context, Task, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.laws.linear import LinearLaw
from harness_plugins.in_context.arenas.preparing import Informed, MetaTrained, law_of, prepare
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.regression import (
    InContextRegressor,
    Prompts,
    answer,
    mse_curve,
    mse_query,
    predict_operation,
    prompts,
)
from harness_plugins.in_context.arenas.ridge import ridge_predictions
from harness_plugins.in_context.transformers_as_algorithms._law import FAMILIES, FixedTasksLaw

ISOTROPIC = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Penalties of the isotropic ridge regressions that a model is held against."""


# How much does one example matter?


@dataclass(frozen=True)
class Replaced:
    """Prompts, and the same with one of the examples replaced."""

    X: FloatArray
    """Inputs, the query last, (2, B, m+1, d)."""
    Y: FloatArray
    """Labels, (2, B, m)."""
    target: FloatArray
    """Label of the query, (B,)."""


@dataclass(frozen=True)
class Answered:
    """A model's answers to the queries."""

    predictions: FloatArray
    """(2, B)"""
    bound: float | None = None
    """What theory allows the two to differ by."""


@runtime_checkable
class Bounded(Protocol):
    """A model whose predictions are known to depend little on one example."""

    def change_bound(self, n: int) -> float:
        """What replacing one of n examples can change a prediction by, at most."""


@metric(unit="1", direction="lower")
def loss_change(instance: Replaced, outcome: Answered) -> float:
    """Mean |change of the squared error at the query| when one example is replaced."""
    before, after = (outcome.predictions - instance.target) ** 2
    return float(np.abs(after - before).mean())


@metric(unit="1", direction="lower")
def prediction_change(_: Replaced, outcome: Answered) -> float:
    """Mean |change of the prediction|."""
    return float(np.abs(outcome.predictions[1] - outcome.predictions[0]).mean())


@metric(unit="1", direction="lower")
def share_of_bound(_: Replaced, outcome: Answered) -> float | None:
    """Largest |change of the prediction| over what theory allows, for models that have a theory."""
    if outcome.bound is None:
        return None
    return float(np.abs(outcome.predictions[1] - outcome.predictions[0]).max() / outcome.bound)


@dataclass
class ReplacementStability(Task[Replaced, InContextRegressor, Answered]):
    """Replace one of m examples by another of the same function, with |x| <= 1 and |y| <= 1, and look at the query."""

    d: int = 5
    """Features of an input."""
    m: int = 16
    """Examples."""
    batch: int = 256
    """Prompts."""

    protocol = InContextRegressor
    metrics = (loss_change, prediction_change, share_of_bound)
    operations: ClassVar[tuple[str, ...]] = ("predict",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 2, "m": 4, "batch": 8},
        "paper": {"d": 20, "m": 40, "batch": 2000},
    }

    def __post_init__(self) -> None:
        if min(self.d, self.m, self.batch) < 1:
            raise ValueError(f"d, m and batch must be at least 1, not {self.d}, {self.m} and {self.batch}")

    def instance(self, context: Context) -> Replaced:
        """Inputs are uniform in the ball, functions linear with weights on the sphere; the place is drawn evenly."""
        rng = context.rng
        w = rng.standard_normal((self.batch, self.d))
        w /= np.linalg.norm(w, axis=-1, keepdims=True)
        X = rng.standard_normal((self.batch, self.m + 2, self.d))  # examples, the query, what replaces an example
        X *= rng.random((self.batch, self.m + 2, 1)) ** (1 / self.d) / np.linalg.norm(X, axis=-1, keepdims=True)
        before, after = X[:, :-1], X[:, :-1].copy()
        after[np.arange(self.batch), rng.integers(self.m, size=self.batch)] = X[:, -1]
        both = np.stack([before, after])
        labels = np.einsum("pbid,bd->pbi", both, w)
        return Replaced(both, labels[..., :-1], labels[0, :, -1])

    def run(self, model: InContextRegressor, instance: Replaced, context: Context) -> Answered:
        """Answer both versions of each prompt."""
        answers = [answer(model, X, Y, context)[:, -1] for X, Y in zip(instance.X, instance.Y, strict=True)]
        bound = model.change_bound(self.m) if isinstance(model, Bounded) else None
        return Answered(np.stack(answers), bound)

    def operation(self, name: str, model: InContextRegressor, instance: Replaced, context: Context) -> Operation:
        """Reading the prompts as they are before anything is replaced."""
        return predict_operation(model, instance.X[0], instance.Y[0])


# Which prior has a model learnt?


@dataclass(frozen=True)
class Priors(Prompts):
    """Prompts, and the answers under the right prior and under isotropic ones."""

    weighted: FloatArray
    """The posterior mean under the law: ridge regression weighted by the prior, (B, n+1)."""
    isotropic: FloatArray
    """Ridge regression with each penalty of `ISOTROPIC`, (P, B, n+1)."""


@metric(unit="1", direction="lower")
def spd_weighted(instance: Priors, outcome: FloatArray) -> float:
    """Squared prediction difference at the query, over d, to ridge regression weighted by the prior."""
    return float(_distance(outcome, instance.weighted, instance))


@metric(unit="1", direction="lower")
def spd_isotropic(instance: Priors, outcome: FloatArray) -> Along:
    """The same to isotropic ridge regression with each penalty."""
    return Along([_distance(outcome, reference, instance) for reference in instance.isotropic], penalty=ISOTROPIC)


def _distance(outcome: FloatArray, reference: FloatArray, instance: Priors) -> float:
    return float(np.mean((outcome[:, -1] - reference[:, -1]) ** 2) / instance.X.shape[-1])


@dataclass
class LearntPrior(Task[Priors, InContextRegressor, FloatArray], LinearLaw):
    """Linear functions with uneven weights: does a model predict with their prior, or as if weights were all alike?"""

    d: int = 5
    """Features of an input."""
    n: int = 10
    """Labelled examples in a prompt; one query follows them."""
    noise: float = 1.0
    """Standard deviation sigma of the label noise."""
    batch: int = 256
    """Prompts."""

    protocol = InContextRegressor
    metrics = (mse_query, mse_curve, spd_weighted, spd_isotropic)
    operations: ClassVar[tuple[str, ...]] = ("predict",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 3, "n": 4, "batch": 8},
        "paper": {"d": 20, "n": 40, "batch": 2000},
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_task(self.family, self.batch)

    def law(self) -> LinearLaw:
        """The distribution of the prompts."""
        return law_of(self, LinearLaw)

    def instance(self, context: Context) -> Priors:
        """Draw the prompts, and work out the answers under each prior."""
        drawn = prompts(*self.law().draw(context.rng, self.batch))
        weighted = self.law().posterior_mean(drawn.X, drawn.Y)
        isotropic = ridge_predictions(drawn.X, drawn.Y, ISOTROPIC)
        return Priors(drawn.X, drawn.Y, drawn.targets, drawn.ridge, weighted, isotropic)

    def run(self, model: InContextRegressor, instance: Priors, context: Context) -> FloatArray:
        """Show the prompts without what is asked for; the answer is (B, n+1)."""
        prepare(model, self.law(), context)
        return answer(model, instance.X, instance.Y, context)

    def operation(self, name: str, model: InContextRegressor, instance: Priors, context: Context) -> Operation:
        """Reading the prompts, once the model has learnt their law."""
        prepare(model, self.law(), context)
        return predict_operation(model, instance.X, instance.Y)


# What do T tasks teach about others?


@dataclass(frozen=True)
class Transfer:
    """Prompts of new tasks, prompts of those that models are trained on, and the law of the latter."""

    new: Prompts
    known: Prompts
    training: FixedTasksLaw


@dataclass(frozen=True)
class Transferred:
    """A model's predictions."""

    new: FloatArray
    """For new tasks, (B, n+1)."""
    known: FloatArray
    """For the tasks it was trained on, (B, n+1)."""


@metric(unit="1", direction="lower")
def transfer_risk(instance: Transfer, outcome: Transferred) -> float:
    """Mean squared error on new tasks, over all positions, as the paper's risks are."""
    return float(np.mean((outcome.new - instance.new.targets) ** 2))


@metric(unit="1", direction="lower")
def multitask_risk(instance: Transfer, outcome: Transferred) -> float:
    """Mean squared error on the tasks of the training, in prompts that are new, over all positions."""
    return float(np.mean((outcome.known - instance.known.targets) ** 2))


@metric(unit="1", direction="lower")
def transfer_curve(instance: Transfer, outcome: Transferred) -> Along:
    """Mean squared error on new tasks after each number of examples."""
    errors = np.mean((outcome.new - instance.new.targets) ** 2, axis=0)
    return Along(errors, examples=range(len(errors)))


@dataclass
class TaskTransfer(Task[Transfer, InContextRegressor, Transferred]):
    """Train on prompts of T fixed tasks, and predict in prompts of new tasks from the same prior.

    What is meta-trained is trained on the T tasks; what is informed is told the law of the new ones.
    """

    d: int = 5
    """Features of an input."""
    n: int = 10
    """Labelled examples in a prompt."""
    noise: float = 1.0
    """Standard deviation of the label noise."""
    family: Literal["linear", "hetero-linear"] = "linear"
    """Weights all alike (linear), or falling as 1 / i (hetero-linear)."""
    prior: float = 1.0
    """Standard deviation of a weight (of the first one in `hetero-linear`)."""
    tasks: int = 32
    """Tasks T of the training."""
    batch: int = 1000
    """Prompts of new tasks, and as many of those of the training."""

    protocol = InContextRegressor
    metrics = (transfer_risk, multitask_risk, transfer_curve)
    operations: ClassVar[tuple[str, ...]] = ("predict",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 3, "n": 4, "tasks": 2, "batch": 8},
        "paper": {"d": 20, "n": 40, "tasks": 1024, "batch": 2000},
    }

    def __post_init__(self) -> None:
        _check_task(self.family, self.batch)
        self.training(0)  # says what is wrong with the rest

    def law(self) -> LinearLaw:
        """Where new tasks are from."""
        return LinearLaw(self.d, self.n, self.noise, self.family, self.prior)

    def training(self, which: int) -> FixedTasksLaw:
        """T tasks that are drawn from there by a seed."""
        return FixedTasksLaw(self.d, self.n, self.noise, self.family, self.prior, tasks=self.tasks, which=which)

    def instance(self, context: Context) -> Transfer:
        """Draw the tasks of the training, and prompts of both kinds."""
        training = self.training(int(context.rng.integers(2**31)))
        new, known = (prompts(*law.draw(context.rng, self.batch)) for law in (self.law(), training))
        return Transfer(new, known, training)

    def run(self, model: InContextRegressor, instance: Transfer, context: Context) -> Transferred:
        """Train, then predict for both kinds of prompts."""
        self._prepare(model, instance, context)
        return Transferred(*(answer(model, part.X, part.Y, context) for part in (instance.new, instance.known)))

    def operation(self, name: str, model: InContextRegressor, instance: Transfer, context: Context) -> Operation:
        """Reading the prompts of new tasks, once the model is trained."""
        self._prepare(model, instance, context)
        return predict_operation(model, instance.new.X, instance.new.Y)

    def _prepare(self, model: InContextRegressor, instance: Transfer, context: Context) -> None:
        if isinstance(model, Informed):
            model.inform(self.law())
        if isinstance(model, MetaTrained):
            with context.phase("meta-train"):
                model.meta_train(instance.training, context)


def _check_task(family: str, batch: int) -> None:
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {', '.join(FAMILIES)}, not {family!r}")
    if batch < 2:
        raise ValueError(f"batch must be at least 2 prompts, not {batch}")
