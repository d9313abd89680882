"""Histories over the commits of scratch repositories, from runs that were made up."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli import root
from harness.errors import HarnessError
from harness.speed.commits import Commit, Commits, read_commits
from harness.speed.gather import gather
from harness.speed.history import FEWEST, Histories, History
from harness.speed.machines import named
from harness.speed.plot import ASCII, UNICODE, glyphs, plot
from harness.speed.quantity import SECONDS, Quantity
from harness.speed.record import SpeedRun
from harness.speed.store import save

from .fabricated import KEY, MACHINE, make_repository, measured, series, speed_run, times, uncalibrated

HOSTILE = "x\x1b]0;b\x07\x1b[31m\u202e[bold]<img src=x onerror=alert(1)>"
STEP = [1e-3] * 10 + [1.15e-3] * 10
OTHER = {**MACHINE, "cpu": "Zuse 3"}
RATIOS = [2.0] * 10 + [2.2] * 10
BASELINE = dataclasses.replace(KEY, model="paper/old")
BESIDE = Quantity("ratio", BASELINE.model)


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, list[str]]:
    """Twenty commits."""
    folder = tmp_path / "repository"
    return folder, make_repository(folder, (f"Change number {number}" for number in range(1, 21)))


@pytest.fixture
def gathered(repository) -> Callable[..., Histories]:
    """The histories of runs in the repository."""
    folder, _ = repository
    return lambda runs, *chosen: gather(runs, read_commits(folder), *chosen)


@pytest.fixture
def ask(cli, runs, repository, monkeypatch) -> Callable[..., Any]:
    """`harness speed history` in the repository, on speed runs: `ask(speed_runs, "forward", "--json")`."""
    folder, _ = repository
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HARNESS_STORE", str(runs))
    monkeypatch.setenv("COLUMNS", "80")

    def call(made: list[SpeedRun], *arguments: object) -> Any:
        for run in made:
            save(runs, run)
        return cli("speed", "history", *arguments)

    return call


def line(count: int) -> Commits:
    """Commits without a repository."""
    return Commits(
        Commit(f"{place:040x}", f"{place:07x}", "2026-01-01", f"number {place}", place) for place in range(count)
    )


def only(histories: Histories) -> History:
    (history,) = histories.found
    return history


@pytest.mark.parametrize("seed", range(8))
def test_a_planted_regression_is_found_at_its_commit(repository, gathered, seed) -> None:
    _, commits = repository
    history = only(gathered(series(commits, times(STEP, seed=seed))))
    (change,) = history.changes
    assert [commit.hash for commit in change.candidates] == [commits[10]]
    assert change.after.hash == commits[9]
    assert change.ratio == pytest.approx(1.15, rel=0.03)
    assert change.p_value <= 0.01
    assert change.origin == f'commit {commits[10][:7]} "Change number 11"'
    assert re.fullmatch(r"x1\.1\d slower \(p = 0\.00\d\), on Abacus 9, 2 cores", history.effect(change))


@pytest.mark.parametrize("seed", range(8))
def test_without_a_change_there_is_none(repository, gathered, seed) -> None:
    _, commits = repository
    history = only(gathered(series(commits, times([1e-3] * 20, seed=seed))))
    assert history.changes == ()
    assert history.judged
    assert history.verdict == f"no change on {history.machine.name}"


@pytest.mark.parametrize("seed", range(4))
def test_of_commits_that_were_not_measured_all_are_named(repository, gathered, seed) -> None:
    _, commits = repository
    left = [place for place in range(20) if place not in {8, 9, 10}]
    values = times(STEP, seed=seed)
    history = only(gathered(series([commits[place] for place in left], [values[place] for place in left])))
    (change,) = history.changes
    assert [commit.hash for commit in change.candidates] == commits[8:12]
    assert change.after.hash == commits[7]
    assert change.origin == f'one of 4 commits after {commits[7][:7]}, up to {commits[11][:7]} "Change number 12"'


@pytest.mark.parametrize("seed", range(4))
def test_a_revert_is_two_changes(tmp_path, seed) -> None:
    commits = make_repository(tmp_path / "longer", map(str, range(30)))
    values = times([1e-3] * 10 + [1.15e-3] * 10 + [1e-3] * 10, seed=seed)
    up, down = only(gather(series(commits, values), read_commits(tmp_path / "longer"))).changes
    assert (up.candidates[-1].hash, down.candidates[-1].hash) == (commits[10], commits[20])
    assert "slower" in up.size
    assert "faster" in down.size
    assert up.ratio > 1 > down.ratio


@pytest.mark.parametrize("seed", range(4))
def test_machines_are_judged_apart(repository, gathered, seed) -> None:
    _, commits = repository
    quiet = series(commits, times(STEP, seed=seed))
    noisy = series(commits, [2 * value for value in times(STEP, noise=0.3, seed=seed)], machine=OTHER)
    first, second = gathered([*noisy, *quiet]).found
    assert [history.machine.name for history in (first, second)] == ["Abacus 9, 2 cores", "Zuse 3, 2 cores"]
    assert [change.candidates[-1].hash for change in first.changes] == [commits[10]]
    assert first == only(gathered(quiet))
    assert second == only(gathered(noisy))


@pytest.mark.parametrize("seed", range(8))
def test_times_that_jump_hide_no_step_of_the_ratio(repository, gathered, seed) -> None:
    _, commits = repository
    jumps = np.random.default_rng(seed).choice([1.0, 1.5], 20)
    ratios = times(RATIOS, noise=0.003, seed=seed)
    history = only(gathered(series(commits, list(1e-3 * jumps * ratios), ratios=ratios)))
    assert history.quantity == BESIDE
    (change,) = history.changes
    assert [commit.hash for commit in change.candidates] == [commits[10]]
    assert change.ratio == pytest.approx(1.1, rel=0.005)
    assert history.effect(change).startswith("x1.1 slower beside paper/old (p = 0.00")


@pytest.mark.parametrize("seed", range(8))
def test_jumps_of_the_machine_are_no_change(repository, gathered, seed) -> None:
    """Even such as come once and stay, and spare the calibration kernel."""
    _, commits = repository
    ratios = times([2.0] * 20, noise=0.003, seed=seed)
    assert only(gathered(series(commits, STEP, ratios=ratios))).changes == ()


def test_a_ratio_has_the_interval_over_its_own_processes(repository, gathered) -> None:
    _, commits = repository
    one = measured(1e-3, processes=6, ratio=2.0)
    without = dataclasses.replace(one.processes[0], ratio=None)
    (point,) = only(
        gathered([speed_run(commits[0], dataclasses.replace(one, processes=(without, *one.processes[1:])))])
    ).points
    assert (point.value.count, point.seconds.count) == (5, 6)
    assert (point.value.low, point.value.estimate, point.value.high) == pytest.approx((1.996, 2.0, 2.004), rel=1e-3)


def test_a_slower_baseline_is_named_where_what_is_beside_it_seems_faster(repository, ask) -> None:
    _, commits = repository
    slower = series(commits, times(STEP, noise=0.01), BASELINE)
    beside = series(commits, [2e-3] * 20, ratios=times([2.0] * 10 + [2.0 / 1.15] * 10, noise=0.003))
    told = ask([*slower, *beside]).output
    (change,) = [text for text in told.splitlines() if text.startswith(f"  {KEY}")]
    assert f'commit {commits[10][:7]} "Change number 11"\n  {KEY}' in told
    assert "x1.15 faster beside paper/old (p = 0.00" in change
    assert change.endswith(", on Abacus 9, 2 cores (its baseline changed there too)")
    (own,) = [text for text in told.splitlines() if text.startswith(f"  {BASELINE}")]
    assert "slower (p = 0.00" in own
    assert own.endswith(", on Abacus 9, 2 cores")
    plotted = ask([], "paper/new").output
    assert str(BASELINE) not in plotted
    assert "(its baseline changed there too)" in plotted


def test_what_the_baseline_did_elsewhere_is_not_told(repository, gathered) -> None:
    _, commits = repository
    early = series(commits, STEP[5:] + STEP[-5:], BASELINE)
    other_machine = series(commits, STEP, BASELINE, OTHER)
    found = gathered([*early, *other_machine, *series(commits, STEP, ratios=RATIOS)], "paper/new")
    assert [change.beside_baseline for change in only(found).changes] == [False]


def test_of_a_baseline_that_was_not_asked_for_nothing_is_counted(repository, gathered) -> None:
    _, commits = repository
    noisy = speed_run(commits[0], measured(1.0, BASELINE, outcome="noisy"))
    assert gathered([noisy, *series(commits, STEP, ratios=RATIOS)], "paper/new").left_out == {}


def test_another_baseline_begins_another_series(repository, gathered) -> None:
    _, commits = repository
    old = series(commits[:10], STEP[:10], ratios=[2.0] * 10)
    new = series(commits[10:], STEP[:10], ratios=[3.0] * 10, baseline="paper/older")
    first, second = gathered([*new, *old]).found
    assert (first.quantity, second.quantity) == (BESIDE, Quantity("ratio", "paper/older"))
    assert [point.commit.hash for point in first.points] == commits[:10]
    assert [point.commit.hash for point in second.points] == commits[10:]
    assert not first.changes
    assert not second.changes


def test_where_the_baseline_was_not_clean_a_commit_is_left_out(repository, gathered) -> None:
    _, commits = repository
    ratios = [None if place in {3, 10} else ratio for place, ratio in enumerate(RATIOS)]
    histories = gathered(series(commits, STEP, ratios=ratios))
    history = only(histories)
    assert len(history.points) == 18
    (change,) = history.changes
    assert [commit.hash for commit in change.candidates] == commits[10:12]
    assert histories.left_out == {"measurements without a time over paper/old": 2}


def test_where_few_commits_have_a_ratio_units_are_judged_and_else_seconds(repository, gathered) -> None:
    _, commits = repository
    few = series(commits, STEP, ratios=[2.0] * 10 + [None] * 10)
    histories = gathered(few)
    assert only(histories).quantity == Quantity("units")
    assert len(only(histories).points) == 20
    assert histories.left_out == {}
    bare = only(gathered([uncalibrated(run) for run in few]))
    assert bare.quantity == SECONDS
    assert [point.value for point in bare.points] == [point.seconds for point in bare.points]


@pytest.mark.parametrize("ratio", [math.nan, math.inf, 0.0, -1.0])
def test_what_can_be_no_ratio_is_none(ratio) -> None:
    assert BESIDE.of(dataclasses.replace(measured(1.0).processes[0], ratio=ratio)) is None


def test_few_commits_are_no_verdict(repository, gathered) -> None:
    _, commits = repository
    history = only(gathered(series(commits[6:14], STEP[6:14])))
    assert not history.changes
    assert not history.judged
    assert f"too few commits for a verdict on Abacus 9, 2 cores: 8 of the {FEWEST}" in history.verdict


def test_a_value_is_the_median_over_the_processes_of_all_runs(repository, gathered) -> None:
    _, commits = repository
    runs = [speed_run(commits[0], measured(1e-3)), speed_run(commits[0], measured(3e-3, processes=3))]
    (point,) = only(gathered(runs)).points
    assert point.seconds.estimate == pytest.approx(1.0015e-3)
    assert point.seconds.count == 8
    assert point.seconds.low < point.seconds.estimate < point.seconds.high
    assert point.value.estimate == pytest.approx(point.seconds.estimate / 3e-4)
    assert point.runs == 2


def test_few_processes_have_no_interval(repository, gathered) -> None:
    _, commits = repository
    (point,) = only(gathered([speed_run(commits[0], measured(1e-3, processes=4))])).points
    assert not point.seconds.bounded
    assert point.plain()["seconds"]["low"] is None


def test_what_is_left_out_is_counted(repository, gathered) -> None:
    _, commits = repository
    good = speed_run(commits[0], measured(1e-3))
    broken = dataclasses.replace(measured(1e-3, processes=1).processes[0], seconds=math.nan)
    runs = [
        good,
        speed_run(None, measured(1.0)),
        speed_run("0" * 40, measured(1.0)),
        speed_run(commits[1], measured(1.0), dirty=True),
        speed_run(commits[2], measured(1.0, outcome="noisy")),
        speed_run(commits[3], dataclasses.replace(measured(1.0), processes=())),
        speed_run(commits[4], dataclasses.replace(measured(1.0), processes=(broken,))),
    ]
    histories = gathered(runs)
    assert only(histories) == only(gathered([good]))
    assert histories.left_out == {
        "runs outside of a repository": 1,
        "runs of commits that are not on the line of HEAD, or not in this shallow clone": 1,
        "runs with uncommitted changes": 1,
        "measurements that are noisy": 1,
        "measurements that are damaged": 2,
    }


def test_nothing_on_the_line_is_an_error_that_says_why(gathered) -> None:
    with pytest.raises(HarnessError, match="no speed run is of a commit on the line of HEAD\n  left out, runs outside"):
        gathered([speed_run(None, measured(1.0))])


@pytest.mark.parametrize("operation", ["forward", "paper/new", "arena/*new*", str(KEY)])
def test_operations_are_found_by_parts_and_by_globs(repository, gathered, operation) -> None:
    _, commits = repository
    other = dataclasses.replace(KEY, operation="backward", model="paper/other")
    run = speed_run(commits[0], measured(1.0), measured(1.0, other))
    assert only(gathered([run], operation)).key == KEY


@pytest.mark.parametrize(
    ("operation", "machine", "said"),
    [
        ("foward", None, "no operation matches 'foward' \\(did you mean 'forward'\\?\\)"),
        (None, "Zuse", "no machine matches 'Zuse'; there are\n  Abacus 9, 2 cores"),
    ],
)
def test_what_does_not_match_is_said(repository, gathered, operation, machine, said) -> None:
    _, commits = repository
    with pytest.raises(HarnessError, match=said):
        gathered([speed_run(commits[0], measured(1.0))], operation, machine)


def test_changes_of_one_commit_stand_together(repository, gathered) -> None:
    _, commits = repository
    other = dataclasses.replace(KEY, model="paper/old")
    early = dataclasses.replace(KEY, model="paper/early")
    runs = series(commits, STEP) + series(commits, STEP, other) + series(commits, STEP[5:] + STEP[-5:], early)
    (origin, both), (_, one) = gathered(runs).by_commit
    assert "Change number 11" in origin
    assert [history.key for history, _ in both] == [KEY, other]
    assert [history.key for history, _ in one] == [early]


def test_machines_that_look_alike_are_told_apart_by_what_differs() -> None:
    kinds = [MACHINE, {**MACHINE, "torch": "2.7"}, {"cpu": "Abacus 9", "cores": "2"}, OTHER]
    assert {machine.name for machine in named(kinds).values()} == {
        "Abacus 9, 2 cores (torch 2.6)",
        "Abacus 9, 2 cores (torch 2.7)",
        "Abacus 9, 2 cores (torch none)",
        "Zuse 3, 2 cores",
    }


ENTRIES = st.dictionaries(st.sampled_from(["cpu", "cores", "torch"]), st.sampled_from(["1", "2", "3"]))


@settings(deadline=None)
@given(st.lists(ENTRIES))
def test_names_of_machines_are_unique(kinds) -> None:
    found = named(kinds)
    assert len({machine.name for machine in found.values()}) == len(found)


def test_a_merge_is_one_commit_of_the_line(repository) -> None:
    folder, commits = repository

    def git(*arguments: str) -> None:
        person = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *person, *arguments], cwd=folder, check=True, capture_output=True)

    git("switch", "--quiet", "--create", "side", commits[18])
    git("commit", "--quiet", "--allow-empty", "--message", "aside")
    git("switch", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "--message", "merged\n\nbody", "side")
    found = read_commits(folder)
    merged = found.get(subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=folder, text=True).strip())
    assert merged is not None
    assert (merged.place, merged.subject) == (20, "merged")
    assert found.get(subprocess.check_output(["git", "rev-parse", "side"], cwd=folder, text=True).strip()) is None


def test_subjects_may_hold_anything(tmp_path) -> None:
    subjects = ["a\tb", "commit 1234", "c\rd\x0be", "", HOSTILE]
    commits = make_repository(tmp_path / "hostile", subjects)
    found = read_commits(tmp_path / "hostile")
    assert [(known := found.get(name)) and known.subject for name in commits] == subjects


def test_outside_of_a_repository_that_is_said(tmp_path) -> None:
    with pytest.raises(HarnessError, match="not a git repository"):
        read_commits(tmp_path)


def test_without_git_that_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HarnessError, match="git is not installed"):
        read_commits(tmp_path)


def drawn(values: list[float], width: int = 80) -> list[str]:
    commits = line(len(values))
    runs = series([f"{place:040x}" for place in range(len(values))], values)
    return plot(only(gather(runs, commits)), width, ASCII)


def test_a_plot_shows_points_levels_and_changes() -> None:
    lines = drawn(STEP)
    assert lines[0].startswith("     3.83 |")
    assert lines[10].startswith("     3.33 |")
    assert lines[0].count("*") == lines[10].count("*") == 10
    assert lines[10].index("*") < lines[0].index(":") < lines[0].index("*")
    assert lines[12].index("1") == lines[0].index(":")
    assert lines[13].split() == ["0000000", "2026-01-01", "0000013", "2026-01-01"]


@settings(deadline=None)
@given(st.lists(st.floats(1e-9, 1e4), min_size=1, max_size=150), st.integers(60, 120))
def test_a_plot_is_as_wide_as_it_may_be(values, width) -> None:
    lines = drawn(values, width)
    assert max(map(len, lines)) <= width
    assert sum(text.count("*") for text in lines) >= 1


def test_where_the_encoding_has_no_better_ones_plots_are_of_ascii() -> None:
    assert glyphs("utf-8") is UNICODE
    assert glyphs("ascii") is ASCII
    assert glyphs("latin-1") is ASCII


def test_the_command_plots_what_is_named(repository, ask) -> None:
    _, commits = repository
    result = ask(series(commits, times(STEP)), "forward")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[:2] == [str(KEY), "time in calibration units, on Abacus 9, 2 cores"]
    assert any("•" in text for text in lines)
    (said,) = [text for text in lines if text.startswith("  1  ")]
    assert said.startswith(f'  1  commit {commits[10][:7]} "Change number 11" x1.1')
    assert said.endswith(", on Abacus 9, 2 cores")


def test_the_command_plots_ratios(repository, ask) -> None:
    _, commits = repository
    result = ask(series(commits, STEP, ratios=RATIOS), "forward")
    lines = result.output.splitlines()
    assert lines[1] == "time over paper/old, on Abacus 9, 2 cores"
    assert lines[2].startswith("     x2.2 ┤")
    assert lines[12].startswith("       x2 ┤")
    assert re.search(
        r'"Change number 11" x1.1 slower beside paper/old \(p = 0.00\d\), on Abacus 9, 2 cores$', lines[-2]
    )


def test_the_command_says_what_was_judged_and_the_time(repository, ask) -> None:
    _, commits = repository
    times = measured(1e-3, dataclasses.replace(KEY, backend="gpu"))
    bare = uncalibrated(speed_run(commits[0], times, name="bare"))
    told = ask([speed_run(commits[0], measured(1e-3, ratio=2.0), measured(6e-4, BASELINE)), bare]).output
    at = f"at {commits[0][:7]}, too few commits"
    assert f"{KEY}\n  x2 over paper/old (1 ms) {at}" in told
    assert f"{BASELINE}\n  2 in calibration units (600 µs) {at}" in told
    assert f"{times.key}\n  1 ms {at}" in told


def test_the_command_lists_everything(repository, ask) -> None:
    _, commits = repository
    other = dataclasses.replace(KEY, model="paper/old")
    result = ask([*series(commits, STEP), *series(commits[:3], STEP[:3], other), speed_run(None)])
    assert result.exit_code == 0, result.output
    assert f"x1.15 slower since {commits[10][:7]}" in result.output
    assert "too few commits for a verdict" in result.output
    assert f'commit {commits[10][:7]} "Change number 11"\n  {KEY} x1.15 slower (p = 0.00' in result.output
    assert "left out, runs outside of a repository: 1" in result.output


def test_json_has_everything(repository, ask) -> None:
    _, commits = repository
    found = json.loads(ask(series(commits, STEP), "--json").output)
    (history,) = found["histories"]
    assert history["operation"] == str(KEY)
    assert history["machine"] == {"name": "Abacus 9, 2 cores", "fingerprint": MACHINE}
    assert [point["commit"] for point in history["points"]] == commits
    assert history["quantity"] == {"name": "units", "baseline": None}
    assert [point["seconds"]["estimate"] for point in history["points"]] == pytest.approx(STEP)
    assert [3e-4 * point["value"]["estimate"] for point in history["points"]] == pytest.approx(STEP)
    (change,) = history["changes"]
    assert [commit["commit"] for commit in change["candidates"]] == [commits[10]]
    assert change["ratio"] == pytest.approx(1.15)


def test_hostile_texts_do_nothing(tmp_path, ask, monkeypatch) -> None:
    commits = make_repository(tmp_path / "hostile", [HOSTILE] * 20)
    monkeypatch.chdir(tmp_path / "hostile")
    key = dataclasses.replace(KEY, model=HOSTILE)
    result = ask(series(commits, STEP, key, {"cpu": HOSTILE, "cores": HOSTILE}), "forward")
    assert result.exit_code == 0, result.output
    assert "[bold]<img" in result.output
    assert not {character for character in result.output if not character.isprintable() and character != "\n"}
    assert ask([], "--json").exit_code == 0


def test_a_terminal_without_unicode_is_served(repository, ask) -> None:
    _, commits = repository
    assert ask(series(commits, STEP)).exit_code == 0
    for arguments in ((), ("forward",)):
        result = CliRunner(charset="ascii").invoke(root, ["speed", "history", *arguments])
        assert result.exit_code == 0, result.output
        assert "?" in result.output  # for the dots between the names
        assert result.output.isascii()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--html", "."), "is a folder"), (("--html", "no/page.html"), "there is no folder"), (("nothing",), "matches")],
)
def test_what_is_wrong_is_said(repository, ask, arguments, said) -> None:
    _, commits = repository
    result = ask(series(commits[:1], [1.0]), *arguments)
    assert isinstance(result.exception, HarnessError)
    assert said in str(result.exception)


def test_a_store_without_speed_runs_is_said(ask) -> None:
    result = ask([])
    assert isinstance(result.exception, HarnessError)
    assert "harness speed run" in str(result.exception)
