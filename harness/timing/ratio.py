"""Ratios of times."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from harness.stats.arguments import Values, positive_values
from harness.stats.interval import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.timing.samples import Samples


def ratio(values: Values, confidence: float = 0.95) -> Interval:
    """What ratios agree on: their pseudo-median, with its bootstrap interval, on the scale of logarithms.

    Each ratio is one of independent units, such as pairs of fresh processes. The pseudo-median is the median of all
    pairwise means (Hodges and Lehmann 1963): a process that was slow as a whole does not move it.

    Raises:
        ValueError: there is none, or one is not positive.
    """
    import numpy as np

    from harness.stats.intervals import bootstrap_interval

    return bootstrap_interval(np.log(positive_values(values)), _pseudo_median, confidence).exponential()


def log_ratio(a: Samples, b: Samples) -> float | None:
    """The logarithm of a's time over b's, from samples that were taken in turns.

    The median over turns of the blocks' ratios: what slows the machine down for longer than two blocks cancels. None if
    one of the two is noisy, or in no turn both have a clean sample.
    """
    turns = [(x, y) for x, y in zip(a.blocks, b.blocks, strict=True) if x and y]
    if a.noisy or b.noisy or not turns:
        return None
    return statistics.median(math.log(statistics.median(x) / statistics.median(y)) for x, y in turns)


def _pseudo_median(values: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    import numpy as np

    moved = np.moveaxis(values, axis, -1)
    first, second = np.triu_indices(moved.shape[-1])
    medians: NDArray[np.float64] = np.median((moved[..., first] + moved[..., second]) / 2, axis=-1)
    return medians
