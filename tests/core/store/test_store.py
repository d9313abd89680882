"""The store: what is written can be read, whole, at every moment."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.results import Measurement, Result, Status
from harness.store.damage import Reading
from harness.store.journal import read_journal
from harness.store.rows import SCHEMA, to_batch, to_results
from harness.store.store import JOURNAL, RECORD, SUITE, TABLE, Store, compact

from .conftest import batch, case

numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]))
coordinates = st.none() | st.dictionaries(texts, st.integers() | numbers | texts, min_size=1, max_size=3)
measurements = st.builds(Measurement, texts, texts, st.sampled_from(["lower", "higher"]), numbers, coordinates)
results = st.builds(
    Result,
    status=st.sampled_from(Status),
    measurements=st.lists(measurements, max_size=4).map(tuple),
    seconds=st.none() | numbers,
    cpu_seconds=st.none() | numbers,
    phases=st.dictionaries(texts, numbers, max_size=3),
    peak_memory=st.none() | st.integers(0, 2**62),
    device_memory=st.none() | st.integers(0, 2**62),
    error=st.none() | texts,
    traceback=st.none() | texts,
    output=st.none() | texts,
    attempts=st.integers(1, 9),
    reused_from=texts.filter(bool),
)


@settings(deadline=None)
@given(results)
def test_results_come_back_as_they_were(result: Result) -> None:
    table = pa.Table.from_batches([batch(0, result)])
    assert list(to_results(table)) == [(case().id, result)]


@settings(deadline=None)
@given(results, st.dictionaries(texts, texts | numbers | st.lists(st.integers())), st.integers(0, 2**63 - 1))
def test_there_is_one_schema(result: Result, parameters: dict[str, object], seed: int) -> None:
    made = to_batch("run", "suite", case(seed, parameters), result, 0)
    assert made.schema.equals(SCHEMA, check_metadata=True)
    assert made.num_rows == max(1, len(result.measurements))
    assert json.loads(made.column("model_parameters")[0].as_py()) == parameters


def test_a_result_that_was_not_reused_comes_from_its_run() -> None:
    ((_, result),) = to_results(pa.Table.from_batches([batch(0)]))
    assert result.reused_from == "run"


def test_compacting_keeps_every_row(write_run) -> None:
    folder = write_run(finish=False)
    before = read_journal(folder / JOURNAL).table
    assert compact(folder) is None
    assert {file.name for file in folder.iterdir()} == {TABLE, RECORD, SUITE}
    assert Store(folder.parent).table(folder.name).equals(before, check_metadata=True)


def test_a_run_can_be_read_while_it_is_compacted(write_run, monkeypatch) -> None:
    folder = write_run(finish=False)

    def late(journal: Path) -> Reading:
        monkeypatch.undo()
        compact(journal.parent)
        return read_journal(journal)

    monkeypatch.setattr("harness.store.store.read_journal", late)
    assert Store(folder.parent).table(folder.name, ["seed"]).column("seed").to_pylist() == [0, 1, 2]


@pytest.fixture
def store(tmp_path: Path, record) -> Store:
    """Three runs: `1-alpha`, `1-beta`, `2-alpha`."""
    for name in ("1-alpha", "1-beta", "2-alpha"):
        (tmp_path / name).mkdir()
        (tmp_path / name / RECORD).write_text(json.dumps(record(name)))
    return Store(tmp_path)


@pytest.mark.parametrize(
    ("name", "found"), [(None, "2-alpha"), ("1-b", "1-beta"), ("beta", "1-beta"), ("1-alpha", "1-alpha")]
)
def test_a_run_is_found_by_a_part_of_its_name(name, found, store) -> None:
    assert store.find(name) == found
    assert store.record(store.find(name))["run"] == found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("alpha", "'alpha' matches several runs; there are 1-alpha, 2-alpha"),
        ("gamma", "'gamma' matches no run; there are 1-alpha, 1-beta, 2-alpha"),
    ],
)
def test_a_run_that_is_not_found_is_said(name, message, store) -> None:
    with pytest.raises(HarnessError) as error:
        store.find(name)
    assert str(error.value) == message


def test_an_empty_store_says_how_to_fill_it(tmp_path) -> None:
    with pytest.raises(HarnessError, match=r"no runs in .*: `harness run SUITE` makes one"):
        Store(tmp_path / "none").find(None)


def test_runs_of_one_second_have_names_in_their_order(tmp_path) -> None:
    store = Store(tmp_path)
    made = []
    for _ in range(12):
        name, folder = store.new_run("toy")
        (folder / RECORD).write_text("{}")
        made.append(name)
    assert store.runs() == made


def test_a_folder_without_a_record_is_no_run(store) -> None:
    store.new_run("toy")
    assert store.runs() == ["1-alpha", "1-beta", "2-alpha"]
