"""Runs fetched from MLflow: a real one, in a SQLite file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.store.store import Store

TOYS = Path(__file__).parents[2] / "toys"
SUITE = """
name: logged
scale: smoke
seeds: 2
matrix:
  - tasks: [guessing/guess]
    models: [guessing/mean, guessing/constant: {value: 1.0}]
"""

pytestmark = pytest.mark.slow


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS", "MLFLOW"))}
    uri = f"sqlite:///{folder}/tracking.db"
    return subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(TOYS), "MLFLOW_TRACKING_URI": uri, "TMPDIR": f"{folder}/tmp"},
        capture_output=True,
        check=False,
        text=True,
        timeout=250,
    )


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder where two runs were logged, and their names; the runs themselves are gone."""
    folder = tmp_path_factory.mktemp("logged")
    (folder / "suite.yaml").write_text(SUITE)
    (folder / "tmp").mkdir()
    names = []
    for store in ("first", "second"):
        ran = call(folder, "run", "suite.yaml", "--store", store)
        assert ran.returncode == 0, ran.stderr
        (name,) = Store(folder / store).runs()
        shutil.rmtree(folder / store / name)  # MLflow keeps its copies beside the runs of the first store
        names.append(name)
    return folder, names


def test_two_runs_in_mlflow_are_compared(logged) -> None:
    folder, names = logged
    assert len(set(names)) == 2
    result = call(folder, "compare", *(f"mlflow:{name}" for name in names), "--json", "--store", "none")
    assert result.returncode == 0, result.stderr
    said = json.loads(result.stdout)
    assert said["sources"] == names
    assert [pair["verdict"] for task in said["tasks"] for pair in task["pairs"]] == ["identical", "identical"]
    assert not list((folder / "tmp").glob("harness-mlflow-*"))


@pytest.mark.parametrize("name", ["nothing", "' OR 1=1 --", "0" * 32])
def test_a_run_that_is_not_there_is_told(logged, name) -> None:
    result = call(logged[0], "compare", f"mlflow:{name}")
    assert result.returncode == 2
    assert "has no such run" in result.stderr
    assert "Traceback" not in result.stderr
