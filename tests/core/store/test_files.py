"""Files that are written in one step."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.store.files import abandoned, write_atomically


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


def test_a_link_in_the_way_is_not_followed(tmp_path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / f".file.{os.getpid()}.tmp").symlink_to(victim)
    write_atomically(tmp_path / "file", lambda path: path.write_text("new"))
    assert victim.read_text() == "untouched"
    assert {path.name for path in tmp_path.iterdir()} == {"victim", "file"}
    assert (tmp_path / "file").read_text() == "new"


def test_the_folder_is_made_durable_after_the_file(tmp_path, monkeypatch) -> None:
    synced = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append((str(Path(f"/proc/self/fd/{descriptor}").readlink()), (tmp_path / "file").exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    write_atomically(tmp_path / "file", lambda path: path.write_text("new"))
    assert synced == [(str(tmp_path / f".file.{os.getpid()}.tmp"), False), (str(tmp_path), True)]


def test_temporary_files_of_processes_that_are_gone_are_abandoned(tmp_path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name in (f".run.json.{gone.pid}.tmp", f".run.json.{os.getpid()}.tmp", ".other.tmp", "run.json"):
        (tmp_path / name).touch()
    assert [path.name for path in abandoned(tmp_path)] == [f".run.json.{gone.pid}.tmp"]
