"""Writes results to disk as they come: an append-only journal while the run goes on, one Parquet table at its end."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.hookspecs import hookimpl
from harness.store.files import write_atomically
from harness.store.journal import Journal
from harness.store.rows import to_batch
from harness.store.store import JOURNAL, RECORD, compact

if TYPE_CHECKING:
    from harness.plan.case import Case
    from harness.results import Result
    from harness.running import Run


class StoreWriter:
    """The store's side of one run."""

    def __init__(self) -> None:
        self._journal: Journal | None = None

    @hookimpl(tryfirst=True)
    def harness_run_started(self, run: Run) -> None:
        """Write the record, so that the run can be read from its first result on, and open the journal."""
        try:
            write_atomically(run.directory / RECORD, lambda path: _write_json(path, run.record()))
            (run.directory / "suite.yaml").write_text(run.suite.text, encoding="utf-8")
            self._journal = Journal(run.directory / JOURNAL)
        except OSError as error:
            raise HarnessError(f"the store cannot be written: {error}") from error

    @hookimpl(tryfirst=True)
    def harness_case_finished(self, run: Run, case: Case, result: Result) -> None:
        """Append the case's rows."""
        assert self._journal is not None
        try:
            self._journal.append(to_batch(run.id, run.suite.name, case, result, int(time.time() * 1000)))
        except OSError as error:
            raise HarnessError(f"the store cannot be written: {error}") from error

    @hookimpl(tryfirst=True)
    def harness_run_finished(self, run: Run) -> None:
        """Close the journal and turn it into the final table."""
        if self._journal is not None:
            self._journal.close()
            compact(run.directory)
            write_atomically(run.directory / RECORD, lambda path: _write_json(path, run.record()))


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
