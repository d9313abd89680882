"""The points that no other beats in everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pareto_front(points: ArrayLike, directions: Sequence[Literal["lower", "higher"]]) -> NDArray[np.bool_]:
    """Which rows of `points` (n, d) are on the front; `directions` says for each column which values are better.

    A row is off it if another is at least as good in every column and better in one; equal rows are on it together. A
    row with NaN (failed) is never on it and beats none. Quadratic in n.

    Raises:
        ValueError: the shapes do not fit, or a direction is neither.
    """
    array = np.asarray(points, dtype=float)
    if array.ndim != 2 or array.shape[1] != len(directions) or not set(directions) <= {"lower", "higher"}:
        raise ValueError(
            f"points of shape {array.shape} with directions {tuple(directions)}: one of 'lower' and 'higher' a column"
        )
    costs = array * np.where(np.array(directions) == "lower", 1.0, -1.0)
    known = ~np.isnan(costs).any(axis=1)
    rivals = np.unique(costs[known], axis=0)
    dominated = [bool(((rivals <= cost).all(axis=1) & (rivals < cost).any(axis=1)).any()) for cost in costs]
    return np.asarray(known & ~np.array(dominated, dtype=bool))
