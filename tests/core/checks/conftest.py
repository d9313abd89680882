"""Evidence written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from harness.checks.evidence import Cell, Evidence, Point

METRIC = "cost"


@pytest.fixture(scope="session")
def cell() -> Callable[..., Cell]:
    """A cell of model `a/x` whose metric `cost` has a value, or a curve by the ticks of `step`."""

    def make(
        value: float | Mapping[int, float] | None = 1.0,
        model: str = "a/x",
        seed: int = 0,
        *,
        metric: str = METRIC,
        task: str = "t/t",
        role: str = "construction",
        status: str = "ok",
        error: str = "",
        **settings: str | float,
    ) -> Cell:
        curve = value.items() if isinstance(value, Mapping) else ()
        points = [Point(height, {"step": step}) for step, height in curve] or [Point(value)]
        return Cell(task, model, role, seed, settings, status, {} if value is None else {metric: points}, error)

    return make


@pytest.fixture(scope="session")
def evidence() -> Callable[..., Evidence]:
    """These cells as evidence; less of `cost` is better, unless told."""

    def make(*cells: Cell, direction: str = "lower") -> Evidence:
        return Evidence(cells, {metric: direction for one in cells for metric in (METRIC, *one.values)})

    return make


@pytest.fixture(scope="session")
def seeds(cell, evidence) -> Callable[..., Evidence]:
    """Models with a value for each seed: `seeds(x=[1, 2], y=[3, 4])` has `a/x` and `a/y`, with seeds 0 and 1."""

    def make(direction: str = "lower", **values: Sequence[float]) -> Evidence:
        cells = [cell(value, f"a/{model}", seed) for model in values for seed, value in enumerate(values[model])]
        return evidence(*cells, direction=direction)

    return make
