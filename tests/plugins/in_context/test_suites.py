"""The family's suites, through the command line at smoke scale, with networks that are hardly trained."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

SUITES = sorted((Path(__file__).parents[3] / "suites" / "in_context").glob("*.yaml"))
STEPS = 5


def shortened(node: Any) -> Any:
    """The first point of each grid, with a few steps at most: a suite's own words come before those of the scale."""
    if isinstance(node, dict):
        return {key: _shortened_value(key, value) for key, value in node.items()}
    return [shortened(child) for child in node] if isinstance(node, list) else node


def _shortened_value(key: str, value: Any) -> Any:
    if key in ("matrix", "tasks", "models"):
        return shortened(value)
    if isinstance(value, list):
        value = value[0]
    return min(value, STEPS) if key == "steps" else shortened(value)


@pytest.mark.slow
@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_a_suite_runs_at_smoke_scale(
    path: Path, suite: Callable[..., Path], harness: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    short = suite(yaml.safe_dump(shortened(yaml.safe_load(path.read_text(encoding="utf-8")))))
    ran = harness("run", str(short), "--scale", "smoke", "--no-mlflow", "--set", "seeds=1", timeout=280)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_there_are_suites() -> None:
    assert len(SUITES) >= 5
