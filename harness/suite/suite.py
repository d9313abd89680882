"""A suite that has been checked: every name found, every parameter typed, every model fit for its task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.backends import Backend
from harness.registry.catalogue import Component


@dataclass(frozen=True)
class Choice:
    """A task, model or backend with the values of its parameters."""

    name: str
    component: Component | type[Backend]
    given: Mapping[str, Any]
    """What the suite says."""
    values: Mapping[str, Any]
    """All parameters: the suite's values over the scale's over the defaults."""

    @cached_property
    def parameters(self) -> str:
        """All parameters as JSON."""
        return json.dumps(dict(self.values), sort_keys=True)

    @cached_property
    def label(self) -> str:
        """The name with what the suite says: `in-context/ridge(alpha=0.1)`."""
        given = ", ".join(f"{name}={_short(value)}" for name, value in self.given.items())
        return f"{self.name}({given})" if given else self.name

    @property
    def cls(self) -> Any:
        """The class."""
        return self.component.cls if isinstance(self.component, Component) else self.component

    @property
    def role(self) -> str:
        """What a model is to its paper; empty for tasks and backends."""
        return (self.component.role or "") if isinstance(self.component, Component) else ""


@dataclass(frozen=True)
class CaseLimits:
    """What one case may use."""

    seconds: float
    memory: float | None
    """Bytes beyond what the preloaded libraries hold."""


@dataclass(frozen=True)
class Block:
    """One matrix of a suite, grids spread."""

    tasks: tuple[Choice, ...]
    models: tuple[Choice, ...]
    backends: tuple[Choice, ...]
    seeds: tuple[int, ...]
    metrics: tuple[str, ...] | None
    scale: str
    limits: CaseLimits
    retries: int
    isolation: str


@dataclass(frozen=True)
class Suite:
    """A suite ready to be planned."""

    name: str
    description: str
    path: Path
    text: str
    """The YAML as it was read."""
    blocks: tuple[Block, ...]


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_short, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)
