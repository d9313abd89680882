"""Disks that fill up, fail or may not be written: what was stored stays whole, and the command says what happened."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.builtin.store import StoreWriter
from harness.errors import ExitCode, StoreError
from harness.store import journal as journal_module
from harness.store.check import problems
from harness.store.store import JOURNAL, RECORD, Store

from .conftest import case, result

SEEDS = 4


class FailingDisk:
    """Counts what is written, made durable, put in place and removed, and fails at one of these, or from it on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.fails: Callable[[int], bool] = lambda _: False
        for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "touch"), (Path, "unlink"), (Path, "write_text")):
            monkeypatch.setattr(owner, name, self._guarded(getattr(owner, name)))
        monkeypatch.setattr(Path, "write_bytes", self._half(Path.write_bytes))
        monkeypatch.setattr(journal_module, "_SYNC_SECONDS", -1.0)  # each append is made durable: more places to fail
        opened, disk = Path.open, self

        class File:
            def __init__(self, file: Any) -> None:
                self._file = file
                self.write = disk._guarded(file.write)
                self.truncate = disk._guarded(file.truncate)

            def __getattr__(self, name: str) -> Any:
                return getattr(self._file, name)

        def open_(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
            file = opened(path, mode, *more, **named)
            return File(file) if mode == "xb" else file

        monkeypatch.setattr(Path, "open", open_)

    def _half(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """A write that leaves half of the content where it fails."""

        def call(path: Path, content: Any) -> None:
            write(path, memoryview(content)[: len(content) // 2])
            self._guarded(write)(path, content)

        return call

    def _guarded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            if self.fails(self.calls):
                raise OSError(errno.ENOSPC, "No space left on device")
            return function(*arguments, **named)

        return call


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    """A disk that can be made to fail."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield FailingDisk(monkeypatch)


@pytest.fixture
def write(tmp_path: Path, record: Callable[..., dict[str, Any]]) -> Callable[[], tuple[Path, list[int], bool]]:
    """Run as far as the disk lets: the folder, the seeds that were appended, whether the run was ended."""

    def run() -> tuple[Path, list[int], bool]:
        folder = tmp_path / "runs" / "run"
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.mkdir(parents=True)
        suite = SimpleNamespace(name="toy", text="name: toy\n")
        now = SimpleNamespace(id="run", directory=folder, suite=suite, record=lambda: record("run"))
        writer, kept = StoreWriter(), []
        try:
            writer.harness_run_started(now)
        except StoreError:
            return folder, [], False
        try:
            for seed in range(SEEDS):
                writer.harness_case_finished(now, case(seed), result(seed))
                kept.append(seed)
        except StoreError:
            pass
        try:
            writer.harness_run_finished(now)
        except StoreError:
            return folder, kept, False
        return folder, kept, True

    return run


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from-then-on"])
def test_after_a_failure_at_any_write_what_was_appended_is_there(lasting, disk, write) -> None:
    folder, kept, ended = write()
    assert (kept, ended) == (list(range(SEEDS)), True)
    total, seen = disk.calls, set()
    for place in range(1, total + 1):
        disk.calls = 0
        disk.fails = (lambda call, at=place: call >= at) if lasting else (lambda call, at=place: call == at)
        folder, kept, ended = write()
        disk.fails = lambda _: False
        store = Store(folder.parent)
        found = store.table("run")["seed"].to_pylist() if store.runs() else []
        assert found[: len(kept)] == kept, place
        assert len(found) <= len(kept) + lasting, place  # one that could neither be made durable nor be taken back
        seen.add((len(kept), ended))
        if ended:
            assert not [one for one in problems(store, "run") if "left over" not in one.what], place
    assert {count for count, _ in seen} >= {0, 1, 2, 3, SEEDS}
    assert (SEEDS, False) in seen


def test_a_run_that_cannot_begin_leaves_no_folder(disk, write) -> None:
    disk.fails = lambda call: call == 6
    folder, kept, _ = write()
    assert kept == []
    assert not folder.exists()


def test_what_failed_is_said(tmp_path, disk, record) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    run = SimpleNamespace(
        id="run", directory=folder, suite=SimpleNamespace(name="toy", text=""), record=lambda: record("run")
    )
    writer = StoreWriter()
    writer.harness_run_started(run)
    disk.fails = lambda _: True
    with pytest.raises(StoreError) as error:
        writer.harness_case_finished(run, case(0), result(0))
    assert error.value.exit_code == ExitCode.STORE_FAILED
    assert str(error.value) == (
        f"the store cannot be written: No space left on device ({folder}). What was stored before is whole: once there "
        "is room and leave to write, the same command goes on from there"
    )
    with pytest.raises(StoreError, match="cannot be written"):
        writer.harness_run_finished(run)
    assert {path.name for path in folder.iterdir()} == {RECORD, "suite.yaml", JOURNAL}


def test_a_disk_that_is_full_ends_the_run_and_the_same_command_goes_on(of, mounted, tmp_path) -> None:
    path = of("guessing/mean", "guessing/shifted", seeds=60)
    done = mounted(f"""
        mount -t tmpfs -o size=128k none mnt
        code=0; $RUN run {path} --store mnt/runs || code=$?
        echo "first: $code"
        $RUN results --store mnt/runs --check >&2
        $RUN results --store mnt/runs --rows | wc -l
        mount -o remount,size=64m mnt
        $RUN run {path} --store mnt/runs --json >&2
        $RUN results --store mnt/runs --runs
    """)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "the store cannot be written: No space left on device (" in done.stderr
    assert "1 run, all whole" in done.stderr
    said = done.stdout.splitlines()
    assert "first: 5" in said
    assert f"{120 - kept_cases(done.stderr)} new" in done.stderr
    assert said[-1].endswith("120 cases  120 ok")


def kept_cases(text: str) -> int:
    """How many cases the second command says it reuses."""
    (line,) = [line for line in text.splitlines() if " reused, " in line and " 0 reused" not in line]
    count = int(line.partition(" cases, ")[2].partition(" reused")[0])
    assert 5 < count < 115
    return count


def test_a_store_that_may_not_be_written_is_named(of, mounted, tmp_path) -> None:
    path = of("guessing/mean")
    done = mounted(f"""
        mount -t tmpfs none mnt
        $RUN run {path} --store mnt/runs >&2
        mount -o remount,ro mnt
        code=0; $RUN run {path} --store mnt/runs || code=$?
        echo "second: $code"
        $RUN results --store mnt/runs --check
    """)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot be written: Read-only file system" in done.stderr
    assert done.stdout == "second: 5\n1 run, all whole\n"
