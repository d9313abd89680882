"""A pair in plain English. A winner is named only where the data carry one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.compare.sample import Quantity
from harness.stats.interval import Interval
from harness.stats.paired import Scale

if TYPE_CHECKING:
    from harness.compare.pair import Pair

_FACTOR = 2.0
"""From this ratio on, a factor is easier to read than a percentage."""
_MANY = 100
"""An effect so many times smaller than what can be seen is as good as none."""


def sentence(pair: Pair) -> str:
    """What the data say of a pair."""
    # the verdicts are told apart by name: their class is in the module that imports this one
    told = {"better": _won, "worse": _won, "equivalent": _equivalent, "identical": _identical}.get(pair.verdict, _open)
    subject = f"{pair.subject}: " if pair.subject else ""
    return subject + told(pair) + _reservations(pair)


def p_text(value: float) -> str:
    """A p-value, as `p = 0.02` or `p < 0.001`."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def change(effect: Interval, scale: Scale, quantity: Quantity) -> str:
    """An effect with its sign and interval: `-4 % [-6, -2]`, `× 3.1 [2.5, 3.9]` or `0.2 s [0.1, 0.3]`."""
    if scale is Scale.DIFFERENCE:
        return _measure(effect.estimate, effect.low, effect.high, _unit(quantity))
    if 1 / _FACTOR < effect.estimate < _FACTOR:
        estimate, low, high = (100 * (ratio - 1) for ratio in (effect.estimate, effect.low, effect.high))
        return _measure(estimate, low, high, " %")
    return "× " + _measure(effect.estimate, effect.low, effect.high, "")


def estimate_text(estimate: Interval | None) -> str:
    """An estimate with its interval, to four digits; `-` if there is none."""
    if estimate is None:
        return "-"
    return f"{estimate.estimate:.4g}" + (f" [{estimate.low:.4g}, {estimate.high:.4g}]" if estimate.bounded else "")


def _won(pair: Pair) -> str:
    first = pair.verdict == "better"
    wins = pair.wins if first else pair.losses
    where = f" on {wins} of {_instances(pair.instances)}" if pair.paired else ""
    if pair.subject:
        size, way = _size(pair)
        said = f"{pair.a} is {size} {way} than {pair.b}, {'better' if first else 'worse'}"
    else:
        size, _ = _size(pair if first else pair.mirrored)
        said = f"{pair.winner} beats {pair.loser} by {size}"
    return f"{said}{where} ({_p(pair)})"


def _size(pair: Pair) -> tuple[str, str]:
    """How far the first arm is from the second, and which way. The interval is on one side."""
    effect = pair.result.effect
    ends = [effect.estimate, effect.low, effect.high]
    if pair.result.scale is Scale.DIFFERENCE:
        return _ordered([abs(end) for end in ends], _unit(pair.quantity)), "higher" if ends[0] > 0 else "lower"
    higher = ends[0] > 1
    factors = ends if higher else [1 / end if end else math.inf for end in ends]
    if factors[0] >= _FACTOR:
        return "a factor of " + _ordered(factors, ""), "higher" if higher else "lower"
    return _ordered([100 * abs(1 - end) for end in ends], " %"), "higher" if higher else "lower"


def _equivalent(pair: Pair) -> str:
    assert pair.rope is not None
    shown = change(pair.result.effect, pair.result.scale, pair.quantity)
    return f"{pair.a} and {pair.b} are equivalent: {shown} lies within {_region(pair, pair.rope)}"


def _identical(pair: Pair) -> str:
    return f"{pair.a} and {pair.b} have the same value on {_instances(pair.instances)}"


def _open(pair: Pair) -> str:
    both = f"{pair.a} and {pair.b}"
    shown = change(pair.result.effect, pair.result.scale, pair.quantity)
    if pair.result.count == 1:
        return f"one instance each of {both}: {shown}, and nothing can be said of the spread"
    return f"no difference between {both} that these data can show: {shown} ({_both_p(pair)}){_power(pair)}"


def _power(pair: Pair) -> str:
    """What so many instances can detect, and how many would detect what was seen or what matters."""
    from harness.stats.power import minimum_detectable_effect, pairs_needed

    if not pair.paired or not pair.result.deviation:
        return ""
    count = pair.result.count
    least = minimum_detectable_effect(pair.result.deviation, count, pair.level)
    said = f"; {_instances(count)} can't see less than {_region(pair, least, logarithmic=True)}"
    ratio = pair.result.scale is Scale.RATIO
    seen = _distance(pair.result.effect.estimate, pair.result.scale)
    wanted = (math.log1p(pair.rope) if ratio else pair.rope) if pair.rope else seen
    if not wanted or wanted >= least:
        return said
    what = f"to see {_region(pair, wanted, logarithmic=True)}" if pair.rope else "this difference"
    needed = pairs_needed(wanted, pair.result.deviation, pair.level) if wanted * _MANY > least else None
    return f"{said}, {what} takes {needed}" if needed else said


def _distance(effect: float, scale: Scale) -> float:
    """How far an effect is from none, on the scale of the test; infinitely, if its ratio does not fit a float."""
    if scale is Scale.DIFFERENCE:
        return abs(effect)
    return abs(math.log(effect)) if effect else math.inf


def _region(pair: Pair, size: float, *, logarithmic: bool = False) -> str:
    if pair.result.scale is Scale.DIFFERENCE:
        return f"{_number(size)}{_unit(pair.quantity)}"
    share = _share(size) if logarithmic else size
    return f"{_number(100 * share)} %" if share < _FACTOR - 1 else f"a factor of {_number(1 + share)}"


def _share(logarithm: float) -> float:
    """By how much a ratio exceeds 1; what exceeds a float is infinite."""
    try:
        return math.expm1(logarithm)
    except OverflowError:
        return math.inf


def _reservations(pair: Pair) -> str:
    """What else has to be known: failures, and instances that only one of the two has met."""
    failed = [f"{name} failed on {count}" for name, count in zip((pair.a, pair.b), pair.failed, strict=True) if count]
    said = f"; {', '.join(failed)} of {_instances(pair.met)}" if failed else ""
    if pair.instances < pair.met:
        said += f"; only {pair.instances} of {_instances(pair.met)} in common"
    return said if pair.paired else f"{said}; {pair.result.test}, as the values cannot be paired"


def _p(pair: Pair) -> str:
    return p_text(pair.p_value) + (", corrected" if pair.corrected else "")


def _both_p(pair: Pair) -> str:
    """The raw p-value too, where it alone would seem to say something."""
    significant = pair.result.p_value < 1 - pair.result.effect.confidence
    return f"{p_text(pair.result.p_value)} alone, {pair.p_value:.2g} corrected" if significant else _p(pair)


def _instances(count: int) -> str:
    return "1 instance" if count == 1 else f"{count} instances"


def _unit(quantity: Quantity) -> str:
    return "" if quantity.unit == "1" else f" {quantity.unit}"


def _ordered(ends: list[float], unit: str) -> str:
    return _measure(ends[0], min(ends[1:]), max(ends[1:]), unit)


def _measure(estimate: float, low: float, high: float, unit: str) -> str:
    if not math.isfinite(high):  # a single value bounds nothing
        return f"{_number(estimate)}{unit}"
    return f"{_number(estimate)}{unit} [{_number(low)}, {_number(high)}]"


def _number(value: float) -> str:
    """Two significant digits, but no fewer than all before the point."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.2g}" if abs(value) < 9.95 else f"{value:.0f}" if abs(value) < 1e6 else f"{value:.2g}"
