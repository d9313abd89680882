"""The one way in which commands print text: whatever a plugin or a file has put into it, it is inert."""

from __future__ import annotations

import click

from harness.quoting import printable


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print lines, without anything that could do more than stand there (`harness.quoting.printable`)."""
    click.echo("\n".join(map(printable, text.expandtabs().split("\n"))), err=err, nl=nl)
