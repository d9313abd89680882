"""The verdicts on papers' claims that lie in a run's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.report.wording import counted
from harness.tables import number

_FILE = "verdicts.json"


@dataclass(frozen=True)
class Claim:
    """A claim with its verdict."""

    paper: str
    name: str
    statement: str
    figure: str
    criterion: str
    verdict: str
    """`held`, `failed` or `inconclusive`."""
    reason: str
    findings: tuple[str, ...]
    """What was measured, a line each."""
    cost: str
    """How many cells it took, and how long."""


def read_claims(folder: Path) -> tuple[Claim, ...]:
    """The claims of a run; none if it tested none.

    Raises:
        HarnessError: the file is not what `harness claims` writes.
    """
    path = folder / _FILE
    if not path.is_file():
        return ()
    try:
        return tuple(_claim(entry) for entry in json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessError(f"{path} is not what `harness claims` writes: {error!r}") from error


def _claim(entry: Mapping[str, Any]) -> Claim:
    paper, _, name = entry["claim"].rpartition("/")
    return Claim(
        paper,
        name,
        entry["statement"],
        entry["figure"],
        entry["criterion"],
        entry["verdict"],
        entry["reason"],
        tuple(_finding(finding) for finding in entry["findings"]),
        f"{counted(entry['cells'], 'cell')}, {entry['seconds']:.3g} s",
    )


def _finding(finding: Mapping[str, Any]) -> str:
    ends = (finding["estimate"], finding["low"], finding["high"])
    shown = ["unbounded" if end is None else number(end) for end in ends]
    measured = "" if ends[0] is None else f": {shown[0]} [{shown[1]}, {shown[2]}]"
    return f"{finding['verdict']}: {finding['what']}{measured}; wanted {finding['bound']}"
