"""What a legal prompt of in-context regression looks like."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]


def check_prompts(X: FloatArray, Y: FloatArray) -> tuple[int, int, int]:
    """The sizes (B, n, d) of prompts X (B, n+1, d) with labels Y (B, n).

    Raises:
        ValueError: the shapes do not fit, something is empty, not a floating-point array or not finite.
    """
    for name, array, axes in (("X", X, 3), ("Y", Y, 2)):
        if not isinstance(array, np.ndarray) or not np.issubdtype(array.dtype, np.floating):
            kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            raise ValueError(f"{name} must be a floating-point array, not {kind}")
        if array.ndim != axes or 0 in array.shape:
            raise ValueError(f"{name} must have {axes} axes, none of them empty; its shape is {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has entries that are not finite")
    batch, length, d = X.shape
    if Y.shape != (batch, length - 1):
        raise ValueError(
            f"X {X.shape} holds {length - 1} examples and a query for {batch} prompts, so Y must be "
            f"{(batch, length - 1)}, not {Y.shape}"
        )
    return batch, length - 1, d
