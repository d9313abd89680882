"""Comparisons of the models of a run: what they say, and what they must not say."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.compare.comparison import compare
from harness.compare.options import Options
from harness.compare.pair import Verdict
from harness.compare.pairing import MOST
from harness.errors import HarnessError

from .conftest import rows

SEEDS = 10
values = st.floats(0.1, 100.0).map(lambda value: round(value, 3))


def noisy(rng: np.random.Generator, spread: float = 0.01) -> np.ndarray:
    return np.exp(rng.normal(0, spread, SEEDS))


def planted(rng: np.random.Generator, factor: float) -> dict[str, list[float]]:
    """Instances of very different difficulty; `a/new` is better on each by about the factor."""
    hard = rng.lognormal(0, 1, SEEDS)
    return {"a/old": list(hard * noisy(rng)), "a/new": list(hard * factor * noisy(rng))}


def only_pair(table, **choices):
    (task,) = compare(table, Options(**choices)).tasks
    (pair,) = task.pairs
    return pair


@pytest.mark.parametrize(("direction", "factor"), [("lower", 0.95), ("higher", 1 / 0.95)])
def test_a_planted_improvement_is_said(table, direction, factor) -> None:
    pair = only_pair(table(planted(np.random.default_rng(0), factor), direction=direction))
    assert pair.winner == "a/new"
    assert pair.sentence.startswith("a/new beats a/old by ")
    effect = pair.beside("a/old").result.effect
    assert effect.low <= factor <= effect.high
    assert effect.high - effect.low < 0.05
    assert f"on {pair.beside('a/old').wins} of 10 instances (p " in pair.sentence


def test_intervals_cover_the_planted_effect_as_often_as_they_say(table) -> None:
    effects = [
        only_pair(table(planted(np.random.default_rng(seed), 0.95))).beside("a/old").result.effect
        for seed in range(300)
    ]
    covered = sum(effect.low <= 0.95 <= effect.high for effect in effects)
    assert stats.binomtest(covered, len(effects), 0.95).pvalue > 1e-3


@pytest.mark.parametrize("models", [2, 5, MOST + 3])
def test_of_equal_models_few_seem_to_win(table, models) -> None:
    found = [np.random.default_rng(seed).lognormal(0, 0.1, (models, SEEDS)).tolist() for seed in range(150)]
    tables = (table({f"a/{index}": line for index, line in enumerate(one)}) for one in found)
    wrong = sum(any(pair.winner for pair in compare(one).tasks[0].pairs) for one in tables)
    assert stats.binomtest(wrong, len(found), 0.05, alternative="greater").pvalue > 1e-3


def test_equal_models_are_said_not_to_differ_in_what_is_seen(table) -> None:
    rng = np.random.default_rng(3)
    pair = only_pair(table({"a/x": list(noisy(rng, 0.1)), "a/y": list(noisy(rng, 0.1))}))
    assert pair.verdict is Verdict.UNDECIDED
    assert "no difference between" in pair.sentence
    assert "that these data can show" in pair.sentence
    assert "10 instances can't see less than" in pair.sentence


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(values | st.just("failed"), values | st.just("failed")), min_size=1, max_size=6),
    st.sampled_from(["lower", "higher"]),
    st.sampled_from([1.0, -1.0]),
)
def test_swapped_arms_mirror_each_other(drawn, direction, sign) -> None:
    import pyarrow as pa

    from harness.store.rows import SCHEMA

    signed = [[value if isinstance(value, str) else sign * value for value in line] for line in drawn]
    arms = [list(column) for column in zip(*signed, strict=True)]
    if any(all(isinstance(value, str) for value in arm) for arm in arms):
        return

    def seen(first, second):
        found = rows({"a/x": first, "a/y": second}, direction=direction)
        task = compare(pa.Table.from_pylist(found, schema=SCHEMA)).tasks[0]
        return task, task.pairs[0].beside("a/y")

    (task, pair), (_, swapped) = seen(*arms), seen(*reversed(arms))
    there, back = pair.result, swapped.mirrored.result
    assert pair.verdict is swapped.mirrored.verdict
    assert pair.p_value == pytest.approx(swapped.p_value)
    assert (pair.wins, pair.ties, pair.losses) == (swapped.losses, swapped.ties, swapped.wins)
    assert there.effect.estimate == pytest.approx(back.effect.estimate)
    assert pair.mirrored.mirrored.result.effect.low == pytest.approx(there.effect.low)
    assert pair.winner == pair.mirrored.winner
    for standing in task.standings:
        best, worst = standing.place
        assert 1 <= best <= worst <= 2


def test_failed_cases_are_counted_and_lose(table) -> None:
    pair = only_pair(table({"a/x": [1.0, 1.1, 1.0, 1.2], "a/y": [1.01, 1.1, "timeout", "failed"]})).beside("a/y")
    assert (pair.wins, pair.ties, pair.losses) == (3, 1, 0)
    assert pair.result.count == 2
    assert pair.failed == (0, 2)
    assert "a/y failed on 2 of 4 instances" in pair.sentence


def test_both_failed_is_a_tie_and_skipped_is_nothing(table) -> None:
    values = {"a/x": [1.0, 2.0, "failed", 1.0], "a/y": [1.5, 2.5, "crashed", "skipped"]}
    pair = only_pair(table(values)).beside("a/y")
    assert (pair.wins, pair.ties, pair.losses) == (2, 1, 0)


def test_an_arm_that_always_fails_is_told_and_not_ranked(table) -> None:
    (task,) = compare(table({"a/x": [1.0, 2.0], "a/y": ["timeout", "failed"]})).tasks
    assert task.pairs == ()
    assert [standing.place for standing in task.standings] == [(1, 1), None]
    assert task.notes == ("a/y has no value: 1 timeout, 1 failed",)


def test_identical_arms_are_said_to_be(table) -> None:
    pair = only_pair(table({"a/x": [1.0, 2.0], "a/y": [1.0, 2.0]}))
    assert pair.verdict is Verdict.IDENTICAL
    assert pair.sentence == "a/x and a/y have the same value on 2 instances"


def test_one_instance_says_nothing_of_the_spread(table) -> None:
    (task,) = compare(table({"a/x": [1.0], "a/y": [2.0]})).tasks
    assert task.pairs[0].verdict is Verdict.UNDECIDED
    assert "nothing can be said of the spread" in task.pairs[0].sentence
    assert [standing.place for standing in task.standings] == [(1, 2), (1, 2)]


def test_references_are_shown_last_and_not_tested(table) -> None:
    exact = rows({"a/exact": [0.0, 0.0, 0.0]}, role="reference")
    (task,) = compare(table(rows({"a/x": [1.0, 2.0, 3.0], "a/y": [2.0, 3.0, 5.0]}), exact)).tasks
    assert [standing.arm.name for standing in task.standings] == ["a/x", "a/y", "a/exact"]
    assert task.standings[-1].place is None
    assert task.standings[-1].estimate.estimate == 0
    assert len(task.pairs) == 1


def test_places_are_the_ranges_that_tests_leave(table) -> None:
    rng = np.random.default_rng(5)
    arms = {"a/best": 1.0, "a/mid": 2.0, "a/mid2": 2.0, "a/worst": 4.0}
    (task,) = compare(table({name: list(level * noisy(rng)) for name, level in arms.items()})).tasks
    places = {standing.arm.name: standing.place for standing in task.standings}
    assert places == {"a/best": (1, 1), "a/mid": (2, 3), "a/mid2": (2, 3), "a/worst": (4, 4)}
    assert [standing.places for standing in task.standings] == ["1", "2-3", "2-3", "4"]


def test_small_differences_are_equivalent_within_the_region(table) -> None:
    rng = np.random.default_rng(1)
    found = table({"a/x": list(noisy(rng, 0.001)), "a/y": list(1.005 * noisy(rng, 0.001))})
    assert only_pair(found).verdict is not Verdict.EQUIVALENT
    pair = only_pair(found, rope=0.02)
    assert pair.verdict is Verdict.EQUIVALENT
    assert "are equivalent" in pair.sentence
    assert "lies within 2 %" in pair.sentence
    assert only_pair(found, rope=0.0001).winner == "a/x"


def test_values_that_are_not_positive_are_compared_by_difference(table) -> None:
    rng = np.random.default_rng(2)
    arms = {"a/x": list(rng.normal(0, 0.1, SEEDS)), "a/y": list(rng.normal(5, 0.1, SEEDS))}
    sentence = only_pair(table(arms, unit="s")).sentence
    assert sentence.startswith("a/x beats a/y by ")
    assert " s [" in sentence
    assert "%" not in sentence


def test_arms_without_common_instances_are_not_paired(table) -> None:
    pair = only_pair(table({"a/x": [1.0, 1.1, 1.2, None, None, None], "a/y": [None, None, None, 9.0, 9.1, 9.2]}))
    assert not pair.paired
    assert pair.winner == "a/x"
    assert "only 0 of 6 instances in common" in pair.sentence
    assert "cannot be paired" in pair.sentence


def test_a_baseline_is_compared_with_all(table) -> None:
    (task,) = compare(table({f"a/{name}": [1.0, 2.0, 3.1] for name in "xyz"}), Options(baseline="a/y")).tasks
    assert {(pair.a, pair.b) for pair in task.pairs} == {("a/x", "a/y"), ("a/z", "a/y")}
    assert task.anchor == "a/y"


def test_a_baseline_may_be_named_without_its_parameters(table) -> None:
    found = {"a/x(k=1)": [1.0, 2.0], "a/y(k=1)": [1.0, 2.0], "a/y(k=2)": [1.0, 2.0]}
    assert compare(table(found), Options(baseline="a/x")).tasks[0].anchor == "a/x(k=1)"
    with pytest.raises(HarnessError, match=r"is several models on a/task: give one of a/y\(k=1\), a/y\(k=2\)"):
        compare(table(found), Options(baseline="a/y"))


def test_an_unknown_baseline_is_told_with_close_names(table) -> None:
    with pytest.raises(HarnessError, match="no ranked model is called 'a/rigde'; the closest names are a/ridge"):
        compare(table({"a/ridge": [1.0, 2.0], "a/ols": [1.0, 2.0]}), Options(baseline="a/rigde"))


def test_a_task_without_the_baseline_says_so(table) -> None:
    found = table(rows({"a/x": [1.0], "a/y": [2.0]}), rows({"a/x": [1.0], "a/z": [2.0]}, task_label="b/task"))
    _, task = compare(found, Options(baseline="a/y")).tasks
    assert task.anchor == "a/x"
    assert len(task.pairs) == 1
    assert "the baseline a/y is not ranked here" in task.notes[0]


def test_many_arms_are_compared_with_the_leader_and_all_pairs_count(table) -> None:
    rng = np.random.default_rng(0)
    arms = {f"a/{index:02}": list((1 + index) * noisy(rng)) for index in range(MOST + 1)}
    (task,) = compare(table(arms)).tasks
    assert len(task.pairs) == MOST
    assert {pair.b for pair in task.pairs} == {"a/00"}
    assert "against the leader, a/00, only" in task.notes[0]
    assert task.pairs[0].level == pytest.approx(0.05 / math.comb(MOST + 1, 2))


def test_headlines_set_constructions_beside_the_best_baseline(table) -> None:
    new = rows({"a/new": [2.0, 2.1], "a/newer": [4.0, 4.1]}, role="construction")
    (task,) = compare(table(new, rows({"a/old": [3.0, 3.5], "a/older": [1.0, 9.0]}))).tasks
    assert [{pair.a, pair.b} for pair in task.headlines] == [{"a/new", "a/old"}, {"a/newer", "a/old"}]


def test_headlines_without_baselines_are_those_of_the_leader(table) -> None:
    (task,) = compare(table({"a/x": [1.0, 2.0], "a/y": [2.0, 3.0], "a/z": [3.0, 4.0]})).tasks
    assert [{pair.a, pair.b} for pair in task.headlines] == [{"a/x", "a/y"}, {"a/x", "a/z"}]


@pytest.mark.parametrize("test", ["t", "wilcoxon", "permutation", "bootstrap"])
@pytest.mark.parametrize("correction", ["holm", "fdr_bh", "none"])
def test_every_procedure_finds_a_clear_winner(table, test, correction) -> None:
    comparison = compare(table(planted(np.random.default_rng(0), 0.5)), Options(test=test, correction=correction))
    assert comparison.tasks[0].pairs[0].winner == "a/new"
    json.dumps(comparison.plain(), allow_nan=False)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"alpha": 0.9}, "alpha lies between"),
        ({"rope": -1.0}, "region of practical equivalence"),
        ({"test": "z"}, "there is no 'z'"),
        ({"correction": "tukey"}, "there is no 'tukey'"),
        ({"metric": "acc*"}, r"no metric to compare matches 'acc\*'; there are error"),
    ],
)
def test_what_is_not_possible_is_told(table, choice, said) -> None:
    with pytest.raises(HarnessError, match=said):
        compare(table({"a/x": [1.0], "a/y": [2.0]}), Options(**choice))


def test_nothing_to_compare_is_told(table) -> None:
    with pytest.raises(HarnessError, match="nothing to compare"):
        compare(table({"a/x": ["failed"]}))


def test_it_is_plain_json_whatever_is_missing(table) -> None:
    comparison = compare(table({"a/x": [1.0], "a/y": ["failed"], "a/z": [0.0]}), Options(rope=0.1))
    assert json.loads(json.dumps(comparison.plain(), allow_nan=False))["tasks"][0]["arms"][0]["arm"] == "a/z"
