"""Tasks of this paper alone: do trained networks follow their limit law, and how many of them must be averaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from harness import Context, InvalidOutcomeError, Task, check_array, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.permutation import (
    MOST_INPUTS,
    TOLERANCE,
    Permutation,
    every_input,
    examples,
    inputs,
)
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.ntk_permutation._limit import mean, members_needed, smallest, variance


class EnsembleLearner(Protocol):
    """Networks of which many can be drawn, trained and averaged."""

    def fit(self, E: FloatArray, PE: FloatArray, rng: np.random.Generator) -> None:
        """The examples: rows of E (k, k) are mapped to those of PE (k, k)."""

    def averages(self, X: FloatArray, members: int, ensembles: int, rng: np.random.Generator) -> FloatArray:
        """Average outputs of independent ensembles of so many members: X (B, k) -> (ensembles, B, k)."""


@metric(unit="1", direction="lower")
def mean_gap(instance: Permutation, outcome: FloatArray) -> float:
    """Largest distance of the networks' mean output to the limit's mean, over all inputs and coordinates."""
    return float(np.abs(outcome.mean(axis=0) - mean(instance.Y.astype(np.float64))).max())


@metric(unit="1", direction="lower")
def mean_error(instance: Permutation, outcome: FloatArray) -> float:
    """Largest standard error of such a mean."""
    return float(outcome.std(axis=0, ddof=1).max() / np.sqrt(len(outcome)))


@metric(unit="1", direction="lower")
def variance_gap(instance: Permutation, outcome: FloatArray) -> float | None:
    """Largest relative distance of the outputs' variance, all coordinates together, to the limit's, but at examples."""
    n = instance.X.sum(axis=1)
    unseen = n > 1
    if not unseen.any():
        return None
    found = outcome.var(axis=0, ddof=1).mean(axis=1)[unseen]
    return float(np.abs(found / variance(n[unseen], instance.X.shape[1]) - 1).max())


@dataclass
class LimitLaw(Task[Permutation, EnsembleLearner, FloatArray]):
    """Compare single networks with the law that they should have when their width is infinite."""

    k: int = 5
    """Length of an input; all 2^k - 1 are asked for."""
    networks: int = 200
    """Networks that are drawn."""

    protocol = EnsembleLearner
    metrics = (mean_gap, mean_error, variance_gap)
    operations: ClassVar[tuple[str, ...]] = ("averages",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"k": 3, "networks": 5},
        "paper": {"k": 10, "networks": 1000},
    }

    def __post_init__(self) -> None:
        if not 2 <= self.k < MOST_INPUTS.bit_length() or self.networks < 2:
            raise ValueError(f"k must be between 2 and 16 and networks at least 2, not {self.k} and {self.networks}")

    def instance(self, context: Context) -> Permutation:
        """Draw a permutation; all inputs."""
        return _posed(self.k, every_input(self.k), context)

    def run(self, model: EnsembleLearner, instance: Permutation, context: Context) -> FloatArray:
        """The networks' outputs, (networks, B, k)."""
        model.fit(instance.E.copy(), instance.PE.copy(), context.rng)
        with context.phase("train"):
            return _averages(model, instance, 1, self.networks, context.rng)

    def operation(self, name: str, model: EnsembleLearner, instance: Permutation, context: Context) -> Operation:
        """Drawing the networks, trained, and their answers."""
        return _averaging(model, instance, 1, self.networks, context)


@dataclass(frozen=True)
class Sized:
    """How large ensembles had to be."""

    members: int
    success: float
    """Share of the ensembles of this size that were right everywhere."""


@metric(unit="networks", direction="lower")
def members_found(_: Permutation, outcome: Sized) -> float:
    """Members M with which ensembles were first right at all inputs asked for, as often as demanded."""
    return float(outcome.members)


@metric(unit="1", direction="higher")
def success(_: Permutation, outcome: Sized) -> float:
    """Share of the ensembles of that size that were right."""
    return outcome.success


