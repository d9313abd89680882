"""The source of a package as syntax trees, read without importing it."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from harness.errors import PluginError


def package_folder(package: str) -> Path:
    """Where a top-level package or module stands, found without importing it.

    Raises:
        PluginError: there is no such package, or it has no source.
    """
    try:
        spec = importlib.util.find_spec(package)
    except Exception:  # noqa: BLE001 - a parent package that is imported on the way may raise anything
        spec = None
    if spec is None or (spec.submodule_search_locations is None and spec.origin is None):
        raise PluginError(f"package {package!r} is not installed")
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(str(spec.origin)).parent


class ModuleSource:
    """One module: its name, file and syntax tree."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path

    @property
    def is_package(self) -> bool:
        """Whether it is a package's `__init__`."""
        return self.path.name == "__init__.py"

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree.

        Raises:
            PluginError: the file is not Python.
        """
        try:
            return ast.parse(self.path.read_bytes(), filename=str(self.path))
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            raise PluginError(f"{self.path}:{line}: cannot be parsed: {error.args[0]}") from error

    def imported(self, node: ast.ImportFrom) -> str:
        """The absolute name of the module that a `from ... import` names."""
        if not node.level:
            return node.module or ""
        base = self.name.split(".")
        base = base[: len(base) - node.level + self.is_package]
        return ".".join([*base, node.module] if node.module else base)

    def top_level(self) -> Iterator[tuple[str, ast.stmt]]:
        """Each name bound at the top of the module, with the statement that binds it."""
        return bound_names(self.tree.body)


def bound_names(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Each name that a body binds, with the statement that binds it."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.Assign):
            yield from ((target.id, node) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, node) for alias in node.names)


class PackageSource:
    """All modules of one top-level package, parsed at most once each."""

    def __init__(self, package: str) -> None:
        self.package = package
        self._folder = package_folder(package)
        self._modules: dict[str, ModuleSource | None] = {}

    def module(self, name: str) -> ModuleSource | None:
        """The module of that absolute name, or None if the package has none of that name."""
        if name not in self._modules:
            self._modules[name] = self._find(name)
        return self._modules[name]

    def contains(self, name: str) -> bool:
        """Whether the absolute name lies inside the package."""
        return name == self.package or name.startswith(f"{self.package}.")

    def definition(self, module: ModuleSource, name: str, hops: int = 8) -> tuple[ModuleSource, ast.stmt] | None:
        """The statement that defines `name` as `module` sees it, followed through imports inside the package."""
        node = dict(module.top_level()).get(name)
        if not isinstance(node, ast.ImportFrom):
            return (module, node) if node else None
        target = module.imported(node)
        origin = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
        found = self.module(target) if self.contains(target) else None
        return self.definition(found, origin, hops - 1) if found and hops else None

    def attribute(self, module: ModuleSource, owner: str, name: str) -> tuple[ModuleSource, ast.stmt] | None:
        """The statement that defines `owner.name`, where `module` imports the module `owner` from the package."""
        node = dict(module.top_level()).get(owner)
        if not isinstance(node, ast.ImportFrom):
            return None
        origin = next(alias.name for alias in node.names if (alias.asname or alias.name) == owner)
        found = self.module(f"{module.imported(node)}.{origin}")
        return self.definition(found, name) if found else None

    def _find(self, name: str) -> ModuleSource | None:
        if not self.contains(name):
            return None
        if name == self.package and not (self._folder / "__init__.py").is_file():
            path = self._folder / f"{name}.py"  # a distribution of a single module
            return ModuleSource(name, path) if path.is_file() else None
        base = self._folder.joinpath(*name.split(".")[1:])
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file() and (path.name == "__init__.py" or base != self._folder):
                return ModuleSource(name, path)
        return None
