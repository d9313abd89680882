"""Metrics: numbers read off an instance and what a model made of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from harness.components import kebab

Direction: TypeAlias = Literal["lower", "higher"]
"""Which values are better."""


class Along:
    """A metric's values along named coordinates, stored as one row each: a trajectory, a curve, a grid of budgets.

    `Along(errors, examples=range(1, 41))` says that `errors[i]` was seen after `examples[i]` examples.

    Raises:
        ValueError: there is no coordinate, one has another length than the values, or a tick is not finite.
        TypeError: a tick is neither a number nor a string.
    """

    def __init__(self, values: Iterable[float], **coordinates: Iterable[float | str]) -> None:
        self.values = [float(value) for value in values]
        self.coordinates = {name: [_plain(tick) for tick in ticks] for name, ticks in coordinates.items()}
        if not self.coordinates:
            raise ValueError("values along nothing: name a coordinate, as in Along(values, step=steps)")
        for name, ticks in self.coordinates.items():
            if len(ticks) != len(self.values):
                raise ValueError(f"coordinate {name!r} has {len(ticks)} ticks for {len(self.values)} values")

    def rows(self) -> Iterator[tuple[float, dict[str, Any]]]:
        """Each value with its place."""
        for index, value in enumerate(self.values):
            yield value, {name: ticks[index] for name, ticks in self.coordinates.items()}


Value: TypeAlias = float | Along | None
"""What a metric may return; None where it is not defined for the instance."""


@dataclass(frozen=True)
class Metric:
    """A named quantity with a unit and a direction. Made by the decorator `metric`."""

    name: str
    unit: str
    """The unit as one would print it behind the number; `1` where there is none."""
    direction: Direction
    compute: Callable[[Any, Any], Value]
    """From the instance and the outcome to the value."""
    timing: bool = False
    """Whether it is read off a clock, and so another number each time."""

    def __call__(self, instance: Any, outcome: Any) -> Value:
        """The value for this outcome on this instance."""
        return self.compute(instance, outcome)

    @property
    def doc(self) -> str:
        """What the metric's author says of it."""
        return (self.compute.__doc__ or "").strip()


def metric(*, unit: str, direction: Direction, timing: bool = False) -> Callable[[Callable[[Any, Any], Value]], Metric]:
    """Make a `Metric` of a function `(instance, outcome) -> float | Along`; named like it, in kebab-case."""

    def decorate(compute: Callable[[Any, Any], Value]) -> Metric:
        return Metric(kebab(compute.__name__), unit, direction, compute, timing)

    return decorate


def _plain(tick: Any) -> Any:
    """A tick as JSON has it: of a NumPy scalar, the Python number it stands for."""
    plain = tick.item() if hasattr(tick, "item") else tick
    if not isinstance(plain, int | float | str):
        raise TypeError(f"a tick is a number or a string, not {type(plain).__name__}")
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ValueError(f"a tick is {plain}")
    return plain
