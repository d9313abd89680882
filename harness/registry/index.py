"""The components that a module's card lists, read from its source: what `harness list` shows without importing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.components import kebab
from harness.registry.discovery import Owner
from harness.registry.source import ModuleSource, PackageSource

Kind = Literal["task", "model", "metric"]
_CARD_LISTS: dict[str, tuple[Kind, str]] = {
    "tasks": ("task", ""),
    "constructions": ("model", "construction"),
    "baselines": ("model", "baseline"),
    "references": ("model", "reference"),
}


@dataclass(frozen=True)
class Entry:
    """One component as its source tells it."""

    name: str
    kind: Kind
    role: str
    owner: str
    summary: str


class Index:
    """Lists components of many owners, parsing each file at most once."""

    def __init__(self) -> None:
        self._packages: dict[str, PackageSource] = {}

    def entries(self, owner: Owner) -> Iterator[Entry]:
        """What the owner's card lists.

        Raises:
            PluginError: the source cannot be parsed.
        """
        root = owner.module.partition(".")[0]
        package = self._packages.setdefault(root, PackageSource(root))
        module = package.module(owner.module)
        card = _card(module) if module else None
        if module is None or card is None:
            return
        metrics: set[str] = set()
        for keyword in card.keywords:
            if keyword.arg not in _CARD_LISTS or not isinstance(keyword.value, ast.List | ast.Tuple):
                continue
            kind, role = _CARD_LISTS[keyword.arg]
            for name in _names(keyword.value):
                found = package.definition(module, name)
                summary = _summary(found[1]) if found else ""
                yield Entry(f"{owner.name}/{kebab(name)}", kind, role, owner.name, summary)
                if kind == "task" and found:
                    yield from self._metrics(owner, package, *found, metrics)

    def _metrics(
        self, owner: Owner, package: PackageSource, module: ModuleSource, task: ast.stmt, seen: set[str]
    ) -> Iterator[Entry]:
        for name in _task_metrics(task):
            if name in seen:
                continue
            seen.add(name)
            found = package.definition(module, name)
            yield Entry(f"{owner.name}/{kebab(name)}", "metric", "", owner.name, _summary(found[1]) if found else "")


def _card(module: ModuleSource) -> ast.Call | None:
    for name, node in module.top_level():
        if name in ("paper", "family") and isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            return node.value
    return None


def _task_metrics(task: ast.stmt) -> list[str]:
    for node in task.body if isinstance(task, ast.ClassDef) else ():
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "metrics":
            value = getattr(node, "value", None)
            return _names(value) if isinstance(value, ast.List | ast.Tuple) else []
    return []


def _names(sequence: ast.List | ast.Tuple) -> list[str]:
    names = [item.id if isinstance(item, ast.Name) else getattr(item, "attr", "") for item in sequence.elts]
    return [name for name in names if name]


def _summary(node: ast.stmt) -> str:
    if not isinstance(node, ast.ClassDef | ast.FunctionDef):
        return ""
    return (ast.get_docstring(node) or "").partition("\n")[0]
