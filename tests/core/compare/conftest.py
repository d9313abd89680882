"""Tables of results as a comparison reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from harness.store.rows import SCHEMA

Values = Mapping[str, Sequence[float | str | None]]


def rows(values: Values, **more: Any) -> list[dict[str, Any]]:
    """A row per model and seed: a number is a value, a word the status of a case that has none, None no case at all."""
    return [
        {
            "run": "run",
            "case": f"{more.get('task_label', '')} {model} {seed} {more.get('run', '')}",
            "task_label": "a/task",
            "model_label": model,
            "role": "baseline",
            "backend_label": "cpu",
            "scale": "claim",
            "seed": seed,
            "status": value if isinstance(value, str) else "ok",
            "metric": None if isinstance(value, str) else "error",
            "unit": "1",
            "direction": "lower",
            "value": None if isinstance(value, str) else value,
            **more,
        }
        for model, found in values.items()
        for seed, value in enumerate(found)
        if value is not None
    ]


@pytest.fixture
def table() -> Callable[..., pa.Table]:
    """Make a table: `table({"a/x": [1.0, 2.0]}, {"a/y": [1.0, "timeout"]}, role="construction")`."""

    def make(*groups: Values | list[dict[str, Any]], **more: Any) -> pa.Table:
        found = [row for group in groups for row in (group if isinstance(group, list) else rows(group, **more))]
        return pa.Table.from_pylist(found, schema=SCHEMA)

    return make
