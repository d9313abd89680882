"""What every model that reads prompts is put to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def refuses_bad_prompts() -> Callable[[Any, np.ndarray, np.ndarray], None]:
    """Spoil legal prompts X (B, n+1, d), Y (B, n) in every way, and see that the model says what is wrong."""

    def check(model: Any, X: np.ndarray, Y: np.ndarray) -> None:
        holes = []
        for hole in (np.nan, np.inf):
            X_holed = X.copy()
            X_holed[0, 0, 0] = hole
            holes.append((X_holed, Y, "not finite"))
        for bad_X, bad_Y, complaint in (
            (X, Y[:, 1:], "Y must be"),
            (X[0], Y, "3 axes"),
            (X[:0], Y[:0], "empty"),
            (X.astype(np.int64), Y, "floating-point"),
            (X.tolist(), Y, "list"),
            *holes,
        ):
            with pytest.raises(ValueError, match=complaint):
                model.predict(bad_X, bad_Y)

    return check
