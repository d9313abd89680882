"""Writes results to disk as they come: an append-only journal while the run goes on, one Parquet table at its end."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from harness.errors import HarnessError
from harness.hookspecs import hookimpl
from harness.store.files import write_atomically
from harness.store.rows import SCHEMA, to_batch
from harness.store.store import JOURNAL, RECORD, compact

if TYPE_CHECKING:
    from harness.plan.case import Case
    from harness.results import Result
    from harness.running import Run

_SYNC_SECONDS = 0.5


class StoreWriter:
    """The store's side of one run."""

    def __init__(self) -> None:
        self._file: pa.OSFile | None = None
        self._journal: pa.RecordBatchStreamWriter | None = None
        self._synced = 0.0

    @hookimpl(tryfirst=True)
    def harness_run_started(self, run: Run) -> None:
        """Write the record, so that the run can be read from its first result on, and open the journal."""
        try:
            write_atomically(run.directory / RECORD, lambda path: _write_json(path, run.record()))
            (run.directory / "suite.yaml").write_text(run.suite.text, encoding="utf-8")
            self._file = pa.OSFile(str(run.directory / JOURNAL), "wb")
            self._journal = pa.ipc.new_stream(self._file, SCHEMA)
        except OSError as error:
            raise HarnessError(f"the store cannot be written: {error}") from error

    @hookimpl(tryfirst=True)
    def harness_case_finished(self, run: Run, case: Case, result: Result) -> None:
        """Append the case's rows. They survive the death of this process at once, and of the machine soon after."""
        assert self._journal is not None
        assert self._file is not None
        try:
            self._journal.write_batch(to_batch(run.id, run.suite.name, case, result, int(time.time() * 1000)))
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise HarnessError(f"the store cannot be written: {error}") from error

    @hookimpl(tryfirst=True)
    def harness_run_finished(self, run: Run) -> None:
        """Close the journal and turn it into the final table."""
        if self._journal is not None and self._file is not None:
            self._journal.close()
            self._file.close()
            compact(run.directory)
            write_atomically(run.directory / RECORD, lambda path: _write_json(path, run.record()))


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
