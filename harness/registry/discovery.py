"""Find papers by walking the packages that distributions name, importing none of them.

A distribution names its package of papers in the entry-point group `harness.papers`:

    [project.entry-points."harness.papers"]
    mine = "my_papers"

A module at the top of that package is a paper. A folder is a family: in it every module or package is a paper, but for
`arenas` (the family's own card) and names that begin with an underscore (helpers).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Literal

from harness.errors import PluginError
from harness.registry.source import package_folder

PAPERS = "harness.papers"
_ARENAS = "arenas"
_DOCSTRING = re.compile(rb'\A(?:\s|#[^\n]*\n)*[rR]?("""|\'\'\'|"|\')\s*([^\n]*)')


@dataclass(frozen=True)
class Owner:
    """A paper or a family: the first half of a component's full name."""

    name: str
    """The paper's slug or the family's name, in kebab-case."""
    kind: Literal["paper", "family"]
    family: str
    module: str
    """Absolute name of the module that holds the card."""
    path: Path
    distribution: str
    """The entry point's distribution, for messages."""

    def title(self) -> str:
        """The first line of the module's docstring, read without parsing the file."""
        with self.path.open("rb") as file:
            match = _DOCSTRING.match(file.read(600))
        return match[2].removesuffix(match[1]).decode("utf-8", "replace").strip() if match else ""


@dataclass(frozen=True)
class Discovery:
    """What the installed distributions bring, and what is wrong with them."""

    owners: dict[str, Owner]
    warnings: tuple[str, ...]


def discover(points: Iterable[EntryPoint] | None = None) -> Discovery:
    """Every paper and family of the installed distributions. One that is broken costs itself alone: a warning."""
    owners: dict[str, Owner] = {}
    warnings: list[str] = []
    if points is None:
        points = entry_points(group=PAPERS)
    for point in sorted(points, key=lambda point: (not _is_ours(point), point.value)):
        distribution = point.dist.name if point.dist else point.name
        try:
            found = list(_walk(point.value, distribution))
        except (PluginError, OSError) as error:
            warnings.append(f"plugin {point.name!r} of {distribution} is left out: {error}")
            continue
        for owner in found:
            first = owners.setdefault(owner.name, owner)
            if first is not owner and first.path != owner.path:
                taken = f"{first.distribution} has one of that name"
                warnings.append(f"{owner.kind} {owner.name!r} of {distribution} is left out: {taken}")
    return Discovery(dict(sorted(owners.items())), tuple(warnings))


def _is_ours(point: EntryPoint) -> bool:
    """Of two papers with one name, the one that comes with the harness stays."""
    return point.dist is not None and point.dist.name == "paper-harness"


def owner_name(module: str) -> str:
    """`harness_plugins.in_context.icl_deep_gd` -> `icl-deep-gd`."""
    return module.rpartition(".")[2].replace("_", "-")


def _walk(package: str, distribution: str) -> Iterator[Owner]:
    folder = package_folder(package)
    if folder.name != package.rpartition(".")[2]:
        raise PluginError(f"{package!r} is a module, not a package of papers")
    for name, path in _modules(folder):
        module = f"{package}.{name}"
        if path.name != "__init__.py":
            yield Owner(owner_name(module), "paper", owner_name(package), module, path, distribution)
            continue
        family = owner_name(module)
        for inner, inner_path in _modules(path.parent):
            if inner == _ARENAS:
                yield Owner(family, "family", family, f"{module}.{inner}", inner_path, distribution)
            else:
                yield Owner(owner_name(inner), "paper", family, f"{module}.{inner}", inner_path, distribution)


def _modules(folder: Path) -> Iterator[tuple[str, Path]]:
    """Public modules and packages directly inside a folder, by name; a name becomes part of names of files."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("_") or not entry.name.removesuffix(".py").replace("-", "_").isidentifier():
            continue
        if entry.suffix == ".py":
            yield entry.stem, entry
        elif (init := entry / "__init__.py").is_file():
            yield entry.name, init
