"""`harness compare`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.comparison_options import comparison_options
from harness.cli.say import say

if TYPE_CHECKING:
    from harness.compare.comparison import Comparison


@click.command("compare")
@click.argument("run", required=False)
@click.argument("other", required=False)
@click.option("--store", type=click.Path(path_type=Path), help="Folder of runs.  [default: reports]")
@click.option("--task", metavar="PATTERN", help="Only tasks that match.")
@click.option("--model", metavar="PATTERN", help="Only models that match.")
@comparison_options
@click.option("--json", "form", flag_value="json", help="Print JSON, with every pair.")
@click.option("--csv", "form", flag_value="csv", help="Print CSV, a row per model.")
@click.option("--latex", "form", flag_value="latex", help="Print LaTeX tables.")
def command(
    run: str | None,
    other: str | None,
    store: Path | None,
    task: str | None,
    model: str | None,
    form: str | None,
    **choices: Any,
) -> None:
    """Compare the models of RUN, or RUN with an OTHER, later run, model by model.

    A run is named by a part of its name, its folder, another store's folder (its latest run), or mlflow:NAME. The
    default is the latest run.
    """
    from harness.api import store_folder
    from harness.cli.sources import run_folder

    folders = [run_folder(one, store_folder(store)) for one in ([run] if other is None else [run, other])]
    comparison = _compared(folders, {"task_label": task, "model_label": model}, choices)
    if form is None:
        from harness.cli.comparison_tables import print_comparison
        from harness.tables import console

        print_comparison(comparison, console())
    else:
        say(_printed(comparison, form), nl=False)


def _compared(folders: list[Path], patterns: Mapping[str, str | None], choices: dict[str, Any]) -> Comparison:
    from harness.cli.filtering import matching
    from harness.compare.comparison import compare, compare_runs
    from harness.compare.options import Options
    from harness.errors import HarnessError
    from harness.store.store import Store

    stores = [Store(folder.parent) for folder in folders]
    names = [str(store.record(folder.name)["run"]) for store, folder in zip(stores, folders, strict=True)]
    chosen = {column: pattern for column, pattern in patterns.items() if pattern}
    tables = [matching(store.table(folder.name), chosen) for store, folder in zip(stores, folders, strict=True)]
    for name, table in zip(names, tables, strict=True):
        if not table.num_rows:
            problem = f"matches {' and '.join(chosen.values())}" if chosen else "has ended yet"
            raise HarnessError(f"{name}: no case {problem}")
    options = Options(**choices)
    if len(tables) == 1:
        return compare(tables[0], options)
    (first, second), (name, other) = tables, names
    return compare_runs(first, second, name, other, options)


def _printed(comparison: Comparison, form: str) -> str:
    if form == "json":
        return json.dumps(comparison.plain(), indent=2, allow_nan=False) + "\n"
    if form == "csv":
        from harness.compare.flat import as_csv

        return as_csv(comparison)
    from harness.compare.latex import as_latex

    return as_latex(comparison)
