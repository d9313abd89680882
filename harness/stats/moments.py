"""Mean and standard deviation that neither overflow nor vanish."""

from __future__ import annotations

import numpy as np

from harness.stats.arguments import Floats


def mean_and_deviation(values: Floats) -> tuple[float, float]:
    """The mean and the standard deviation (n - 1) of finite values; the deviation is exactly 0 where all are equal."""
    means, deviations = means_and_deviations(values[None])
    return float(means[0]), float(deviations[0])


def means_and_deviations(rows: Floats) -> tuple[Floats, Floats]:
    """The same for each row of `rows` (m, n): two arrays of the shape (m,).

    Squares leave the range of floating-point numbers long before the values do: they are taken of values that a power
    of two (which rounds nothing) has brought near 1.
    """
    units = np.ldexp(1.0, np.frexp(np.abs(rows).max(axis=1))[1] - 1)
    scaled = rows / units[:, None]
    means = scaled.mean(axis=1)
    squares = ((scaled - means[:, None]) ** 2).sum(axis=1)
    equal = rows.min(axis=1) == rows.max(axis=1)
    deviations = np.sqrt(squares / max(rows.shape[1] - 1, 1)) * units
    return np.where(equal, rows[:, 0], means * units), np.where(equal, 0.0, deviations)
