"""A real tracking server that is killed or suspended while a run goes on, and what `harness mlflow sync` makes good."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.store.store import TABLE, Store

TOYS = Path(__file__).parents[1] / "toys"
SUITE = """
name: {name}
scale: smoke
seeds: {seeds}
matrix:
  - tasks: [guessing/guess]
    models: [guessing/naughty: {{how: sleep}}]
    metrics: [guessing/error, guessing/error-curve]
"""
SECONDS = 120.0
"""How long a condition is waited for."""

pytestmark = pytest.mark.slow


class Server:
    """`mlflow server` on a free port; it can be killed and started again, or suspended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._process is None:
            command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(self._port)]
            command += ["--backend-store-uri", f"sqlite:///{self._folder}/server.db"]
            command += ["--artifacts-destination", f"{self._folder}/artifacts"]
            settings = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
            self._process = subprocess.Popen(
                command,
                env={**environment(), **settings},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            until(self._is_ready)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=5) as answer:
            return bool(answer.status == 200)
        return False


class Content:
    """What MLflow has of the runs of a suite."""

    def __init__(self, client: Any, suite: str) -> None:
        experiment = client.get_experiment_by_name(f"harness/{suite}")
        found = client.search_runs([experiment.experiment_id]) if experiment else []
        self.parents = [run for run in found if "harness.case" not in run.data.tags]
        self.children = [run for run in found if "harness.case" in run.data.tags]
        self._client = client

    def plain(self) -> dict[str, Any]:
        """Everything, comparable."""
        return {run.info.run_id: self._plain(run) for run in [*self.parents, *self.children]}

    def _plain(self, run: Any) -> Any:
        id_ = run.info.run_id
        points = [
            (name, one.value, one.step, one.timestamp)
            for name in run.data.metrics
            for one in self._client.get_metric_history(id_, name)
        ]
        files = sorted((one.path, one.file_size) for one in self._client.list_artifacts(id_))
        return run.data.tags, run.data.params, sorted(points), files, run.info.status, run.info.end_time


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("server"))
    yield made
    made.kill()


