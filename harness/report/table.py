"""Tables as text: what a page and a pull-request comment both show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

Cell: TypeAlias = str | tuple[str, float]
"""Text; with the number by which it is sorted, where the text does not begin with it."""


@dataclass(frozen=True)
class Column:
    """A column's heading."""

    label: str
    meaning: str
    numeric: bool = True


@dataclass(frozen=True)
class Row:
    """A line of a table; its first cell names it."""

    cells: tuple[Cell, ...]
    role: str = ""
    """`construction`, `baseline` or `reference`."""
    target: str = ""
    """The id of the section that the row leads to."""

    @property
    def texts(self) -> tuple[str, ...]:
        """What the cells say."""
        return tuple(cell if isinstance(cell, str) else cell[0] for cell in self.cells)


@dataclass(frozen=True)
class Table:
    """A table."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def plain(self) -> dict[str, Any]:
        """As the page holds it."""
        return {
            "caption": self.caption,
            "columns": [(column.label, column.meaning, column.numeric) for column in self.columns],
            "rows": [(row.role, row.target, row.cells) for row in self.rows],
        }


def sortable(text: str, key: float | None) -> Cell:
    """A cell that is sorted by a number; without one, last."""
    return text, math.inf if key is None else key
