"""Quantities: what results say in a number, for each setting and seed. Bounding one makes a check:

- `ratio("seconds", "monarch/monarch", "compression/dense").at_most(0.5)`
- `measured("ops-per-symbol", HYBRID).largest(over="sigma").slope(over="m").within(0.40, 0.65)`
- `measured("exact-match").each().equals(1)`
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import add, sub, truediv
from typing import TYPE_CHECKING

from harness.checks import reductions
from harness.checks.bounds import Bounds
from harness.checks.check import Check, Contrast
from harness.checks.evidence import Evidence
from harness.checks.judging import judge_each, judge_means
from harness.checks.samples import SEED, CheckError, Reduction, Samples
from harness.checks.verdict import Judgement

if TYPE_CHECKING:
    from harness.checks.measured import Measured


class Quantity(ABC):
    """A number for each setting and seed, read off the results and put together."""

    @property
    def relative(self) -> bool:
        """Whether it is a ratio: averaged geometrically, with an interval on the logarithm."""
        return False

    @abstractmethod
    def samples(self, evidence: Evidence) -> Samples:
        """Its values by setting and seed.

        Raises:
            CheckError: it cannot be computed.
        """

    @abstractmethod
    def measured(self) -> Iterator[Measured]:
        """What it is made of."""

    def neutral(self) -> tuple[float, Contrast] | None:
        """Its value if the models it compares were equal, and these models; None if it compares none."""
        return None

    def trends(self) -> Iterator[str]:
        """The dimensions along which it looks at how something grows."""
        yield from ()

    @abstractmethod
    def __str__(self) -> str: ...

    def __truediv__(self, other: Quantity) -> Quantity:
        return Combined(self, other, "/")

    def __sub__(self, other: Quantity) -> Quantity:
        return Combined(self, other, "-")

    def __add__(self, other: Quantity) -> Quantity:
        return Combined(self, other, "+")

    def __rmul__(self, factor: float) -> Quantity:
        def scaled(value: float) -> float:
            return factor * value

        return Derived(self, f"{factor:g} *", lambda samples: samples.map(scaled), self.relative, scaled)

    def abs(self) -> Quantity:
        """The absolute value."""
        return Derived(self, "absolute value of", lambda samples: samples.map(abs), self.relative, abs)

    def per(self, dim: str) -> Quantity:
        """Divided by a coordinate or a numeric setting: of a sum over rounds, what each round brings."""
        return Derived(self, f"per {dim}, the", lambda samples: reductions.per(samples, dim), self.relative, None)

    def largest(self, over: str) -> Quantity:
        """The largest value along a dimension: a setting, a coordinate, `model` or `seed`."""
        return self._reduced("largest", over, reductions.largest)

    def smallest(self, over: str) -> Quantity:
        """The smallest value along a dimension."""
        return self._reduced("smallest", over, reductions.smallest)

    def mean(self, over: str) -> Quantity:
        """The mean along a dimension; a ratio's is geometric."""
        return self._reduced("mean", over, reductions.geometric_mean if self.relative else reductions.mean)

    def spread(self, over: str) -> Quantity:
        """The largest less the smallest value along a dimension: 0 if it makes no difference."""
        return self._flattened("spread", over, reductions.spread)

    def slope(self, over: str) -> Quantity:
        """The exponent of growth along a dimension: the least-squares slope of logarithm on logarithm."""
        return self._flattened("slope", over, reductions.slope, trend=True)

    def rank_correlation(self, over: str) -> Quantity:
        """Spearman's rank correlation with a dimension: 1 if it rises all along."""
        return self._flattened("rank correlation", over, reductions.rank_correlation, trend=True)

    def growth(self, over: str) -> Quantity:
        """The ratio of each value along a dimension to the one before; above 1 all along if it rises."""
        return self._successive("growth", over, reductions.growth, True, _one)

    def step(self, over: str) -> Quantity:
        """The difference of each value along a dimension to the one before; positive all along if it rises."""
        return self._successive("step", over, sub, False, _zero)

    def each(self) -> Each:
        """A bound then holds of every single value, not of the mean over seeds."""
        return Each(self, 1.0)

    def share(self, least: float) -> Each:
        """A bound then holds of at least this share of the single values."""
        return Each(self, least)

    def at_most(self, bound: float) -> Check:
        """Held if, for every setting, the mean over seeds is at most this, its whole interval included."""
        return Bound(self, Bounds(-math.inf, bound))

    def at_least(self, bound: float) -> Check:
        """Held if, for every setting, the mean over seeds is at least this, its whole interval included."""
        return Bound(self, Bounds(bound, math.inf))

    def less_than(self, bound: float) -> Check:
        """Held if, for every setting, the mean over seeds is below this, its whole interval included."""
        return Bound(self, Bounds(-math.inf, bound, strict=True))

    def more_than(self, bound: float) -> Check:
        """Held if, for every setting, the mean over seeds is above this, its whole interval included."""
        return Bound(self, Bounds(bound, math.inf, strict=True))

    def within(self, low: float, high: float) -> Check:
        """Held if, for every setting, the interval of the mean over seeds lies in between."""
        return Bound(self, Bounds(low, high))

    def rises(self, over: str) -> Check:
        """Held if every single value along a dimension is at least the one before."""
        return self.step(over).each().at_least(0)

    def falls(self, over: str) -> Check:
        """Held if every single value along a dimension is at most the one before."""
        return self.step(over).each().at_most(0)

    def _reduced(self, name: str, over: str, function: Reduction) -> Quantity:
        """Of equal values along the dimension, that value comes."""
        return Derived(self, f"{name} over {over} of", _along(over, function), self.relative, _same)

    def _flattened(self, name: str, over: str, function: Reduction, *, trend: bool = False) -> Quantity:
        """Of equal values along the dimension, 0 comes."""
        along = (over,) if trend else ()
        return Derived(self, f"{name} over {over} of", _along(over, function), False, _zero, along)

    def _successive(
        self,
        name: str,
        over: str,
        function: Callable[[float, float], float],
        relative: bool,
        constant: Callable[[float], float],
    ) -> Quantity:
        def change(samples: Samples) -> Samples:
            return reductions.successive(samples, over, function)

        return Derived(self, f"{name} over {over} of", change, relative, constant, (over,))


