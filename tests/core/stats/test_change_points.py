"""Change points, against the definition and planted ones."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.change_points import change_points, strongest_split
from harness.stats.intervals import proportion_interval

SEED = 2026
numbers = st.integers(-1000, 1000).map(lambda number: number / 16)
series = st.lists(numbers, min_size=4, max_size=25)
seeds = st.integers(0, 10**6)


def divergence(before: list[float], after: list[float]) -> float:
    """Matteson and James (2014), equations 4 to 6, with the exponent 1."""
    a, b = len(before), len(after)
    between = 2 / (a * b) * sum(abs(one - other) for one, other in product(before, after))
    within = [
        sum(abs(one - other) for one, other in combinations(part, 2)) / (len(part) * (len(part) - 1) / 2)
        for part in (before, after)
    ]
    return a * b / (a + b) * (between - sum(within))


def by_definition(values: list[float], least: int) -> dict[int, float]:
    """The greatest divergence for each split, over all ends of what follows: equation 7."""
    count = len(values)
    return {
        split: max(divergence(values[:split], values[split:end]) for end in range(split + least, count + 1))
        for split in range(least, count - least + 1)
    }


def noisy(levels: dict[int, float], count: int, noise: float, seed: int) -> np.ndarray:
    """A series whose level is multiplied at each place by what is given."""
    logs = np.random.default_rng(seed).normal(0, noise, count)
    for place, ratio in levels.items():
        logs[place:] += np.log(ratio)
    return 0.003 * np.exp(logs)


@settings(deadline=None)
@given(st.lists(series, min_size=1, max_size=3), st.integers(2, 4))
def test_the_statistic_is_that_of_the_definition(drawn: list[list[float]], least: int) -> None:
    count = max(2 * least, min(map(len, drawn)))
    rows = [(values * count)[:count] for values in drawn]
    for values, greatest, split in zip(rows, *strongest_split(np.array(rows), least), strict=True):
        expected = by_definition(values, least)
        assert greatest == pytest.approx(max(expected.values()), abs=1e-9)
        assert expected[split] == pytest.approx(greatest, abs=1e-9)


@settings(deadline=None)
@given(series, st.floats(-100, 100), st.floats(0.01, 100))
def test_the_statistic_knows_no_direction_no_origin_and_no_unit(values: list[float], shift: float, unit: float) -> None:
    row = np.array([values])
    (greatest,), _ = strongest_split(row, 2)
    (moved,), _ = strongest_split(shift - unit * row, 2)
    assert moved == pytest.approx(unit * greatest, rel=1e-6, abs=1e-6)


def test_a_step_without_noise_is_the_same_backwards() -> None:
    row = np.array([[1.0] * 7 + [2.0] * 12])
    (forwards,), (split,) = strongest_split(row, 2)
    (backwards,), (mirrored,) = strongest_split(row[:, ::-1], 2)
    assert (split, mirrored) == (7, 12)
    assert backwards == pytest.approx(forwards)


@settings(deadline=None, max_examples=30)
@given(seeds, st.integers(10, 30), st.integers(10, 30), st.floats(1.1, 3), st.booleans())
def test_a_clear_step_is_found_where_it_is(seed: int, before: int, after: int, ratio: float, faster: bool) -> None:
    factor = 1 / ratio if faster else ratio
    (found,) = change_points(noisy({before: factor}, before + after, 0.005, seed))
    assert found.index == before
    assert found.ratio == pytest.approx(factor, rel=0.02)
    assert found.p_value <= 0.01


def test_several_steps_are_found_in_order_with_the_ratios_of_neighbouring_levels() -> None:
    found = change_points(noisy({20: 1.3, 45: 0.8, 70: 1.1, 75: 1.5}, 90, 0.01, SEED))
    assert [one.index for one in found] == [20, 45, 70, 75]
    assert [one.ratio for one in found] == pytest.approx([1.3, 0.8, 1.1, 1.5], rel=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_a_change_that_is_taken_back_is_two(seed: int) -> None:
    up, down = change_points(noisy({10: 1.15, 20: 1 / 1.15}, 30, 0.02, seed))
    assert (up.index, down.index) == (10, 20)
    assert up.ratio > 1 > down.ratio


def test_an_outlier_is_no_change_of_level() -> None:
    values = noisy({}, 60, 0.01, SEED)
    values[[17, 40, 58, 59]] *= 1.5
    assert change_points(values) == []


def test_small_changes_are_joined_before_the_others_are_measured() -> None:
    values = noisy({20: 1.04, 40: 1.03}, 60, 0.002, SEED)
    assert [one.index for one in change_points(values, min_ratio=1)] == [20, 40]
    (joined,) = change_points(values, min_ratio=1.038)
    assert (joined.index, joined.ratio) == (20, pytest.approx(np.sqrt(1.03) * 1.04, rel=0.01))
    # neither counts by itself; with the smaller one gone, the larger one stands for both
    (together,) = change_points(values, min_ratio=1.05)
    assert together.index == 20
    assert change_points(values, min_ratio=1.08) == []


@pytest.mark.parametrize("count", [1, 2, 5])
def test_too_short_a_series_has_no_change(count: int) -> None:
    assert change_points([1.0] * (count - 1) + [1000.0]) == []
    assert change_points([1.0] * 5 + [9.0] * 4) == []


@settings(deadline=None)
@given(st.floats(1e-300, 1e300), st.integers(1, 40))
def test_a_constant_series_has_no_change(value: float, count: int) -> None:
    assert change_points([value] * count) == []


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=30), st.floats(1, 3), st.integers(2, 5))
def test_whatever_is_found_is_what_was_asked_for(values: list[float], least: float, segment: int) -> None:
    found = change_points(values, min_ratio=least, min_segment=segment, alpha=0.01, permutations=99)
    ends = [0, *(one.index for one in found), len(values)]
    assert all(np.diff(ends) >= segment) or not found
    for (start, split, stop), one in zip(zip(ends, ends[1:], ends[2:], strict=False), found, strict=True):
        logs = np.log(values)
        assert np.log(one.ratio) == pytest.approx(np.median(logs[split:stop]) - np.median(logs[start:split]), abs=1e-9)
        assert max(one.ratio, 1 / one.ratio) >= least * (1 - 1e-12)
        assert one.p_value == 0.01


@settings(deadline=None, max_examples=20)
@given(seeds, st.floats(1e-6, 1e6))
def test_the_unit_does_not_matter_and_the_seed_makes_it_repeatable(seed: int, unit: float) -> None:
    values = noisy({30: 1.15}, 60, 0.05, seed)
    found = change_points(values)
    assert change_points(values) == found
    scaled = change_points(unit * values)
    assert [(one.index, one.p_value) for one in scaled] == [(one.index, one.p_value) for one in found]
    assert [one.ratio for one in scaled] == pytest.approx([one.ratio for one in found])


@pytest.mark.parametrize("draw", ["normal", "standard_cauchy", "exponential"])
def test_series_without_a_change_are_left_alone(draw: str) -> None:
    rng, count = np.random.default_rng(SEED), 300
    drawn = getattr(rng, draw)(size=(count, 30)).clip(-100, 100)
    alarms = sum(bool(change_points(np.exp(row / 10), alpha=0.05, min_ratio=1, permutations=99)) for row in drawn)
    assert proportion_interval(alarms, count).low <= 0.05


def test_a_thousand_values_can_be_searched() -> None:
    (found,) = change_points(noisy({600: 1.2}, 1000, 0.01, SEED), alpha=0.05, permutations=19)
    assert found.index == 600


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, "at least one number"),
        ([1.0, 0.0], {}, "positive numbers"),
        ([1.0, float("nan")], {}, "not finite"),
        ([1.0], {"alpha": 0}, "alpha"),
        ([1.0], {"min_segment": 1}, "min_segment"),
        ([1.0], {"min_ratio": 0.9}, "min_ratio"),
        ([1.0], {"permutations": 198}, "permutations"),
    ],
)
def test_what_makes_no_sense_is_refused(values, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        change_points(values, **options)
