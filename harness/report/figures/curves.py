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
_PANELS = 8
"""Figures of one metric: one for each place on its other coordinates."""
_GROUP = ["task_label", "scale", "backend_label", "metric", "unit", "direction", "model_label", "coordinates"]
Tick: TypeAlias = float | str
_Point: TypeAlias = tuple[str, dict[str, Tick], list[float]]
"""A model, where along the coordinates, and the values of the instances."""


@dataclass(frozen=True)
class Curve:
    """One metric along one coordinate on one task, at one place on its other coordinates."""

    quantity: Quantity
    coordinate: str
    fixed: str
    """The other coordinates: `family = linear`; empty if there is none."""
    unseen: int
    """Further places on the other coordinates, of which there is no curve."""
    values: Mapping[str, Mapping[Tick, Sequence[float]]]
    """By model and tick, the values of the instances."""


Curves: TypeAlias = Mapping[Place, Sequence[Curve]]


def read_curves(table: pa.Table) -> Curves:
    """The curves in a table of results."""
    import pyarrow.compute as pc

    chosen = pc.and_(pc.is_valid(table["coordinates"]), pc.equal(table["status"], "ok"))
    grouped = (
        table.select([*_GROUP, "value"])
        .filter(chosen)
        .group_by(_GROUP, use_threads=False)
        .aggregate([("value", "list")])
    )
    points: dict[tuple[Place, Quantity], list[_Point]] = {}
    for task, scale, backend, metric, unit, direction, model, place, values in zip(
        *(grouped[name].to_pylist() for name in (*_GROUP, "value_list")), strict=True
    ):
        of = Place(task, scale, backend), Quantity(metric, unit, direction)
        points.setdefault(of, []).append((model, json.loads(place), values))
    found: dict[Place, list[Curve]] = {}
    for (at, quantity), its_points in points.items():
        found.setdefault(at, []).extend(_curves(quantity, its_points))
    return found


def _curves(quantity: Quantity, points: Sequence[_Point]) -> list[Curve]:
    """Along the coordinate that has most ticks, numbers before words, a curve for each place on the others."""
    ticks: dict[str, set[Tick]] = {}
    for _, place, _ in points:
        for name, tick in place.items():
            ticks.setdefault(name, set()).add(tick)
    along = max(ticks, key=lambda name: (len(ticks[name]), not any(isinstance(tick, str) for tick in ticks[name])))
    panels: dict[str, dict[str, dict[Tick, list[float]]]] = {}
    for model, place, values in points:
        if along in place:
            fixed = ", ".join(f"{name} = {tick}" for name, tick in place.items() if name != along)
            panels.setdefault(fixed, {}).setdefault(model, {}).setdefault(place[along], []).extend(values)
    unseen = max(0, len(panels) - _PANELS)
    return [Curve(quantity, along, fixed, unseen, models) for fixed, models in list(panels.items())[:_PANELS]]


def curves(task: TaskComparison, found: Sequence[Curve], prefix: str) -> list[Figure]:
    """A figure for each curve, of the best arms of the task and of its references."""
    return [_figure(task, curve, f"{prefix}-curve-{index}") for index, curve in enumerate(found)]


def _figure(task: TaskComparison, curve: Curve, figure_id: str) -> Figure:
    ranked, references = _known(task, curve)
    best = ranked[:SERIES]
    shown = [*best, *references]
    rows = [row for name in shown for row in _rows(name, curve.values[name])]
    vertical = axis(oriented(curve.quantity), [row[2] for row in rows])
    least = min(float(row[2] or 0) for row in rows) / 10 if vertical["type"] == "log" else None
    label, fixed = labelled(curve.quantity), f", {curve.fixed}" if curve.fixed else ""
    styles = [(series(index), "solid") for index in range(len(best))] + [("muted", "dash")] * len(references)
    lines = enumerate(zip(shown, styles, strict=True))
    return Figure(
        id=figure_id,
        title=f"{curve.quantity.name} along {curve.coordinate}{fixed}",
        caption=_caption(task, curve, len(best), len(ranked) - len(best), bool(references)),
        alt=f"{label} of {len(shown)} models on {task.place.task} along {curve.coordinate}{fixed}.",
        columns=("model", "coordinate", "mean", "low", "high"),
        rows=tuple(rows),
        traces=tuple(trace for index, (name, style) in lines for trace in _traces(name, index, style, least)),
        layout={
            "height": height_of_plot(len(shown)),
            "xaxis": axis(curve.coordinate, [row[1] for row in rows]),
            "yaxis": vertical,
        },
    )


def _caption(task: TaskComparison, curve: Curve, best: int, worse: int, references: bool) -> str:
    said = ["Lines: the mean over the instances. Bands: its 95 % interval, where there are two or more."]
    if worse:
        said.append(f"The {best} models that are best by {task.quantity.name}; {worse} are left out.")
    if references:
        said.append("Dashed: references, which are not ranked.")
    if curve.unseen:
        said.append(f"The curves at {curve.unseen} more places are left out.")
    return " ".join(said)


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
