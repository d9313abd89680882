"""Arena: how many letters of the pattern differ from the text, at every shift.

Three tasks, one problem. All distances exactly; exactly those up to a bound k; all of them up to a factor 1 +- eps.
The models count their own work in the units of `UNIT_COST`, so that scaling can be judged apart from the machine.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness import Context, InvalidOutcomeError, Metric, Task, metric
from harness.operations import Operation
from harness_plugins.discrete._strings import check_strings
from harness_plugins.discrete.arenas._texts import Origin, Recipe

UNIT_COST: Mapping[str, float] = {
    "pair_updates": 1.0,
    "fft_points": 0.5,
    "comparisons": 0.3,
    "words": 0.5,
    "jumps": 50.0,
}
"""What one unit of counted work costs, beside one pair update (about a nanosecond on an x86-64 core of 2023).

`pair_updates`: a pair of equal letters, one of the text and one of the pattern, counted at its shift. `fft_points`:
U log2 U for each real transform of U points. `comparisons`: two letters compared. `words`: an operation on 64 bits.
`jumps`: a longest common extension asked for. The figures are fixed, so that `ops` is the same on every machine.
"""


class ExactDistances(Protocol):
    """Computes all Hamming distances."""

    def distances(self, text: NDArray[np.uint32], pattern: NDArray[np.uint32], work: Counter[str]) -> NDArray[np.int64]:
        """(n,), (m,) -> (n - m + 1,): letters of text[i : i + m] unlike the pattern's. Adds what it did to `work`."""


class BoundedDistances(Protocol):
    """Computes the Hamming distances up to a bound."""

    def bounded(
        self, text: NDArray[np.uint32], pattern: NDArray[np.uint32], k: int, work: Counter[str]
    ) -> NDArray[np.int64]:
        """(n,), (m,) -> (n - m + 1,): the distance, or k + 1 where it is above k. Adds what it did to `work`."""


class ApproximateDistances(Protocol):
    """Estimates all Hamming distances."""

    def approx(
        self,
        text: NDArray[np.uint32],
        pattern: NDArray[np.uint32],
        eps: float,
        rng: np.random.Generator,
        work: Counter[str],
    ) -> NDArray[np.float64]:
        """(n,), (m,) -> (n - m + 1,): each within a factor 1 +- eps of the distance. Adds what it did to `work`."""


@dataclass(frozen=True)
class TextAndPattern:
    """An instance, with the answer."""

    text: NDArray[np.uint32]
    """(n,)"""
    pattern: NDArray[np.uint32]
    """(m,)"""
    answer: NDArray[np.int64]
    """(n - m + 1,): the distances, capped at k + 1 if there is a bound."""
    eps: float = 0.0
    """The relative error allowed."""


@dataclass(frozen=True)
class Answer:
    """What a model made of an instance."""

    distances: NDArray[Any]
    """(n - m + 1,): int64, or float64 of the approximate task."""
    seconds: float
    """The shortest of the repeats."""
    work: Mapping[str, int]
    """The work it counted in one of them."""


@metric(unit="1", direction="higher")
def exact_match(instance: TextAndPattern, outcome: Answer) -> float:
    """Fraction of the shifts at which the answer is right."""
    return float(np.mean(outcome.distances == instance.answer))


@metric(unit="1", direction="higher")
def within_eps(instance: TextAndPattern, outcome: Answer) -> float:
    """Fraction of the shifts at which the estimate is within a factor 1 +- eps of the distance."""
    return float(np.mean(_relative_error(instance, outcome) <= instance.eps))


@metric(unit="1", direction="lower")
def max_rel_err(instance: TextAndPattern, outcome: Answer) -> float:
    """Largest relative error of a shift (absolute where the distance is 0)."""
    return float(_relative_error(instance, outcome).max())


@metric(unit="1", direction="lower")
def p99_rel_err(instance: TextAndPattern, outcome: Answer) -> float:
    """Relative error that 99 % of the shifts stay below (absolute where the distance is 0)."""
    return float(np.quantile(_relative_error(instance, outcome), 0.99))


@metric(unit="1", direction="lower")
def over_estimates(instance: TextAndPattern, outcome: Answer) -> float:
    """Fraction of the shifts at which the estimate is above the distance."""
    return float(np.mean(outcome.distances > instance.answer + 1e-9 * instance.pattern.size))


@metric(unit="s", direction="lower", timing=True)
def seconds(instance: TextAndPattern, outcome: Answer) -> float:
    """Wall-clock time for all shifts, the shortest of the repeats."""
    return outcome.seconds


@metric(unit="ns", direction="lower", timing=True)
def ns_per_symbol(instance: TextAndPattern, outcome: Answer) -> float:
    """Wall-clock time for each letter of the text."""
    return outcome.seconds / instance.text.size * 1e9


@metric(unit="pair updates", direction="lower")
def ops(instance: TextAndPattern, outcome: Answer) -> float:
    """Counted work of all kinds, weighted by `UNIT_COST`."""
    return sum(UNIT_COST[kind] * count for kind, count in outcome.work.items())


