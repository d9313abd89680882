"""What can be made of values along a dimension."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from harness.checks.samples import CheckError, Samples, Tick


def largest(_: Sequence[Tick], values: Sequence[float]) -> float:
    """The largest."""
    return max(values)


def smallest(_: Sequence[Tick], values: Sequence[float]) -> float:
    """The smallest."""
    return min(values)


def spread(_: Sequence[Tick], values: Sequence[float]) -> float:
    """The largest less the smallest."""
    return max(values) - min(values)


def mean(_: Sequence[Tick], values: Sequence[float]) -> float:
    """The arithmetic mean; of equal values it is exactly that value."""
    first = values[0]
    return first + math.fsum(value - first for value in values) / len(values)


def geometric_mean(_: Sequence[Tick], values: Sequence[float]) -> float:
    """The geometric mean; of equal values it is exactly that value."""
    first = logarithm(values[0])
    return values[0] * math.exp(math.fsum(logarithm(value) - first for value in values) / len(values))


def slope(ticks: Sequence[Tick], values: Sequence[float]) -> float:
    """The least-squares slope of log value on log tick."""
    x = [logarithm(number(tick)) for tick in ticks]
    y = [logarithm(value) for value in values]
    center = math.fsum(x) / len(x)
    if not (width := math.fsum((one - center) ** 2 for one in x)):
        raise CheckError("a slope needs two different ticks")
    return math.fsum((one - center) * other for one, other in zip(x, y, strict=True)) / width


def rank_correlation(ticks: Sequence[Tick], values: Sequence[float]) -> float:
    """Spearman's rank correlation of values and ticks; 0 where all values are equal."""
    from scipy.stats import spearmanr

    if len(values) < 3:
        raise CheckError("a rank correlation needs three ticks")
    if min(values) == max(values):
        return 0.0
    return float(spearmanr([number(tick) for tick in ticks], values).statistic)


def growth(value: float, before: float) -> float:
    """The ratio of a value to the one before."""
    if before == 0:
        raise CheckError("nothing grows from 0")
    return value / before


def successive(samples: Samples, dim: str, function: Callable[[float, float], float]) -> Samples:
    """At each tick of a dimension but the first, what is made of the value there and the one before.

    Raises:
        CheckError: there is no such dimension, or nothing has two ticks.
    """
    groups = samples.groups(dim)
    place = samples.dims.index(dim)
    made = {
        (*rest[:place], tick, *rest[place:]): function(value, before)
        for rest, points in groups.items()
        for (_, before), (tick, value) in itertools.pairwise(points)
    }
    if samples.values and not made:
        raise CheckError(f"nothing has two values along {dim}")
    return Samples(samples.dims, made)


def per(samples: Samples, dim: str) -> Samples:
    """Each value divided by its tick on a dimension.

    Raises:
        CheckError: there is no such dimension, or a tick is 0 or no number.
    """
    if dim not in samples.dims:
        raise CheckError(f"nothing varies along {dim!r}")
    place = samples.dims.index(dim)
    if any(number(key[place]) == 0 for key in samples.values):
        raise CheckError(f"{dim} is 0 somewhere, and cannot divide")
    return Samples(samples.dims, {key: value / number(key[place]) for key, value in samples.values.items()})


def number(tick: Tick) -> float:
    """A tick as a number.

    Raises:
        CheckError: it is none.
    """
    if isinstance(tick, int | float):
        return float(tick)
    raise CheckError(f"{tick!r} is no number")


def logarithm(value: float) -> float:
    """The logarithm.

    Raises:
        CheckError: the value is not positive.
    """
    if not value > 0:
        raise CheckError(f"the logarithm of {value:g} is not defined")
    return math.log(value)
