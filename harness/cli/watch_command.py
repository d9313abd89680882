"""`harness watch`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli.report_command import follow_run, page_options


@click.command("watch")
@click.argument("run", required=False)
@page_options
def command(run: str | None, store: Path | None, output: Path | None, every: float, **choices: Any) -> None:
    """Follow RUN (the default is the latest) with a page that keeps itself up to date until the run ends."""
    from harness.api import store_folder
    from harness.cli.sources import run_folder
    from harness.compare.options import Options

    follow_run(run_folder(run, store_folder(store)), output, Options(**choices), every)
