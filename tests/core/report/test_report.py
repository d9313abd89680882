"""Reports: what is gathered, as a page and as Markdown, from good and from hostile results."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.compare.options import Options
from harness.errors import HarnessError
from harness.report.claims import read_claims
from harness.report.embed import packed
from harness.report.failures import read_failures
from harness.report.markdown import escaped, markdown
from harness.report.page import page
from harness.report.report import Report, gather
from harness.report.source import read_source
from harness.report.wording import readable

from .conftest import HOSTILE, MODELS, data, results, row, unpacked


def report(*folders: Path, **choices: Any) -> Report:
    return gather([read_source(folder) for folder in folders], Options(**choices))


class Tags(HTMLParser):
    """The elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_what_matters_most_comes_first(run_folder) -> None:
    found = report(run_folder)
    assert [(section.place.task) for section in found.sections] == [f"f/task(size={size})" for size in (10, 100, 1000)]
    assert all("p/new beats" in sentence for _, sentence in found.headlines[:3])
    assert found.index is not None
    assert [row.target for row in found.index.rows] == [section.id for section in found.sections]


def test_a_table_has_every_model_and_marks_references(run_folder) -> None:
    section = report(run_folder).sections[0]
    assert {row.texts[0] for row in section.table.rows} == set(MODELS)
    assert section.table.rows[-1].role == "reference"
    assert "1 failed" in next(row for row in section.table.rows if row.texts[0] == "b/slow").texts[-1]
    assert all(len(row.cells) == len(section.table.columns) for row in section.table.rows)


def test_failures_are_grouped_by_what_went_wrong(write_run) -> None:
    lost = {"status": "failed", "metric": None, "value": None, "error": "it broke"}
    rows = [row("f/t", "p/x", seed, **lost, traceback=f"seed {seed}") for seed in range(30)]
    (failure,) = read_failures(read_source(write_run(rows)).table)
    assert (failure.count, len(failure.cells), failure.traceback) == (30, 20, "seed 0")


def test_a_run_in_which_nothing_is_ok_has_a_report(write_run) -> None:
    found = report(write_run([row("f/t", "p/x", 0, status="timeout", metric=None, value=None)]))
    assert found.sections == ()
    assert found.notes
    assert "timeout" in page(found)
    assert "timeout" in markdown(found)


def test_a_run_without_any_result_yet_has_a_report(write_run) -> None:
    found = report(write_run([], finished=False, cases=5))
    assert "0 of 5" in page(found)


def test_two_runs_are_compared_model_by_model(write_run) -> None:
    earlier, later = write_run(results(), "earlier"), write_run(results(better=4.0), "later")
    found = report(earlier, later)
    (new,) = (row for row in found.sections[0].table.rows if row.texts[0] == "p/new")
    assert "better" in new.texts
    assert all("p/new" in sentence for _, sentence in found.headlines[:3])
    assert data(page(found))["run"] == ["earlier", "later"]
    assert "earlier" in markdown(found)


def test_claims_are_read_with_their_findings(run_folder) -> None:
    first, second = read_claims(run_folder)
    assert (first.paper, first.name, first.verdict, second.verdict) == ("p", "one", "held", "failed")
    assert first.findings == ("ratio = 0.5 [0.4, 0.6], < 1: held",)
    made = report(run_folder)
    assert made.verdicts == "1 held, 1 failed"
    assert made.sources[0].commands[1].startswith("harness claims p -j")
    assert "Claims: 1 held, 1 failed." in markdown(made)


@pytest.mark.parametrize("text", ["{", "[1]", '[{"claim": "a/b"}]', "null"])
def test_claims_that_are_not_are_said_to_be(run_folder, text) -> None:
    (run_folder / "verdicts.json").write_text(text)
    with pytest.raises(HarnessError, match=r"verdicts\.json"):
        read_claims(run_folder)


def test_a_folder_that_is_no_run_is_said_to_be(tmp_path) -> None:
    with pytest.raises(HarnessError, match="not the folder of a run"):
        read_source(tmp_path)


