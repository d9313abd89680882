"""Speed runs in the store: a document each, `speed/ID.json` in the folder of runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, StoreError
from harness.speed.record import SpeedRun
from harness.store.files import write_atomically

FOLDER = "speed"


def save(root: Path, run: SpeedRun) -> Path:
    """Write a run; it is there whole or not at all.

    Raises:
        StoreError: it cannot be written.
    """
    path = root / FOLDER / f"{run.id}.json"
    text = json.dumps(asdict(run), indent=1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    return path


def speed_runs(root: Path, warn: Callable[[str], object]) -> list[SpeedRun]:
    """All speed runs of a store, oldest first; of one that cannot be read is told, and it is left out.

    Raises:
        HarnessError: the folder cannot be listed.
    """
    try:
        paths = sorted((root / FOLDER).glob("*.json"))
    except OSError as error:
        raise HarnessError(f"{root / FOLDER} cannot be read: {error.strerror}") from error
    return list(_readable(paths, warn))


def _readable(paths: list[Path], warn: Callable[[str], object]) -> Iterator[SpeedRun]:
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(SpeedRun)
    for path in paths:
        try:
            yield adapter.validate_python(_checked(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError) as error:
            reason = f"{error.error_count()} fields are wrong" if isinstance(error, ValidationError) else str(error)
            warn(f"{path} is left out: {reason}")


def _checked(document: Any) -> Any:
    """A document of this version of the schema."""
    version = document.get("schema") if isinstance(document, dict) else None
    if version != SpeedRun.schema:
        raise ValueError(f"its schema is {version!r}, not {SpeedRun.schema}")
    datetime.fromisoformat(str(document.get("started_at")))
    return document
