"""`harness report`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness.cli.comparison_options import comparison_options
from harness.cli.output import check_output
from harness.cli.say import say

if TYPE_CHECKING:
    from harness.compare.options import Options
    from harness.report.live import Progress

_NAME = "report.html"
_Command = TypeVar("_Command", bound=Callable[..., Any])
_OPTIONS = (
    click.option("--store", type=click.Path(path_type=Path), help="Folder of runs.  [default: reports]"),
    click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write."),
    comparison_options,
    click.option(
        "--every",
        type=click.FloatRange(0.5),
        default=5.0,
        show_default=True,
        metavar="SECONDS",
        help="How often to look.",
    ),
)


def page_options(command: _Command) -> _Command:
    """The options that `harness report` and `harness watch` share."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("report")
@click.argument("run", required=False)
@click.argument("other", required=False)
@click.option(
    "--format", "form", type=click.Choice(["html", "markdown"]), default="html", show_default=True, help="Of the file."
)
@click.option("--live", is_flag=True, help="Follow a run that goes on, as `harness watch` does.")
@page_options
def command(
    run: str | None,
    other: str | None,
    form: str,
    live: bool,
    store: Path | None,
    output: Path | None,
    every: float,
    **choices: Any,
) -> None:
    """Write a report of RUN, or of RUN and an OTHER, later run: one file that needs nothing else.

    A run is named as for `harness compare`. The page is written into the run's folder; Markdown is printed.
    """
    from harness.api import store_folder
    from harness.cli.sources import run_folder
    from harness.compare.options import Options

    folders = [run_folder(one, store_folder(store)) for one in ([run] if other is None else [run, other])]
    chosen = Options(**choices)
    if live:
        if other is not None or form == "markdown":
            raise click.UsageError("--live follows one run, as a page")
        follow_run(folders[0], output, chosen, every)
    elif form == "markdown":
        _markdown(folders, output, chosen)
    else:
        _html(folders, output, chosen)


def follow_run(folder: Path, output: Path | None, options: Options, every: float) -> None:
    """Keep the page of a run up to date until the run ends, and say how far it is; Ctrl-C ends it."""
    from harness.report.live import follow

    path = _target([folder], output)
    say(f"the page: {path}")
    following = follow(folder, path, options, every)
    try:
        for one in following:
            _say(one)
    except KeyboardInterrupt:
        following.close()
        say(f"not watched any more; the page as it was last: {path}")


def _say(progress: Progress) -> None:
    say(f"{progress}{'; finished' if progress.finished else ''}")


def _html(folders: list[Path], output: Path | None, options: Options) -> None:
    from harness.report.live import write_page

    path = _target(folders, output)
    write_page(folders, path, options)
    say(str(path))


def _markdown(folders: list[Path], output: Path | None, options: Options) -> None:
    from harness.report.markdown import markdown
    from harness.report.report import gather
    from harness.report.source import read_source
    from harness.store.files import write_atomically

    text = markdown(gather([read_source(folder) for folder in folders], options))
    if output is None:
        say(text, nl=False)
    else:
        check_output(output, _NAME)
        write_atomically(output, lambda temporary: temporary.write_text(text, encoding="utf-8"))
        say(str(output))


def _target(folders: list[Path], output: Path | None) -> Path:
    """Where the page goes: where it was asked for, or into the folder of the (later) run."""
    if output is None:
        name = _NAME if len(folders) == 1 else f"report-against-{folders[0].name}.html"
        return folders[-1] / name
    check_output(output, _NAME)
    return output
