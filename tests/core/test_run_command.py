"""`harness run` and `harness results`, in this process."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections import Counter
from types import SimpleNamespace

import pytest

import harness
from harness.builtin import progress as progress_module
from harness.builtin.progress import Progress
from harness.results import Result, Status
from harness.store.store import Store

MODELS = ("guessing/mean", "guessing/shifted", {"guessing/naughty": {"how": ["raise", "nan"]}})


@pytest.fixture
def done(of, runs):
    """A run with failures."""
    return harness.run(of(*MODELS, seeds=2), store=runs)


def test_a_run_says_what_it_did(cli, of, runs) -> None:
    said = cli("run", of(*MODELS, seeds=2))
    assert said.exit_code == 3
    assert "toy: 8 cases, 0 reused, 8 to run\n  8 new\n" in said.stderr
    assert said.stderr.count("failed guessing/guess · guessing/naughty(how=raise) · cpu · seed") == 2
    assert f"2 failed, 2 invalid, 4 ok; results in {runs / Store(runs).find(None)}" in said.stdout
    assert said.stdout.index("guessing/mean") < said.stdout.index("guessing/shifted")


def test_a_run_as_json_is_json_alone(cli, of) -> None:
    said = cli("run", of("guessing/mean", "guessing/shifted", seeds=2), "--json", "--shuffle", 3)
    summary = json.loads(said.stdout)
    assert summary["statuses"] == {"ok": 4}
    (task,) = summary["tasks"]
    assert [(line["model"], line["estimates"][0]["metric"]) for line in task["lines"]] == [
        ("guessing/mean", "error"),
        ("guessing/shifted", "error"),
    ]
    assert [line["place"] for line in task["lines"]] == [[1, 1], [2, 2]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [("guessing/mean", 0, "smoke"), ("guessing/shifted", 0, "smoke")]),
        (("--only", "guessing/mean"), [("guessing/mean", 0, "smoke")]),
        (("--only", "*shift*"), [("guessing/shifted", 0, "smoke")]),
        (("--only", "guessing/mean", "--set", "seeds=[3, 5]"), [("guessing/mean", s, "smoke") for s in (3, 5)]),
        (("--only", "guessing/mean", "--scale", "claim"), [("guessing/mean", 0, "claim")]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_choose_the_cases(options, expected, cli, of) -> None:
    said = cli("run", of("guessing/mean", "guessing/shifted"), "--dry-run", "--json", *options)
    assert [(row["model"], row["seed"], row["scale"]) for row in json.loads(said.stdout)] == expected


def test_a_dry_run_says_why_and_how_long_and_does_nothing(cli, of, runs, done) -> None:
    before = Store(runs).runs()
    said = cli("run", of(*MODELS, "guessing/constant", seeds=2), "--dry-run", "--fresh")
    assert said.exit_code == 0
    assert said.stdout.count("run (asked for afresh)") == 8
    assert said.stdout.count("run (new), -") == 2
    assert re.search(r"^10 cases, 10 to run, about [\d.]+ (µs|ms|s) \(6 never ran before\)$", said.stdout, re.MULTILINE)
    assert Store(runs).runs() == before


def test_a_dry_run_tells_reuse_from_failures(cli, of, done) -> None:
    rows = json.loads(cli("run", of(*MODELS, seeds=2), "--dry-run", "--json").stdout)
    assert Counter((row["action"], row["reason"]) for row in rows) == {
        ("reuse", ""): 4,
        ("run", "was failed"): 2,
        ("run", "was invalid"): 2,
    }
    assert all((row["expected_seconds"] is None) == (row["action"] == "run") for row in rows)


def test_nothing_that_matches_is_an_error(cli, of) -> None:
    said = cli("run", of("guessing/mean"), "--only", "nothing")
    assert isinstance(said.exception, harness.HarnessError)
    assert "no case matches --only nothing" in str(said.exception)


def test_a_store_that_cannot_be_written_is_said_without_a_traceback(harness, of, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    said = harness("run", str(of("guessing/mean")), "--store", "file/inner", "--no-mlflow")
    assert said.returncode == 5
    assert f"the store {tmp_path}/file/inner cannot be written: Not a directory" in said.stderr
    assert "Traceback" not in said.stderr


def test_without_mlflow_it_is_not_imported(cli, of) -> None:
    before = "mlflow" in sys.modules
    assert cli("run", of("guessing/mean")).exit_code == 0
    assert ("mlflow" in sys.modules) == before


def test_results_are_those_of_the_latest_run(cli, done) -> None:
    said = cli("results")
    assert said.exit_code == 0
    assert "guessing/mean" in said.stdout
    assert "2 failed" in said.stdout


def test_results_and_runs_share_a_store(cli, of, done, tmp_path, monkeypatch) -> None:
    for command in ("RUN", "RESULTS"):
        monkeypatch.delenv(f"HARNESS_{command}_STORE")
    monkeypatch.setenv("HARNESS_STORE", str(tmp_path / "shared"))
    cli("run", of("guessing/mean"))
    assert [record["cases"] for record in json.loads(cli("results", "--runs", "--json").stdout)] == [1]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--model", "guessing/mean"), {"guessing/mean"}),
        (("--model", "guessing/naughty"), {"guessing/naughty(how=raise)", "guessing/naughty(how=nan)"}),
        (("--status", "invalid"), {"guessing/naughty(how=nan)"}),
        (("--task", "other/*"), set()),
        (("--model", "*naughty*", "--status", "failed"), {"guessing/naughty(how=raise)"}),
    ],
)
def test_results_can_be_filtered(options, expected, cli, done) -> None:
    rows = json.loads(cli("results", "--rows", "--json", *options).stdout)
    assert {row["model_label"] for row in rows} == expected


def test_a_metric_is_shown_beside_the_failures(cli, done) -> None:
    rows = json.loads(cli("results", "--rows", "--json", "--metric", "reciprocal").stdout)
    assert Counter((row["metric"], row["status"]) for row in rows) == {
        ("reciprocal", "ok"): 4,
        (None, "failed"): 2,
        (None, "invalid"): 2,
    }


def test_rows_are_lines(cli, done) -> None:
    lines = cli("results", "--rows").stdout.splitlines()
    assert len(lines) == 4 * (1 + 3 + 1) + 4
    assert "guessing/guess  guessing/mean  seed 0  ok  error = 0 1" in lines
    assert "guessing/guess  guessing/mean  seed 0  ok  error-curve" in "\n".join(lines)
    assert "guessing/guess  guessing/naughty(how=raise)  seed 1  failed  RuntimeError: on purpose" in lines


def test_csv_holds_every_row(cli, done) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("results", "--csv").stdout)))
    assert len(rows) == len(done.frame)
    assert {float(row["value"]) for row in rows if row["value"]} == set(done.frame.value.dropna())


def test_runs_are_listed(cli, done) -> None:
    assert cli("results", "--runs").stdout == f"{done.id}  8 cases, 2 failed, 2 invalid, 4 ok\n".replace(
        "cases,", "cases "
    )


def test_the_frame_has_a_row_per_value(done) -> None:
    ok = done.frame[done.frame.status == "ok"]
    assert len(ok) == 4 * (1 + 3 + 1)
    assert done.statuses == {"ok": 4, "failed": 2, "invalid": 2}
    assert done.exit_code == 3


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def progress(monkeypatch):
    """Show a run of three cases, one of which fails, on a stream; what it shows."""

    def show(stream: io.StringIO, expected: float | None = 2.0) -> str:
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(progress_module, "Bar", Eager)
        cases = [Case(str(number)) for number in range(3)]
        planned = [SimpleNamespace(case=case, expected_seconds=expected, to_run=True) for case in cases]
        run = SimpleNamespace(plan=planned, statuses=Counter(), workers=1)
        shown = Progress()
        shown.harness_run_started(run)
        for case in cases:
            shown.harness_case_started(run, case)
            status = Status.FAILED if case.id == "1" else Status.OK
            run.statuses[status] += 1
            shown.harness_case_finished(run, case, Result(status, seconds=2.0, error="[red]\x1b[31mbad"))
        shown.harness_run_finished()
        return stream.getvalue()

    return show


class Eager(progress_module.Bar):
    def update(self, *arguments, **options) -> None:
        super().update(*arguments, **options)
        self.refresh()


class Case(SimpleNamespace):
    def __init__(self, number: str, task: str = "a/task") -> None:
        super().__init__(id=number, task=SimpleNamespace(name=task))

    def __str__(self) -> str:
        return f"[case] {self.id}"


def test_progress_on_a_terminal_is_a_bar(progress) -> None:
    text = progress(Terminal())
    assert "3/3" in text
    assert "now [case] 1" in text
    assert "[red]\N{REPLACEMENT CHARACTER}[31mbad" in text


@pytest.mark.parametrize("expected", [2.0, None], ids=["known from before", "reckoned from the others"])
def test_progress_elsewhere_is_plain_lines(progress, monkeypatch, expected) -> None:
    monkeypatch.setattr(progress_module, "_PLAIN_SECONDS", -1.0)
    assert progress(io.StringIO(), expected).splitlines() == [
        "1/3 cases · about 4 s left",
        "failed [case] 1: [red]\N{REPLACEMENT CHARACTER}[31mbad",
        "2/3 cases · 1 failed · about 2 s left",
        "3/3 cases · 1 failed",
    ]


def test_the_time_left_is_reckoned_task_by_task(monkeypatch) -> None:
    monkeypatch.setattr(progress_module, "_PLAIN_SECONDS", -1.0)
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    cases = [Case("0", "slow"), Case("1", "quick"), *(Case(str(number), "quick") for number in range(2, 12))]
    planned = [SimpleNamespace(case=case, expected_seconds=None, to_run=True) for case in cases]
    run = SimpleNamespace(plan=planned, statuses=Counter(), workers=1)
    shown = Progress()
    shown.harness_run_started(run)
    for case, seconds in zip(cases[:2], (90.0, 2.0), strict=True):
        run.statuses[Status.OK] += 1
        shown.harness_case_finished(run, case, Result(Status.OK, seconds=seconds))
    assert said.getvalue().splitlines()[-1] == "2/12 cases · about 20 s left"


def test_plain_lines_are_seldom(progress) -> None:
    assert len(progress(io.StringIO()).splitlines()) == 1
