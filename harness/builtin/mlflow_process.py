"""The process that logs to MLflow, seen from outside: how it is started, and what it answers.

The tracking server is `$MLFLOW_TRACKING_URI`, or a SQLite file in the store.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.redaction import Redactor

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""No telemetry, no chatter, and minutes of waiting cut to seconds; what the user has set stays."""
_ONCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
"""MLflow's client would repeat a request to create a run whose answer was lost, and so create a second one."""
_REASON_LENGTH = 300


@dataclass(frozen=True)
class Outcome:
    """What MLflow has of a run now. The process writes one per run, a line of JSON each."""

    run: str
    uploaded: int = 0
    """Cases that were uploaded."""
    known: int = 0
    """Cases that MLflow had already."""
    problem: str | None = None
    """Why MLflow does not have everything, in one line."""

    def line(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Outcome | None:
        """What a line says; None if it is no outcome."""
        try:
            known = json.loads(line)
            problem = None if known["problem"] is None else str(known["problem"])
            return cls(str(known["run"]), int(known["uploaded"]), int(known["known"]), problem)
        except (ValueError, TypeError, KeyError):
            return None


def tracking_uri(store: Path) -> str:
    """Where to log. It may hold a password: `shown` takes it out."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{store / 'mlflow.db'}"


def environment(store: Path) -> dict[str, str]:
    """The environment of a process that talks to MLflow; the server is in it, since all can see a command line."""
    return {**_QUIET, **os.environ, **_ONCE, "MLFLOW_TRACKING_URI": tracking_uri(store)}


def launch(folders: Sequence[Path], *, follow: bool = False) -> subprocess.Popen[bytes]:
    """Start the process.

    Args:
        folders: of runs, all in one store.
        follow: copy the one run while it goes on, until standard input is closed.

    Raises:
        OSError: it cannot be started.
    """
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "harness.builtin.mlflow_worker",
            *(["--follow"] if follow else []),
            *map(str, folders),
        ],
        env=environment(folders[0].parent),
        stdin=subprocess.PIPE if follow else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a pipe that nobody reads would fill, and then the process would stand still
        start_new_session=True,
    )


def shown(text: str, uri: str) -> str:
    """The text without user, password and query of the server's address, and without other secrets."""
    _, _, rest = uri.partition("://")
    user, at, _ = rest.rpartition("@")
    if at and not rest.startswith("/"):  # a file's path may well hold an @
        text = text.replace(f"{user}@", "")
    _, mark, query = uri.partition("?")
    if query:
        text = text.replace(mark + query, "")
    return Redactor(os.environ).clean(text)


def early_end(status: int) -> str:
    """How a process ended that did not say what came of a run."""
    return f"the logging process ended early, {f'by signal {-status}' if status < 0 else f'with status {status}'}"


def reason(error: BaseException, uri: str) -> str:
    """What was at the root of an error, in one line without secrets."""
    while cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        error = cause
    return shown(" ".join(f"{type(error).__name__}: {error}".split()), uri)[:_REASON_LENGTH]
