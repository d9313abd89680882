"""The server that workers are forked from, as the coordinator sees it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from harness.execution.job import Job
from harness.execution.server import Server
from harness.plan.planner import Modules


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    """A server that is ready."""
    made = Server(1, Modules(), tmp_path / "scratch")
    while not made.ready:
        assert not list(made.heard() or ())
    yield made
    made.close()


@pytest.fixture
def job() -> Iterator[Job]:
    made = Job([SimpleNamespace(limits=None)], lambda _: {})
    yield made
    made.close()


def test_a_server_that_dies_with_unread_requests_is_heard(server, job) -> None:
    os.kill(server._process.pid, signal.SIGSTOP)
    server.start(job)
    os.kill(server._process.pid, signal.SIGKILL)
    server._process.wait()
    assert server.heard() is None


def test_requests_to_a_dead_server_are_lost_without_harm(server, job) -> None:
    os.kill(server._process.pid, signal.SIGKILL)
    server._process.wait()
    server.start(job)
    job.pid = 1
    server.kill(job)
    assert server.heard() is None


def test_a_worker_that_fails_at_its_request_ends_with_a_code(server, job) -> None:
    server.start(job)
    ended = []
    while not ended:
        ended = list(server.heard())
    assert [(end.job, end.code) for end in ended] == [(job, 1)]
    assert "KeyError: 'shared'" in job.output.of("")[0]
    assert job.current is not None


def test_a_server_takes_its_jobs_along(survivors, tmp_path) -> None:
    waiting = Job([SimpleNamespace(limits=None)] * 3, lambda _: {})
    other = Server(1, Modules(), tmp_path / "scratch")
    while not other.ready:
        assert not list(other.heard() or ())
    other.start(waiting)
    other.close()
    waiting.close()
    assert survivors() == []
