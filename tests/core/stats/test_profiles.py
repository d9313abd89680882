"""Performance profiles, from their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.profiles import performance_profile

costs = st.integers(4, 40).map(lambda number: number / 4) | st.just(math.inf)


@settings(deadline=None)
@given(st.lists(costs, min_size=1, max_size=12), st.floats(1, 12))
def test_the_share_is_that_of_tasks_within_tau_of_the_best(ratios: list[float], tau: float) -> None:
    taus, shares = performance_profile({"model": ratios})["model"]
    step = np.searchsorted(taus, tau, side="right") - 1
    assert shares[step] == sum(ratio <= tau for ratio in ratios) / len(ratios)
    assert taus[0] == 1
    assert (np.diff(taus) > 0).all()
    assert (np.diff(shares) > 0).all()
    assert shares[-1] == sum(map(math.isfinite, ratios)) / len(ratios)


def test_who_always_fails_is_never_within_any_tau() -> None:
    taus, shares = performance_profile({"a": [math.inf, math.inf], "b": [1, 1]})["a"]
    assert (taus.tolist(), shares.tolist()) == ([1], [0])


@pytest.mark.parametrize(
    ("ratios", "message"),
    [
        ({"a": []}, "at least one"),
        ({"a": [1, 2], "b": [1]}, "one for each task"),
        ({"a": [0.5]}, "ratios of a: .* at least 1"),
        ({"a": [math.nan]}, "ratios of a"),
        ({"a": [[1.0]]}, "ratios of a"),
    ],
)
def test_mistakes_are_named(ratios, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        performance_profile(ratios)


def test_nobody_has_no_profile() -> None:
    assert performance_profile({}) == {}
