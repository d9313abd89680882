"""Common baselines of in-context regression: each fits the pairs before position i and predicts there.

All of them answer `predict(X (B, n+1, d), Y (B, n)) -> (B, n+1)`, causally: the prediction at position i rests on the
first i pairs and on x_i alone. Without any pair they all predict 0, the prior mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from harness_plugins.in_context.arenas.laws.law import Law
from harness_plugins.in_context.arenas.prompts import FloatArray, check_prompts


@dataclass
class ZeroPredictor:
    """Always zero: the prior mean, the line every learner has to stay under."""

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """Zeros, (B, n+1)."""
        batch, n, _ = check_prompts(X, Y)
        return np.zeros((batch, n + 1))


@dataclass
class Ols:
    """Ordinary least squares, the solution of minimal norm while there are fewer pairs than features."""

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1), by `numpy.linalg.lstsq` on each prefix."""

        def fit(x: FloatArray, y: FloatArray, query: FloatArray) -> float:
            return float(query @ np.linalg.lstsq(x, y, rcond=None)[0])

        return _each_prefix(fit, X, Y)


@dataclass
class Ridge:
    """Ridge regression without intercept, refitted by scikit-learn on each prefix."""

    penalty: float = 0.1
    """Weight lambda of |w|^2 against the sum of squared residuals."""

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1)."""
        from sklearn.linear_model import Ridge as SklearnRidge

        regressor = SklearnRidge(alpha=_positive("penalty", self.penalty), fit_intercept=False)

        def fit(x: FloatArray, y: FloatArray, query: FloatArray) -> float:
            return float(regressor.fit(x, y).predict(query[None])[0])

        return _each_prefix(fit, X, Y)


@dataclass
class OnlineRidge:
    """Ridge regression by rank-one updates (Sherman and Morrison): O(n d^2) for all prefixes, all prompts at once."""

    penalty: float = 0.1
    """Weight lambda of |w|^2 against the sum of squared residuals."""

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1)."""
        batch, n, d = check_prompts(X, Y)
        inverse = np.tile(np.eye(d) / _positive("penalty", self.penalty), (batch, 1, 1))  # (B, d, d)
        weights = np.zeros((batch, d))
        predictions = np.empty((batch, n + 1))
        for i in range(n + 1):
            x = X[:, i]  # (B, d)
            predictions[:, i] = np.einsum("bd,bd->b", weights, x)
            if i < n:
                direction = np.einsum("bde,be->bd", inverse, x)  # (B, d): A^-1 x
                gain = direction / (1 + np.einsum("bd,bd->b", x, direction))[:, None]
                weights += gain * (Y[:, i] - predictions[:, i])[:, None]
                inverse -= gain[:, :, None] * direction[:, None, :]
        return predictions


@dataclass
class KNearestNeighbors:
    """The mean label of the k nearest pairs, by scikit-learn."""

    k: int = 3
    """Neighbours; all pairs, while there are fewer."""
    weights: Literal["uniform", "inverse-square"] = "uniform"
    """How neighbours are weighted: alike, or by |x - x_i|^-2."""

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1)."""
        from sklearn.neighbors import KNeighborsRegressor

        if self.k < 1:
            raise ValueError(f"k must be at least 1, not {self.k}")
        if self.weights not in ("uniform", "inverse-square"):
            raise ValueError(f"weights are {self.weights!r}; there are uniform and inverse-square")
        weighting = "uniform" if self.weights == "uniform" else _inverse_square

        def fit(x: FloatArray, y: FloatArray, query: FloatArray) -> float:
            neighbors = KNeighborsRegressor(min(self.k, len(y)), weights=weighting)
            return float(neighbors.fit(x, y).predict(query[None])[0])

        return _each_prefix(fit, X, Y)


@dataclass
class OneStepGradientDescent:
    """One step of gradient descent from w = 0 on the sum of squared residuals: w = 2 alpha sum_i y_i x_i."""

    learning_rate: float = 0.01
    """Step size alpha."""

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1)."""
        predictions: FloatArray = 2 * self.learning_rate * _correlation(X, Y)
        return predictions


@dataclass
class Averaging:
    """Weights w = X^T y / n: least squares as if the inputs were exactly white."""

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1)."""
        sums = _correlation(X, Y)
        return sums / np.maximum(np.arange(sums.shape[1]), 1)


@dataclass
class OnePassSgd:
    """One stochastic gradient step per pair, in order, from w = 0: w <- w - 2 alpha (x (w.x - y) + lambda w)."""

    learning_rate: float = 0.01
    """Step size alpha."""
    weight_decay: float = 0.0
    """Penalty lambda on |w|^2."""

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1)."""
        batch, n, d = check_prompts(X, Y)
        weights = np.zeros((batch, d))
        predictions = np.empty((batch, n + 1))
        for i in range(n + 1):
            x = X[:, i]  # (B, d)
            predictions[:, i] = np.einsum("bd,bd->b", weights, x)
            if i < n:
                gradient = x * (predictions[:, i] - Y[:, i])[:, None] + self.weight_decay * weights
                weights = weights - 2 * self.learning_rate * gradient
        return predictions


@dataclass
class PosteriorMean:
    """The posterior mean under the law the prompts come from; told that law by the task, so a line and no competitor.

    Where it has a closed form it is the predictor of least expected squared error: for linear functions with Gaussian
    weights ridge regression with penalty noise^2 / prior^2.
    """

    _law: Law | None = field(default=None, init=False)

    def inform(self, law: Law) -> None:
        """Learn the law."""
        self._law = law

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1).

        Raises:
            ValueError: the law is unknown (real data has none), has no closed form, or is of other features.
        """
        if self._law is None:
            raise ValueError("PosteriorMean knows no law to condition on: it answers synthetic prompts only")
        _, _, d = check_prompts(X, Y)
        if d != self._law.d:
            raise ValueError(f"the law has {self._law.d} features, the prompts {d}")
        return self._law.posterior_mean(X, Y)


def _each_prefix(
    fit: Callable[[FloatArray, FloatArray, FloatArray], float], X: FloatArray, Y: FloatArray
) -> FloatArray:
    """`fit(x (i, d), y (i,), query (d,))` on the first i pairs of every prompt, i = 1..n: (B, n+1), zero at i = 0."""
    batch, n, _ = check_prompts(X, Y)
    predictions = np.zeros((batch, n + 1))
    for b in range(batch):
        for i in range(1, n + 1):
            predictions[b, i] = fit(X[b, :i], Y[b, :i], X[b, i])
    return predictions


def _correlation(X: FloatArray, Y: FloatArray) -> FloatArray:
    """x_i . sum_{j<i} y_j x_j for every position i, (B, n+1)."""
    batch, _, d = check_prompts(X, Y)
    sums = np.concatenate([np.zeros((batch, 1, d)), np.cumsum(Y[:, :, None] * X[:, :-1], axis=1)], axis=1)
    correlation: FloatArray = np.einsum("bid,bid->bi", X, sums)
    return correlation


def _inverse_square(distances: FloatArray) -> FloatArray:
    """Weights |x - x_i|^-2; a neighbour at distance 0 takes all the weight (shared among several)."""
    exact = distances == 0
    with np.errstate(divide="ignore"):
        weights: FloatArray = np.where(exact.any(axis=1, keepdims=True), exact, distances**-2.0)
    return weights


def _positive(name: str, value: float) -> float:
    """`value`, if it is positive and finite."""
    if not 0 < value < np.inf:
        raise ValueError(f"{name} must be positive and finite, not {value}")
    return value
