"""A tracking server that is not there, refuses, or is silent: the run is whole, and over in time."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.store.store import Store

TOYS = Path(__file__).parents[1] / "toys"
SUITE = """
name: faulty
scale: smoke
matrix:
  - tasks: [guessing/guess]
    models: [guessing/mean, guessing/shifted, guessing/naughty: {how: raise}]
"""
MOST_SECONDS = 5.0
"""What a tracking server that does not work may add to a run, in all."""

pytestmark = pytest.mark.slow


def call(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "suite.yaml").write_text(SUITE)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS", "MLFLOW"))}
    return subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(TOYS), **environment},
        capture_output=True,
        check=False,
        text=True,
        timeout=200,
    )


def run(folder: Path, *options: str, **environment: str) -> SimpleNamespace:
    """Run the suite: what was said, and the seconds from the end of the last case to that of the command."""
    said = call(folder, "run", "suite.yaml", *options, **environment)
    ended = time.time()
    store = Store(folder / "reports")
    rows = store.table(store.find(None)).to_pylist()
    last = max(row["finished_at"] for row in rows).timestamp()
    return SimpleNamespace(said=said, seconds=ended - last, rows=rows, name=store.find(None))


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds from the last case to the end of the command without MLflow, and those that importing MLflow takes.

    So short a run is over before MLflow is imported; that is no fault of the server.
    """
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", "import harness.builtin.mlflow_sync"], check=True, timeout=200)
    return time.monotonic() - start + run(tmp_path_factory.mktemp("usual"), "--no-mlflow").seconds


def assert_whole(ran: SimpleNamespace, usual: float) -> None:
    assert ran.said.returncode == 3
    assert "Traceback" not in ran.said.stderr
    assert len({row["case"] for row in ran.rows}) == 3
    (line,) = [line for line in ran.said.stderr.splitlines() if "MLflow" in line]
    assert "did not take everything" in line
    assert line.endswith(f"the results are whole; upload the rest with: harness mlflow sync {ran.name}")
    assert ran.seconds - usual <= MOST_SECONDS, f"{ran.seconds:.1f} s, usually {usual:.1f} s"


@pytest.fixture
def answering() -> Iterator[Callable[..., str]]:
    """A server that answers every request alike: `answering(status, body)` is its address."""
    with contextlib.ExitStack() as stack:

        def start(status: int, body: bytes, *, seconds_per_byte: float = 0.0) -> str:
            class Handler(BaseHTTPRequestHandler):
                def answer(self) -> None:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    with contextlib.suppress(OSError):
                        for index in range(len(body)) if seconds_per_byte else ():
                            self.wfile.write(body[index : index + 1])
                            if closing.wait(seconds_per_byte):
                                return
                        self.wfile.write(b"" if seconds_per_byte else body)

                do_GET = do_POST = answer

                def log_message(self, *_: object) -> None:
                    pass

            closing = threading.Event()
            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            for end in (server.server_close, thread.join, server.shutdown, closing.set):
                stack.callback(end)
            return f"http://127.0.0.1:{server.server_port}"

        yield start


@pytest.fixture
def deaf() -> Iterator[Callable[..., str]]:
    """A server that accepts nothing: its system takes a connection, or with `full` not even that."""
    with contextlib.ExitStack() as stack:

        def start(*, full: bool) -> str:
            listening = stack.enter_context(socket.socket())
            listening.bind(("127.0.0.1", 0))
            listening.listen(0 if full else 100)
            for _ in range(4 if full else 0):
                one = stack.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(listening.getsockname())
            return f"http://127.0.0.1:{listening.getsockname()[1]}"

        yield start


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, b'{"error_code": "INTERNAL_ERROR", "message": "oh"}', "500"),
        (200, b"<html><body>log in, please</body></html>", "JSON"),
    ],
    ids=["500", "HTML"],
)
def test_a_server_that_refuses(status, body, said, answering, usual, tmp_path) -> None:
    ran = run(tmp_path, MLFLOW_TRACKING_URI=answering(status, body))
    assert said in ran.said.stderr
    assert_whole(ran, usual)


@pytest.mark.parametrize("full", [False, True], ids=["accepts and is silent", "black hole"])
def test_a_server_that_is_silent(full, deaf, usual, tmp_path) -> None:
    ran = run(tmp_path, MLFLOW_TRACKING_URI=deaf(full=full))
    assert "no answer for 3 s" in ran.said.stderr
    assert_whole(ran, usual)


def test_a_server_that_drips(answering, usual, tmp_path) -> None:
    ran = run(tmp_path, MLFLOW_TRACKING_URI=answering(200, b" " * 600, seconds_per_byte=0.1))
    assert "no answer for 3 s" in ran.said.stderr
    assert_whole(ran, usual)


@pytest.mark.parametrize("uri", ["http://me:hunter2@127.0.0.1:9", "http://me:hunter2@mlflow.invalid:5000"])
def test_a_server_that_is_not_there(uri, usual, tmp_path) -> None:
    ran = run(tmp_path, MLFLOW_TRACKING_URI=uri)
    assert f"MLflow at {uri.replace('me:hunter2@', '')} did not" in ran.said.stderr
    assert_whole(ran, usual)
    synced = call(tmp_path, "mlflow", "sync", MLFLOW_TRACKING_URI=uri)
    assert synced.returncode == 2
    assert synced.stdout == ""
    assert f"{uri.replace('me:hunter2@', '')} does not have everything:\n  {ran.name}: " in synced.stderr
    assert "hunter2" not in ran.said.stderr + synced.stderr


def test_a_database_that_is_none(usual, tmp_path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "mlflow.db").write_text("nothing of the kind" * 100)
    ran = run(tmp_path)
    assert "file is not a database" in ran.said.stderr
    assert_whole(ran, usual)


def test_a_run_whose_upload_fails_is_named_with_the_reason(answering, tmp_path) -> None:
    ran = run(tmp_path, "--no-mlflow")
    refusing = {answering(401, b"who are you?"): "401", answering(404, b"<html>\x1b[2J</html>"): "404"}
    for uri, reason in {**refusing, "sqlite:////proc/mlflow.db": "unable to open database file"}.items():
        synced = call(tmp_path, "mlflow", "sync", MLFLOW_TRACKING_URI=uri)
        assert synced.returncode == 2
        first, second = synced.stderr.splitlines()
        assert first == f"MLflow at {uri} does not have everything:"
        assert second.startswith(f"  {ran.name}: ")
        assert reason in second
        assert "\x1b" not in second


def test_a_database_that_is_locked(usual, tmp_path) -> None:
    (tmp_path / "reports").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "reports" / "mlflow.db")) as held:
        held.execute("BEGIN EXCLUSIVE")
        ran = run(tmp_path)
        assert_whole(ran, usual)
        held.rollback()
    synced = call(tmp_path, "mlflow", "sync")
    assert synced.stdout == f"{ran.name}: cases: 3 uploaded, 0 there already\n"
    assert synced.returncode == 0
