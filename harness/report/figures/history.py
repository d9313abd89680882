"""What an operation has cost from commit to commit, a colour for each machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.quoting import cut
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
from harness.report.wording import counted
from harness.speed.commits import Commit
from harness.speed.history import CONFIDENCE, History, Point
from harness.tables import duration

_SUBJECT = 24
"""Characters of a subject that stand beside a line."""
_TICKS = 60
"""Pixels for the hashes below."""
_COLUMNS = ("commit", "subject", "date", "machine", "seconds", "low", "high", "interval", "processes", "level")
_HOVER = (
    "%{customdata[0]} %{customdata[1]}<br>%{customdata[2]}<br>%{y:.4~s}s %{customdata[3]}<br>"
    "processes: %{customdata[4]}"
)


def times(histories: Sequence[History], prefix: str) -> Figure:
    """The times of one operation, with their levels; lines are where a level ends."""
    shown, caption = _shown(histories)
    rows = [row for history in shown for row in _rows(history)]
    changes = sum(len(history.changes) for history in shown)
    return Figure(
        id=f"{prefix}-times",
        title="Time of a call",
        caption=f"Points: the median over processes, with its {100 * CONFIDENCE:g} % interval where there are five or "
        f"more. Dotted: the levels. Upright: the first commit of a new level. {caption}",
        alt=f"Time of a call of {shown[0].key} at {counted(len(_commits(shown)), 'commit')} on "
        f"{counted(len(shown), 'machine')}, with {counted(changes, 'change')}; the table beside it has them.",
        columns=_COLUMNS,
        rows=tuple(rows),
        traces=tuple(trace for index, history in enumerate(shown) for trace in _traces(history, index)),
        layout={
            **_layout(shown),
            **_changes(shown),
            "yaxis": axis("time of a call", [row[4] for row in rows], tickformat="~s", ticksuffix="s"),
        },
    )


def in_units(histories: Sequence[History], prefix: str) -> Figure | None:
    """The machines beside each other, in units of the calibration kernel; None where they are not two."""
    calibrated = [history for history in histories if any(point.units for point in history.points)]
    if len(calibrated) < 2:
        return None
    shown, caption = _shown(calibrated)
    rows = [
        (point.commit.short, point.commit.subject, history.machine.name, point.units)
        for history in shown
        for point in history.points
    ]
    return Figure(
        id=f"{prefix}-units",
        title="Machines beside each other",
        caption=f"Times in units of a kernel that never changes, timed beside the operation. Nothing is judged by it. "
        f"{caption}",
        alt=f"{shown[0].key} on {len(shown)} machines, in units of the calibration kernel.",
        columns=("commit", "subject", "machine", "units"),
        rows=tuple(rows),
        traces=tuple(
            {
                "mode": "markers",
                "name": text(history.machine.name),
                "x": column("commit", {"machine": history.machine.name}),
                "y": column("units", {"machine": history.machine.name}),
                "text": column("subject", {"machine": history.machine.name}),
                "marker": {"size": 6, "color": colour(series(index))},
                "hovertemplate": "%{x} %{text}<br>%{y:.4g}",
            }
            for index, history in enumerate(shown)
        ),
        layout={**_layout(shown), "yaxis": axis("units of the kernel", [row[3] for row in rows])},
    )


def _shown(histories: Sequence[History]) -> tuple[Sequence[History], str]:
    """The machines with the most commits, and what to say of the others."""
    shown = sorted(histories, key=lambda history: -len(history.points))[:SERIES]
    left_out = len(histories) - len(shown)
    return shown, f"The {SERIES} machines with the most commits; {left_out} are left out." if left_out else ""


def _commits(histories: Sequence[History]) -> list[Commit]:
    """All that were measured anywhere, in order."""
    return sorted({point.commit for history in histories for point in history.points}, key=lambda commit: commit.place)


def _rows(history: History) -> Iterator[tuple[Scalar, ...]]:
    for start, stop, level in history.levels:
        for point in history.points[start:stop]:
            commit, seconds = point.commit, point.seconds
            ends = finite(seconds.low), finite(seconds.high), _interval(point)
            named = commit.short, commit.subject, commit.day, history.machine.name
            yield *named, seconds.estimate, *ends, seconds.count, level


def _interval(point: Point) -> str:
    seconds = point.seconds
    return f"[{duration(seconds.low)}, {duration(seconds.high)}]" if seconds.bounded else ""


def _traces(history: History, index: int) -> Iterator[Spec]:
    name, shade = history.machine.name, colour(series(index))
    own = {"machine": name}
    common = {"x": column("commit", own), "legendgroup": str(index)}
    yield {
        **common,
        "mode": "lines",
        "y": column("level", own),
        "line": {"shape": "hvh", "dash": "dot", "width": 1.5, "color": shade},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    yield {
        **common,
        "mode": "markers",
        "name": text(name),
        "y": column("seconds", own),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": column("high", own, minus="seconds"),
            "arrayminus": column("seconds", own, minus="low"),
            "thickness": 1,
            "width": 2,
        },
        "marker": {"size": 6, "color": shade},
        "customdata": {"$columns": ["commit", "subject", "date", "interval", "processes"], "$where": own},
        "hovertemplate": _HOVER,
    }


def _layout(shown: Sequence[History]) -> Spec:
    return {
        "height": height_of_plot(len(shown)) + _TICKS,
        "showlegend": True,
        "xaxis": {
            "title": {"text": "commit"},
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [commit.short for commit in _commits(shown)],
            "tickangle": -45,
        },
    }


def _changes(shown: Sequence[History]) -> Spec:
    """A line, with its commit, between the last point of a level and the first of the next."""
    place = {commit: index for index, commit in enumerate(_commits(shown))}
    ends = dict.fromkeys(change.candidates[-1] for history in shown for change in history.changes)
    return {
        "shapes": [_line(place[commit] - 0.5) for commit in ends],
        "annotations": [_label(commit, place[commit] - 0.5) for commit in ends],
    }


def _line(x: float) -> Spec:
    ends = {"x0": x, "x1": x, "y0": 0, "y1": 1}
    return {"type": "line", "xref": "x", "yref": "paper", **ends, "line": {"width": 1, "color": colour("muted")}}


def _label(commit: Commit, x: float) -> Spec:
    return {
        "text": text(f"{commit.short} {cut(commit.subject, _SUBJECT)}"),
        "textangle": -90,
        "showarrow": False,
        "x": x,
        "y": 1,
        "yref": "paper",
        "xanchor": "right",
        "yanchor": "top",
        "font": {"size": 11, "color": colour("muted")},
    }
