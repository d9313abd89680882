"""A case: one cell of a suite's matrix, and its identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.suite.suite import CaseLimits, Choice


def content_hash(value: Any, size: int = 10) -> str:
    """A hash of plain values, the same everywhere."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()


@dataclass(frozen=True)
class Fingerprint:
    """The code behind a task with a model: sources in their own distributions, versions of everything else."""

    sources: Mapping[str, str]
    versions: Mapping[str, str]
    python: str

    @cached_property
    def id(self) -> str:
        """A hash of all of it."""
        return content_hash(self.plain())

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"sources": dict(self.sources), "versions": dict(self.versions), "python": self.python}


@dataclass(frozen=True)
class Case:
    """One cell: a task, a model, a backend and a seed, with all that determines the outcome."""

    task: Choice
    model: Choice
    backend: Choice
    seed: int
    scale: str
    metrics: tuple[str, ...]
    """Full names, or short ones of the task's own metrics."""
    limits: CaseLimits
    isolation: str
    fingerprint: Fingerprint
    retries: int = 0
    """How often it is started again if its process dies."""
    machine: str = ""
    """The machine's fingerprint, for timed tasks: a speed is reused only where it was measured."""

    @cached_property
    def key(self) -> str:
        """A hash of the cell's place in the matrix: the same before and after a change of code."""
        place = [self.model.name, self.model.parameters, self.backend.name, self.backend.parameters]
        return content_hash([self._problem, *place])

    @cached_property
    def id(self) -> str:
        """A hash of all that determines the outcome."""
        return content_hash([self.key, self.fingerprint.id, list(self.metrics), self.machine])

    @cached_property
    def instance_key(self) -> str:
        """A hash that all cases on the same instance, under the same conditions, share."""
        return content_hash([self._problem, self.backend.name, self.backend.parameters])

    @property
    def timed(self) -> bool:
        """Whether the case runs alone on the machine."""
        return bool(self.task.cls.timed)

    @property
    def threads(self) -> int:
        """Threads of the numerical libraries."""
        return int(self.backend.values["threads"])

    def derived_seed(self, purpose: str) -> int:
        """The seed of the instance or of the model: 63 bits of the task, its parameters and the seed."""
        return int(content_hash([purpose, self._problem], size=8), 16) >> 1

    def __str__(self) -> str:
        return f"{self.task.label} · {self.model.label} · {self.backend.label} · seed {self.seed}"

    @cached_property
    def _problem(self) -> str:
        return content_hash([self.task.name, self.task.parameters, self.seed])
