"""The store: what is written can be read, whole, at every moment."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.backends import Cpu
from harness.builtin.store import StoreWriter
from harness.errors import HarnessError
from harness.plan.case import Case, Fingerprint
from harness.results import Measurement, Result, Status
from harness.store.files import write_atomically
from harness.store.journal import Journal, read_journal
from harness.store.rows import SCHEMA, to_batch, to_results
from harness.store.store import JOURNAL, RECORD, TABLE, Store, compact
from harness.suite.suite import CaseLimits, Choice

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
    error=st.none() | texts,
    traceback=st.none() | texts,
    output=st.none() | texts,
    reused_from=texts.filter(bool),
)


def case(seed: int = 0, parameters: dict[str, object] | None = None) -> Case:
    def choice(name: str) -> Choice:
        return Choice(name, Cpu, parameters or {}, parameters or {})

    limits = CaseLimits(1.0, None)
    fingerprint = Fingerprint({}, {}, "3")
    return Case(choice("a/task"), choice("a/model"), choice("cpu"), seed, "smoke", ("m",), limits, "case", fingerprint)


def batch(seed: int, result: Result | None = None) -> pa.RecordBatch:
    result = result or Result(Status.OK, (Measurement("m", "1", "lower", seed / 3),))
    return to_batch("run", "suite", case(seed), result, 0)


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


def test_a_cut_journal_is_read_up_to_the_cut(journal) -> None:
    path, ends = journal
    content = path.read_bytes()
    for whole, (start, end) in enumerate(pairwise(ends)):
        for cut in range(start, end, 1 if whole == 2 else 499):
            path.write_bytes(content[:cut])
            assert read_journal(path).column("seed").to_pylist() == list(range(whole)), cut
    path.write_bytes(content)
    assert read_journal(path).column("seed").to_pylist() == [0, 1, 2]


def test_compacting_keeps_every_row(journal) -> None:
    path, _ = journal
    before = read_journal(path)
    compact(path.parent)
    (path.parent / RECORD).write_text("{}")
    assert {file.name for file in path.parent.iterdir()} == {TABLE, RECORD}
    assert Store(path.parents[1]).table(path.parent.name).equals(before, check_metadata=True)


def test_a_run_can_be_read_while_it_is_compacted(journal, monkeypatch) -> None:
    path, _ = journal

    def late(journal: Path) -> pa.Table:
        monkeypatch.undo()
        compact(journal.parent)
        return read_journal(journal)

    monkeypatch.setattr("harness.store.store.read_journal", late)
    assert Store(path.parents[1]).table(path.parent.name, ["seed"]).column("seed").to_pylist() == [0, 1, 2]


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def half(temporary: Path) -> None:
        temporary.write_text("ne")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        write_atomically(path, half)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "old")]


def test_a_write_leaves_nothing_but_the_file(tmp_path) -> None:
    write_atomically(tmp_path / "file", lambda path: path.write_text("new"))
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "new")]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three runs: `1-alpha`, `1-beta`, `2-alpha`."""
    for name in ("1-alpha", "1-beta", "2-alpha"):
        (tmp_path / name).mkdir()
        (tmp_path / name / RECORD).write_text(json.dumps({"run": name}))
    return Store(tmp_path)


@pytest.mark.parametrize(
    ("name", "found"), [(None, "2-alpha"), ("1-b", "1-beta"), ("beta", "1-beta"), ("1-alpha", "1-alpha")]
)
def test_a_run_is_found_by_a_part_of_its_name(name, found, store) -> None:
    assert store.find(name) == found
    assert store.record(store.find(name)) == {"run": found}


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


def test_a_full_disk_ends_the_run_with_a_plain_message(tmp_path) -> None:
    (tmp_path / JOURNAL).symlink_to("/dev/full")
    suite = SimpleNamespace(text="", name="toy")
    run = SimpleNamespace(directory=tmp_path, suite=suite, id="run", record=dict)
    writer = StoreWriter()
    with pytest.raises(HarnessError, match=r"the store cannot be written: .*No space left"):
        for seed in range(100):
            writer.harness_run_started(run)
            writer.harness_case_finished(run, case(seed), Result(Status.OK))
