"""Metrics along a coordinate: the mean over the instances, and a band for its interval."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from harness.compare.comparison import TaskComparison
from harness.compare.sample import Place, Quantity
from harness.report.figures.figure import (
    SERIES,
    Figure,
    Scalar,
    Spec,
    axis,
    colour,
    column,
    finite,
    height_of_plot,
    series,
    text,
)
from harness.report.wording import labelled, oriented
from harness.stats.intervals import mean_interval

if TYPE_CHECKING:
    import pyarrow as pa

_TICKS = 60
"""Places along a curve that are drawn, evenly taken from all."""
_GROUP = ["task_label", "scale", "backend_label", "metric", "unit", "direction", "model_label", "coordinates"]
Tick: TypeAlias = float | str


@dataclass(frozen=True)
class Curve:
    """One metric along one coordinate on one task."""

    quantity: Quantity
    coordinate: str
    values: Mapping[str, Mapping[Tick, Sequence[float]]]
    """By model and tick, the values of the instances."""


Curves: TypeAlias = Mapping[Place, Sequence[Curve]]


def read_curves(table: pa.Table) -> Curves:
    """The curves in a table of results; one of several coordinates is taken along its first."""
    import pyarrow.compute as pc

    chosen = pc.and_(pc.is_valid(table["coordinates"]), pc.equal(table["status"], "ok"))
    grouped = table.select([*_GROUP, "value"]).filter(chosen).group_by(_GROUP).aggregate([("value", "list")])
    found: dict[Place, dict[str, Curve]] = {}
    points: dict[tuple[Place, str], dict[str, dict[Tick, list[float]]]] = {}
    for task, scale, backend, metric, unit, direction, model, place, values in zip(
        *(grouped[name].to_pylist() for name in (*_GROUP, "value_list")), strict=True
    ):
        coordinate, tick = next(iter(json.loads(place).items()))
        at = Place(task, scale, backend)
        models = points.setdefault((at, metric), {})
        models.setdefault(model, {}).setdefault(tick, []).extend(values)
        found.setdefault(at, {}).setdefault(metric, Curve(Quantity(metric, unit, direction), coordinate, models))
    return {place: list(curves.values()) for place, curves in found.items()}


def curves(task: TaskComparison, found: Sequence[Curve], prefix: str) -> list[Figure]:
    """A figure for each curve, of the best arms of the task and of its references."""
    return [_figure(task, curve, f"{prefix}-curve-{index}") for index, curve in enumerate(found)]


def _figure(task: TaskComparison, curve: Curve, figure_id: str) -> Figure:
    ranked, references = _known(task, curve)
    best = ranked[:SERIES]
    shown, left_out = [*best, *references], len(ranked) - len(best)
    rows = [row for name in shown for row in _rows(name, curve.values[name])]
    vertical = axis(oriented(curve.quantity), [row[2] for row in rows])
    least = min(float(row[2] or 0) for row in rows) / 10 if vertical["type"] == "log" else None
    label = labelled(curve.quantity)
    choice = f" The {len(best)} models that are best by {task.quantity.name}; {left_out} are left out."
    styles = [(series(index), "solid") for index in range(len(best))] + [("muted", "dash")] * len(references)
    lines = enumerate(zip(shown, styles, strict=True))
    return Figure(
        id=figure_id,
        title=f"{curve.quantity.name} along {curve.coordinate}",
        caption="Lines: the mean over the instances. Bands: its 95 % interval, where there are two or more."
        + (choice if left_out else "")
        + (" Dashed: references, which are not ranked." if references else ""),
        alt=f"{label} of {len(shown)} models on {task.place.task} along {curve.coordinate}.",
        columns=("model", "coordinate", "mean", "low", "high"),
        rows=tuple(rows),
        traces=tuple(trace for index, (name, style) in lines for trace in _traces(name, index, style, least)),
        layout={
            "height": height_of_plot(len(shown)),
            "xaxis": axis(curve.coordinate, [row[1] for row in rows]),
            "yaxis": vertical,
        },
    )


def _known(task: TaskComparison, curve: Curve) -> tuple[list[str], list[str]]:
    """Arms that have the curve, best first, and references that have it."""
    arms = [standing.arm for standing in task.standings if standing.arm.name in curve.values]
    ranked = [arm.name for arm in arms if arm.role != "reference"]
    return ranked, [arm.name for arm in arms if arm.role == "reference"]


def _rows(name: str, ticks: Mapping[Tick, Sequence[float]]) -> Iterator[tuple[Scalar, ...]]:
    ordered = list(ticks) if any(isinstance(tick, str) for tick in ticks) else sorted(ticks)
    step = max(1, -(-len(ordered) // _TICKS))
    for tick in ordered[::-step][::-1]:  # the last one is always drawn
        mean = mean_interval(ticks[tick])
        yield name, tick, mean.estimate, finite(mean.low), finite(mean.high)


def _traces(name: str, index: int, style: tuple[str, str], least: float | None) -> list[Spec]:
    (shade, dash), x = style, column("coordinate", {"model": name})
    edge = {"mode": "lines", "x": x, "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    group = {"legendgroup": str(index)}
    line = {
        "name": text(name),
        "x": x,
        "y": column("mean", {"model": name}),
        "line": {"color": colour(shade), "width": 2, "dash": dash},
    }
    return [
        {**edge, **group, "y": column("low", {"model": name}, least=least)},
        {**edge, **group, "y": column("high", {"model": name}), "fill": "tonexty", "fillcolor": colour(shade, 0.15)},
        {"mode": "lines+markers", "marker": {"size": 4}, **group, **line},
    ]
