"""Papers and families: the cards that list what a plugin brings. Claims: what a paper says, made to be checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from harness.checks.check import Check
from harness.components import kebab
from harness.errors import PluginError
from harness.metrics import Metric
from harness.tasks import Task

Role: TypeAlias = Literal["construction", "baseline", "reference"]
"""A paper's own model, one it is compared with, or an exact or optimal answer drawn as a line and never ranked."""


@dataclass(frozen=True)
class Claim:
    """A statement of a paper, with the figure it gives and the cells that put it to the test."""

    name: str
    """Kebab-case, unique in its paper."""
    statement: str
    """What is claimed, in words that could turn out false."""
    figure: str
    """The paper's own figure, and where it stands in the paper."""
    criterion: str
    """What has to be seen here for the claim to hold, with its threshold."""
    cells: Sequence[Mapping[str, Any]]
    """The cells that test it: matrices as a suite has them (`tasks`, `models`, `seeds` ...)."""
    check: Check
    """The criterion as the harness applies it to the results of these cells."""


@dataclass(frozen=True, kw_only=True)
class Collection:
    """The components that one module brings."""

    title: str
    tasks: Sequence[type[Task[Any, Any, Any]]] = ()
    baselines: Sequence[type] = ()
    references: Sequence[type] = ()

    def models(self) -> Iterator[tuple[str, Role, type]]:
        """Every model with its name and role."""
        for role, classes in self._roles():
            for model in classes:
                yield kebab(model.__name__), role, model

    def metrics(self) -> Iterator[Metric]:
        """Every metric of the tasks, once."""
        seen: dict[str, Metric] = {}
        for task in self.tasks:
            for metric in task.metrics:
                if seen.setdefault(metric.name, metric) is not metric:
                    raise PluginError(f"{self.title!r} has two metrics called {metric.name!r}")
        yield from seen.values()

    def _roles(self) -> Iterator[tuple[Role, Sequence[type]]]:
        yield "baseline", self.baselines
        yield "reference", self.references


@dataclass(frozen=True, kw_only=True)
class Family(Collection):
    """What the papers of a family share: the arenas where their models meet, and the common baselines.

    Stands as `family = Family(...)` in the family's module or package `arenas`.
    """


@dataclass(frozen=True, kw_only=True)
class Paper(Collection):
    """The card of a paper. Stands as `paper = Paper(...)` at the end of the paper's module."""

    year: int
    venue: str
    arxiv: str = ""
    """The arXiv identifier, such as `2110.15343`."""
    code: str = ""
    """Where the authors' code is."""
    constructions: Sequence[type] = field(default=())
    claims: Sequence[Claim] = ()

    def _roles(self) -> Iterator[tuple[Role, Sequence[type]]]:
        yield "construction", self.constructions
        yield from super()._roles()
