"""Runs that are broken off: what is finished stays, what runs is ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.api import prepare
from harness.store.store import JOURNAL, RECORD, TABLE, Store


@pytest.fixture
def running(of, runs: Path, survivors) -> Iterator[Callable[[], tuple[subprocess.Popen[str], Path]]]:
    """Start a long run in a process of its own, and wait until cases have finished: the process and the suite."""
    processes = []

    def start() -> tuple[subprocess.Popen[str], Path]:
        path = of({"guessing/naughty": {"how": "sleep"}}, "guessing/noisy", seeds=60)
        matrix = json.loads(path.read_text())["matrix"][0]
        path = of(matrix=[{**matrix, "metrics": ["error"]}], seeds=60)
        command = [sys.executable, "-m", "harness", "run", str(path), "--store", str(runs), "--no-mlflow", "-j2"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        while process.poll() is None and sum(Store(runs).table(run).num_rows for run in Store(runs).runs()) < 3:
            time.sleep(0.05)
        return process, path

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_kill_keeps_what_is_finished(running, runs, survivors) -> None:
    process, path = running()
    process.kill()
    process.wait()
    store = Store(runs)
    finished = store.table(store.find(None))
    assert {*finished.column("status").to_pylist()} == {"ok"}
    assert 3 <= finished.num_rows < 120
    assert store.record(store.find(None))["finished_at"] is None
    plan = prepare(path, store=runs).plan
    assert {planned.case.id for planned in plan if planned.reused} == {*finished.column("case").to_pylist()}
    assert survivors() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_and_its_like_keep_what_is_finished_and_say_so(running, runs, survivors, number) -> None:
    process, path = running()
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    store = Store(runs)
    run = store.find(None)
    assert f"results in {os.path.relpath(runs / run) if runs.is_relative_to(Path.cwd()) else runs / run}" in out
    assert {file.name for file in (runs / run).iterdir()} == {TABLE, RECORD, "suite.yaml"}
    assert not (runs / run / JOURNAL).exists()
    record = store.record(run)
    assert record["interrupted"]
    assert record["statuses"] == {"ok": store.table(run).num_rows}
    assert sum(planned.reused is not None for planned in prepare(path, store=runs).plan) == store.table(run).num_rows
    assert survivors() == []