@metric(unit="pair updates", direction="lower")
def ops_per_symbol(instance: TextAndPattern, outcome: Answer) -> float:
    """Counted work for each letter of the text, weighted by `UNIT_COST`."""
    return sum(UNIT_COST[kind] * count for kind, count in outcome.work.items()) / instance.text.size


@metric(unit="points", direction="lower")
def fft_points(instance: TextAndPattern, outcome: Answer) -> float:
    """U log2 U for each transform of U points."""
    return float(outcome.work.get("fft_points", 0))


@metric(unit="pair updates", direction="lower")
def pair_updates(instance: TextAndPattern, outcome: Answer) -> float:
    """Pairs of equal letters that were counted one by one."""
    return float(outcome.work.get("pair_updates", 0))


COST: tuple[Metric, ...] = (seconds, ns_per_symbol, ops, ops_per_symbol, fft_points, pair_updates)
"""What every task of the arena measures beside correctness."""
ModelT = TypeVar("ModelT")


@dataclass
class TextPatternTask(Task[TextAndPattern, ModelT, Answer], Generic[ModelT]):
    """What the three tasks share: the strings, the clock and the check."""

    origin: Origin = "sqrt-balanced"
    """Where text and pattern come from: see `Recipe`."""
    n: int = 2**18
    """Letters of the text."""
    m: int = 2**12
    """Letters of the pattern."""
    sigma: int = 64
    """Letters of the alphabet (`sqrt-balanced` takes ceil(sqrt(m)), `source` what the files hold)."""
    changes: int = 8
    """Letters changed, at most, in a planted copy; about that many at an aligned shift of periodic strings."""
    period: int = 16
    """Period of periodic strings."""
    repeats: int = 3
    """How often the answer is computed: the shortest time counts."""

    timed: ClassVar[bool] = True
    exact: ClassVar[bool] = True
    """Whether answers are integers, right or wrong; else they are floating-point estimates."""

    def strings(self, context: Context) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int64]]:
        """Text, pattern and their distances."""
        recipe = Recipe(self.origin, self.n, self.m, self.sigma, self.changes, self.period)
        text, pattern = recipe.draw(context.rng)
        return text, pattern, hamming_distances(text, pattern)

    @abstractmethod
    def solve(
        self, model: ModelT, text: NDArray[np.uint32], instance: TextAndPattern, context: Context, work: Counter[str]
    ) -> NDArray[Any]:
        """Ask the model for what the task wants to know of `text` and of the instance's pattern."""

    def run(self, model: ModelT, instance: TextAndPattern, context: Context) -> Answer:
        """Time the answer after a warm-up (compilation, plans) on the text's beginning; check it.

        Raises:
            InvalidOutcomeError: not one finite number of the right type for each shift, or work of an unknown kind.
        """
        with context.phase("warm-up"):
            self.solve(model, instance.text[: 2 * instance.pattern.size], instance, context, Counter())
        laps, found = [], []
        for _ in range(self.repeats):
            work: Counter[str] = Counter()
            before = context.seconds.get("solve", 0.0)
            with context.phase("solve"):
                found.append((self.solve(model, instance.text, instance, context, work), work))
            laps.append(context.seconds["solve"] - before)
        distances, work = found[0]
        _check_answer(distances, work, instance, np.int64 if self.exact else np.float64)
        return Answer(distances, min(laps), dict(work))

    def operation(self, name: str, model: ModelT, instance: TextAndPattern, context: Context) -> Operation:
        """The answer for the whole text, with the same random numbers each time.

        It has to be legal as for `run`, right where it is to be exact, and the strings must not be changed.
        """
        shown = replace(instance, text=instance.text.copy(), pattern=instance.pattern.copy())
        work: Counter[str] = Counter()

        def solve() -> NDArray[Any]:
            work.clear()
            return self.solve(model, shown.text, shown, context.anew(), work)

        def check(distances: NDArray[Any]) -> None:
            _check_answer(distances, work, instance, np.int64 if self.exact else np.float64)
            if self.exact and (wrong := np.count_nonzero(distances != instance.answer)):
                raise InvalidOutcomeError(f"{wrong} of {distances.size} distances are wrong")
            if not (np.array_equal(shown.text, instance.text) and np.array_equal(shown.pattern, instance.pattern)):
                raise InvalidOutcomeError("the model changes the strings it is given, and so cannot be repeated")

        return Operation(solve, check, items=instance.text.size, item="symbol")


@dataclass
class HammingDistances(TextPatternTask[ExactDistances]):
    """All Hamming distances between a pattern and a text, exactly."""

    protocol: ClassVar[type] = ExactDistances
    metrics: ClassVar[tuple[Metric, ...]] = (exact_match, *COST)
    operations: ClassVar[tuple[str, ...]] = ("distances",)
    scales: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"n": 2**12, "m": 2**8, "sigma": 16, "repeats": 1},
        "paper": {"n": 2**24, "m": 2**16, "repeats": 1},
    }

    def instance(self, context: Context) -> TextAndPattern:
        """Strings and all their distances."""
        return TextAndPattern(*self.strings(context))

    def solve(
        self,
        model: ExactDistances,
        text: NDArray[np.uint32],
        instance: TextAndPattern,
        context: Context,
        work: Counter[str],
    ) -> NDArray[Any]:
        """All distances."""
        return model.distances(text, instance.pattern, work)


