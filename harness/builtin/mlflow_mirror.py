"""Logs a run to MLflow, from a process of its own that reads the store: MLflow is a mirror and never in the way."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from harness.builtin.mlflow_process import Outcome, early_end, launch, shown, tracking_uri
from harness.hookspecs import hookimpl
from harness.tables import console, inert

if TYPE_CHECKING:
    from harness.plan.case import Case
    from harness.running import Run


class MlflowMirror:
    """Starts the logging process, keeps it still while speeds are measured, waits for it at the end."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: str | None = None
        """Why there is no process."""

    @hookimpl
    def harness_run_started(self, run: Run) -> None:
        """Start the process beside the run, unless nothing is run and nothing concluded: then all is logged already."""
        if not run.conclude and not any(planned.to_run for planned in run.plan):
            return
        try:
            self._process = launch([run.directory], follow=True)
        except OSError as error:
            self._failure = f"the logging process cannot be started: {error}"

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
        self._signal(signal.SIGCONT)
        problem = self._failure if self._process is None else _ending(self._process)
        if problem is not None:
            _complain(run, problem)
        elif self._process is not None:
            _point(run.directory.parent)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)


def _ending(process: subprocess.Popen[bytes]) -> str | None:
    """Let the process end: it gives up by itself where MLflow does not answer. What went wrong, if anything."""
    try:
        said, _ = process.communicate()  # closes its standard input: the run is over
    except KeyboardInterrupt:  # the run is stored: what is broken off is the waiting alone
        process.kill()
        process.wait()
        return "interrupted"
    outcomes = [outcome for line in said.splitlines() if (outcome := Outcome.read(line))]
    return outcomes[-1].problem if outcomes else early_end(process.returncode)


def _complain(run: Run, problem: str) -> None:
    from harness.api import store_folder

    store = run.directory.parent
    where = [] if store == store_folder() else ["--store", str(store)]
    uri = tracking_uri(store)
    again = shlex.join(["harness", "mlflow", "sync", *where, run.id])
    text = f"MLflow at {shown(uri, uri)} did not take everything: {problem}"
    advice = f"the results are whole; upload the rest with: {again}"
    console(stderr=True).print(f"[yellow]{inert(text)}; {inert(advice)}[/]", soft_wrap=True)


def _point(store: Path) -> None:
    uri = tracking_uri(store)
    to = console(stderr=True)
    if "MLFLOW_TRACKING_URI" in os.environ:
        to.print(f"logged to MLflow at {inert(shown(uri, uri))}", soft_wrap=True)
    else:
        again = shlex.join(["mlflow", "ui", "--backend-store-uri", uri])
        to.print(f"logged to MLflow; look at it with: {inert(again)}", soft_wrap=True)
