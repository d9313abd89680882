"""`harness results`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.say import say
from harness.cli.warnings import warn
from harness.errors import ExitCode

if TYPE_CHECKING:
    from harness.store.store import Store


@click.command("results")
@click.argument("run", required=False)
@click.option("--store", type=click.Path(path_type=Path), help="Folder of runs.  [default: reports]")
@click.option("--runs", "list_runs", is_flag=True, help="List the runs instead.")
@click.option("--check", is_flag=True, help="Look for damage instead: in RUN, or in every run.")
@click.option("--task", metavar="PATTERN", help="Only tasks that match.")
@click.option("--model", metavar="PATTERN", help="Only models that match.")
@click.option("--metric", metavar="PATTERN", help="Only metrics that match.")
@click.option("--status", help="Only cases of this status.")
@click.option("--rows", is_flag=True, help="Every row instead of the ranking.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the rows as CSV.")
@click.pass_context
def command(
    ctx: click.Context,
    run: str | None,
    store: Path | None,
    list_runs: bool,
    check: bool,
    task: str | None,
    model: str | None,
    metric: str | None,
    status: str | None,
    rows: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Show the results of RUN (part of its name is enough; the default is the latest).

    With --check the exit code is 5 if anything is wrong.
    """
    from harness.api import store_folder
    from harness.cli.filtering import matching
    from harness.store.store import Store

    opened = Store(store_folder(store), warn)
    if check:
        ctx.exit(_check(opened, run, as_json))
    if list_runs:
        _print_runs(opened, as_json)
        return
    table = opened.table(opened.find(run))
    patterns = {"task_label": task, "model_label": model, "metric": metric, "status": status}
    chosen = matching(table, {column: pattern for column, pattern in patterns.items() if pattern})
    if as_csv:
        say(chosen.to_pandas().to_csv(index=False), nl=False)
    elif rows:
        _print_rows(chosen.to_pylist(), as_json)
    else:
        _print_summary(chosen, as_json)


def _check(store: Store, run: str | None, as_json: bool) -> ExitCode:
    from harness.store.check import problems, stored

    runs = stored(store) if run is None else [store.find(run)]
    found = [problem for one in runs for problem in problems(store, one)]
    damaged = {problem.run for problem in found if not problem.harmless}
    if as_json:
        click.echo(json.dumps({"runs": len(runs), "problems": [asdict(problem) for problem in found]}, indent=2))
    else:
        for problem in found:
            say(str(problem))
        counted = f"{len(runs)} run{'s' * (len(runs) != 1)}"
        say(f"{counted}, something is wrong with {len(damaged)}" if damaged else f"{counted}, all whole")
    return ExitCode.STORE_FAILED if damaged or store.incomplete else ExitCode.OK


def _print_runs(store: Store, as_json: bool) -> None:

    records = dict(store.records(store.runs()))
    if as_json:
        kept = [{key: value for key, value in record.items() if key != "fingerprints"} for record in records.values()]
        click.echo(json.dumps(kept, indent=2))
        return
    for run, record in records.items():
        counts = ", ".join(f"{count} {status}" for status, count in record["statuses"].items())
        ended = "interrupted" if record["interrupted"] else "" if record["finished_at"] else "not finished"
        parts = (run, f"{record['cases']} cases", counts, ended)
        say("  ".join(part for part in parts if part))


def _print_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2, default=str))
        return
    from harness.quoting import one_line

    for row in rows:
        tries = f" at attempt {row['attempts']}" if row["attempts"] > 1 else ""
        at = f" at {row['coordinates']}" if row["coordinates"] else ""
        value = f"{row['metric']} = {row['value']:.6g} {row['unit']}{at}" if row["metric"] else str(row["error"])
        cell = (row["task_label"], row["model_label"], f"seed {row['seed']}", f"{row['status']}{tries}", value)
        say("  ".join(map(one_line, cell)))


def _print_summary(table: Any, as_json: bool) -> None:
    from harness.summary import summarize

    summaries = summarize(table)
    if as_json:
        click.echo(json.dumps([summary.plain() for summary in summaries], indent=2))
        return
    from harness.tables import console, print_summaries

    print_summaries(summaries, console())
