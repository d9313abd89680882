"""`harness run`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.execution import announce, relative, stop_gently
from harness.cli.say import say
from harness.cli.warnings import warn

if TYPE_CHECKING:
    from harness.api import Prepared, RunResult
    from harness.errors import ExitCode


@click.command("run")
@click.argument("suite", type=click.Path(path_type=Path))
@click.option(
    "-j", "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Cases at a time; timed ones run alone."
)
@click.option("--scale", type=click.Choice(["smoke", "claim", "paper"]), help="Size of all problems, over the suite's.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override the suite: seeds=3, matrix.0.seeds=1."
)
@click.option(
    "--only", multiple=True, metavar="PATTERN", help="Only cases whose task, model, backend or owner matches."
)
@click.option("--fresh", is_flag=True, help="Run everything, even what is up to date.")
@click.option(
    "--check-determinism", is_flag=True, help="Run everything twice, in differently polluted processes, and compare."
)
@click.option("--dry-run", is_flag=True, help="Print the cases and why each would run; run nothing.")
@click.option("--store", type=click.Path(path_type=Path), help="Folder of runs.  [default: reports]")
@click.option("--no-mlflow", is_flag=True, help="Do not log to MLflow.")
@click.option("--shuffle", type=int, metavar="SEED", help="Run the cases in another order; the results are the same.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    suite: Path,
    jobs: int,
    scale: str | None,
    overrides: tuple[str, ...],
    only: tuple[str, ...],
    fresh: bool,
    check_determinism: bool,
    dry_run: bool,
    store: Path | None,
    no_mlflow: bool,
    shuffle: int | None,
    as_json: bool,
) -> None:
    """Run SUITE (a YAML file): every task with every model, backend and seed, each case in a process of its own.

    What earlier runs have done, and is up to date, is reused.
    """
    from harness.api import prepare, start

    # the last one is called first: the display ends before MLflow is waited for
    builtin = ["backends"] if dry_run else ["backends", "store", *([] if no_mlflow else ["mlflow"]), "progress"]
    fresh = fresh or check_determinism
    prepared = prepare(
        suite, store=store, overrides=overrides, scale=scale, only=only, fresh=fresh, builtin=builtin, warn=warn
    )
    if dry_run:
        _print_plan(prepared, jobs, as_json)
        return
    announce(prepared)
    if check_determinism:
        ctx.exit(_check_determinism(prepared, jobs, as_json))
    result = start(prepared, jobs=jobs, shuffle=shuffle, stop=stop_gently())
    _print_result(result, as_json)
    ctx.exit(result.exit_code)


def _print_plan(prepared: Prepared, jobs: int, as_json: bool) -> None:
    plan = prepared.plan
    if as_json:
        rows = [
            {
                "case": planned.case.id,
                "task": planned.case.task.label,
                "model": planned.case.model.label,
                "backend": planned.case.backend.label,
                "seed": planned.case.seed,
                "scale": planned.case.scale,
                "action": "run" if planned.to_run else "skip" if planned.skipped else "reuse",
                "reason": planned.reason or planned.skipped,
                "expected_seconds": planned.expected_seconds,
            }
            for planned in plan
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    from harness.tables import duration

    for planned in plan:
        action = f"run ({planned.reason})" if planned.to_run else planned.skipped or "reuse"
        say(f"{planned.case}: {action}, {duration(planned.expected_seconds)}")
    to_run = [planned for planned in plan if planned.to_run]
    known = [planned.expected_seconds for planned in to_run if planned.expected_seconds is not None]
    estimate = ""
    if known:
        unknown = len(to_run) - len(known)
        estimate = f", about {duration(sum(known) / len(known) * len(to_run) / jobs)}"
        estimate += f" ({unknown} never ran before)" if unknown else ""
    say(f"{len(plan)} cases, {len(to_run)} to run{estimate}")


def _check_determinism(prepared: Prepared, jobs: int, as_json: bool) -> ExitCode:
    """Run everything twice and name what differs."""
    from harness.determinism import check_determinism

    found = check_determinism(prepared, jobs=jobs, new_stop=stop_gently)
    if as_json:
        plain = {"runs": [run.id for run in found.runs], "cases": found.compared}
        click.echo(json.dumps({**plain, "differences": [asdict(one) for one in found.differences]}, indent=2))
        return found.exit_code
    for one in found.differences:
        say(f"{one.case}: {one.what} is {one.first!r}, then {one.second!r}")
    differing = len({one.case for one in found.differences})
    outcome = f"{differing} not deterministic" if differing else "the same bits each time"
    if found.compared < len(prepared.plan):
        outcome += f"; {len(prepared.plan) - found.compared} did not run twice"
    say(f"cases that ran twice: {found.compared}, {outcome}; results in {' and '.join(run.id for run in found.runs)}")
    return found.exit_code


def _print_result(result: RunResult, as_json: bool) -> None:
    from harness.store.store import Store
    from harness.summary import summarize

    summaries = summarize(Store(result.directory.parent).table(result.id))
    if as_json:
        plain = [summary.plain() for summary in summaries]
        click.echo(json.dumps({"run": result.id, "statuses": result.statuses, "tasks": plain}, indent=2))
        return
    from harness.tables import console, print_summaries

    print_summaries(summaries, console())
    counted = ", ".join(f"{count} {status}" for status, count in sorted(result.statuses.items()))
    say(f"{counted}; results in {relative(result.directory)}")
