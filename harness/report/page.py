"""A report as one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from harness.report.embed import packed
from harness.report.report import Report
from harness.report.wording import counted, readable

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE = "harness.report"
_SCRIPTS = ("elements", "theme", "tables", "figures", "sections", "live", "main")
"""One module, in the order in which its parts use each other."""
_OPEN = 3
"""So many tasks are shown unfolded."""


def page(report: Report, *, reload_seconds: float | None = None) -> str:
    """The page; one that reloads itself while the run goes on, if it says how often."""
    from plotly.offline import get_plotlyjs

    script = "\n".join(_text(f"static/{name}.js") for name in _SCRIPTS)
    plotly: str = get_plotlyjs()
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            data=packed(_data(report, reload_seconds)),
            style=_text("static/report.css"),
            script=script,
            plotly=plotly,
            policy=_policy(script, plotly),
            live=reload_seconds is not None,
        )
    )


def _data(report: Report, reload_seconds: float | None) -> dict[str, Any]:
    return {
        "title": report.title,
        "index": report.index and report.index.plain(),
        "sections": [section.plain() for section in report.sections],
        "across": [part.plain() for part in report.across],
        "figures": [figure.plain() for figure in report.figures],
        "open": len(report.sections) <= _OPEN,
        "reload": reload_seconds,
        "run": [source.name for source in report.sources],
    }


def _policy(*scripts: str) -> str:
    """The Content-Security-Policy: nothing is loaded from anywhere, and no script runs but ours."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: readable(value) if type(value) is str else value,
    )
    made.filters["counted"] = counted
    return made


def _text(name: str) -> str:
    return files(_PACKAGE).joinpath(name).read_text(encoding="utf-8")
