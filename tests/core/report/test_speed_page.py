"""The page of histories, in text and in a real browser."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli import root
from harness.report.figures.figure import SERIES
from harness.report.figures.history import figures
from harness.report.speed_page import speed_page
from harness.speed.commits import Commit, Commits
from harness.speed.gather import gather
from harness.speed.history import Histories
from harness.speed.record import SpeedRun
from harness.speed.store import save

from ..speed.fabricated import KEY, MACHINE, make_repository, series, uncalibrated
from .conftest import HOSTILE, data

HASHES = [f"{place + 1:07x}{'0' * 33}" for place in range(20)]
STEP = [1e-3] * 10 + [1.15e-3] * 10
RATIOS = [2.0] * 10 + [2.3] * 10
OTHER = {**MACHINE, "cpu": "Zuse 3"}


def histories(runs: list[SpeedRun], subject: str = "Change number") -> Histories:
    days = enumerate(HASHES)
    return gather(
        runs, Commits(Commit(name, name[:7], "2026-01-01", f"{subject} {place}", place) for place, name in days)
    )


def both() -> Histories:
    """One operation on two machines, of which one did not meet the last commit of the old level."""
    met, values, ratios = (line[:9] + line[10:] for line in (HASHES, [2 * one for one in STEP], RATIOS))
    return histories(series(HASHES, STEP, ratios=RATIOS) + series(met, values, machine=OTHER, ratios=ratios))


@pytest.fixture
def opened(browser, tmp_path) -> Iterator[Callable[..., Any]]:
    """Open the page of histories; at the end nothing was fetched or complained of."""
    contexts, said = [], []
    path = tmp_path / "page.html"

    def open_page(shown: Histories, **options: Any) -> Any:
        path.write_text(speed_page(shown))
        contexts.append(browser.new_context(**options))
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("dialog", lambda dialog: said.append(dialog.message))
        tab.on("request", lambda request: said.extend([request.url] * (request.url != path.as_uri())))
        tab.goto(path.as_uri())
        tab.wait_for_selector("html[data-ready]")
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def unfold(tab: Any) -> None:
    """Open everything and draw every figure."""
    tab.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    for plot in tab.query_selector_all(".plot"):
        plot.scroll_into_view_if_needed()
    while tab.evaluate("document.querySelectorAll('.plot:not([data-drawn])').length"):
        tab.wait_for_timeout(20)


def test_figures_are_whole() -> None:
    found = figures(both().found, "a")
    for figure in found:
        named = set(re.findall(r'"\$(?:column|minus)": "([^"]+)"', json.dumps(figure.plain()["spec"])))
        assert named <= set(figure.columns)
        assert all(len(line) == len(figure.columns) for line in figure.rows)
    assert [figure.title for figure in found] == ["Time over paper/old", "Time of a call"]
    for figure, values in zip(found, (RATIOS, STEP), strict=True):
        assert len(figure.rows) == 39
        assert figure.columns[:5] == ("commit", "subject", "date", "machine", "value")
        assert [line[4] for line in figure.rows if line[3] == "Abacus 9, 2 cores"] == pytest.approx(values)
    assert {line[-1] for line in found[0].rows} == {2.0, 2.3}


def test_a_change_is_a_line_between_two_commits() -> None:
    for figure in figures(histories(series(HASHES, STEP, ratios=RATIOS)).found, "a"):
        (line,) = figure.layout["shapes"]
        assert line["x0"] == line["x1"] == 9.5
        (label,) = figure.layout["annotations"]
        assert label["text"] == {"$text": f"{HASHES[10][:7]} Change number 10"}


def test_each_baseline_has_a_figure_and_the_times_are_together() -> None:
    old = series(HASHES[:10], STEP[:10], ratios=RATIOS[:10])
    new = series(HASHES[10:], STEP[10:], ratios=RATIOS[10:], baseline="paper/older")
    found = figures(histories(old + new).found, "a")
    assert [figure.title for figure in found] == ["Time over paper/old", "Time over paper/older", "Time of a call"]
    assert [len(figure.rows) for figure in found] == [10, 10, 20]
    assert len({figure.id for figure in found}) == 3
    assert len(found[-1].traces) == 1


def test_times_that_are_judged_themselves_are_drawn_once() -> None:
    bare = [uncalibrated(run) for run in series(HASHES, STEP)]
    (figure,) = figures(histories(bare).found, "a")
    assert figure.title == "Time of a call"
    assert figure.rows[0][7] == "1 ms [998 µs, 1 ms]"
    assert figure.rows[0][-1] == 1e-3


def test_of_many_machines_those_with_most_commits_are_drawn() -> None:
    kinds = [{**MACHINE, "cpu": f"Abacus {kind}"} for kind in range(SERIES + 2)]
    runs = [
        run
        for number, kind in enumerate(kinds)
        for run in series(HASHES[: number + 1], STEP[: number + 1], machine=kind)
    ]
    for figure in figures(histories(runs).found, "a"):
        assert {line[3] for line in figure.rows} == {f"Abacus {kind}, 2 cores" for kind in range(2, SERIES + 2)}
        assert "2 are left out" in figure.caption


def test_a_section_holds_the_changes_or_says_that_there_is_none() -> None:
    calm = dataclasses.replace(KEY, model="paper/calm")
    shown = histories(
        [*series(HASHES, STEP), *series(HASHES, [1.0] * 20, calm), *series(HASHES[:4], [1.0] * 4, machine=OTHER)]
    )
    quiet, changed = data(speed_page(shown))["sections"]
    assert quiet["notes"] == ["no change on Abacus 9, 2 cores"]
    assert quiet["table"]["rows"] == []
    ((_, _, cells),) = changed["table"]["rows"]
    assert cells[:4] == [HASHES[10][:7], "Change number 10", "2026-01-01", "Abacus 9, 2 cores"]
    assert cells[4:6] == [["x1.15 slower", pytest.approx(1.15)], "in calibration units"]
    assert changed["notes"] == [
        "too few commits for a verdict on Zuse 3, 2 cores: "
        "4 of the 14 commits that it takes to tell a change from chance"
    ]


def test_a_change_of_the_baseline_is_told() -> None:
    baseline = dataclasses.replace(KEY, model="paper/old")
    faster = series(HASHES, [1e-3] * 20, ratios=[2.3] * 10 + [2.0] * 10)
    text = speed_page(histories([*series(HASHES, STEP, baseline), *faster]))
    beside, own = (section["table"]["rows"][0][-1] for section in data(text)["sections"])
    assert (beside[5], own[5]) == ("over paper/old (its baseline changed there too)", "in calibration units")
    assert "x1.15 faster beside paper/old" in text
    assert "(its baseline changed there too)</span>" in text


def test_the_page_names_the_commits_and_needs_nothing_else() -> None:
    text = speed_page(both())
    shown = text.partition('<script type="text/plain" id="data">')[0]
    assert f"commit {HASHES[10][:7]} &#34;Change number 10&#34;: 1 change" in shown
    assert f"one of 2 commits after {HASHES[8][:7]}, up to {HASHES[10][:7]}" in shown
    assert not re.search(r'(?:src|href)="(?!#)', shown)
    assert "default-src &#39;none&#39;" in shown


def test_the_command_writes_the_page(cli, runs, tmp_path, monkeypatch) -> None:
    commits = make_repository(tmp_path / "repository", map(str, range(20)))
    for run in series(commits, STEP):
        save(runs, run)
    monkeypatch.chdir(tmp_path / "repository")
    result = CliRunner().invoke(root, ["speed", "history", "--store", str(runs), "--html", "page.html"])
    assert result.exit_code == 0, result.output
    assert result.output == "page.html\n"
    assert data(Path("page.html").read_text())["things"] == "operations"


@pytest.mark.slow
def test_all_is_drawn_and_told(opened) -> None:
    tab = opened(both())
    unfold(tab)
    assert tab.locator(".plot svg.main-svg").count() >= tab.locator(".plot").count() == 2
    assert tab.locator(".plot .shapelayer path").count() == 2
    assert tab.locator(".plot text", has_text=f"{HASHES[10][:7]} Change").count() == 2
    assert tab.locator("#operation-0 > .scroll tbody tr").count() == 2


@pytest.mark.slow
def test_points_tell_their_commit(opened) -> None:
    tab = opened(histories(series(HASHES, STEP, ratios=RATIOS)))
    unfold(tab)
    tab.locator(".plot .scatterlayer .points path").first.hover(force=True)
    label = tab.locator(".plot .hoverlayer .hovertext")
    label.first.wait_for()
    told = " ".join(label.all_text_contents())
    assert f"{HASHES[0][:7]} Change number 0" in told
    assert "x2 [x1.996, x2.004], 1 ms [998 µs, 1 ms]" in told
    assert "processes: 5" in told


@pytest.mark.slow
def test_many_operations_are_made_when_they_are_opened(opened) -> None:
    keys = [dataclasses.replace(KEY, model=f"paper/m{number}") for number in range(40)]
    tab = opened(histories([run for key in keys for run in series(HASHES[:3], STEP[:3], key)]))
    assert tab.locator(".plot").count() == 0
    tab.fill("#filter", "m17")
    assert tab.inner_text("#shown") == "1 of 40 operations"
    tab.locator("#index tr:not([hidden]) a").last.click()
    tab.wait_for_selector("details[open] .plot[data-drawn]")
    assert tab.locator(".plot").count() == 2


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_shut_out(opened, theme) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab = opened(both(), color_scheme=theme, viewport={"width": 380, "height": 800})
    unfold(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 380
    found = Axe().run(tab).response["violations"]
    grave = [
        (one["id"], node["html"]) for one in found if one["impact"] in ("serious", "critical") for node in one["nodes"]
    ]
    assert not grave


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_run_nothing(opened, text) -> None:
    key = dataclasses.replace(KEY, model=text)
    machine = {"cpu": text, "cores": text, text: text}
    tab = opened(histories([*series(HASHES, STEP, key, machine), *series(HASHES, STEP, key)], subject=text))
    unfold(tab)
    assert tab.locator("img, main b, svg a").count() == 0
    assert tab.locator(".plot svg.main-svg").count() >= 2
