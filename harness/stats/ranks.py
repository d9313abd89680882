"""Several models ranked over several blocks (tasks, or instances): the procedure of Demšar (2006)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.arguments import Floats, probability
from harness.stats.midranks import midranks
from harness.stats.multiple import adjust
from harness.stats.one_sample import wilcoxon_test

PostHoc = Literal["nemenyi", "wilcoxon-holm"]


@dataclass(frozen=True)
class FriedmanResult:
    """Whether any model differs from the others by its ranks."""

    statistic: float
    """Chi-square with (models - 1) degrees of freedom, corrected for ties."""
    p_value: float
    iman_davenport: float
    """F with (models - 1) and (models - 1)(blocks - 1) degrees of freedom; infinite where all blocks agree."""
    iman_davenport_p_value: float
    mean_ranks: tuple[float, ...]
    """One for each model, 1 being the best possible."""


@dataclass(frozen=True)
class CriticalDifference:
    """What a critical-difference diagram shows; names and all that follows them are ordered best first."""

    names: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    distance: float | None
    """Mean ranks further apart than this are told apart (Nemenyi); None for wilcoxon-holm."""
    p_values: Floats
    """(models, models), corrected for all pairs; 1 on the diagonal."""
    cliques: tuple[tuple[str, ...], ...]
    """The largest groups (of two or more) in which no two models are told apart, best first."""
    friedman: FriedmanResult


def friedman(scores: ArrayLike) -> FriedmanResult:
    """The tests of Friedman (1937) and of Iman and Davenport (1980), which is less conservative, from ranks per block.

    `scores` has the shape (blocks, models), lower is better, infinite (failed) comes last; equal scores share their
    mean rank. Blocks are independent; scores of different blocks need not be comparable. The chi-square of the first
    holds from some ten blocks and five models on.

    Raises:
        ValueError: there are not two blocks and two models, or a score is not a number.
    """
    from scipy.special import chdtrc, fdtrc

    ranks = np.apply_along_axis(midranks, 1, _table(scores))
    blocks, models = ranks.shape
    mean_ranks, centre = ranks.mean(axis=0), (models + 1) / 2
    spread = float(((ranks - centre) ** 2).sum())
    between = blocks * float(((mean_ranks - centre) ** 2).sum())
    statistic = (models - 1) * blocks * between / spread if spread else 0.0
    within = blocks * (models - 1) - statistic
    ratio = (blocks - 1) * statistic / within if within > 1e-9 * statistic or not statistic else math.inf
    return FriedmanResult(
        statistic,
        float(chdtrc(models - 1, statistic)),
        ratio,
        float(fdtrc(models - 1, (models - 1) * (blocks - 1), ratio)),
        tuple(mean_ranks.tolist()),
    )


def critical_difference(
    scores: ArrayLike, names: Sequence[str], alpha: float = 0.05, method: PostHoc = "nemenyi"
) -> CriticalDifference:
    """Which models the ranks tell apart, over `scores` as `friedman` takes them.

    `nemenyi` (1963) compares mean ranks by the studentised range; whether two models differ then depends on the others
    in the pool. `wilcoxon-holm` (Benavoli et al. 2016) compares each pair by itself with signed ranks of the
    differences, which have to be comparable across blocks and finite, and corrects by Holm.

    Raises:
        ValueError: as `friedman`; names do not fit; there is no such method.
    """
    table = _table(scores)
    blocks, models = table.shape
    if len(names) != models or len(set(names)) != models:
        raise ValueError(f"names: {models} different ones are needed, one for each column")
    probability(alpha, "alpha")
    overall = friedman(table)
    order = np.argsort(overall.mean_ranks, kind="stable")
    mean_ranks, ordered = np.array(overall.mean_ranks)[order], [names[index] for index in order]
    if method == "nemenyi":
        unit = math.sqrt(models * (models + 1) / (12 * blocks))
        p_values, distance = _nemenyi(mean_ranks / unit), _critical_range(models, alpha) * unit
    elif method == "wilcoxon-holm":
        p_values, distance = _wilcoxon_holm(table[:, order]), None
    else:
        raise ValueError(f"method: {method!r} is neither 'nemenyi' nor 'wilcoxon-holm'")
    groups = sorted(sorted(group) for group in _cliques(p_values >= alpha))
    cliques = tuple(tuple(ordered[index] for index in group) for group in groups)
    return CriticalDifference(tuple(ordered), tuple(mean_ranks.tolist()), distance, p_values, cliques, overall)


def _table(scores: ArrayLike) -> Floats:
    table = np.asarray(scores, dtype=float)
    if table.ndim != 2 or min(table.shape) < 2:
        raise ValueError(f"scores: at least two blocks of two models are needed, not the shape {table.shape}")
    if np.isnan(table).any():
        raise ValueError(f"scores: {np.isnan(table).sum()} are not a number (leave such blocks out, or give infinity)")
    return table


def _critical_range(models: int, alpha: float) -> float:
    from scipy.stats import studentized_range

    return float(studentized_range.isf(alpha, models, math.inf))


def _nemenyi(scaled_ranks: Floats) -> Floats:
    """p-values of all pairs from mean ranks in the unit of the studentised range."""
    from scipy.stats import studentized_range

    rows, columns = np.triu_indices(scaled_ranks.size, 1)
    distances = np.abs(scaled_ranks[rows] - scaled_ranks[columns])
    return _symmetric(scaled_ranks.size, studentized_range.sf(distances, scaled_ranks.size, math.inf))


def _wilcoxon_holm(table: Floats) -> Floats:
    if not np.isfinite(table).all():
        raise ValueError("scores: differences of infinite scores have no rank; use the method 'nemenyi'")
    pairs = combinations(table.T, 2)
    return _symmetric(table.shape[1], adjust([wilcoxon_test(first - second) for first, second in pairs], "holm"))


def _symmetric(size: int, pairs: Floats) -> Floats:
    """A matrix from its upper triangle, with ones on the diagonal."""
    matrix = np.ones((size, size))
    matrix[np.triu_indices(size, 1)] = pairs
    return np.minimum(matrix, matrix.T)


def _cliques(alike: NDArray[np.bool_]) -> Iterator[set[int]]:
    """The maximal groups of two or more that are alike pairwise (Bron and Kerbosch 1973, with pivots)."""
    neighbours = [set(np.flatnonzero(row).tolist()) - {index} for index, row in enumerate(alike)]

    def extend(group: set[int], candidates: set[int], done: set[int]) -> Iterator[set[int]]:
        if not candidates and not done and len(group) > 1:
            yield group
        pivot = max(candidates | done, key=lambda one: len(neighbours[one] & candidates), default=None)
        for one in candidates - neighbours[pivot] if pivot is not None else ():
            yield from extend(group | {one}, candidates & neighbours[one], done & neighbours[one])
            candidates, done = candidates - {one}, done | {one}

    return extend(set(), set(range(len(neighbours))), set())
