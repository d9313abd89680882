"""A history drawn in characters: points, their levels, and a numbered line where a level ends."""

from __future__ import annotations

from dataclasses import dataclass

from harness.speed.history import History

_ROWS = 11
_LABEL = 9
"""Columns to the left for the values."""
_WIDEST = 4
"""Columns from a point to the next, at most."""
_MARGIN = 0.05
"""Of the value, above and below where all points are equal."""


@dataclass(frozen=True)
class Glyphs:
    """The characters to draw with."""

    point: str
    level: str
    change: str
    side: str
    tick: str
    corner: str
    floor: str


UNICODE = Glyphs("•", "─", "┊", "│", "┤", "└", "─")
ASCII = Glyphs("*", "-", ":", "|", "|", "+", "-")


def glyphs(encoding: str) -> Glyphs:
    """Those that an encoding has."""
    try:
        "".join(vars(UNICODE).values()).encode(encoding)
    except UnicodeEncodeError:
        return ASCII
    return UNICODE


def plot(history: History, width: int, drawn: Glyphs) -> list[str]:
    """The lines of the plot, none longer than `width` columns."""
    room = max(width - _LABEL - 2, 20)
    columns = _columns(len(history.points), room)
    used = columns[-1] + 1
    canvas = _canvas(history, columns, drawn)
    low, high = _range(history)
    at = {0: high, _ROWS // 2: (low + high) / 2, _ROWS - 1: low}
    labels = {row: history.quantity.text(value) for row, value in at.items()}
    lines = [
        f"{labels.get(row, ''):>{_LABEL}} {drawn.tick if row in labels else drawn.side}{''.join(cells)}".rstrip()
        for row, cells in enumerate(canvas)
    ]
    below = " " * (_LABEL + 2)
    return [
        *lines,
        " " * (_LABEL + 1) + drawn.corner + drawn.floor * used,
        *([below + numbers] if (numbers := _numbers(history, columns)) else []),
        below + _ends(history, used),
    ]


def _columns(points: int, room: int) -> list[int]:
    """The column of each point; where there are more than columns, several share one."""
    step = min(_WIDEST, (room - 1) / max(points - 1, 1))
    return [round(index * step) for index in range(points)]


def _range(history: History) -> tuple[float, float]:
    values = [point.value.estimate for point in history.points]
    low, high = min(values), max(values)
    return (low, high) if low < high else (low * (1 - _MARGIN), high * (1 + _MARGIN))


def _canvas(history: History, columns: list[int], drawn: Glyphs) -> list[list[str]]:
    low, high = _range(history)

    def row(value: float) -> int:
        return round((high - value) / (high - low) * (_ROWS - 1))

    canvas = [[" "] * (columns[-1] + 1) for _ in range(_ROWS)]
    for start, stop, level in history.levels:
        for column in range(columns[start], columns[stop - 1] + 1):
            canvas[row(level)][column] = drawn.level
    for place in _lines(history, columns):
        for cells in canvas:
            cells[place] = drawn.change
    for column, point in zip(columns, history.points, strict=True):
        canvas[row(point.value.estimate)][column] = drawn.point
    return canvas


def _lines(history: History, columns: list[int]) -> list[int]:
    """The column between the two points around each change."""
    return [(columns[change.index - 1] + columns[change.index] + 1) // 2 for change in history.changes]


def _numbers(history: History, columns: list[int]) -> str:
    """The number of each change below its line; one without room is left out."""
    text = ""
    for number, place in enumerate(_lines(history, columns), 1):
        if place > len(text) or not text:
            text = text.ljust(place) + str(number)
    return text


def _ends(history: History, used: int) -> str:
    """What is at the left and the right end."""
    first, last = (f"{point.commit.short} {point.commit.day}" for point in (history.points[0], history.points[-1]))
    if len(history.points) == 1:
        return first
    return first + last.rjust(used - len(first)) if used > len(first) + len(last) else f"{first} to {last}"
