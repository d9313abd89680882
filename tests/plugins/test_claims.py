"""The ledger that is committed: every claim has a verdict, evidence that bears it, and a check that can fail."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.checks.evidence import Evidence
from harness.checks.ruling import rule
from harness.claims.choice import Chosen, choose
from harness.claims.gather import evidence
from harness.claims.ledger import PAGE, Ledger, page
from harness.claims.sabotage import self_test
from harness.papers import Paper
from harness.plugins import Plugins
from harness.registry.catalogue import Catalogue

STORE = Path(__file__).parents[2] / "reports"
GUIDE = Path(__file__).parents[2] / "docs" / "claims.md"
LEDGER = Ledger(STORE)
CATALOGUE = Catalogue()
PAPERS = [
    owner.name
    for owner in CATALOGUE.owners.values()
    if owner.kind == "paper" and owner.module.startswith("harness_plugins.")
]
CLAIMS = choose(PAPERS, CATALOGUE, Plugins().backends(), scale="claim", warn=pytest.fail)
EXAMPLES = re.findall(r"<!-- check: (\S+) -->\n```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)

of_each_claim = pytest.mark.parametrize("one", CLAIMS, ids=lambda one: one.name)


def results(one: Chosen) -> Evidence:
    """What the ledger keeps of a claim's cells."""
    return evidence(one.cases, LEDGER.evidence(one.paper))


def numbers(finding: dict[str, Any]) -> dict[str, float]:
    """The numbers that a finding has."""
    return {name: value for name, value in finding.items() if isinstance(value, float)}


@pytest.mark.parametrize("paper", PAPERS)
def test_every_claim_of_the_card_has_a_verdict(paper: str) -> None:
    card = CATALOGUE.card(CATALOGUE.owner(paper))
    assert isinstance(card, Paper)
    records = LEDGER.records(paper)
    assert [record["claim"] for record in records] == [f"{paper}/{claim.name}" for claim in card.claims]
    for record, claim in zip(records, card.claims, strict=True):
        assert record["scale"] == "claim"
        said = (record["statement"], record["figure"], record["criterion"])
        assert said == (claim.statement, claim.figure, claim.criterion)


@of_each_claim
def test_the_evidence_is_whole(one: Chosen) -> None:
    found = results(one)
    assert [str(cell) for cell in found.cells if cell.status != "ok"] == []
    assert not [str(cell) for measured in one.claim.check.measured() for cell in measured.gaps(found)]


@of_each_claim
def test_the_evidence_bears_the_verdict(one: Chosen) -> None:
    (record,) = [record for record in LEDGER.records(one.paper) if record["claim"] == one.name]
    judgement = rule(one.claim.check, results(one))
    assert (str(judgement.verdict), judgement.reason) == (record["verdict"], record["reason"])
    assert [(finding.what, str(finding.verdict)) for finding in judgement.findings] == [
        (finding["what"], finding["verdict"]) for finding in record["findings"]
    ]
    for finding, kept in zip(judgement.findings, record["findings"], strict=True):
        assert numbers(finding.plain()) == pytest.approx(numbers(kept), rel=1e-6)


@of_each_claim
def test_the_check_refuses_every_sabotage(one: Chosen) -> None:
    assert self_test(one.claim.check, results(one)).complaint == ""


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_the_examples_of_the_guide_are_the_papers_own(name: str, example: str) -> None:
    (one,) = [one for one in CLAIMS if one.name == name]
    check = eval(example, {name: getattr(harness, name) for name in harness.__all__})
    assert rule(check, results(one)) == rule(one.claim.check, results(one))


def test_the_page_is_made_of_these_verdicts() -> None:
    assert LEDGER.papers() == sorted(PAPERS)
    assert (STORE / PAGE).read_text(encoding="utf-8") == page(
        {paper: LEDGER.records(paper) for paper in LEDGER.papers()}
    )
