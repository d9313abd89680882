"""Resamples in batches, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator

_NUMBERS = 2**20
"""How many numbers a batch may hold (8 MiB)."""


def batches(resamples: int, size: int) -> Iterator[int]:
    """How many resamples of `size` numbers to draw at a time; the counts add up to `resamples`.

    Raises:
        ValueError: there is not at least one resample.
    """
    if resamples < 1:
        raise ValueError(f"resamples: {resamples} is not positive")
    most = max(1, _NUMBERS // size)
    for start in range(0, resamples, most):
        yield min(most, resamples - start)
