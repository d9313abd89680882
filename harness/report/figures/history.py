"""What an operation has cost from commit to commit, beside its baseline and as times; a colour for each machine."""

from __future__ import annotations

from collections import Counter
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
from harness.speed.quantity import SECONDS, Quantity
from harness.stats.interval import Interval

_SUBJECT = 24
"""Characters of a subject that stand beside a line."""
_TICKS = 60
"""Pixels for the hashes below."""
_COLUMNS = ("commit", "subject", "date", "machine", "value", "low", "high", "shown", "processes")
_HOVER = "%{customdata[0]} %{customdata[1]}<br>%{customdata[2]}<br>%{customdata[3]}<br>processes: %{customdata[4]}"
_POINTS = (
    f"Points: the median over processes, with its {100 * CONFIDENCE:g} % interval where there are five or more. "
    "Upright: the first commit of a new level."
)


def figures(histories: Sequence[History], prefix: str) -> list[Figure]:
    """Of one operation: what is judged, a figure for each quantity, then the times where they are none of those."""
    alike: dict[Quantity, list[History]] = {}
    for history in histories:
        alike.setdefault(history.quantity, []).append(history)
    found = [_judged(judged, same, f"{prefix}-judged-{index}") for index, (judged, same) in enumerate(alike.items())]
    return found if all(judged.name == "seconds" for judged in alike) else [*found, _times(histories, prefix)]


def _judged(judged: Quantity, histories: Sequence[History], name: str) -> Figure:
    """The values of one quantity, with their levels."""
    shown, machines, caption = _shown(histories)
    rows = tuple(row for history in shown for row in _rows(history))
    changes = sum(len(history.changes) for history in shown)
    return Figure(
        id=name,
        title=f"Time {judged.label}",
        caption=f"{_POINTS} Dotted: the levels. {caption}",
        alt=f"Time {judged.label}: {_extent(shown)}, with {counted(changes, 'change')}; the table beside it has them.",
        columns=(*_COLUMNS, "level"),
        rows=rows,
        traces=tuple(
            trace for index, one in enumerate(machines) for trace in (_levels(one, index), _values(one, index))
        ),
        layout={**_layout(shown), "yaxis": _axis(judged, rows)},
    )


def _times(histories: Sequence[History], prefix: str) -> Figure:
    """The times themselves."""
    shown, machines, caption = _shown(histories)
    rows = tuple(_row(history, point, point.seconds) for history in shown for point in history.points)
    return Figure(
        id=f"{prefix}-times",
        title=f"Time {SECONDS.label}",
        caption=f"{_POINTS} Nothing is judged by these times: whatever else runs on a machine moves them. {caption}",
        alt=f"Time {SECONDS.label}: {_extent(shown)}.",
        columns=_COLUMNS,
        rows=rows,
        traces=tuple(_values(one, index) for index, one in enumerate(machines)),
        layout={**_layout(shown), "yaxis": _axis(SECONDS, rows)},
    )


def _axis(quantity: Quantity, rows: Sequence[Sequence[Scalar]]) -> Spec:
    unit = {"tickformat": "~s", "ticksuffix": "s"} if quantity.name == "seconds" else {}
    return axis(f"time {quantity.label}", [row[_COLUMNS.index("value")] for row in rows], **unit)


def _shown(histories: Sequence[History]) -> tuple[list[History], list[str], str]:
    """Those of the machines with the most commits, these machines, and what to say of the others.

    A machine that met several baselines has several histories.
    """
    commits: Counter[str] = Counter()
    for history in histories:
        commits[history.machine.name] += len(history.points)
    machines = [name for name, _ in commits.most_common(SERIES)]
    shown = [history for history in histories if history.machine.name in machines]
    left_out = len(commits) - len(machines)
    caption = f"The {SERIES} machines with the most commits; {left_out} are left out." if left_out else ""
    return shown, machines, caption


def _extent(shown: Sequence[History]) -> str:
    machines = {history.machine for history in shown}
    return f"{shown[0].key} at {counted(len(_commits(shown)), 'commit')} on {counted(len(machines), 'machine')}"


def _commits(histories: Sequence[History]) -> list[Commit]:
    """All that were measured anywhere, in order."""
    return sorted({point.commit for history in histories for point in history.points}, key=lambda commit: commit.place)


def _rows(history: History) -> Iterator[tuple[Scalar, ...]]:
    for start, stop, level in history.levels:
        for point in history.points[start:stop]:
            yield *_row(history, point, point.value), level


def _row(history: History, point: Point, drawn: Interval) -> tuple[Scalar, ...]:
    commit = point.commit
    named = commit.short, commit.subject, commit.day, history.machine.name
    return *named, drawn.estimate, finite(drawn.low), finite(drawn.high), _told(history, point), drawn.count


def _told(history: History, point: Point) -> str:
    """The value that is judged, and the time where that is another."""
    quantities = {history.quantity: point.value, SECONDS: point.seconds}
    return ", ".join(_text(quantity, value) for quantity, value in quantities.items())


def _text(quantity: Quantity, value: Interval) -> str:
    ends = f" [{quantity.text(value.low)}, {quantity.text(value.high)}]" if value.bounded else ""
    return f"{quantity.text(value.estimate)}{ends}"


def _levels(machine: str, index: int) -> Spec:
    return {
        **_common(machine, index),
        "mode": "lines",
        "y": column("level", {"machine": machine}),
        "line": {"shape": "hvh", "dash": "dot", "width": 1.5, "color": colour(series(index))},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _values(machine: str, index: int) -> Spec:
    own = {"machine": machine}
    return {
        **_common(machine, index),
        "mode": "markers",
        "name": text(machine),
        "y": column("value", own),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": column("high", own, minus="value"),
            "arrayminus": column("value", own, minus="low"),
            "thickness": 1,
            "width": 2,
        },
        "marker": {"size": 6, "color": colour(series(index))},
        "customdata": {"$columns": ["commit", "subject", "date", "shown", "processes"], "$where": own},
        "hovertemplate": _HOVER,
    }


def _common(machine: str, index: int) -> Spec:
    return {"x": column("commit", {"machine": machine}), "legendgroup": str(index)}


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
        **_changes(shown),
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
