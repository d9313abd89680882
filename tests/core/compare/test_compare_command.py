"""`harness compare`, from the command line to what it prints."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import Result

from harness.quoting import printable
from harness.store.store import RECORD, TABLE, Store

HOSTILE = ["[red]a/x[/red]", "a/x\x1b[31m", r"a/x\input{/etc/passwd}", 'a/"x",=1+1', "a/x$%&_#{}~^"]


@pytest.fixture
def ask(cli, runs: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command on the folder of runs: `ask("--json")`."""
    monkeypatch.setenv("HARNESS_COMPARE_STORE", str(runs))
    return lambda *arguments: cli("compare", *arguments)


@pytest.fixture
def stored(runs: Path, record: Callable[..., dict[str, Any]]) -> Callable[..., Path]:
    """Put a table into the store as a run: `stored("name", table)`."""

    def write(name: str, table: Any, root: Path = runs) -> Path:
        folder = root / name
        folder.mkdir(parents=True)
        pq.write_table(table, folder / TABLE)
        (folder / RECORD).write_text(json.dumps(record(name)))
        return folder

    return write


def clear(table, factor: float = 2.0, **more):
    return table({"a/x": [1.0, 2.0, 3.0], "a/y": [factor * value for value in (1.01, 2.0, 3.01)]}, **more)


def test_a_run_of_the_toys_is_compared(ask, cli, of) -> None:
    assert cli("run", of("guessing/mean", {"guessing/constant": {"value": [1.0, 2.0]}}, seeds=3)).exit_code == 0
    result = ask()
    assert result.exit_code == 0, result.output
    assert "guessing/constant(value=1)" in result.stdout
    assert "beside guessing/mean" in result.stdout
    assert "Holm's correction" in result.stdout
    assert "left out, as they are curves: error-curve" in result.stdout


def test_two_runs_of_the_toys_that_share_all_results(ask, cli, of, runs) -> None:
    for _ in range(2):
        assert cli("run", of("guessing/mean", {"guessing/constant": {"value": 1.0}}, seeds=2)).exit_code == 0
    result = ask(*Store(runs).runs())
    assert result.exit_code == 0, result.output
    assert "both runs hold the same results" in result.stdout


def test_a_winner_is_named_and_its_place_is_certain(ask, stored, table) -> None:
    stored("one", clear(table))
    result = ask("one")
    assert re.search(r"│ 1 │ a/x ", result.stdout)
    assert "a/x beats a/y by a factor of 2 [2, 2] on 3 of 3 instances (p < 0.001)" in result.stdout


def test_json_csv_and_latex_say_the_same(ask, stored, table) -> None:
    stored("one", clear(table))
    (task,) = json.loads(ask("--json").stdout)["tasks"]
    (pair,) = task["pairs"]
    lines = list(csv.DictReader(io.StringIO(ask("--csv").stdout)))
    latex = ask("--latex").stdout
    assert [line["model"] for line in lines] == ["a/x", "a/y"]
    assert float(lines[1]["effect"]) == pytest.approx(1 / pair["effect"]["estimate"])
    assert [line["best_place"] for line in lines] == ["1", "2"]
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") == 1
    assert r"\toprule" in latex
    assert latex.count("&") == 7 * 3


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_do_nothing(ask, stored, table, name) -> None:
    stored("one", table({name: [1.0, 2.0], "a/y": [1.1, 2.3]}, unit="[bold]s\x1b[1m"))
    shown = ask().stdout
    assert "\x1b" not in shown
    first, _ = csv.DictReader(io.StringIO(ask("--csv").stdout))
    assert first["model"] == printable(name)
    assert json.loads(ask("--json").stdout)["tasks"][0]["pairs"][0]["a"] == name
    latex = ask("--latex").stdout
    assert r"\input" not in latex
    assert "\x1b" not in latex
    for line in latex.splitlines():
        assert re.sub(r"\\.", "", line).count("$") % 2 == 0


