"""The table of a finished run: Parquet in groups of whole cases, each page with its checksum."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from harness.store.damage import Damage, DamagedFileError, Reading
from harness.store.digests import digest
from harness.store.rows import SCHEMA
from harness.store.versions import schema_version, upgrade

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_GROUP_ROWS = 8192
"""So many rows, at the least, share what damage to one of them costs. Fewer would make reading slower."""
_UNREADABLE = (OSError, ValueError, MemoryError, pa.ArrowException)
_REMEDY = "put back a copy of the file, or delete the run's folder; its cases run again"


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table of results.

    Raises:
        OSError: it cannot be written.
    """
    import pyarrow.parquet as pq

    content = pa.BufferOutputStream()  # what fails below says plainly why; Arrow's own files do not
    with pq.ParquetWriter(content, table.schema, compression="zstd", write_page_checksum=True) as writer:
        for group in _groups(table.combine_chunks()):
            writer.write_table(group, row_group_size=max(1, len(group)))
    path.write_bytes(content.getvalue())


def read_table(path: Path, columns: Collection[str] | None = None, expected: str | None = None) -> Reading:
    """Read what is whole of a table of results.

    Args:
        path: the file.
        columns: those to read; None for all.
        expected: the file's digest, if it is known.

    Raises:
        DamagedError: nothing can be read, or a newer version of the harness has written the file.
        OSError: the file cannot be opened.
    """
    content = path.read_bytes()
    file = _open(path, content)
    run = path.parent.name
    schema_version(file.schema_arrow.metadata, run)
    present = file.schema_arrow.names
    chosen = [name for name in present if columns is None or name in columns]
    as_written = digest(content) == expected
    table = _whole_groups(file, chosen, check=not as_written)
    readable = len(table)
    if expected and not as_written:  # the damage may lie in columns that were not asked for
        readable = len(_whole_groups(file, present, check=True))
    table = _with_columns(path, upgrade(table, run), columns)
    if readable < file.metadata.num_rows:
        what = f"is damaged: {readable} of its {file.metadata.num_rows} rows can be read"
        return Reading(table, Damage(path, what))
    if expected and not as_written:
        what = "is damaged: it can be read, but its digest is another than that in SHA256SUMS"
        return Reading(table, Damage(path, what), certain=False)
    return Reading(table)


def _groups(table: pa.Table) -> Iterator[pa.Table]:
    """Slices that part no case, so that no case is ever read in part."""
    import pyarrow.compute as pc

    start = 0
    for end in pc.run_end_encode(table["case"].combine_chunks()).run_ends.to_pylist():
        if end - start >= _GROUP_ROWS:
            yield table.slice(start, end - start)
            start = end
    if start < len(table) or not len(table):
        yield table.slice(start)


def _open(path: Path, content: bytes) -> pq.ParquetFile:
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True, pre_buffer=False)
    except _UNREADABLE as error:
        raise DamagedFileError(path, f"is damaged, nothing of it can be read ({_line(error)}): {_REMEDY}") from error


def _whole_groups(file: pq.ParquetFile, columns: list[str], *, check: bool) -> pa.Table:
    """What can be read: everything at once, or else each group that is whole.

    Without threads: a command may end while Arrow is still starting them, and Arrow then aborts the process.
    """
    try:
        return _checked(file.read(columns, use_threads=False), check=check)
    except _UNREADABLE:
        pass
    whole = [file.schema_arrow.empty_table().select(columns)]
    for index in range(file.metadata.num_row_groups):
        with contextlib.suppress(*_UNREADABLE):
            whole.append(_checked(file.read_row_group(index, columns, use_threads=False), check=check))
    return pa.concat_tables(whole)


def _checked(table: pa.Table, *, check: bool) -> pa.Table:
    if check:
        table.validate(full=True)
    return table


def _with_columns(path: Path, table: pa.Table, columns: Collection[str] | None) -> pa.Table:
    """The table in the schema of results."""
    names = SCHEMA.names if columns is None else list(columns)
    schema = pa.schema([SCHEMA.field(name) for name in names], SCHEMA.metadata)
    try:
        return table.select(names).cast(schema)
    except (KeyError, *_UNREADABLE) as error:
        raise DamagedFileError(path, f"is no table of results ({_line(error)}): {_REMEDY}") from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
