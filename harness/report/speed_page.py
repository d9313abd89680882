"""The histories of operations as one HTML file: a folded section for each, drawn when it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.figures.history import figures
from harness.report.html import html
from harness.report.table import Column, Row, Table, sortable
from harness.report.wording import counted, probability
from harness.speed.history import LEAST, Change, Histories, History
from harness.speed.record import OperationKey

_SCRIPTS = ("elements", "theme", "tables", "figures", "history", "sections", "live", "main")
_OPEN = 3
"""So many operations are shown unfolded."""
_CHANGES = 50
"""So many commits are listed with what they changed; the sections have all."""
_INDEX = (
    Column("operation", "Task, operation, model and backend", numeric=False),
    Column("machines", "Each is judged by itself"),
    Column("commits", "That were measured on any of them"),
    Column("changes", "Levels that ended"),
    Column("last change", "Of the levels on any machine", numeric=False),
)
_COLUMNS = (
    Column("commit", "The first of the new level that was measured", numeric=False),
    Column("subject", "What the commit says of itself", numeric=False),
    Column("date", "When it was committed", numeric=False),
    Column("machine", "On which the level changed", numeric=False),
    Column("change", "Median of the new level against the old"),
    Column("time", "What was judged", numeric=False),
    Column("p", "Of the permutation test: how often chance makes as much of a step"),
)


def speed_page(histories: Histories) -> str:
    """The page."""
    operations: dict[OperationKey, list[History]] = {}
    for history in histories.found:
        operations.setdefault(history.key, []).append(history)
    sections = {f"operation-{index}": alike for index, alike in enumerate(operations.values())}
    return html(
        "history.html.j2",
        _SCRIPTS,
        _data(sections),
        operations=len(operations),
        commits=len({point.commit for history in histories.found for point in history.points}),
        changes=histories.by_commit[:_CHANGES],
        unsaid=max(0, len(histories.by_commit) - _CHANGES),
        machines=list(dict.fromkeys(history.machine for history in histories.found)),
        least=f"{100 * (LEAST - 1):.3g} %",
        left_out=histories.left_out,
    )


def _data(sections: Mapping[str, Sequence[History]]) -> dict[str, Any]:
    """As `static/main.js` reads it."""
    return {
        "things": "operations",
        "index": Table("Operations", _INDEX, tuple(_entry(*one) for one in sections.items())).plain(),
        "sections": [_section(*one) for one in sections.items()],
        "across": [],
        "figures": [],
        "open": len(sections) <= _OPEN,
        "reload": None,
        "run": [],
    }


def _entry(section_id: str, alike: Sequence[History]) -> Row:
    changes = [change for history in alike for change in history.changes]
    last = max(changes, key=lambda change: change.candidates[-1].place, default=None)
    commits = {point.commit for history in alike for point in history.points}
    told = f"{last.size}, {last.candidates[-1].day}" if last else ""
    return Row((str(alike[0].key), str(len(alike)), str(len(commits)), str(len(changes)), told), target=section_id)


def _section(section_id: str, alike: Sequence[History]) -> dict[str, Any]:
    key = alike[0].key
    rows = tuple(_row(history, change) for history in alike for change in history.changes)
    return {
        "id": section_id,
        "title": str(key),
        "subtitle": f"{counted(len(rows), 'change')} on {counted(len(alike), 'machine')}",
        "table": Table(f"Changes of {key}", _COLUMNS, rows).plain(),
        "notes": [history.verdict for history in alike if not history.changes],
        "figures": [figure.plain() for figure in figures(alike, section_id)],
    }


def _row(history: History, change: Change) -> Row:
    commit = change.candidates[-1]
    first = commit.short if len(change.candidates) == 1 else f"one of {len(change.candidates)} up to {commit.short}"
    size = sortable(change.size, change.ratio)
    judged = f"{history.quantity.label}{history.reservation(change)}"
    return Row((first, commit.subject, commit.day, history.machine.name, size, judged, probability(change.p_value)))
