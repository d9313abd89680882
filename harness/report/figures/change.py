"""One run beside another: how much the metric of each model has changed."""

from __future__ import annotations

from collections.abc import Sequence

from harness.compare.comparison import TaskComparison
from harness.report.figures.figure import ARMS, Figure, axis, colour, column, finite, height, names_axis
from harness.stats.paired import Scale


def change(models: Sequence[TaskComparison], prefix: str) -> Figure | None:
    """The second run relative to the first, for each model of a task; None where nothing can be compared."""
    pairs = [(task.subject or "", pair) for task in models for pair in task.pairs]
    if not pairs:
        return None
    ratio = pairs[0][1].result.scale is Scale.RATIO
    shown = [(subject, pair) for subject, pair in pairs if (pair.result.scale is Scale.RATIO) is ratio][:ARMS]
    quantity = shown[0][1].quantity
    effects = [(subject, pair.result.effect, str(pair.verdict)) for subject, pair in shown]
    what = f"{shown[0][1].a} {'/' if ratio else '-'} {shown[0][1].b}"
    return Figure(
        id=f"{prefix}-change",
        title=f"Change of {quantity.name}",
        caption=f"{what}, with its interval; {quantity.direction} is better. The line is no change.",
        alt=f"Change of {quantity.name} of {len(shown)} models from one run to the other.",
        columns=("model", "effect", "low", "high", "verdict"),
        rows=tuple((name, one.estimate, finite(one.low), finite(one.high), verdict) for name, one, verdict in effects),
        traces=(
            {
                "mode": "markers",
                "x": column("effect"),
                "y": column("model"),
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": column("high", minus="effect"),
                    "arrayminus": column("effect", minus="low"),
                    "thickness": 1.5,
                    "width": 5,
                },
                "marker": {"size": 10, "color": colour("accent")},
                "hovertemplate": "%{y}<br>%{x:.4g}<extra></extra>",
                "showlegend": False,
            },
        ),
        layout={
            "height": height(len(shown)),
            "xaxis": axis(what, [effect.estimate for _, effect, _ in effects]),
            "yaxis": names_axis("model"),
            "shapes": [
                {
                    "type": "line",
                    "xref": "x",
                    "yref": "paper",
                    "x0": 1 if ratio else 0,
                    "x1": 1 if ratio else 0,
                    "y0": 0,
                    "y1": 1,
                    "line": {"dash": "dot", "width": 1, "color": colour("muted")},
                }
            ],
        },
    )
