"""The learners: infinite width in closed form, ensembles drawn from the limit law, ensembles of real networks."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias, get_args

import numpy as np

from harness_plugins.in_context.arenas.laws.law import one_of
from harness_plugins.in_context.arenas.permutation import IntArray, check_examples, check_inputs, rounded
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.ntk_permutation._limit import factor, mean, members_needed, normalized, regression

Solver: TypeAlias = Literal["closed-form", "solve"]
Training: TypeAlias = Literal["kernel", "descent"]

_NUMBERS = 2**22
"""Weights and outputs of networks that are held at once, 32 MB, and a few copies while they are trained."""


@dataclass
class _Permuting:
    """What is fitted: where each output comes from. Its answer is the sign of a score."""

    _source: IntArray = field(init=False, repr=False)
    _seed: int = field(init=False, repr=False)

    def fit(self, E: FloatArray, PE: FloatArray, rng: np.random.Generator) -> None:
        """Remember the examples, and where the networks that answer are to be drawn from: the same for all questions.

        Raises:
            ValueError: E (k, k) does not hold the basis vectors, or PE (k, k) no permutation of them.
        """
        self._source, self._seed = check_examples(E, PE), int(rng.integers(2**63))

    @property
    def k(self) -> int:
        """Length of an input."""
        return len(self._source)

    def scores(self, X: FloatArray) -> FloatArray:
        """X (B, k) -> (B, k), positive where the answer is 1."""
        raise NotImplementedError

    def predict(self, X: FloatArray) -> IntArray:
        """X (B, k) -> (B, k): the signs of the scores."""
        return rounded(self.scores(X))


@dataclass
class NtkPredictor(_Permuting):
    """The mean of infinitely many networks of infinite width, trained to the end: kernel regression with the NTK."""

    solver: Solver = "closed-form"
    """Two numbers for each count of ones, or the linear system with the k x k kernel matrix."""

    def scores(self, X: FloatArray) -> FloatArray:
        """The mean mu (B, k): mu_1 where the input's 1s are led to, mu_0 elsewhere."""
        one_of("solver", self.solver, get_args(Solver))
        check_inputs(X, self.k)
        return mean(X[:, self._source]) if self.solver == "closed-form" else regression(X)[:, self._source]


@dataclass
class _Ensemble(_Permuting):
    """The average of members."""

    members: int | None = None
    """Members M; if not given, as many as make each input right with the confidence below, by the limit law."""
    confidence: float = 0.9
    """Probability that is asked for where `members` is not given."""

    def ensemble_size(self) -> int:
        """Members that answer.

        Raises:
            ValueError: there are none, or the confidence is not between 0 and 1.
        """
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence must be between 0 and 1, not {self.confidence}")
        if self.members is None:
            return max(members_needed(self.k, ones, self.confidence) for ones in range(1, self.k + 1))
        if self.members < 1:
            raise ValueError(f"members must be at least 1, not {self.members}")
        return self.members

    def scores(self, X: FloatArray) -> FloatArray:
        """The average output of one ensemble, (B, k)."""
        average: FloatArray = self.averages(X, self.ensemble_size(), 1, np.random.default_rng(self._seed))[0]
        return average

    def averages(self, X: FloatArray, members: int, ensembles: int, rng: np.random.Generator) -> FloatArray:
        """Average outputs of independent ensembles of so many members: X (B, k) -> (ensembles, B, k)."""
        raise NotImplementedError


@dataclass
class GpEnsemble(_Ensemble):
    """Networks of infinite width: their outputs after training are drawn from the Gaussian process they converge to."""

    def averages(self, X: FloatArray, members: int, ensembles: int, rng: np.random.Generator) -> FloatArray:
        """(ensembles, B, k). The average of M draws from N(mu, Sigma) is one from N(mu, Sigma / M), and is so drawn."""
        check_inputs(X, self.k)
        noise = factor(X) @ rng.standard_normal((ensembles, len(X), self.k))  # outputs are independent
        drawn: FloatArray = mean(X[:, self._source]) + noise / np.sqrt(members)
        return drawn


@dataclass
class FiniteEnsemble(_Ensemble):
    """Real networks of two layers, drawn and trained one by one (many side by side), then averaged."""

    width: int = 4096
    """Hidden units m."""
    training: Training = "kernel"
    """Each network linear in its weights and at its end, by its own tangent kernel; or gradient descent itself."""
    steps: int = 2000
    """Most steps of the descent."""
    learning_rate: float = 1.0
    """Its step size; the kernel's largest eigenvalue is c + (1 - c) / k < 0.6, so anything below 3 converges."""
    tolerance: float = 1e-6
    """It stops when no label is missed by more."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"width": 64}, "paper": {"width": 50_000}}

    def averages(self, X: FloatArray, members: int, ensembles: int, rng: np.random.Generator) -> FloatArray:
        """(ensembles, B, k): ensembles times members networks are drawn and trained.

        Raises:
            ValueError: a hyperparameter is out of range, or X no batch of inputs.
        """
        one_of("training", self.training, get_args(Training))
        if min(self.width, self.steps) < 1 or not 0 < self.learning_rate < np.inf or not self.tolerance > 0:
            raise ValueError(f"width and steps must be at least 1, learning_rate and tolerance positive: {self}")
        check_inputs(X, self.k)
        side_by_side = max(1, _NUMBERS // (self.width * (2 * self.k + len(X))))
        totals = np.zeros((ensembles, len(X), self.k))
        count = ensembles * members
        for start in range(0, count, side_by_side):
            outputs = self._trained(normalized(X), min(side_by_side, count - start), rng)  # (N, k, B)
            ensemble = np.arange(start, start + len(outputs)) // members
            np.add.at(totals, ensemble, outputs.transpose(0, 2, 1))
        return totals / members

    def _trained(self, X: FloatArray, N: int, rng: np.random.Generator) -> FloatArray:
        """Outputs (N, k, B) of N networks at X (B, k), rows of length 1."""
        from harness_plugins.in_context.ntk_permutation._finite import descend, drawn, linearized

        networks = drawn(N, self.width, self.k, rng)
        PE = np.eye(self.k)[:, self._source]
        if self.training == "kernel":
            return linearized(networks, X, PE)
        return descend(networks, PE, self.steps, self.learning_rate, self.tolerance)(X)


@dataclass
class SingleNetwork(_Permuting):
    """One network with biases, trained as anybody would: scikit-learn's, with Adam, answering 1 above one half."""

    width: int = 256
    """Hidden units."""
    epochs: int = 1000
    """Steps of Adam, each on all examples."""
    _regressor: Any = field(init=False, repr=False)

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"width": 16, "epochs": 20}, "paper": {"width": 4096}}

    def fit(self, E: FloatArray, PE: FloatArray, rng: np.random.Generator) -> None:
        """Train for all epochs.

        Raises:
            ValueError: width or epochs are none, or E and PE not those of a permutation.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPRegressor

        super().fit(E, PE, rng)
        if min(self.width, self.epochs) < 1:
            raise ValueError(f"width and epochs must be at least 1, not {self.width} and {self.epochs}")
        self._regressor = MLPRegressor(
            hidden_layer_sizes=(self.width,),
            max_iter=self.epochs,
            random_state=int(rng.integers(2**31)),
            tol=0.0,
            batch_size=len(E),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are a budget
            self._regressor.fit(E, PE)

    def scores(self, X: FloatArray) -> FloatArray:
        """How far the outputs are above one half: X (B, k) -> (B, k)."""
        check_inputs(X, self.k)
        outputs: FloatArray = self._regressor.predict(X) - 0.5
        return outputs
