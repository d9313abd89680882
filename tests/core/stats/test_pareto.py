"""Pareto fronts, against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.stats.pareto import pareto_front

coordinates = st.sampled_from([0.0, 1.0, 2.0, 3.0, -1.0, math.nan, math.inf])
clouds = st.tuples(st.integers(0, 12), st.integers(1, 3)).flatmap(
    lambda shape: st.tuples(
        arrays(np.float64, shape, elements=coordinates),
        st.lists(st.sampled_from(["lower", "higher"]), min_size=shape[1], max_size=shape[1]),
    )
)


def beats(one: np.ndarray, other: np.ndarray, directions: list[str]) -> bool:
    signs = [1 if direction == "lower" else -1 for direction in directions]
    pairs = [(sign * a, sign * b) for sign, a, b in zip(signs, one, other, strict=True)]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


@settings(deadline=None)
@given(clouds)
def test_the_front_is_what_nothing_beats(cloud: tuple[np.ndarray, list[str]]) -> None:
    points, directions = cloud
    expected = [
        not np.isnan(point).any() and not any(beats(other, point, directions) for other in points) for point in points
    ]
    assert pareto_front(points, directions).tolist() == expected


def test_equals_are_on_the_front_together() -> None:
    front = pareto_front([[1, 9], [1, 9], [2, 8], [2, 9.5]], ["lower", "higher"])
    assert front.tolist() == [True, True, False, True]


@pytest.mark.parametrize("directions", [["lower"], ["lower", "down"]])
def test_directions_have_to_fit(directions) -> None:
    with pytest.raises(ValueError, match="one of 'lower' and 'higher' a column"):
        pareto_front([[1, 2]], directions)
