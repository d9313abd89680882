"""Turn full names such as `monarch/monarch-linear` into classes, importing only the modules that are named."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.errors import PluginError, UnknownNameError
from harness.metrics import Metric
from harness.papers import Collection, Family, Paper, Role
from harness.quoting import quoted
from harness.registry.discovery import Discovery, Owner, discover
from harness.registry.index import Index, Kind
from harness.tasks import Task

_LONGEST = 100
"""Characters of a name that may be misspelt; a longer one is none."""


@dataclass(frozen=True)
class Component:
    """A task or model class under its full name."""

    name: str
    owner: Owner
    cls: type
    role: Role | None = None
    """For models: what it is to its paper."""


class Catalogue:
    """All components of the installed plugins, by name."""

    def __init__(self, discovery: Discovery | None = None) -> None:
        self.discovery = discovery or discover()
        self.index = Index()
        self._cards: dict[str, Collection] = {}
        self._names: dict[Kind, list[str]] = {}

    @property
    def owners(self) -> dict[str, Owner]:
        """Papers and families by name."""
        return self.discovery.owners

    def owner(self, name: str) -> Owner:
        """The paper or family of that name (`_` and `-` are the same).

        Raises:
            UnknownNameError: with the nearest names.
        """
        if found := self.owners.get(name.replace("_", "-")):
            return found
        raise UnknownNameError(f"no paper or family is called {quoted(name)}{nearest(name, self.owners)}")

    def card(self, owner: Owner) -> Collection:
        """The `Paper` or `Family` of an owner; imports its module.

        Raises:
            PluginError: the module cannot be imported, or has no card.
        """
        if owner.name not in self._cards:
            self._cards[owner.name] = _load(owner)
        return self._cards[owner.name]

    def task(self, name: str) -> Component:
        """The task of a full name `owner/task`."""
        owner, short = self._split(name, "task")
        card = self.card(owner)
        classes = {_kebab_name(task): task for task in card.tasks}
        if short not in classes and any(short == model for model, _, _ in card.models()):
            raise UnknownNameError(f"{quoted(name)} is a model, not a task")
        return Component(f"{owner.name}/{short}", owner, _pick(name, short, classes, "task", owner))

    def model(self, name: str) -> Component:
        """The model of a full name `owner/model`."""
        owner, short = self._split(name, "model")
        card = self.card(owner)
        models = {model: (role, cls) for model, role, cls in card.models()}
        if short not in models and any(short == _kebab_name(task) for task in card.tasks):
            raise UnknownNameError(f"{quoted(name)} is a task, not a model")
        role, cls = _pick(name, short, models, "model", owner)
        return Component(f"{owner.name}/{short}", owner, cls, role)

    def metric(self, name: str, task: type[Task[Any, Any, Any]]) -> tuple[str, Metric]:
        """The metric of a full name `owner/metric`, or of the short name of one of the task's own."""
        own = {metric.name: metric for metric in task.metrics}
        if "/" not in name:
            if name in own:
                return name, own[name]
            raise UnknownNameError(
                f"task {task.__name__} has no metric {quoted(name)}{nearest(name, own)}; it has {', '.join(own)}"
            )
        owner, short = self._split(name, "metric")
        metrics = {metric.name: metric for metric in self.card(owner).metrics()}
        return f"{owner.name}/{short}", _pick(name, short, metrics, "metric", owner)

    def names(self, kind: Kind) -> list[str]:
        """Full names of all components of a kind, read from sources once; broken modules are left out."""
        if kind not in self._names:
            self._names[kind] = list(self._read_names(kind))
        return self._names[kind]

    def _read_names(self, kind: Kind) -> Iterator[str]:
        for owner in self.owners.values():
            try:
                entries = list(self.index.entries(owner))
            except PluginError:
                continue
            yield from (entry.name for entry in entries if entry.kind == kind)

    def _split(self, name: str, kind: Kind) -> tuple[Owner, str]:
        owner, slash, short = name.partition("/")
        if not slash:
            raise UnknownNameError(
                f"{quoted(name)} is not a full name: a {kind} is called owner/{kind}{nearest(name, self.names(kind))}"
            )
        if owner.replace("_", "-") not in self.owners:
            raise UnknownNameError(f"unknown {kind} {quoted(name)}{nearest(name, self.names(kind))}")
        return self.owner(owner), short


def nearest(name: str, names: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the closest of the names, or nothing."""
    if len(name) > _LONGEST:
        return ""
    candidates = list(names)
    close = difflib.get_close_matches(name, candidates, n=1)
    if not close:
        close = [candidate for candidate in candidates if candidate.rpartition("/")[2] == name][:1]
    return f" (did you mean {close[0]!r}?)" if close else ""


def _load(owner: Owner) -> Collection:
    try:
        module = importlib.import_module(owner.module)
    except (Exception, SystemExit) as error:  # whatever a plugin raises must not stop the host
        raise PluginError(
            f"{owner.kind} {quoted(owner.name)} ({owner.path}) cannot be imported: {type(error).__name__}: {error}"
        ) from error
    variable, cls = ("paper", Paper) if owner.kind == "paper" else ("family", Family)
    card = getattr(module, variable, None)
    if not isinstance(card, cls):
        raise PluginError(f"{owner.path}: has no `{variable} = {cls.__name__}(...)`")
    return card


def _kebab_name(cls: type) -> str:
    from harness.components import kebab

    return kebab(cls.__name__)


def _pick(name: str, short: str, choices: dict[str, Any], kind: str, owner: Owner) -> Any:
    if short in choices:
        return choices[short]
    full = [f"{owner.name}/{choice}" for choice in choices]
    listed = f"; {owner.name} has {', '.join(full)}" if full else f"; {owner.name} brings no {kind}"
    close = [f"{owner.name}/{choice}" for choice in difflib.get_close_matches(short, choices, n=1)]
    raise UnknownNameError(f"unknown {kind} {quoted(name)}{nearest(name, close)}{listed}")
