"""Which claims are meant, and the cells they need."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from harness.claims.choice import as_yaml, choose, suite_of, union
from harness.errors import HarnessError, PluginError, UnknownNameError
from harness.plan.planner import Planner
from harness.plugins import Plugins
from harness.registry.catalogue import Catalogue
from harness.suite.load import load

STATING = [
    "mean-is-exact",
    "mean-beats-shifted",
    "shifted-is-exact",
    "noise-is-small",
    "error-is-positive",
    "curve-is-low",
]


def names(chosen) -> list[str]:
    return [one.name for one in chosen]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["stating/mean-is-exact"], ["stating/mean-is-exact"]),
        (["stating"], [f"stating/{name}" for name in STATING]),
        (["guessing", "stating/noise-is-small"], ["guessing/mean-wins", "stating/noise-is-small"]),
        (["stating/noise-is-small", "stating/noise-is-small"], ["stating/noise-is-small"]),
        (["claiming"], ["failing/raises", "failing/is-wrong", "failing/is-late", *(f"stating/{n}" for n in STATING)]),
    ],
)
def test_claims_are_chosen_by_paper_family_or_name(asked, found, chosen) -> None:
    assert names(chosen(*asked)) == found


def test_without_names_every_claim_is_meant_and_what_is_broken_is_said(chosen) -> None:
    said: list[str] = []
    everything = names(chosen(warn=said.append))
    assert {"guessing/mean-wins", "stating/mean-is-exact", "failing/raises"} <= set(everything)
    assert sorted(text.split(" is left out: ")[0] for text in said) == ["paper 'broken'", "paper 'unparsable'"]
    assert "a dependency is missing" in said[0]


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("statin", UnknownNameError, "no paper or family is called 'statin' (did you mean 'stating'?)"),
        (
            "stating/mean-is-exac",
            UnknownNameError,
            "has no claim 'mean-is-exac' (did you mean 'mean-is-exact'?); it has",
        ),
        ("stating/", UnknownNameError, "stating has no claim ''"),
        ("broken", PluginError, "paper 'broken'"),
        ("needing", HarnessError, "there is no claim to check in needing"),
    ],
)
def test_a_name_that_is_wrong_is_said(name, error, said, chosen) -> None:
    with pytest.raises(error) as caught:
        chosen(name)
    assert said in str(caught.value)


@pytest.fixture
def only(install, monkeypatch):
    """The catalogue of one package, with these modules and nothing else."""

    def make(**papers: str) -> Catalogue:
        install("alone", papers=papers)
        points = [point for point in entry_points(group="harness.papers") if point.value == "alone"]
        monkeypatch.setattr("harness.registry.discovery.entry_points", lambda group: points)
        return Catalogue()

    return make


def test_cells_that_cannot_be_run_name_their_claim(only) -> None:
    with pytest.raises(PluginError, match=r"the cells of claim lost/typo cannot be run(?s:.*)unknown task 'lost/gess'"):
        choose(["lost"], only(lost=LOST), Plugins().backends())


def test_cells_that_cannot_be_run_cost_only_their_claim_if_it_was_not_named(only) -> None:
    said: list[str] = []
    with pytest.raises(HarnessError, match="there is no claim to check"):
        choose([], only(lost=LOST), Plugins().backends(), warn=said.append)
    assert [text.partition(" cannot be run")[0] for text in said] == ["the cells of claim lost/typo"]


def test_a_family_without_papers_claims_nothing(only) -> None:
    arenas = '"""Arenas."""\nfrom harness import Family\nfamily = Family(title="Empty")\n'
    with pytest.raises(UnknownNameError, match="'empty' is a family without papers"):
        choose(["empty"], only(**{"empty/__init__": "", "empty/arenas": arenas}), Plugins().backends())


LOST = '''
"""A paper."""
from harness import Claim, Paper, measured
cells = [{"tasks": ["lost/gess"], "models": ["lost/mean"]}]
paper = Paper(
    title="Lost",
    year=2026,
    venue="tests",
    claims=[Claim("typo", "it is", figure="1", criterion="1", cells=cells, check=measured("error").at_most(1))],
)
'''


def test_a_cell_of_two_claims_is_planned_once(chosen) -> None:
    pair = chosen("stating/mean-is-exact", "stating/mean-beats-shifted", scale="claim")
    together = Planner(Catalogue()).cases(union(pair))
    one, other = ({case.id for case in each.cases} for each in pair)
    assert {case.id for case in together} == one | other
    assert (len(together), len(one & other)) == (12, 4)


def test_the_text_of_the_cells_is_a_suite_that_plans_the_same(chosen, claiming, tmp_path) -> None:
    (one,) = chosen("stating/curve-is-low", scale="claim")
    path = tmp_path / "claim.yaml"
    path.write_text(as_yaml(one.name, [one.claim]))
    again = Planner(Catalogue()).cases(load(path, Catalogue(), Plugins().backends()))
    assert [case.key for case in again] == [case.key for case in one.cases]


@pytest.mark.parametrize("scale", ["smoke", "claim", "paper"])
def test_the_text_of_the_cells_says_the_scale(chosen, claiming, tmp_path, scale) -> None:
    (one,) = chosen("stating/curve-is-low", scale=scale)
    path = tmp_path / "claim.yaml"
    path.write_text(as_yaml(one.name, [one.claim], scale))
    again = Planner(Catalogue()).cases(load(path, Catalogue(), Plugins().backends()))
    assert {case.scale for case in again} == {scale}
    assert {case.key for case in one.cases} <= {case.key for case in again}


def test_the_smallest_has_the_first_of_each_and_one_seed(chosen) -> None:
    (one,) = chosen("stating/curve-is-low")
    (case,) = one.cases
    assert (case.task.values["size"], case.seed, case.scale) == (4, 0, "smoke")
    (both,) = chosen("stating/mean-beats-shifted")
    assert [case.model.name for case in both.cases] == ["guessing/mean", "guessing/shifted"]


def test_the_scale_is_that_which_is_asked_for(chosen, claiming) -> None:
    (paper,) = chosen("stating/noise-is-small", scale="paper")
    assert {case.scale for case in paper.cases} == {"paper"}
    suite = suite_of("stating/noise-is-small", [paper.claim], Catalogue(), Plugins().backends())
    assert {block.scale for block in suite.blocks} == {"claim"}
