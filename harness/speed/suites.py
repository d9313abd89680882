"""The operations that a suite names."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.components import import_path
from harness.errors import HarnessError
from harness.plan.case import Case
from harness.plan.planner import Modules, Planner
from harness.plugins import Plugins
from harness.registry.catalogue import Catalogue
from harness.speed.record import OperationKey
from harness.suite.load import load
from harness.timing.processes import Request


@dataclass(frozen=True)
class Planned:
    """An operation of a suite."""

    key: OperationKey
    role: str
    """What the model is to its paper."""
    baseline: str
    """Label of the model that its group is compared with: the first baseline of its matrix, or else the first model."""
    case: Case
    skipped: str | None = None
    """Why it cannot be measured here."""

    def request(self, parts: Path) -> Request:
        """What a process is asked for, within the suite's limits: plain values, classes by their import paths.

        `parts` is the folder of the cache of expensive parts, which processes share.
        """
        case, limits = self.case, self.case.limits
        arguments: dict[str, Any] = {
            "task": import_path(case.task.cls),
            "task_parameters": dict(case.task.values),
            "operation": self.key.operation,
            "model": import_path(case.model.cls),
            "model_parameters": dict(case.model.values),
            "backend": import_path(case.backend.cls),
            "backend_parameters": dict(case.backend.values),
            "instance_seed": case.derived_seed("instance"),
            "model_seed": case.derived_seed("model"),
            "parts": str(parts),
        }
        memory = None if limits.memory is None else int(limits.memory)
        return Request("harness.speed.build:make", arguments, limits.seconds, memory)


@dataclass(frozen=True)
class SpeedSuite:
    """A suite as its operations."""

    name: str
    path: Path
    operations: tuple[Planned, ...]
    modules: Modules
    """What building them imports."""

    def __post_init__(self) -> None:
        if not self.operations:
            raise HarnessError(f"{self.path}: none of its tasks has an operation to time (Task.operations)")

    def groups(self) -> dict[tuple[str, ...], list[Planned]]:
        """Operations by those they compete with, the baseline first."""
        found: dict[tuple[str, ...], list[Planned]] = {}
        for planned in sorted(self.operations, key=lambda one: one.key.model != one.baseline):
            found.setdefault(planned.key.group, []).append(planned)
        return found


def find_suites(paths: Sequence[Path], folder: Path) -> list[Path]:
    """The given suites, or those in `suites/speed` of a repository.

    Raises:
        HarnessError: there are none.
    """
    found = list(paths) or sorted((folder / "suites" / "speed").glob("*.yaml"))
    if not found:
        raise HarnessError(f"{folder / 'suites' / 'speed'} has no suites: name some with --suite")
    return found


def read(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    scale: str | None = None,
    only: Sequence[str] = (),
    warn: Callable[[str], None] = warnings.warn,
) -> SpeedSuite:
    """Read a suite for its operations; the arguments are those of `harness.api.prepare`.

    Of several seeds the first counts: an operation is timed on one instance.

    Raises:
        HarnessError: the suite is wrong, nothing matches `only`, or no task has an operation.
    """
    catalogue = Catalogue()
    for text in catalogue.discovery.warnings:
        warn(text)
    suite = load(path, catalogue, Plugins(["backends"], warn).backends(), overrides, scale)
    planner = Planner(catalogue)
    cases = planner.cases(suite, only)
    return SpeedSuite(suite.name, path, tuple(_operations(cases)), planner.modules(cases))


def _operations(cases: Sequence[Case]) -> Iterator[Planned]:
    first: dict[tuple[str, ...], Case] = {}
    baselines: dict[tuple[str, ...], Case] = {}
    named: dict[OperationKey, Case] = {}
    for case in cases:
        for name in case.task.cls.operations:
            key = OperationKey(case.task.label, name, case.model.label, case.backend.label, case.scale)
            named.setdefault(key, case)
            first.setdefault(key.group, case)
            if case.model.role == "baseline":
                baselines.setdefault(key.group, case)
    for key, case in named.items():
        baseline = baselines.get(key.group, first[key.group]).model.label
        yield Planned(key, case.model.role, baseline, case, case.backend.cls(**case.backend.values).unavailable())
