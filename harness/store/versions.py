"""What older versions of the harness have stored, and what to say of what newer ones have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa

from harness.errors import DamagedError
from harness.store.rows import SCHEMA, SCHEMA_KEY, SCHEMA_VERSION

OLD_JOURNAL = "journal.arrows"
"""The journal of a run that version 1 began and did not finish."""


class NewerError(DamagedError):
    """A newer version of the harness has written this."""

    def __init__(self, run: str, version: int) -> None:
        super().__init__(
            f"run {run} was written by a newer version of the harness (store schema {version}, this one reads up to "
            f"{SCHEMA_VERSION}): update paper-harness"
        )


def check_version(version: object, run: str) -> int:
    """A version of the store's schema that this harness can read.

    Args:
        version: as it was read: a whole number, also as text; None stands for version 1.
        run: whose it is.

    Raises:
        NewerError: it is above `SCHEMA_VERSION`.
        DamagedError: it is no version.
    """
    text = version.decode(errors="replace") if isinstance(version, bytes) else str(1 if version is None else version)
    if not (text.isascii() and text.isdigit() and int(text)):
        raise DamagedError(f"run {run}: {text[:20]!r} is no version of the store's schema")
    if int(text) > SCHEMA_VERSION:
        raise NewerError(run, int(text))
    return int(text)


def schema_version(metadata: Mapping[bytes, bytes] | None, run: str) -> int:
    """The version that the metadata of a table name; raises as `check_version` does."""
    return check_version((metadata or {}).get(SCHEMA_KEY.encode()), run)


def upgrade(table: pa.Table, run: str) -> pa.Table:
    """A table, or some columns of one, with the columns that came later; raises as `check_version` does."""
    for migrate in MIGRATIONS[schema_version(table.schema.metadata, run) - 1 :]:
        table = migrate(table)
    return table.replace_schema_metadata(SCHEMA.metadata)


def read_old_journal(path: Path) -> pa.Table:
    """The whole batches of a version 1 journal, an Arrow stream; a last one that was cut off is left out."""
    batches: list[pa.RecordBatch] = []
    with pa.OSFile(str(path), "rb") as source:
        try:
            reader = pa.ipc.open_stream(source)
            while True:
                batches.append(reader.read_next_batch())
        except (StopIteration, pa.ArrowInvalid, OSError):
            pass
    return upgrade(pa.Table.from_batches(batches), path.parent.name) if batches else SCHEMA.empty_table()


def _count_attempts(table: pa.Table) -> pa.Table:
    """Version 2: a case may be started more than once."""
    return table.append_column("attempts", pa.repeat(pa.scalar(1, pa.int64()), len(table)))


def _count_device_memory(table: pa.Table) -> pa.Table:
    """Version 3: the memory of an accelerator is measured too."""
    return table.append_column("device_memory", pa.nulls(len(table), pa.int64()))


MIGRATIONS: tuple[Callable[[pa.Table], pa.Table], ...] = (_count_attempts, _count_device_memory)
"""From each version to the next, the first from version 1."""
