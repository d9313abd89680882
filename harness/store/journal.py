"""The journal of a run that goes on: an Arrow stream to which each case appends a record batch, in one write."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa

from harness.store.rows import SCHEMA

_SYNC_SECONDS = 0.5


class Journal:
    """Appends batches. They survive the death of this process at once, and that of the machine within half a second."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._synced = 0.0
        pa.scalar(0)  # the first conversion imports pandas: now, not while a case waits to be killed at its limit
        try:
            self._file.write(SCHEMA.serialize())
        except OSError:
            self._file.close()
            raise

    def append(self, batch: pa.RecordBatch) -> None:
        """Append the rows of a case."""
        self._file.write(batch.serialize())
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path) -> pa.Table:
    """The whole batches of a journal; a last one that was cut off is left out."""
    batches = []
    if path.is_file() and path.stat().st_size:
        with pa.OSFile(str(path), "rb") as source:
            try:
                reader = pa.ipc.open_stream(source)
                while True:
                    batches.append(reader.read_next_batch())
            except (StopIteration, pa.ArrowInvalid, OSError):
                pass
    return pa.Table.from_batches(batches, schema=SCHEMA)
