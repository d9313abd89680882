"""When the logging process is started and stopped."""

from __future__ import annotations

import signal
from types import SimpleNamespace

import pytest

from harness.builtin.mlflow_mirror import MlflowMirror, tracking_uri


class Process:
    """Remembers what was done to it."""

    returncode = 0

    def __init__(self, *arguments, **options) -> None:
        self.done: list[object] = []

    def poll(self) -> None:
        return None

    def send_signal(self, number) -> None:
        self.done.append(number)

    def communicate(self):
        self.done.append("waited")
        return b"", b""


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Start the mirror for a plan: the processes made."""
    made: list[Process] = []

    def start(*to_run: bool, conclude=None):
        def popen(*arguments, **options):
            made.append(Process())
            return made[-1]

        monkeypatch.setattr("harness.builtin.mlflow_mirror.subprocess.Popen", popen)
        mirror = MlflowMirror()
        plan = [SimpleNamespace(to_run=one) for one in to_run]
        run = SimpleNamespace(directory=tmp_path / "run", plan=plan, conclude=conclude)
        mirror.harness_run_started(run)
        return mirror, run, made

    return start


def test_nothing_is_started_when_all_is_reused(started) -> None:
    mirror, run, made = started(False, False)
    mirror.harness_run_finished(run)
    assert made == []


def test_a_conclusion_is_logged_though_all_is_reused(started) -> None:
    mirror, run, (process,) = started(False, False, conclude=print)
    mirror.harness_run_finished(run)
    assert process.done[-1] == "waited"


def test_it_is_waited_for_at_the_end(started) -> None:
    mirror, run, (process,) = started(False, True)
    mirror.harness_run_finished(run)
    assert process.done[-1] == "waited"


def test_it_stands_still_while_a_speed_is_measured(started) -> None:
    mirror, _, (process,) = started(True)
    for timed in (False, True):
        mirror.harness_case_started(SimpleNamespace(timed=timed))
        mirror.harness_case_finished(SimpleNamespace(timed=timed))
    assert process.done == [signal.SIGSTOP, signal.SIGCONT]


@pytest.mark.parametrize("uri", ["http://127.0.0.1:5000", "sqlite:////somewhere/mlflow.db"])
def test_the_environment_says_where_to_log(uri, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert tracking_uri(tmp_path) == uri
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
