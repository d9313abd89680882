"""In-context regression: predict each label of a prompt from the pairs that stand before it.

A prompt is a sequence (x_1, y_1), ..., (x_n, y_n), x_query of one function drawn afresh; a model reads B of them and
answers a prediction at every position, causally. Constructed transformers, meta-trained ones and the classical
estimator each is claimed to equal meet here on the same prompts (Garg et al., arXiv:2208.01066; Akyurek et al.,
arXiv:2211.15661). `Regression` draws synthetic prompts, `DiabetesRegression` draws them from measured patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from harness import Along, Context, InvalidOutcomeError, Task, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.estimators import ridge_predictions
from harness_plugins.in_context.arenas.prompts import FloatArray, FunctionFamily, PromptLaw

PENALTIES = (0.0, 1 / 16, 1 / 9, 1 / 4, 4 / 9, 1.0, 2.0)
"""Ridge predictors that models are held against; 0 is least squares of minimal norm."""


class InContextRegressor(Protocol):
    """Predicts every label of a prompt from the pairs before it."""

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1); position i uses x_i and the pairs before i only."""


@runtime_checkable
class Informed(Protocol):
    """A reference that has to know the law behind the prompts."""

    def inform(self, law: PromptLaw) -> None:
        """Learn the law."""


@runtime_checkable
class MetaTrained(Protocol):
    """A model that is trained on many prompts of the law before it meets those that count."""

    def meta_train(self, law: PromptLaw, context: Context) -> None:
        """Train on prompts drawn from the law, with the model's own randomness (`context.seed`)."""


@dataclass(frozen=True)
class Prompts:
    """A batch of prompts, the last label of each hidden from the model, and the classical answers to them."""

    X: FloatArray
    """Inputs, (B, n+1, d)."""
    Y: FloatArray
    """Labels, (B, n+1)."""
    ridge: FloatArray
    """Predictions of ridge regression with each of `PENALTIES`, (P, B, n+1); the first is minimum-norm OLS."""


@metric(unit="1", direction="lower")
def mse_query(instance: Prompts, outcome: FloatArray) -> float:
    """Mean squared error at the query, after all n examples."""
    return float(np.mean((outcome[:, -1] - instance.Y[:, -1]) ** 2))


@metric(unit="1", direction="lower")
def mse_curve(instance: Prompts, outcome: FloatArray) -> Along:
    """Mean squared error after each number of examples."""
    errors = np.mean((outcome - instance.Y) ** 2, axis=0)
    return Along(errors, examples=range(len(errors)))


@metric(unit="1", direction="higher")
def r2(instance: Prompts, outcome: FloatArray) -> float:
    """Share of the queries' variance that is explained: 1 - SSE / SST."""
    labels = instance.Y[:, -1]
    return float(1 - np.sum((outcome[:, -1] - labels) ** 2) / np.sum((labels - labels.mean()) ** 2))


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


METRICS = (mse_query, mse_curve, r2, spd_ols, mspd_ols, spd_ridge)


@dataclass
class Regression(Task[Prompts, InContextRegressor, FloatArray]):
    """Synthetic prompts: a function of the family is drawn for each, its inputs are Gaussian, its labels noisy."""

    family: FunctionFamily = "linear"
    """Which functions are drawn."""
    d: int = 8
    """Features of an input."""
    n: int = 40
    """Labelled examples in a prompt."""
    batch: int = 256
    """Prompts."""
    noise: float = 0.0
    """Standard deviation sigma of the label noise."""
    prior: float = 1.0
    """Standard deviation tau of a weight (of the first one in `hetero-linear`)."""
    nonzeros: int = 2
    """Weights that are not zero in `sparse-linear`."""

    protocol = InContextRegressor
    metrics = METRICS
    operations: ClassVar[tuple[str, ...]] = ("predict",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 3, "n": 6, "batch": 8},
        "paper": {"d": 20, "n": 40, "batch": 2000},
    }

    def __post_init__(self) -> None:
        check_batch(self.batch)
        self.law()  # says what is wrong with its own parameters

    def law(self) -> PromptLaw:
        """The distribution of the prompts."""
        return PromptLaw(self.family, self.d, self.n, self.noise, self.prior, self.nonzeros)

    def instance(self, context: Context) -> Prompts:
        """Draw the prompts and work out the classical answers."""
        X, Y = self.law().draw(context.rng, self.batch)
        return Prompts(X, Y, ridge_predictions(X, Y[:, :-1], PENALTIES))

    def run(self, model: InContextRegressor, instance: Prompts, context: Context) -> FloatArray:
        """Show the prompts without their last labels; the answer is (B, n+1)."""
        prepare(model, self.law(), context)
        return answer(model, instance.X, instance.Y[:, :-1], context)

    def operation(self, name: str, model: InContextRegressor, instance: Prompts, context: Context) -> Operation:
        """Reading the prompts, once the model has been told or has learnt their law."""
        prepare(model, self.law(), context)
        return predict_operation(model, instance.X, instance.Y[:, :-1])


