"""Ranges, and what an interval says of them."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given

from harness.checks.bounds import Bounds
from harness.checks.verdict import Verdict

NUMBERS = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("low", "high"), [(2, 1), (-math.inf, math.inf), (math.nan, 1), (1, math.nan), (math.inf, math.inf)]
)
def test_a_range_that_says_nothing_is_refused(low, high) -> None:
    with pytest.raises(ValueError, match="lie"):
        Bounds(low, high)


@given(NUMBERS, NUMBERS, NUMBERS, st.booleans())
def test_a_value_is_inside_if_its_margin_is_positive(one, other, value, strict) -> None:
    bounds = Bounds(min(one, other), max(one, other), strict)
    margin = bounds.margin(value)
    assert bounds.allow(value) == (margin > 0 if strict else margin >= 0)


@given(st.lists(NUMBERS, min_size=2, max_size=2), st.lists(NUMBERS, min_size=4, max_size=4), st.booleans())
def test_no_interval_both_holds_and_fails(ends, interval, strict) -> None:
    outer_low, low, high, outer_high = sorted(interval)
    bounds = Bounds(*sorted(ends), strict)
    inside, outside = bounds.verdict(low, high, outer_low, outer_high), bounds.verdict(low, high, low, high)
    if inside is Verdict.HELD:
        assert all(map(bounds.allow, (low, high)))
    if inside is Verdict.FAILED:
        assert not any(map(bounds.allow, (low, high, outer_low, outer_high)))
        assert outside is Verdict.FAILED, "a wider interval fails less often"


@pytest.mark.parametrize(
    ("bounds", "interval", "verdict"),
    [
        (Bounds(-math.inf, 1), (-math.inf, math.inf), Verdict.INCONCLUSIVE),
        (Bounds(-math.inf, 1), (0, 1), Verdict.HELD),
        (Bounds(-math.inf, 1, strict=True), (0, 1), Verdict.INCONCLUSIVE),
        (Bounds(-math.inf, 1, strict=True), (1, 1), Verdict.FAILED),
        (Bounds(-math.inf, 1), (1, 1), Verdict.HELD),
        (Bounds(0, 1), (-0.1, 0.5), Verdict.INCONCLUSIVE),
        (Bounds(0, 1), (-0.2, -0.1), Verdict.FAILED),
        (Bounds(1, math.inf), (0, 0.9), Verdict.FAILED),
    ],
)
def test_an_interval_holds_inside_and_fails_outside(bounds, interval, verdict) -> None:
    assert bounds.verdict(*interval, *interval) is verdict


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (Bounds(1, 1), "= 1"),
        (Bounds(-math.inf, 0.5), "<= 0.5"),
        (Bounds(0.5, math.inf), ">= 0.5"),
        (Bounds(0.5, math.inf, strict=True), "> 0.5"),
        (Bounds(-math.inf, 0.5, strict=True), "< 0.5"),
        (Bounds(0.4, 0.65), "in [0.4, 0.65]"),
    ],
)
def test_bounds_are_said_as_one_writes_them(bounds, said) -> None:
    assert str(bounds) == said
