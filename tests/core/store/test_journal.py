"""The journal: what was appended can be read, at every moment and around every damage."""

from __future__ import annotations

import errno
import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DamagedError
from harness.store.frames import Frame, Gap, frame, frames
from harness.store.journal import Journal, JournalReader, read_journal
from harness.store.rows import SCHEMA, SCHEMA_KEY, SCHEMA_VERSION
from harness.store.store import JOURNAL

from .conftest import batch


@pytest.fixture
def journal(tmp_path: Path) -> tuple[Path, list[int]]:
    """A journal of three cases, and its length before each and at the end; its head counts to the first."""
    path, ends = tmp_path / JOURNAL, []
    written = Journal(path)
    ends.append(path.stat().st_size)
    for seed in range(3):
        written.append(batch(seed))
        ends.append(path.stat().st_size)
    written.close()
    return path, ends


def seeds(path: Path) -> list[int]:
    return read_journal(path).table.column("seed").to_pylist()


SOME_OR_ALL = pytest.mark.parametrize("stride", [13, pytest.param(1, marks=pytest.mark.slow)])


@SOME_OR_ALL
def test_a_cut_journal_is_read_up_to_the_cut_and_not_damaged(stride, journal) -> None:
    path, ends = journal
    content = path.read_bytes()
    for whole, (start, end) in enumerate(pairwise([0, *ends])):
        for cut in {*range(start, end, stride), end - 1}:
            path.write_bytes(content[:cut])
            reading = read_journal(path)
            assert reading.table.column("seed").to_pylist() == list(range(whole - 1)), cut
            assert reading.damage is None, cut
    path.write_bytes(content)
    assert seeds(path) == [0, 1, 2]


@SOME_OR_ALL
def test_a_flipped_bit_costs_its_case_alone_and_is_named(stride, journal) -> None:
    path, ends = journal
    content = bytearray(path.read_bytes())
    for place in range(0, len(content), stride):
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        content[place] ^= 1 << place % 8
        touched = sum(place >= end for end in ends) - 1
        reading = read_journal(path)
        assert reading.table.column("seed").to_pylist() == [seed for seed in range(3) if seed != touched], place
        assert f"{path} is damaged at byte {[0, *ends][touched + 1]}:" in str(reading.damage)


def test_every_bit_of_a_frame_is_guarded() -> None:
    content = frame(memoryview(b"payload!"))
    other = frame(memoryview(b"another!"))
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        gap, whole = frames(bytes(flipped) + other)
        assert gap == Gap(0, len(content), unfinished=False)
        assert isinstance(whole, Frame)
        assert bytes(whole.payload) == b"another!"
        (gap,) = frames(bytes(flipped))
        assert gap == Gap(0, len(content), unfinished=False)


@given(st.lists(st.binary(max_size=40)), st.binary(max_size=60))
def test_frames_come_back_whatever_stands_between_them(payloads: list[bytes], noise: bytes) -> None:
    content = b"".join(noise + frame(memoryview(payload)) for payload in payloads)
    found = list(frames(content))
    assert [bytes(one.payload) for one in found if isinstance(one, Frame)] == payloads
    assert sum(one.end - one.start for one in found) == len(content)


@given(st.binary(max_size=200))
def test_what_is_no_journal_is_read_as_damage_or_as_nothing(content: bytes) -> None:
    assert not [one for one in frames(content) if isinstance(one, Frame)]


def test_a_frame_inside_of_a_frame_is_not_read() -> None:
    inner = frame(memoryview(b"inner"))
    (only,) = frames(frame(memoryview(inner)))
    assert isinstance(only, Frame)
    assert bytes(only.payload) == inner


def test_a_reader_follows_a_journal_that_grows(tmp_path) -> None:
    path = tmp_path / JOURNAL
    reader = JournalReader(path)
    assert list(reader.read()) == []
    written = Journal(path)
    assert list(reader.read()) == []
    for seed in range(3):
        written.append(batch(seed))
        assert [one.column("seed")[0].as_py() for one in reader.read()] == [seed]
        assert list(reader.read()) == []
    written.close()