@dataclass
class BoundedHammingDistances(TextPatternTask[BoundedDistances]):
    """The Hamming distances up to k, exactly; k + 1 stands for all above."""

    origin: Origin = "planted"
    """Where text and pattern come from: see `Recipe`."""
    sigma: int = 4
    """Letters of the alphabet (`sqrt-balanced` takes ceil(sqrt(m)), `source` what the files hold)."""
    k: int = 8
    """The bound."""

    protocol: ClassVar[type] = BoundedDistances
    metrics: ClassVar[tuple[Metric, ...]] = (exact_match, *COST)
    operations: ClassVar[tuple[str, ...]] = ("bounded",)
    scales: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"n": 2**12, "m": 2**8, "changes": 6, "k": 4, "repeats": 1},
        "paper": {"n": 2**24, "m": 2**16, "repeats": 1},
    }

    def instance(self, context: Context) -> TextAndPattern:
        """Strings and their distances, capped."""
        text, pattern, distances = self.strings(context)
        return TextAndPattern(text, pattern, np.minimum(distances, self.k + 1))

    def solve(
        self,
        model: BoundedDistances,
        text: NDArray[np.uint32],
        instance: TextAndPattern,
        context: Context,
        work: Counter[str],
    ) -> NDArray[Any]:
        """The distances up to k."""
        return model.bounded(text, instance.pattern, self.k, work)


@dataclass
class ApproximateHammingDistances(TextPatternTask[ApproximateDistances]):
    """All Hamming distances up to a factor 1 +- eps."""

    origin: Origin = "uniform"
    """Where text and pattern come from: see `Recipe`."""
    n: int = 2**12
    """Letters of the text."""
    m: int = 2**10
    """Letters of the pattern."""
    eps: float = 0.2
    """The relative error allowed."""

    protocol: ClassVar[type] = ApproximateDistances
    metrics: ClassVar[tuple[Metric, ...]] = (within_eps, max_rel_err, p99_rel_err, over_estimates, *COST)
    operations: ClassVar[tuple[str, ...]] = ("approx",)
    exact: ClassVar[bool] = False
    scales: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"n": 2**10, "m": 2**8, "sigma": 16, "eps": 0.4, "repeats": 1},
        "paper": {"n": 2**20, "m": 2**12, "eps": 0.1, "repeats": 1},
    }

    def instance(self, context: Context) -> TextAndPattern:
        """Strings, all their distances, and the error allowed."""
        return TextAndPattern(*self.strings(context), eps=self.eps)

    def solve(
        self,
        model: ApproximateDistances,
        text: NDArray[np.uint32],
        instance: TextAndPattern,
        context: Context,
        work: Counter[str],
    ) -> NDArray[Any]:
        """Estimates of all distances."""
        return model.approx(text, instance.pattern, self.eps, context.rng, work)


def hamming_distances(text: NDArray[np.uint32], pattern: NDArray[np.uint32]) -> NDArray[np.int64]:
    """(n,), (m,) -> (n - m + 1,): the definition, one shift after the other. The arena's oracle; O(n m).

    Raises:
        ValueError: the strings are not one-dimensional arrays of unsigned integers, or the pattern does not fit.
    """
    check_strings(text, pattern)
    if max(text.max(), pattern.max()) < 2**16:  # the same letters, half the memory to read
        text, pattern = text.astype(np.uint16), pattern.astype(np.uint16)
    m, shifts = pattern.size, text.size - pattern.size + 1
    return np.fromiter((np.count_nonzero(text[i : i + m] != pattern) for i in range(shifts)), np.int64, shifts)


def _relative_error(instance: TextAndPattern, outcome: Answer) -> NDArray[np.float64]:
    """(n - m + 1,): |estimate - distance| / max(distance, 1)."""
    error: NDArray[np.float64] = np.abs(outcome.distances - instance.answer) / np.maximum(instance.answer, 1)
    return error


def _check_answer(distances: Any, work: Mapping[str, int], instance: TextAndPattern, dtype: type[np.generic]) -> None:
    """One finite number of the right type for each shift, and work of known kinds.

    Raises:
        InvalidOutcomeError: anything else.
    """
    if not isinstance(distances, np.ndarray) or distances.dtype != dtype:
        found = distances.dtype if isinstance(distances, np.ndarray) else type(distances).__name__
        raise InvalidOutcomeError(f"the distances must be an array of {np.dtype(dtype)}, not {found}")
    if distances.shape != instance.answer.shape:
        raise InvalidOutcomeError(
            f"there are {instance.answer.size} shifts, but the distances have shape {distances.shape}"
        )
    if not np.isfinite(distances).all():
        raise InvalidOutcomeError(f"{np.count_nonzero(~np.isfinite(distances))} of the distances are not finite")
    if unknown := work.keys() - UNIT_COST.keys():
        raise InvalidOutcomeError(f"work of unknown kinds was counted: {', '.join(sorted(unknown))}")
