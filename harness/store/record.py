"""`run.json`: what is known of a run besides its results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.store.damage import DamagedFileError, read_json
from harness.store.files import write_atomically
from harness.store.versions import check_version


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write a run's record.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps(content, indent=2) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_record(path: Path) -> dict[str, Any]:
    """A run's record.

    Raises:
        DamagedError: it cannot be read, is not what a run writes, or a newer version of the harness has written it.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise DamagedFileError(path, "is damaged: it is no mapping")
    check_version(content.get("schema"), path.parent.name)
    try:
        _Record.model_validate(content, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DamagedFileError(path, f"is damaged: {place}: {first['msg'][:1].lower()}{first['msg'][1:]}") from error
    return content


class _Suite(BaseModel):
    name: str
    description: str
    path: str


class _Machine(BaseModel):
    cpu: str
    cores: int | None
    memory_gb: int
    system: str
    architecture: str
    python: str


class _Provenance(BaseModel):
    commit: str | None
    dirty: bool | None
    versions: dict[str, str]
    machine: _Machine


class _Fingerprint(BaseModel):
    sources: dict[str, str]
    versions: dict[str, str]
    python: str


class _Record(BaseModel):
    run: str
    suite: _Suite
    started_at: str
    finished_at: str | None
    interrupted: bool
    workers: int
    cases: int
    statuses: dict[str, int]
    provenance: _Provenance
    fingerprints: dict[str, _Fingerprint]
