"""Writes results to disk as they come: an append-only journal while the run goes on, one Parquet table at its end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness.claims.verdicts import VERDICTS
from harness.errors import StoreError
from harness.hookspecs import hookimpl
from harness.store.digests import write_digests
from harness.store.files import write_atomically
from harness.store.journal import Journal
from harness.store.record import write_record
from harness.store.rows import to_batch
from harness.store.store import JOURNAL, RECORD, SUITE, TABLE, compact

if TYPE_CHECKING:
    from harness.plan.case import Case
    from harness.results import Result
    from harness.running import Run


class StoreWriter:
    """The store's side of one run. Every hook raises `StoreError` if the disk does not take what it writes."""

    def __init__(self) -> None:
        self._journal: Journal | None = None

    @hookimpl(tryfirst=True)
    def harness_run_started(self, run: Run) -> None:
        """Write the record, so that the run can be read from its first result on, and open the journal."""
        try:
            with _writing(run.directory):
                write_record(run.directory / RECORD, run.record())
                write_atomically(run.directory / SUITE, lambda path: path.write_text(run.suite.text, encoding="utf-8"))
                self._journal = Journal(run.directory / JOURNAL)
        except StoreError:
            _leave_nothing(run.directory)
            raise

    @hookimpl(tryfirst=True)
    def harness_case_finished(self, run: Run, case: Case, result: Result) -> None:
        """Append the case's rows."""
        assert self._journal is not None
        with _writing(run.directory):
            self._journal.append(to_batch(run.id, run.suite.name, case, result, int(time.time() * 1000)))

    @hookimpl(tryfirst=True)
    def harness_run_finished(self, run: Run) -> None:
        """Close the journal and turn it into the final table; whatever fails before, what was appended can be read."""
        if self._journal is None:
            return
        with _writing(run.directory):
            self._journal.close()
            damage = compact(run.directory)
            write_record(run.directory / RECORD, run.record())
            write_digests(run.directory, (RECORD, SUITE, TABLE, VERDICTS))
        if damage:
            raise StoreError(f"{damage}; the same command runs those cases again")


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the store cannot be written: {error.strerror or error} ({error.filename or folder}). What was stored "
            "before is whole: once there is room and leave to write, the same command goes on from there"
        ) from error


def _leave_nothing(folder: Path) -> None:
    """Remove a run that could not begin."""
    with contextlib.suppress(OSError):
        for name in (JOURNAL, SUITE, RECORD):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
