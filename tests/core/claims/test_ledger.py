"""The ledger: verdicts with their evidence, and the page made of them."""

from __future__ import annotations

import dataclasses
import re

import pytest

from harness.checks.measured import measured
from harness.checks.ruling import rule
from harness.claims.gather import evidence
from harness.claims.ledger import Ledger, page
from harness.claims.record import judge

FINDING = {
    "what": "error of a/x",
    "verdict": "held",
    "bound": "<= 1",
    "estimate": 0.5,
    "low": 0.4,
    "high": 0.6,
    "margin": 0.5,
    "reason": "",
}
RECORD = {
    "claim": "paper/claim",
    "statement": "It is so",
    "figure": "1.7x, abstract",
    "criterion": "error at most 1",
    "verdict": "held",
    "reason": "",
    "telling": FINDING,
    "findings": [FINDING],
    "scale": "claim",
    "cells": 5,
    "seeds": [0, 1, 2, 3, 4],
    "seconds": 12.3,
    "run": "r",
    "date": "2026-11-21",
    "commit": "0123456789abcdef",
    "dirty": True,
    "machine": {"cpu": "CPU", "cores": 2, "python": "3.11.7"},
    "versions": {},
    "suite": "",
}


@pytest.fixture
def stated(chosen, executed, runs):
    """Claims of the paper `stating` by name, judged and put into a ledger: `stated("mean-is-exact")`."""
    ledger = Ledger(runs)

    def put(*names: str, card=None):
        claims = chosen(*[f"stating/{name}" for name in names], scale="claim")
        store, run = executed(claims)
        records = judge(claims, store.table(run), store.record(run), tested=False)
        everything = [one.claim for one in chosen("stating", scale="claim")]
        ledger.update(claims, records, store.table(run), everything if card is None else card)
        return claims, records

    put.ledger = ledger
    return put


def names(ledger) -> list[str]:
    return [record["claim"].partition("/")[2] for record in ledger.records("stating")]


def test_what_is_new_is_merged_in_the_order_of_the_card(stated) -> None:
    stated("curve-is-low", "noise-is-small")
    stated("mean-is-exact")
    assert names(stated.ledger) == ["mean-is-exact", "noise-is-small", "curve-is-low"]
    assert stated.ledger.papers() == ["stating"]


def test_a_verdict_takes_the_place_of_the_one_before(stated) -> None:
    stated("mean-is-exact", "noise-is-small")
    (before, other) = stated.ledger.records("stating")
    _, (after,) = stated("mean-is-exact")
    assert stated.ledger.records("stating") == [after, other]
    assert after["run"] != before["run"]


def test_what_left_the_card_leaves_the_ledger(stated) -> None:
    stated("noise-is-small")
    left, _ = stated("mean-is-exact", "curve-is-low")
    stated("curve-is-low", card=[one.claim for one in left])
    assert names(stated.ledger) == ["mean-is-exact", "curve-is-low"]


def test_by_its_evidence_every_verdict_can_be_redone(stated) -> None:
    claims, records = stated("mean-beats-shifted", "noise-is-small", "shifted-is-exact", "curve-is-low")
    for one, record in zip(claims, records, strict=True):
        judgement = rule(one.claim.check, evidence(one.cases, stated.ledger.evidence("stating")))
        assert (str(judgement.verdict), judgement.reason) == (record["verdict"], record["reason"])
        assert [finding.plain() for finding in judgement.findings] == record["findings"]


def test_a_claim_keeps_its_evidence_when_another_that_shares_cells_is_judged(stated) -> None:
    (curve,), _ = stated("mean-is-exact")
    card = [
        curve.claim,
        dataclasses.replace(curve.claim, name="other", check=measured("reciprocal", "guessing/mean").at_most(1e9)),
    ]
    stated("mean-is-exact", card=card)
    stated("mean-beats-shifted", card=card)
    kept = stated.ledger.evidence("stating").to_pylist()
    shared = {case.key for case in curve.cases if case.model.name == "guessing/mean"}
    assert {row["metric"] for row in kept if row["key"] in shared} == {"error", "reciprocal"}
    assert len([row for row in kept if row["key"] in shared]) == 2 * len(shared)