def test_a_page_needs_nothing_else(run_folder) -> None:
    text = page(report(run_folder))
    tags = Tags(text).found
    assert not [tag for tag, attributes in tags if attributes.get("src") or tag in ("link", "iframe", "object", "base")]
    assert all(str(attributes.get("href", "#")).startswith("#") for _, attributes in tags)
    (policy,) = (attributes["content"] for _, attributes in tags if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")


def test_every_figure_on_a_page_has_an_id_of_its_own(run_folder) -> None:
    content = data(page(report(run_folder)))
    parts = [*content["sections"], *content["across"], content]
    figures = [figure["id"] for part in parts for figure in part["figures"]]
    assert len(set(figures)) == len(figures) > 10


@pytest.fixture
def hostile(write_run) -> Path:
    """A run in which every text is hostile."""
    rows = []
    for number, text in enumerate(HOSTILE):
        for seed in range(2):
            names = {"metric": text, "unit": text, "model_label": text}
            place = json.dumps({text: seed, f"{text}2": text})
            parameters = json.dumps({text: number})
            rows.append(row(f"{text}-{number}", text, seed, **names, value=1.0 + seed, task_parameters=parameters))
            rows.append(row(f"{text}-{number}", text, seed, **{**names, "metric": f"c{text}"}, coordinates=place))
            rows.append(row(f"{text}-{number}", f"{text}2", seed, **{**names, "model_label": f"{text}2"}, value=9.0))
        lost = {"status": "failed", "metric": None, "value": None, "error": text, "traceback": text, "output": text}
        rows.append(row(f"{text}-{number}", "p/failed", 9, **lost))
    suite = {"name": HOSTILE[0], "description": HOSTILE[1], "path": HOSTILE[2]}
    folder = write_run(rows, suite=suite)
    texts = dict.fromkeys(("statement", "figure", "criterion", "verdict", "reason"), HOSTILE[0])
    entry = {"claim": f"{HOSTILE[1]}/x", **texts, "findings": [], "cells": 1, "seconds": 1}
    (folder / "verdicts.json").write_text(json.dumps([entry]))
    return folder


def test_hostile_texts_make_no_elements(hostile) -> None:
    text = page(report(hostile))
    tags = Tags(text).found
    assert len([tag for tag, _ in tags if tag == "script"]) == 3
    assert not [tag for tag, _ in tags if tag in ("img", "b")]
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    beyond = text.replace(re.search(r'id="plotly">(.*?)</script>', text, re.DOTALL)[1], "")
    for character in "\x1b\x00\u202e\u2028":
        assert character not in beyond


def test_hostile_texts_are_shown_as_they_are(hostile) -> None:
    titles = {section["title"] for section in data(page(report(hostile)))["sections"]}
    assert {f"{readable(text)}-{number}" for number, text in enumerate(HOSTILE)} == titles


def test_hostile_texts_do_nothing_in_markdown(hostile) -> None:
    text = markdown(report(hostile))
    outside = re.sub(r"(`{3,})\n.*?\n\1", "", text, flags=re.DOTALL)
    assert {tag for tag, _ in Tags(outside).found} == {"details", "summary"}
    for character in "\x1b\x00\u202e":
        assert character not in text


@given(st.text())
def test_packed_text_comes_back_and_ends_no_script(text) -> None:
    made = packed({"text": text})
    assert re.fullmatch("[A-Za-z0-9+/=]*", made)
    assert unpacked(made)["text"] == readable(text)


@given(st.floats())
def test_packed_numbers_have_six_digits_or_are_null(number) -> None:
    (read,) = unpacked(packed([number]))
    assert (read is None) or read == pytest.approx(number, rel=1e-5)


@given(st.text())
def test_escaped_markdown_says_the_same_on_one_line(text) -> None:
    made = escaped(text)
    assert "\n" not in made
    assert not set(made) & set("<>|`*_[]\\@")
    assert html.unescape(made) == " ".join(readable(text).split()) or "&" in text


def test_a_run_of_curves_alone_has_a_report(write_run) -> None:
    along = json.dumps({"step": 1})
    folder = write_run([row("f/task", "p/model", seed, value=1.0, coordinates=along) for seed in range(3)])
    made = report(folder)
    assert made.notes == ("there is nothing to compare: no case is ok and has a value that is a plain number",)
    assert "there is nothing to compare" in page(made)
    assert "there is nothing to compare" in markdown(made)


def test_markdown_has_a_table_per_task(run_folder) -> None:
    text = markdown(report(run_folder))
    assert text.count("| model | place |") == 3
    assert "**p/new**" in text
    assert "1 case failed: it broke" in text
    assert "| p/one | held | see findings |" in text
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(line.endswith("|") for line in tables)


def test_a_fence_in_a_traceback_ends_no_block(write_run) -> None:
    lost = {"status": "failed", "metric": None, "value": None, "error": "e", "traceback": "```\n# heading\n````"}
    text = markdown(report(write_run([row("f/t", "p/x", 0, **lost)])))
    assert text.count("`````\n") == 2
