"""Runs that version 1 has stored, made by it: one that was finished, one that was broken off."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import harness
from harness.api import prepare
from harness.errors import DamagedError
from harness.store.digests import write_digests
from harness.store.frames import frame
from harness.store.journal import read_journal
from harness.store.rows import SCHEMA, SCHEMA_KEY, SCHEMA_VERSION
from harness.store.store import JOURNAL, RECORD, SUITE, TABLE, Store
from harness.store.table import write_table
from harness.store.versions import MIGRATIONS, check_version, read_old_journal

from .conftest import DATA, batch

FINISHED, BROKEN_OFF = "20261121-104419-toy", "20261121-104444-toy"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store of version 1."""
    return shutil.copytree(DATA / "store-v1", tmp_path / "runs")


def test_there_is_a_step_from_each_version_to_the_next() -> None:
    assert len(MIGRATIONS) == SCHEMA_VERSION - 1


@pytest.mark.parametrize(("run", "cases"), [(FINISHED, 4), (BROKEN_OFF, 4)])
def test_a_run_of_version_1_is_read(run, cases, old) -> None:
    store = Store(old)
    table = store.table(run)
    assert table.schema.equals(SCHEMA, check_metadata=True)
    assert len(table["case"].unique()) == cases
    assert table["attempts"].unique().to_pylist() == [1]
    assert table["device_memory"].unique().to_pylist() == [None]
    assert dict(store.results(run)).keys() == {*table["case"].to_pylist()}
    assert store.table(run, ["attempts", "key"]).equals(table.select(["attempts", "key"]))
    assert store.record(run)["run"] == run


def test_an_old_journal_is_read_up_to_where_it_was_cut(old) -> None:
    path = old / BROKEN_OFF / "journal.arrows"
    content = path.read_bytes()
    whole = len(read_old_journal(path))
    counts = []
    for length in range(0, len(content), 211):
        path.write_bytes(content[:length])
        counts.append(len(read_old_journal(path)))
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, whole - 1)


def test_commands_read_a_store_of_version_1(old, cli, toys) -> None:
    listed = cli("results", "--runs")
    assert listed.stdout.splitlines() == [f"{FINISHED}  4 cases  4 ok", f"{BROKEN_OFF}  42 cases  not finished"]
    assert cli("results", FINISHED).exit_code == 0
    assert cli("results", "--check").stdout == "2 runs, all whole\n"


def as_version_1(folder: Path) -> None:
    """Make of a run what version 1 would have written."""
    table = pq.read_table(folder / TABLE)
    plain = table.drop_columns(["attempts", "device_memory"]).replace_schema_metadata({SCHEMA_KEY: "1"})
    pq.write_table(plain, folder / TABLE, compression="zstd")
    record = json.loads((folder / RECORD).read_text())
    del record["schema"]
    (folder / RECORD).write_text(json.dumps(record))
    (folder / "SHA256SUMS").unlink()


def as_version_2(folder: Path) -> None:
    """Make of a run what version 2 would have written."""
    table = pq.read_table(folder / TABLE)
    write_table(folder / TABLE, table.drop_columns(["device_memory"]).replace_schema_metadata({SCHEMA_KEY: "2"}))
    record = json.loads((folder / RECORD).read_text())
    (folder / RECORD).write_text(json.dumps({**record, "schema": 2}))
    write_digests(folder, (RECORD, SUITE, TABLE))


@pytest.mark.parametrize("as_before", [as_version_1, as_version_2])
def test_results_of_older_versions_are_reused(as_before, of, runs) -> None:
    path = of("guessing/mean", "guessing/shifted")
    first = harness.run(path, store=runs)
    as_before(first.directory)
    second = harness.run(path, store=runs)
    assert {*second.frame.reused_from} == {first.id}
    assert {*second.frame.attempts} == {1}


def test_a_journal_of_version_2_is_read(tmp_path) -> None:
    old = pa.Table.from_batches([batch(0)]).drop_columns(["device_memory"]).replace_schema_metadata({SCHEMA_KEY: "2"})
    (content,) = old.to_batches()
    path = tmp_path / JOURNAL
    path.write_bytes(b"".join(frame(memoryview(part.serialize())) for part in (old.schema, content)))
    table = read_journal(path).table
    assert table.schema.equals(SCHEMA, check_metadata=True)
    assert table.drop_columns(["device_memory"]).equals(old)


@pytest.mark.parametrize("version", [b"0x2", "-1", "two", b"\xff", 1.5, "٢"])
def test_what_is_no_version_is_named(version) -> None:
    with pytest.raises(DamagedError, match=r"^run one: '.*' is no version of the store's schema$"):
        check_version(version, "one")


def newer(folder: Path) -> None:
    record = json.loads((folder / RECORD).read_text())
    (folder / RECORD).write_text(json.dumps({**record, "schema": SCHEMA_VERSION + 1}))
    table = pq.read_table(folder / TABLE)
    pq.write_table(table.replace_schema_metadata({SCHEMA_KEY: str(SCHEMA_VERSION + 1)}), folder / TABLE)


def test_a_run_of_a_newer_version_is_refused_and_passed_over(of, cli, runs) -> None:
    path = of("guessing/mean")
    first, second = harness.run(path, store=runs), harness.run(path, store=runs, fresh=True)
    newer(second.directory)
    said = (
        f"run {second.id} was written by a newer version of the harness (store schema {SCHEMA_VERSION + 1}, this one "
        f"reads up to {SCHEMA_VERSION}): update paper-harness"
    )
    refused = cli("results", second.id)
    assert (refused.exit_code, str(refused.exception)) == (1, said)
    listed = cli("results", "--runs")
    assert listed.stdout == f"{first.id}  1 cases  1 ok\n"
    assert listed.stderr == f"warning: {said}\n"
    assert first.id in cli("results", "--rows", "--json").stdout
    told: list[str] = []
    plan = prepare(path, store=runs, warn=told.append).plan
    assert plan[0].reused is not None
    assert told == [said]


def test_the_evidence_of_the_ledger_is_read() -> None:
    folder = DATA.parents[1] / "reports" / "claims"
    tables = [pq.read_table(path) for path in folder.glob("*.parquet")]
    assert tables
    assert all(isinstance(table, pa.Table) and "value" in table.column_names for table in tables)
