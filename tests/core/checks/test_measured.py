"""What is read off the results."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given
from scipy.stats import rankdata

from harness.checks.evidence import Evidence, allowed
from harness.checks.measured import agreement, difference, measured, rank, ratio
from harness.checks.samples import CheckError
from harness.checks.verdict import Verdict


def test_what_varies_becomes_a_dimension_and_what_does_not_is_none(cell, evidence) -> None:
    cells = [cell(m + seed, seed=seed, m=m, n=10) for m in (2, 4) for seed in (0, 1)]
    found = measured("cost", "a/x").samples(evidence(*cells))
    assert found.dims == ("m", "seed")
    assert found.values == {(2, 0): 2.0, (2, 1): 3.0, (4, 0): 4.0, (4, 1): 5.0}


def test_a_setting_that_follows_from_model_or_task_is_no_dimension(cell, evidence) -> None:
    cells = [cell(1.0, "a/x", width=8), cell(2.0, "a/y", width=16), cell(3.0, "a/y", width=16, task="t/u")]
    found = measured("cost").samples(evidence(*cells))
    assert found.dims == ("task", "model", "seed")
    assert found.values == {("t/t", "a/x", 0): 1.0, ("t/t", "a/y", 0): 2.0, ("t/u", "a/y", 0): 3.0}


def test_a_setting_that_some_models_lack_is_none_for_them(cell, evidence) -> None:
    cells = [cell(1.0, "a/x"), cell(2.0, "a/y", tie="low"), cell(3.0, "a/y", tie="random")]
    found = measured("cost").samples(evidence(*cells))
    assert found.dims == ("model", "tie", "seed")
    assert found.values == {("a/x", None, 0): 1.0, ("a/y", "low", 0): 2.0, ("a/y", "random", 0): 3.0}


@given(st.sets(st.tuples(st.sampled_from("xy"), st.integers(0, 2), st.sampled_from([None, 1, 2])), min_size=1))
def test_no_two_cells_share_a_place(cell, evidence, places) -> None:
    cells = [
        cell(float(index), f"a/{model}", seed, **({} if m is None else {"m": m}))
        for index, (model, seed, m) in enumerate(sorted(places, key=str))
    ]
    assert sorted(measured("cost").samples(evidence(*cells)).values.values()) == list(range(len(cells)))


@pytest.mark.parametrize(
    ("where", "dims", "values"),
    [
        ({"m": 2}, ("seed", "step"), [1.0, 2.0]),
        ({"m": [2]}, ("seed", "step"), [1.0, 2.0]),
        ({"m": [2, 4], "step": 10}, ("m", "seed"), [1.0, 3.0]),
        ({"m": 4, "step": [10, 20]}, ("seed", "step"), [3.0, 4.0]),
        ({"m": 4, "step": [20]}, ("seed", "step"), [4.0]),
        ({"m": range(2, 5, 2), "step": 20.0}, ("m", "seed"), [2.0, 4.0]),
        ({"backend": "cpu", "m": 2, "step": 10}, ("seed",), [1.0]),
    ],
)
def test_a_number_chooses_and_a_list_allows(where, dims, values, cell, evidence) -> None:
    cells = [cell({10: 1.0, 20: 2.0}, m=2, backend="cpu"), cell({10: 3.0, 20: 4.0}, m=4, backend="cpu")]
    found = measured("cost", "a/x", **where).samples(evidence(*cells))
    assert (found.dims, list(found.values.values())) == (dims, values)


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        (measured("cost", "a/x", sigma=3), "no cell has sigma=3"),
        (measured("cost", "a/x", m=[2, 3]), "no cell has m=3"),
        (measured("cost", "a/x", step=15), "no cell has step=15"),
        (measured("cost", "a/x", step=[10, 15, 25]), r"no cell has step=15\|25"),
        (measured("cost", "a/x", m=3), "none of the claim's cells is such a one"),
        (measured("cost", "a/z"), "none of the claim's cells is such a one"),
        (measured("cost", task="t/other"), "none of the claim's cells is such a one"),
    ],
)
def test_what_is_not_there_is_said(quantity, said, cell, evidence) -> None:
    with pytest.raises(CheckError, match=said):
        quantity.samples(evidence(cell({10: 1.0, 20: 2.0}, m=2)))


def test_a_name_for_two_things_is_refused(cell, evidence) -> None:
    cells = [cell({10: 1.0}, step=1), cell({10: 2.0}, step=2)]
    with pytest.raises(CheckError, match="step is both a setting and a coordinate"):
        measured("cost", "a/x").samples(evidence(*cells))


def test_only_cells_that_are_ok_have_values_and_the_others_are_gaps(cell, evidence) -> None:
    good, late, other = cell(1.0), cell(2.0, seed=1, status="timeout"), cell(3.0, seed=2, metric="speed")
    given = evidence(good, late, other)
    assert measured("cost").samples(given).values == {(0,): 1.0}
    assert measured("cost").gaps(given) == [late, other]


def test_without_a_seed_the_dimensions_stay(cell, evidence) -> None:
    given = evidence(cell({10: 1.0}, seed=0, m=1), cell({20: 2.0}, seed=1, m=2))
    whole, partial = measured("cost").samples(given), measured("cost").samples(given.without(1))
    assert partial.dims == whole.dims == ("m", "seed", "step")
    assert partial.values == {(1, 0, 10): 1.0}


@pytest.mark.parametrize(
    ("tick", "wanted", "answer"),
    [
        (0.1 + 0.2, 0.3, True),
        (2 / 3, 0.6667, False),
        (3, 3.0, True),
        ("3", 3, False),
        (None, None, True),
        ("a", ["b", ("a", "c")], True),
        (4, range(3), False),
        (4.0, {4}, True),
    ],
)
def test_numbers_are_allowed_up_to_rounding(tick, wanted, answer) -> None:
    assert allowed(tick, wanted) is answer


def test_it_says_what_it_is() -> None:
    assert str(measured("cost")) == "cost"
    assert str(measured("cost", ["a/x", "a/y"], m=[1, 2], kind="u")) == "cost of a/x or a/y(m=1|2, kind=u)"


def test_words_for_two_models(cell, evidence, seeds) -> None:
    given = seeds(x=[1, 2], y=[2, 8])
    assert ratio("cost", "a/x", "a/y").samples(given).values == {(0,): 0.5, (1,): 0.25}
    assert difference("cost", "a/x", "a/y").samples(given).values == {(0,): -1, (1,): -6}


@pytest.mark.parametrize(("within", "verdict"), [(6, Verdict.HELD), (5.9, Verdict.FAILED)])
def test_agreement_is_of_every_single_value(within, verdict, seeds) -> None:
    check = agreement(measured("cost", "a/x"), measured("cost", "a/y"), within=within)
    assert check.judge(seeds(x=[1, 2, 3], y=[1, 8, 3])).verdict is verdict


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=4), st.booleans())
def test_a_rank_is_that_of_scipy(seeds, scores, higher) -> None:
    names = ["x", "y", "z", "w"]
    given = seeds("higher" if higher else "lower", **dict(zip(names, zip(*scores, strict=True), strict=True)))
    ranks = rank("cost", "a/x", [f"a/{name}" for name in names]).samples(given)
    assert ranks.dims == ("seed",)
    assert list(ranks.values.values()) == [rankdata([-s if higher else s for s in row])[0] for row in scores]


def test_a_rank_between_two_has_no_dimension_of_models(seeds) -> None:
    assert rank("cost", "a/x", ["a/x", "a/y"]).samples(seeds(x=[1, 3], y=[2, 2])).values == {(0,): 1, (1,): 2}


def test_every_setting_of_the_others_takes_a_place(cell, evidence) -> None:
    others = [cell(1.0, "a/y", tie="low"), cell(2.0, "a/y", tie="random"), cell(9.0, "a/z")]
    ranks = rank("cost", "a/x", ["a/y", "a/z"]).samples(evidence(cell(5.0), *others))
    assert ranks.values == {(0,): 3}


def test_a_rank_among_none_is_refused() -> None:
    with pytest.raises(ValueError, match="a/x is ranked among no others"):
        rank("cost", "a/x", ["a/x"])


def test_a_rank_says_what_it_is() -> None:
    assert str(rank("cost", "a/x", ["a/x", "a/y", "a/z"])) == "rank of a/x by cost among 3"


def test_evidence_without_a_cell_has_none_to_read() -> None:
    with pytest.raises(CheckError):
        measured("cost").gaps(Evidence([]))
