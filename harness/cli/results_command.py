"""`harness results`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command("results")
@click.argument("run", required=False)
@click.option("--store", type=click.Path(path_type=Path), help="Folder of runs.  [default: reports]")
@click.option("--runs", "list_runs", is_flag=True, help="List the runs instead.")
@click.option("--task", metavar="PATTERN", help="Only tasks that match.")
@click.option("--model", metavar="PATTERN", help="Only models that match.")
@click.option("--metric", metavar="PATTERN", help="Only metrics that match.")
@click.option("--status", help="Only cases of this status.")
@click.option("--rows", is_flag=True, help="Every row instead of the ranking.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the rows as CSV.")
def command(
    run: str | None,
    store: Path | None,
    list_runs: bool,
    task: str | None,
    model: str | None,
    metric: str | None,
    status: str | None,
    rows: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Show the results of RUN (part of its name is enough; the default is the latest)."""
    from harness.api import store_folder
    from harness.cli.filtering import matching
    from harness.store.store import Store

    opened = Store(store_folder(store))
    if list_runs:
        _print_runs(opened, as_json)
        return
    table = opened.table(opened.find(run))
    patterns = {"task_label": task, "model_label": model, "metric": metric, "status": status}
    chosen = matching(table, {column: pattern for column, pattern in patterns.items() if pattern})
    if as_csv:
        click.echo(chosen.to_pandas().to_csv(index=False), nl=False)
    elif rows:
        _print_rows(chosen.to_pylist(), as_json)
    else:
        _print_summary(chosen, as_json)


def _print_runs(store: Any, as_json: bool) -> None:
    records = [store.record(run) for run in store.runs()]
    if as_json:
        kept = [{key: value for key, value in record.items() if key != "fingerprints"} for record in records]
        click.echo(json.dumps(kept, indent=2))
        return
    for record in records:
        counts = ", ".join(f"{count} {status}" for status, count in record["statuses"].items())
        ended = "interrupted" if record["interrupted"] else "" if record["finished_at"] else "not finished"
        click.echo("  ".join(part for part in (record["run"], f"{record['cases']} cases", counts, ended) if part))


def _print_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2, default=str))
        return
    from harness.tables import printable

    for row in rows:
        cell = f"{row['task_label']}  {row['model_label']}  seed {row['seed']}  {row['status']}"
        at = f" at {row['coordinates']}" if row["coordinates"] else ""
        value = f"  {row['metric']} = {row['value']:.6g} {row['unit']}{at}" if row["metric"] else f"  {row['error']}"
        click.echo(printable(cell + value))


def _print_summary(table: Any, as_json: bool) -> None:
    from harness.summary import summarize

    summaries = summarize(table)
    if as_json:
        click.echo(json.dumps([summary.plain() for summary in summaries], indent=2))
        return
    from harness.tables import console, print_summaries

    print_summaries(summaries, console())
