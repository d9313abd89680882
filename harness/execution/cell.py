"""Run one case, in the process it has been given. Runs in workers; everything here takes part in the outcome."""

from __future__ import annotations

import copy
import importlib
import math
import random
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.components import construct
from harness.context import Context
from harness.errors import InvalidOutcomeError
from harness.execution.memory import MemoryMeter, is_out_of_memory
from harness.execution.parts import PartFiles
from harness.metrics import Along, Metric

if TYPE_CHECKING:
    from harness.execution.spec import CaseSpec

_TRACEBACK_CHARACTERS = 1 << 16
_ERROR_CHARACTERS = 1 << 12
_ROWS = 200_000
"""The most values of one metric."""


class Cell:
    """Runs cases one after the other and keeps the instance of the last, which the next may share."""

    def __init__(self) -> None:
        self._memory = MemoryMeter()
        self._instance_key = ""
        self._instance: Any = None

    def run(self, spec: CaseSpec) -> dict[str, Any]:
        """The message that tells a case's result; whatever the case raises becomes part of it."""
        message: dict[str, Any] = {"status": "ok", "values": [], "phases": {}, "error": None, "traceback": None}
        message["device_memory"] = None  # of a case that does not get to its end
        if self._instance_key != spec["instance"]:
            self._instance_key, self._instance = "", None  # its memory is not to be had for nothing
        self._memory.start(spec["memory"])
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            self._evaluate(spec, message)
        except InvalidOutcomeError as error:
            message |= {"status": "invalid", "error": _text(error)[:_ERROR_CHARACTERS], "values": []}
        except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt of a model are failures too
            self._memory.lift()
            message |= _failure(error)
        message["seconds"] = time.perf_counter() - wall
        message["cpu_seconds"] = time.process_time() - cpu
        message["peak_memory"] = self._memory.peak()
        return message

    def held(self) -> int:
        """Bytes that the process holds now."""
        return self._memory.held().resident

    def _evaluate(self, spec: CaseSpec, message: dict[str, Any]) -> None:
        task = construct(load(spec["task"]), spec["task_parameters"])
        model_class = load(spec["model"])
        backend = construct(load(spec["backend"]), spec["backend_parameters"])
        backend.reset()
        cache = PartFiles(Path(spec["parts"]))
        seed_everything(spec["instance_seed"], backend.device)
        instance = self._shared_instance(spec, task, Context(spec["instance_seed"], backend, cache))
        seed_everything(spec["model_seed"], backend.device)
        context = Context(spec["model_seed"], backend, cache)
        message["phases"] = context.seconds
        outcome = task.run(construct(model_class, spec["model_parameters"]), instance, context)
        message["values"] = [
            row for name, path in spec["metrics"] for row in _rows(name, _metric(task, name, path), instance, outcome)
        ]
        message["device_memory"] = backend.peak_memory()

    def _shared_instance(self, spec: CaseSpec, task: Any, context: Context) -> Any:
        """The instance: made anew, or a copy of the one that the case before it had (a model may spoil its own)."""
        if not spec["shared"]:
            return task.instance(context)
        if self._instance_key != spec["instance"]:
            self._instance = task.instance(context)
            self._instance_key = spec["instance"]
        return copy.deepcopy(self._instance)


def load(path: str) -> Any:
    """What an import path `module:name` names."""
    module, _, name = path.partition(":")
    target: Any = importlib.import_module(module)
    for part in name.split("."):
        target = getattr(target, part)
    return target


def seed_everything(seed: int, device: str = "cpu") -> None:
    """Seed the global generators too: what a library draws behind the model's back is then the same every time."""
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed % 2**32)
    if torch := sys.modules.get("torch"):
        # torch.manual_seed also seeds devices, at the price of half a millisecond where there is none
        (torch.default_generator if device == "cpu" else torch).manual_seed(seed)


def _metric(task: Any, name: str, path: str) -> Metric:
    own = {metric.name: metric for metric in task.metrics}
    found = own.get(name) or load(path)
    assert isinstance(found, Metric), path
    return found


def _rows(name: str, metric: Metric, instance: Any, outcome: Any) -> list[list[Any]]:
    value = metric(instance, outcome)
    if value is None:
        return []
    rows = list(value.rows()) if isinstance(value, Along) else [(_number(name, value), None)]
    if len(rows) > _ROWS:
        raise InvalidOutcomeError(f"metric {name} has {len(rows)} values, more than {_ROWS}: thin the curve")
    for number, coordinates in rows:
        if not math.isfinite(number):
            place = f" at {coordinates}" if coordinates else ""
            raise InvalidOutcomeError(f"metric {name} is {number}{place}")
    return [[name, metric.unit, metric.direction, number, coordinates] for number, coordinates in rows]


def _number(name: str, value: Any) -> float:
    """A metric's value as a plain number: also of the scalars and arrays of one number that libraries make."""
    try:
        plain = value.item() if hasattr(value, "item") else value
    except (ValueError, RuntimeError):
        plain = value
    if not isinstance(plain, int | float):
        raise InvalidOutcomeError(f"metric {name} is of type {type(value).__name__}, not a number")
    try:
        return float(plain)
    except OverflowError:
        raise InvalidOutcomeError(f"metric {name} is an integer too large for a number") from None


def _failure(error: BaseException) -> dict[str, Any]:
    """What an exception tells. Its class may be anybody's: whatever it is asked may raise."""
    text, kind = _text(error), type(error).__name__
    status = "out-of-memory" if is_out_of_memory(error, text) else "failed"
    try:
        tail = "".join(traceback.format_exception(error))[-_TRACEBACK_CHARACTERS:]
    except BaseException as other:  # noqa: BLE001 - as above
        tail = f"(the traceback cannot be shown: {type(other).__name__})"
    line = f"{kind}: {text}" if text else kind
    return {"status": status, "error": line[:_ERROR_CHARACTERS], "traceback": tail, "values": []}


def _text(error: BaseException) -> str:
    """What an exception says, in one line."""
    try:
        return " ".join(str(error)[: 2 * _ERROR_CHARACTERS].split())
    except BaseException as other:  # noqa: BLE001 - as above
        return f"(its text cannot be shown: {type(other).__name__})"
