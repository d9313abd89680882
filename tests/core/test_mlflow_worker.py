"""The logging process: what it does when MLflow fails, is silent, or is held by another."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest

from harness.builtin import mlflow_worker
from harness.builtin.mlflow_process import Outcome
from harness.builtin.mlflow_worker import Follower, watch
from harness.errors import HarnessError


class Server:
    """Fails as often as it is told; remembers what it was asked."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.asked: list[str] = []

    def request(self, what: str) -> None:
        self.asked.append(what)
        if self.failures:
            raise self.failures.pop(0)


@pytest.fixture
def server(monkeypatch) -> Server:
    """In place of everything that talks to MLflow."""
    made = Server()

    class Upload:
        def __init__(self, folder, uri, *, fresh=False) -> None:
            self.name = folder.name
            made.request("fresh" if fresh else "ask")

        def catch_up(self) -> None:
            made.request("catch up")

        def finish(self) -> Outcome:
            made.request(f"finish {self.name}")
            return Outcome(self.name, uploaded=1)

    module = ModuleType("harness.builtin.mlflow_sync")
    module.Upload = Upload
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return made


@pytest.fixture
def over() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_a_fresh_run_is_not_asked_for(server, over, tmp_path) -> None:
    assert Follower(tmp_path / "run", "http://host").follow(over) == Outcome("run", uploaded=1)
    assert server.asked == ["fresh", "finish run"]


def test_after_a_failure_mlflow_is_asked_what_it_has(server, over, tmp_path) -> None:
    server.failures = [TimeoutError("lost")]
    assert Follower(tmp_path / "run", "http://host").follow(over) == Outcome("run", uploaded=1)
    assert server.asked == ["fresh", "ask", "finish run"]


def test_a_server_that_always_fails_costs_two_attempts_at_the_end(server, over, tmp_path) -> None:
    server.failures = [OSError("first"), *[OSError("http://user:secret@host is down")] * 9]
    outcome = Follower(tmp_path / "run", "http://user:secret@host").follow(over)
    assert outcome == Outcome("run", problem="OSError: http://host is down")
    assert server.asked == ["fresh", "ask"]


def test_a_server_that_comes_back_gets_everything(server, over, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(mlflow_worker, "_POLL_SECONDS", 0.001)
    monkeypatch.setattr(mlflow_worker, "_RETRY_SECONDS", 0.0)
    server.failures = [OSError("down")] * 3
    over.clear()
    follower = Follower(tmp_path / "run", "http://host")
    thread = threading.Thread(target=lambda: found.append(follower.follow(over)))
    found: list[Outcome] = []
    thread.start()
    while "catch up" not in server.asked:
        time.sleep(0.001)
    over.set()
    thread.join()
    assert found == [Outcome("run", uploaded=1)]
    assert server.asked[:5] == ["fresh", "ask", "ask", "ask", "catch up"]


def test_while_a_run_goes_on_a_failed_server_has_a_rest(server, over, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(mlflow_worker, "_POLL_SECONDS", 0.001)
    server.failures = [OSError("down")]
    over.clear()
    follower = Follower(tmp_path / "run", "http://host")
    waits = []

    def wait(seconds) -> None:
        waits.append(seconds)
        if len(waits) == 50:
            over.set()

    monkeypatch.setattr(over, "wait", wait)
    follower.follow(over)
    assert server.asked == ["fresh", "ask", "finish run"]


def test_silence_is_told_as_such(tmp_path) -> None:
    assert Follower(tmp_path / "run", "http://host").failed() == Outcome("run", problem="no answer for 3 s")


def test_several_runs_are_copied_one_after_the_other(server, tmp_path) -> None:
    said = copy(tmp_path, "a", "b", "c")
    assert said == [Outcome(name, uploaded=1) for name in "abc"]


def test_a_damaged_run_costs_itself(server, tmp_path) -> None:
    server.failures = [HarnessError("a is damaged"), HarnessError("b is newer")]
    said = copy(tmp_path, "a", "b", "c")
    assert said == [
        Outcome("a", problem="a is damaged"),
        Outcome("b", problem="b is newer"),
        Outcome("c", uploaded=1),
    ]


def test_a_server_that_fails_twice_is_left_alone(server, tmp_path) -> None:
    server.failures = [OSError("down")] * 9
    assert copy(tmp_path, "a", "b", "c") == [Outcome(name, problem="OSError: down") for name in "ab"]


def test_a_run_is_uploaded_by_one_at_a_time(server, tmp_path) -> None:
    (tmp_path / "run").mkdir()
    with mlflow_worker._locked(tmp_path / "run"):
        (outcome,) = copy(tmp_path, "run")
    assert "another process uploads it right now" in (outcome.problem or "")
    assert server.asked == []
    assert copy(tmp_path, "run") == [Outcome("run", uploaded=1)]


def test_a_folder_that_is_gone_is_told(server, tmp_path) -> None:
    said: list[Outcome] = []
    mlflow_worker._copy([tmp_path / "gone"], "http://host", said.append)
    assert "cannot be locked: No such file" in (said[0].problem or "")


def test_what_waits_too_long_after_the_end_is_given_up(watched) -> None:
    over, silent, end = watched
    assert not over.wait(0.3)
    assert not silent.is_set()  # while the run goes on, all may wait
    os.close(end)
    assert over.wait(30)
    assert silent.wait(30)


def test_what_is_busy_is_waited_for(watched) -> None:
    over, silent, end = watched
    os.close(end)
    used = time.process_time()
    while time.process_time() - used < 1.5:
        pass
    assert over.is_set()
    assert not silent.is_set()
    assert silent.wait(30)


@pytest.fixture
def watched(monkeypatch) -> Iterator[tuple[threading.Event, threading.Event, int]]:
    """A pipe that is watched: what is set at its end, what after the silence, and the end to close."""
    read, write = os.pipe()
    monkeypatch.setattr(mlflow_worker, "_SILENCE_SECONDS", 0.75)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=lambda: read))
    over, silent = threading.Event(), threading.Event()
    thread = threading.Thread(target=watch, args=(over, silent.set))
    thread.start()
    yield over, silent, write
    thread.join()
    os.close(read)


def copy(store, *names: str) -> list[Outcome]:
    said: list[Outcome] = []
    for name in names:
        (store / name).mkdir(exist_ok=True)
    mlflow_worker._copy([store / name for name in names], "http://host", said.append)
    return said
