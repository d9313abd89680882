"""Ranks."""

from __future__ import annotations

import numpy as np

from harness.stats.arguments import Floats


def midranks(values: Floats) -> Floats:
    """The ranks of values in one dimension, from 1; equal values share the mean of their ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks
