"""Rankings over blocks, against SciPy, scikit-posthocs and brute force."""

from __future__ import annotations

import math
from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from harness.stats.multiple import adjust
from harness.stats.ranks import _cliques, critical_difference, friedman

tables = st.tuples(st.integers(2, 8), st.integers(3, 6)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(0, 9).map(float))
)


@settings(deadline=None)
@given(tables.filter(lambda table: (table.std(axis=1) > 0).any()))
def test_friedman_is_scipys(table: np.ndarray) -> None:
    result, expected = friedman(table), stats.friedmanchisquare(*table.T)
    assert result.statistic == pytest.approx(expected.statistic, rel=1e-10)
    assert result.p_value == pytest.approx(expected.pvalue, abs=1e-10)
    assert result.mean_ranks == pytest.approx(stats.rankdata(table, axis=1).mean(axis=0).tolist())


@settings(deadline=None)
@given(tables)
def test_iman_and_davenports_f_is_the_analysis_of_variance_of_ranks(table: np.ndarray) -> None:
    result, (blocks, models) = friedman(table), table.shape
    ranks = stats.rankdata(table, axis=1)
    between = blocks * ((ranks.mean(axis=0) - ranks.mean()) ** 2).sum()
    within = ((ranks - ranks.mean(axis=0)) ** 2).sum()
    freedom = (models - 1) * (blocks - 1)
    if between > 1e-9 and within > 1e-9:
        expected = between / (models - 1) / (within / freedom)
        assert result.iman_davenport == pytest.approx(expected, rel=1e-9)
        assert result.iman_davenport_p_value == pytest.approx(stats.f.sf(expected, models - 1, freedom), abs=1e-10)
    else:
        assert result.iman_davenport == (0 if between < 1e-9 else math.inf)


def test_blocks_that_agree_leave_no_doubt_and_ties_leave_all() -> None:
    agreed = friedman([[1, 2, 3]] * 7)
    assert (agreed.iman_davenport, agreed.iman_davenport_p_value) == (math.inf, 0)
    tied = friedman([[5, 5, 5]] * 7)
    assert (tied.statistic, tied.p_value, tied.iman_davenport_p_value, tied.mean_ranks) == (0, 1, 1, (2, 2, 2))


@settings(deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_ranks_know_neither_units_nor_order(table: np.ndarray, order) -> None:
    blocks = order.sample(range(len(table)), len(table))
    changed = np.exp(table)[blocks] * np.arange(1, len(table) + 1)[:, None]
    assert friedman(changed).statistic == pytest.approx(friedman(table).statistic, abs=1e-9)


def test_a_failed_model_comes_last() -> None:
    assert friedman([[1, math.inf, 2], [3, math.inf, math.inf]]).mean_ranks == (1, 2.75, 2.25)


def test_nemenyi_is_that_of_scikit_posthocs() -> None:
    from scikit_posthocs import posthoc_nemenyi_friedman

    scores = np.random.default_rng(0).normal(np.arange(6) / 2, 1, (12, 6))
    result = critical_difference(scores, list("abcdef"))
    expected = posthoc_nemenyi_friedman(scores).to_numpy()
    order = ["abcdef".index(name) for name in result.names]
    assert result.p_values == pytest.approx(expected[np.ix_(order, order)], abs=1e-10)


def test_the_critical_distance_is_in_demsars_table() -> None:
    for models, quantile in {2: 1.960, 3: 2.343, 5: 2.728, 10: 3.164}.items():
        scores = np.random.default_rng(0).normal(size=(10, models))
        distance = critical_difference(scores, list(map(str, range(models)))).distance
        assert distance is not None
        assert distance == pytest.approx(quantile * math.sqrt(models * (models + 1) / 60), rel=3e-4)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_the_bars_of_nemenyi_are_the_runs_within_the_critical_distance(seed: int) -> None:
    scores = np.random.default_rng(seed).normal(np.arange(7) / 2, 1, (15, 7))
    result = critical_difference(scores, list("abcdefg"))
    assert result.distance is not None
    assert list(result.mean_ranks) == sorted(result.friedman.mean_ranks)
    ranks = dict(zip(result.names, result.mean_ranks, strict=True))
    for group in result.cliques:
        inside = [name for name in result.names if ranks[group[0]] <= ranks[name] <= ranks[group[-1]]]
        assert list(group) == inside
        assert ranks[group[-1]] - ranks[group[0]] <= result.distance
    for one, other in combinations(result.names, 2):
        together = any({one, other} <= set(group) for group in result.cliques)
        assert together == (ranks[other] - ranks[one] <= result.distance)


def test_wilcoxon_holm_compares_each_pair_by_itself() -> None:
    scores = np.random.default_rng(1).normal(np.arange(4) * 0.8, 1, (14, 4))
    result = critical_difference(scores, list("abcd"), method="wilcoxon-holm")
    table = scores[:, ["abcd".index(name) for name in result.names]]
    raw = [stats.wilcoxon(table[:, one], table[:, other]).pvalue for one, other in combinations(range(4), 2)]
    assert result.p_values[np.triu_indices(4, 1)] == pytest.approx(adjust(raw, "holm"), abs=1e-10)
    assert (result.p_values == result.p_values.T).all()
    assert (np.diag(result.p_values) == 1).all()
    assert result.distance is None


@settings(deadline=None)
@given(st.integers(1, 7).flatmap(lambda size: arrays(bool, (size, size))))
def test_cliques_are_those_of_brute_force(drawn: np.ndarray) -> None:
    alike = drawn | drawn.T
    size = len(alike)
    groups = chain.from_iterable(combinations(range(size), length) for length in range(2, size + 1))
    whole = [set(group) for group in groups if all(alike[pair] for pair in combinations(group, 2))]
    maximal = {tuple(sorted(group)) for group in whole if not any(group < other for other in whole)}
    found = [tuple(sorted(group)) for group in _cliques(alike)]
    assert sorted(found) == sorted(maximal)


@pytest.mark.parametrize("scores", [[[1, 2, 3]], [[1], [2]], [1, 2, 3]])
def test_too_small_a_table_is_refused(scores) -> None:
    with pytest.raises(ValueError, match="at least two blocks of two models"):
        friedman(scores)


def test_other_mistakes_are_named() -> None:
    table = [[1.0, 2.0], [2.0, 1.0]]
    with pytest.raises(ValueError, match="1 are not a number"):
        friedman([[1, math.nan], [1, 2]])
    with pytest.raises(ValueError, match="2 different ones are needed"):
        critical_difference(table, ["a", "a"])
    with pytest.raises(ValueError, match="alpha: 5 is not between"):
        critical_difference(table, ["a", "b"], alpha=5)
    with pytest.raises(ValueError, match="'tukey' is neither"):
        critical_difference(table, ["a", "b"], method="tukey")
    with pytest.raises(ValueError, match="use the method 'nemenyi'"):
        critical_difference([[1, math.inf], [1, 2]], ["a", "b"], method="wilcoxon-holm")
