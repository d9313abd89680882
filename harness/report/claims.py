"""The verdicts on papers' claims that lie in a run's folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.checks.verdict import Verdict
from harness.claims.verdicts import VERDICTS, Record, finding_text, read_verdicts
from harness.errors import HarnessError
from harness.report.wording import counted


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
    try:
        return tuple(_claim(record) for record in read_verdicts(folder))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessError(f"{folder / VERDICTS} is not what `harness claims` writes: {error!r}") from error


def verdicts_text(verdicts: Iterable[str]) -> str:
    """How many there are of each, as `3 held, 1 failed`."""
    counts = Counter(verdicts)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])


def _claim(entry: Record) -> Claim:
    paper, _, name = entry["claim"].rpartition("/")
    return Claim(
        paper,
        name,
        entry["statement"],
        entry["figure"],
        entry["criterion"],
        entry["verdict"],
        entry["reason"],
        tuple(finding_text(finding) for finding in entry["findings"]),
        f"{counted(entry['cells'], 'cell')}, {entry['seconds']:.3g} s",
    )
