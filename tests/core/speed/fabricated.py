"""Speed runs that nobody measured, of commits in repositories that hold nothing else."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from harness.speed.record import Measured, OperationKey, Outcome, ProcessTimes, SpeedRun

KEY = OperationKey("arena/matmul(n=64)", "forward", "paper/new", "cpu")
MACHINE = {"cpu": "Abacus 9", "cores": "2", "torch": "2.6"}


def make_repository(folder: Path, subjects: Iterable[str]) -> list[str]:
    """A repository with an empty commit for each subject; their hashes, oldest first."""
    folder.mkdir()

    def git(*arguments: str, text: bytes = b"") -> str:
        return subprocess.run(
            ["git", *arguments], cwd=folder, input=text, capture_output=True, check=True
        ).stdout.decode()

    git("init", "--quiet", "--initial-branch=main")
    stream = b""
    for day, subject in enumerate(subjects):
        message = subject.encode()
        stream += b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\n" % (1_767_225_600 + 86_400 * day)
        stream += b"data %d\n%s\n" % (len(message), message)
    git("fast-import", "--quiet", text=stream)
    return git("rev-list", "--reverse", "main").split()


def times(levels: Sequence[float], noise: float = 0.02, seed: int = 0) -> list[float]:
    """A value for each level, as far from it as a run of a whole is."""
    return list(np.asarray(levels) * np.random.default_rng(seed).lognormal(0.0, noise, len(levels)))


def process(seconds: float, calibration: float | None = 3e-4, ratio: float | None = None) -> ProcessTimes:
    """A process that took that long, and so many times as long as that of the baseline."""
    return ProcessTimes(seconds, (seconds,), 1, 2 * seconds, 1000, calibration_seconds=calibration, ratio=ratio)


def measured(
    seconds: float,
    key: OperationKey = KEY,
    outcome: Outcome = "ok",
    processes: int = 5,
    ratio: float | None = None,
    baseline: str = "paper/old",
) -> Measured:
    """An operation of which half of the processes were slower than that and half faster, by a per mille each."""
    around = [1 + (place - processes // 2) / 1000 for place in range(processes)]
    times = tuple(process(seconds * factor, ratio=ratio and ratio * factor) for factor in around)
    return Measured(key, "construction", baseline, outcome, processes=times)


def speed_run(
    commit: str | None,
    *operations: Measured,
    machine: dict[str, str] | None = None,
    dirty: bool | None = False,
    name: str = "run",
) -> SpeedRun:
    """A run of a commit."""
    return SpeedRun(
        id=name,
        suite="speed",
        commit=commit,
        dirty=dirty,
        started_at="2026-01-01T00:00:00+00:00",
        fingerprint=machine or MACHINE,
        conditions={},
        versions={},
        operations=operations,
    )


def series(
    commits: Sequence[str],
    values: Sequence[float],
    key: OperationKey = KEY,
    machine: dict[str, str] | None = None,
    *,
    ratios: Sequence[float | None] | None = None,
    baseline: str = "paper/old",
) -> list[SpeedRun]:
    """A run of each commit; without ratios as if the baseline had never been clean."""
    places = enumerate(zip(commits, values, ratios or [None] * len(commits), strict=True))
    return [
        speed_run(
            commit,
            measured(value, key, ratio=ratio, baseline=baseline),
            machine=machine,
            name=f"{key.model[-3:]}-{(machine or MACHINE)['cpu'][0]}-{place:03}",
        )
        for place, (commit, value, ratio) in places
    ]


def uncalibrated(run: SpeedRun) -> SpeedRun:
    """The run as if the calibration kernel had never been clean."""

    def without(one: Measured) -> Measured:
        processes = (dataclasses.replace(process, calibration_seconds=None) for process in one.processes)
        return dataclasses.replace(one, processes=tuple(processes))

    return dataclasses.replace(run, operations=tuple(map(without, run.operations)))
