"""What travels to a worker and what comes back: plain values, as JSON lines. Never a pickled object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

from harness.components import import_path
from harness.plan.case import Case
from harness.registry.catalogue import Catalogue
from harness.results import Measurement, Result, Status


class CaseSpec(TypedDict):
    """A case as a worker sees it."""

    id: str
    instance: str
    """Cases with the same value have the same instance."""
    shared: bool
    """Whether to keep the instance for the next case of this process."""
    task: str
    """Import path of the class, as for `model`, `backend` and the metrics."""
    task_parameters: dict[str, Any]
    model: str
    model_parameters: dict[str, Any]
    backend: str
    backend_parameters: dict[str, Any]
    metrics: list[tuple[str, str]]
    instance_seed: int
    model_seed: int
    memory: float | None
    parts: str
    """Folder of the cache of expensive parts."""


def spec(case: Case, catalogue: Catalogue, parts: str) -> CaseSpec:
    """The case for a worker."""
    metrics = [(name, catalogue.metric(name, case.task.cls)[1]) for name in case.metrics]
    return CaseSpec(
        id=case.id,
        instance=case.instance_key,
        shared=case.isolation == "shared",
        task=import_path(case.task.cls),
        task_parameters=dict(case.task.values),
        model=import_path(case.model.cls),
        model_parameters=dict(case.model.values),
        backend=import_path(case.backend.cls),
        backend_parameters=dict(case.backend.values),
        metrics=[(name, import_path(metric.compute)) for name, metric in metrics],
        instance_seed=case.derived_seed("instance"),
        model_seed=case.derived_seed("model"),
        memory=case.limits.memory,
        parts=parts,
    )


def result(message: dict[str, Any]) -> Result:
    """The result that a worker's message tells. Takes nothing on trust but JSON."""
    return Result(
        status=Status(message["status"]),
        measurements=tuple(_measurements(message["values"])),
        seconds=message["seconds"],
        cpu_seconds=message["cpu_seconds"],
        phases=dict(message["phases"]),
        peak_memory=message["peak_memory"],
        error=message["error"],
        traceback=message["traceback"],
        output=message["output"],
    )


def _measurements(values: Iterable[list[Any]]) -> Iterable[Measurement]:
    for name, unit, direction, value, coordinates in values:
        yield Measurement(name, unit, direction, value, coordinates)
