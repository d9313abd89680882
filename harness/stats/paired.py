"""Two arms compared by their values on the same instances, or, without common instances, by two samples."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arguments import Floats, Values, finite_values, positive_values
from harness.stats.interval import Interval
from harness.stats.intervals import student_interval
from harness.stats.inversion import permutation_interval, pseudo_median_interval, studentized_interval
from harness.stats.moments import mean_and_deviation, means_and_deviations
from harness.stats.one_sample import (
    bootstrap_test,
    permutation_test,
    t_probability,
    wilcoxon_test,
)

Test = Literal["t", "wilcoxon", "permutation", "bootstrap"]
Direction = Literal["lower", "higher"]
"""Which values are better."""
_ROUNDING = 8 * float(np.finfo(float).eps)
"""Computing leaves so large a share of a number unknown."""


class Scale(enum.StrEnum):
    """On which scale two arms are compared."""

    DIFFERENCE = "difference"
    """a - b, in the unit of the values."""
    RATIO = "ratio"
    """a / b, by differences of logarithms; values must be positive."""


@dataclass(frozen=True)
class Paired:
    """What the data say of `a` beside `b`."""

    count: int
    """Pairs; of unpaired samples, values."""
    scale: Scale
    effect: Interval
    """The mean of a - b, or the geometric mean of a / b; with the Wilcoxon test the pseudo-median instead of a mean."""
    p_value: float
    """Two-sided, of the test named."""
    test: str
    effect_size: float | None
    """The mean difference (of logarithms, for ratios) in standard deviations, as `hedges_g` corrects it."""
    deviation: float | None
    """Standard deviation of the differences (of logarithms, for ratios); None for a single pair."""
    wins: int
    """Pairs in which `a` is better; none for unpaired samples."""
    ties: int
    """Pairs that are equal but for rounding."""
    losses: int


def paired(
    a: Values,
    b: Values,
    *,
    direction: Direction,
    scale: Scale | None = None,
    test: Test = "t",
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = 9999,
) -> Paired:
    """Compare the values of two arms pair by pair; pairs are independent, within a pair anything may be shared.

    Without a `scale`, values that are all positive are compared by ratios. The interval is the one that belongs to
    the test. `seed` and `resamples` matter only where the test draws.

    Raises:
        ValueError: the arms differ in length, a value is not finite, or not positive where ratios are asked for.
    """
    first, second, scale = _on_scale(a, b, scale)
    if first.size != second.size:
        raise ValueError(f"pairs: {first.size} values of a, but {second.size} of b")
    (only,) = _compared(first[None], second[None], direction, scale, test, confidence, seed, resamples)
    return only


def paired_rows(
    a: ArrayLike,
    b: ArrayLike,
    *,
    direction: Direction,
    scale: Scale,
    test: Test = "t",
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = 9999,
) -> list[Paired]:
    """`paired` for each row of `a` and `b`, both (rows, n): for many rows it costs a third.

    Raises:
        ValueError: the shapes differ, a value is not finite, or not positive where ratios are asked for.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.ndim != 2 or first.shape != second.shape or not first.shape[1]:
        raise ValueError(f"rows: two arrays of one shape (rows, n) are needed, not {first.shape} and {second.shape}")
    if not first.size:
        return []
    one, other, _ = _on_scale(first.ravel(), second.ravel(), scale)
    rows = one.reshape(first.shape), other.reshape(first.shape)
    return _compared(*rows, direction, scale, test, confidence, seed, resamples)


def unpaired(a: Values, b: Values, *, scale: Scale | None = None, confidence: float = 0.95) -> Paired:
    """Compare two independent samples of normal values, whose spreads may differ, by Welch's t test (Welch 1947).

    The effect size counts in the pooled standard deviation, which is `deviation`. One value alone bounds nothing.

    Raises:
        ValueError: a value is not finite, or not positive where ratios are asked for.
    """
    first, second, scale = _on_scale(a, b, scale)
    (mean_a, deviation_a), (mean_b, deviation_b) = mean_and_deviation(first), mean_and_deviation(second)
    errors = deviation_a / math.sqrt(first.size), deviation_b / math.sqrt(second.size)
    error, difference, count = math.hypot(*errors), mean_a - mean_b, first.size + second.size
    freedom = _welch_freedom(errors, (first.size - 1, second.size - 1))
    effect = student_interval(difference, error, freedom, confidence, count)
    pooled = math.hypot(deviation_a * math.sqrt(first.size - 1), deviation_b * math.sqrt(second.size - 1))
    deviation = pooled / math.sqrt(count - 2) if count > 2 else None
    return Paired(
        count=count,
        scale=scale,
        effect=effect.exponential() if scale is Scale.RATIO else effect,
        p_value=t_probability(difference, error, freedom),
        test="welch",
        effect_size=hedges_g(difference, deviation or 0.0, count - 2),
        deviation=deviation,
        wins=0,
        ties=0,
        losses=0,
    )


