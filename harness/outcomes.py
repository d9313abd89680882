"""Whether a model's answer is a legal one: what almost every task asks before it measures anything."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.errors import InvalidOutcomeError

_KINDS = {np.floating: "a floating-point array", np.integer: "an array of integers"}


def check_array(
    answer: Any,
    name: str,
    axes: str,
    shape: tuple[int, ...],
    kind: type[np.floating[Any]] | type[np.integer[Any]] = np.floating,
) -> None:
    """Raise unless an answer is a finite numpy array of one shape and kind.

    Args:
        answer: what a model gave.
        name: what it is, for the message: "predictions".
        axes: what the shape means, for the message: "(B, n+1)".
        shape: of the array.
        kind: `numpy.floating` or `numpy.integer`, of any precision.

    Raises:
        InvalidOutcomeError: it is none, with what was found instead.
    """
    if not isinstance(answer, np.ndarray) or not np.issubdtype(answer.dtype, kind):
        found = answer.dtype if isinstance(answer, np.ndarray) else type(answer).__name__
        raise InvalidOutcomeError(f"{name} must be {_KINDS[kind]}, not {found}")
    if answer.shape != shape:
        raise InvalidOutcomeError(f"{name} must be {axes} = {shape}, not {answer.shape}")
    bad = answer.size - np.count_nonzero(np.isfinite(answer))
    if bad:
        raise InvalidOutcomeError(f"{bad} of {answer.size} {name} are not finite")
