"""The results that a claim is judged by: every cell it asked for, with what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.checks.samples import Tick


@dataclass(frozen=True)
class Point:
    """A value of a metric; on a curve, with its place."""

    value: float
    coordinates: Mapping[str, Tick] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One cell of a claim, with its result."""

    task: str
    """Full name."""
    model: str
    """Full name."""
    role: str
    seed: int
    settings: Mapping[str, Tick]
    """All parameters of task and model, and the backend; a model's parameter that the task has too is `model.NAME`."""
    status: str
    values: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    """By metric."""
    error: str = ""

    def matches(self, where: Mapping[str, object]) -> bool:
        """Whether it has these settings (of those it has at all); a list holds what is allowed."""
        return all(allowed(self.settings[name], wanted) for name, wanted in where.items() if name in self.settings)

    def __str__(self) -> str:
        return f"{self.model} on {self.task}, seed {self.seed}"


@dataclass(frozen=True)
class Evidence:
    """All cells of a claim."""

    cells: Sequence[Cell]
    directions: Mapping[str, str] = field(default_factory=dict)
    """Which values are better, `lower` or `higher`, by metric."""
    confidence: float = 0.95
    left_out: int | None = None
    """A seed to leave out: intervals come from how much each single one matters."""

    def without(self, seed: int) -> Evidence:
        """The same without a seed. What varies and what is constant stays as in the whole."""
        return replace(self, left_out=seed)


def allowed(tick: Tick, wanted: object) -> bool:
    """Whether a tick is the wanted one, or one of the wanted."""
    if isinstance(wanted, list | tuple | range | set):
        return any(allowed(tick, one) for one in wanted)
    if isinstance(tick, float) and isinstance(wanted, int | float):
        return math.isclose(tick, wanted, rel_tol=1e-9)
    return tick == wanted