def test_a_reader_waits_for_the_rest_of_a_batch(journal) -> None:
    path, _ = journal
    content = path.read_bytes()
    reader = JournalReader(path)
    found = []
    for end in range(0, len(content) + 97, 97):
        path.write_bytes(content[:end])
        found += [one.column("seed")[0].as_py() for one in reader.read()]
    assert found == [0, 1, 2]
    assert reader.damaged == []


def test_a_reader_names_damage_once_and_goes_on(journal) -> None:
    path, ends = journal
    content = bytearray(path.read_bytes())
    content[ends[1] + 100] ^= 1
    reader = JournalReader(path)
    found = []
    for end in (ends[1], ends[2], ends[2], ends[3]):
        path.write_bytes(content[:end])
        found += [one.column("seed")[0].as_py() for one in reader.read()]
    assert found == [0, 2]
    assert reader.damaged == [ends[1]]


def test_a_batch_that_is_not_taken_up_is_not_read_twice(journal) -> None:
    reader = JournalReader(journal[0])
    next(reader.read())
    assert [one.column("seed")[0].as_py() for one in reader.read()] == [1, 2]


class Disk:
    """A file on a disk that has so many bytes left."""

    def __init__(self, file, room: int) -> None:
        self.file, self.room = file, room

    def write(self, content: memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self.file.write(content[: self.room])
        self.room -= written
        return written

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)


@pytest.mark.parametrize("room", [0, 1, 23, 24, 100, 2000])
def test_a_batch_that_does_not_fit_leaves_nothing(room, tmp_path) -> None:
    path = tmp_path / JOURNAL
    written = Journal(path)
    written.append(batch(0))
    whole, file = path.read_bytes(), written._file
    written._file = Disk(file, room)
    with pytest.raises(OSError, match="No space left"):
        written.append(batch(1))
    assert path.read_bytes() == whole
    written._file = file
    written.append(batch(2))  # room again
    written.close()
    assert seeds(path) == [0, 2]
    assert read_journal(path).damage is None


def test_a_write_in_parts_is_whole(tmp_path) -> None:
    path = tmp_path / JOURNAL
    written = Journal(path)

    class Slow(Disk):
        def write(self, content: memoryview) -> int:
            return self.file.write(content[:1000])

    written._file = Slow(written._file, 0)
    for seed in range(3):
        written.append(batch(seed))
    written.close()
    assert seeds(path) == [0, 1, 2]


def test_a_batch_that_could_not_be_made_durable_is_taken_back(tmp_path, monkeypatch) -> None:
    path = tmp_path / JOURNAL
    written = Journal(path)
    written.append(batch(0))
    written._synced = 0.0

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        written.append(batch(1))
    written.close()
    assert seeds(path) == [0]


def test_a_journal_that_is_there_is_not_written_over(journal) -> None:
    path, _ = journal
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        Journal(path)
    assert path.read_bytes() == before


def test_a_journal_of_a_newer_version_is_refused(tmp_path) -> None:
    path = tmp_path / "run" / JOURNAL
    path.parent.mkdir()
    newer = SCHEMA.with_metadata({SCHEMA_KEY: str(SCHEMA_VERSION + 1)})
    path.write_bytes(frame(memoryview(newer.serialize())))
    with pytest.raises(DamagedError) as error:
        read_journal(path)
    assert str(error.value) == (
        f"run run was written by a newer version of the harness (store schema {SCHEMA_VERSION + 1}, this one reads up "
        f"to {SCHEMA_VERSION}): "
        "update paper-harness"
    )


def test_no_journal_has_no_rows(tmp_path) -> None:
    assert read_journal(tmp_path / JOURNAL).table.equals(SCHEMA.empty_table(), check_metadata=True)
