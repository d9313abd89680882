"""Random automata, and what predicts their strings in context: the arena's laws, counts, fits and networks."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Along, Context, InvalidOutcomeError
from harness_plugins.in_context.arenas._baum_welch import expected_edges, fit, initial, next_letters
from harness_plugins.in_context.arenas._counting import contexts, followers
from harness_plugins.in_context.arenas._fitted import parse, stages
from harness_plugins.in_context.arenas._language_networks import LanguageNetwork, build
from harness_plugins.in_context.arenas.language import cross_entropy, kl, l1, l1_curve, legal
from harness_plugins.in_context.arenas.language_models import (
    BaumWelch,
    InContextNgram,
    LanguageLstm,
    LanguageTransformer,
    Uniform,
    UnigramCounts,
)
from harness_plugins.in_context.arenas.language_tasks import AutomatonLanguage
from harness_plugins.in_context.arenas.languages.automata import (
    HELD_OUT,
    Automata,
    AutomatonLaw,
    fingerprints,
    state_fingerprints,
)

SMOKE = AutomatonLanguage(**AutomatonLanguage.scales["smoke"])
MODELS = [
    Uniform(),
    UnigramCounts(10),
    InContextNgram(1),
    InContextNgram(),
    InContextNgram(reserve="present"),
    InContextNgram(2, reserve="none"),
    BaumWelch(**BaumWelch.scales["smoke"]),
    LanguageTransformer(**LanguageTransformer.scales["smoke"]),
    LanguageLstm(**LanguageLstm.scales["smoke"]),
    LanguageLstm(ngrams=(1, 2), **LanguageLstm.scales["smoke"]),
]


def copy(model):
    return dataclasses.replace(model)


def shown(model, task=SMOKE, seed=0):
    instance = task.instance(Context(seed))
    return instance, task.run(model, instance, Context(1))


# The automata


def automaton(edges, S):
    """One automaton from {state: {letter: target}}."""
    E = max(map(len, edges.values()))
    degrees, letters, targets = np.ones((1, S), int), np.zeros((1, S, E), int), np.zeros((1, S, E), int)
    for state, out in edges.items():
        degrees[0, state] = len(out)
        letters[0, state, : len(out)] = list(out)
        targets[0, state, : len(out)] = list(out.values())
    # spare letters and targets of edges that are not there must not matter
    return Automata(degrees, letters, targets)


def merged(automata, b):
    """Classes of states by table filling: two states are apart if some letter leads to states that are, or to none."""
    S = automata.degrees.shape[1]
    out = [
        dict(zip(automata.letters[b, s, :d].tolist(), automata.targets[b, s, :d].tolist(), strict=True))
        for s, d in enumerate(automata.degrees[b])
    ]
    apart = {(p, q) for p in range(S) for q in range(S) if out[p].keys() != out[q].keys()}
    while more := {
        (p, q)
        for p in range(S)
        for q in range(S)
        if (p, q) not in apart and any((out[p][letter], out[q][letter]) in apart for letter in out[p])
    }:
        apart |= more
    return apart


@given(st.integers(4, 7), st.integers(4, 9), st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_automata_are_as_they_are_meant_to_be(states, letters, branches, seed):
    law = AutomatonLaw(states=states, letters=letters, branches=branches)
    drawn = law.draw_automata(np.random.default_rng(seed), 40)
    assert drawn.degrees.min() >= 1
    assert drawn.degrees.max() <= branches
    for b in range(40):
        used = {letter for s, d in enumerate(drawn.degrees[b]) for letter in drawn.letters[b, s, :d].tolist()}
        assert used <= set(range(letters))
        for s, d in enumerate(drawn.degrees[b]):
            assert len(set(drawn.letters[b, s, :d].tolist())) == d
            assert len(set(drawn.targets[b, s, :d].tolist())) == d
            assert s not in drawn.targets[b, s, :d]


def test_sizes_of_automata_are_uniform():
    drawn = AutomatonLaw(states=6, letters=8).draw_automata(np.random.default_rng(0), 6000)
    there = drawn.edges()
    share = np.bincount(drawn.degrees.ravel(), minlength=4)[1:] / drawn.degrees.size
    np.testing.assert_allclose(share, 1 / 3, atol=0.01)
    # A state of one of 4, 5 or 6 states leads to states below their number: the last state is met in a third of them.
    used = np.zeros((6000, 8), bool)
    row = np.broadcast_to(np.arange(6000)[:, None, None], there.shape)
    used[row[there], drawn.letters[there]] = True
    assert used.any(axis=0).all()
    assert used.sum(axis=1).max() == 8
    targets = drawn.targets[:, 0][there[:, 0]]  # of state 0
    share = np.bincount(targets, minlength=6) / len(targets)
    # 1..3 are there always, 4 with five or six states, 5 with six: each target evenly among those there are
    each = np.mean([1 / 3, 1 / 4, 1 / 5])
    expected = [0, each, each, each, (1 / 4 + 1 / 5) / 3, 1 / 15]
    np.testing.assert_allclose(share, expected, atol=0.015)


@given(st.integers(4, 6), st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_fingerprints_of_states_are_those_of_minimal_automata(states, seed):
    law = AutomatonLaw(states=states, letters=4, branches=2)
    drawn = law.draw_automata(np.random.default_rng(seed), 10)
    numbers = state_fingerprints(drawn)
    for b in range(10):
        apart = merged(drawn, b)
        for p in range(states):
            for q in range(states):
                assert (numbers[b, p] != numbers[b, q]) == ((p, q) in apart)


def test_equal_languages_have_equal_fingerprints_whatever_the_automaton():
    cycle = automaton({0: {1: 1}, 1: {2: 0}}, 4)
    unrolled = automaton({0: {1: 1}, 1: {2: 2}, 2: {1: 3}, 3: {2: 0}}, 4)
    renamed = automaton({0: {1: 3}, 3: {2: 0}}, 4)
    other = automaton({0: {1: 1}, 1: {2: 2}, 2: {1: 3}, 3: {3: 0}}, 4)
    longer = automaton({0: {1: 1, 2: 0}, 1: {2: 0}}, 4)
    numbers = [int(fingerprints(one)[0]) for one in (cycle, unrolled, renamed, other, longer)]
    assert numbers[0] == numbers[1] == numbers[2]
    assert len(set(numbers)) == 3


@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_strings_are_walks_and_the_truth_is_traced(length, longest, seed):
    law = AutomatonLaw(length=length, longest=longest)
    rng = np.random.default_rng(seed)
    automata = law.draw_automata(rng, 5)
    passages = law._passages(rng, automata)
    assert passages.tokens.shape == passages.following.shape == passages.scored.shape == (5, length)
    np.testing.assert_array_equal(passages.tokens[:, 1:], passages.following[:, :-1])
    assert (passages.tokens[:, 0] == law.separator).all()
    np.testing.assert_array_equal(passages.scored, passages.following != law.separator)
    for b in range(5):
        state, run = 0, 0
        for t in range(length):
            token = passages.tokens[b, t]
            if token == law.separator:
                state, run = 0, 0
            else:
                edge = automata.letters[b, state, : automata.degrees[b, state]].tolist().index(token)
                state, run = automata.targets[b, state, edge], run + 1
            assert run <= longest
            possible = automata.letters[b, state, : automata.degrees[b, state]]
            expected = np.zeros(law.vocabulary)
            expected[possible] = 1 / len(possible)
            np.testing.assert_allclose(passages.truth[b, t], expected)


def test_strings_have_uniform_lengths_and_fair_letters():
    law = AutomatonLaw(length=2000, longest=5)
    drawn = law.draw(np.random.default_rng(0), 60)
    strings, _, _ = parse(drawn.tokens, law.vocabulary, law.separator)
    lengths = (strings[:, :100] < law.vocabulary).sum(axis=2)
    share = np.bincount(lengths.ravel(), minlength=6)[1:] / lengths.size
    np.testing.assert_allclose(share, 0.2, atol=0.02)
    came = np.take_along_axis(drawn.truth, drawn.following[..., None], axis=2)[..., 0][drawn.scored]
    assert came.min() > 0
    entropy = -(drawn.truth * np.log(np.maximum(drawn.truth, 1e-300))).sum(axis=2)[drawn.scored]
    assert -np.log(came).mean() == pytest.approx(entropy.mean(), rel=0.01)


def test_no_language_is_both_trained_and_tested_on():
    law = AutomatonLaw(states=4, letters=4, branches=1)  # few languages, so that they repeat
    rng = np.random.default_rng(0)
    tested = set(fingerprints(law._languages(rng, 300, held_out=True)).tolist())
    trained = set(fingerprints(law._languages(rng, 3000, held_out=False)).tolist())
    assert len(trained) > 100
    assert len(tested) > 10
    assert not tested & trained
    every = fingerprints(AutomatonLaw().draw_automata(rng, 8000))
    assert np.mean(every % np.uint64(HELD_OUT) == 0) == pytest.approx(1 / HELD_OUT, abs=0.015)


def test_strings_at_the_start_are_not_scored():
    law = AutomatonLaw(length=60, skipped=3, longest=9)
    drawn = law.draw(np.random.default_rng(0), 50)
    begun = (drawn.tokens == law.separator).cumsum(axis=1)
    np.testing.assert_array_equal(drawn.scored, (begun > 3) & (drawn.following != law.separator))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"states": 3}, "states and letters"),
        ({"letters": 3}, "states and letters"),
        ({"branches": 4}, "branches"),
        ({"longest": 0}, "longest"),
        ({"skipped": -1}, "skipped"),
        ({"skipped": 20}, "shorter than the sequence"),
        ({"length": 0}, "length"),
        ({"batch": 0}, "batch"),
    ],
)
def test_bad_parameters_of_the_task_are_refused(wrong, complaint):
    with pytest.raises(ValueError, match=complaint):
        AutomatonLanguage(**wrong)


# Metrics


def test_metrics_of_the_truth_and_of_impossible_answers():
    instance = SMOKE.instance(Context(0))
    assert l1(instance, instance.truth) == 0
    assert kl(instance, instance.truth) == 0
    assert legal(instance, instance.truth) == 1
    came = np.take_along_axis(instance.truth, instance.following[..., None], axis=2)[..., 0]
    assert cross_entropy(instance, instance.truth) == pytest.approx(-np.log(came[instance.scored]).mean())
    never = np.zeros_like(instance.truth)
    never[..., -1] = 1  # always a separator
    assert l1(instance, never) == 2
    assert legal(instance, never) == 0
    assert cross_entropy(instance, never) is None
    assert kl(instance, never) is None


def test_kl_and_l1_against_a_loop():
    instance, outcome = shown(InContextNgram())
    divergences, distances = [], []
    for b, t in zip(*np.nonzero(instance.scored), strict=True):
        p, q = instance.truth[b, t], outcome[b, t]
        divergences.append(sum(a * np.log(a / c) for a, c in zip(p, q, strict=True) if a > 0))
        distances.append(sum(abs(a - c) for a, c in zip(p, q, strict=True)))
    assert kl(instance, outcome) == pytest.approx(np.mean(divergences))
    assert l1(instance, outcome) == pytest.approx(np.mean(distances))


def test_illegal_answers_are_told():
    instance = SMOKE.instance(Context(0))

    @dataclasses.dataclass
    class Answers:
        answer: object

        def next_token_probabilities(self, tokens, vocabulary):
            return self.answer

    truth = instance.truth
    for answer, complaint in (
        (truth[:, 1:], "must be"),
        (truth * 1.1, "sum to 1"),
        (truth * np.nan, "finite"),
        (1.5 * truth - 0.5 / 5, "negative"),
        (truth > 0, "floating-point"),
        (None, "floating-point"),
    ):
        with pytest.raises(InvalidOutcomeError, match=complaint):
            SMOKE.run(Answers(answer), instance, Context(1))


# All models


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_models_run_through_the_arena_and_are_reproducible(model):
    instance, outcome = shown(copy(model))
    for metric in SMOKE.metrics:
        value = metric(instance, outcome)
        if value is None:
            assert getattr(model, "reserve", "") == "none"
        else:
            assert np.isfinite(value.values if isinstance(value, Along) else value).all()
    np.testing.assert_array_equal(shown(copy(model))[1], outcome)
    operation = SMOKE.operation("predict", copy(model), instance, Context(1))
    np.testing.assert_array_equal(operation.call(), outcome)
    assert operation.items == instance.tokens.size


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_models_read_backwards_only(model):
    model = copy(model)
    instance, before = shown(model)
    for t in (1, 7, 20, 38):
        tokens = instance.tokens.copy()
        tokens[:, t:] = (tokens[:, t:] + 1) % SMOKE.law().vocabulary
        after = model.next_token_probabilities(tokens, SMOKE.law().vocabulary)
        np.testing.assert_allclose(after[:, :t], before[:, :t], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_bad_tokens_are_refused(model):
    model = copy(model)
    instance, _ = shown(model)
    tokens, V = instance.tokens, SMOKE.law().vocabulary
    for bad, complaint in (
        (tokens.astype(float), "integers"),
        (tokens[0], "must be"),
        (tokens[:0], "neither of them 0"),
        (tokens - 1, "must lie in"),
        (tokens + 1, "must lie in"),
        (tokens.tolist(), "integers"),
    ):
        with pytest.raises(ValueError, match=complaint):
            model.next_token_probabilities(bad, V)


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (InContextNgram(0), "order"),
        (InContextNgram(reserve="all"), "reserve is"),
        (UnigramCounts(0), "sequences"),
        (BaumWelch(states=1), "states must"),
        (BaumWelch(restarts=0), "restarts"),
        (BaumWelch(growth=0.5), "growth"),
        (BaumWelch(growth=float("nan")), "growth"),
        (LanguageLstm(layers=0), "layers"),
        (LanguageTransformer(width=7), "divide"),
        (LanguageLstm(ngrams=(0,)), "at least 1 token"),
    ],
    ids=repr,
)
def test_bad_hyperparameters_are_refused(model, complaint):
    with pytest.raises(ValueError, match=complaint):
        shown(model)


def test_what_needs_the_law_says_so():
    tokens = np.zeros((1, 3), dtype=np.int64)
    with pytest.raises(ValueError, match="separator"):
        BaumWelch().next_token_probabilities(tokens, 5)
    for model in (UnigramCounts(), LanguageLstm(), LanguageTransformer()):
        with pytest.raises(ValueError, match="needs meta_train"):
            model.next_token_probabilities(tokens, 5)
    model = LanguageLstm(**LanguageLstm.scales["smoke"])
    shown(model)
    with pytest.raises(ValueError, match="trained on 5 symbols, T <= 40"):
        model.next_token_probabilities(np.zeros((1, 41), dtype=np.int64), 5)
    with pytest.raises(ValueError, match="trained on 5 symbols"):
        model.next_token_probabilities(tokens, 6)


# Counts


def test_back_off_by_hand():
    """a b a b | a : b followed two of three a's, the third being at hand; c never came."""
    model = InContextNgram(2)
    model._separator = 3
    a, b, end = 0, 1, 3
    laws = model.next_token_probabilities(np.array([[a, b, a, b, end, a]]), 4)
    # order 1: b, a, b, nothing, a, and what is asked for: 2/6 each for a, b, and for c, which alone did not come
    np.testing.assert_allclose(laws[0, -1], [1 / 3 * 1 / 2, 2 / 3, 1 / 3 * 1 / 2, 0])
    # at the separator, where no string was seen to begin: order 1, of b, a, b, nothing, and what is asked for
    np.testing.assert_allclose(laws[0, 4], [1 / 5, 2 / 5, 2 / 5, 0])
    model.reserve = "present"  # the end does not count: a third and a quarter of the mass are kept
    laws = model.next_token_probabilities(np.array([[a, b, a, b, end, a]]), 4)
    np.testing.assert_allclose(laws[0, -1], [1 / 3 * 2 / 3, 2 / 3, 1 / 3 * 1 / 3, 0])
    np.testing.assert_allclose(laws[0, 4], [1 / 4, 2 / 4, 1 / 4, 0])
    model.reserve = "none"
    laws = model.next_token_probabilities(np.array([[a, b, a, b, end, a]]), 4)
    np.testing.assert_allclose(laws[0, -1], [0, 1, 0, 0])
    np.testing.assert_allclose(laws[0, 4], [1 / 3, 2 / 3, 0, 0])


