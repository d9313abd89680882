"""What the shell may complete: names of what is installed."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def owners(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Papers and families that begin with what is typed."""
    from harness.registry.discovery import discover

    return [CompletionItem(name) for name in discover().owners if name.startswith(typed)]


def names(ctx: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Papers and families; behind a slash, also the components of the one that is named."""
    owner, slash, _ = typed.partition("/")
    if not slash:
        return owners(ctx, parameter, typed)
    from harness.errors import HarnessError
    from harness.registry.catalogue import Catalogue

    catalogue = Catalogue()
    try:
        entries = list(catalogue.index.entries(catalogue.owner(owner)))
    except HarnessError:
        return []
    return [CompletionItem(entry.name) for entry in entries if entry.name.startswith(typed)]
