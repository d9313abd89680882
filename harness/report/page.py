"""A report as one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

from typing import Any

from harness.report.html import html
from harness.report.report import Report

_SCRIPTS = ("elements", "theme", "tables", "figures", "comparison", "sections", "live", "main")
_OPEN = 3
"""So many tasks are shown unfolded."""


def page(report: Report, *, reload_seconds: float | None = None) -> str:
    """The page; one that reloads itself while the run goes on, if it says how often."""
    return html(
        "report.html.j2", _SCRIPTS, _data(report, reload_seconds), report=report, live=reload_seconds is not None
    )


def _data(report: Report, reload_seconds: float | None) -> dict[str, Any]:
    return {
        "title": report.title,
        "things": "tasks",
        "index": report.index and report.index.plain(),
        "sections": [section.plain() for section in report.sections],
        "across": [part.plain() for part in report.across],
        "figures": [figure.plain() for figure in report.figures],
        "open": len(report.sections) <= _OPEN,
        "reload": reload_seconds,
        "run": [source.name for source in report.sources],
    }
