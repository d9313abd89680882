"""Results tampered with: evidence in, evidence out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from harness.checks.evidence import Cell, Evidence, Point

_Change: TypeAlias = Callable[[str, Point, Cell], float]
"""From a metric, one of its values and the cell to another value."""
_LEAST_FACTOR = 10.0
"""The range of a metric that has the same value everywhere."""
_WORSE = 3.0
"""By how many ranges all values are worse: about as far as noise goes."""
_LARGEST_LOG = 700.0
"""Of the largest number that noise makes: a sum of some is finite."""


def swapped(evidence: Evidence, one: str, other: str) -> Evidence:
    """Two models with each other's results on the same instance, or on the one that is most like it."""
    return _exchange(evidence, {one: other, other: one})


def replaced(evidence: Evidence, model: str, by: str) -> Evidence:
    """A model with the results of another one."""
    return _exchange(evidence, {model: by})


def noisy(evidence: Evidence, read: Sequence[Cell], rng: np.random.Generator) -> Evidence:
    """Cells whose values are worse, each by its own factor."""
    return _worsened(evidence, read, lambda: 1 + abs(float(rng.standard_normal())))


def worse(evidence: Evidence, read: Sequence[Cell]) -> Evidence:
    """Cells whose values are worse, all by the same factor."""
    return _worsened(evidence, read, lambda: _WORSE)


def displaced(evidence: Evidence, read: Sequence[Cell]) -> Evidence:
    """Cells whose curves have the right values in the wrong places."""
    chosen = {id(cell) for cell in read}
    cells = [
        replace(cell, values={metric: _turned(points) for metric, points in cell.values.items()})
        if id(cell) in chosen
        else cell
        for cell in evidence.cells
    ]
    return replace(evidence, cells=cells)


def tilted(evidence: Evidence, read: Sequence[Cell], dim: str, power: int) -> Evidence:
    """Cells whose values are multiplied by a power of a setting or coordinate, where that is a positive number."""

    def tilt(_: str, point: Point, cell: Cell) -> float:
        tick = {**cell.settings, **point.coordinates}.get(dim)
        return point.value * tick**power if isinstance(tick, int | float) and tick > 0 else point.value

    return _changed(evidence, read, tilt)


def thinned(evidence: Evidence, read: Sequence[Cell]) -> Evidence:
    """Of the cells that are read, only those of the first seed have results; of a single seed, every other one."""
    seeds = sorted({cell.seed for cell in read})
    lost = {id(cell) for index, cell in enumerate(read) if (cell.seed != seeds[0] if len(seeds) > 1 else not index % 2)}
    cells = [replace(cell, status="not run", values={}) if id(cell) in lost else cell for cell in evidence.cells]
    return replace(evidence, cells=cells)


def _worsened(evidence: Evidence, read: Sequence[Cell], ranges: Callable[[], float]) -> Evidence:
    """Cells whose values are worse by so many times the range of their metric, on a logarithmic scale."""
    sizes = {metric: _log_range(evidence, metric) for metric in evidence.directions}

    def worsen(metric: str, point: Point, _: Cell) -> float:
        value, sign = point.value, -1 if evidence.directions[metric] == "higher" else 1
        distance = ranges() * sizes[metric]
        if value == 0:
            return sign * math.exp(min(distance, _LARGEST_LOG))
        room = _LARGEST_LOG - max(0.0, math.log(abs(value)))
        return value * math.exp(max(-_LARGEST_LOG, min(sign * math.copysign(distance, value), room)))

    return _changed(evidence, read, worsen)


def _turned(points: Sequence[Point]) -> list[Point]:
    half = len(points) // 2
    turned = [*points[half:], *points[:half]]
    return [Point(other.value, point.coordinates) for point, other in zip(points, turned, strict=True)]


def _exchange(evidence: Evidence, sources: dict[str, str]) -> Evidence:
    by_model: dict[str, list[Cell]] = {}
    for cell in evidence.cells:
        by_model.setdefault(cell.model, []).append(cell)
    cells = [
        _with_values_of(cell, by_model.get(sources[cell.model], [])) if cell.model in sources else cell
        for cell in evidence.cells
    ]
    return replace(evidence, cells=cells)


def _with_values_of(cell: Cell, others: Sequence[Cell]) -> Cell:
    """The cell with the metrics of the most similar one of the others, where that has them."""
    if not others:
        return cell
    likest = max(others, key=lambda other: _likeness(cell, other))
    return replace(cell, values={**cell.values, **{m: v for m, v in likest.values.items() if m in cell.values}})


def _likeness(cell: Cell, other: Cell) -> tuple[bool, int, bool]:
    same = sum(other.settings.get(name) == value for name, value in cell.settings.items())
    return (cell.task == other.task, same, cell.seed == other.seed)


def _changed(evidence: Evidence, read: Sequence[Cell], change: _Change) -> Evidence:
    chosen = {id(cell) for cell in read}
    cells = [_changed_cell(cell, change) if id(cell) in chosen else cell for cell in evidence.cells]
    return replace(evidence, cells=cells)


def _changed_cell(cell: Cell, change: _Change) -> Cell:
    values = {
        metric: [Point(change(metric, point, cell), point.coordinates) for point in points]
        for metric, points in cell.values.items()
    }
    return replace(cell, values=values)


def _log_range(evidence: Evidence, metric: str) -> float:
    sizes = [abs(value) for value in _values(evidence.cells, metric) if value]
    return max(math.log(max(sizes) / min(sizes)), math.log(_LEAST_FACTOR)) if sizes else math.log(_LEAST_FACTOR)


def _values(cells: Sequence[Cell], metric: str) -> Iterator[float]:
    for cell in cells:
        for point in cell.values.get(metric, ()):
            yield point.value
