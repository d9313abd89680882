"""What holds for every paper: its card is complete, and its claims name cells that can be run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from harness.claims.choice import choose
from harness.claims.gather import COLUMNS, evidence
from harness.papers import Claim, Paper
from harness.plan.planner import Planner
from harness.plugins import Plugins
from harness.registry.catalogue import Catalogue
from harness.suite.load import load

CATALOGUE = Catalogue()
PAPERS = [
    owner
    for owner in CATALOGUE.owners.values()
    if owner.kind == "paper" and owner.module.startswith("harness_plugins.")
]


def claims() -> Iterator[tuple[str, Claim]]:
    for owner in PAPERS:
        card = CATALOGUE.card(owner)
        assert isinstance(card, Paper)
        yield from ((owner.name, claim) for claim in card.claims)


@pytest.mark.parametrize("owner", PAPERS, ids=lambda owner: owner.name)
def test_a_paper_cites_itself_and_claims_something(owner) -> None:
    card = CATALOGUE.card(owner)
    assert isinstance(card, Paper)
    assert card.arxiv in owner.title()
    assert card.constructions
    assert card.claims
    assert len({claim.name for claim in card.claims}) == len(card.claims)


@pytest.mark.parametrize(("paper", "claim"), list(claims()), ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("scale", ["smoke", "claim", "paper"])
def test_a_claim_names_cells_that_can_be_run(paper: str, claim: Claim, scale: str, tmp_path: Path) -> None:
    assert claim.statement
    assert claim.figure
    assert claim.criterion
    path = tmp_path / "claim.yaml"
    path.write_text(json.dumps({"name": claim.name, "matrix": list(claim.cells)}))
    suite = load(path, CATALOGUE, Plugins().backends(), scale=scale)
    assert Planner(CATALOGUE).cases(suite)


@pytest.mark.parametrize("scale", ["claim", "paper"])
@pytest.mark.parametrize("owner", PAPERS, ids=lambda owner: owner.name)
def test_a_check_reads_metrics_of_cells_that_its_claim_has(owner, scale: str) -> None:
    nothing = pa.table({name: pa.array([], pa.string()) for name in COLUMNS})
    for one in choose([owner.name], CATALOGUE, Plugins().backends(), scale, pytest.fail):
        planned = evidence(one.cases, nothing)
        metrics = {str(cell): case.metrics for cell, case in zip(planned.cells, one.cases, strict=True)}
        read = list(one.claim.check.measured())
        assert read, one.name
        for measured in read:
            assert all(measured.metric in metrics[str(cell)] for cell in measured.cells(planned)), (
                f"{one.name}: {measured}"
            )


@pytest.mark.parametrize("kind", ["task", "model", "metric"])
def test_every_component_says_what_it_is(kind) -> None:
    entries = [entry for owner in CATALOGUE.owners.values() for entry in CATALOGUE.index.entries(owner)]
    mine = [entry for entry in entries if entry.kind == kind]
    assert mine
    assert [entry.name for entry in mine if not entry.summary] == []
