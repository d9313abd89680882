"""Functions of one variable as sums of ReLUs, g(t) = sum_m c_m relu(a_m t + b_m): what attention heads add up.

This is the (eps, R, H, C)-approximability of Bai et al. (arXiv:2306.04637, definition 12) in one variable. A term is
(c, a, b). The activation r of the simulated network and its slope r' are the only functions that need it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from harness_plugins.in_context.arenas.laws.law import one_of
from harness_plugins.in_context.arenas.prompts import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

Term: TypeAlias = tuple[float, float, float]
"""(c, a, b) stands for c relu(a t + b)."""
ActivationName: TypeAlias = Literal["smooth-relu", "relu", "tanh"]

IDENTITY: list[Term] = [(1.0, 1.0, 0.0), (-1.0, -1.0, 0.0)]
CONSTANT: list[Term] = [(1.0, 0.0, 1.0)]
_RADIUS = 8.0
"""The sum for tanh interpolates it on [-8, 8]; it is flat beyond, as tanh is but for 1e-6."""


@dataclass(frozen=True)
class Activation:
    """The activation r of a network, and both it and its slope as sums of ReLUs."""

    name: ActivationName = "smooth-relu"
    """`smooth-relu` bends over the width delta; `relu` bends at 0; `tanh` has neither delta nor leak."""
    delta: float = 0.5
    """Width over which the slope goes from 0 to 1; for `relu` that of its sum's slope alone."""
    leak: float = 0.1
    """Slope a below zero: the activation is a t + (1 - a) r(t)."""

    def __post_init__(self) -> None:
        one_of("activation", self.name, get_args(ActivationName))
        if not 0 < self.delta < np.inf or not 0 <= self.leak <= 1:
            raise ValueError(f"delta must be positive and leak in 0..1, not {self.delta} and {self.leak}")

    def __call__(self, t: Tensor) -> Tensor:
        """r(t) itself, element by element; torch can differentiate it."""
        if self.name == "tanh":
            return t.tanh()
        bent = t.relu() if self.name == "relu" else _smooth_relu(t, self.delta)
        return self.leak * t + (1 - self.leak) * bent

    def value_terms(self, count: int) -> list[Term]:
        """r as a sum of ReLUs, `count` of them for its bend: off by O(1 / count^2), exact for `relu`."""
        if self.name == "tanh":
            return _interpolation(np.tanh, -_RADIUS, _RADIUS, count)
        bent = [(1.0, 1.0, 0.0)] if self.name == "relu" else _smooth_relu_terms(self.delta, count)
        return _leaky(bent, IDENTITY, self.leak)

    def slope_terms(self, count: int) -> list[Term]:
        """r' as a sum of ReLUs: exact for the smooth ReLU; for `relu` wrong where |t| < delta / 2."""
        if self.name == "tanh":
            return _interpolation(lambda t: 1 - np.tanh(t) ** 2, -_RADIUS, _RADIUS, count)
        start = -self.delta / 2 if self.name == "relu" else 0.0
        ramp = [(1 / self.delta, 1.0, -start), (-1 / self.delta, 1.0, -start - self.delta)]
        return _leaky(ramp, CONSTANT, self.leak)


def _interpolation(function: Callable[[FloatArray], FloatArray], start: float, stop: float, count: int) -> list[Term]:
    """A function between count + 1 equally spaced knots on [start, stop], constant before and behind.

    Its error there is at most max |g''| h^2 / 8, h the distance of the knots.
    """
    knots = np.linspace(start, stop, count + 1)
    values = function(knots)
    slopes = np.diff(values) / np.diff(knots)
    return [(float(values[0]), 0.0, 1.0), *_bends(knots, [*slopes, 0.0])]


def _smooth_relu(t: Tensor, delta: float) -> Tensor:
    """t^2 / (2 delta) on [0, delta], t - delta / 2 above: its slope is clip(t / delta, 0, 1)."""
    return t.clamp(0, delta) ** 2 / (2 * delta) + (t - delta).relu()


def _smooth_relu_terms(delta: float, count: int) -> list[Term]:
    """Interpolation at k delta / H, k = 0..H, with slope 1 behind the last: off by delta / (8 H^2) at most."""
    knots = np.arange(count + 1) * delta / count
    slopes = np.diff(knots**2 / (2 * delta)) / np.diff(knots)
    return _bends(knots, [*slopes, 1.0])


def _bends(knots: FloatArray, slopes: list[float]) -> list[Term]:
    """What is 0 before the first knot and has slope k behind knot k."""
    jumps = np.diff([0.0, *slopes])
    return [(float(jump), 1.0, -float(knot)) for jump, knot in zip(jumps, knots, strict=True)]


def _leaky(terms: list[Term], line: list[Term], leak: float) -> list[Term]:
    """leak * line + (1 - leak) * terms."""
    scaled = [((1 - leak) * c, a, b) for c, a, b in terms]
    return [*scaled, *((leak * c, a, b) for c, a, b in line)] if leak else scaled
