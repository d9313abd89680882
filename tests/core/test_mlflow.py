"""MLflow as a mirror of the store: a real one, in a SQLite file."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.store.store import Store

TOYS = Path(__file__).parents[1] / "toys"
SUITE = """
name: mirrored
scale: smoke
seeds: 2
matrix:
  - tasks: [guessing/guess]
    models: [guessing/mean, guessing/shifted, guessing/naughty: {how: raise}]
"""

pytestmark = pytest.mark.slow


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "suite.yaml").write_text(SUITE)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS", "MLFLOW"))}
    return subprocess.run(
        [sys.executable, "-m", "harness", *(arguments or ("run", "suite.yaml"))],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(TOYS), **environment},
        capture_output=True,
        check=False,
        text=True,
        timeout=200,
    )


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A run and what MLflow knows of it."""
    folder = tmp_path_factory.mktemp("mirrored")
    said = start(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=f"sqlite:///{folder}/reports/mlflow.db")
        experiment = client.get_experiment_by_name("harness/mirrored")
        found = client.search_runs([experiment.experiment_id])
        store = Store(folder / "reports")
        parents = [one for one in found if "mlflow.parentRunId" not in one.data.tags]
        children = [one for one in found if "mlflow.parentRunId" in one.data.tags]
        run = store.find(None)
        yield SimpleNamespace(said=said, client=client, parents=parents, children=children, run=run, store=store)


def child(logged: Any, model: str) -> Any:
    return next(one for one in logged.children if one.data.tags["model"] == model and one.data.tags["seed"] == "1")


def test_a_parent_has_a_child_per_case(logged) -> None:
    (parent,) = logged.parents
    assert logged.said.returncode == 3
    assert "logged to MLflow" in logged.said.stderr
    assert parent.info.run_name == logged.run
    assert parent.info.status == "FINISHED"
    assert {one.data.tags["mlflow.parentRunId"] for one in logged.children} == {parent.info.run_id}
    cases = logged.store.table(logged.run).column("case").to_pylist()
    assert sorted(one.data.tags["harness.case"] for one in logged.children) == sorted(set(cases))


def test_a_parent_carries_the_comparison(logged) -> None:
    (parent,) = logged.parents
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = logged.client.download_artifacts(parent.info.run_id, "comparison.json")
    (task,) = json.loads(Path(path).read_text())["tasks"]
    assert {arm["arm"] for arm in task["arms"]} >= {"guessing/mean", "guessing/shifted"}


def test_verdicts_are_tags(logged) -> None:
    said = start(logged.store.root.parent, "claims", "guessing", "--json")
    experiment = logged.client.get_experiment_by_name("harness/claims")
    runs = logged.client.search_runs([experiment.experiment_id])
    (parent,) = [one for one in runs if "mlflow.parentRunId" not in one.data.tags]
    (claim,) = json.loads(said.stdout)["claims"]
    assert parent.data.tags["claim.guessing/mean-wins"] == claim["verdict"]


def test_a_child_has_its_tags(logged) -> None:
    tags = child(logged, "guessing/mean").data.tags
    provenance = logged.store.record(logged.run)["provenance"]
    expected = {
        "paper": "guessing",
        "task": "guessing/guess",
        "model": "guessing/mean",
        "role": "construction",
        "backend": "cpu",
        "seed": "1",
        "scale": "smoke",
        "status": "ok",
        "suite": "mirrored",
        "commit": str(provenance["commit"]),
        "harness.run": logged.run,
    }
    assert {name: tags[name] for name in expected} == expected


def test_a_child_has_its_parameters(logged) -> None:
    parameters = child(logged, "guessing/naughty").data.params
    assert {name: parameters[name] for name in ("task.size", "model.how", "backend.threads")} == {
        "task.size": "3",
        "model.how": "raise",
        "backend.threads": "1",
    }


def test_a_child_has_its_metrics(logged) -> None:
    rows = [row for row in logged.store.table(logged.run).to_pylist() if row["seed"] == 1]
    values = {row["metric"]: row["value"] for row in rows if row["model"] == "guessing/shifted"}
    found = child(logged, "guessing/shifted").data.metrics
    assert {name: found[name] for name in ("error", "reciprocal")} == {
        name: values[name] for name in ("error", "reciprocal")
    }
    assert {"case/seconds", "case/cpu_seconds", "case/peak_memory", "phase/guess"} <= set(found)


def test_a_curve_has_its_steps(logged) -> None:
    rows = logged.store.table(logged.run).to_pylist()
    curve = [
        row["value"]
        for row in rows
        if (row["model"], row["seed"], row["metric"]) == ("guessing/shifted", 1, "error-curve")
    ]
    history = logged.client.get_metric_history(child(logged, "guessing/shifted").info.run_id, "error-curve")
    assert [(one.step, one.value) for one in sorted(history, key=lambda one: one.step)] == list(enumerate(curve))


def test_a_failed_case_says_so(logged) -> None:
    failed = child(logged, "guessing/naughty")
    assert failed.info.status == "FAILED"
    assert (failed.data.tags["status"], failed.data.tags["error"]) == ("failed", "RuntimeError: on purpose")


def test_the_parent_has_the_files_and_the_counts(logged) -> None:
    (parent,) = logged.parents
    files = {file.path for file in logged.client.list_artifacts(parent.info.run_id)}
    kept = {"suite.yaml", "run.json", "results.parquet", "SHA256SUMS"}
    assert files == {*kept, "comparison.json", "report.html"}
    assert parent.data.metrics == {"cases/ok": 4.0, "cases/failed": 2.0}


def test_nothing_of_the_environment_is_logged(logged) -> None:
    """MLflow adds no user and no command line to runs that are made in this way."""
    own = {"mlflow.runName", "mlflow.parentRunId", "harness.run", "harness.case", "harness.complete"}
    case = {"paper", "task", "model", "role", "backend", "seed", "scale", "status", "error"}
    for run in [*logged.parents, *logged.children]:
        assert set(run.data.tags) <= own | case | {"suite", "commit", "dirty"}
        assert run.info.user_id in ("", "unknown")


def test_what_is_there_is_not_uploaded_again(logged) -> None:
    before = everything(logged)
    said = start(logged.store.root.parent, "mlflow", "sync", logged.run)
    assert said.stdout == f"{logged.run}: cases: 0 uploaded, 6 there already\n"
    assert said.returncode == 0
    assert everything(logged) == before


def test_a_database_of_another_mlflow_is_told(logged, tmp_path) -> None:
    shutil.copy(logged.store.root / "mlflow.db", tmp_path / "old.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "old.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '181f10493468'")
    said = start(tmp_path, MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path}/old.db")
    assert said.returncode == 3
    assert "out-of-date database schema" in said.stderr
    assert "the results are whole; upload the rest with: harness mlflow sync" in said.stderr


def everything(logged: Any) -> list[Any]:
    """All points of all metrics, and all tags."""
    return [
        (run.info.run_id, run.data.tags, name, [(one.value, one.step) for one in history])
        for run in [*logged.parents, *logged.children]
        for name in run.data.metrics
        for history in [logged.client.get_metric_history(run.info.run_id, name)]
    ]
