"""`harness speed history`."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.say import say
from harness.cli.warnings import warn

if TYPE_CHECKING:
    from harness.speed.history import Histories, History

_WIDTH = 80
"""Columns of a plot where the output is no terminal."""


@click.command("history")
@click.argument("operation", required=False)
@click.option("--store", type=click.Path(path_type=Path), help="Folder of runs.  [default: reports]")
@click.option("--machine", metavar="PART", help="Only machines whose name contains this.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page that needs nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def history(operation: str | None, store: Path | None, machine: str | None, html: Path | None, as_json: bool) -> None:
    """Show what operations have cost from commit to commit, and which commits have changed it.

    OPERATION is a part of the name of one or several, or a glob; they are plotted. Without it all are listed. The
    commits are those of the repository in the working directory, along the first parents of HEAD.
    """
    from harness.api import store_folder
    from harness.errors import HarnessError
    from harness.speed.commits import read_commits
    from harness.speed.gather import gather
    from harness.speed.store import speed_runs

    folder = store_folder(store)
    if html is not None:
        from harness.cli.output import check_output

        check_output(html, "history.html")
    runs = speed_runs(folder, warn)
    if not runs:
        raise HarnessError(f"{folder}: there are no speed runs; `harness speed run SUITE` makes them")
    histories = gather(runs, read_commits(Path.cwd()), operation, machine)
    if html is not None:
        _write(html, histories)
    if as_json:
        say(json.dumps(histories.plain(), indent=2, allow_nan=False))
    elif html is not None:
        say(str(html))
    else:
        _print(histories, plots=operation is not None)


def _write(path: Path, histories: Histories) -> None:
    from harness.errors import HarnessError
    from harness.report.speed_page import speed_page
    from harness.store.files import write_atomically

    text = speed_page(histories)
    try:
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise HarnessError(f"{path} cannot be written: {error.strerror}") from error


def _print(histories: Histories, *, plots: bool) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    lines = _plotted(histories, encoding) if plots else _listed(histories)
    for line in lines:
        say(line.encode(encoding, errors="replace").decode(encoding))
    for reason, count in histories.left_out.items():
        say(f"left out, {reason}: {count}")


def _plotted(histories: Histories, encoding: str) -> Iterator[str]:
    from harness.speed.plot import glyphs, plot

    width = min(shutil.get_terminal_size((_WIDTH, 24)).columns, 120)
    for one in histories.found:
        yield str(one.key)
        yield f"time {one.quantity.label}, on {one.machine.name}"
        yield from plot(one, width, glyphs(encoding))
        for number, change in enumerate(one.changes, 1):
            yield f"{number:3}  {change.origin} {one.effect(change)}"
        if not one.changes:
            yield f"     {one.verdict}"
        yield ""


def _listed(histories: Histories) -> Iterator[str]:
    """A line for each operation and machine, and the changes by commit."""
    named = None
    for one in histories.found:
        if one.key != named:
            named = one.key
            yield str(named)
        yield f"  {_state(one)}"
    yield ""
    for origin, alike in histories.by_commit:
        yield origin
        for one, change in alike:
            yield f"  {one.key} {one.effect(change)}"
    if not histories.by_commit:
        yield "no changes"


def _state(one: History) -> str:
    if not one.changes:
        return f"{one.latest}, {one.verdict}"
    return f"{one.latest}, {one.changes[-1].size} since {one.changes[-1].candidates[-1].short}, on {one.machine.name}"
