"""Scratch repositories with a configuration of asv, and runs of their commits that nobody measured."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.speed.record import Measured, OperationKey, Outcome, SpeedRun

from .fabricated import make_repository, process

ROOT = Path(__file__).parents[3]
FINGERPRINT = {
    "cpu": "Abacus 9000 (fast)",
    "cores": "2",
    "memory_gb": "8",
    "system": "Linux 6",
    "architecture": "x",
    "python": "3.11",
}


def operation(model: str) -> str:
    return f"guess · forward · {model} · cpu"


def measured(
    model: str, seconds: Sequence[float] | None, outcome: Outcome = "ok", items: float | None = None
) -> Measured:
    """An operation whose processes took so long, each with 1000 bytes."""
    processes = tuple(map(process, seconds or ()))
    key = OperationKey("guess", "forward", model, "cpu")
    return Measured(key, "baseline", model, outcome, processes=processes, items=items, item="token" if items else "")


def speed_run(commit: str | None, *operations: Measured, **more: Any) -> SpeedRun:
    known: dict[str, Any] = {
        "id": "20260101-000000-toy",
        "suite": "toy",
        "dirty": False,
        "started_at": "2026-01-01T00:00:00+00:00",
        "fingerprint": FINGERPRINT,
        "conditions": {"load": 1.0},
        "versions": {"numpy": "2.4.6", "torch": "2.13.0+cpu", "mlflow": "3.5"},
    }
    return SpeedRun(commit=commit, operations=operations, **{**known, **more})


@dataclass(frozen=True)
class Repository:
    """A scratch repository with asv's configuration."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "asv.conf.json"

    @property
    def tree(self) -> Path:
        return self.folder / ".asv" / "results"

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(self.folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self) -> str:
        self.git("commit", "--quiet", "--allow-empty", "--message", "more")
        return self.git("rev-parse", "HEAD")

    def asv(self, *arguments: str, **environment: str) -> str:
        """What `asv` prints; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "asv", *arguments],
            cwd=self.folder,
            env={**os.environ, "HOME": str(self.folder.parent), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.returncode, done.stdout + done.stderr
        return done.stdout

    def known(self) -> dict[str, Any]:
        """The benchmarks of the tree."""
        found: dict[str, Any] = json.loads((self.tree / "benchmarks.json").read_text())
        return {name: benchmark for name, benchmark in found.items() if name != "version"}

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.tree)): path.read_bytes() for path in self.tree.rglob("*.json")}


def make(folder: Path) -> Repository:
    made = Repository(folder / "repository")
    make_repository(made.folder, ["first"])
    made.config.write_text((ROOT / "asv.conf.json").read_text())
    return made


def values(file: Path, benchmark: str = "speed.track_seconds") -> dict[str, Any]:
    """The values of a file of results by operation, as asv reads them."""
    from asv.results import Results

    results = Results.load(str(file))
    parameters = results.get_result_params(benchmark)
    found = results.get_result_value(benchmark, parameters)
    return {ast.literal_eval(name): value for name, value in zip(parameters[0], found, strict=True)}
