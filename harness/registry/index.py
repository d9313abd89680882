"""The components that a module's card lists, read from its source: what `harness list` shows without importing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.components import kebab
from harness.registry.discovery import Owner
from harness.registry.source import ModuleSource, PackageSource, bound_names

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
        reader = _Reader(package)
        metrics: set[str] = set()
        for keyword in card.keywords:
            if keyword.arg not in _CARD_LISTS:
                continue
            kind, role = _CARD_LISTS[keyword.arg]
            for item in reader.items(module, keyword.value):
                yield Entry(f"{owner.name}/{item.name}", kind, role, owner.name, item.summary)
                for metric in reader.metrics(item) if kind == "task" else ():
                    if metric.name not in metrics:
                        metrics.add(metric.name)
                        yield Entry(f"{owner.name}/{metric.name}", "metric", "", owner.name, metric.summary)


@dataclass(frozen=True)
class _Item:
    """What a list of a card names: a class or a function, with the module that defines it."""

    name: str
    module: ModuleSource
    definition: ast.stmt | None

    @property
    def summary(self) -> str:
        return _summary(self.definition) if self.definition else ""


class _Reader:
    """Follows names and lists through the modules of a package."""

    def __init__(self, package: PackageSource) -> None:
        self._package = package

    def items(self, module: ModuleSource, value: ast.expr | None, hops: int = 8) -> Iterator[_Item]:
        """What a list names: written out, or put together of others (`COMMON`, `[*COMMON, x]`, `COMMON + [x]`)."""
        if not hops:
            return
        if isinstance(value, ast.List | ast.Tuple):
            for element in value.elts:
                if isinstance(element, ast.Starred):
                    yield from self.items(module, element.value, hops - 1)
                else:
                    yield self._item(module, element)
        elif isinstance(value, ast.BinOp):
            yield from self.items(module, value.left, hops - 1)
            yield from self.items(module, value.right, hops - 1)
        elif isinstance(value, ast.Attribute) and value.attr == "metrics":
            yield from self.metrics(self._item(module, value.value), hops - 1)
        elif value is not None:
            item = self._item(module, value)
            yield from self.items(item.module, getattr(item.definition, "value", None), hops - 1)

    def metrics(self, task: _Item, hops: int = 8) -> Iterator[_Item]:
        """The metrics of a task's class, or of the first base that names some."""
        if not isinstance(task.definition, ast.ClassDef) or not hops:
            return
        for name, node in bound_names(task.definition.body):
            if name == "metrics":
                yield from self.items(task.module, getattr(node, "value", None))
                return
        for base in task.definition.bases:
            plain = base.value if isinstance(base, ast.Subscript) else base
            if found := list(self.metrics(self._item(task.module, plain), hops - 1)):
                yield from found
                return

    def _item(self, module: ModuleSource, node: ast.expr) -> _Item:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name, found = node.attr, self._package.attribute(module, node.value.id, node.attr)
        else:
            name = getattr(node, "id", "")
            found = self._package.definition(module, name)
        origin, definition = found or (module, None)
        return _Item(kebab(getattr(definition, "name", name)), origin, definition)


def _card(module: ModuleSource) -> ast.Call | None:
    for name, node in module.top_level():
        if name in ("paper", "family") and isinstance(node, ast.Assign | ast.AnnAssign):
            return node.value if isinstance(node.value, ast.Call) else None
    return None


def _summary(node: ast.stmt) -> str:
    if not isinstance(node, ast.ClassDef | ast.FunctionDef):
        return ""
    return (ast.get_docstring(node) or "").partition("\n")[0]
