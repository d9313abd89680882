"""`harness results --check`, and commands on a store in which something is wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import harness
from harness.api import prepare
from harness.builtin.store import StoreWriter
from harness.claims.ledger import Ledger
from harness.claims.verdicts import VERDICTS, read_verdicts
from harness.errors import DamagedError, StoreError
from harness.report.source import read_source
from harness.store.check import problems
from harness.store.digests import DIGESTS
from harness.store.store import JOURNAL, RECORD, SUITE, TABLE, Store

from .conftest import case, result


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def said(folder: Path) -> list[str]:
    """All that is wrong with a run."""
    return [str(problem) for problem in problems(Store(folder.parent), folder.name)]


@pytest.fixture
def two(write_run, runs) -> tuple[Path, Path]:
    """Two finished runs in the folder of runs."""
    return write_run("1-toy"), write_run("2-toy")


def test_a_whole_store_is_said_to_be(two, cli) -> None:
    checked = cli("results", "--check")
    assert (checked.exit_code, checked.stdout) == (0, "2 runs, all whole\n")
    assert cli("results", "--check", "1-toy").stdout == "1 run, all whole\n"
    assert json.loads(cli("results", "--check", "--json").stdout) == {"runs": 2, "problems": []}


def test_damage_is_listed_and_has_an_exit_code(two, cli) -> None:
    flip(two[0] / SUITE, 3)
    checked = cli("results", "--check")
    problem = "is damaged: its digest is another than that in SHA256SUMS"
    assert checked.exit_code == 5
    assert checked.stdout == f"1-toy/suite.yaml {problem}\n2 runs, something is wrong with 1\n"
    assert cli("results", "--check", "2-toy").exit_code == 0
    told = json.loads(cli("results", "--check", "--json").stdout)
    assert told == {
        "runs": 2,
        "problems": [{"run": "1-toy", "file": "suite.yaml", "what": problem, "harmless": False}],
    }


@pytest.mark.parametrize("name", [RECORD, SUITE, TABLE, DIGESTS])
def test_every_flipped_byte_of_a_finished_run_is_found(name, write_run) -> None:
    folder = write_run(seeds=1)
    content = (folder / name).read_bytes()
    for place in range(0, len(content), 1 + len(content) // 60):
        flip(folder / name, place)
        assert said(folder), place
        (folder / name).write_bytes(content)
    assert said(folder) == []


@pytest.mark.parametrize("name", [RECORD, SUITE, TABLE, DIGESTS])
def test_a_lost_file_is_found(name, two, cli) -> None:
    (two[0] / name).unlink()
    checked = cli("results", "--check")
    assert checked.exit_code == 5
    assert f"1-toy/{name} " in checked.stdout


def test_what_a_broken_off_run_leaves_is_found_and_no_damage(write_run, cli) -> None:
    folder = write_run()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (folder / f".{TABLE}.{gone.pid}.tmp").touch()
    (folder / JOURNAL).touch()
    assert said(folder) == [
        f"run/.{TABLE}.{gone.pid}.tmp is left over from a run that was broken off: it can be deleted",
        f"run/{JOURNAL} is left over, {TABLE} has what it holds: it can be deleted",
    ]
    checked = cli("results", "--check")
    assert (checked.exit_code, checked.stdout.splitlines()[-1]) == (0, "1 run, all whole")


def test_a_run_that_goes_on_or_was_killed_is_whole(write_run) -> None:
    folder = write_run(finish=False)
    assert said(folder) == []
    os.truncate(folder / JOURNAL, (folder / JOURNAL).stat().st_size - 1)
    assert said(folder) == []
    flip(folder / JOURNAL, (folder / JOURNAL).stat().st_size - 3000)
    (problem,) = said(folder)
    assert problem.startswith(f"run/{JOURNAL} is damaged at byte ")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "it is not JSON: "),
        ("\x00", "it is not JSON: "),
        ("[" * 100_000, "it is not JSON: "),
        ("[]", "it is no mapping"),
        ('{"run": 1}', "run: input should be a valid string"),
    ],
)
def test_a_damaged_record_is_named_and_the_results_are_read(content, told, two, cli) -> None:
    (two[1] / RECORD).write_text(content)
    listed = cli("results", "--runs")
    assert listed.stdout == "1-toy  3 cases  not finished\n" or listed.stdout.startswith("1-toy  3 cases")
    assert listed.stderr.startswith(f"warning: {two[1] / RECORD} is damaged")
    assert told in listed.stderr
    assert listed.stderr.count("\n") == 1
    assert len(json.loads(cli("results", "2-toy", "--rows", "--json").stdout)) == 3
    assert {row["run"] for row in json.loads(cli("results", "--rows", "--json").stdout)} == {"1-toy"}
    with pytest.raises(DamagedError, match=told):
        read_source(two[1])


def test_what_is_left_of_a_table_is_shown_with_a_warning(two, cli) -> None:
    content = (two[1] / TABLE).read_bytes()
    (two[1] / TABLE).write_bytes(content[: len(content) // 2])
    refused = cli("results", "2-toy")
    assert isinstance(refused.exception, DamagedError)
    assert f"{two[1] / TABLE} is damaged, nothing of it can be read" in str(refused.exception)
    (two[1] / TABLE).write_bytes(content)
    flip(two[1] / TABLE, len(content) // 4)
    shown = cli("results", "2-toy", "--rows", "--json")
    assert shown.exit_code == 0
    assert shown.stderr.startswith(f"warning: {two[1] / TABLE} is damaged: ")


def test_damaged_results_run_again_and_the_reason_says_so(of, runs) -> None:
    path = of("guessing/mean", "guessing/shifted")
    first = harness.run(path, store=runs)
    (first.directory / TABLE).write_bytes(b"PAR1")
    told: list[str] = []
    plan = prepare(path, store=runs, warn=told.append).plan
    assert {one.reason for one in plan} == {f"new, or among what cannot be read of {first.id}"}
    assert len(told) == 1
    assert told[0].startswith(f"{first.directory / TABLE} is damaged, nothing of it can be read")


def test_an_older_result_stands_in_for_a_damaged_one(of, runs, metrics) -> None:
    path = of("guessing/mean")
    first, second = harness.run(path, store=runs), harness.run(path, store=runs, fresh=True)
    expected = metrics(first)
    table = second.directory / TABLE
    damage_values(table)
    told: list[str] = []
    (planned,) = prepare(path, store=runs, warn=told.append).plan
    assert planned.reused is not None
    assert planned.reused.reused_from == first.id
    assert len(told) == 1
    shutil.rmtree(first.directory)
    (planned,) = prepare(path, store=runs, warn=told.append).plan
    assert planned.reason == f"its result in {second.id} is damaged"
    with pytest.warns(UserWarning, match="is damaged"):
        assert metrics(harness.run(path, store=runs)) == expected


def damage_values(path: Path) -> None:
    """Flip a bit of a page with values."""
    import pyarrow.parquet as pq

    from harness.store.rows import SCHEMA

    column = pq.ParquetFile(path).metadata.row_group(0).column(SCHEMA.names.index("metric"))
    flip(path, column.data_page_offset + column.total_compressed_size // 2)


def clutter(root: Path) -> None:
    """Put into a store what does not belong there."""
    (root / "stray").write_text("a file")
    (root / "empty").mkdir()
    (root / "loop").symlink_to(root / "loop")
    (root / "into-itself").symlink_to(root)
    (root / "dangling").symlink_to(root / "nowhere")
    (root / "record-is-a-folder").mkdir()
    (root / "record-is-a-folder" / RECORD).mkdir()
    (root / "a\x1b[31mb\n").mkdir()


@pytest.mark.parametrize(
    "arguments", [("results",), ("results", "--runs"), ("results", "--check"), ("compare",), ("report",)]
)
def test_clutter_breaks_no_command(arguments, of, cli, runs, monkeypatch) -> None:
    for name in ("COMPARE", "REPORT"):
        monkeypatch.setenv(f"HARNESS_{name}_STORE", str(runs))
    assert cli("run", of("guessing/mean", "guessing/shifted", seeds=2)).exit_code == 0
    clutter(runs)
    done = cli(*arguments)
    assert (done.exit_code, done.exception) == (0, None)
    assert cli("run", of("guessing/mean")).exit_code == 0


def test_a_run_that_is_deleted_while_runs_are_listed_is_passed_over(two, monkeypatch) -> None:
    told: list[str] = []
    store = Store(two[0].parent, told.append)
    names = store.runs()
    shutil.rmtree(two[1])
    monkeypatch.setattr(store, "runs", lambda: names)
    keys = {*store.table("1-toy")["key"].to_pylist()}
    assert len(dict(store.past(keys))) == 3
    assert store.find(None) == "1-toy"


def test_a_folder_without_permission_is_named(two, monkeypatch) -> None:
    is_file = Path.is_file

    def refused(path: Path) -> bool:
        if path.parent.name == "2-toy":
            raise PermissionError(13, "Permission denied", str(path))
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", refused)  # permissions do not bind root
    told: list[str] = []
    store = Store(two[0].parent, told.append)
    assert store.runs() == store.runs() == ["1-toy"]
    assert told == [f"{two[1]} cannot be read: Permission denied"]


def test_damage_while_a_run_goes_on_is_told_at_its_end(tmp_path, record) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    suite = SimpleNamespace(name="toy", text="")
    run = SimpleNamespace(id="run", directory=folder, suite=suite, record=lambda: record("run"))
    writer = StoreWriter()
    writer.harness_run_started(run)
    for seed in range(3):
        writer.harness_case_finished(run, case(seed), result(seed))
    flip(folder / JOURNAL, (folder / JOURNAL).stat().st_size - 3000)
    with pytest.raises(
        StoreError, match=r"journal.bin is damaged at byte \d+: .*; the same command runs those cases again"
    ):
        writer.harness_run_finished(run)
    assert Store(tmp_path).table("run")["seed"].to_pylist() == [0, 2]
    assert said(folder) == []


@pytest.mark.parametrize("content", [b"[", b"\xff", b"PAR1"])
def test_damaged_verdicts_and_evidence_are_named(content, tmp_path) -> None:
    (tmp_path / "claims").mkdir()
    for path in (tmp_path / VERDICTS, tmp_path / "claims" / "paper.json", tmp_path / "claims" / "paper.parquet"):
        path.write_bytes(content)
    ledger = Ledger(tmp_path)
    with pytest.raises(DamagedError, match=VERDICTS):
        read_verdicts(tmp_path)
    with pytest.raises(DamagedError, match=r"paper\.json"):
        ledger.records("paper")
    with pytest.raises(DamagedError, match=r"paper\.parquet"):
        ledger.evidence("paper")
