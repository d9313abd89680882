"""Performance profiles (Dolan and Moré 2002): on how many tasks a model is close to the best."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.compare.overall import Overall
from harness.report.figures.figure import SERIES, Figure, Scalar, Spec, colour, column, height_of_plot, series, text

_TASKS = 3
"""On fewer tasks a share says nothing."""


def profile(overall: Overall, prefix: str) -> Figure | None:
    """The profiles of the best arms; None where too few tasks have positive costs."""
    best = overall.costs.min(axis=1)
    usable = (overall.costs > 0).all(axis=1) & np.isfinite(best)
    if usable.sum() < _TASKS:
        return None
    ratios = overall.costs[usable] / best[usable, None]
    shown = overall.arms[:SERIES]
    limit = float(ratios[np.isfinite(ratios)].max()) * 1.05
    rows = tuple(_rows(shown, ratios, limit))
    left_out = len(overall.arms) - len(shown)
    return Figure(
        id=f"{prefix}-profile",
        title=f"Performance profile over {int(usable.sum())} tasks",
        caption="The share of tasks on which a model's cost is at most so many times the best one's; a failed "
        "task counts as never."
        + (f" The {len(shown)} models of the best mean rank; {left_out} are left out." if left_out else ""),
        alt="Performance profiles; share of tasks on which a model is best: "
        + ", ".join(f"{name} {(ratios[:, index] == 1).mean():.0%}" for index, name in enumerate(shown))
        + ".",
        columns=("model", "ratio to the best", "share of tasks"),
        rows=rows,
        traces=tuple(_line(name, index) for index, name in enumerate(shown)),
        layout={
            "height": height_of_plot(len(shown)),
            "xaxis": {"title": {"text": "cost relative to the best"}, "type": "log", "exponentformat": "power"},
            "yaxis": {"title": {"text": "share of tasks"}, "range": [0, 1.03], "tickformat": ".0%"},
        },
    )


def _rows(shown: tuple[str, ...], ratios: np.ndarray, limit: float) -> Iterator[tuple[Scalar, ...]]:
    from harness.stats.profiles import performance_profile

    found = performance_profile({name: ratios[:, index] for index, name in enumerate(shown)})
    for name, (taus, shares) in found.items():
        for tau, share in zip(taus.tolist(), shares.tolist(), strict=True):
            yield name, tau, share
        yield name, limit, shares.tolist()[-1]


def _line(name: str, index: int) -> Spec:
    return {
        "mode": "lines",
        "name": text(name),
        "x": column("ratio to the best", {"model": name}),
        "y": column("share of tasks", {"model": name}),
        "line": {"shape": "hv", "width": 2, "color": colour(series(index))},
    }
