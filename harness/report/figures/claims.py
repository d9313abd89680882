"""The verdicts on claims as a matrix: a row per paper."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.claims import Claim, verdicts_text
from harness.report.figures.figure import Figure, Spec, colour, column, height, names_axis

_COLOURS = {"held": "good", "inconclusive": "faint", "failed": "bad"}


def claims_matrix(claims: Sequence[Claim]) -> Figure | None:
    """Papers by their claims, in the order of the run; None for fewer than two claims."""
    if len(claims) < 2:
        return None
    papers = list(dict.fromkeys(claim.paper for claim in claims))
    position: dict[str, int] = {}
    rows = []
    for claim in claims:
        position[claim.paper] = position.get(claim.paper, 0) + 1
        rows.append((claim.paper, position[claim.paper], claim.name, claim.verdict, claim.statement))
    counts = verdicts_text(claim.verdict for claim in claims)
    return Figure(
        id="claims",
        title="Claims by paper",
        caption=f"{len(claims)} claims: {counts}.",
        alt=f"{len(claims)} claims of {len(papers)} papers: {counts}.",
        columns=("paper", "claim", "name", "verdict", "statement"),
        rows=tuple(rows),
        traces=tuple(_squares(verdict, shade) for verdict, shade in _COLOURS.items()),
        layout={
            "height": height(len(papers)),
            "xaxis": {"title": {"text": "claim"}, "dtick": 1, "range": [0.5, max(position.values()) + 0.5]},
            "yaxis": {**names_axis("paper"), "categoryarray": {**column("paper"), "$unique": True}},
        },
    )


def _squares(verdict: str, shade: str) -> Spec:
    symbol = {"held": "square", "inconclusive": "circle", "failed": "x"}[verdict]
    return {
        "mode": "markers",
        "name": verdict,
        "x": column("claim", {"verdict": verdict}),
        "y": column("paper", {"verdict": verdict}),
        "text": column("name", {"verdict": verdict}),
        "marker": {"size": 14, "symbol": symbol, "color": colour(shade), "line": {"width": 1, "color": colour("ink")}},
        "hovertemplate": "%{y}/%{text}<extra></extra>",
    }
