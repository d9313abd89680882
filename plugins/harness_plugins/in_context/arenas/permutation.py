"""Exact learning of a permutation: k examples are shown, the basis vectors, and 2^k - 1 inputs have to be right.

x is in {0, 1}^k without the zero vector, y = P x for a permutation that is not known; the learner is fitted on
(e_i, P e_i) alone (Giapitzakis, Back de Luca, Fountoulakis, arXiv:2502.16763). An answer counts if it is right in all
coordinates. The map is linear, so least squares has it at once: what is asked is which other learners do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from harness import Context, InvalidOutcomeError, Task, check_array, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.prompts import FloatArray

IntArray = NDArray[np.int64]

MOST_INPUTS = 2**16
"""As many inputs as are tried."""
TOLERANCE = 1e-6
"""A score no further above the threshold counts as below: at the examples some learners sit on it exactly."""


class PermutationLearner(Protocol):
    """Learns a map of {0, 1}^k from k examples."""

    def fit(self, E: FloatArray, PE: FloatArray, rng: np.random.Generator) -> None:
        """Learn from the rows of E (k, k), the basis vectors, and those of PE (k, k), what they are mapped to."""

    def predict(self, X: FloatArray) -> IntArray:
        """X (B, k), entries 0 and 1 -> (B, k), entries 0 and 1."""


@runtime_checkable
class Scoring(Protocol):
    """A learner whose answers are the signs of real numbers."""

    def scores(self, X: FloatArray) -> FloatArray:
        """X (B, k) -> (B, k), positive where the answer is 1."""


@runtime_checkable
class Ensemble(Protocol):
    """A learner that is an average of several."""

    def ensemble_size(self) -> int:
        """How many."""


@dataclass(frozen=True)
class Permutation:
    """A permutation's examples, and inputs to be mapped."""

    E: FloatArray
    """Basis vectors, (k, k)."""
    PE: FloatArray
    """What they are mapped to, row by row, (k, k)."""
    X: FloatArray
    """(B, k), entries 0 and 1."""
    Y: IntArray
    """(B, k)"""


@dataclass(frozen=True)
class Mapped:
    """A learner's answers."""

    Y: IntArray
    """(B, k)"""
    scores: FloatArray | None
    """(B, k), where there are some."""
    members: int | None
    """Size of the ensemble, where it is one."""


@metric(unit="1", direction="higher")
def exact_acc(instance: Permutation, outcome: Mapped) -> float:
    """Share of the inputs that are right in all coordinates."""
    return float((outcome.Y == instance.Y).all(axis=1).mean())


@metric(unit="1", direction="higher")
def bit_acc(instance: Permutation, outcome: Mapped) -> float:
    """Share of the coordinates that are right."""
    return float((outcome.Y == instance.Y).mean())


@metric(unit="1", direction="higher")
def sign_margin(instance: Permutation, outcome: Mapped) -> float | None:
    """Smallest score on the side of the truth, over all inputs but the examples; negative if a sign is wrong."""
    unseen = instance.X.sum(axis=1) > 1
    if outcome.scores is None or not unseen.any():
        return None
    return float((outcome.scores * (2 * instance.Y - 1))[unseen].min())


@metric(unit="networks", direction="lower")
def ensemble_size(instance: Permutation, outcome: Mapped) -> float | None:
    """Members of the ensemble that answered; no value for what is none."""
    return None if outcome.members is None else float(outcome.members)


@dataclass
class ExactPermutation(Task[Permutation, PermutationLearner, Mapped]):
    """Learn a permutation from the basis vectors and apply it to inputs with more than one 1."""

    k: int = 10
    """Length of an input."""
    ones: int | None = None
    """Ones of every input; if not given, all 2^k - 1 inputs are asked for."""
    tests: int = 1000
    """Inputs drawn if there are more than that with so many ones."""

    protocol = PermutationLearner
    metrics = (exact_acc, bit_acc, sign_margin, ensemble_size)
    operations: ClassVar[tuple[str, ...]] = ("predict",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"k": 4}, "paper": {"k": 30, "ones": 2}}

    def __post_init__(self) -> None:
        if self.k < 2 or self.tests < 1:
            raise ValueError(f"k must be at least 2 and tests at least 1, not {self.k} and {self.tests}")
        if self.ones is None and 2**self.k > MOST_INPUTS:
            raise ValueError(f"there are 2^{self.k} inputs, more than {MOST_INPUTS}: give ones")
        if self.ones is not None and not 1 <= self.ones <= self.k:
            raise ValueError(f"ones must be between 1 and k = {self.k}, not {self.ones}")

    def instance(self, context: Context) -> Permutation:
        """Draw a permutation, and the inputs if they are not all."""
        E, PE = examples(context.rng.permutation(self.k))
        X = every_input(self.k) if self.ones is None else inputs(self.k, self.ones, self.tests, context.rng)
        return Permutation(E, PE, X, np.rint(X @ PE).astype(np.int64))

    def run(self, model: PermutationLearner, instance: Permutation, context: Context) -> Mapped:
        """Fit, then ask."""
        with context.phase("fit"):
            model.fit(instance.E.copy(), instance.PE.copy(), context.rng)
        with context.phase("predict"):
            answer = model.predict(instance.X.copy())
        check_bits(answer, instance)
        scores = model.scores(instance.X.copy()) if isinstance(model, Scoring) else None
        return Mapped(answer, scores, model.ensemble_size() if isinstance(model, Ensemble) else None)

    def operation(self, name: str, model: PermutationLearner, instance: Permutation, context: Context) -> Operation:
        """Answering for all inputs, by a learner that is fitted."""
        model.fit(instance.E.copy(), instance.PE.copy(), context.rng)
        check = partial(check_bits, instance=instance)
        return Operation(partial(model.predict, instance.X.copy()), check, items=len(instance.X), item="input")


