"""`harness speed`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.say import say
from harness.cli.speed_history import history
from harness.cli.warnings import warn

if TYPE_CHECKING:
    from harness.speed.suites import SpeedSuite

_SUITES = click.argument("suites", nargs=-1, type=click.Path(path_type=Path), metavar="[SUITE]...")
_STORE = click.option("--store", type=click.Path(path_type=Path), help="Folder of runs.  [default: reports]")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
_ONLY = click.option(
    "--only", multiple=True, metavar="PATTERN", help="Only operations whose task, model, backend or owner matches."
)
_SCALE = click.option("--scale", type=click.Choice(["smoke", "claim", "paper"]), help="Size of all problems.")
_BUDGET = click.option("--budget", type=click.FloatRange(0, min_open=True), metavar="MINUTES", help="Time for all.")


@click.group("speed")
def command() -> None:
    r"""What operations cost: beside a baseline, beside another commit, and over the history.

    \b
    Exit codes of `check`: 0 nothing got slower, 6 something did, 3 something
    does not run, 7 it cannot be said.
    """


@command.command("run")
@_SUITES
@_SCALE
@_ONLY
@_BUDGET
@_STORE
@_JSON
@click.pass_context
def run(
    ctx: click.Context,
    suites: tuple[Path, ...],
    scale: str | None,
    only: tuple[str, ...],
    budget: float | None,
    store: Path | None,
    as_json: bool,
) -> None:
    """Measure the operations of SUITEs (default: those in suites/speed), and store what they take.

    In each of several rounds every operation gets a fresh process; those of a task take turns with each other.
    """
    from dataclasses import asdict

    from harness.api import store_folder
    from harness.errors import ExitCode
    from harness.speed.measure import run as measure
    from harness.speed.store import save
    from harness.timing.rounds import Effort

    runs = []
    read = _read(suites, scale, only)
    for suite in read:
        effort = Effort(seconds=60 * budget / len(read)) if budget else None
        with _progress() as tell:
            made = measure(suite, effort=effort, say=tell)
        path = save(store_folder(store), made)
        runs.append(made)
        if not as_json:
            from harness.cli.speed_tables import print_run

            print_run(made)
            say(f"stored in {path}")
    if as_json:
        click.echo(json.dumps([asdict(one) for one in runs], indent=2))
    failed = any(measured.outcome == "failed" for one in runs for measured in one.operations)
    ctx.exit(ExitCode.CASES_FAILED if failed else ExitCode.OK)


@command.command("check")
@click.argument("base", required=False)
@click.option("--suite", "suites", multiple=True, type=click.Path(path_type=Path), help="Default: all of suites/speed.")
@_SCALE
@_ONLY
@_BUDGET
@_JSON
@click.pass_context
def check(
    ctx: click.Context,
    base: str | None,
    suites: tuple[Path, ...],
    scale: str | None,
    only: tuple[str, ...],
    budget: float | None,
    as_json: bool,
) -> None:
    """Say which operations got slower from the commit BASE to the working tree.

    BASE is by default the last commit if something has changed since, else the one before. Both versions are measured
    side by side, in fresh processes; what seems slower is measured again from nothing.
    """
    import math

    from harness.cli.speed_tables import print_checked
    from harness.speed.check import check as compare

    with _progress() as tell:
        seconds = 60 * budget if budget else math.inf
        found = compare(_read(suites, scale, only), base, seconds=seconds, say=tell)
    if as_json:
        click.echo(json.dumps(found.plain(), indent=2))
    else:
        print_checked(found)
    ctx.exit(found.exit_code)


@command.command("record")
@click.option("--config", type=click.Path(path_type=Path), default=Path("asv.conf.json"), show_default=True)
@_STORE
def record(config: Path, store: Path | None) -> None:
    """Write what `harness speed run` has measured of the current commit into asv's results.

    From then on `asv show`, `asv compare`, `asv publish` and `asv preview` know it.
    """
    from harness.api import store_folder
    from harness.builtin import asv_tree
    from harness.errors import HarnessError
    from harness.speed.sides import Repository
    from harness.speed.store import speed_runs

    commit = Repository(Path()).commit("HEAD")
    runs = [one for one in speed_runs(store_folder(store), warn) if one.commit == commit]
    whole = [one for one in runs if not one.dirty and any(measured.outcome == "ok" for measured in one.operations)]
    if not whole:
        dirty = any(one.dirty for one in runs)
        why = " but with uncommitted changes (`git status`): commit or ignore them" if dirty else ""
        raise HarnessError(f"nothing has been measured of commit {commit[:10]}{why}; `harness speed run` measures")
    for one in whole:
        say(f"{one.id}: recorded in {asv_tree.record(config, one)}")


@command.command("selftest")
@click.option("--pairs", type=click.IntRange(16), default=48, show_default=True, help="Pairs of processes, twice.")
@click.option("--planted", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Slow-down, as a share.")
@_JSON
def selftest(pairs: int, planted: float, as_json: bool) -> None:
    """Say what `check` can see on this machine: its false alarms, and the smallest slow-down that it finds."""
    from dataclasses import asdict

    from harness.cli.speed_tables import print_seen
    from harness.speed.selftest import selftest as see

    with _progress() as tell:
        seen = see(pairs, planted, say=tell)
    if as_json:
        click.echo(json.dumps(asdict(seen), indent=2))
    else:
        print_seen(seen)


command.add_command(history)


def _read(paths: Sequence[Path], scale: str | None, only: Sequence[str]) -> list[SpeedSuite]:
    from harness.speed.suites import find_suites, read

    return [read(path, scale=scale, only=only, warn=warn) for path in find_suites(paths, Path())]


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line on the terminal that says what is being done; nothing where nobody looks."""
    from harness.tables import console, inert

    with console(stderr=True).status("starting") as status:
        yield lambda text: status.update(inert(text))