@dataclass(frozen=True)
class Combined(Quantity):
    """Two quantities put together, setting by setting and seed by seed."""

    left: Quantity
    right: Quantity
    symbol: str

    @property
    def relative(self) -> bool:
        """Whether it is a quotient."""
        return self.symbol == "/"

    def samples(self, evidence: Evidence) -> Samples:
        """Values that agree on the dimensions both have; a dimension of only one is kept."""
        left, right = self.left.samples(evidence), self.right.samples(evidence)
        if (SEED in left.dims) != (SEED in right.dims):
            raise CheckError(f"{self}: only one side puts seeds together, and its uncertainty would be lost")
        if self.symbol == "/" and 0 in right.values.values():
            raise CheckError(f"{self}: a divisor is 0")
        return left.combine(right, _ARITHMETIC[self.symbol])

    def measured(self) -> Iterator[Measured]:
        """What both are made of."""
        yield from self.left.measured()
        yield from self.right.measured()

    def neutral(self) -> tuple[float, Contrast] | None:
        """1 or 0, if different models stand on the two sides."""
        left, right = _models(self.left), _models(self.right)
        if self.symbol not in _NEUTRAL or set(left) & set(right) or not (left and right):
            return None
        return _NEUTRAL[self.symbol], (left, right)

    def trends(self) -> Iterator[str]:
        """Those of both."""
        yield from self.left.trends()
        yield from self.right.trends()

    def __str__(self) -> str:
        right = f"({self.right})" if isinstance(self.right, Combined) else str(self.right)
        return f"{self.left} {self.symbol} {right}"