def hedges_g(mean: float, deviation: float, freedom: int) -> float | None:
    """Mean in standard deviations, without the bias of small samples (Hedges 1981).

    None where there is no spread, or less than two degrees of freedom: the correction leaves nothing of it.
    """
    if freedom < 2 or not deviation:
        return None
    correction = math.exp(math.lgamma(freedom / 2) - math.lgamma((freedom - 1) / 2)) / math.sqrt(freedom / 2)
    return mean / deviation * correction


def _on_scale(a: Values, b: Values, scale: Scale | None) -> tuple[Floats, Floats, Scale]:
    """Both samples on the scale they are compared on: as they are, or as logarithms."""
    first, second = finite_values(a, "a"), finite_values(b, "b")
    if scale is None:
        scale = Scale.RATIO if first.min() > 0 and second.min() > 0 else Scale.DIFFERENCE
    if scale is Scale.RATIO:
        first, second = np.log(positive_values(first, "a")), np.log(positive_values(second, "b"))
    return first, second, scale


def _compared(
    first: Floats,
    second: Floats,
    direction: Direction,
    scale: Scale,
    test: Test,
    confidence: float,
    seed: int,
    resamples: int,
) -> list[Paired]:
    """Each row of two arrays (rows, n) that are on the scale of the comparison."""
    if direction not in get_args(Direction) or test not in get_args(Test):
        raise ValueError(f"direction {direction!r} is one of {get_args(Direction)}, test {test!r} of {get_args(Test)}")
    count, differences = first.shape[1], _differences(first, second, scale)
    above, below = (differences > 0).sum(axis=1).tolist(), (differences < 0).sum(axis=1).tolist()
    means, deviations = (found.tolist() for found in means_and_deviations(differences))
    found = []
    for row, (mean, deviation) in enumerate(zip(means, deviations, strict=True)):
        error = deviation / math.sqrt(count)
        p_value, effect = (
            t_probability(mean, error, count - 1),
            student_interval(mean, error, count - 1, confidence, count),
        )
        if test != "t":
            p_value, effect = _tested(test, effect, differences[row], resamples, seed)
        wins, losses = (below[row], above[row]) if direction == "lower" else (above[row], below[row])
        found.append(
            Paired(
                count=count,
                scale=scale,
                effect=effect.exponential() if scale is Scale.RATIO else effect,
                p_value=p_value,
                test=test,
                effect_size=hedges_g(mean, deviation, count - 1),
                deviation=deviation if count > 1 else None,
                wins=wins,
                ties=count - wins - losses,
                losses=losses,
            )
        )
    return found


def _differences(first: Floats, second: Floats, scale: Scale) -> Floats:
    """What is left of a - b above rounding: else pairs that are equal, or differ by a constant, would have a spread."""
    differences = first - second
    rounding = _ROUNDING * (np.maximum(np.abs(first), np.abs(second)) + (scale is Scale.RATIO))
    low, high = (differences - rounding).max(axis=1), (differences + rounding).min(axis=1)
    kept = np.where(np.abs(differences) <= rounding, 0.0, differences)
    for row in np.flatnonzero(low <= high):  # one number is the difference of every pair
        zero = low[row] <= 0 <= high[row]
        kept[row] = 0.0 if zero else np.clip(np.median(differences[row]), low[row], high[row])
    return kept


def _tested(test: Test, student: Interval, sample: Floats, resamples: int, seed: int) -> tuple[float, Interval]:
    """The p-value, and the interval of what a test does not reject; Student's where there is no known spread."""
    confidence, no_spread = student.confidence, not student.bounded or student.low == student.high
    if test == "wilcoxon":
        return wilcoxon_test(sample), student if no_spread else pseudo_median_interval(sample, confidence)
    drawing = resamples, seed
    if test == "permutation":
        interval = student if no_spread else permutation_interval(sample, confidence, *drawing)
        return permutation_test(sample, *drawing), interval
    interval = student if no_spread else studentized_interval(sample, confidence, *drawing)
    return bootstrap_test(sample, *drawing), interval


def _welch_freedom(errors: tuple[float, float], freedoms: tuple[int, int]) -> float:
    """Degrees of freedom of a difference of two means (Welch 1947); zero if either mean rests on one value."""
    if not min(freedoms):
        return 0.0
    error = math.hypot(*errors)
    if not error:
        return float(sum(freedoms))
    return 1 / sum((one / error) ** 4 / freedom for one, freedom in zip(errors, freedoms, strict=True))
