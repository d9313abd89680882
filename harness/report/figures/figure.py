"""A figure is a table of data and a Plotly specification that names the table's columns instead of repeating them.

The specification is plain JSON in which some values are bindings, which `static/figures.js` replaces when it draws:

- `{"$column": name, "$where": {column: value}}`: a column's values, of the rows that match (`$minus`: less another
  column; `$least`: what is below is drawn there);
- `{"$columns": [name, ...], "$where": {column: value}}`: of several columns, a list for each row;
- `{"$text": string}`: text from results, without what Plotly would read as markup;
- `{"$colour": name}`: a colour of the page's theme.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Scalar: TypeAlias = str | float | int | bool | None
Spec: TypeAlias = dict[str, Any]

SERIES = 8
"""Lines that a figure tells apart by colour; the theme has as many colours."""
ARMS = 20
"""Arms that a figure lists; the table beside it has all."""
_DECADE = 10.0


@dataclass(frozen=True)
class Figure:
    """A figure, complete: what is drawn is what its table holds."""

    id: str
    """Unique on the page; also the name of the files that are downloaded."""
    title: str
    caption: str
    alt: str
    """What a reader who does not see it has to know."""
    columns: tuple[str, ...]
    rows: tuple[tuple[Scalar, ...], ...]
    traces: tuple[Spec, ...]
    layout: Spec = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As the page holds it."""
        return {
            "id": self.id,
            "title": self.title,
            "caption": self.caption,
            "alt": self.alt,
            "columns": self.columns,
            "rows": self.rows,
            "spec": {"data": self.traces, "layout": self.layout},
        }


def column(
    name: str, where: Mapping[str, Scalar] | None = None, *, minus: str | None = None, least: float | None = None
) -> Spec:
    """The values of a column, of the rows in which other columns have the given values."""
    more = {"$minus": minus, "$least": least, "$where": where}
    return {"$column": name, **{key: value for key, value in more.items() if value}}


def text(raw: str) -> Spec:
    """Text from results."""
    return {"$text": raw}


def colour(name: str, alpha: float | None = None) -> Spec:
    """A colour of the theme, such as `accent` or `series-1`, more or less transparent."""
    return {"$colour": name} if alpha is None else {"$colour": name, "$alpha": alpha}


def series(index: int) -> str:
    """The name of the colour of a line."""
    return f"series-{index % SERIES + 1}"


def axis(title: str, values: Iterable[Scalar], **more: Any) -> Spec:
    """An axis of numbers, logarithmic if they are all positive and span a decade; of words, in their order."""
    known = [value for value in values if value is not None]
    numbers = [value for value in known if isinstance(value, int | float) and math.isfinite(value)]
    if len(numbers) < len(known):
        return {"title": {"text": text(title)}, "type": "category", **more}
    if is_wide(numbers):
        return {
            "title": {"text": text(title)},
            "type": "log",
            "dtick": _log_tick(numbers),
            "exponentformat": "power",
            **more,
        }
    return {"title": {"text": text(title)}, "type": "linear", **more}


def is_wide(numbers: list[float]) -> bool:
    """Whether numbers are all positive and span a decade or more."""
    return bool(numbers) and min(numbers) > 0 and max(numbers) >= _DECADE * min(numbers)


def names_axis(arms: str, where: Mapping[str, Scalar] | None = None) -> Spec:
    """The vertical axis that lists names, the first on top; long ones are shortened to what the width allows."""
    names = column(arms, where)
    return {
        "type": "category",
        "autorange": "reversed",
        "categoryorder": "array",
        "categoryarray": names,
        "tickmode": "array",
        "tickvals": names,
        "ticktext": {**names, "$short": True},
        "automargin": True,
    }


def height(lines: int) -> int:
    """Pixels for a figure with so many lines of names."""
    return 110 + 26 * max(lines, 2)


def height_of_plot(lines: int) -> int:
    """Pixels for a plot with so many lines in its legend."""
    return 320 + 20 * lines


def finite(value: float | None) -> float | None:
    """The value, or None where there is none that can be drawn."""
    return value if value is not None and math.isfinite(value) else None


def _log_tick(numbers: list[float]) -> str | float:
    """A tick per decade, per several where there are many, and the digits between where there are few."""
    decades = math.log10(max(numbers) / min(numbers))
    return "D2" if decades < 2 else float(math.ceil(decades / 6))
