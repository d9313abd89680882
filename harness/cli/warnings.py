"""How warnings reach the person at the terminal."""

from __future__ import annotations

from harness.cli.say import say
from harness.quoting import one_line


def warn(message: str) -> None:
    """One line on stderr."""
    say(f"warning: {one_line(message)}", err=True)
