"""Approximation of maps between sequences: a model is given a continuous map and answers for it ever after.

The map F: [0, 1]^(T x d) -> R^(T x d) is a function that the model may ask (`targets.py`), its Lipschitz constant is
known. What counts is the largest error on sequences that were not asked for, and what it took in parameters: how
universal approximation theorems are put to the test (Yun et al., arXiv:1912.10077; Gumaan, arXiv:2507.10581). Two
common approximators stand here, a table of prototypes and a trained perceptron.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np

from harness import Context, Task, check_array, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.targets import Map, Target, check_sequences

MOST_CELLS = 2**22
"""Cells of a grid whose values are stored, at most."""


class SequenceApproximator(Protocol):
    """Stands for a map of sequences that it was shown."""

    def build(self, target: Target, eps: float, rng: np.random.Generator) -> None:
        """Prepare to stand for the target, in the maximum norm up to eps if the model can choose its size."""

    def apply(self, X: FloatArray) -> FloatArray:
        """X (B, T, d) in [0, 1] -> what stands for F(X), (B, T, d)."""

    def n_params(self) -> int:
        """Numbers that the model consists of once it is built, those that are zero by construction included."""


@dataclass(frozen=True)
class Asked:
    """A map, and sequences at which the model's answers are compared with it."""

    target: Target
    X: FloatArray
    """(B, T, d)"""
    Y: FloatArray
    """F(X), (B, T, d)"""


@dataclass(frozen=True)
class Answered:
    """What a model said of them, and its size."""

    Y: FloatArray
    """(B, T, d)"""
    parameters: int


@metric(unit="1", direction="lower")
def sup_err(instance: Asked, outcome: Answered) -> float:
    """Largest error of any output, over all sequences."""
    return float(np.abs(outcome.Y - instance.Y).max())


@metric(unit="1", direction="lower")
def rms_err(instance: Asked, outcome: Answered) -> float:
    """Root mean square of the errors."""
    return float(np.sqrt(np.mean((outcome.Y - instance.Y) ** 2)))


@metric(unit="parameters", direction="lower")
def n_params(instance: Asked, outcome: Answered) -> float:
    """Numbers that the model consists of."""
    return float(outcome.parameters)


@dataclass
class SequenceApproximation(Task[Asked, SequenceApproximator, Answered]):
    """Approximate a continuous map of short sequences; scored at sequences drawn uniformly from the cube."""

    map: Map = "sort"
    """Which map F."""
    T: int = 2
    """Tokens of a sequence."""
    d: int = 1
    """Features of a token."""
    eps: float = 0.05
    """The largest error asked for: models without a size of their own choose it by this."""
    points: int = 10_000
    """Sequences B that the error is measured on."""

    protocol = SequenceApproximator
    metrics = (sup_err, rms_err, n_params)
    operations: ClassVar[tuple[str, ...]] = ("apply",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"points": 200, "eps": 0.2},
        "paper": {"points": 100_000, "eps": 0.01},
    }

    def __post_init__(self) -> None:
        if not 0 < self.eps < math.inf:
            raise ValueError(f"eps must be positive and finite, not {self.eps}")
        if self.points < 1:
            raise ValueError(f"points must be at least 1, not {self.points}")
        self.target()  # says what is wrong with its own parameters

    def target(self) -> Target:
        """The map."""
        return Target(self.map, self.T, self.d)

    def instance(self, context: Context) -> Asked:
        """Draw the sequences."""
        target = self.target()
        X = context.rng.random((self.points, self.T, self.d))
        return Asked(target, X, target(X))

    def run(self, model: SequenceApproximator, instance: Asked, context: Context) -> Answered:
        """Build the model, then ask it."""
        with context.phase("build"):
            model.build(instance.target, self.eps, context.rng)
        with context.phase("apply"):
            answer = model.apply(instance.X.copy())
        check_answer(answer, instance)
        return Answered(answer, model.n_params())

    def operation(self, name: str, model: SequenceApproximator, instance: Asked, context: Context) -> Operation:
        """Answering for all sequences, by a model that is built."""
        model.build(instance.target, self.eps, context.rng)
        check = partial(check_answer, instance=instance)
        return Operation(partial(model.apply, instance.X.copy()), check, items=len(instance.X), item="sequence")


def check_answer(answer: Any, instance: Asked) -> None:
    """Raise an InvalidOutcomeError unless the answer is a finite floating-point array of the right shape."""
    check_array(answer, "outputs", "(B, T, d)", instance.Y.shape)


