"""Tasks by models: how far each is from the best of its task."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from harness.compare.comparison import TaskComparison
from harness.report.figures.figure import Figure, colour, column, height, names_axis, text

_LIMIT = 10.0
"""The ratio from which on the colour stays the same."""
_TICKS = (1, 2, 5, 10)


def heatmap(tasks: Sequence[TaskComparison], prefix: str) -> Figure | None:
    """Ratios to the best of the task, of the models that stand in two tasks or more; None where they are not two."""
    lines = [(name, ratios) for name, task in zip(_names(tasks), tasks, strict=True) if (ratios := _ratios(task))]
    often = Counter(model for _, ratios in lines for model in ratios)
    models = [model for model, count in often.items() if count > 1]
    lines = [(task, ratios) for task, ratios in lines if sum(model in ratios for model in models) > 1]
    if len(lines) < 2 or len(models) < 2:
        return None
    return Figure(
        id=f"{prefix}-heatmap",
        title="Ratio to the best of each task",
        caption="1 is the best of the task; 2 has twice its error, or half its score. Blank: not measured, or "
        "every case failed. Tasks with values that are not positive have no ratios and are left out.",
        alt=f"Heat map of {len(lines)} tasks by {len(models)} models: ratio of each mean to the best of its task.",
        columns=("task", *models),
        rows=tuple((task, *(ratios.get(model) for model in models)) for task, ratios in lines),
        traces=(_cells(models),),
        layout={
            "height": min(height(len(lines)) + 120, 1200),
            "xaxis": {
                "type": "category",
                "tickmode": "array",
                "tickvals": [text(model) for model in models],
                "ticktext": [{**text(model), "$short": True} for model in models],
                "tickangle": -35,
                "automargin": True,
            },
            "yaxis": names_axis("task"),
        },
    )


def _names(tasks: Sequence[TaskComparison]) -> list[str]:
    """The tasks, with where and by what they were measured if a task is there more than once."""
    if len({task.place.task for task in tasks}) == len(tasks):
        return [task.place.task for task in tasks]
    return [f"{task.place.task} · {task.place.scale} · {task.place.backend} · {task.quantity.name}" for task in tasks]


def _ratios(task: TaskComparison) -> Mapping[str, float]:
    """By model; empty where a mean is not positive."""
    means = {line.arm.name: line.estimate.estimate for line in task.standings if line.estimate and line.place}
    if not means or min(means.values()) <= 0:
        return {}
    if task.quantity.direction == "lower":
        best = min(means.values())
        return {model: mean / best for model, mean in means.items()}
    best = max(means.values())
    return {model: best / mean for model, mean in means.items()}


def _cells(models: Sequence[str]) -> dict[str, object]:
    ticks = [math.log10(tick) for tick in _TICKS]
    return {
        "type": "heatmap",
        "x": [text(model) for model in models],
        "y": column("task"),
        "z": {"$matrix": 1, "$log": True},
        "customdata": {"$matrix": 1},
        "zmin": 0,
        "zmax": math.log10(_LIMIT),
        "xgap": 2,
        "ygap": 2,
        "hoverongaps": False,
        "colorscale": [[0, colour("accent")], [1, colour("faint")]],
        "colorbar": {
            "title": {"text": "ratio"},
            "tickvals": ticks,
            "ticktext": [*map(str, _TICKS[:-1]), "10 or more"],
            "thickness": 12,
            "outlinewidth": 0,
        },
        "hovertemplate": "%{y}<br>%{x}<br>%{customdata:.4g} times the best<extra></extra>",
    }
