"""Exponents of scaling laws: the slope of a straight line in double-logarithmic axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arguments import Floats, Values, positive_values
from harness.stats.interval import Interval
from harness.stats.intervals import mean_interval, student_interval
from harness.stats.moments import mean_and_deviation


def loglog_slope(x: Values, y: Values, confidence: float = 0.95) -> Interval:
    """Exponent b of y = c x^b by least squares on logarithms, with its t interval (n - 2 degrees of freedom).

    Assumes a power law with independent multiplicative errors of equal spread: values of one seed at several x are not
    independent (take `loglog_slope_clustered`), and if the curve is no power law, the interval means nothing. Two
    points bound nothing.

    Raises:
        ValueError: lengths differ, a value is not positive, or all x are equal.
    """
    horizontal, vertical = _centred_logs(x, "x"), _logs(y, "y")
    count = vertical.size
    if horizontal.size != count:
        raise ValueError(f"points: {horizontal.size} values of x, but {count} of y")
    spread = float(horizontal @ horizontal)
    slope = float(horizontal @ vertical) / spread
    residuals = vertical - vertical.mean() - slope * horizontal
    error = float(np.sqrt(residuals @ residuals / max(count - 2, 1) / spread))
    return student_interval(slope, error, count - 2, confidence, count)


def loglog_slope_clustered(x: Values, y: ArrayLike, confidence: float = 0.95) -> Interval:
    """Mean exponent over seeds, each with a curve of its own: a t interval over their slopes.

    `x` has the shape (k,), `y` (seeds, k). Within a seed anything may depend on anything; seeds are independent.

    Raises:
        ValueError: shapes do not fit, a value is not positive, or all x are equal.
    """
    horizontal, curves = _centred_logs(x, "x"), np.asarray(y, dtype=float)
    if curves.ndim != 2 or not curves.size or curves.shape[1] != horizontal.size:
        raise ValueError(f"y: the shape (seeds, {horizontal.size}) is needed, not {curves.shape}")
    logs = np.array([_logs(curve, f"curve {index}") for index, curve in enumerate(curves)])
    return mean_interval(logs @ horizontal / float(horizontal @ horizontal), confidence)


def _logs(values: Values, name: str) -> Floats:
    logs: Floats = np.log(positive_values(values, name))
    return logs


def _centred_logs(values: Values, name: str) -> Floats:
    logs = _logs(values, name)
    mean, deviation = mean_and_deviation(logs)
    if not deviation:
        raise ValueError(f"{name}: at least two different values are needed")
    return logs - mean
