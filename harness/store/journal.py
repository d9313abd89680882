"""The journal of a run that goes on: frames, the first with the schema, each other with the record batch of a case."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from harness.store.damage import Damage, Reading
from harness.store.frames import Gap, frame, frames
from harness.store.rows import SCHEMA
from harness.store.versions import schema_version, upgrade

_SYNC_SECONDS = 0.5


class Journal:
    """Appends batches. They survive the death of this process at once, and that of the machine within half a second.

    Raises:
        OSError: the file is there already, or cannot be written; then it ends with the last batch that was appended.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb", buffering=0)
        self._end = 0
        self._synced = 0.0
        pa.scalar(0)  # the first conversion imports pandas: now, not while a case waits to be killed at its limit
        try:
            self._write(SCHEMA.serialize())
        except OSError:
            self._file.close()
            raise

    def append(self, batch: pa.RecordBatch) -> None:
        """Append the rows of a case."""
        self._write(batch.serialize())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, payload: pa.Buffer) -> None:
        content = memoryview(frame(memoryview(payload)))
        try:
            rest = content
            while rest:  # a disk that fills up takes a part first, and says why at the next attempt
                rest = rest[self._file.write(rest) :]
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError:
            self._cut()
            raise
        self._end += len(content)

    def _cut(self) -> None:
        with contextlib.suppress(OSError):  # what stays then is a whole frame, or is not read
            self._file.truncate(self._end)
            self._file.seek(self._end)


class JournalReader:
    """Reads a journal while it grows.

    Args:
        path: the journal; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.schema = SCHEMA
        """That of the batches."""
        self.damaged: list[int] = []
        """Where bytes begin that are not what was written. A last batch that was cut off is none of them."""

    def read(self) -> Iterator[pa.RecordBatch]:
        """The whole batches that were appended since the last call.

        Raises:
            DamagedError: a newer version of the harness has written the journal.
            OSError: it cannot be read.
        """
        base = self._offset
        for found in frames(self._content()):
            if isinstance(found, Gap):
                if not found.unfinished and base + found.start not in self.damaged:
                    self.damaged.append(base + found.start)
                continue
            self._offset = base + found.end  # a gap at the end stays ahead: its frame may be finished later
            message = pa.ipc.read_message(pa.py_buffer(found.payload))
            if message.type == "schema":
                self.schema = pa.ipc.read_schema(message)
                schema_version(self.schema.metadata, self._path.parent.name)
            else:
                yield pa.ipc.read_record_batch(message, self.schema)

    def _content(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                return file.read()
        except FileNotFoundError:
            return b""


def read_journal(path: Path) -> Reading:
    """The whole batches of a journal; none if there is no journal.

    Raises:
        DamagedError: a newer version of the harness has written the journal.
        OSError: it cannot be read.
    """
    reader = JournalReader(path)
    batches = list(reader.read())
    table = upgrade(pa.Table.from_batches(batches, reader.schema), path.parent.name)
    if not reader.damaged:
        return Reading(table)
    places = ", ".join(map(str, reader.damaged))
    return Reading(table, Damage(path, f"is damaged at byte {places}: what a case had there is left out"))
