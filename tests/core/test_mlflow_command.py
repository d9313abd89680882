"""`harness mlflow sync`, without MLflow."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

import harness
from harness.builtin import mlflow_process
from harness.builtin.mlflow_process import Outcome
from harness.cli import main
from harness.errors import HarnessError


@pytest.fixture
def stored(of, runs, monkeypatch) -> list[str]:
    """Two runs, the older first."""
    monkeypatch.setenv("HARNESS_MLFLOW_SYNC_STORE", str(runs))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:hunter2@host")
    return [harness.run(of("guessing/mean"), store=runs, fresh=True).id for _ in range(2)]


@pytest.fixture
def answer(monkeypatch) -> Callable[..., None]:
    """Let the process print this, and end with a status: `answer(b"...", 0)`; `RUN0` and so on are the runs it got."""

    def set_(printed: bytes, status: int = 0) -> None:
        script = (
            "import os, sys; said = bytes.fromhex(sys.argv[2])\n"
            "for index, folder in enumerate(sys.argv[3:]):\n"
            "    said = said.replace(b'RUN%d' % index, os.path.basename(folder).encode())\n"
            "sys.stdout.buffer.write(said); sys.stdout.flush(); os._exit(int(sys.argv[1]))"
        )
        popen = mlflow_process.subprocess.Popen

        def start(command: list[str], **options: Any) -> Any:
            return popen([sys.executable, "-c", script, str(status), printed.hex(), *command[3:]], **options)

        monkeypatch.setattr(mlflow_process.subprocess, "Popen", start)

    return set_


def test_the_latest_is_the_default(stored, answer, cli) -> None:
    answer(b"noise\n" + Outcome("RUN0", uploaded=2, known=1).line())
    said = cli("mlflow", "sync")
    assert said.exit_code == 0
    assert said.stdout == f"{stored[1]}: cases: 2 uploaded, 1 there already\n"


def test_all_are_uploaded_in_one_process(stored, answer, cli) -> None:
    answer(Outcome("RUN0", known=1).line() + Outcome("RUN1").line())
    said = cli("mlflow", "sync", "--all")
    assert said.stdout == (f"{stored[0]}: cases: 0 uploaded, 1 there already\n{stored[1]}: no cases of its own\n")


def test_what_failed_is_told_of_each_run(stored, answer, cli) -> None:
    answer(Outcome("RUN0", problem="it is down").line())
    said = cli("mlflow", "sync", "--all")
    assert isinstance(said.exception, HarnessError)
    assert str(said.exception).splitlines() == [
        "MLflow at http://host does not have everything:",
        f"  {stored[0]}: it is down",
        f"  {stored[1]}: not tried after these failures",
    ]


def test_a_process_that_dies_is_told(stored, answer, monkeypatch, capfd, runs) -> None:
    answer(b"", 7)
    monkeypatch.setattr(sys, "argv", ["harness", "mlflow", "sync"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "the logging process ended early, with status 7" in capfd.readouterr().err


def test_a_run_that_is_not_there_is_told(stored, cli) -> None:
    said = cli("mlflow", "sync", "nothing")
    assert isinstance(said.exception, HarnessError)
    assert "'nothing' matches no run" in str(said.exception)


def test_names_and_all_exclude_each_other(stored, cli) -> None:
    assert cli("mlflow", "sync", "--all", stored[0]).exit_code == 2


def test_an_empty_store_has_nothing_to_upload(cli, tmp_path) -> None:
    said = cli("mlflow", "sync", "--all", "--store", tmp_path / "none")
    assert (said.exit_code, said.stdout) == (0, "")
