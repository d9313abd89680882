"""What can be made of values along a dimension."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

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
    """The arithmetic mean."""
    return math.fsum(values) / len(values)


def geometric_mean(_: Sequence[Tick], values: Sequence[float]) -> float:
    """The geometric mean."""
    return math.exp(math.fsum(map(logarithm, values)) / len(values))


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

    if len(values) < 3 or min(values) == max(values):
        return 0.0
    return float(spearmanr([number(tick) for tick in ticks], values).statistic)


def growth(samples: Samples, dim: str) -> Samples:
    """At each tick of a dimension but the first, the ratio to the value before.

    Raises:
        CheckError: a value is 0, or nothing has two ticks.
    """
    place = samples.dims.index(dim) if dim in samples.dims else 0
    grown = {}
    for rest, points in samples.groups(dim).items():
        for (_, before), (tick, value) in itertools.pairwise(points):
            if before == 0:
                raise CheckError(f"growth over {dim}: a value is 0")
            grown[(*rest[:place], tick, *rest[place:])] = value / before
    if not grown:
        raise CheckError(f"growth over {dim} needs two ticks")
    return Samples(samples.dims, grown)


def per(samples: Samples, dim: str) -> Samples:
    """Each value divided by its tick on a dimension.

    Raises:
        CheckError: there is no such dimension, or a tick is no number but 0.
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
