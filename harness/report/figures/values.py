"""The metric by model: mean, interval and the single values."""

from __future__ import annotations

import statistics

from harness.compare.comparison import TaskComparison
from harness.compare.standing import Standing
from harness.report.figures.figure import ARMS, Figure, Scalar, Spec, axis, colour, column, finite, height, names_axis
from harness.report.wording import labelled, oriented

_POINTS = 30
"""Single values of an arm that are drawn; of more, as many quantiles."""
_COLOURS = {"construction": "accent", "baseline": "ink", "reference": "muted"}


def values(task: TaskComparison, prefix: str) -> Figure | None:
    """The means with their intervals over the single values; None where no arm has any."""
    shown = [standing for standing in task.standings if standing.estimate][:ARMS]
    if not shown:
        return None
    rows = [_mean(standing) for standing in shown] + [row for standing in shown for row in _points(standing)]
    better = "lower" if task.quantity.direction == "lower" else "higher"
    label = labelled(task.quantity)
    left_out = sum(standing.estimate is not None for standing in task.standings) - len(shown)
    return Figure(
        id=f"{prefix}-values",
        title=f"{task.quantity.name} by model",
        caption=f"Large: the mean over the instances, with its {_confidence(shown)} interval. Small: the single values."
        + (f" The best {len(shown)}; {left_out} more are in the table." if left_out else ""),
        alt=f"{label} of {len(shown)} models on {task.place.task}, {better} is better; best is {shown[0].arm.name}.",
        columns=("model", "role", "kind", "value", "low", "high"),
        rows=tuple(rows),
        traces=(*(_means(role) for role in _COLOURS if any(row[1] == role for row in rows)), _single_values()),
        layout={
            "height": height(len(shown) + 1),
            "xaxis": axis(oriented(task.quantity), [row[3] for row in rows]),
            "yaxis": names_axis("model", {"kind": "mean"}),
            "legend": {"orientation": "h"},
        },
    )


def _mean(standing: Standing) -> tuple[Scalar, ...]:
    estimate = standing.estimate
    assert estimate is not None
    ends = (finite(estimate.low), finite(estimate.high))
    return (standing.arm.name, standing.arm.role, "mean", estimate.estimate, *ends)


def _confidence(shown: list[Standing]) -> str:
    return next(f"{100 * standing.estimate.confidence:.4g} %" for standing in shown if standing.estimate)


def _points(standing: Standing) -> list[tuple[Scalar, ...]]:
    found = [value for value in standing.values if value is not None]
    if len(found) < 2:
        return []
    drawn = found if len(found) <= _POINTS else statistics.quantiles(found, n=_POINTS + 1, method="inclusive")
    return [(standing.arm.name, standing.arm.role, "point", value, None, None) for value in drawn]


def _single_values() -> Spec:
    return {
        "mode": "markers",
        "x": column("value", {"kind": "point"}),
        "y": column("model", {"kind": "point"}),
        "marker": {"size": 8, "symbol": "line-ns-open", "color": colour("muted"), "line": {"width": 1.5}},
        "hovertemplate": "%{y}<br>%{x:.4g}<extra></extra>",
        "showlegend": False,
    }


def _means(role: str) -> Spec:
    return {
        "mode": "markers",
        "name": role,
        "x": column("value", {"kind": "mean", "role": role}),
        "y": column("model", {"kind": "mean", "role": role}),
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": column("high", {"kind": "mean", "role": role}, minus="value"),
            "arrayminus": column("value", {"kind": "mean", "role": role}, minus="low"),
            "thickness": 1.5,
            "width": 5,
            "color": colour(_COLOURS[role]),
        },
        "marker": {
            "size": 10,
            "symbol": "diamond" if role == "reference" else "circle",
            "color": colour(_COLOURS[role]),
        },
        "hovertemplate": "%{y}<br>%{x:.4g}<extra></extra>",
    }
