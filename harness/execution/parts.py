"""The cache of expensive parts: trained teachers, large instances. Files of plain arrays, made once, never pickled."""

from __future__ import annotations

import fcntl
import platform
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.components import import_path
from harness.context import as_array
from harness.store.files import write_atomically

if TYPE_CHECKING:
    import numpy as np


class PartFiles:
    """A folder with one `.npz` per part, named by what determines it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, make: Callable[..., Mapping[str, Any]], parameters: Mapping[str, Any]) -> dict[str, Any]:
        """`make(**parameters)`, from the file if there is one; two processes never make the same part at once."""
        path = self._folder / f"{make.__name__}-{part_id(make, parameters)}.npz"
        if (parts := _load(path)) is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            with _lock(path.with_suffix(".lock")):
                if (parts := _load(path)) is None:
                    parts = made = {name: as_array(part) for name, part in make(**parameters).items()}
                    write_atomically(path, lambda temporary: _save(temporary, made))
        return parts


def part_id(make: Callable[..., Mapping[str, Any]], parameters: Mapping[str, Any]) -> str:
    """A hash of all that determines a part: the function, its source and versions, the parameters and theirs."""
    from harness.plan.case import content_hash
    from harness.plan.closure import Closures
    from harness.plan.versions import versions

    if "<" in make.__qualname__ or not make.__name__.isidentifier():  # it becomes the name of a file
        raise ValueError(f"a cached part is made by a module-level function, not by {make.__qualname__}")
    plain = {name: _plain(value) for name, value in parameters.items()}
    modules = {make.__module__, *(type(value).__module__ for value in parameters.values() if is_dataclass(value))}
    closures = Closures()
    reached = [closures.of(module) for module in sorted(modules)]
    sources = [closure.sources for closure in reached]
    external = frozenset().union(*(closure.external for closure in reached))
    return content_hash([import_path(make), plain, sources, versions(external), platform.python_version()])


def _plain(value: Any) -> Any:
    """A parameter as the hash reads it: a dataclass is its class and its fields."""
    return [import_path(type(value)), asdict(value)] if is_dataclass(value) and not isinstance(value, type) else value


def _save(path: Path, parts: Mapping[str, np.ndarray]) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.savez(file, **parts)  # type: ignore[arg-type]


def _load(path: Path) -> dict[str, Any] | None:
    """The parts of a file; None if it is not there, or damaged (each part has a checksum): it is made anew then."""
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        return None


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