@dataclass(frozen=True)
class Derived(Quantity):
    """A quantity made of another one."""

    inner: Quantity
    name: str
    change: Callable[[Samples], Samples]
    ratio: bool
    constant: Callable[[float], float] | None
    """What it makes of a constant; None if that is no constant."""
    along: tuple[str, ...] = ()
    """The dimension along which it looks at how something grows."""

    def samples(self, evidence: Evidence) -> Samples:
        """The other's, changed."""
        return self.change(self.inner.samples(evidence))

    def measured(self) -> Iterator[Measured]:
        """What the other is made of."""
        return self.inner.measured()

    def neutral(self) -> tuple[float, Contrast] | None:
        """What it makes of the other's."""
        inner = self.inner.neutral()
        return None if inner is None or self.constant is None else (self.constant(inner[0]), inner[1])

    @property
    def relative(self) -> bool:
        """Whether it is a ratio too."""
        return self.ratio

    def trends(self) -> Iterator[str]:
        """Its own, and the other's."""
        yield from self.along
        yield from self.inner.trends()

    def __str__(self) -> str:
        return f"{self.name} {f'({self.inner})' if isinstance(self.inner, Combined) else self.inner}"


@dataclass(frozen=True)
class Each:
    """The single values of a quantity, to be bounded one by one."""

    quantity: Quantity
    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"{self.share:g} is no share of values that could be missed: it is between 0 and 1")

    def at_most(self, bound: float) -> Check:
        """Held if the values are at most this."""
        return Bound(self.quantity, Bounds(-math.inf, bound), self.share)

    def at_least(self, bound: float) -> Check:
        """Held if the values are at least this."""
        return Bound(self.quantity, Bounds(bound, math.inf), self.share)

    def within(self, low: float, high: float) -> Check:
        """Held if the values lie in between."""
        return Bound(self.quantity, Bounds(low, high), self.share)

    def equals(self, value: float, tolerance: float = 0.0) -> Check:
        """Held if the values are this one, up to the tolerance."""
        return self.within(value - tolerance, value + tolerance)


@dataclass(frozen=True)
class Bound(Check):
    """A quantity between two numbers: each of its values (or a share of them), or its mean over seeds."""

    quantity: Quantity
    bounds: Bounds
    share: float | None = None
    """The share of single values that must be inside; None for the mean over seeds."""

    def judge(self, evidence: Evidence) -> Judgement:
        """For every setting."""
        if self.share is not None:
            return judge_each(self.quantity, evidence, self.bounds, self.share)
        return judge_means(self.quantity, evidence, self.bounds)

    def measured(self) -> Iterator[Measured]:
        """What the quantity is made of."""
        return self.quantity.measured()

    def contrasts(self) -> Sequence[Contrast]:
        """The models it compares, if it could not hold were they equal."""
        neutral = self.quantity.neutral()
        return [] if neutral is None or self.bounds.allow(neutral[0]) else [neutral[1]]

    def trends(self) -> Iterator[str]:
        """Those of the quantity."""
        return self.quantity.trends()

    def __str__(self) -> str:
        if self.share is None:
            return f"{self.quantity} {self.bounds}"
        return f"{'each' if self.share == 1 else f'{self.share:.0%}'} of {self.quantity} {self.bounds}"


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {"/": truediv, "-": sub, "+": add}
_NEUTRAL = {"/": 1.0, "-": 0.0}


def _models(quantity: Quantity) -> tuple[str, ...]:
    return tuple(dict.fromkeys(model for measured in quantity.measured() for model in measured.models))


def _along(dim: str, function: Reduction) -> Callable[[Samples], Samples]:
    return lambda samples: samples.reduce(dim, function)


def _same(value: float) -> float:
    return value


def _zero(_: float) -> float:
    return 0.0


def _one(_: float) -> float:
    return 1.0
