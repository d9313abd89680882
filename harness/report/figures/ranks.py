"""The critical-difference diagram of Demšar (2006): mean ranks over tasks, and what they do not tell apart."""

from __future__ import annotations

from harness.compare.overall import Overall
from harness.report.figures.figure import ARMS, Figure, Scalar, colour, column, height, names_axis
from harness.stats.ranks import CriticalDifference


def ranks(overall: Overall, prefix: str) -> Figure | None:
    """The diagram; None for fewer than three arms, or more than can be listed."""
    found = overall.critical_difference if len(overall.arms) <= ARMS else None
    if found is None:
        return None
    tasks = len(overall.tasks)
    return Figure(
        id=f"{prefix}-ranks",
        title=f"Mean ranks over {tasks} tasks",
        caption=f"Rank 1 is best. A bar joins models that these {tasks} tasks do not tell apart: their mean "
        f"ranks differ by less than {found.distance or 0:.2f} (Nemenyi, alpha {overall.alpha:g}).",
        alt=f"Mean ranks of {len(found.names)} models; best is {found.names[0]} with {found.mean_ranks[0]:.2f}. "
        f"{len(found.cliques)} groups are not told apart.",
        columns=("model", "mean rank", "kind"),
        rows=tuple(_rows(found)),
        traces=(
            {
                "mode": "markers",
                "x": column("mean rank", {"kind": "model"}),
                "y": column("model", {"kind": "model"}),
                "marker": {"size": 11, "color": colour("accent")},
                "hovertemplate": "%{y}<br>%{x:.2f}<extra></extra>",
            },
            *(
                {
                    "mode": "lines",
                    "x": column("mean rank", {"model": _bar(index)}),
                    "y": column("model", {"model": _bar(index)}),
                    "line": {"width": 6, "color": colour("muted")},
                    "hoverinfo": "skip",
                }
                for index in range(len(found.cliques))
            ),
        ),
        layout={
            "height": height(len(found.names) + len(found.cliques)),
            "showlegend": False,
            "xaxis": {"title": {"text": "mean rank"}, "range": [0.8, len(found.names) + 0.2], "dtick": 1},
            "yaxis": {**names_axis("model"), "categoryarray": {**column("model"), "$unique": True}},
        },
    )


def _rows(found: CriticalDifference) -> list[tuple[Scalar, ...]]:
    rows: list[tuple[Scalar, ...]] = []
    by_name = dict(zip(found.names, found.mean_ranks, strict=True))
    rows += [(name, rank, "model") for name, rank in by_name.items()]
    for index, clique in enumerate(found.cliques):
        members = [by_name[name] for name in clique]
        rows += [(_bar(index), min(members), "group"), (_bar(index), max(members), "group")]
    return rows


def _bar(index: int) -> str:
    return f"not told apart ({index + 1})"
