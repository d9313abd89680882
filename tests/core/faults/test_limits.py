"""Limits of time and memory, and how often a case is tried."""

from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

import harness
from harness.execution import machine
from harness.execution.server import End
from harness.execution.verdict import verdict
from harness.results import Status
from harness.store.store import Store

HANG = {"faulty/faulty": {"how": "hangs"}}
UNSTABLE = """
    import os, signal
    from pathlib import Path
    from dataclasses import dataclass
    from harness import Paper
    from toy_papers.guessing import Constant

    @dataclass
    class Unstable(Constant):
        folder: str = ""
        deaths: int = 1

        def guess(self, values, context):
            died = len(list(Path(self.folder).iterdir()))
            if died < self.deaths:
                (Path(self.folder) / str(died)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return 1.0

    paper = Paper(title="Unstable", year=2026, venue="tests", baselines=[Unstable])
"""


def test_the_time_of_a_stopped_case_is_at_least_its_limit(of, runs) -> None:
    row = harness.run(of(HANG, limits={"time": "300 ms"}), store=runs).frame.iloc[0]
    assert row.status == "timeout"
    assert row.seconds >= 0.3


def test_a_limit_shorter_than_the_start_of_a_worker_holds(of, runs) -> None:
    frame = harness.run(of(HANG, limits={"time": "1 ms"}, seeds=5), store=runs, jobs=2).frame
    assert set(frame.status) == {"timeout"}


def test_every_case_of_a_shared_process_has_its_own_time(of, runs) -> None:
    sleep = {"guessing/naughty": {"how": "sleep"}}  # 0.3 s each
    matrix = [{"tasks": ["guessing/guess"], "models": [sleep], "metrics": ["error"]}]
    frame = harness.run(of(matrix=matrix, seeds=12, isolation="shared", limits={"time": "3 s"}), store=runs).frame
    assert frame.status.tolist() == ["ok"] * 12
    assert frame.seconds.sum() > 3


@pytest.mark.parametrize(
    ("deaths", "retries", "status", "attempts"),
    [(1, 0, "crashed", 1), (1, 1, "ok", 2), (2, 1, "crashed", 2), (2, 5, "ok", 3)],
)
@pytest.mark.parametrize("isolation", ["case", "shared"])
def test_a_crash_is_tried_again(deaths, retries, status, attempts, isolation, install, of, cli, runs, tmp_path) -> None:
    install("unstable_papers", papers={"unstable": UNSTABLE})
    (tmp_path / "deaths").mkdir()
    model = {"unstable/unstable": {"folder": str(tmp_path / "deaths"), "deaths": deaths}}
    path = of("guessing/mean", model, {"guessing/constant": {"value": 2.0}}, retries=retries, isolation=isolation)
    result = harness.run(path, store=runs, jobs=2)
    rows = {row["model"]: row for row in Store(runs).table(result.id).to_pylist()}
    assert (rows["unstable/unstable"]["status"], rows["unstable/unstable"]["attempts"]) == (status, attempts)
    assert {rows[name]["attempts"] for name in ("guessing/mean", "guessing/constant")} == {1}
    assert result.statuses == ({"ok": 3} if status == "ok" else {"ok": 2, "crashed": 1})
    shown = cli("results", "--rows", "--metric", "error" if status == "ok" else "*", "--model", "unstable/*").stdout
    assert (f"{status} at attempt {attempts}" in shown) == (attempts > 1)


def test_only_crashes_are_tried_again(of, runs) -> None:
    how = ["raises", "returns-nan", "allocates-at-once", "ignores-signals"]
    result = harness.run(of({"faulty/faulty": {"how": how}}, retries=3, limits={"time": "1 s"}), store=runs)
    rows = Store(runs).table(result.id).to_pylist()
    assert {(row["status"], row["attempts"]) for row in rows} == {
        ("failed", 1),
        ("invalid", 1),
        ("out-of-memory", 1),
        ("timeout", 1),
    }


def test_memory_is_shared_among_the_workers(monkeypatch) -> None:
    monkeypatch.setattr(machine, "machine_memory", lambda: 10_000_000_000)
    assert machine.memory_share(1) == 8_000_000_000
    assert machine.memory_share(4) == 2_000_000_000


@pytest.mark.parametrize(
    ("groups", "file", "content", "limited"),
    [
        ("0::/slice/run", "slice/memory.max", "1000000", True),
        ("0::/slice/run", "slice/run/memory.max", "1000000", True),
        ("0::/slice/run", "slice/memory.max", "max", False),
        ("0::/slice/run", "other/memory.max", "1000000", False),
        ("4:memory:/job", "memory/job/memory.limit_in_bytes", "1000000", True),
        ("4:memory:/job", "memory/memory.limit_in_bytes", "1000000", True),
        ("3:cpu:/job", "memory/job/memory.limit_in_bytes", "1000000", False),
    ],
)
def test_the_memory_of_the_machine_is_that_of_its_control_groups(groups, file, content, limited, tmp_path) -> None:
    for path, text in {"proc/self/cgroup": groups, f"sys/fs/cgroup/{file}": content}.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(f"{text}\n")
    assert machine.machine_memory(tmp_path) == (1_000_000 if limited else psutil.virtual_memory().total)


def test_kills_by_the_kernel_are_counted(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(machine, "_COUNTERS", tmp_path / "vmstat")
    assert machine.memory_kills() == 0
    (tmp_path / "vmstat").write_text("pgfault 12\noom_kill 3\noom_kill_other 9\n")
    assert machine.memory_kills() == 3


def end(code: int, output: str = "") -> End:
    case = SimpleNamespace(id="c", isolation="case", limits=SimpleNamespace(seconds=1.0, memory=None))
    job = SimpleNamespace(
        current=case, stopped=None, began=0.0, held=100, output=SimpleNamespace(of=lambda case: (output or None, None))
    )
    return End(job, code, peak=300, cpu_seconds=0.5)


@pytest.mark.parametrize(
    ("code", "kernel", "output", "status", "error"),
    [
        (-signal.SIGKILL, True, "", Status.OUT_OF_MEMORY, "killed by the kernel: the machine was out of memory"),
        (-signal.SIGKILL, False, "", Status.CRASHED, "its process was killed by SIGKILL"),
        (-signal.SIGSEGV, True, "", Status.CRASHED, "its process was killed by SIGSEGV"),
        (-signal.SIGABRT, False, "what():  std::bad_alloc", Status.OUT_OF_MEMORY, "an allocation failed at its limit"),
        (-signal.SIGABRT, False, "assertion failed", Status.CRASHED, "its process was killed by SIGABRT"),
        (-63, False, "", Status.CRASHED, "its process was killed by signal 63"),
        (3, False, "", Status.CRASHED, "its process ended with exit code 3"),
    ],
)
def test_a_death_is_put_down_to_memory_where_it_was_memory(code, kernel, output, status, error) -> None:
    result = verdict(end(code, output), 2_000_000_000, kernel_kills=kernel)
    assert result.status is status
    assert result.error.startswith(error)
    assert (result.peak_memory, result.cpu_seconds) == (200, 0.5)
