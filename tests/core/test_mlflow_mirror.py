"""When the logging process is started and stopped, and what is said of it."""

from __future__ import annotations

import signal
from types import SimpleNamespace

import pytest

from harness.builtin import mlflow_mirror
from harness.builtin.mlflow_mirror import MlflowMirror
from harness.builtin.mlflow_process import Outcome


class Process:
    """Remembers what was done to it."""

    def __init__(self, said: object = None, status: int = 0) -> None:
        self.done: list[object] = []
        self.said = Outcome("run").line() if said is None else said
        self.returncode = status

    def poll(self) -> None:
        return None

    def send_signal(self, number) -> None:
        self.done.append(number)

    def communicate(self):
        self.done.append("waited")
        if isinstance(self.said, type):
            raise self.said
        return self.said, None

    def kill(self) -> None:
        self.done.append("killed")

    def wait(self) -> None:
        pass


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Start the mirror for a plan: the mirror, the run, the processes made."""
    monkeypatch.setenv("HARNESS_STORE", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def started(*to_run: bool, conclude=None, process=None):
        made: list[Process] = []

        def launch(folders, *, follow):
            assert (folders, follow) == ([tmp_path / "run"], True)
            if isinstance(process, OSError):
                raise process
            made.append(process or Process())
            return made[-1]

        monkeypatch.setattr(mlflow_mirror, "launch", launch)
        mirror = MlflowMirror()
        plan = [SimpleNamespace(to_run=one) for one in to_run]
        run = SimpleNamespace(id="run", directory=tmp_path / "run", plan=plan, conclude=conclude)
        mirror.harness_run_started(run)
        return mirror, run, made

    return started


def test_nothing_is_started_when_all_is_reused(start, capsys) -> None:
    mirror, run, made = start(False, False)
    mirror.harness_run_finished(run)
    assert made == []
    assert capsys.readouterr().err == ""


def test_a_conclusion_is_logged_though_all_is_reused(start) -> None:
    mirror, run, (process,) = start(False, False, conclude=print)
    mirror.harness_run_finished(run)
    assert process.done[-1] == "waited"


def test_it_is_waited_for_at_the_end(start, capsys) -> None:
    mirror, run, (process,) = start(False, True)
    mirror.harness_run_finished(run)
    assert process.done == [signal.SIGCONT, "waited"]
    assert "look at it with: mlflow ui --backend-store-uri sqlite:///" in capsys.readouterr().err


def test_it_stands_still_while_a_speed_is_measured(start) -> None:
    mirror, _, (process,) = start(True)
    for timed in (False, True):
        mirror.harness_case_started(SimpleNamespace(timed=timed))
        mirror.harness_case_finished(SimpleNamespace(timed=timed))
    assert process.done == [signal.SIGSTOP, signal.SIGCONT]


@pytest.mark.parametrize(
    ("process", "said"),
    [
        (Process(Outcome("run", problem="it is\x1b[2J down").line()), "it is\ufffd[2J down"),
        (Process(b"", -9), "the logging process ended early, by signal 9"),
        (Process(b"\xff garbage\n{}\n", 1), "the logging process ended early, with status 1"),
        (Process(KeyboardInterrupt), "interrupted"),
        (OSError("no memory"), "the logging process cannot be started: no memory"),
    ],
    ids=["server", "killed", "garbage", "interrupted", "not started"],
)
def test_what_mlflow_did_not_take_is_told_in_a_line(process, said, start, capsys, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@host")
    mirror, run, _ = start(True, process=process)
    mirror.harness_run_finished(run)
    assert capsys.readouterr().err == (
        f"MLflow at http://host did not take everything: {said}; "
        "the results are whole; upload the rest with: harness mlflow sync run\n"
    )


def test_an_interrupted_wait_leaves_no_process(start) -> None:
    mirror, run, (process,) = start(True, process=Process(KeyboardInterrupt))
    mirror.harness_run_finished(run)
    assert process.done[-1] == "killed"


def test_another_store_is_named_in_the_command(start, capsys, monkeypatch, tmp_path) -> None:
    mirror, run, _ = start(True, process=Process(b"", 1))
    monkeypatch.setenv("HARNESS_STORE", "elsewhere")
    mirror.harness_run_finished(run)
    assert f"harness mlflow sync --store {tmp_path} run\n" in capsys.readouterr().err
