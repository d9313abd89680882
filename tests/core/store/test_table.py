"""The table of a finished run: what is damaged is noticed, and costs no more than its group of cases."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import DamagedError
from harness.results import Measurement, Result, Status
from harness.store import table as module
from harness.store.digests import digest, read_digests
from harness.store.rows import SCHEMA, SCHEMA_KEY, SCHEMA_VERSION
from harness.store.store import TABLE
from harness.store.table import read_table, write_table

from .conftest import batch


def rows(cases: int, values: int = 1) -> pa.Table:
    measured = tuple(Measurement(f"m{index}", "1", "lower", index / 3) for index in range(values))
    return pa.Table.from_batches([batch(seed, Result(Status.OK, measured)) for seed in range(cases)])


@pytest.fixture
def small_groups(monkeypatch) -> None:
    monkeypatch.setattr(module, "_GROUP_ROWS", 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run" / TABLE


@pytest.mark.parametrize("cases", [0, 1, 2, 7])
def test_a_table_comes_back_as_it_was(cases, path, small_groups) -> None:
    table = rows(cases, 3) if cases else SCHEMA.empty_table()
    write_table(path, table)
    reading = read_table(path, expected=digest(path.read_bytes()))
    assert reading.table.equals(table, check_metadata=True)
    assert (reading.damage, reading.certain) == (None, True)
    assert read_table(path, ["seed", "key"]).table.equals(table.select(["seed", "key"]))


def test_no_case_is_parted(path, small_groups) -> None:
    write_table(path, rows(5, 3))
    written = pq.ParquetFile(path)
    seeds = [written.read_row_group(index)["seed"].to_pylist() for index in range(written.metadata.num_row_groups)]
    assert seeds == [[0, 0, 0, 1, 1, 1], [2, 2, 2, 3, 3, 3], [4, 4, 4]]


def test_a_damaged_page_costs_its_group(path, small_groups) -> None:
    write_table(path, rows(6, 4))
    expected = digest(path.read_bytes())
    column = pq.ParquetFile(path).metadata.row_group(2).column(SCHEMA.names.index("value"))
    content = bytearray(path.read_bytes())
    content[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    path.write_bytes(content)
    for known in (expected, None):
        reading = read_table(path, expected=known)
        assert reading.table["seed"].unique().to_pylist() == [0, 1, 3, 4, 5]
        assert str(reading.damage) == f"{path} is damaged: 20 of its 24 rows can be read"
        assert reading.certain
    assert len(read_table(path, ["key", "status"], expected).table) == 24  # the pages of these are whole


EVERY_PLACE = [(0, 29), *(pytest.param(start, 8, marks=pytest.mark.slow) for start in range(8))]
"""Where to begin and how far to go on: some places, or by and by all of them."""


@pytest.mark.parametrize(("start", "stride"), EVERY_PLACE)
def test_no_flipped_byte_passes_unnoticed(start, stride, path, small_groups) -> None:
    table = rows(3, 2)
    write_table(path, table)
    content = bytearray(path.read_bytes())
    expected = digest(bytes(content))
    lost, uncertain, refused = 0, 0, 0
    for place in range(start, len(content), stride):
        content[place] ^= 1 << place * 5 // 8 % 8
        path.write_bytes(content)
        content[place] ^= 1 << place * 5 // 8 % 8
        try:
            reading = read_table(path, expected=expected)
        except DamagedError as error:
            assert str(path) in str(error) or "store's schema" in str(error) or "newer version" in str(error)
            refused += 1
            continue
        assert str(path) in str(reading.damage), place
        if reading.certain:
            kept = {*reading.table["seed"].to_pylist()}
            assert reading.table.equals(table.filter(pa.compute.is_in(table["seed"], pa.array(kept or [-1])))), place
            lost += 1
        else:
            uncertain += 1
    assert min(lost, uncertain, refused) > 10


@pytest.mark.parametrize(("start", "stride"), EVERY_PLACE)
def test_a_table_that_was_cut_is_refused_at_every_length(start, stride, path) -> None:
    write_table(path, rows(2))
    content = path.read_bytes()
    for length in range(start, len(content), stride):
        path.write_bytes(content[:length])
        with pytest.raises(DamagedError) as error:
            read_table(path)
        assert str(error.value).startswith(f"{path} is damaged, nothing of it can be read (")
        assert "put back a copy of the file, or delete the run's folder; its cases run again" in str(error.value)


def test_another_table_is_named(path) -> None:
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(DamagedError, match="is no table of results"):
        read_table(path)


def test_a_table_of_a_newer_version_is_refused(path) -> None:
    pq.write_table(SCHEMA.empty_table().replace_schema_metadata({SCHEMA_KEY: str(SCHEMA_VERSION + 1)}), path)
    with pytest.raises(DamagedError, match=r"^run run was written by a newer version .* update paper-harness$"):
        read_table(path)


def test_sha256sum_checks_a_finished_run(write_run) -> None:
    folder = write_run()
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    checked = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert checked.stdout == "run.json: OK\nsuite.yaml: OK\nresults.parquet: OK\n"
    assert {*read_digests(folder)} == {"run.json", "suite.yaml", "results.parquet"}
