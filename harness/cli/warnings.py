"""How warnings reach the person at the terminal."""

from __future__ import annotations

import click


def warn(message: str) -> None:
    """One line on stderr."""
    click.echo(f"warning: {message}", err=True)
