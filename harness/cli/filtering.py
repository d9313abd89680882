"""Rows of results by patterns, as the options `--task`, `--model` and the like give them."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def matching(table: pa.Table, patterns: Mapping[str, str]) -> pa.Table:
    """The rows whose columns match: exactly, as a glob, or either without the parameters in parentheses.

    Rows with nothing in a column stay: a case without values has failed, whatever the metric.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for column, pattern in patterns.items():
        fitting = [name for name in pc.unique(table[column]).to_pylist() if name is None or _fits(name, pattern)]
        table = table.filter(pc.is_in(table[column], pa.array(fitting, pa.string())))
    return table


def _fits(name: str, pattern: str) -> bool:
    names = (name, name.partition("(")[0])
    return pattern in names or any(fnmatch(one, pattern) for one in names)
