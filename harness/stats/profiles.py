"""How often a model is close to the best (Dolan and Moré 2002)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.stats.arguments import Floats, Values


def performance_profile(ratios: Mapping[str, Values]) -> dict[str, tuple[Floats, Floats]]:
    """For each model the share of tasks on which its cost is at most tau times the best one's, as a step function.

    `ratios` holds each model's cost relative to the best on every task, in the same order; infinity where it failed,
    which counts as never. Answers `(taus, shares)`: from `taus[i]` (ascending, from 1) to the next it is `shares[i]`.
    A profile depends on which models are in the pool.

    Raises:
        ValueError: a model has no tasks or other ones, or a ratio is not a number of at least 1.
    """
    arrays = {name: np.asarray(values, dtype=float) for name, values in ratios.items()}
    if len({array.shape for array in arrays.values()}) > 1 or any(not array.size for array in arrays.values()):
        raise ValueError("ratios: every model needs one for each task, of which there is at least one")
    for name, array in arrays.items():
        if array.ndim != 1 or not (array >= 1).all():
            raise ValueError(f"ratios of {name}: costs relative to the best are at least 1")
    return {name: _steps(array) for name, array in arrays.items()}


def _steps(ratios: Floats) -> tuple[Floats, Floats]:
    ordered = np.sort(ratios)
    taus = np.unique(np.append(ordered[np.isfinite(ordered)], 1.0))
    return taus, np.searchsorted(ordered, taus, side="right") / ordered.size
