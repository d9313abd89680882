"""Changes of level in a series, by E-divisive means (Matteson and James 2014).

A segment is split where the energy distance (Székely and Rizzo 2013) between what is before and what follows is
largest, if permutations of the segment hardly ever have a split so large; then its parts are searched in the same way.
Outliers weigh little, and nothing is assumed of the distribution but that values without a change could have come in
any order: a drift is found as one or several changes. Daly et al. (2020) use it for histories of benchmarks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.stats.arguments import Floats, Values, positive_values, probability
from harness.stats.resampling import batches

_ROUNDING = 1e-9
"""Divergences that differ by this share are equal but for rounding."""
_COPIES = 32
"""Batches are so much smaller than memory asks for: they stay in the cache, and the first one often decides."""


@dataclass(frozen=True)
class ChangePoint:
    """Where a level begins that differs from the one before."""

    index: int
    """Of the first value of the new level."""
    ratio: float
    """The median of the new level to that of the one before."""
    p_value: float
    """The share of permutations with a split as large."""


def change_points(
    values: Values,
    *,
    alpha: float = 0.005,
    min_segment: int = 5,
    min_ratio: float = 1.05,
    permutations: int = 499,
    seed: int = 0,
) -> list[ChangePoint]:
    """The changes of level in a series of positive values, in order; none if it is shorter than two segments.

    Args:
        values: in the order in which they came; their logarithms are searched, so that the unit does not matter.
        alpha: the chance to find anything in a series of exchangeable values, small since pages show many of them.
        min_segment: the least number of values of a level.
        min_ratio: smaller changes, in either direction, are left out and the levels beside them joined.
        permutations: how many; alpha cannot be below 1 / (permutations + 1).
        seed: of the permutations.

    Raises:
        ValueError: a value is not positive and finite, or an argument has no meaning.
    """
    logarithms = np.log(positive_values(values))
    probability(alpha, "alpha")
    if min_segment < 2:
        raise ValueError(f"min_segment: distances within a level need two values, not {min_segment}")
    if not 1 <= min_ratio < math.inf:
        raise ValueError(f"min_ratio: {min_ratio:g} is not a ratio of at least 1")
    if alpha * (permutations + 1) < 1:
        raise ValueError(f"permutations: {permutations} cannot show a p-value of {alpha:g}")
    rng = np.random.default_rng(seed)
    p_values, segments = {}, [(0, logarithms.size)]
    while segments:
        start, stop = segments.pop()
        place, p_value = _split(logarithms[start:stop], alpha, min_segment, permutations, rng)
        if p_value <= alpha:
            p_values[start + place] = p_value
            segments += [(start + place, stop), (start, start + place)]
    steps = _notable(logarithms, sorted(p_values), math.log(min_ratio))
    return [ChangePoint(index, math.exp(step), p_values[index]) for index, step in steps.items()]


def strongest_split(rows: Floats, min_segment: int) -> tuple[Floats, NDArray[np.intp]]:
    """Where the values of each row (m, n) fall apart most, and how far: the greatest divergence, and its split.

    The first a values and the b values that follow diverge by ab / (a + b) times (twice the mean distance between the
    two parts less the mean distances within them). Not all values have to be taken: what is left at the end may have
    changed back. Both results have the shape (m,); a split is the index of the first value after it.
    """
    count, length = rows.shape
    greatest, splits = np.full(count, -np.inf), np.zeros(count, dtype=np.intp)
    # Sums of the distances among the first a values, between them and those that follow, and among the latter: [:, a].
    within, between, beyond = np.zeros((3, count, length + 1))
    for end in range(2, length + 1):
        to_first = np.cumsum(np.abs(rows[:, : end - 1] - rows[:, end - 1 : end]), axis=1)
        within[:, end] = within[:, end - 1] + to_first[:, -1]
        between[:, 1:end] += to_first
        beyond[:, 1:end] += to_first[:, -1:] - to_first
        if end < 2 * min_segment:
            continue
        at = slice(min_segment, end - min_segment + 1)
        a = np.arange(at.start, at.stop)
        b = end - a
        inside = b / (a - 1) * within[:, at] + a / (b - 1) * beyond[:, at]
        divergences = 2 / end * (between[:, at] - inside)
        best = divergences.argmax(axis=1)
        divergence = divergences[np.arange(count), best]
        splits = np.where(divergence > greatest, min_segment + best, splits)
        greatest = np.maximum(divergence, greatest)
    return greatest, splits


def _split(
    segment: Floats, alpha: float, min_segment: int, permutations: int, rng: np.random.Generator
) -> tuple[int, float]:
    """Where to split a segment, and the p-value of doing so: 1 as soon as it cannot be alpha any more."""
    if segment.size < 2 * min_segment or segment.min() == segment.max():
        return 0, 1.0
    (observed,), (place,) = strongest_split(segment[None], min_segment)
    as_large = 1  # the observed order is one of the permutations (Phipson and Smyth 2010)
    for batch in batches(permutations, _COPIES * segment.size):
        shuffled = rng.permuted(np.tile(segment, (batch, 1)), axis=1)
        divergences, _ = strongest_split(shuffled, min_segment)
        as_large += int(np.count_nonzero(divergences >= observed * (1 - _ROUNDING)))
        if as_large > alpha * (permutations + 1):
            return 0, 1.0
    return int(place), as_large / (permutations + 1)


def _notable(logarithms: Floats, indices: list[int], least: float) -> dict[int, float]:
    """The steps between medians of neighbouring levels; the smallest is dropped, its levels joined, until all count."""
    while True:
        levels = [float(np.median(level)) for level in np.split(logarithms, indices)]
        steps = dict(zip(indices, np.diff(levels).tolist(), strict=True))
        smallest = min(steps, key=lambda index: abs(steps[index]), default=None)
        if smallest is None or abs(steps[smallest]) >= least:
            return steps
        indices = [index for index in indices if index != smallest]
