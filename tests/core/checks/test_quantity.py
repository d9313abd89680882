"""Quantities put together, and what they compare."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from harness.checks.measured import difference, measured, rank, ratio
from harness.checks.quantity import Each
from harness.checks.samples import CheckError
from harness.checks.verdict import Verdict

X, Y = measured("cost", "a/x"), measured("cost", "a/y")
NUMBERS = st.floats(0.125, 8)


def test_a_dimension_of_one_side_is_kept_and_met_by_all_of_the_other(cell, evidence) -> None:
    own = [cell(seed + 1.0, "a/x", seed) for seed in (0, 1)]
    others = [cell(10.0 * m, "a/y", seed, m=m) for m in (1, 2) for seed in (0, 1)]
    found = (X / Y).samples(evidence(*own, *others))
    assert (found.dims, len(found.values)) == (("seed", "m"), 4)
    assert found.values[1, 2] == 2 / 20


def test_only_seeds_of_both_sides_are_compared(seeds) -> None:
    assert (X - Y).samples(seeds(x=[5, 6, 7], y=[1, 1])).values == {(0,): 4, (1,): 5}


def test_a_divisor_of_zero_cannot_be_checked(seeds) -> None:
    with pytest.raises(CheckError, match="cost of a/x / cost of a/y: a divisor is 0"):
        (X / Y).samples(seeds(x=[1, 1], y=[1, 0]))
    judged = (X / Y).each().at_most(1).attempt(seeds(x=[1, 1], y=[1, 0]))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "a divisor is 0" in judged.reason


def test_one_side_alone_does_not_put_seeds_together(seeds) -> None:
    with pytest.raises(CheckError, match="only one side puts seeds together"):
        (X - Y.mean(over="seed")).samples(seeds(x=[1, 2], y=[3, 4]))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5))
def test_arithmetic_is_that_of_each_seed(seeds, pairs) -> None:
    x, y = zip(*pairs, strict=True)
    given = seeds(x=x, y=y)

    def values(quantity) -> list[float]:
        return list(quantity.samples(given).values.values())

    assert values(X + 3 * Y) == [one + 3 * other for one, other in pairs]
    assert values(X - Y) == [one - other for one, other in pairs]
    assert values((X - Y).abs()) == [abs(one - other) for one, other in pairs]
    assert values(X / Y) == [one / other for one, other in pairs]


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        (X.largest(over="m"), 8),
        (X.smallest(over="m"), 2),
        (X.mean(over="m"), 14 / 3),
        ((X / Y).mean(over="m"), 64 ** (1 / 3)),
        (X.spread(over="m"), 6),
        (X.slope(over="m"), 1),
        (X.rank_correlation(over="m"), 1),
        (X.per("m").largest(over="m"), 2),
        (X.growth(over="m").smallest(over="m"), 2),
        (X.step(over="m").largest(over="m"), 4),
        ((3 * (X / Y)).mean(over="m"), 3 * 64 ** (1 / 3)),
    ],
    ids=str,
)
def test_reductions_take_their_dimension_away(quantity, value, cell, evidence) -> None:
    cells = [cell(2.0 * m, "a/x", m=m) for m in (1, 2, 4)] + [cell(1.0, "a/y", m=m) for m in (1, 2, 4)]
    found = quantity.samples(evidence(*cells))
    assert found.dims == ("seed",)
    assert found.values[0,] == pytest.approx(value)


@pytest.mark.parametrize(
    ("values", "rises", "falls"),
    [
        ([1, 2, 2], True, False),
        ([-1, -2, -3], False, True),
        ([-2, 0, 1], True, False),
        ([0, 0, 0], True, True),
        ([1, 3, 2], False, False),
    ],
)
def test_rising_and_falling_are_of_every_step_whatever_the_sign(values, rises, falls, cell, evidence) -> None:
    given = evidence(*[cell(float(value), m=m) for m, value in enumerate(values)])
    assert X.rises("m").judge(given).verdict is (Verdict.HELD if rises else Verdict.FAILED)
    assert X.falls("m").judge(given).verdict is (Verdict.HELD if falls else Verdict.FAILED)


ABOVE_AND_BELOW = ((("a/x",), ("a/y",)),)


@pytest.mark.parametrize(
    ("check", "contrasts"),
    [
        (ratio("cost", "a/x", "a/y").at_most(0.5), ABOVE_AND_BELOW),
        (ratio("cost", "a/x", "a/y").at_least(1.4), ABOVE_AND_BELOW),
        (ratio("cost", "a/x", "a/y").less_than(1), ABOVE_AND_BELOW),
        (ratio("cost", "a/x", "a/y").at_most(1), ()),
        (ratio("cost", "a/x", "a/y").at_most(1.03), ()),
        (ratio("cost", "a/x", "a/y").within(0.9, 1.1), ()),
        (ratio("cost", "a/x", "a/y").each().at_most(0.5), ABOVE_AND_BELOW),
        (ratio("cost", "a/x", "a/y").share(0.5).at_most(0.5), ABOVE_AND_BELOW),
        ((2 * ratio("cost", "a/x", "a/y")).at_most(1.5), ABOVE_AND_BELOW),
        ((2 * ratio("cost", "a/x", "a/y")).at_most(2), ()),
        (ratio("cost", "a/x", "a/y").mean(over="m").at_most(0.5), ABOVE_AND_BELOW),
        (ratio("cost", "a/x", "a/y").growth(over="m").each().at_least(2), ABOVE_AND_BELOW),
        (ratio("cost", "a/x", "a/y").slope(over="m").at_most(-0.5), ABOVE_AND_BELOW),
        (ratio("cost", "a/x", "a/y").slope(over="m").at_most(0.5), ()),
        (ratio("cost", "a/x", "a/y").per("m").at_most(0.5), ()),
        ((X.slope(over="m") - Y.slope(over="m")).at_most(-0.5), ABOVE_AND_BELOW),
        (difference("cost", "a/x", "a/y").more_than(0), ABOVE_AND_BELOW),
        (difference("cost", "a/x", "a/y").at_least(0), ()),
        (difference("cost", "a/x", "a/y").abs().at_least(0.1), ABOVE_AND_BELOW),
        ((X + Y).at_most(0.1), ()),
        ((X / X).at_most(0.5), ()),
        ((X / measured("cost")).at_most(0.5), ()),
        (X.at_most(0.5), ()),
        (rank("cost", "a/x", ["a/x", "a/y"]).at_most(1), ABOVE_AND_BELOW),
        (rank("cost", "a/x", ["a/x", "a/y"]).at_most(1.5), ()),
        ((X / measured("cost", ["a/y", "a/z"]).smallest(over="model")).at_most(0.5), ((("a/x",), ("a/y", "a/z")),)),
    ],
)
def test_a_comparison_counts_if_equals_would_not_pass(check, contrasts) -> None:
    assert tuple(check.contrasts()) == contrasts


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        (X / (X - Y), "cost of a/x / (cost of a/x - cost of a/y)"),
        ((X + 3 * Y).abs(), "absolute value of (cost of a/x + 3 * cost of a/y)"),
        (X.largest(over="s").slope(over="m"), "slope over m of largest over s of cost of a/x"),
        (X.per("round"), "per round, the cost of a/x"),
    ],
)
def test_a_quantity_says_what_it_is(quantity, said) -> None:
    assert str(quantity) == said


@pytest.mark.parametrize("share", [0, -0.5, 1.5, 90])
def test_a_share_is_one(share) -> None:
    with pytest.raises(ValueError, match="is no share"):
        Each(X, share)


@pytest.mark.parametrize(
    "bound", [lambda: X.within(2, 1), lambda: X.each().equals(1, -1), lambda: X.at_most(float("inf"))]
)
def test_a_bound_that_cannot_be_met_or_missed_is_refused(bound) -> None:
    with pytest.raises(ValueError, match="lie"):
        bound()
