"""`harness report` and `harness watch` on the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli import root
from harness.errors import HarnessError
from harness.report.live import follow

from .conftest import data, results


@pytest.fixture
def ask(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command line in this process, on the store of `run_folder`."""
    monkeypatch.setenv("HARNESS_STORE", str(run_folder.parent))
    return lambda *arguments: CliRunner().invoke(root, [str(argument) for argument in arguments])


def test_a_page_is_written_into_the_folder_of_the_run(ask, run_folder) -> None:
    result = ask("report")
    assert result.exit_code == 0
    assert result.output == f"{run_folder / 'report.html'}\n"
    assert (run_folder / "report.html").read_text().startswith("<!doctype html>")


def test_a_page_is_written_where_it_is_asked_for(ask, tmp_path) -> None:
    assert ask("report", "run", "-o", tmp_path / "page.html").exit_code == 0
    assert (tmp_path / "page.html").is_file()


def test_two_runs_make_one_page(ask, write_run) -> None:
    later = write_run(results(better=4.0), "later")
    result = ask("report", "run", "later")
    assert result.output == f"{later / 'report-against-run.html'}\n"


def test_markdown_is_printed_or_written(ask, tmp_path) -> None:
    printed = ask("report", "--format", "markdown").output
    assert printed.startswith("# sizes\n")
    assert ask("report", "--format", "markdown", "-o", tmp_path / "page.md").exit_code == 0
    assert (tmp_path / "page.md").read_text() == printed


def test_choices_reach_the_comparison(ask) -> None:
    text = ask("report", "--format", "markdown", "--baseline", "b/old", "--test", "wilcoxon", "--alpha", "0.1").output
    assert "Wilcoxon" in text
    assert "alpha 0.1" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "matches no run"),
        (["--baseline", "b/odl"], "b/old"),
        (["--metric", "wibble"], "wibble"),
        (["-o", "."], "is a folder"),
        (["-o", "no/such/folder.html"], "there is no folder"),
        (["run", "run", "--baseline", "x"], "a baseline is for the models of one run"),
        (["run", "run", "--live"], "--live follows one run"),
        (["--live", "--format", "markdown"], "--live follows one run"),
        (["--rope", "much"], "neither a number nor a percentage"),
    ],
)
def test_what_is_wrong_is_said(ask, arguments, said) -> None:
    result = ask("report", *arguments)
    assert result.exit_code != 0
    assert isinstance(result.exception, HarnessError | SystemExit)
    assert said in result.output + str(result.exception)


def test_a_finished_run_is_watched_once(ask, run_folder) -> None:
    result = ask("watch", "run")
    assert result.exit_code == 0
    assert f"the page: {run_folder / 'report.html'}" in result.output
    assert "48/48 cases: 47 ok, 1 failed; finished" in result.output


def test_ctrl_c_ends_watching_cleanly(ask, write_run, monkeypatch) -> None:
    folder = write_run(results(), "going", finished=False)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.report.live.follow", partial(follow, sleep=interrupt))
    result = ask("report", "going", "--live")
    assert result.exit_code == 0
    assert "not watched any more" in result.output
    assert data((folder / "report.html").read_text())["reload"] is None


def test_a_real_run_has_a_report(of, cli, runs, monkeypatch) -> None:
    monkeypatch.setenv("HARNESS_STORE", str(runs))
    assert cli("run", of("guessing/mean", "guessing/shifted", seeds=3)).exit_code == 0
    result = cli("report", "--format", "markdown")
    assert result.exit_code == 0, result.output
    assert "guessing/mean" in result.output
