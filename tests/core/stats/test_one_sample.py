"""Tests of paired differences, against SciPy's."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.stats.one_sample import bootstrap_test, permutation_test, signed_rank_tests, t_test, wilcoxon_test

ALL = [t_test, wilcoxon_test, permutation_test, bootstrap_test]
numbers = st.integers(-1000, 1000).map(lambda number: number / 16)
spread = st.lists(numbers, min_size=2, max_size=12).filter(lambda drawn: len(set(drawn)) > 1)


@settings(deadline=None)
@given(spread)
def test_t_is_scipys(values: list[float]) -> None:
    assert t_test(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=1e-10)


@settings(deadline=None)
@given(st.lists(numbers.filter(bool), min_size=2, max_size=80, unique_by=abs), st.lists(st.just(0.0), max_size=3))
def test_wilcoxon_is_scipys(values: list[float], zeros: list[float]) -> None:
    assert wilcoxon_test(values + zeros) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue, abs=1e-10)


@settings(deadline=None)
@given(st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=9).filter(any))
def test_wilcoxon_is_exact_with_ties(values: list[float]) -> None:
    signed = np.sign(values) * stats.rankdata(np.abs(values)) - np.sign(values) * values.count(0)
    assert wilcoxon_test(values) == pytest.approx(permutation_test(signed[signed != 0]), abs=1e-10)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(0, 5))
def test_one_sided_signed_ranks_of_rows_are_scipys(seed: int, count: int, rows: int) -> None:
    table = np.random.default_rng(seed).normal(0.3, 1, (rows, count))
    expected = [stats.wilcoxon(row, alternative="greater", method="exact").pvalue for row in table]
    assert signed_rank_tests(table) == pytest.approx(expected, abs=1e-10)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-3, 3), min_size=7, max_size=7), min_size=1, max_size=4))
def test_one_sided_signed_ranks_are_exact_with_ties_and_zeros(rows: list[list[int]]) -> None:
    for row, p_value in zip(rows, signed_rank_tests(np.array(rows, dtype=float)), strict=True):
        signed = np.array([value for value in row if value])
        ranks = stats.rankdata(np.abs(signed)) if signed.size else np.empty(0)
        patterns = np.array(list(product((-1, 1), repeat=signed.size)))
        assert p_value == pytest.approx(np.mean(patterns @ ranks >= np.sign(signed) @ ranks))


def test_one_sided_signed_ranks_of_many_are_the_normal_approximation() -> None:
    row = np.random.default_rng(0).normal(0.1, 1, 240)
    expected = stats.wilcoxon(row, alternative="greater", method="approx").pvalue
    assert signed_rank_tests(row[None])[0] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("ties", [1, 4])
def test_wilcoxon_of_many_is_the_normal_approximation(ties: int) -> None:
    values = np.random.default_rng(0).normal(0.1, 1, 240).round(3).repeat(ties)
    expected = stats.wilcoxon(values, method="approx").pvalue
    assert wilcoxon_test(values) == pytest.approx(expected, abs=1e-10)
    exact = wilcoxon_test(values[:200])
    assert exact == pytest.approx(stats.wilcoxon(values[:200], method="approx").pvalue, rel=0.1)


@settings(deadline=None)
@given(st.lists(numbers, min_size=2, max_size=8).filter(any))
def test_permutations_are_counted_as_scipy_does(values: list[float]) -> None:
    expected = stats.permutation_test(
        (values,), lambda sample, axis: np.sum(sample, axis=axis), permutation_type="samples", vectorized=True
    )
    assert permutation_test(values) == pytest.approx(expected.pvalue, abs=1e-10)


def test_fourteen_differences_are_counted_out() -> None:
    values = np.random.default_rng(0).normal(0.4, 1, 14)
    sums = [abs(np.dot(signs, values)) for signs in product((-1, 1), repeat=14)]
    assert permutation_test(values) == np.mean(np.array(sums) >= abs(values.sum()) - 1e-9)


def test_random_permutations_come_near_the_exact_share_and_never_to_zero() -> None:
    values = np.random.default_rng(1).normal(0.5, 1, 15)
    signs = np.array(list(product((-1, 1), repeat=15)))
    exact = np.mean(np.abs(signs @ values) >= abs(values.sum()) - 1e-9)
    found = permutation_test(values, resamples=40_000)
    assert abs(found - exact) < 5 * math.sqrt(exact * (1 - exact) / 40_000)
    assert permutation_test([1.0] * 40, resamples=99) == 0.01


def test_the_studentised_bootstrap_is_what_it_says() -> None:
    values = np.random.default_rng(2).exponential(size=12)
    rng = np.random.default_rng(5)
    drawn = (values - values.mean())[rng.integers(12, size=(500, 12))]
    resampled = np.abs(stats.ttest_1samp(drawn, 0, axis=1).statistic)
    extreme = np.count_nonzero(resampled >= stats.ttest_1samp(values, 0).statistic)
    assert bootstrap_test(values, resamples=500, seed=5) == (1 + extreme) / 501


@pytest.mark.parametrize("test", ALL)
@settings(deadline=None)
@given(values=spread, order=st.randoms(use_true_random=False))
def test_names_order_and_unit_do_not_matter(test, values: list[float], order) -> None:
    array = np.array(values)
    assert test(-array) == pytest.approx(test(array), abs=1e-10)
    assert test(array * 2.0**-900) == pytest.approx(test(array), abs=1e-10)
    assert test(array * 2.0**900) == pytest.approx(test(array), abs=1e-10)
    if test is not bootstrap_test:  # draws by place
        shuffled = order.sample(values, len(values))
        assert test(shuffled) == pytest.approx(test(array), abs=1e-10)


@pytest.mark.parametrize("test", ALL)
@pytest.mark.parametrize("values", [[3.0], [0.0], [0.0, 0.0, 0.0], [1.0, -1.0]])
def test_nothing_is_found_where_nothing_is(test, values: list[float]) -> None:
    assert test(values) == 1


@pytest.mark.parametrize(("test", "expected"), [(t_test, 0), (bootstrap_test, 0), (permutation_test, 2**-9)])
def test_equal_differences_are_as_significant_as_can_be(test, expected: float) -> None:
    assert test([0.1] * 10) == expected


@pytest.mark.parametrize("test", [permutation_test, wilcoxon_test])
def test_five_signs_can_never_reach_the_usual_level(test) -> None:
    assert test([1.0, 2.0, 3.0, 4.0, 5.0]) == 0.0625
    assert test([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == 0.03125


@pytest.mark.parametrize("test", ALL)
@pytest.mark.parametrize("values", [[], [math.nan, 1], [[1.0]], [math.inf]])
def test_what_is_no_sample_is_refused(test, values) -> None:
    with pytest.raises(ValueError, match="differences: "):
        test(values)