@dataclass
class DiabetesRegression(Task[Prompts, InContextRegressor, FloatArray]):
    """Real prompts: the progression of diabetes in patients, from ten measurements (Efron et al. 2004, scikit-learn).

    The patients are split; a prompt's examples are drawn from the one part without repetition, its query from the
    other. Features and target are standardised on the first part, so no intercept is needed.
    """

    n: int = 40
    """Labelled examples in a prompt."""
    batch: int = 256
    """Prompts."""
    held_out: float = 0.25
    """Share of the 442 patients that only queries are drawn from."""

    protocol = InContextRegressor
    metrics = METRICS
    operations: ClassVar[tuple[str, ...]] = ("predict",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"n": 5, "batch": 4}, "paper": {"n": 100, "batch": 2000}}

    def __post_init__(self) -> None:
        check_batch(self.batch)
        if self.n < 1 or not 0 < self.held_out < 1:
            raise ValueError(f"n must be at least 1 and held_out between 0 and 1, not {self.n} and {self.held_out}")

    def instance(self, context: Context) -> Prompts:
        """Split the patients and draw the prompts."""
        from sklearn.datasets import load_diabetes

        features, target = load_diabetes(return_X_y=True, scaled=False)  # (442, 10), (442,)
        rng = context.rng
        held_out = max(1, round(self.held_out * len(target)))
        queries, examples = np.split(rng.permutation(len(target)), [held_out])
        if self.n > len(examples):
            raise ValueError(f"n is {self.n}, but only {len(examples)} patients are left for examples")
        shown = np.stack([rng.choice(examples, self.n, replace=False) for _ in range(self.batch)])  # (B, n)
        rows = np.concatenate([shown, rng.choice(queries, (self.batch, 1))], axis=1)  # (B, n+1)
        X, Y = (_standardised(values, examples)[rows] for values in (features, target))
        return Prompts(X, Y, ridge_predictions(X, Y[:, :-1], PENALTIES))

    def run(self, model: InContextRegressor, instance: Prompts, context: Context) -> FloatArray:
        """Show the prompts without their last labels; the answer is (B, n+1)."""
        return answer(model, instance.X, instance.Y[:, :-1], context)

    def operation(self, name: str, model: InContextRegressor, instance: Prompts, context: Context) -> Operation:
        """Reading the prompts."""
        return predict_operation(model, instance.X, instance.Y[:, :-1])


def prepare(model: InContextRegressor, law: PromptLaw, context: Context) -> None:
    """Tell a reference the law of the prompts; let a meta-trained model train on it."""
    if isinstance(model, Informed):
        model.inform(law)
    if isinstance(model, MetaTrained):
        with context.phase("meta-train"):
            model.meta_train(law, context)


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
    if not isinstance(predictions, np.ndarray) or not np.issubdtype(predictions.dtype, np.floating):
        raise InvalidOutcomeError(f"predictions must be a floating-point array, not {_kind(predictions)}")
    if predictions.shape != X.shape[:2]:
        raise InvalidOutcomeError(f"predictions must be (B, n+1) = {X.shape[:2]}, not {predictions.shape}")
    if not np.isfinite(predictions).all():
        bad = int(np.sum(~np.isfinite(predictions)))
        raise InvalidOutcomeError(f"{bad} of {predictions.size} predictions are not finite")


def check_batch(batch: int) -> None:
    """Raise a ValueError unless there are two prompts (the variance of the labels needs them)."""
    if batch < 2:
        raise ValueError(f"batch must be at least 2 prompts, not {batch}")


def _standardised(values: FloatArray, part: NDArray[np.int64]) -> FloatArray:
    """`values` with the mean and standard deviation of the rows `part` brought to 0 and 1."""
    scaled: FloatArray = (values - values[part].mean(axis=0)) / values[part].std(axis=0)
    return scaled


def _kind(answered: Any) -> str:
    return f"{answered.dtype}" if isinstance(answered, np.ndarray) else type(answered).__name__
