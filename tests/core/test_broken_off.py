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
from harness.store.store import JOURNAL, Store


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


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGINT] * 2, [signal.SIGTERM], [signal.SIGHUP]])
def test_ctrl_c_and_its_like_keep_what_is_finished_and_say_so(running, runs, survivors, numbers) -> None:
    process, path = running()
    for number in numbers:
        process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    store = Store(runs)
    run = store.find(None)
    assert f"results in {os.path.relpath(runs / run) if runs.is_relative_to(Path.cwd()) else runs / run}" in out
    assert not (runs / run / JOURNAL).exists()
    record = store.record(run)
    assert record["interrupted"]
    assert record["statuses"] == {"ok": store.table(run).num_rows}
    assert sum(planned.reused is not None for planned in prepare(path, store=runs).plan) == store.table(run).num_rows
    assert survivors() == []


ENDLESS = """
    import time
    from pathlib import Path
    from dataclasses import dataclass
    from harness import Paper
    from toy_papers.guessing import Constant

    @dataclass
    class Waiting(Constant):
        folder: str = ""

        def guess(self, values, context):
            (Path(self.folder) / f"begun-{self.value}").touch()
            while not (Path(self.folder) / "go-on").exists():
                time.sleep(0.01)
            return 1.0

    paper = Paper(title="Endless", year=2026, venue="tests", baselines=[Waiting])
"""


@pytest.fixture
def waiting(install, of, runs, tmp_path, survivors) -> Iterator[Callable[[str], tuple[subprocess.Popen[str], Path]]]:
    """Start a run whose first case waits for a file: the process, once the case has begun, and the file."""
    install("endless_papers", papers={"endless": ENDLESS})
    folder = tmp_path / "place"
    folder.mkdir()
    processes = []

    def start(isolation: str) -> tuple[subprocess.Popen[str], Path]:
        path = of({"endless/waiting": {"folder": str(folder), "value": [1.0, 2.0, 3.0]}}, isolation=isolation)
        command = [sys.executable, "-m", "harness", "run", str(path), "--store", str(runs), "--no-mlflow"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        while process.poll() is None and not (folder / "begun-1.0").exists():
            time.sleep(0.02)
        return process, folder / "go-on"

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("isolation", ["case", "shared"])
def test_asked_once_a_run_finishes_the_cases_that_run(waiting, runs, isolation) -> None:
    process, go_on = waiting(isolation)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    for line in process.stderr:
        if "stopping when the cases that run have finished" in line:
            break
    go_on.touch()
    assert process.wait() == 130
    rows = Store(runs).table(Store(runs).find(None), ["status", "model_label"]).to_pylist()
    assert {(row["status"], "value=1" in row["model_label"]) for row in rows} == {("ok", True)}


@pytest.mark.parametrize("isolation", ["case", "shared"])
def test_asked_twice_a_run_does_not_wait(waiting, runs, survivors, isolation) -> None:
    process, _ = waiting(isolation)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    for line in process.stderr:
        if "again: at once" in line:
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait() == 130, rest
    assert Store(runs).table(Store(runs).find(None)).num_rows == 0
    assert survivors() == []