def test_filters_and_metrics(ask, stored, table) -> None:
    from .conftest import rows

    found = [rows({"a/x": [1.0, 2.0], "a/y": [2.0, 3.0]}, metric=metric) for metric in ("error", "loss")]
    stored("one", table(*found, rows({"b/z": [1.0]}, task_label="b/task(n=1)")))
    tasks = json.loads(ask("--metric", "*", "--task", "a/*", "--json").stdout)["tasks"]
    assert [(task["task"], task["metric"]) for task in tasks] == [("a/task", "error"), ("a/task", "loss")]
    (task,) = json.loads(ask("--task", "b/task", "--json").stdout)["tasks"]
    assert task["arms"][0]["arm"] == "b/z"
    (task,) = json.loads(ask("--model", "a/x", "--json").stdout)["tasks"]
    assert [arm["arm"] for arm in task["arms"]] == ["a/x"]


def test_two_stores_are_compared(ask, stored, table, tmp_path) -> None:
    stored("one", clear(table, run="one"))
    other = tmp_path / "other"
    stored("two", clear(table, factor=1.0, run="two"), other)
    for reference in (other, other / "two"):
        result = ask("one", reference)
        assert result.exit_code == 0, result.output
        assert "a/y: two is a factor of 2 [2, 2] " in result.stdout
        assert "lower than one, better on 3 of 3 instances" in result.stdout
        assert "a/x: two and one have the same value on 3 instances" in result.stdout


def test_the_region_is_a_number_or_a_percentage(ask, stored, table) -> None:
    stored("one", table({"a/x": [1.0, 2.0, 3.0], "a/y": [1.001, 2.0, 3.0]}))
    said = [ask("--rope", rope).stdout for rope in ("2%", "0.02")]
    assert said[0] == said[1]
    assert "are equivalent" in said[0]


def test_across_tasks(ask, stored, table) -> None:
    from .conftest import rows

    values = {f"a/{name}": [level, level * 1.1] for name, level in (("x", 1.0), ("y", 2.0), ("z", 3.0))}
    stored("one", table(*(rows(values, task_label=f"t/{index}") for index in range(6))))
    shown = ask("--rope", "5%").stdout
    assert "error over 6 tasks" in shown
    assert "(Nemenyi)" in shown
    assert "(Bayesian signed-rank)" in shown


def test_many_pairs_are_counted_not_listed(ask, stored, table) -> None:
    stored("one", table({f"a/{index}": [1.0 + index, 2.0 + index] for index in range(8)}))
    assert "and 18 more pairs: --json has them all" in ask().stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "'nothing' matches no run; there are one"),
        (["--baseline", "a/z"], "no ranked model is called 'a/z'; the closest names are "),
        (["--task", "c/*"], "one: no case matches c/*"),
        (["--metric", "loss"], "no metric to compare matches 'loss'; there are error"),
        (["--alpha", "2"], "alpha lies between 0 and 0.5"),
        (["--rope", "-1"], "a region of practical equivalence is above 0"),
        (["s3:bucket"], "'s3:bucket' names no run: no plugin knows its prefix"),
        (["one", "one", "--baseline", "a/x"], "a baseline is for the models of one run"),
        (["mlflow:one"], "mlflow:one: there is no "),
    ],
)
def test_wrong_input_is_told(ask, stored, table, monkeypatch, arguments, said) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    stored("one", clear(table))
    result = ask(*arguments)
    assert said in str(result.exception)


def test_wrong_input_ends_with_2(harness) -> None:
    result = harness("compare")
    assert (result.returncode, result.stdout) == (2, "")
    assert "no runs in" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_region_is_told(ask) -> None:
    result = ask("--rope", "much")
    assert result.exit_code == 2
    assert "'much' is neither a number nor a percentage" in result.stderr


def test_a_plugin_may_find_runs(ask, install, stored, table, runs) -> None:
    stored("one", clear(table))
    install(
        "finding",
        hooks=f"""
        from pathlib import Path
        from harness import hookimpl

        @hookimpl
        def harness_find_run(reference, store):
            return Path({str(runs)!r}) / "one" if reference == "my:run" else None
        """,
    )
    assert ask("my:run").exit_code == 0
