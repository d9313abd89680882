"""`harness claims`, end to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from harness.claims.ledger import Ledger, page
from harness.errors import HarnessError
from harness.store.store import Store

GOOD, PAIR, BAD = "stating/mean-is-exact", "stating/mean-beats-shifted", "stating/shifted-is-exact"
NOISE, USELESS = "stating/noise-is-small", "stating/error-is-positive"


def verdicts(said) -> dict[str, str]:
    return {claim["claim"]: claim["verdict"] for claim in json.loads(said.stdout)["claims"]}


@pytest.mark.parametrize(
    ("arguments", "code", "verdict"),
    [
        ((GOOD,), 0, "held"),
        ((GOOD, "--self-test"), 0, "held"),
        ((NOISE,), 0, "inconclusive"),
        ((BAD,), 4, "failed"),
        ((BAD, "--self-test"), 4, "failed"),
        ((USELESS,), 0, "held"),
        ((USELESS, "--self-test"), 4, "held"),
        (("failing/raises",), 3, "inconclusive"),
        (("failing/is-wrong",), 3, "failed"),
        ((BAD, "--scale", "smoke"), 0, None),
        ((USELESS, "--self-test", "--scale", "smoke"), 0, None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_exit_code_tells_the_verdict(arguments, code, verdict, claims) -> None:
    said = claims(*arguments, "--json")
    assert said.exit_code == code, said.output
    assert verdict in (None, verdicts(said)[arguments[0]])


def test_verdicts_are_shown_beside_the_papers_figures(claims, runs) -> None:
    said = claims(GOOD, BAD, NOISE, "--self-test")
    assert said.exit_code == 4
    assert "half, section 2" not in said.stdout
    assert "0, section 3" in said.stdout
    assert f"{BAD} failed\n  error of guessing/shifted = 0.5" in said.stdout
    assert "<= 0.1: failed" in said.stdout
    assert f"{GOOD} its check refuses" in said.stdout
    assert f"1 failed, 1 held, 1 inconclusive; evidence in {runs / Store(runs).find(None)}" in said.stdout


def test_json_is_json_alone_and_the_same_as_in_the_runs_folder(claims, runs) -> None:
    said = json.loads(claims(GOOD, BAD, "--json").stdout)
    folder = runs / said["run"]
    assert json.loads((folder / "verdicts.json").read_text()) == said["claims"]
    assert {"run.json", "suite.yaml", "results.parquet"} <= {path.name for path in folder.iterdir()}


def test_a_cell_of_two_claims_is_run_once(claims, runs) -> None:
    said = claims(GOOD, PAIR)
    assert "claims: 12 cases, 0 reused, 12 to run" in said.stderr
    keys = Store(runs).table(Store(runs).find(None), ["key", "metric"]).to_pylist()
    assert set(Counter(row["key"] for row in keys if row["metric"] == "error").values()) == {1}


def test_the_second_time_nothing_runs_and_nothing_changes(claims, runs) -> None:
    first, second = (json.loads(claims(GOOD, PAIR, NOISE, "--json", "--self-test").stdout) for _ in range(2))
    assert first["run"] != second["run"]
    assert Store(runs).record(second["run"])["statuses"] == {"ok": 13}
    assert "13 reused, 0 to run" in claims(GOOD, PAIR, NOISE).stderr
    for record in (*first["claims"], *second["claims"]):
        del record["run"], record["date"]
    assert first["claims"] == second["claims"]


def test_fresh_runs_everything(claims) -> None:
    claims(GOOD)
    assert "8 cases, 0 reused, 8 to run" in claims(GOOD, "--fresh").stderr


def test_a_dry_run_counts_cells_and_does_nothing(claims, runs) -> None:
    claims(GOOD)
    before = Store(runs).runs()
    said = claims(GOOD, PAIR, "--dry-run")
    assert said.stdout.splitlines() == [
        f"{GOOD}: 8 cells, 0 to run. The mean is the mean",
        f"{PAIR}: 8 cells, 4 to run. The mean is better than what is off by a half",
        "12 cells in all, 4 to run",
    ]
    assert json.loads(claims(GOOD, "--dry-run", "--json").stdout) == [{"claim": GOOD, "cells": 8, "to_run": 0}]
    assert (said.exit_code, Store(runs).runs()) == (0, before)


def test_the_ledger_keeps_verdicts_of_all_papers(claims, runs) -> None:
    claims(GOOD)
    claims("guessing", BAD)
    ledger = Ledger(runs)
    assert ledger.papers() == ["guessing", "stating"]
    assert [record["claim"] for record in ledger.records("stating")] == [GOOD, BAD]
    assert (runs / "claims.md").read_text() == page({paper: ledger.records(paper) for paper in ledger.papers()})


@pytest.mark.parametrize("options", [("--scale", "smoke"), ("--no-ledger",), ("--dry-run",)])
def test_sometimes_there_is_no_ledger(options, claims, runs) -> None:
    assert claims(GOOD, *options).exit_code == 0
    assert not (runs / "claims.md").exists()
    assert Ledger(runs).papers() == []


def test_at_scale_smoke_one_cell_of_each_grid_runs_and_nothing_is_decided(claims, runs) -> None:
    said = claims("stating", "--scale", "smoke")
    assert said.exit_code == 0
    assert said.stdout.count("scale smoke decides nothing") == 6
    assert Store(runs).record(Store(runs).find(None))["cases"] == 5


def test_a_name_that_is_wrong_is_said_without_a_traceback(harness) -> None:
    for name, said in (
        ("guesing", "no paper or family is called 'guesing' (did you mean 'guessing'?)"),
        ("guessing/mean-win", "guessing has no claim 'mean-win' (did you mean 'mean-wins'?)"),
        ("needing", "there is no claim to check in needing"),
        ("broken", "cannot be imported"),
    ):
        result = harness("claims", name, "--no-mlflow")
        assert (result.returncode, result.stdout) == (2, "")
        assert said in result.stderr
        assert "Traceback" not in result.stderr


def test_a_wrong_name_runs_nothing(claims, runs) -> None:
    assert isinstance(claims(GOOD, "stating/typo").exception, HarnessError)
    assert Store(runs).runs() == []


def test_a_claim_with_a_failed_cell_names_it(claims) -> None:
    said = claims("failing/raises", "failing/is-wrong", "--json")
    assert said.exit_code == 3
    raises, wrong = json.loads(said.stdout)["claims"]
    assert raises["reason"].startswith(
        "2 failed of 2 cells, such as guessing/naughty on guessing/guess, seed 0: Runtime"
    )
    assert wrong["reason"].startswith("2 invalid of 2 cells, such as failing/wrong")


def test_an_interrupted_run_writes_no_verdict(claims, runs, survivors) -> None:
    command = [
        sys.executable,
        "-m",
        "harness",
        "claims",
        "failing/is-late",
        "--store",
        str(runs),
        "--no-mlflow",
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    store = Store(runs)
    while process.poll() is None and sum(store.table(run).num_rows for run in store.runs()) < 3:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert json.loads(out)["claims"] == []
    assert not (runs / store.find(None) / "verdicts.json").exists()
    assert Ledger(runs).papers() == []
    assert survivors() == []
