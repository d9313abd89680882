"""What is wrong with a file of the store, and what is left of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.errors import DamagedError


@dataclass(frozen=True)
class Damage:
    """A file that is not what was written."""

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path} {self.what}"


@dataclass(frozen=True)
class Reading:
    """What can be read of a run's results."""

    table: pa.Table
    damage: Damage | None = None
    """What is wrong with the file."""
    certain: bool = True
    """Whether what the table holds is what was written."""


class DamagedFileError(DamagedError):
    """Nothing of a file can be used."""

    def __init__(self, path: Path, what: str) -> None:
        self.damage = Damage(path, what)
        super().__init__(str(self.damage))


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        DamagedFileError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DamagedFileError(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(path, f"is damaged, it is not JSON: {error}") from error
