"""Logs a run to MLflow, from a process of its own that reads the store: MLflow is a mirror and never in the way.

The tracking server is `$MLFLOW_TRACKING_URI`, or a SQLite file in the store.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.hookspecs import hookimpl
from harness.tables import console

if TYPE_CHECKING:
    from harness.plan.case import Case
    from harness.running import Run

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""No telemetry, no chatter, and minutes of retries cut to seconds; what the user has set stays."""


class MlflowMirror:
    """Starts the logging process, keeps it still while speeds are measured, waits for it at the end."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @hookimpl
    def harness_run_started(self, run: Run) -> None:
        """Start the process beside the run, unless nothing is run and nothing concluded: then all is logged already."""
        if not run.conclude and not any(planned.to_run for planned in run.plan):
            return
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "harness.builtin.mlflow_sync",
                str(run.directory),
                tracking_uri(run.directory.parent),
            ],
            env={**QUIET, **os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    @hookimpl
    def harness_case_started(self, case: Case) -> None:
        """A timed case has the machine for itself."""
        if case.timed:
            self._signal(signal.SIGSTOP)

    @hookimpl
    def harness_case_finished(self, case: Case) -> None:
        """Go on."""
        if case.timed:
            self._signal(signal.SIGCONT)

    @hookimpl
    def harness_run_finished(self, run: Run) -> None:
        """Let it finish, and say where to look, or what went wrong. The results are whole without it."""
        if self._process is None:
            return
        self._signal(signal.SIGCONT)
        _, errors = self._process.communicate()  # closes its standard input: the run is over
        said = console(stderr=True)
        uri = tracking_uri(run.directory.parent)
        if self._process.returncode:
            last = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
            said.print(f"[yellow]MLflow at {uri} did not take everything: {last}[/]")
        elif "MLFLOW_TRACKING_URI" in os.environ:
            said.print(f"logged to MLflow at {uri}")
        else:
            said.print(f"logged to MLflow; look at it with: mlflow ui --backend-store-uri {uri}", soft_wrap=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)


def tracking_uri(store: Path) -> str:
    """Where to log."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{store / 'mlflow.db'}"
