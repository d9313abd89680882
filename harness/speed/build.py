"""How a process builds an operation of a suite."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.backends import Backend
from harness.components import construct
from harness.context import Context
from harness.execution.cell import load, seed_everything
from harness.execution.parts import PartFiles
from harness.operations import Operation


def make(
    task: str,
    task_parameters: Mapping[str, Any],
    operation: str,
    model: str,
    model_parameters: Mapping[str, Any],
    backend: str,
    backend_parameters: Mapping[str, Any],
    instance_seed: int,
    model_seed: int,
    parts: str,
) -> tuple[Operation, Backend]:
    """Build an operation in this process; what the arguments are says `harness.speed.suites.Planned.request`.

    Returns:
        The operation, ready to be called, and its backend.
    """
    problem, cache = construct(load(task), task_parameters), PartFiles(Path(parts))
    place: Backend = construct(load(backend), backend_parameters)
    place.reset()
    seed_everything(instance_seed, place.device)
    instance = problem.instance(Context(instance_seed, place, cache))
    seed_everything(model_seed, place.device)
    competitor = construct(load(model), model_parameters)
    return problem.operation(operation, competitor, instance, Context(model_seed, place, cache)), place
