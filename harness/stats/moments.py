"""Mean and standard deviation that neither overflow nor vanish."""

from __future__ import annotations

import math

import numpy as np

from harness.stats.arguments import Floats


def mean_and_deviation(values: Floats) -> tuple[float, float]:
    """The mean and the standard deviation (n - 1) of finite values; the deviation is exactly 0 where all are equal.

    Squares leave the range of floating-point numbers long before the values do: they are taken of values that a power
    of two (which rounds nothing) has brought near 1.
    """
    if values.min() == values.max():
        return float(values[0]), 0.0
    unit = math.ldexp(1.0, math.frexp(float(np.abs(values).max()))[1] - 1)
    scaled = values / unit
    mean = float(scaled.mean())
    residuals = scaled - mean
    return mean * unit, math.sqrt(float(residuals @ residuals) / (values.size - 1)) * unit
