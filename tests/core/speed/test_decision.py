"""The gate's rule keeps its promises."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.speed.decision import Rule, State, estimate
from harness.stats.intervals import proportion_interval
from harness.stats.multiple import adjust

SEED = 2026
RULE = Rule()
LAST = RULE.looks[-1]
log_ratios = st.lists(st.integers(-64, 64).map(lambda number: number / 256), max_size=60)


def around(ratio: float, count: int = LAST, noise: float = 0.01, seed: int = SEED) -> list[float]:
    return (math.log(ratio) + np.random.default_rng(seed).normal(0, noise, count)).tolist()


@pytest.mark.parametrize(
    ("ratio", "state"),
    [(0.5, State.FINE), (1, State.FINE), (1.01, State.FINE), (1.08, State.SUSPECT), (3, State.SUSPECT)],
)
def test_what_is_clear_is_seen_at_the_first_look(ratio: float, state: State) -> None:
    pairs = around(ratio)
    assert {RULE.screen(pairs[:count]) for count in range(8)} == {State.UNDECIDED}
    assert {RULE.screen(pairs[:count]) for count in range(8, LAST + 5)} == {state}


def test_what_lies_between_the_limits_and_is_noisy_is_inconclusive() -> None:
    pairs = around(1.03, noise=0.1)
    assert {RULE.screen(pairs[:count]) for count in range(LAST)} == {State.UNDECIDED}
    assert RULE.screen(pairs) is State.INCONCLUSIVE
    assert RULE.retest(pairs, 1) is State.SUSPECT
    assert RULE.confirmed([RULE.p_slower(pairs)], 1) == [False]


def test_times_that_a_coarse_clock_makes_equal_are_fine() -> None:
    assert RULE.screen([0.0] * 8) is State.FINE
    assert RULE.screen([math.log(1.1)] * 8) is State.SUSPECT


@settings(deadline=None)
@given(log_ratios, st.integers(1, 200))
def test_more_pairs_change_no_decision(pairs: list[float], family: int) -> None:
    for judge in (RULE.screen, lambda some: RULE.retest(some, family)):
        states = [judge(pairs[:count]) for count in range(len(pairs) + 1)]
        decided = [state for state in states if state is not State.UNDECIDED]
        assert decided == states[len(states) - len(decided) :]
        assert len(set(decided)) <= 1
        assert len(states) - len(decided) in {*RULE.looks, len(states)}


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(0, 60), st.integers(1, 100))
def test_many_histories_are_judged_as_each_by_itself(seed: int, count: int, family: int) -> None:
    rows = np.random.default_rng(seed).normal(0.03, 0.05, (7, count))
    for many, one in (
        (RULE.screened(rows), RULE.screen),
        (RULE.retested(rows, family), lambda row: RULE.retest(row, family)),
    ):
        for row, decision in zip(rows.tolist(), many, strict=True):
            assert one(row) is decision.state
            assert one(row[: decision.pairs]) is decision.state
            assert decision.state is State.UNDECIDED or one(row[: decision.pairs - 1]) is State.UNDECIDED


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 60))
def test_p_values_are_the_least_of_the_looks_times_their_number(seed: int, count: int) -> None:
    pairs = np.random.default_rng(seed).normal(0.03, 0.03, count)
    slower, excluded = [1.0], [1.0]
    for look in (look for look in RULE.looks if look <= count):
        for found, limit, side in ((slower, 0.015, "greater"), (excluded, 0.05, "less")):
            tested = stats.wilcoxon(pairs[:look] - math.log1p(limit), alternative=side, method="exact")
            found.append(len(RULE.looks) * tested.pvalue)
    assert RULE.p_slower(pairs.tolist()) == pytest.approx(min(slower), rel=1e-9)
    assert RULE.p_excluded(pairs.tolist()) == pytest.approx(min(excluded), rel=1e-9)


def test_the_test_at_one_look_is_exact() -> None:
    rule = Rule(looks=(8,), tolerance=0)
    sizes = np.array([0.01, 0.02, 0.03, 0.05, 0.08, 0.13, 0.21, 5])
    p_values = np.array([rule.p_slower((signs * sizes).tolist()) for signs in product((-1, 1), repeat=8)])
    for p_value in np.unique(p_values):
        assert np.mean(p_values <= p_value) == pytest.approx(p_value)


@pytest.mark.parametrize("noise", ["standard_normal", "standard_cauchy"])
@pytest.mark.parametrize("limit", ["tolerance", "threshold"])
def test_errors_at_the_limits_are_as_rare_as_promised(noise: str, limit: str) -> None:
    """The noise of a pair is that of two exchangeable processes; that of Cauchy is mostly outliers."""
    rng, count = np.random.default_rng(SEED), 4000
    first, second = getattr(rng, noise)((2, count, LAST)) / 50
    rows = math.log1p(getattr(RULE, limit)) + first - second
    wrong = State.SUSPECT if limit == "tolerance" else State.FINE
    errors = sum(decision.state is wrong for decision in RULE.screened(rows))
    assert proportion_interval(errors, count).low <= RULE.alpha
    assert errors  # it is used, too


def test_a_retest_ends_as_soon_as_the_others_cannot_matter() -> None:
    pairs = around(1.08)
    alone, among_many = (RULE.retested(np.array([pairs]), family)[0] for family in (1, 10_000))
    assert (alone.state, alone.pairs) == (State.SUSPECT, 16)  # eight pairs cannot reach q
    assert (among_many.state, among_many.pairs) == (State.SUSPECT, 32)
    assert RULE.confirmed([RULE.p_slower(pairs[:32]), 1, 0.5], 10_000) == [True, False, False]
    assert RULE.retest(around(1), 10_000) is State.FINE


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.02), min_size=1, max_size=8), st.integers(0, 30))
def test_suspects_are_confirmed_beside_all_operations(p_values: list[float], others: int) -> None:
    family = len(p_values) + others
    everything = [*p_values, *([1.0] * others)]
    expected = (adjust(everything, "fdr_bh") <= RULE.q)[: len(p_values)].tolist()
    assert RULE.confirmed(p_values, family) == expected
    assert RULE.confirmed([*p_values, RULE.q / (family + 1)], family + 1)[-1]


def test_regressions_are_hardly_ever_false() -> None:
    """Operations whose slow-down is just the tolerance, beside real regressions: the share of false ones."""
    rng, wrong, right = np.random.default_rng(SEED), [], []
    for _ in range(300):
        truth = np.log1p([RULE.tolerance] * 15 + [0.1] * 5)
        first, second = truth[:, None] + rng.normal(0, 0.03, (2, 20, LAST))
        suspects = [place for place, one in enumerate(RULE.screened(first)) if one.state is State.SUSPECT]
        again = RULE.retested(second[suspects], 20)
        left = [place for place, one in zip(suspects, again, strict=True) if one.state is State.SUSPECT]
        verdicts = RULE.confirmed([RULE.p_slower(second[place].tolist()) for place in left], 20)
        reported = [place for place, verdict in zip(left, verdicts, strict=True) if verdict]
        wrong.append(sum(place < 15 for place in reported))
        right.append(sum(place >= 15 for place in reported))
    assert sum(wrong) / (sum(wrong) + sum(right)) <= RULE.q
    assert sum(right) / (300 * 5) > 0.95


def test_faster_is_the_mirror_image() -> None:
    assert RULE.faster(around(1 / 1.08))
    assert not RULE.faster(around(1))
    assert not RULE.faster(around(1.08))
    assert not RULE.faster(around(0.5, count=7))


def test_what_may_be_slower_is_more_urgent() -> None:
    few = 5
    assert RULE.urgency([]) == 1
    assert RULE.urgency(around(1.2, few)) > RULE.urgency(around(1.03, few, 0.02)) > RULE.urgency(around(1, few))


def test_the_estimate_is_a_ratio_with_its_interval() -> None:
    interval = estimate(around(1.08))
    assert interval.low < 1.08 < interval.high
    assert interval.high / interval.low < 1.01
    assert estimate([0.0]).low == 0
    assert estimate([0.0]).high == math.inf
    assert estimate([math.log(2)] * 8).estimate == pytest.approx(2)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"looks": ()}, "rising numbers"),
        ({"looks": (0, 8)}, "rising numbers"),
        ({"looks": (8, 8)}, "rising numbers"),
        ({"tolerance": -0.01}, "tolerance"),
        ({"tolerance": 0.05}, "tolerance"),
        ({"threshold": math.nan}, "tolerance"),
        ({"alpha": 1}, "alpha"),
        ({"q": 0}, "q"),
        ({"q": 0.03}, "untested"),
    ],
)
def test_limits_that_make_no_rule_are_refused(limits, message) -> None:
    with pytest.raises(ValueError, match=message):
        Rule(**limits)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_ratio_that_is_no_number_is_refused(value: float) -> None:
    for judge in (RULE.screen, RULE.p_slower, RULE.p_excluded, RULE.urgency, estimate):
        with pytest.raises(ValueError, match="log ratios"):
            judge([value] * 8)
