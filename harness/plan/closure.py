"""What determines the behaviour of a class: the source it reaches inside its own package, and what it imports outside.

The source is read, not imported. A module counts as a whole, with everything it imports inside the package (imports in
functions included, those for type checkers left out). Comments, formatting, docstrings, cards (`paper = ...`), claims
(`claims = ...`) and imports from `harness` do not count. A package's `__init__` that re-exports is passed through: only
the names that are imported from it matter.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from harness.registry.source import ModuleSource, PackageSource

_FOR_TYPE_CHECKERS = {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
_CARDS = {"paper", "family", "claims"}


@dataclass(frozen=True)
class Closure:
    """The reach of one module."""

    sources: dict[str, str]
    """Digest of each module inside the package, by absolute name."""
    external: frozenset[str]
    """Absolute names of what is imported from other distributions, the standard library left out."""


class Closures:
    """Computes closures, reading each file at most once."""

    def __init__(self) -> None:
        self._packages: dict[str, PackageSource] = {}
        self._closures: dict[str, Closure] = {}
        self._digests: dict[str, str] = {}
        self._imports: dict[str, list[tuple[str, list[str]]]] = {}

    def of(self, module: str) -> Closure:
        """The closure of a module, by absolute name. A module without source has an empty one."""
        if module not in self._closures:
            root = module.partition(".")[0]
            package = self._packages.setdefault(root, PackageSource(root))
            self._closures[module] = self._reach(package, module)
        return self._closures[module]

    def _reach(self, package: PackageSource, start: str) -> Closure:
        sources: dict[str, str] = {}
        external: set[str] = set()
        queue = [start]
        while queue:
            name = queue.pop()
            module = package.module(name)
            if module is None or name in sources:
                continue
            sources[name] = self._digest(module)
            for target, names in self._imports_of(module):
                if package.contains(target):
                    queue += _resolve(package, target, names)
                elif target.partition(".")[0] not in sys.stdlib_module_names:
                    external.add(target)
        return Closure(dict(sorted(sources.items())), frozenset(external))

    def _imports_of(self, module: ModuleSource) -> list[tuple[str, list[str]]]:
        if module.name not in self._imports:
            self._imports[module.name] = list(imports(module))
        return self._imports[module.name]

    def _digest(self, module: ModuleSource) -> str:
        if module.name not in self._digests:
            self._digests[module.name] = digest(module.tree)
        return self._digests[module.name]


def digest(tree: ast.Module) -> str:
    """A hash of what a module does: not of comments, formatting, docstrings, or what only says what there is."""
    body = [node for node in tree.body if not _is_card(node) and not _is_interface(node)]
    text = ast.dump(_Undocumented().visit(ast.Module(body=body, type_ignores=[])))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def imports(module: ModuleSource) -> Iterator[tuple[str, list[str]]]:
    """Each imported module with the names taken from it, function-level imports included."""
    for node in _runtime_nodes(module.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield module.imported(node), [alias.name for alias in node.names]


def _resolve(package: PackageSource, target: str, names: list[str]) -> list[str]:
    """The modules that an import inside the package really reaches."""
    module = package.module(target)
    if module is None:
        return []
    if not module.is_package or not names:
        return [target]
    reached = []
    for name in names:
        if package.module(f"{target}.{name}"):
            reached.append(f"{target}.{name}")
        else:
            found = package.definition(module, name)
            reached.append(found[0].name if found else target)
    return reached


def _runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in _FOR_TYPE_CHECKERS:
            for other in node.orelse:
                yield other
                yield from _runtime_nodes(other)
            continue
        yield node
        yield from _runtime_nodes(node)


def _is_interface(node: ast.stmt) -> bool:
    """`from harness import Claim, Paper`: whatever of it takes part in an outcome is also named where it is used."""
    if not isinstance(node, ast.ImportFrom) or node.level or node.module != "harness":
        return False
    return all(alias.asname is None for alias in node.names)


def _is_card(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call | ast.List):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id in _CARDS for target in targets)


class _Undocumented(ast.NodeTransformer):
    """Drops docstrings, also those under fields. Works on copies of the nodes it changes, so that trees stay whole."""

    def visit(self, node: ast.AST) -> ast.AST:
        fields = {name: self._field(value) for name, value in ast.iter_fields(node)}
        return type(node)(**fields)

    def _field(self, value: object) -> object:
        if isinstance(value, list):
            return [self._field(item) for item in value if not _is_docstring(item)]
        return self.visit(value) if isinstance(value, ast.AST) else value


def _is_docstring(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
