"""The parameters behind the labels of tasks and models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Parameters:
    """A name and what its constructor was given."""

    name: str
    values: Mapping[str, Any]

    def numeric(self) -> Iterator[tuple[str, float, str]]:
        """Each parameter that is a number: its name, its value, and what is left without it, as a label."""
        for name, value in self.values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                rest = {other: kept for other, kept in self.values.items() if other != name}
                yield name, value, json.dumps(rest, sort_keys=True)


def parameters(table: pa.Table, kind: str) -> Mapping[str, Parameters]:
    """By label, of the tasks (`kind` is "task") or of the models ("model")."""
    columns = [f"{kind}_label", kind, f"{kind}_parameters"]
    distinct = table.select(columns).group_by(columns).aggregate([])
    rows = zip(*(distinct[name].to_pylist() for name in columns), strict=True)
    return {label: Parameters(name, json.loads(values)) for label, name, values in rows}
