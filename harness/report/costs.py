"""What the cases of a model cost: time and memory, over the cases that are ok."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from harness.compare.sample import Place

if TYPE_CHECKING:
    import pyarrow as pa

_ARM = ["task_label", "scale", "backend_label", "model_label"]


@dataclass(frozen=True)
class Cost:
    """The mean of an arm's cases."""

    seconds: float | None
    """Wall-clock time of a case."""
    peak_memory: float | None
    """Bytes."""


Costs: TypeAlias = Mapping[Place, Mapping[str, Cost]]
"""By place and model."""


def costs(table: pa.Table) -> Costs:
    """The costs in a table of results."""
    import pyarrow.compute as pc

    ok = table.select(["case", *_ARM, "seconds", "peak_memory"]).filter(pc.equal(table["status"], "ok"))
    cases = ok.group_by(["case", *_ARM]).aggregate([("seconds", "min"), ("peak_memory", "min")])
    arms = cases.group_by(_ARM).aggregate([("seconds_min", "mean"), ("peak_memory_min", "mean")])
    found: dict[Place, dict[str, Cost]] = {}
    for task, scale, backend, model, seconds, memory in zip(
        *(arms[name].to_pylist() for name in arms.column_names), strict=True
    ):
        found.setdefault(Place(task, scale, backend), {})[model] = Cost(seconds, memory)
    return found
