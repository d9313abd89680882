"""What the procedures accept: each function answers its argument as they compute with it, or raises ValueError."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = Sequence[float] | NDArray[np.floating]
"""A 1-d sequence of finite numbers."""
Floats = NDArray[np.float64]


def finite_values(values: Values, name: str = "values") -> Floats:
    """At least one finite number, in one dimension."""
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name}: a 1-d sequence of at least one number is needed, not one of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: {np.count_nonzero(~np.isfinite(array))} of {array.size} numbers are not finite")
    return array


def positive_values(values: Values, name: str = "values") -> Floats:
    """At least one finite number, all above zero, in one dimension."""
    array = finite_values(values, name)
    if array.min() <= 0:
        raise ValueError(f"{name}: logarithms need positive numbers; the smallest is {array.min():g}")
    return array


def probability(value: float, name: str) -> float:
    """A number strictly between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"{name}: {value:g} is not between 0 and 1")
    return value
