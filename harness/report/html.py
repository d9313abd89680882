"""Pages that are one file and need nothing else: their frame, their scripts, the policy that forbids all the rest."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from harness.report.embed import packed
from harness.report.wording import counted, readable

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE = "harness.report"


def html(template: str, scripts: Sequence[str], data: Any, **shown: Any) -> str:
    """A page.

    Args:
        template: the name of one that extends `page.html.j2`.
        scripts: names of scripts, in the order in which they use each other; together they are one module.
        data: what they draw.
        shown: what the template shows.
    """
    from plotly.offline import get_plotlyjs

    script = "\n".join(_text(f"static/{name}.js") for name in scripts)
    plotly: str = get_plotlyjs()
    made = _environment().get_template(template)
    embedded = {"data": packed(data), "style": _text("static/report.css"), "script": script, "plotly": plotly}
    return made.render(**shown, **embedded, policy=_policy(script, plotly))


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