@dataclass
class EnsembleSize(Task[Permutation, EnsembleLearner, Sized]):
    """How many networks must be averaged for their signs to be right, at one input or at all at once."""

    k: int = 10
    """Length of an input."""
    ones: int | None = 2
    """Ones of the one input; if none are given, all 2^k - 1 inputs at once."""
    confidence: float = 0.9
    """Share of the ensembles that must be right."""
    ensembles: int = 2000
    """Ensembles of each size that are tried."""
    most: int = 1_000_000
    """Members beyond which the search ends."""
    precision: float = 0.01
    """How far the number may be above the smallest, as a part of it."""

    protocol = EnsembleLearner
    metrics = (members_found, success)
    operations: ClassVar[tuple[str, ...]] = ("averages",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"k": 3, "ensembles": 10, "confidence": 0.5, "precision": 0.5},
        "paper": {"k": 30, "ensembles": 10_000},
    }

    def __post_init__(self) -> None:
        if self.k < 2 or (self.ones is not None and not 1 <= self.ones <= self.k):
            raise ValueError(f"k must be at least 2 and ones between 1 and k, not {self.k} and {self.ones}")
        if self.ones is None and 2**self.k > MOST_INPUTS:
            raise ValueError(f"there are 2^{self.k} inputs, more than {MOST_INPUTS}: give ones")
        if not 0 < self.confidence < 1 or not 0 <= self.precision < 1:
            raise ValueError(f"confidence and precision are between 0 and 1, not {self.confidence}, {self.precision}")
        if self.ensembles < 1 or self.most < 1:
            raise ValueError(f"ensembles and most must be at least 1, not {self.ensembles} and {self.most}")

    def instance(self, context: Context) -> Permutation:
        """Draw a permutation, and an input."""
        X = every_input(self.k) if self.ones is None else inputs(self.k, self.ones, 1, context.rng)[:1]
        return _posed(self.k, X, context)

    def run(self, model: EnsembleLearner, instance: Permutation, context: Context) -> Sized:
        """Double the members until that is enough, then halve the interval; all sizes draw the same numbers.

        Raises:
            InvalidOutcomeError: `most` members are not enough.
        """
        model.fit(instance.E.copy(), instance.PE.copy(), context.rng)
        seed = int(context.rng.integers(2**63))

        def share(members: int) -> float:
            drawn = _averages(model, instance, members, self.ensembles, np.random.default_rng(seed))
            right = (drawn > TOLERANCE) == (instance.Y == 1)
            return float(right.all(axis=(1, 2)).mean())

        with context.phase("search"):
            members = smallest(lambda tried: share(tried) >= self.confidence, self.most, self.precision)
        if members is None:
            raise InvalidOutcomeError(f"{self.most} members are right in less than {self.confidence:.0%} of the cases")
        return Sized(members, share(members))

    def operation(self, name: str, model: EnsembleLearner, instance: Permutation, context: Context) -> Operation:
        """Drawing ensembles of the size that is right at one such input, or one of two ones, with that confidence."""
        members = members_needed(self.k, self.ones or 2, self.confidence)
        return _averaging(model, instance, members, self.ensembles, context)


def _posed(k: int, X: FloatArray, context: Context) -> Permutation:
    E, PE = examples(context.rng.permutation(k))
    return Permutation(E, PE, X, np.rint(X @ PE).astype(np.int64))


def _averages(
    model: EnsembleLearner, instance: Permutation, members: int, ensembles: int, rng: np.random.Generator
) -> FloatArray:
    """What the model answers, (ensembles, B, k), if it is legal."""
    answer = model.averages(instance.X.copy(), members, ensembles, rng)
    check_array(answer, "averages", "(ensembles, B, k)", (ensembles, *instance.Y.shape))
    return answer


def _averaging(
    model: EnsembleLearner, instance: Permutation, members: int, ensembles: int, context: Context
) -> Operation:
    """The call that draws ensembles, the same ones each time."""
    model.fit(instance.E.copy(), instance.PE.copy(), context.rng)

    def draw() -> FloatArray:
        return model.averages(instance.X, members, ensembles, context.anew().rng)

    def check(answer: Any) -> None:
        check_array(answer, "averages", "(ensembles, B, k)", (ensembles, *instance.Y.shape))

    return Operation(draw, check, items=members * ensembles, item="network")
