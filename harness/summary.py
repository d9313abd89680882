"""Results in short: for each task a ranking of the models by its first metric, over the seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

CONFIDENCE = 0.95


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

    def ranks(self) -> Iterator[int | None]:
        """The place of each line by its first metric, equals sharing one; None for those that are not ranked."""
        means = [line.estimates[0].mean if line.estimates and line.role != "reference" else None for line in self.lines]
        for mean in means:
            yield None if mean is None else means.index(mean) + 1

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "ranks": list(self.ranks())}


def summarize(table: pa.Table) -> list[TaskSummary]:
    """The rankings of a run's results, in the order of the run."""
    columns = ["case", "task_label", "model_label", "role", "backend_label", "scale", "status", "metric", "unit"]
    columns += ["direction", "value", "coordinates", "seconds", "peak_memory"]
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in table.select(columns).to_pylist():
        groups.setdefault((row["task_label"], row["scale"], row["backend_label"]), []).append(row)
    return [_summary(*key, rows) for key, rows in groups.items()]


def interval_half_width(values: list[float]) -> float | None:
    """Half the width of the Student t interval of a mean, at 95 %; assumes independent, roughly normal values."""
    from scipy.special import stdtrit

    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)) * math.sqrt(variance / len(values))


def _summary(task: str, scale: str, backend: str, rows: list[dict[str, Any]]) -> TaskSummary:
    by_model = sorted(rows, key=lambda row: str(row["model_label"]))
    lines = [_line(model, list(group)) for model, group in groupby(by_model, key=lambda row: str(row["model_label"]))]
    curves = dict.fromkeys(row["metric"] for row in rows if row["coordinates"])
    return TaskSummary(task, scale, backend, tuple(curves), tuple(sorted(lines, key=_order)))


def _order(line: Line) -> tuple[bool, bool, tuple[float, ...]]:
    """Best first by the first metric, equals by the next ones; then what is not ranked."""
    oriented = tuple(one.mean if one.direction == "lower" else -one.mean for one in line.estimates)
    return (line.role == "reference", not oriented, oriented)


def _line(model: str, rows: list[dict[str, Any]]) -> Line:
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
    )


def _estimates(rows: list[dict[str, Any]]) -> Iterator[Estimate]:
    by_metric: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_metric.setdefault(row["metric"], []).append(row)
    for metric, group in by_metric.items():
        values = [row["value"] for row in group]
        mean = math.fsum(values) / len(values)
        yield Estimate(metric, group[0]["unit"], group[0]["direction"], mean, interval_half_width(values), len(values))


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
