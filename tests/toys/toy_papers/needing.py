"""Models with parameters of every kind, and some that cannot be given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import Paper

if TYPE_CHECKING:
    from fractions import Fraction


class Guessing:
    def guess(self, values, context):
        return 0.0


@dataclass
class Needy(Guessing):
    """Has parameters without defaults."""

    first: int
    second: float


@dataclass
class Choosy(Guessing):
    """Has parameters that may be several things."""

    either: int | str = 0
    shape: tuple[int, int] | None = None
    flag: bool = False


@dataclass
class Functional(Guessing):
    """Has a parameter that YAML cannot write."""

    function: Callable[[float], float] = abs


class Untyped(Guessing):
    """Does not say the type of its parameter."""

    def __init__(self, size=3):
        self.size = size


@dataclass
class Hidden(Guessing):
    """Has a parameter whose type is there for type checkers only."""

    part: Fraction | None = None


paper: Paper = Paper(
    title="Need something",
    year=2026,
    venue="tests",
    constructions=[Needy, Choosy, Functional],
    baselines=(Untyped, Hidden),
)