def examples(permutation: IntArray) -> tuple[FloatArray, FloatArray]:
    """E (k, k) and PE (k, k): row i is e_i, and e_j with j = permutation[i]."""
    E = np.eye(len(permutation))
    return E, E[permutation]


def every_input(k: int) -> FloatArray:
    """All of {0, 1}^k but zero, (2^k - 1, k)."""
    bits = np.arange(1, 2**k)[:, None] >> np.arange(k) & 1
    return bits.astype(np.float64)


def inputs(k: int, ones: int, most: int, rng: np.random.Generator) -> FloatArray:
    """Inputs (B, k) with so many ones: each of them once, or `most` that are drawn if there are more."""
    if math.comb(k, ones) > most:
        rank = rng.random((most, k)).argsort(axis=1).argsort(axis=1)
        return (rank < ones).astype(np.float64)
    from itertools import combinations

    X = np.zeros((math.comb(k, ones), k))
    for x, places in zip(X, combinations(range(k), ones), strict=True):
        x[list(places)] = 1.0
    return X


def check_examples(E: FloatArray, PE: FloatArray) -> IntArray:
    """Where each output comes from, (k,): output o is input source[o].

    Raises:
        ValueError: E does not hold the basis vectors, or PE no permutation of them.
    """
    for name, matrix in (("E", E), ("PE", PE)):
        if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.shape != (len(E), len(E)) or not len(E):
            raise ValueError(f"{name} must be a square matrix of k rows, both the same, not {np.shape(matrix)}")
    k = len(E)
    if not np.array_equal(E, np.eye(k)):
        raise ValueError("E must hold the k basis vectors in their order")
    if not (np.isin(PE, (0, 1)).all() and (PE.sum(0) == 1).all() and (PE.sum(1) == 1).all()):
        raise ValueError("PE must hold a permutation of the basis vectors")
    source: IntArray = np.argmax(PE, axis=0)
    return source


def check_inputs(X: FloatArray, k: int) -> None:
    """Raise a ValueError unless X is a batch (B, k) of zeros and ones, no row all zero."""
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.shape[1] != k or not len(X):
        raise ValueError(f"X must be (B, k) = (B, {k}) with B >= 1, not {np.shape(X)}")
    if not np.isin(X, (0, 1)).all() or not X.any(axis=1).all():
        raise ValueError("X must hold zeros and ones, and no row of zeros alone")


def rounded(scores: FloatArray, threshold: float = 0.0) -> IntArray:
    """1 where a score is above the threshold, else 0."""
    return (scores > threshold + TOLERANCE).astype(np.int64)


def check_bits(answer: Any, instance: Permutation) -> None:
    """Raise an InvalidOutcomeError unless the answer is an integer array of zeros and ones in the right shape."""
    check_array(answer, "predictions", "(B, k)", instance.Y.shape, np.integer)
    if not np.isin(answer, (0, 1)).all():
        raise InvalidOutcomeError("predictions must be zeros and ones")


@dataclass
class _Scored:
    """A regressor of scikit-learn whose answer is rounded at a threshold."""

    threshold: float = 0.5
    """Outputs above it are 1."""
    _predict: Callable[[FloatArray], FloatArray] = field(init=False, repr=False)
    _k: int = field(init=False, repr=False)

    def fit(self, E: FloatArray, PE: FloatArray, rng: np.random.Generator) -> None:
        """Fit the examples."""
        self._k = len(check_examples(E, PE))
        self._predict = self._regressor().fit(E, PE).predict

    def _regressor(self) -> Any:
        raise NotImplementedError

    def scores(self, X: FloatArray) -> FloatArray:
        """How far the outputs are above the threshold: X (B, k) -> (B, k)."""
        check_inputs(X, self._k)
        return self._predict(X) - self.threshold

    def predict(self, X: FloatArray) -> IntArray:
        """X (B, k) -> (B, k)."""
        return rounded(self.scores(X))


@dataclass
class LinearLeastSquares(_Scored):
    """Least squares without an intercept, by scikit-learn: exact, since a permutation is a linear map."""

    def _regressor(self) -> Any:
        from sklearn.linear_model import LinearRegression

        return LinearRegression(fit_intercept=False)


@dataclass
class RbfKernelRidge(_Scored):
    """Kernel ridge regression with a Gaussian kernel, by scikit-learn."""

    gamma: float | None = None
    """exp(-gamma |x - x'|^2); 1 / k if not given."""
    penalty: float = 1e-9
    """Weight of the squared norm."""

    def _regressor(self) -> Any:
        from sklearn.kernel_ridge import KernelRidge

        for name, value in (("gamma", self.gamma), ("penalty", self.penalty)):
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be positive and finite, not {value}")
        return KernelRidge(alpha=self.penalty, kernel="rbf", gamma=self.gamma)


@dataclass
class OneNearestNeighbor:
    """The answer to the nearest example, by scikit-learn."""

    _predict: Callable[[FloatArray], FloatArray] = field(init=False, repr=False)
    _k: int = field(init=False, repr=False)

    def fit(self, E: FloatArray, PE: FloatArray, rng: np.random.Generator) -> None:
        """Remember the examples."""
        from sklearn.neighbors import KNeighborsRegressor

        self._k = len(check_examples(E, PE))
        self._predict = KNeighborsRegressor(1).fit(E, PE).predict

    def predict(self, X: FloatArray) -> IntArray:
        """X (B, k) -> (B, k)."""
        check_inputs(X, self._k)
        return rounded(self._predict(X), 0.5)