def test_only_what_claims_read_is_kept(stated) -> None:
    (one,), _ = stated("mean-is-exact")
    rows = stated.ledger.evidence("stating").to_pylist()
    assert {row["metric"] for row in rows} == {"error", "error-curve"}
    stated("mean-is-exact", card=[one.claim])
    assert {row["metric"] for row in stated.ledger.evidence("stating").to_pylist()} == {"error"}


def test_the_evidence_does_not_depend_on_how_often_it_is_written(stated, runs) -> None:
    stated("mean-is-exact", "mean-beats-shifted")
    before = (runs / "claims/stating.parquet").read_bytes()
    stated("mean-beats-shifted")
    stated("mean-is-exact")
    assert (runs / "claims/stating.parquet").read_bytes() == before


def test_the_page_is_made_of_the_records_alone(stated, runs) -> None:
    stated("mean-is-exact", "shifted-is-exact", "noise-is-small")
    stated.ledger.write_page()
    text = (runs / "claims.md").read_text()
    assert text == page({"stating": stated.ledger.records("stating")})
    assert "3 claims of 1 papers: 1 held, 1 failed, 1 inconclusive." in text
    stated.ledger.write_page()
    assert (runs / "claims.md").read_text() == text


def test_a_page_tells_verdict_figure_and_evidence() -> None:
    text = page({"paper": [RECORD]})
    assert "| claim | ✔ held | 1.7x, abstract | 0.5 \\[0.4, 0.6\\], \\<= 1 | 0.5 | 5 | 12 s |" in text
    assert "**claim**: It is so" in text
    assert "- needed: error at most 1" in text
    assert "  - error of a/x = 0.5 \\[0.4, 0.6\\], \\<= 1: held" in text
    assert "- 2026-11-21, CPU, 2 cores, Python 3.11.7, commit 0123456789 with changes, scale claim, seeds 0..4" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seeds": [0, 2, 7]}, "seeds 0, 2, 7"),
        ({"seeds": [3]}, "seeds 3"),
        ({"commit": None}, "no commit"),
        ({"dirty": False}, "commit 0123456789, scale"),
        ({"telling": None, "findings": []}, "| claim | ✔ held | 1.7x, abstract |  |  | 5 | 12 s |"),
        ({"reason": "a cell is missing"}, "- held: a cell is missing"),
        (
            {"findings": [{**FINDING, "low": None, "high": None, "reason": "one seed"}]},
            "= 0.5, \\<= 1: held (one seed)",
        ),
        ({"findings": [{**FINDING, "estimate": None}]}, "  - error of a/x, \\<= 1: held"),
    ],
)
def test_a_page_leaves_out_what_there_is_not(change, said) -> None:
    assert said in page({"paper": [{**RECORD, **change}]})


HOSTILE = "| <script>alert(1)</script>\n# [x](javascript:1) `a` *b* _c_ \\ ~~d~~ $e$ &amp; ![f](g) \x1b[31m"


@pytest.mark.parametrize("field", ["claim", "statement", "figure", "criterion", "reason"])
def test_what_comes_from_papers_and_results_is_shown_as_it_is(field) -> None:
    hostile = {**RECORD, field: f"paper/{HOSTILE}", "findings": [{**FINDING, "what": HOSTILE, "reason": HOSTILE}]}
    text = page({"paper": [hostile]})
    assert text.count("\n") == page({"paper": [RECORD]}).count("\n")
    assert "\x1b" not in text
    assert not re.search(r"(?<!\\)[<`$~&]", text.replace("`harness claims`", "").replace("`claims/`", ""))
    (row,) = [line for line in text.splitlines() if line.startswith(("| claim | ✔", "| \\|"))]
    assert len(re.findall(r"(?<!\\)\|", row)) == 8
    assert not re.search(r"(?<!\\)[\[\]](?!\()", text.replace("\\[", "").replace("\\]", ""))


def test_without_a_claim_that_reads_anything_there_is_no_evidence(stated) -> None:
    stated("mean-is-exact", card=[])
    assert (names(stated.ledger), stated.ledger.evidence("stating").num_rows) == ([], 0)
