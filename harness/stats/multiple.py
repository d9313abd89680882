"""Corrections of p-values for the number of comparisons."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from harness.stats.arguments import Floats, Values

Correction = Literal["holm", "fdr_bh", "none"]


def adjust(p_values: Values, method: Correction = "holm", family: int | None = None) -> Floats:
    """The p-values, each as it has to be read beside the others; the order is kept.

    `holm` (Holm 1979): a level alpha on these wrongly rejects anything with a chance of at most alpha, whatever depends
    on what. `fdr_bh` (Benjamini and Hochberg 1995): at most a share alpha of the rejected is expected to be wrong, if
    the tests are independent or depend positively. `none`: as they are. `family` is how many tests there are, if more
    than were made (those left out after a look at the data): the others count as 1.

    Raises:
        ValueError: a p-value is not between 0 and 1, the family is smaller than them, or there is no such method.
    """
    raw = np.asarray(p_values, dtype=float)
    if raw.ndim != 1 or not ((raw >= 0) & (raw <= 1)).all():
        raise ValueError("p-values: a 1-d sequence of numbers from 0 to 1 is needed")
    if method not in get_args(Correction):
        raise ValueError(f"method: {method!r} is none of {', '.join(get_args(Correction))}")
    tests = raw.size if family is None else family
    if tests < raw.size:
        raise ValueError(f"family: {tests} tests cannot have {raw.size} p-values")
    if method == "none":
        return raw
    order, steps = np.argsort(raw, kind="stable"), np.arange(raw.size)
    if method == "holm":
        stepwise = np.maximum.accumulate(raw[order] * (tests - steps))
    else:
        stepwise = np.minimum.accumulate((raw[order] * tests / (steps + 1))[::-1])[::-1]
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(stepwise, 1)
    return adjusted