def test_without_a_separator_a_sequence_is_one_string():
    tokens = np.random.default_rng(0).integers(0, 3, (2, 30))
    order_1 = InContextNgram(1, reserve="none").next_token_probabilities(tokens, 3)
    counts = np.stack([(tokens[:, 1:, None] == np.arange(3)).cumsum(axis=1)])[0]
    np.testing.assert_allclose(order_1[:, 1:], counts / counts.sum(axis=2, keepdims=True))


@given(st.integers(2, 4), st.integers(1, 4), st.integers(1, 25), st.booleans(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_followers_are_those_of_a_loop(V, order, T, separated, seed):
    tokens = np.random.default_rng(seed).integers(0, V, (2, T))
    separator = V - 1 if separated else None
    *_, context = contexts(tokens, order, separator)
    counts, occurrences = followers(tokens, context, V, separator)
    for b in range(2):
        text = tokens[b].tolist()
        keys = []
        for t in range(T):
            start = max((s + 1 for s in range(t + 1) if text[s] == separator), default=0)
            recent = text[max(start, t - order + 2) : t + 1] if order > 1 else []
            keys.append((-1,) * (order - 1 - len(recent)) + tuple(recent))
        for t in range(T):
            earlier = [s for s in range(t) if keys[s] == keys[t]]
            assert occurrences[b, t, 0] == len(earlier) + 1
            expected = np.bincount([text[s + 1] for s in earlier if text[s + 1] != separator], minlength=V)
            np.testing.assert_array_equal(counts[b, t], expected)


# Baum-Welch


def random_strings(seed, B=2, k=3, L=4, V=3):
    rng = np.random.default_rng(seed)
    strings = rng.integers(0, V, (B, k, L))
    strings[np.arange(L) >= rng.integers(1, L + 1, (B, k, 1))] = V
    return rng, strings


@pytest.mark.parametrize("seed", range(3))
def test_the_e_step_against_all_paths(seed):
    rng, strings = random_strings(seed)
    A = initial(rng, 2, 2, 3, 3)
    expected, likelihood = expected_edges(A, strings)
    for b in range(2):
        for r in range(2):
            total, found = 0.0, np.zeros((3, 3, 3))
            for string in strings[b]:
                letters = [v for v in string if v < 3]
                paths = {(0,): 1.0}
                for v in letters:
                    paths = {(*p, s): w * A[b, r, v, p[-1], s] for p, w in paths.items() for s in range(3)}
                whole = sum(paths.values())
                total += np.log(whole)
                for path, weight in paths.items():
                    for v, source, target in zip(letters, path, path[1:], strict=False):
                        found[v, source, target] += weight / whole
            assert likelihood[b, r] == pytest.approx(total)
            np.testing.assert_allclose(expected[b, r], found, atol=1e-12)


def test_em_never_loses_likelihood_and_keeps_the_best_restart():
    law = AutomatonLaw(length=100)
    strings, _, _ = parse(law.draw(np.random.default_rng(0), 3).tokens, 7, 6)
    A = initial(np.random.default_rng(1), 3, 4, 7, 5)
    np.testing.assert_allclose(A.sum(axis=(2, 4)), 1)
    assert (np.diagonal(A, axis1=3, axis2=4) == 0).all()
    ends = [expected_edges(A, strings)[1]]
    for _ in range(8):
        expected = expected_edges(A, strings)[0] + 1e-300
        A = np.where(A > 0, expected, 0)
        A /= A.sum(axis=(2, 4), keepdims=True)
        ends.append(expected_edges(A, strings)[1])
    assert (np.diff(ends, axis=0) > -1e-9).all()
    kept = fit(A, strings, 1)
    assert (expected_edges(kept[:, None], strings)[1][:, 0] >= ends[-1].max(axis=1) - 1e-3).all()


def test_filtering_the_true_automaton_gives_the_truth():
    law = AutomatonLaw(length=60)
    rng = np.random.default_rng(3)
    automata = law.draw_automata(rng, 4)
    passages = law._passages(rng, automata)
    A = np.zeros((4, 7, 6, 6))
    b, s, e = np.nonzero(automata.edges())
    A[b, automata.letters[b, s, e], s, automata.targets[b, s, e]] = 1 / automata.degrees[b, s]
    strings, string, within = parse(passages.tokens, 7, 6)
    with np.errstate(invalid="ignore"):
        laws = next_letters(A, strings)
    np.testing.assert_allclose(laws[np.arange(4)[:, None], string, within], passages.truth, atol=1e-12)


def test_sequences_are_parsed_with_or_without_a_leading_separator():
    strings, string, within = parse(np.array([[3, 0, 1, 3, 2, 3], [1, 3, 3, 0, 2, 2]]), 4, 3)
    assert strings.tolist() == [[[0, 1, 4], [2, 4, 4], [4, 4, 4]], [[1, 4, 4], [4, 4, 4], [0, 2, 2]]]
    assert string.tolist() == [[0, 0, 0, 1, 1, 2], [0, 1, 2, 2, 2, 2]]
    assert within.tolist() == [[0, 1, 2, 0, 1, 0], [1, 0, 0, 1, 2, 3]]
    assert stages(6, 1.0) == [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]
    assert stages(20, 2.0) == [(1, 2), (2, 4), (4, 8), (8, 16), (16, 20)]
    assert stages(1, 1.5) == []


def test_baum_welch_finds_a_small_automaton():
    """(ab)* and such, of two states: after a few strings the next letter is certain."""
    tokens = np.tile([2, 0, 1, 0, 1], (1, 12))
    model = BaumWelch(states=2, restarts=3, steps=40)
    model._separator = 2
    laws = model.next_token_probabilities(tokens, 3)
    np.testing.assert_allclose(laws[0, -5:-1], np.eye(3)[[0, 1, 0, 1]], atol=1e-3)
    np.testing.assert_allclose(laws[0, :5], np.tile([0.5, 0.5, 0], (5, 1)))


# Networks


@pytest.mark.parametrize("ngrams", [(), (1, 2, 3)])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_parameters_are_counted_by_formulas(layers, ngrams):
    w, V, T = 12, 7, 20

    def size(**architecture):
        return sum(p.numel() for p in LanguageNetwork(V, T, layers, w, ngrams=ngrams, **architecture).parameters())

    shared = 2 * V * w + 2 * w + len(ngrams) * (2 * w * w + 2 * w)  # symbols in and out, a last norm; heads, norms
    assert size(heads=3) == shared + T * w + layers * (12 * w * w + 4 * w)
    assert size() == shared + layers * (8 * w * w + 8 * w)


def test_the_lstm_is_about_as_large_as_the_transformer():
    sizes = [
        sum(p.numel() for p in build(7, 120, model.architecture(), 0).parameters())
        for model in (LanguageTransformer(), LanguageLstm())
    ]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_building_is_seeded_and_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    one, same, other = (build(5, 9, LanguageLstm(ngrams=(1,)).architecture(), seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    names = dict(one.named_parameters())
    assert all(torch.equal(weight, names[name]) for name, weight in same.named_parameters())
    assert not torch.equal(other.embed.weight, one.embed.weight)


@pytest.mark.slow
@pytest.mark.parametrize("model", [LanguageTransformer(steps=150), LanguageLstm(steps=150, ngrams=(1, 2))], ids=repr)
def test_networks_learn_to_learn_languages(model):
    task = AutomatonLanguage(length=60, batch=100)
    instance, outcome = shown(model, task)
    unigrams = task.run(InContextNgram(1), instance, Context(1))
    assert l1(instance, outcome) < l1(instance, unigrams)
    early, *_, late = l1_curve(instance, outcome).values
    assert late < early


def test_listing_the_arena_loads_no_torch():
    code = (
        "import sys, harness_plugins.in_context.arenas as a; assert a.family.tasks; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
