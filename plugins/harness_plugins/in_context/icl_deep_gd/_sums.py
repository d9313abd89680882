"""Functions of one variable as sums of ReLUs, g(t) = sum_m c_m relu(a_m t + b_m): what attention heads add up.

This is the (eps, R, H, C)-approximability of Bai et al. (arXiv:2306.04637, definition 12) in one variable. A term is
(c, a, b). The activation r of the simulated network and its slope r' are the only functions that need it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from harness_plugins.in_context.arenas.laws.law import one_of

Term: TypeAlias = tuple[float, float, float]
"""(c, a, b) stands for c relu(a t + b)."""
ActivationName: TypeAlias = Literal["smooth-relu", "relu", "tanh"]

IDENTITY: list[Term] = [(1.0, 1.0, 0.0), (-1.0, -1.0, 0.0)]
CONSTANT: list[Term] = [(1.0, 0.0, 1.0)]


@dataclass(frozen=True)
class Activation:
    """The activation r of a network, its slope, and both as sums of ReLUs."""

    name: ActivationName = "smooth-relu"
    """`smooth-relu` bends over the width delta; `relu` is exact but for its slope at 0; `tanh` on [-radius, radius]."""
    delta: float = 0.5
    """Width of the bend: where the slope goes from 0 to 1."""
    leak: float = 0.1
    """Slope a below zero: the activation is a t + (1 - a) r(t)."""
    terms: int = 32
    """ReLUs H that the bend, or the tanh, is made of."""
    radius: float = 8.0
    """Pre-activations that the sum for tanh covers."""

    def __post_init__(self) -> None:
        one_of("activation", self.name, get_args(ActivationName))
        if self.terms < 1 or not self.delta > 0 or not self.radius > 0:
            raise ValueError(
                f"terms must be at least 1 and delta and radius positive, not {self.terms}, {self.delta}, {self.radius}"
            )

    def __call__(self, t: Tensor) -> Tensor:
        """r(t) itself, element by element."""
        if self.name == "tanh":
            return t.tanh()
        bent = t.relu() if self.name == "relu" else _smooth_relu(t, self.delta)
        return self.leak * t + (1 - self.leak) * bent

    def value_terms(self) -> list[Term]:
        """r as a sum of ReLUs."""
        if self.name == "tanh":
            return interpolation(torch.tanh, -self.radius, self.radius, self.terms)
        bent = [(1.0, 1.0, 0.0)] if self.name == "relu" else _smooth_relu_terms(self.delta, self.terms)
        return _leaky(bent, IDENTITY, self.leak)

    def slope_terms(self) -> list[Term]:
        """r' as a sum of ReLUs: exact for the smooth ReLU; for the exact one wrong where |t| < delta / 2."""
        if self.name == "tanh":
            return interpolation(lambda t: 1 - t.tanh() ** 2, -self.radius, self.radius, self.terms)
        start = -self.delta / 2 if self.name == "relu" else 0.0
        ramp = [(1 / self.delta, 1.0, -start), (-1 / self.delta, 1.0, -start - self.delta)]
        return _leaky(ramp, CONSTANT, self.leak)


def evaluate(terms: list[Term], t: Tensor) -> Tensor:
    """The sum at t, of any shape."""
    c, a, b = torch.tensor(terms, dtype=t.dtype).T
    return ((t[..., None] * a + b).relu() * c).sum(-1)


def interpolation(function: Callable[[Tensor], Tensor], start: float, stop: float, pieces: int) -> list[Term]:
    """A function between equally spaced knots on [start, stop], constant before, straight on after.

    Its error there is at most max |g''| h^2 / 8, h the distance of the knots.
    """
    knots = torch.linspace(start, stop, pieces + 1, dtype=torch.float64)
    values = function(knots)
    slopes = values.diff() / knots.diff()
    jumps = torch.cat([slopes[:1], slopes.diff()])
    bends = [(float(jump), 1.0, -float(knot)) for jump, knot in zip(jumps, knots[:-1], strict=True)]
    return [(float(values[0]), 0.0, 1.0), *bends]


def _smooth_relu(t: Tensor, delta: float) -> Tensor:
    """t^2 / (2 delta) on [0, delta], t - delta / 2 above: its slope is clip(t / delta, 0, 1)."""
    return torch.where(t < delta, t.relu() ** 2 / (2 * delta), t - delta / 2)


def _smooth_relu_terms(delta: float, terms: int) -> list[Term]:
    """Interpolation at k delta / H, k = 0..H, with slope 1 behind the last: off by delta / (8 H^2) at most."""
    knots = torch.arange(terms + 1, dtype=torch.float64) * delta / terms
    slopes = torch.cat([_smooth_relu(knots, delta).diff() / knots.diff(), torch.ones(1, dtype=torch.float64)])
    jumps = torch.cat([slopes[:1], slopes.diff()])
    return [(float(jump), 1.0, -float(knot)) for jump, knot in zip(jumps, knots, strict=True)]


def _leaky(terms: list[Term], line: list[Term], leak: float) -> list[Term]:
    """leak * line + (1 - leak) * terms."""
    scaled = [((1 - leak) * c, a, b) for c, a, b in terms]
    return [*scaled, *((leak * c, a, b) for c, a, b in line)] if leak else scaled
