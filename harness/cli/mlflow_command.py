"""`harness mlflow`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.say import say
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.builtin.mlflow_process import Outcome


@click.group("mlflow")
def command() -> None:
    """Logging to MLflow after the fact."""


@command.command("sync")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--all", "every", is_flag=True, help="Every run of the store.")
@click.option("--store", type=click.Path(path_type=Path), help="Folder of runs.  [default: reports]")
def sync(runs: tuple[str, ...], every: bool, store: Path | None) -> None:
    """Make MLflow have what the store has of RUNs (part of a name is enough; the default is the latest).

    What MLflow has already stays as it is: to upload twice is to upload once. The tracking server is
    $MLFLOW_TRACKING_URI, or mlflow.db in the store.
    """
    from harness.api import store_folder
    from harness.builtin.mlflow_process import shown, tracking_uri
    from harness.store.store import Store

    if runs and every:
        raise click.UsageError("name runs, or give --all: not both")
    opened = Store(store_folder(store))
    names = opened.runs() if every else list(dict.fromkeys(opened.find(run) for run in runs or (None,)))
    problems = {}
    for outcome in _upload([opened.root / name for name in names]):
        if outcome.problem is None:
            say(f"{outcome.run}: {_counts(outcome)}")
        else:
            problems[outcome.run] = outcome.problem
    if problems:
        uri = tracking_uri(opened.root)
        lines = [f"MLflow at {shown(uri, uri)} does not have everything:"]
        lines += [f"  {run}: {problem}" for run, problem in problems.items()]
        raise HarnessError("\n".join(lines))


def _upload(folders: Sequence[Path]) -> Iterator[Outcome]:
    """Upload runs in a process of its own, and tell what came of each."""
    if not folders:
        return
    from harness.builtin.mlflow_process import Outcome, early_end, launch

    left = [folder.name for folder in folders]
    with launch(folders) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if (outcome := Outcome.read(line)) and outcome.run in left:
                    left.remove(outcome.run)
                    yield outcome
            status = process.wait()
        finally:
            process.kill()  # it has ended, unless this one is interrupted
    for name in left:
        yield Outcome(name, problem=early_end(status) if status else "not tried after these failures")


def _counts(outcome: Outcome) -> str:
    if not outcome.uploaded + outcome.known:
        return "no cases of its own"
    return f"cases: {outcome.uploaded} uploaded, {outcome.known} there already"