def per_axis(prototypes: int | None, target: Target, eps: float) -> int:
    """Cells per axis g of a grid on the cube: as many as the prototypes allow (g^(T d)), or as eps asks for.

    A cell's centre is no further than 1 / (2 g) from what is in it, so its value is off by at most lipschitz / (2 g).

    Raises:
        ValueError: there are no prototypes.
    """
    if prototypes is None:
        return math.ceil(target.lipschitz / (2 * eps))
    if prototypes < 1:
        raise ValueError(f"prototypes must be at least 1, not {prototypes}")
    g = round(math.pow(prototypes, 1 / target.coordinates))
    return g - 1 if math.pow(g, target.coordinates) > prototypes else g


def cell_centres(g: int, target: Target) -> FloatArray:
    """The centres of the g^(T d) cells of a grid, (P, T, d), the last coordinate changing fastest.

    Raises:
        ValueError: they are more than can be stored.
    """
    if math.pow(g, target.coordinates) > MOST_CELLS:
        raise ValueError(
            f"a grid of {g} cells on each of {target.coordinates} axes has more than {MOST_CELLS} cells: ask for a "
            "larger eps or for fewer prototypes"
        )
    places = np.indices((g,) * target.coordinates).reshape(target.coordinates, -1)
    return ((places.T + 0.5) / g).reshape(-1, target.T, target.d)


@dataclass
class NearestPrototype:
    """A table: the map's value at the nearest of P grid points, which SciPy's k-d tree finds."""

    prototypes: int | None = None
    """Most prototypes P, on a grid of g^(T d); if none are given, as many as eps and the Lipschitz constant ask for."""
    _table: tuple[Any, FloatArray] = field(init=False, repr=False)

    def build(self, target: Target, eps: float, rng: np.random.Generator) -> None:
        """Ask for the map at every centre of a cell."""
        from scipy.spatial import cKDTree

        centres = cell_centres(per_axis(self.prototypes, target, eps), target)  # (P, T, d)
        self._table = cKDTree(centres.reshape(len(centres), -1)), target(centres)

    def apply(self, X: FloatArray) -> FloatArray:
        """X (B, T, d) -> (B, T, d)."""
        tree, values = self._table
        check_sequences(X, *values.shape[1:])
        answer: FloatArray = values[tree.query(X.reshape(len(X), -1))[1]]
        return answer

    def n_params(self) -> int:
        """Prototypes and values, 2 P T d."""
        return 2 * self._table[1].size


@dataclass
class MlpRegressor:
    """A perceptron with two hidden ReLU layers on the whole sequence at once, trained by scikit-learn with Adam."""

    width: int = 64
    """Units of each hidden layer."""
    samples: int = 4096
    """Sequences, drawn uniformly, at which it is told the map."""
    epochs: int = 100
    """Passes over them."""
    _trained: Any = field(init=False, repr=False)
    _target: Target = field(init=False, repr=False)

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"width": 8, "samples": 100, "epochs": 3},
        "paper": {"width": 256, "samples": 65_536, "epochs": 500},
    }

    def build(self, target: Target, eps: float, rng: np.random.Generator) -> None:
        """Train for all epochs.

        Raises:
            ValueError: a hyperparameter is out of range.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPRegressor

        if min(self.width, self.samples, self.epochs) < 1:
            raise ValueError(f"width, samples and epochs must be at least 1: {self}")
        X = rng.random((self.samples, target.T, target.d))
        Y = target(X).reshape(self.samples, -1)
        self._target = target
        self._trained = MLPRegressor(
            hidden_layer_sizes=(self.width, self.width),
            max_iter=self.epochs,
            random_state=int(rng.integers(2**31)),
            tol=0.0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are a budget
            self._trained.fit(X.reshape(self.samples, -1), Y if Y.shape[1] > 1 else Y[:, 0])

    def apply(self, X: FloatArray) -> FloatArray:
        """X (B, T, d) -> (B, T, d)."""
        check_sequences(X, self._target.T, self._target.d)
        answer: FloatArray = self._trained.predict(X.reshape(len(X), -1)).reshape(X.shape)
        return answer

    def n_params(self) -> int:
        """Weights and biases."""
        return sum(weight.size for weight in (*self._trained.coefs_, *self._trained.intercepts_))
