"""The family's suites, through the command line at smoke scale."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SUITES = sorted((Path(__file__).parents[3] / "suites" / "in_context").glob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_a_suite_runs_at_smoke_scale(path: Path, harness: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    ran = harness("run", str(path), "--scale", "smoke", "--no-mlflow", "--set", "seeds=1", timeout=280)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_there_are_suites() -> None:
    assert len(SUITES) >= 5
