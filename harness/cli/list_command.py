"""`harness list`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from harness.cli import complete
from harness.cli.say import say
from harness.cli.warnings import warn

_KINDS = ("papers", "tasks", "models", "metrics", "backends", "suites")


@click.command("list")
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("owners", nargs=-1, metavar="[OWNER]...", shell_complete=complete.owners)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(kind: str, owners: tuple[str, ...], as_json: bool) -> None:
    """List what is installed; of tasks, models and metrics only those of the papers or families named as OWNER.

    Nothing is imported for it: names and summaries are read from the sources.
    """
    listed: Callable[[tuple[str, ...]], list[dict[str, Any]]] = _LISTS.get(
        kind, lambda owners: _components(kind, owners)
    )
    rows = listed(owners)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        said = " · ".join(str(value) for key, value in row.items() if key != "name" and value)
        say(f"{row['name']:<{width}}  {said}".rstrip())


def _papers(owners: tuple[str, ...]) -> list[dict[str, Any]]:
    from harness.registry.discovery import discover

    found = discover()
    for text in found.warnings:
        warn(text)
    wanted = {owner.replace("_", "-") for owner in owners}
    return [
        {"name": owner.name, "family": owner.family, "title": owner.title()}
        for owner in found.owners.values()
        if owner.kind == "paper" and (not wanted or wanted & {owner.name, owner.family})
    ]


def _components(kind: str, owners: tuple[str, ...]) -> list[dict[str, Any]]:
    from harness.errors import PluginError
    from harness.registry.catalogue import Catalogue

    catalogue = Catalogue()
    for text in catalogue.discovery.warnings:
        warn(text)
    rows = []
    for owner in [catalogue.owner(name) for name in owners] or catalogue.owners.values():
        try:
            entries = list(catalogue.index.entries(owner))
        except PluginError as error:
            warn(f"{owner.kind} {owner.name!r} is left out: {error}")
            continue
        rows += [
            {"name": entry.name, "role": entry.role, "summary": entry.summary}
            for entry in entries
            if entry.kind == kind.removesuffix("s")
        ]
    return rows


def _backends(_: tuple[str, ...]) -> list[dict[str, Any]]:
    from harness.components import summary
    from harness.plugins import Plugins

    rows = []
    for name, cls in Plugins(warn=warn).backends().items():
        reason = cls().unavailable()
        rows.append({"name": name, "available": reason is None, "reason": reason or "", "summary": summary(cls)})
    return [{**row, "available": "available" if row["available"] else "unavailable"} for row in rows]


def _suites(owners: tuple[str, ...]) -> list[dict[str, Any]]:
    from harness.suite.document import Document
    from harness.suite.problems import SuiteError

    folder = Path("suites")
    rows = []
    for path in sorted(folder.rglob("*.yaml")):
        try:
            data = Document.read(path).data
        except SuiteError as error:
            warn(str(error))
            continue
        description = data.get("description") if isinstance(data, dict) else None
        rows.append({"name": str(path), "description": " ".join(str(description or "").split())})
    if not folder.is_dir():
        warn("there is no folder called suites here")
    return [row for row in rows if not owners or any(owner in row["name"] for owner in owners)]


_LISTS: dict[str, Callable[[tuple[str, ...]], list[dict[str, Any]]]] = {
    "papers": _papers,
    "backends": _backends,
    "suites": _suites,
}
