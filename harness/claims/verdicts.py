"""Verdicts as they are kept: the file in a run's folder, and how a finding reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from harness.store.damage import read_json
from harness.store.files import write_atomically

Record: TypeAlias = dict[str, Any]
"""A claim with its verdict, as JSON has it."""
VERDICTS = "verdicts.json"
"""The file of verdicts in a run's folder."""


def write_verdicts(folder: Path, records: Sequence[Record]) -> None:
    """Put the verdicts into a run's folder."""
    text = json.dumps(list(records), indent=1, ensure_ascii=False)
    write_atomically(folder / VERDICTS, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_verdicts(folder: Path) -> list[Record]:
    """The verdicts of a run; none if it tested none.

    Raises:
        DamagedError: they cannot be read.
    """
    path = folder / VERDICTS
    records: list[Record] = read_json(path) if path.is_file() else []
    return records


def finding_text(finding: dict[str, Any]) -> str:
    """A finding in a line."""
    text: str = finding["what"]
    if finding["estimate"] is not None:
        text += f" = {interval_text(finding)}"
    return f"{text}, {finding['bound']}: {finding['verdict']}" + (
        f" ({finding['reason']})" if finding["reason"] else ""
    )


def interval_text(finding: dict[str, Any]) -> str:
    """A finding's estimate with its interval."""
    text = number_text(finding["estimate"])
    if finding["low"] is not None and finding["low"] != finding["high"]:
        text += f" [{number_text(finding['low'])}, {number_text(finding['high'])}]"
    return text


def number_text(value: float | None) -> str:
    """Four significant digits, or nothing."""
    return "" if value is None else f"{value:.4g}"
