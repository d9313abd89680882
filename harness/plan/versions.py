"""Versions of the distributions that modules come from."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import metadata

_RENAMED = {"PIL": "pillow", "skimage": "scikit-image", "sklearn": "scikit-learn", "yaml": "pyyaml"}
"""Common distributions whose module is called otherwise: finding that out costs half a second."""


def versions(modules: Iterable[str]) -> dict[str, str]:
    """The distribution and version behind each top-level module; what is not installed is `missing`."""
    found: dict[str, str] = {}
    for top in {module.partition(".")[0] for module in modules}:
        found.update(_version(top))
    return dict(sorted(found.items()))


@cache
def _version(top: str) -> dict[str, str]:
    name = _RENAMED.get(top, top)
    try:
        return {name: metadata.version(name)}
    except metadata.PackageNotFoundError:
        names = _distributions().get(top, [])
        return {name: metadata.version(name) for name in names} or {top: "missing"}


@cache
def _distributions() -> dict[str, list[str]]:
    """Which distributions bring a module: slow to find out (it reads every RECORD), so only for odd names."""
    return {top: sorted(set(names)) for top, names in metadata.packages_distributions().items()}
