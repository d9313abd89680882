"""The metric against a numeric parameter of the task or of the model, with the exponent of the power law through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from harness.compare.comparison import TaskComparison
from harness.compare.sample import Quantity
from harness.compare.sentence import estimate_text
from harness.compare.standing import Standing
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
from harness.report.parameters import Parameters
from harness.report.wording import labelled, oriented
from harness.stats.interval import Interval
from harness.stats.scaling import loglog_slope, loglog_slope_clustered

_FEWEST = 3
"""Values of a parameter from which on there is a figure."""
_COLUMNS = ("model", "parameter", "mean", "low", "high", "slope", "slope low", "slope high")
Points: TypeAlias = dict[float, Standing]
"""By value of the parameter."""


@dataclass
class _Sweep:
    """What becomes a figure: the lines along one parameter."""

    subject: str
    quantity: Quantity
    parameter: str
    lines: dict[tuple[str, str], Points] = field(default_factory=dict)
    """By name, and by what else is set."""

    def complete(self) -> list[tuple[str, Points]]:
        """The lines that are long enough, by name."""
        return [(name, points) for (name, _), points in self.lines.items() if len(points) >= _FEWEST]


def scalings(
    tasks: Sequence[TaskComparison],
    task_parameters: Mapping[str, Parameters],
    model_parameters: Mapping[str, Parameters],
) -> list[Figure]:
    """A figure for each parameter that takes three values or more."""
    sweeps = [*_over_tasks(tasks, task_parameters), *_over_models(tasks, model_parameters)]
    found = [(sweep, lines) for sweep in sweeps if (lines := sweep.complete())]
    return [_figure(sweep, lines[:SERIES], f"scaling-{index}") for index, (sweep, lines) in enumerate(found)]


def _over_tasks(tasks: Sequence[TaskComparison], parameters: Mapping[str, Parameters]) -> list[_Sweep]:
    sweeps: dict[tuple[str, ...], _Sweep] = {}
    for task in tasks:
        known = parameters[task.place.task]
        for name, value, rest in known.numeric():
            key = (known.name, task.place.scale, task.place.backend, task.quantity.name, name, rest)
            sweep = sweeps.setdefault(key, _Sweep(known.name, task.quantity, name))
            for standing in task.standings:
                if standing.estimate:
                    sweep.lines.setdefault((standing.arm.name, ""), {})[value] = standing
    return list(sweeps.values())


def _over_models(tasks: Sequence[TaskComparison], parameters: Mapping[str, Parameters]) -> list[_Sweep]:
    sweeps: dict[tuple[object, ...], _Sweep] = {}
    for task in tasks:
        for standing in task.standings:
            known = parameters[standing.arm.name]
            for name, value, rest in known.numeric() if standing.estimate else ():
                sweep = sweeps.setdefault(
                    (task.place, task.quantity, name), _Sweep(task.place.task, task.quantity, name)
                )
                sweep.lines.setdefault((known.name, rest), {})[value] = standing
    return list(sweeps.values())


def _figure(sweep: _Sweep, lines: list[tuple[str, Points]], figure_id: str) -> Figure:
    names = [name for name, _ in lines]
    labels = [f"{name} ({index + 1})" if names.count(name) > 1 else name for index, name in enumerate(names)]
    slopes = [_slope(points) for _, points in lines]
    rows = [
        row
        for label, slope, (_, points) in zip(labels, slopes, lines, strict=True)
        for row in _rows(label, slope, points)
    ]
    label = labelled(sweep.quantity)
    return Figure(
        id=figure_id,
        title=f"{sweep.quantity.name} against {sweep.parameter}",
        caption=f"{sweep.subject}. Means over the instances with their intervals. Slope: the exponent of a power law, "
        "by least squares on logarithms, with its interval; it means something only where the points lie on a line.",
        alt=f"{label} of {len(lines)} models on {sweep.subject} against {sweep.parameter}.",
        columns=_COLUMNS,
        rows=tuple(rows),
        traces=tuple(
            _trace(name, slope, index) for index, (name, slope) in enumerate(zip(labels, slopes, strict=True))
        ),
        layout={
            "height": height_of_plot(len(lines)),
            "xaxis": axis(sweep.parameter, [row[1] for row in rows]),
            "yaxis": axis(oriented(sweep.quantity), [row[2] for row in rows]),
        },
    )


def _slope(points: Points) -> Interval | None:
    """The exponent: over the curves of the instances if there are two, else of the means; only of positive values."""
    places = sorted(points)
    means = [standing.estimate.estimate for place in places if (standing := points[place]).estimate]
    if min(places) <= 0 or min(means) <= 0:
        return None
    curves = [curve for curve in zip(*(points[place].values for place in places), strict=False) if None not in curve]
    if len(curves) > 1 and np.min(np.array(curves, float)) > 0:
        return loglog_slope_clustered(places, np.array(curves, float))
    return loglog_slope(places, means)


def _rows(label: str, slope: Interval | None, points: Points) -> Iterator[tuple[Scalar, ...]]:
    fit = (slope.estimate, finite(slope.low), finite(slope.high)) if slope else (None, None, None)
    for place in sorted(points):
        mean = points[place].estimate
        assert mean is not None
        yield label, place, mean.estimate, finite(mean.low), finite(mean.high), *fit


def _trace(label: str, slope: Interval | None, index: int) -> Spec:
    chosen = {"model": label}
    return {
        "mode": "lines+markers",
        "name": text(f"{label}, slope {estimate_text(slope)}" if slope else label),
        "x": column("parameter", chosen),
        "y": column("mean", chosen),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": column("high", chosen, minus="mean"),
            "arrayminus": column("mean", chosen, minus="low"),
            "thickness": 1,
            "width": 4,
        },
        "line": {"color": colour(series(index)), "width": 2},
        "marker": {"size": 7},
    }
