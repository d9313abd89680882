"""The arena of Hamming distances: its texts, its oracle, its baselines, its metrics."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import product
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from harness import Context, InvalidOutcomeError
from harness_plugins.discrete._correlation import correlation_sum, transform_points, whole
from harness_plugins.discrete._strings import relabel
from harness_plugins.discrete.arenas import family
from harness_plugins.discrete.arenas._suffix import Extensions, suffix_array
from harness_plugins.discrete.arenas._texts import Origin, Recipe
from harness_plugins.discrete.arenas.matchers import BitplanePopcount, FftPerLetter, Kangaroo, Karloff, NaiveNumpy
from harness_plugins.discrete.arenas.text_pattern_distance import (
    UNIT_COST,
    Answer,
    ApproximateHammingDistances,
    BoundedHammingDistances,
    HammingDistances,
    TextAndPattern,
    exact_match,
    fft_points,
    hamming_distances,
    max_rel_err,
    ns_per_symbol,
    ops,
    ops_per_symbol,
    over_estimates,
    p99_rel_err,
    pair_updates,
    seconds,
    within_eps,
)

ORIGINS = get_args(Origin)
EXACT = [NaiveNumpy(), FftPerLetter(), FftPerLetter(blocked=False), BitplanePopcount()]
ABRACADABRA = [np.frombuffer(word, dtype=np.uint8).astype(np.uint32) for word in (b"abracadabra", b"abca")]


def recipe(origin="uniform", n=2000, m=100, sigma=8, changes=6, period=7):
    return Recipe(origin, n, m, sigma, changes, period)


@st.composite
def texts_and_patterns(draw):
    """Small strings over alphabets of 1 to 300 letters, among them letters that only the text or the pattern has."""
    letters = st.integers(0, draw(st.sampled_from([0, 1, 2, 5, 300])))
    gap = draw(st.sampled_from([1, 2**24]))  # letters close together, or far beyond the text's length
    pattern = draw(st.lists(letters, min_size=1, max_size=80))
    text = pattern + draw(st.lists(letters, max_size=250)) if draw(st.booleans()) else None
    if text is None:
        text = draw(st.lists(letters, min_size=len(pattern), max_size=len(pattern) + 250))
    return np.array(text, dtype=np.uint32) * np.uint32(gap), np.array(pattern, dtype=np.uint32) * np.uint32(gap)


def by_definition(text, pattern):
    return [sum(a != b for a, b in zip(text[i:], pattern, strict=False)) for i in range(len(text) - len(pattern) + 1)]


def test_the_oracle_on_a_word():
    assert hamming_distances(*ABRACADABRA).tolist() == [1, 4, 2, 3, 3, 3, 4, 1]


@given(texts_and_patterns())
@settings(max_examples=60, deadline=None)
def test_the_oracle_is_the_definition(strings):
    text, pattern = strings
    assert hamming_distances(text, pattern).tolist() == by_definition(text.tolist(), pattern.tolist())


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_oracle_agrees_with_scipy(origin):
    text, pattern = recipe(origin).draw(np.random.default_rng(3))
    matches = sum(
        np.rint(correlate((text == a).astype(float), (pattern == a).astype(float), mode="valid"))
        for a in np.unique(pattern)
    )
    np.testing.assert_array_equal(hamming_distances(text, pattern), pattern.size - matches)


@given(strings=texts_and_patterns())
@settings(max_examples=150, deadline=None)
def test_exact_baselines_equal_the_oracle(strings):
    expected = hamming_distances(*strings)
    for model in EXACT:
        np.testing.assert_array_equal(model.distances(*strings, Counter()), expected, err_msg=str(model))


@given(strings=texts_and_patterns(), k=st.integers(0, 90))
@settings(max_examples=120, deadline=None)
def test_bounded_baselines_equal_the_capped_oracle(strings, k):
    expected = np.minimum(hamming_distances(*strings), k + 1)
    for model in (Kangaroo(), NaiveNumpy()):
        np.testing.assert_array_equal(model.bounded(*strings, k, Counter()), expected, err_msg=str(model))


@given(st.lists(st.integers(0, 2), min_size=2, max_size=60), st.data())
@settings(max_examples=60, deadline=None)
def test_suffixes_are_sorted_and_extensions_longest(letters, data):
    string = np.array(letters)
    rank, order = suffix_array(string)
    assert order.tolist() == sorted(range(len(letters)), key=lambda start: letters[start:])
    assert rank[order].tolist() == list(range(len(letters)))
    left, right = data.draw(st.lists(st.integers(0, len(letters) - 1), min_size=2, max_size=2, unique=True))
    shared = 0
    while max(left, right) + shared < len(letters) and letters[left + shared] == letters[right + shared]:
        shared += 1
    assert Extensions.of(string).longest(np.array([left]), np.array([right])).tolist() == [shared]


@given(strings=texts_and_patterns(), seed=st.integers(0, 100))
@settings(max_examples=50, deadline=None)
def test_correlation_sum_is_the_sum_it_says(strings, seed):
    codes = relabel(*strings)
    rng = np.random.default_rng(seed)
    text_values = rng.normal(size=(3, codes.letters + 1))
    pattern_values = rng.normal(size=(3, codes.letters))
    work = Counter()
    expected = sum(
        np.correlate(a[codes.text], b[codes.pattern], mode="valid")
        for a, b in zip(text_values, pattern_values, strict=True)
    )
    np.testing.assert_allclose(correlation_sum(codes, text_values, pattern_values, work), expected, atol=1e-9)
    points = transform_points(codes.m)
    blocks = -(-codes.shifts // (points - codes.m + 1))
    assert work["fft_points"] == round(points * np.log2(points)) * (3 * (blocks + 1) + blocks)


def test_many_recodings_are_done_in_batches(monkeypatch):
    codes = relabel(*recipe(sigma=40).draw(np.random.default_rng(0)))
    tables = np.random.default_rng(1).normal(size=(40, codes.letters + 1))
    at_once = correlation_sum(codes, tables, tables[:, :-1], Counter())
    monkeypatch.setattr("harness_plugins.discrete._correlation.BATCH", 1)
    monkeypatch.setattr("harness_plugins.discrete._correlation.CHUNK", 1)
    np.testing.assert_allclose(correlation_sum(codes, tables, tables[:, :-1], Counter()), at_once, atol=1e-9)


def test_rounding_that_cannot_be_trusted_is_refused():
    assert whole(np.array([1.1, 2.9])).tolist() == [1, 3]
    with pytest.raises(ArithmeticError, match=r"0\.3 away from an integer"):
        whole(np.array([1.0, 2.3]))
    for beyond in (2.0**50, -(2.0**60), np.inf, np.nan):  # all floats up there are integers: nothing would be noticed
        with pytest.raises(ArithmeticError, match="beyond 2"):
            whole(np.array([beyond]))


@given(texts_and_patterns())
@settings(max_examples=60, deadline=None)
def test_relabelling_keeps_what_is_equal(strings):
    text, pattern = strings
    codes = relabel(text, pattern)
    assert codes.letters == np.unique(pattern).size
    np.testing.assert_array_equal(codes.text[:, None] == codes.pattern, text[:, None] == pattern)
    np.testing.assert_array_equal(codes.text == codes.letters, ~np.isin(text, pattern))
    assert codes.text_counts.shape == codes.pattern_counts.shape == (codes.letters,)


@pytest.mark.parametrize("origin", ORIGINS)
def test_texts_have_their_size_and_repeat_with_the_seed(origin):
    text, pattern = recipe(origin).draw(np.random.default_rng(5))
    assert (text.shape, pattern.shape, text.dtype, pattern.dtype) == ((2000,), (100,), np.uint32, np.uint32)
    for again, once in zip(recipe(origin).draw(np.random.default_rng(5)), (text, pattern), strict=True):
        np.testing.assert_array_equal(again, once)
    assert not np.array_equal(recipe(origin).draw(np.random.default_rng(6))[0], text)
    if origin not in ("source", "sqrt-balanced"):
        assert max(text.max(), pattern.max()) < 8


def test_texts_have_what_their_name_promises():
    rng = np.random.default_rng(0)
    _, balanced = recipe("sqrt-balanced").draw(rng)
    assert np.bincount(balanced).tolist() == [10] * 10
    text, _ = recipe("zipf", n=100_000).draw(rng)
    frequency = np.bincount(text)
    assert frequency[0] / frequency[1] == pytest.approx(2**1.2, rel=0.05)
    planted = hamming_distances(*recipe("planted").draw(rng))
    assert np.count_nonzero(planted <= 6) == 5  # a copy in every fourth of 20 slots; chance gets nowhere near
    text, pattern = recipe("periodic", changes=0).draw(rng)
    assert (text[7:] == text[:-7]).all()
    assert (pattern[7:] == pattern[:-7]).all()
    assert (hamming_distances(*recipe("periodic").draw(rng))[::7] <= 12).mean() > 0.9
    text, _ = recipe("source", n=20_000).draw(rng)
    assert b"self" in text.astype(np.uint8).tobytes()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"m": 0}, "between 1 and n"),
        ({"m": 2001}, "between 1 and n"),
        ({"sigma": 0}, "sigma must be at least 1"),
        ({"changes": -1}, "changes must be at least 0"),
        ({"period": 0}, "period must be at least 1"),
    ],
)
def test_impossible_texts_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        recipe(**wrong)


def test_unknown_and_too_long_texts_are_refused(monkeypatch):
    with pytest.raises(ValueError, match="no texts are called 'prose'"):
        recipe("prose").draw(np.random.default_rng(0))
    monkeypatch.setattr("harness_plugins.discrete.arenas._texts._standard_library", lambda: iter(()))
    with pytest.raises(ValueError, match="has 0 bytes of source"):
        recipe("source").draw(np.random.default_rng(0))


@pytest.mark.parametrize("origin", ORIGINS)
def test_baselines_through_their_tasks(origin):
    task = HammingDistances(**HammingDistances.scales["smoke"] | {"origin": origin})
    instance = task.instance(Context(seed=0))
    for model in EXACT:
        outcome = task.run(model, instance, Context(seed=1))
        assert exact_match(instance, outcome) == 1.0
        assert ops(instance, outcome) > 0
    task = BoundedHammingDistances(**BoundedHammingDistances.scales["smoke"] | {"origin": origin})
    instance = task.instance(Context(seed=0))
    assert exact_match(instance, task.run(Kangaroo(), instance, Context(seed=1))) == 1.0


def test_karloff_keeps_its_bound_over_seeds():
    inside = []
    for seed in range(20):
        task = ApproximateHammingDistances(**ApproximateHammingDistances.scales["smoke"])
        instance = task.instance(Context(seed=seed))
        inside.append(within_eps(instance, task.run(Karloff(), instance, Context(seed=100 + seed))))
    assert np.mean(inside) >= 0.95


def test_karloff_is_unbiased_and_finds_exact_copies():
    text = np.concatenate([ABRACADABRA[1], ABRACADABRA[0]])
    estimate = Karloff(maps=4_000).approx(text, ABRACADABRA[1], 0.1, np.random.default_rng(0), Counter())
    np.testing.assert_allclose(estimate, hamming_distances(text, ABRACADABRA[1]), atol=5 * 4 / np.sqrt(4_000))
    assert estimate[0] == pytest.approx(0.0, abs=1e-9)


def test_outcomes_repeat_with_the_seed():
    task = ApproximateHammingDistances(**ApproximateHammingDistances.scales["smoke"])
    first, again = (task.run(Karloff(), task.instance(Context(seed=2)), Context(seed=3)) for _ in range(2))
    assert first.distances.tobytes() == again.distances.tobytes()
    assert first.work == again.work


def test_metrics_on_a_known_outcome():
    nothing = np.zeros(0, dtype=np.uint32)
    instance = TextAndPattern(np.zeros(10, dtype=np.uint32), nothing, np.array([0, 10, 10, 10]), eps=0.2)
    outcome = Answer(np.array([0.0, 10.0, 11.0, 7.0]), 2e-8, {"pair_updates": 3, "fft_points": 4})
    assert exact_match(instance, outcome) == 0.5
    assert within_eps(instance, outcome) == 0.75
    assert max_rel_err(instance, outcome) == pytest.approx(0.3)
    assert p99_rel_err(instance, outcome) == pytest.approx(np.quantile([0, 0, 0.1, 0.3], 0.99))
    assert over_estimates(instance, outcome) == 0.25
    assert seconds(instance, outcome) == 2e-8
    assert ns_per_symbol(instance, outcome) == pytest.approx(2.0)
    assert ops(instance, outcome) == 3 * UNIT_COST["pair_updates"] + 4 * UNIT_COST["fft_points"]
    assert ops_per_symbol(instance, outcome) == pytest.approx(ops(instance, outcome) / 10)
    assert (fft_points(instance, outcome), pair_updates(instance, outcome)) == (4.0, 3.0)
    naive = Answer(np.array([0.0]), 1.0, {"comparisons": 5})
    assert (fft_points(instance, naive), pair_updates(instance, naive)) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.zeros, "array of int64, not float64"),
        (lambda shifts: [0] * shifts, "not list"),
        (lambda shifts: np.zeros(shifts - 1, dtype=np.int64), "but the distances have shape"),
    ],
)
def test_illegal_outcomes_are_refused(answer, message):
    class Wrong:
        def distances(self, text, pattern, work):
            return answer(text.size - pattern.size + 1)

    task = HammingDistances(n=50, m=5, sigma=3)
    with pytest.raises(InvalidOutcomeError, match=message):
        task.run(Wrong(), task.instance(Context()), Context())


def test_outcomes_that_are_not_finite_or_count_unknown_work_are_refused():
    class Infinite:
        def approx(self, text, pattern, eps, rng, work):
            return np.full(text.size - pattern.size + 1, np.inf)

    class Inventive(NaiveNumpy):
        def distances(self, text, pattern, work):
            work["miracles"] += 1
            return super().distances(text, pattern, work)

    task = ApproximateHammingDistances(n=50, m=5, sigma=3)
    with pytest.raises(InvalidOutcomeError, match="46 of the distances are not finite"):
        task.run(Infinite(), task.instance(Context()), Context())
    task = HammingDistances(n=50, m=5, sigma=3)
    with pytest.raises(InvalidOutcomeError, match="unknown kinds was counted: miracles"):
        task.run(Inventive(), task.instance(Context()), Context())


def test_operations_answer_what_the_tasks_are_answered():
    for task_class, name, model in (
        (HammingDistances, "distances", BitplanePopcount()),
        (BoundedHammingDistances, "bounded", NaiveNumpy()),
        (ApproximateHammingDistances, "approx", FftPerLetter()),
    ):
        task = task_class(**task_class.scales["smoke"])
        instance = task.instance(Context(seed=0))
        operation = task.operation(name, model, instance, Context(seed=1))
        assert (operation.items, operation.item) == (task.n, "symbol")
        np.testing.assert_array_equal(operation.call(), instance.answer)


def test_an_estimate_draws_the_same_numbers_in_each_call():
    task = ApproximateHammingDistances(**ApproximateHammingDistances.scales["smoke"])
    operation = task.operation("approx", Karloff(), task.instance(Context(seed=0)), Context(seed=1))
    assert operation.call().tobytes() == operation.call().tobytes()


class Spoils(NaiveNumpy):
    """Right, but for what `spoil` makes of the answer and of the strings."""

    def __init__(self, spoil):
        self.spoil = spoil

    def distances(self, text, pattern, work):
        return self.spoil(super().distances(text, pattern, work), text, pattern, work)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda found, *_: found + 1, "3841 of 3841 distances are wrong"),
        (lambda found, *_: found[1:], "but the distances have shape"),
        (lambda found, text, *_: text.sort() or found, "changes the strings"),
        (lambda found, text, pattern, _: pattern.sort() or found, "changes the strings"),
        (lambda found, text, pattern, work: work.update(miracles=1) or found, "unknown kinds"),
    ],
)
def test_operations_of_broken_models_are_not_timed(spoil, message):
    task = HammingDistances(**HammingDistances.scales["smoke"])
    instance = task.instance(Context(seed=0))
    before = instance.text.copy(), instance.pattern.copy()
    with pytest.raises(InvalidOutcomeError, match=message):
        task.operation("distances", Spoils(spoil), instance, Context(seed=1)).verify()
    np.testing.assert_array_equal(instance.text, before[0])
    np.testing.assert_array_equal(instance.pattern, before[1])


GOOD = np.zeros(4, dtype=np.uint32)


@pytest.mark.parametrize(
    ("text", "pattern", "message"),
    [
        (GOOD.astype(float), GOOD, "the text must hold unsigned integers, not float64"),
        (GOOD, GOOD.astype(np.int64), "the pattern must hold unsigned integers, not int64"),
        (GOOD.reshape(2, 2), GOOD, r"the text must be a one-dimensional array, not ndarray of shape \(2, 2\)"),
        (GOOD, "abca", "the pattern must be a one-dimensional array, not str"),
        (GOOD, GOOD[:0], "the pattern is empty"),
        (GOOD[:0], GOOD, "the text is empty"),
        (GOOD[:3], GOOD, r"the pattern \(4 letters\) is longer than the text \(3\)"),
    ],
)
def test_bad_strings_are_refused(text, pattern, message):
    rng = np.random.default_rng(0)
    for model in EXACT:
        with pytest.raises(ValueError, match=message):
            model.distances(text, pattern, Counter())
    for model in (Kangaroo(), NaiveNumpy()):
        with pytest.raises(ValueError, match=message):
            model.bounded(text, pattern, 1, Counter())
    for model in (Karloff(), FftPerLetter()):
        with pytest.raises(ValueError, match=message):
            model.approx(text, pattern, 0.5, rng, Counter())
    with pytest.raises(ValueError, match=message):
        hamming_distances(text, pattern)


def test_bad_bounds_are_refused():
    for model in (Kangaroo(), NaiveNumpy()):
        with pytest.raises(ValueError, match="k must not be negative, not -1"):
            model.bounded(GOOD, GOOD, -1, Counter())
    for model, eps in product((Karloff(), FftPerLetter()), (0.0, 1.0, -0.1, float("nan"))):
        with pytest.raises(ValueError, match="eps must be between 0 and 1"):
            model.approx(GOOD, GOOD, eps, np.random.default_rng(0), Counter())


def test_the_family_lists_its_parts():
    assert [name for name, _, _ in family.models()] == [
        "naive-numpy", "fft-per-letter", "bitplane-popcount", "karloff", "kangaroo",
    ]  # fmt: skip
    assert len(list(family.metrics())) == 11
    assert all(task.metrics[0].name in ("exact-match", "within-eps") for task in family.tasks)


def test_importing_arena_and_paper_loads_nothing_heavy():
    code = (
        "import sys, harness_plugins.discrete.arenas, harness_plugins.discrete.pattern_hamming\n"
        "print([name for name in ('torch', 'scipy', 'sklearn', 'numba', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
