"""What a paired two-sided t test can see (normal differences; Cohen 1988, by the noncentral t distribution)."""

from __future__ import annotations

import math

from harness.stats.arguments import probability

_FAR = 1e4
"""Beyond so many standard errors only the estimated deviation matters (and SciPy's noncentral t may be NaN)."""
_NEGLIGIBLE = 1e-6
"""Effects below this share of the deviation: more than 10^12 pairs would be needed."""


def power_of(noncentrality: float, count: int, alpha: float = 0.05) -> float:
    """How likely the test finds an effect of `noncentrality` standard errors from `count` pairs."""
    from scipy.special import gammainc, nctdtr, stdtrit

    freedom = count - 1
    critical = float(stdtrit(freedom, 1 - alpha / 2))
    if noncentrality > _FAR:
        return float(gammainc(freedom / 2, freedom / 2 * (noncentrality / critical) ** 2))
    wrong_side = float(nctdtr(freedom, noncentrality, -critical))  # NaN where it is below 1e-13
    return float(nctdtr(freedom, -noncentrality, -critical)) + (0.0 if math.isnan(wrong_side) else wrong_side)


def minimum_detectable_effect(deviation: float, count: int, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest mean difference that `count` pairs show with the given power; infinite for fewer than two.

    `deviation` is the standard deviation of the paired differences, and the effect is in its unit.
    """
    _check(deviation, alpha, power)
    if count < 2:
        return math.inf
    low, high = 0.0, 1.0
    while power_of(high, count, alpha) < power:
        low, high = high, 2 * high
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if power_of(middle, count, alpha) < power else (low, middle)
    return high * deviation / math.sqrt(count)


def pairs_needed(effect: float, deviation: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """The least number of pairs (two or more) that show a mean difference of `effect` with the given power.

    Raises:
        ValueError: the effect is zero or less than a millionth of the deviation, which no number of pairs shows.
    """
    _check(deviation, alpha, power)
    size = abs(effect)
    if not size > _NEGLIGIBLE * deviation:
        raise ValueError(
            f"an effect of {effect:g} beside a deviation of {deviation:g} is out of reach of any number of pairs"
        )
    if deviation == 0:
        return 2
    low, high = 1, 2
    while power_of(size / deviation * math.sqrt(high), high, alpha) < power:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = power_of(size / deviation * math.sqrt(middle), middle, alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def _check(deviation: float, alpha: float, power: float) -> None:
    if not 0 <= deviation < math.inf:
        raise ValueError(f"deviation: {deviation:g} is not a finite number of at least zero")
    if probability(power, "power") <= probability(alpha, "alpha"):
        raise ValueError(f"power: {power:g} is not above alpha, {alpha:g}")
