"""In-context regression: predict each label of a prompt from the pairs that stand before it.

A prompt is a sequence (x_1, y_1), ..., (x_n, y_n), x_query of one function drawn afresh; a model reads B of them and
answers a prediction at every position, causally. Constructed transformers, meta-trained ones and the classical
estimator each is claimed to equal meet here on the same prompts (Garg et al., arXiv:2208.01066; Akyurek et al.,
arXiv:2211.15661). The tasks are in `synthetic.py`, one for each law of prompts, and in `tables.py`, from real data.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np

from harness import Along, Context, InvalidOutcomeError, Task, check_array, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.laws.law import Law
from harness_plugins.in_context.arenas.preparing import prepare
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.ridge import ridge_predictions

PENALTIES = (0.0, 1 / 16, 1 / 9, 1 / 4, 4 / 9, 1.0, 2.0)
"""Ridge predictors that models are held against; 0 is least squares of minimal norm."""


class InContextRegressor(Protocol):
    """Predicts every label of a prompt from the pairs before it."""

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1); position i uses x_i and the pairs before i only."""


@dataclass(frozen=True)
class Prompts:
    """A batch of prompts, what is to be predicted, and the classical answers."""

    X: FloatArray
    """Inputs, (B, n+1, d)."""
    Y: FloatArray
    """Labels that the model is shown, (B, n)."""
    targets: FloatArray
    """What it is to predict, (B, n+1); but for special laws the first n are the labels."""
    ridge: FloatArray
    """Predictions of ridge regression with each of `PENALTIES`, (P, B, n+1); the first is minimum-norm OLS."""


@metric(unit="1", direction="lower")
def mse_query(instance: Prompts, outcome: FloatArray) -> float:
    """Mean squared error at the query, after all n examples."""
    return float(np.mean((outcome[:, -1] - instance.targets[:, -1]) ** 2))


@metric(unit="1", direction="lower")
def mse_curve(instance: Prompts, outcome: FloatArray) -> Along:
    """Mean squared error after each number of examples."""
    errors = np.mean((outcome - instance.targets) ** 2, axis=0)
    return Along(errors, examples=range(len(errors)))


@metric(unit="1", direction="higher")
def r2(instance: Prompts, outcome: FloatArray) -> float:
    """Share of the queries' variance that is explained: 1 - SSE / SST."""
    targets = instance.targets[:, -1]
    return float(1 - np.sum((outcome[:, -1] - targets) ** 2) / np.sum((targets - targets.mean()) ** 2))


@metric(unit="1", direction="lower")
def spd_ols(instance: Prompts, outcome: FloatArray) -> float:
    """Squared prediction difference to minimum-norm OLS at the query, over d (Akyurek et al., equation 12)."""
    return float(_spd(outcome, instance.ridge[0], instance)[-1])


@metric(unit="1", direction="lower")
def mspd_ols(instance: Prompts, outcome: FloatArray) -> float:
    """Mean squared prediction difference to minimum-norm OLS while it is under-determined (fewer pairs than d)."""
    return float(_spd(outcome, instance.ridge[0], instance)[: instance.X.shape[-1]].mean())


@metric(unit="1", direction="lower")
def spd_ridge(instance: Prompts, outcome: FloatArray) -> Along:
    """Squared prediction difference at the query, over d, to ridge regression with each penalty (0: OLS)."""
    gaps = [_spd(outcome, reference, instance)[-1] for reference in instance.ridge]
    return Along(gaps, penalty=PENALTIES)


def _spd(outcome: FloatArray, reference: FloatArray, instance: Prompts) -> FloatArray:
    """Mean over prompts of the squared difference over d, at each position: (n+1,)."""
    distance: FloatArray = np.mean((outcome - reference) ** 2, axis=0) / instance.X.shape[-1]
    return distance


@dataclass
class PromptedRegression(Task[Prompts, InContextRegressor, FloatArray]):
    """What every task of the arena does with a batch of prompts."""

    batch: int = 256
    """Prompts."""

    protocol = InContextRegressor
    metrics = (mse_query, mse_curve, r2, spd_ols, mspd_ols, spd_ridge)
    operations: ClassVar[tuple[str, ...]] = ("predict",)

    def __post_init__(self) -> None:
        if self.batch < 2:  # the variance of the labels needs two
            raise ValueError(f"batch must be at least 2 prompts, not {self.batch}")

    def law(self) -> Law | None:
        """The distribution of the prompts; None if nobody knows it."""
        return None

    def run(self, model: InContextRegressor, instance: Prompts, context: Context) -> FloatArray:
        """Show the prompts without what is asked for; the answer is (B, n+1)."""
        prepare(model, self.law(), context)
        return answer(model, instance.X, instance.Y, context)

    def operation(self, name: str, model: InContextRegressor, instance: Prompts, context: Context) -> Operation:
        """Reading the prompts, once the model has been told or has learnt their law."""
        prepare(model, self.law(), context)
        return predict_operation(model, instance.X, instance.Y)


def prompts(X: FloatArray, Y: FloatArray, targets: FloatArray) -> Prompts:
    """The instance of prompts X (B, n+1, d), Y (B, n), targets (B, n+1): works out the classical answers."""
    return Prompts(X, Y, targets, ridge_predictions(X, Y, PENALTIES))


def answer(model: InContextRegressor, X: FloatArray, Y: FloatArray, context: Context) -> FloatArray:
    """The model's predictions (B, n+1) for X (B, n+1, d) and Y (B, n), on copies that it may do with as it likes.

    Raises:
        InvalidOutcomeError: they are not a finite floating-point array of that shape.
    """
    shown = X.copy(), Y.copy()
    with context.phase("predict"):
        predictions = model.predict(*shown)
    _check_predictions(predictions, X)
    return predictions


def predict_operation(model: InContextRegressor, X: FloatArray, Y: FloatArray) -> Operation:
    """A call of `predict` on prompts X (B, n+1, d) with labels Y (B, n), again and again on the same copies.

    An answer is legal as `answer` has it, if the copies are not changed.
    """
    shown = X.copy(), Y.copy()

    def check(predictions: Any) -> None:
        _check_predictions(predictions, X)
        if not (np.array_equal(shown[0], X) and np.array_equal(shown[1], Y)):
            raise InvalidOutcomeError("predict changes the prompts it is given, and so cannot be repeated")

    return Operation(partial(model.predict, *shown), check, items=X[..., 0].size, item="prediction")


def _check_predictions(predictions: Any, X: FloatArray) -> None:
    check_array(predictions, "predictions", "(B, n+1)", X.shape[:2])
