"""What the constructed transformers are compared with, beside the estimators of the family."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from harness_plugins.in_context._kernel_ridge import prefix_predictions
from harness_plugins.in_context.arenas.laws.networks import RepresentationLaw
from harness_plugins.in_context.arenas.meta_trained import Transformer
from harness_plugins.in_context.arenas.prompts import FloatArray, check_prompts
from harness_plugins.in_context.icl_representations._problem import Fitted, Problem


@dataclass
class GradientDescent:
    """The same gradient descent on Phi(X), written as a loop over two matrix products."""

    def fit(self, problem: Problem) -> Fitted:
        """Run the problem's gradient descent."""
        phi, y = problem.law.features(problem.X)[0, 0], problem.Y[0]
        w = np.zeros(problem.X.shape[-1])
        path = [w]
        for _ in range(problem.steps):
            gradient = phi[:-1].T @ (phi[:-1] @ w - y) / len(y) + problem.penalty * w
            w = w - problem.learning_rate * gradient
            path.append(w)
        return Fitted(np.stack(path), float(w @ phi[-1]))


@dataclass
class KernelRidge:
    """Kernel ridge regression with exp(-gamma |x - x'|^2): a smooth function, whatever the representation."""

    penalty: float = 0.1
    """Weight of the squared norm against the sum of squared residuals."""
    gamma: float | None = None
    """Inverse squared length; None: 1 / d, scikit-learn's default."""

    def __post_init__(self) -> None:
        if not 0 < self.penalty < np.inf:
            raise ValueError(f"penalty must be positive and finite, not {self.penalty}")
        if self.gamma is not None and not 0 < self.gamma < np.inf:
            raise ValueError(f"gamma must be positive and finite, or None, not {self.gamma}")

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1)."""
        _, _, d = check_prompts(X, Y)
        squares = np.sum(X**2, axis=-1)
        distances = squares[:, :, None] + squares[:, None] - 2 * X @ X.transpose(0, 2, 1)  # (B, n+1, n+1)
        gamma = 1 / d if self.gamma is None else self.gamma
        return prefix_predictions(np.exp(-gamma * np.maximum(distances, 0)), Y, self.penalty)


@dataclass
class RidgeSelection:
    """Each representation fitted to every other example by scikit-learn's ridge regression, and judged by the rest."""

    penalty: float = 0.1
    """Weight of |w|^2 against the sum of squared residuals."""
    _law: RepresentationLaw | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.penalty < np.inf:
            raise ValueError(f"penalty must be positive and finite, not {self.penalty}")

    def inform(self, law: RepresentationLaw) -> None:
        """Learn the representations."""
        self._law = law

    def select(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> the representation with the least error, (B,)."""
        from sklearn.linear_model import Ridge

        _, n, _ = check_prompts(X, Y)
        if self._law is None or n < 2:
            raise ValueError("RidgeSelection needs to be told a law, and prompts of two examples or more")
        features = self._law.features(X[:, :-1])  # (K, B, n, d)
        ridge = Ridge(alpha=self.penalty, fit_intercept=False)
        errors = np.empty(features.shape[:2])  # (K, B)
        for k, each in enumerate(features):
            for b, (phi, y) in enumerate(zip(each, Y, strict=True)):
                predicted = ridge.fit(phi[::2], y[::2]).predict(phi[1::2])
                errors[k, b] = np.square(predicted - y[1::2]).sum()
        chosen: FloatArray = errors.argmin(axis=0).astype(np.float64)
        return chosen


@dataclass
class ProbedTransformer(Transformer):
    """The family's meta-trained transformer, with its residual stream to be read."""

    def states(self, X: FloatArray, Y: FloatArray, most: int) -> FloatArray:
        """The tokens of x before the first layer and after each of the first `most`, (layers + 1, B, n+1, width)."""
        from harness_plugins.in_context.icl_representations._probed import states

        check_prompts(X, Y)
        return states(self.weights(), self.architecture(), X, Y)[: most + 1]
