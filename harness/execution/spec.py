"""What travels to a worker and what comes back: plain values, as JSON lines. Never a pickled object."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, FiniteFloat, TypeAdapter
from typing_extensions import TypedDict

from harness.components import import_path
from harness.metrics import Direction
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
    memory: int
    """Bytes that it may use beyond what the process holds when it begins."""
    pollution: int
    """Not 0: make the process dirty first, in a way that depends on the number."""
    parts: str
    """Folder of the cache of expensive parts."""


def spec(case: Case, catalogue: Catalogue, parts: str, memory: int, pollution: int = 0) -> CaseSpec:
    """The case for a worker; `memory` is what the machine can give it, in bytes."""
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
        memory=memory_limit(case, memory),
        pollution=pollution,
        parts=parts,
    )


def memory_limit(case: Case, share: int) -> int:
    """Bytes that a case may use: what its suite says, or its share of the machine."""
    return share if case.limits.memory is None else int(case.limits.memory)


class Started(TypedDict):
    """A worker has begun its first case."""

    event: Literal["started"]
    held: int
    """Bytes of memory that it holds."""


class Message(TypedDict):
    """A worker has finished a case."""

    event: Literal["finished"]
    case: str
    last: bool
    """Whether the worker ends here, and its other cases need another."""
    status: Literal["ok", "failed", "invalid", "out-of-memory"]
    values: list[tuple[str, str, Direction, FiniteFloat, dict[str, int | float | str] | None]]
    """Metric, unit, direction, value, coordinates."""
    phases: dict[str, float]
    error: str | None
    traceback: str | None
    seconds: float
    cpu_seconds: float
    peak_memory: int
    device_memory: int | None


_MESSAGES: TypeAdapter[Message | Started] = TypeAdapter(
    Annotated[Message | Started, Field(discriminator="event")], config=ConfigDict(strict=True, extra="forbid")
)


def read_message(line: bytes | bytearray) -> Message | Started:
    """A worker's message. Nothing is taken on trust: a model can write to the channel.

    Raises:
        ValueError: it is none.
    """
    return _MESSAGES.validate_json(line)


def result(message: Message) -> Result:
    """The result that a worker's message tells."""
    return Result(
        status=Status(message["status"]),
        measurements=tuple(Measurement(*value) for value in message["values"]),
        seconds=message["seconds"],
        cpu_seconds=message["cpu_seconds"],
        phases=message["phases"],
        peak_memory=message["peak_memory"],
        device_memory=message["device_memory"],
        error=message["error"],
        traceback=message["traceback"],
    )
