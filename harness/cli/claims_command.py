"""`harness claims`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import complete
from harness.cli.execution import announce, relative, stop_gently
from harness.cli.say import say
from harness.cli.warnings import warn
from harness.errors import ExitCode

if TYPE_CHECKING:
    from harness.api import Prepared, RunResult
    from harness.claims.choice import Chosen
    from harness.claims.verdicts import Record


@click.command("claims")
@click.argument("names", nargs=-1, metavar="[PAPER|FAMILY|PAPER/CLAIM]...", shell_complete=complete.owners)
@click.option(
    "-j", "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Cases at a time; timed ones run alone."
)
@click.option(
    "--scale",
    type=click.Choice(["smoke", "claim", "paper"]),
    default="claim",
    show_default=True,
    help="Size of the problems. `smoke` runs the first point of each grid with one seed and decides nothing.",
)
@click.option("--self-test", is_flag=True, help="Test the checks too: by sabotaged results none may hold.")
@click.option("--fresh", is_flag=True, help="Run everything, even what is up to date.")
@click.option("--dry-run", is_flag=True, help="Print the claims and how many cells they need; run nothing.")
@click.option("--store", type=click.Path(path_type=Path), help="Folder of runs and of the ledger.  [default: reports]")
@click.option("--ledger/--no-ledger", default=True, help="Whether to put the verdicts into the ledger.")
@click.option("--no-mlflow", is_flag=True, help="Do not log to MLflow.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    jobs: int,
    scale: str,
    self_test: bool,
    fresh: bool,
    dry_run: bool,
    store: Path | None,
    ledger: bool,
    no_mlflow: bool,
    as_json: bool,
) -> None:
    """Check what papers claim: run the cells that their claims need, and give a verdict on each.

    A cell that several claims need is run once, and not at all if an up-to-date result is in the store. The verdicts
    go to the run's folder and, unless the scale is `smoke`, to the ledger: claims.md in the store.
    """
    from harness.api import installed, prepare_suite, store_folder
    from harness.claims.choice import choose, union
    from harness.plugins import Plugins
    from harness.store.store import Store

    builtin = ["backends"] if dry_run else ["backends", "store", *([] if no_mlflow else ["mlflow"]), "progress"]
    plugins, catalogue = Plugins(builtin, warn), installed(warn)
    chosen = choose(names, catalogue, plugins.backends(), scale, warn)
    prepared = prepare_suite(union(chosen, scale), catalogue, plugins, Store(store_folder(store), warn), fresh=fresh)
    if dry_run:
        _print_plan(chosen, prepared, as_json=as_json)
        return
    announce(prepared)
    result, records = _run(prepared, chosen, jobs, tested=self_test and scale != "smoke")
    if ledger and scale != "smoke" and records:
        _keep(prepared, chosen, records, result)
    _print(records, result, as_json=as_json, decided=scale != "smoke")
    ctx.exit(_exit_code(records, result, decided=scale != "smoke"))


def _run(
    prepared: Prepared, chosen: Sequence[Chosen], jobs: int, *, tested: bool
) -> tuple[RunResult, Sequence[Record]]:
    from harness.api import start
    from harness.claims.record import judge
    from harness.claims.verdicts import write_verdicts
    from harness.running import Run

    records: list[Record] = []

    def conclude(run: Run) -> None:
        records.extend(judge(chosen, prepared.store.table(run.id), run.record(), tested=tested))
        write_verdicts(run.directory, records)

    return start(prepared, jobs=jobs, conclude=conclude, stop=stop_gently()), records


def _keep(prepared: Prepared, chosen: Sequence[Chosen], records: Sequence[Record], result: RunResult) -> None:
    from harness.claims.ledger import Ledger
    from harness.papers import Paper

    ledger, table = Ledger(prepared.store.root), prepared.store.table(result.id)
    for paper in dict.fromkeys(one.paper for one in chosen):
        card = prepared.catalogue.card(prepared.catalogue.owner(paper))
        assert isinstance(card, Paper)
        own = [one for one in chosen if one.paper == paper]
        names = {one.name for one in own}
        ledger.update(own, [record for record in records if record["claim"] in names], table, card.claims)
    ledger.write_page()


def _exit_code(records: Sequence[Record], result: RunResult, *, decided: bool) -> ExitCode:
    if result.exit_code is not ExitCode.OK:
        return result.exit_code
    failed = decided and any(record["verdict"] == "failed" for record in records)
    useless = any(not record["self_test"]["passed"] for record in records if decided and "self_test" in record)
    return ExitCode.CLAIMS_FAILED if failed or useless else ExitCode.OK


def _print_plan(chosen: Sequence[Chosen], prepared: Prepared, *, as_json: bool) -> None:
    waiting = {planned.case.id for planned in prepared.plan if planned.to_run}
    counts = {one.name: {case.id for case in one.cases} for one in chosen}
    if as_json:
        plan = [{"claim": name, "cells": len(ids), "to_run": len(ids & waiting)} for name, ids in counts.items()]
        click.echo(json.dumps(plan, indent=2))
        return
    for one in chosen:
        ids = counts[one.name]
        say(f"{one.name}: {len(ids)} cells, {len(ids & waiting)} to run. {one.claim.statement}")
    say(f"{len(prepared.plan)} cells in all, {len(waiting)} to run")


def _print(records: Sequence[Record], result: RunResult, *, as_json: bool, decided: bool) -> None:
    if as_json:
        click.echo(json.dumps({"run": result.id, "claims": list(records)}, indent=2))
        return
    from harness.claims.table import details, verdict_table
    from harness.tables import console

    if not decided:
        for record in records:
            say(f"{record['claim']}: {record['cells']} cells, checked; scale smoke decides nothing")
        return
    to = console()
    to.print(verdict_table(records))
    for line in details(records):
        to.print(line, soft_wrap=True)
    _print_counts(records, result)


def _print_counts(records: Sequence[Record], result: RunResult) -> None:
    counts: dict[str, Any] = {}
    for record in records:
        counts[record["verdict"]] = counts.get(record["verdict"], 0) + 1
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) or "interrupted: no verdict"
    say(f"{said}; evidence in {relative(result.directory)}")
