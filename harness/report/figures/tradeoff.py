"""The metric against what it costs, with the arms that nothing else beats in both."""

from __future__ import annotations

from collections.abc import Mapping

from harness.compare.comparison import TaskComparison
from harness.metrics import Direction
from harness.report.costs import Cost
from harness.report.figures.figure import (
    ARMS,
    SERIES,
    Figure,
    Scalar,
    Spec,
    axis,
    colour,
    column,
    height_of_plot,
    series,
    text,
)
from harness.report.wording import oriented

_FRONT = "on the front"
_NAMED = "in the legend"
_KINDS = (("time", "seconds", "mean time of a case [s]"), ("memory", "MB", "mean peak memory of a case [MB]"))


def tradeoffs(task: TaskComparison, costs: Mapping[str, Cost], prefix: str) -> list[Figure]:
    """Against time and against memory; none where fewer than two arms have both."""
    return [figure for kind in _KINDS if (figure := _tradeoff(task, costs, prefix, *kind))]


def _tradeoff(
    task: TaskComparison, costs: Mapping[str, Cost], prefix: str, kind: str, unit: str, cost_label: str
) -> Figure | None:
    points = [
        (standing.arm.name, cost, standing.estimate.estimate)
        for standing in task.standings
        if standing.estimate and (cost := _cost(costs.get(standing.arm.name), kind)) is not None
    ]
    if len(points) < 2:
        return None
    front = _front([(value, cost) for _, cost, value in points], task.quantity.direction)
    numbered = enumerate(zip(points, front, strict=True))
    rows = [(*point, best, index < SERIES) for index, (point, best) in numbered if best or index < ARMS]
    rows.sort(key=lambda row: row[1])  # the line of the front goes from cheap to dear
    named = [name for name, _, _ in points[:SERIES]]
    winners = [row[0] for row in rows if row[3]]
    return Figure(
        id=f"{prefix}-{kind}",
        title=f"{task.quantity.name} against {kind}",
        caption="The line joins the Pareto front: no other model is better in one and at least as good in the other."
        + (f" {len(points) - len(rows)} models are left out." if len(points) > len(rows) else ""),
        alt=f"{len(rows)} models by {task.quantity.name} and {kind}; on the front: {', '.join(winners[:SERIES])}.",
        columns=("model", unit, "value", _FRONT, _NAMED),
        rows=tuple(rows),
        traces=(_line(unit), *_points(unit, named, others=len(rows) > len(named))),
        layout={
            "height": height_of_plot(len(named) + 1),
            "xaxis": axis(cost_label, [row[1] for row in rows]),
            "yaxis": axis(oriented(task.quantity), [row[2] for row in rows]),
        },
    )


def _cost(cost: Cost | None, kind: str) -> float | None:
    if cost is None or kind == "time":
        return cost.seconds if cost else None
    return cost.peak_memory and cost.peak_memory / 1e6


def _front(points: list[tuple[float, float]], direction: Direction) -> list[bool]:
    import numpy as np

    from harness.stats.pareto import pareto_front

    return [bool(best) for best in pareto_front(np.array(points), (direction, "lower"))]


def _line(unit: str) -> Spec:
    return {
        "mode": "lines",
        "name": "Pareto front",
        "x": column(unit, {_FRONT: True}),
        "y": column("value", {_FRONT: True}),
        "line": {"color": colour("muted"), "dash": "dot", "width": 1.5},
        "hoverinfo": "skip",
    }


def _points(unit: str, named: list[str], *, others: bool) -> list[Spec]:
    shown = [_trace(unit, text(name), series(index), {"model": name}) for index, name in enumerate(named)]
    if not others:
        return shown
    rest = _trace(unit, "others", "muted", {_NAMED: False})
    rest |= {"text": column("model", {_NAMED: False}), "hovertemplate": "%{x:.4g}, %{y:.4g}<extra>%{text}</extra>"}
    return [*shown, rest]


def _trace(unit: str, name: str | Spec, shade: str, chosen: Mapping[str, Scalar]) -> Spec:
    return {
        "mode": "markers",
        "name": name,
        "x": column(unit, chosen),
        "y": column("value", chosen),
        "marker": {"size": 10, "color": colour(shade)},
        "hovertemplate": "%{x:.4g}, %{y:.4g}",
    }
