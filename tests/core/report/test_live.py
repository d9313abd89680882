"""Pages that follow a run."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from harness.compare.options import Options
from harness.report.live import follow
from harness.store.store import JOURNAL

from .conftest import data, results


def reloads(path: Path) -> bool:
    return data(path.read_text())["reload"] is not None


def test_a_page_follows_a_run_to_its_end(write_run, tmp_path) -> None:
    rows = results()
    page = tmp_path / "page.html"
    folder = write_run(rows[:20], finished=False, cases=48)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        assert reloads(page)
        slept.append(seconds)
        write_run(rows, finished=len(slept) == 2)

    said = list(follow(folder, page, Options(), 5.0, sleep=sleep))
    assert [one.finished for one in said] == [False, False, True]
    assert said[0].done < said[0].planned == 48
    assert said[1].done == said[2].done == 48
    assert len(slept) == 2
    assert min(slept) >= 5.0
    assert not reloads(page)


def test_a_finished_run_is_written_once_and_does_not_reload(run_folder, tmp_path) -> None:
    def sleep(_: float) -> None:
        raise AssertionError

    (only,) = follow(run_folder, tmp_path / "page.html", Options(), 5.0, sleep=sleep)
    assert only.finished
    assert not reloads(tmp_path / "page.html")


def test_a_run_that_stands_still_is_said_to(write_run, tmp_path) -> None:
    folder = write_run(results(), finished=False)
    long_ago = time.time() - 1000
    os.utime(folder / JOURNAL, (long_ago, long_ago))
    following = follow(folder, tmp_path / "page.html", Options(), 5.0, sleep=lambda _: None)
    assert "nothing new for 100" in str(next(following))
    following.close()


def test_ctrl_c_leaves_a_page_that_does_not_reload(write_run, tmp_path) -> None:
    page = tmp_path / "page.html"

    def sleep(_: float) -> None:
        raise KeyboardInterrupt

    following = follow(write_run(results(), finished=False), page, Options(), 5.0, sleep=sleep)
    next(following)
    with pytest.raises(KeyboardInterrupt):
        next(following)
    assert not reloads(page)
