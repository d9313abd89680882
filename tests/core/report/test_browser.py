"""A report in a real browser."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.compare.options import Options
from harness.report.page import page
from harness.report.report import gather
from harness.report.source import read_source

from .conftest import HOSTILE, results, row

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(browser, tmp_path) -> Iterator[Callable[..., Any]]:
    """Open the page of a run: `opened(folder, viewport=...)`; at the end nothing was fetched or complained of."""
    contexts = []
    said: list[str] = []
    asked: list[str] = []

    def open_page(folder: Path, *, reload_seconds: float | None = None, **options: Any) -> Any:
        path = tmp_path / "page.html"
        path.write_text(page(gather([read_source(folder)], Options()), reload_seconds=reload_seconds))
        contexts.append(browser.new_context(**options))
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("dialog", lambda dialog: said.append(dialog.message))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(path.as_uri())
        tab.wait_for_selector("html[data-ready]")
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert all(url.startswith(("blob:", "data:")) or url == (tmp_path / "page.html").as_uri() for url in asked)


def wait(tab: Any, condition: str) -> None:
    """Wait for a condition (the page's policy forbids playwright's own way, which makes code of text)."""
    while not tab.evaluate(condition):
        tab.wait_for_timeout(20)


def unfold(tab: Any) -> None:
    """Open everything and draw every figure."""
    tab.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    for plot in tab.query_selector_all(".plot"):
        plot.scroll_into_view_if_needed()
    wait(tab, "document.querySelectorAll('.plot:not([data-drawn])').length === 0")


def names(tab: Any, table: str) -> list[str]:
    return tab.eval_on_selector_all(f"{table} tbody tr:not([hidden]) th", "cells => cells.map((c) => c.textContent)")


def test_all_figures_are_drawn(opened, run_folder) -> None:
    tab = opened(run_folder)
    unfold(tab)
    assert tab.locator(".plot svg.main-svg").count() >= tab.locator(".plot").count() > 10


def test_tables_sort_by_the_numbers_they_show(opened, run_folder) -> None:
    tab = opened(run_folder)
    heading = tab.locator("#task-0 > .scroll th[scope=col]", has_text="time")
    assert heading.get_attribute("aria-sort") == "none"
    heading.locator("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert names(tab, "#task-0 > .scroll")[0] == "p/new"
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert names(tab, "#task-0 > .scroll")[-1] == "p/new"


def test_the_filter_shows_tasks_and_models(opened, run_folder) -> None:
    tab = opened(run_folder)
    tab.fill("#filter", "slow")
    assert names(tab, "#task-0 > .scroll") == ["b/slow"]
    tab.fill("#filter", "size=1000")
    assert tab.locator("details.task:visible").count() == 1
    assert len(names(tab, "#task-2 > .scroll")) == 4
    assert tab.inner_text("#shown") == "1 of 3 tasks"
    tab.fill("#filter", "")
    assert tab.locator("details.task:visible").count() == 3


def test_sections_are_made_when_they_are_opened(opened, write_run) -> None:
    rows = [row(f"f/{task}", f"p/{model}", 0, value=model + 1.0) for task in range(6) for model in range(2)]
    tab = opened(write_run(rows))
    assert tab.locator("details.task table").count() == 0
    tab.click("#index a[href='#task-3']")
    tab.wait_for_selector("#task-3 table")
    assert tab.locator("details.task table").count() == 1


def test_the_theme_is_remembered_and_redraws(opened, run_folder) -> None:
    tab = opened(run_folder, color_scheme="light")
    unfold(tab)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(ground)
    tab.click("#theme")
    dark = tab.evaluate(ground)
    assert light != dark
    wait(tab, "document.querySelector('.plot').layout.paper_bgcolor === '#14181e'")
    tab.reload()
    assert tab.evaluate(ground) == dark
    assert tab.inner_text("#theme") == "Light theme"


def download(tab: Any, label: str) -> bytes:
    with tab.expect_download() as found:
        tab.locator("#task-0-values .tools button", has_text=label).click()
    return Path(found.value.path()).read_bytes()


def test_figures_are_downloaded(opened, run_folder) -> None:
    tab = opened(run_folder)
    unfold(tab)
    assert ET.fromstring(download(tab, "SVG")).tag.endswith("svg")
    png = download(tab, "PNG")
    assert png.startswith(b"\x89PNG\r\n")
    assert min(struct.unpack(">II", png[16:24])) > 300
    lines = list(csv.reader(io.StringIO(download(tab, "CSV").decode())))
    assert lines[0] == ["model", "role", "kind", "value", "low", "high"]
    assert len({len(line) for line in lines}) == 1


def test_everything_is_reached_by_the_keyboard(opened, run_folder) -> None:
    tab = opened(run_folder)
    reached = set()
    for _ in range(60):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("(document.activeElement.id || document.activeElement.tagName).toLowerCase()"))
    assert {"theme", "filter", "a", "button", "summary"} <= reached


@pytest.mark.parametrize("width", [380, 768])
def test_a_narrow_page_does_not_scroll_sideways(opened, run_folder, width) -> None:
    tab = opened(run_folder, viewport={"width": width, "height": 800})
    unfold(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_shut_out(opened, run_folder, theme) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab = opened(run_folder, color_scheme=theme)
    unfold(tab)
    found = Axe().run(tab).response["violations"]
    grave = [
        (one["id"], node["html"]) for one in found if one["impact"] in ("serious", "critical") for node in one["nodes"]
    ]
    assert not grave


def test_hostile_texts_run_nothing(opened, write_run) -> None:
    rows = []
    for number, text in enumerate(HOSTILE):
        for seed in range(3):
            for model in (text, f"{text}2"):
                common = {"task_parameters": json.dumps({text: number + 1}), "unit": text, "metric": text}
                rows.append(row(f"{text}-{number}", model, seed, **common, value=1.0 + seed))
                curve = {**common, "metric": f"c{text}", "coordinates": json.dumps({text: seed, f"{text}2": text})}
                rows.append(row(f"{text}-{number}", model, seed, **curve))
        lost = {"status": "failed", "metric": None, "value": None, "error": text, "traceback": text}
        rows.append(row(f"{text}-{number}", "p/failed", 9, **lost))
    tab = opened(write_run(rows))
    unfold(tab)
    assert tab.locator("img, main b, svg a").count() == 0
    shown = tab.locator(".plot text", has_text="<b>bold</b>").count()
    assert shown > 0


def test_paper_shows_everything(opened, write_run) -> None:
    rows = [row(f"f/{task}", f"p/{model}", 0, value=model + 1.0) for task in range(6) for model in range(2)]
    tab = opened(write_run(rows))
    folded = tab.locator(".plot").count()
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    plots = tab.locator(".plot").count()
    assert plots > folded
    wait(tab, f"document.querySelectorAll('.plot[data-drawn]').length === {plots}")
    assert tab.locator("#task-5 > .scroll table").is_visible()
    assert not tab.locator("#filter").is_visible()
    assert tab.pdf().startswith(b"%PDF")


def test_paper_is_white_though_the_page_is_dark(opened, write_run) -> None:
    tab = opened(write_run(results()), color_scheme="dark")
    unfold(tab)
    ground = "getComputedStyle(document.querySelector('.plot .main-svg')).backgroundColor"
    dark = tab.evaluate(ground)
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    wait(tab, f"{ground} === 'rgb(255, 255, 255)'")
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    wait(tab, f"{ground} === '{dark}'")
    assert dark != "rgb(255, 255, 255)"


def test_a_live_page_reloads_and_stays_where_it_was(opened, write_run) -> None:
    rows = results()
    tab = opened(write_run(rows, finished=False, cases=100), reload_seconds=3)
    assert "48 of 100" in tab.inner_text("#summary")
    tab.fill("#filter", "size=1000")
    tab.evaluate("scrollTo(0, 300)")
    with tab.expect_event("load"):
        pass
    tab.wait_for_selector("html[data-ready]")
    wait(tab, "scrollY === 300")
    assert tab.input_value("#filter") == "size=1000"
    assert re.search("1 of 3", tab.inner_text("#shown"))
