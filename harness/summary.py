"""Results in short: for each task the models by its first metric, over the seeds, with the places that tests leave."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from harness.compare.options import Options
from harness.compare.sample import Place, sampling
from harness.compare.task import TaskComparison, task_comparisons
from harness.stats.intervals import mean_interval

if TYPE_CHECKING:
    import pyarrow as pa

_SENTENCES = 3


@dataclass(frozen=True)
class Estimate:
    """The mean of a metric over seeds, with a Student t interval (None for a single seed)."""

    metric: str
    unit: str
    direction: str
    mean: float
    half_width: float | None
    count: int


@dataclass(frozen=True)
class Line:
    """One model on one task."""

    model: str
    role: str
    estimates: tuple[Estimate, ...]
    """The scalar metrics, in the task's order, over the cases that are ok."""
    seconds: float | None
    """Mean wall-clock time of a case."""
    peak_memory: float | None
    """Mean peak of a case, in bytes."""
    statuses: Mapping[str, int]
    place: tuple[int, int] | None
    """The best and the worst place that the tests leave open; None for what is not ranked."""

    @property
    def failures(self) -> str:
        """What went wrong, such as `2 timeout`; empty if nothing did."""
        return ", ".join(f"{count} {status}" for status, count in self.statuses.items() if status != "ok")


@dataclass(frozen=True)
class TaskSummary:
    """The models on one task, best first; references and models without any value last."""

    task: str
    scale: str
    backend: str
    curves: tuple[str, ...]
    """Metrics that are curves: in the store, not in the table."""
    lines: tuple[Line, ...]

    sentences: tuple[str, ...]
    """What the comparison says of the constructions beside the best baseline."""

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def summarize(table: pa.Table) -> list[TaskSummary]:
    """The rankings of a run's results, in the order of the run."""
    columns = ["case", "task_label", "model_label", "role", "backend_label", "scale", "status", "metric", "unit"]
    columns += ["direction", "value", "coordinates", "seconds", "peak_memory"]
    groups: dict[Place, list[dict[str, Any]]] = {}
    for row in table.select(columns).to_pylist():
        groups.setdefault(Place(row["task_label"], row["scale"], row["backend_label"]), []).append(row)
    compared = {one.place: one for one in task_comparisons(sampling(table).samples, Options())}
    return [_summary(place, rows, compared.get(place)) for place, rows in groups.items()]


def _summary(place: Place, rows: list[dict[str, Any]], compared: TaskComparison | None) -> TaskSummary:
    places = {one.arm.name: one.place for one in compared.standings} if compared else {}
    sentences = tuple(pair.sentence for pair in compared.headlines[:_SENTENCES]) if compared else ()
    by_model = sorted(rows, key=lambda row: str(row["model_label"]))
    groups = groupby(by_model, key=lambda row: str(row["model_label"]))
    lines = sorted((_line(model, list(group), places.get(model)) for model, group in groups), key=_order)
    curves = tuple(dict.fromkeys(row["metric"] for row in rows if row["coordinates"]))
    return TaskSummary(place.task, place.scale, place.backend, curves, tuple(lines), sentences)


def _order(line: Line) -> tuple[bool, bool, tuple[float, ...]]:
    """Best first by the first metric, equals by the next ones; then what is not ranked."""
    oriented = tuple(one.mean if one.direction == "lower" else -one.mean for one in line.estimates)
    return (line.role == "reference", not oriented, oriented)


def _line(model: str, rows: list[dict[str, Any]], place: tuple[int, int] | None) -> Line:
    cases = {row["case"]: row for row in rows}.values()
    statuses: dict[str, int] = {}
    for case in cases:
        statuses[case["status"]] = statuses.get(case["status"], 0) + 1
    scalars = [row for row in rows if row["metric"] is not None and not row["coordinates"] and row["status"] == "ok"]
    ok = [case for case in cases if case["status"] == "ok"]
    return Line(
        model,
        rows[0]["role"],
        tuple(_estimates(scalars)),
        _mean(case["seconds"] for case in ok),
        _mean(case["peak_memory"] for case in ok),
        statuses,
        place,
    )


def _estimates(rows: list[dict[str, Any]]) -> Iterator[Estimate]:
    by_metric: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_metric.setdefault(row["metric"], []).append(row)
    for metric, group in by_metric.items():
        interval = mean_interval([row["value"] for row in group])
        half = interval.high - interval.estimate if interval.bounded else None
        yield Estimate(metric, group[0]["unit"], group[0]["direction"], interval.estimate, half, interval.count)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
