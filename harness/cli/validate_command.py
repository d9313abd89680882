"""`harness validate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from harness.cli.say import say
from harness.cli.warnings import warn
from harness.errors import ExitCode, HarnessError


@click.command("validate")
@click.argument("suites", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a suite's value first.")
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
@click.pass_context
def command(ctx: click.Context, suites: tuple[Path, ...], overrides: tuple[str, ...], as_json: bool) -> None:
    """Check SUITES: form, names, parameters, protocols. Every problem is told with its file, line and column."""
    from harness.plugins import Plugins
    from harness.registry.catalogue import Catalogue
    from harness.suite.load import load

    plugins, catalogue = Plugins(warn=warn), Catalogue()
    for text in catalogue.discovery.warnings:
        warn(text)
    backends = plugins.backends()
    found: list[dict[str, Any]] = []
    for path in suites:
        try:
            suite = load(path, catalogue, backends, overrides)
        except HarnessError as error:
            found += _plain(error)
            if not as_json:
                say(str(error), err=True)
            continue
        if not as_json:
            cells = sum(len(b.tasks) * len(b.models) * len(b.backends) * len(b.seeds) for b in suite.blocks)
            say(f"{path}: ok, {cells} cases")
    if as_json:
        click.echo(json.dumps(found, indent=2))
    ctx.exit(ExitCode.BAD_INPUT if found else ExitCode.OK)


def _plain(error: HarnessError) -> list[dict[str, Any]]:
    from harness.suite.problems import SuiteError

    if not isinstance(error, SuiteError):
        return [{"message": str(error)}]
    return [
        {"file": p.mark.source, "line": p.mark.line, "column": p.mark.column, "message": p.message}
        for p in error.problems
    ]
