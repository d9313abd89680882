"""The process that logs to MLflow: `python -m harness.builtin.mlflow_worker [--follow] FOLDER...`.

It makes MLflow have what the store has of these runs, and writes an `Outcome` for each to standard output. With
`--follow` it copies one run while that goes on, until standard input is closed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.builtin.mlflow_process import Outcome, reason
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.builtin.mlflow_sync import Upload

_POLL_SECONDS = 0.5
_RETRY_SECONDS = 20.0
"""Between two attempts with a server that failed, while the run goes on."""
_LAST_ATTEMPTS = 2
"""At the end of a run: the second one is for a server that has closed an idle connection."""
_SILENCE_SECONDS = 3.0
"""How long MLflow may be waited for after a run's end, all waits together."""
_TICK_SECONDS = 0.25
_BUSY_SECONDS = 0.001
"""CPU time within a tick that says that something is being done: more than that of waking up to look at the clock."""
_LOCK = ".mlflow.lock"


class Follower:
    """Copies a run while it goes on. A server that fails is tried again now and then, and once more at the end."""

    def __init__(self, folder: Path, uri: str) -> None:
        self._folder = folder
        self._uri = uri
        self._upload: Upload | None = None
        self._fresh = True
        self._problem: str | None = None
        self._retry_at = 0.0

    def follow(self, over: threading.Event) -> Outcome:
        """Copy the run until it is over and MLflow has it all, or fails."""
        while not over.is_set():
            if time.monotonic() >= self._retry_at:
                self._attempt(lambda upload: upload.catch_up())
            over.wait(_POLL_SECONDS)
        for _ in range(_LAST_ATTEMPTS):
            if outcome := self._attempt(lambda upload: upload.finish()):
                return outcome
        return self.failed()

    def failed(self) -> Outcome:
        """What to say when MLflow does not get everything."""
        return Outcome(self._folder.name, problem=self._problem or f"no answer for {_SILENCE_SECONDS:.0f} s")

    def _attempt(self, action: Callable[[Upload], Outcome | None]) -> Outcome | None:
        """Do a part of the work. After a failure nobody knows what the server has: the next attempt asks it."""
        try:
            if self._upload is None:
                from harness.builtin.mlflow_sync import Upload

                upload = Upload(self._folder, self._uri, fresh=self._fresh)
                self._upload, self._fresh = upload, False
            return action(self._upload)
        except Exception as error:  # noqa: BLE001 - whatever MLflow raises, the run goes on
            self._upload, self._fresh = None, False
            self._problem = reason(error, self._uri)
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            return None


def main() -> int:
    """Do what the command line says."""
    os.nice(10)
    say, uri = _private_output(), os.environ["MLFLOW_TRACKING_URI"]
    if sys.argv[1] == "--follow":
        _follow(Path(sys.argv[2]), uri, say)
    else:
        _copy([Path(argument) for argument in sys.argv[1:]], uri, say)
    return 0


def watch(over: threading.Event, silent: Callable[[], None]) -> None:
    """Wait for the end of standard input, and from then on count the time in which nothing is done but waiting.

    What MLflow or its database has to do in this process takes CPU time, and so does every answer of a server: a wait
    without either is a wait for someone who is silent. Too much of it, and `silent` is called.
    """
    while os.read(sys.stdin.fileno(), 1024):
        pass
    over.set()
    waited, used = 0.0, time.process_time()
    while waited < _SILENCE_SECONDS:
        time.sleep(_TICK_SECONDS)
        before, used = used, time.process_time()
        if used - before < _BUSY_SECONDS:
            waited += _TICK_SECONDS
    silent()


def _follow(folder: Path, uri: str, say: Callable[[Outcome], None]) -> None:
    follower, over = Follower(folder, uri), threading.Event()

    def give_up() -> None:
        say(follower.failed())
        os._exit(0)

    threading.Thread(target=watch, args=(over, give_up), daemon=True).start()
    try:
        with _locked(folder):
            say(follower.follow(over))
    except HarnessError as error:
        say(Outcome(folder.name, problem=str(error)))


def _copy(folders: Sequence[Path], uri: str, say: Callable[[Outcome], None]) -> None:
    """Copy runs one after the other, until the server has failed twice in a row: one may be the fault of a run."""
    failures = 0
    for folder in folders:
        try:
            with _locked(folder):
                from harness.builtin.mlflow_sync import Upload

                say(Upload(folder, uri).finish())
                failures = 0
        except HarnessError as error:  # of the run, not of the server
            say(Outcome(folder.name, problem=str(error)))
        except Exception as error:  # noqa: BLE001 - whatever MLflow raises, it is told in a line
            say(Outcome(folder.name, problem=reason(error, uri)))
            failures += 1
        if failures == 2:
            return


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two processes that upload one run would create its cases twice."""
    with contextlib.ExitStack() as stack:
        try:
            lock = stack.enter_context((folder / _LOCK).open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HarnessError("another process uploads it right now: try again when that has ended") from None
        except OSError as error:
            raise HarnessError(f"{folder} cannot be locked: {error.strerror}") from error
        yield


def _private_output() -> Callable[[Outcome], None]:
    """Keep standard output for outcomes: whatever else is printed goes nowhere."""
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)

    def say(outcome: Outcome) -> None:
        os.write(kept, outcome.line())

    return say


if __name__ == "__main__":
    os._exit(main())  # at once: MLflow's threads and handlers of the exit may wait for the server