@pytest.fixture(scope="module")
def content(server: Server) -> Iterator[Callable[[str], Content]]:
    """What the server has of a suite."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=server.uri)
        yield lambda suite: Content(client, suite)


@pytest.fixture
def folder(server: Server, tmp_path: Path) -> Path:
    server.start()
    return tmp_path


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS", "MLFLOW"))}


def start(server: Server, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env={**environment(), "PYTHONPATH": str(TOYS), "MLFLOW_TRACKING_URI": server.uri},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(server: Server, folder: Path, name: str, seeds: int, *options: str) -> subprocess.Popen[str]:
    (folder / "suite.yaml").write_text(SUITE.format(name=name, seeds=seeds))
    return start(server, folder, "run", "suite.yaml", *options)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_free(run: Path) -> bool:
    """Whether no process uploads a run."""
    with (run / ".mlflow.lock").open("w") as lock, contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def sync(server: Server, folder: Path) -> str:
    said, complaints = (process := start(server, folder, "mlflow", "sync")).communicate(timeout=200)
    assert process.returncode == 0, complaints
    return said


def assert_mirrored(content: Callable[[str], Content], folder: Path, suite: str, seeds: int) -> None:
    """One parent, a child per case, and of each metric the values of the store, once."""
    store = Store(folder / "reports")
    name = store.find(None)
    found = content(suite)
    (parent,) = found.parents
    assert parent.data.tags["harness.run"] == name
    assert {one.data.tags["mlflow.parentRunId"] for one in found.children} == {parent.info.run_id}
    rows = store.table(name).to_pylist()
    assert sorted(one.data.tags["harness.case"] for one in found.children) == sorted({row["case"] for row in rows})
    assert len(found.children) == seeds
    assert {one.info.status for one in found.children} == {"FINISHED"}
    plain = found.plain()
    for child in found.children:
        own = [row for row in rows if row["case"] == child.data.tags["harness.case"] and row["metric"]]
        points = Counter(
            point[:2] for point in plain[child.info.run_id][2] if not point[0].startswith(("case/", "phase/"))
        )
        assert points == Counter((row["metric"], row["value"]) for row in own)
    files = {path for path, _ in plain[parent.info.run_id][3]}
    assert files >= {"run.json", "suite.yaml", TABLE, "report.html"}


def test_a_server_that_dies_in_the_middle(server, content, folder) -> None:
    running = run(server, folder, "dying", 24)
    until(lambda: len(content("dying").children) >= 3)
    server.kill()
    _, complaints = running.communicate(timeout=200)
    assert running.returncode == 0, complaints
    assert "Connection refused; the results are whole; upload the rest with: harness mlflow sync" in complaints
    server.start()
    assert 3 <= len(content("dying").children) < 24
    assert ": cases: 0 uploaded" not in sync(server, folder)
    assert_mirrored(content, folder, "dying", 24)
    once = content("dying").plain()
    assert sync(server, folder).endswith(": cases: 0 uploaded, 24 there already\n")
    assert content("dying").plain() == once


@pytest.mark.parametrize("when", ["in the middle", "at the end"])
def test_a_server_that_is_suspended(when, server, content, folder) -> None:
    suite = f"suspended-{when.replace(' ', '-')}"
    running = run(server, folder, suite, 8)
    if when == "at the end":
        until(lambda: list((folder / "reports").glob(f"*/{TABLE}")))
    else:
        until(lambda: content(suite).children)
    server.signal(signal.SIGSTOP)
    _, complaints = running.communicate(timeout=200)
    ended = time.time()
    server.signal(signal.SIGCONT)
    assert running.returncode == 0, complaints
    assert ("no answer for 3 s; the results are whole" in complaints) != ("logged to MLflow" in complaints)
    store = Store(folder / "reports")
    last = max(store.table(store.find(None))["finished_at"].to_pylist()).timestamp()
    assert ended - last <= 5 + 5  # five seconds for MLflow; the rest to make a table and a summary on a busy machine
    sync(server, folder)
    assert_mirrored(content, folder, suite, 8)


def test_a_run_and_an_upload_that_are_killed(server, content, folder) -> None:
    running = run(server, folder, "killed", 100)
    until(lambda: content("killed").children)
    running.kill()
    running.communicate(timeout=200)
    (name,) = Store(folder / "reports").runs()
    until(lambda: is_free(folder / "reports" / name))  # the logging process goes on with what is stored
    done = len(set(Store(folder / "reports").table(name)["case"].to_pylist()))
    assert 1 <= done < 100
    sync(server, folder)
    assert_mirrored(content, folder, "killed", done)
    (folder / "reports" / name).rename(folder / "reports" / "copy")  # as another run: nothing of it is there
    uploading = start(server, folder, "mlflow", "sync")
    until(lambda: len(content("killed").parents) == 2)
    uploading.send_signal(signal.SIGINT)
    uploading.communicate(timeout=200)
    assert uploading.returncode in (130, 0)  # of few cases it may have uploaded the last before it hears
    assert sync(server, folder).startswith("copy: ")
    found = content("killed")
    assert Counter(one.data.tags["harness.run"] for one in found.children) == {name: done, "copy": done}
    assert {one.info.status for one in found.parents} == {"KILLED"}


def test_a_run_without_mlflow_is_uploaded_later_and_once(server, content, folder) -> None:
    running = run(server, folder, "later", 4, "-j", "2", "--no-mlflow")
    _, complaints = running.communicate(timeout=200)
    assert running.returncode == 0, complaints
    assert content("later").parents == []
    both = [start(server, folder, "mlflow", "sync") for _ in range(2)]
    said = [process.communicate(timeout=200) for process in both]
    assert {process.returncode for process in both} <= {0, 2}
    assert any("cases: 4 uploaded" in out for out, _ in said)
    for process, (_, complaints) in zip(both, said, strict=True):
        assert process.returncode == 0 or "another process uploads it right now" in complaints
    assert_mirrored(content, folder, "later", 4)
