"""`harness schema`."""

from __future__ import annotations

import json

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of suite files.

    An editor that speaks YAML uses it when a suite begins with `# yaml-language-server: $schema=suite.schema.json`.
    """
    from harness.suite.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
