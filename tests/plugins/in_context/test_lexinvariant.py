"""Lexinvariant language models: the mixture over keys against brute force, solvers, decoders, claims that can fail."""

from __future__ import annotations

from itertools import pairwise, permutations
from math import factorial, log, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Along, Context, InvalidOutcomeError
from harness.checks.evidence import Cell, Evidence, Point
from harness.checks.ruling import rule
from harness_plugins.in_context.arenas.language_models import InContextNgram
from harness_plugins.in_context.arenas.language_tasks import CipherText, MarkovLanguage
from harness_plugins.in_context.arenas.languages.automata import AutomatonLaw
from harness_plugins.in_context.arenas.languages.markov import MarkovLaw
from harness_plugins.in_context.arenas.languages.planted import invert
from harness_plugins.in_context.lexinvariant import (
    BayesMixture,
    FrequencyMatching,
    HillClimbing,
    LexinvariantTransformer,
    PartlyLexinvariantTransformer,
    ProbedTransformer,
    RecomputedMixture,
    SampledMixture,
    StandardTransformer,
    claims,
)
from harness_plugins.in_context.lexinvariant._chains import drawn as resampled
from harness_plugins.in_context.lexinvariant._chains import log_likelihood, swap_gain, transition_counts
from harness_plugins.in_context.lexinvariant._decoder import build
from harness_plugins.in_context.lexinvariant._lookup import LookupLaw
from harness_plugins.in_context.lexinvariant._mixtures import KeyTables, posteriors
from harness_plugins.in_context.lexinvariant._probe import Probed
from harness_plugins.in_context.lexinvariant._solvers import climb, matched, swap_gains
from harness_plugins.in_context.lexinvariant._tasks import Deciphering, Invariance, Lookup, TextDeciphering

LANGUAGE_MODELS = [BayesMixture, RecomputedMixture, SampledMixture]
LANGUAGE_MODELS += [LexinvariantTransformer, PartlyLexinvariantTransformer, StandardTransformer, ProbedTransformer]
DECIPHERERS = [BayesMixture, SampledMixture, HillClimbing, FrequencyMatching, ProbedTransformer]


def small(kind, **others):
    return kind(**{**getattr(kind, "scales", {}).get("smoke", {}), **others})


def values(value):
    return value.values if isinstance(value, Along) else value


def rng(seed=0):
    return np.random.default_rng(seed)


def told(model, law):
    model.inform(law)
    return model


def drawn(symbols=4, length=12, batch=5, seed=0, language=0):
    law = MarkovLaw(symbols=symbols, length=length, language=language)
    return law, law.draw_enciphered(rng(seed), batch)


# The mixture over all keys


@given(st.integers(2, 5), st.integers(1, 10), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_mixture_equals_the_sum_over_permutations(symbols, length, seed):
    """p'(v | x) = sum over pi of p(pi x v) / sum over pi of p(pi x): whole sequences, no recursion."""
    law, (passages, _, _) = drawn(symbols, length, 2, seed, seed)
    initial, transitions = law.bigram()

    def joint(sequence):
        return sum(
            initial[pi[sequence[0]]] * np.prod([transitions[pi[a], pi[b]] for a, b in pairwise(sequence)])
            for pi in permutations(range(symbols))
        )

    answered = told(BayesMixture(), law).next_token_probabilities(passages.tokens, symbols)
    for tokens, laws in zip(passages.tokens.tolist(), answered, strict=True):
        expected = [joint([*tokens, v]) / joint(tokens) for v in range(symbols)]
        np.testing.assert_allclose(laws[-1], expected, atol=1e-12)


@pytest.mark.parametrize("symbols", [3, 4, 5, 6])
def test_the_recursion_equals_recomputation(symbols):
    law, (passages, _, _) = drawn(symbols, 40, 2)
    recursive, anew = (
        told(model, law).next_token_probabilities(passages.tokens, symbols)
        for model in (BayesMixture(), RecomputedMixture())
    )
    np.testing.assert_allclose(recursive, anew, atol=1e-12)


@pytest.mark.parametrize("symbols", [3, 6])
def test_the_mixture_loses_less_than_ln_v_factorial_on_every_sequence(symbols):
    law, (passages, plain, _) = drawn(symbols, 200, 50, 3)
    initial, _ = law.bigram()
    answered = told(BayesMixture(), law).next_token_probabilities(passages.tokens, symbols)

    def log_probability(laws):
        return np.log(np.take_along_axis(laws, passages.following[..., None], axis=2)).sum(axis=(1, 2))

    p = np.log(initial[plain[:, 0]]) + log_probability(passages.truth)
    mixture = -log(symbols) + log_probability(answered)
    assert (p - mixture).max() <= log(factorial(symbols)) + 1e-9  # all but one key may be ruled out: rounding


@pytest.mark.parametrize("symbols", [3, 4, 5, 6])
def test_the_mixture_stays_within_the_bound(symbols):
    """The theorem's, and the stronger one with ln V! in place of V ln V, by many standard errors."""
    law, (passages, _, _) = drawn(symbols, 200, 100)
    answered = told(BayesMixture(), law).next_token_probabilities(passages.tokens, symbols)
    distances = np.abs(answered - passages.truth).sum(axis=2).mean(axis=0).cumsum() / np.arange(1, 201)
    bounds = np.sqrt(2 * log(factorial(symbols)) / np.arange(1, 201))
    assert (distances < bounds).all()
    assert distances[199] < 0.5 * distances[49]


@given(st.integers(2, 6), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_renaming_changes_nothing(symbols, seed):
    task = Invariance(symbols=symbols, length=15, batch=3)
    instance = task.instance(Context(seed))
    outcome = task.run(BayesMixture(), instance, Context(1))
    assert all(metric(instance, outcome) < 1e-12 for metric in task.metrics)
    np.testing.assert_array_equal(task.operation("predict", BayesMixture(), instance, Context(1)).call(), outcome)


@pytest.mark.parametrize("model", LANGUAGE_MODELS, ids=lambda model: model.__name__)
def test_language_models_are_causal_and_answer_laws(model):
    task = small(MarkovLanguage)
    instance = task.instance(Context(0))
    reader = small(model)
    before = task.run(reader, instance, Context(1))
    later = instance.tokens.copy()
    later[:, 12:] = (later[:, 12:] + 1) % 4
    after = reader.next_token_probabilities(later, 4)
    np.testing.assert_allclose(after[:, :12], before[:, :12], atol=1e-6)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_array_equal(reader.next_token_probabilities(instance.tokens, 4), before)


def test_the_posterior_finds_the_key():
    law, (passages, _, keys) = drawn(6, 400, 40)
    found = told(BayesMixture(), law).decipher(passages.tokens, 6)
    assert (found == invert(keys)).all(axis=1).mean() >= 0.9


def test_portions_of_a_batch_do_not_matter():
    """7! keys leave room for 13 sequences at once."""
    law, (passages, _, _) = drawn(7, 5, 30)
    model = told(BayesMixture(), law)
    together = model.next_token_probabilities(passages.tokens, 7)
    alone = np.concatenate([model.next_token_probabilities(row[None], 7) for row in passages.tokens])
    np.testing.assert_allclose(together, alone, atol=1e-13)


def test_a_sequence_that_is_ruled_out_is_named():
    tables = KeyTables(drawn(3)[0].bigram())
    tables.then[:] = 0.0
    with pytest.raises(ValueError, match="rules out a sequence under every key, at token 1"):
        list(posteriors(tables, np.zeros((1, 3), dtype=np.int64)))


# Keys that are sampled


@given(st.integers(2, 9), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_what_a_swap_gains(symbols, seed):
    """Both formulas against scoring anew, for every swap."""
    law, (passages, _, _) = drawn(symbols, 30, 1, seed, seed)
    bigram, tokens = law.bigram(), passages.tokens[0]
    counts, plain = transition_counts(tokens, symbols), rng(seed).permutation(symbols)
    logs = np.log(bigram.transitions)
    gains = swap_gains(counts[None], logs[plain[:, None], plain][None])[0]
    before = log_likelihood(counts, tokens[0], bigram, plain)
    for i in range(symbols):
        for j in range(symbols):
            if i != j:
                swapped = plain.copy()
                swapped[[i, j]] = plain[[j, i]]
                expected = log_likelihood(counts, tokens[0], bigram, swapped) - before
                start = np.log(bigram.initial)
                assert swap_gain.py_func(counts, tokens[0], start, logs, plain, i, j) == pytest.approx(expected)
                moved = start[swapped[tokens[0]]] - start[plain[tokens[0]]]  # solvers leave the first symbol out
                assert gains[i, j] == pytest.approx(expected - moved)


def test_sampled_keys_approach_the_exact_mixture():
    law, (passages, _, _) = drawn(5, 60, 10)
    exact = told(BayesMixture(), law)
    truth = exact.next_token_probabilities(passages.tokens, 5)
    errors = [
        np.abs(told(SampledMixture(C, 5), law).next_token_probabilities(passages.tokens, 5) - truth).sum(2).mean()
        for C in (8, 800)
    ]
    assert 4 * errors[1] < errors[0]
    found = told(SampledMixture(200, 5), law).decipher(passages.tokens, 5)
    assert (found == exact.decipher(passages.tokens, 5)).all(axis=1).mean() >= 0.9


def test_metropolis_keeps_the_posterior():
    """From keys of the posterior, moves alone (no weights that change any more) lead to keys of the posterior."""
    law, (passages, _, _) = drawn(4, 6, 1, 5)
    *_, posterior = posteriors(KeyTables(law.bigram()), passages.tokens)
    sampled = told(SampledMixture(2000, 20), law)
    found = sampled.next_token_probabilities(passages.tokens, 4)[0, -1]
    expected = KeyTables(law.bigram()).predict(passages.tokens[:, -1], posterior)[0]
    np.testing.assert_allclose(found, expected, atol=0.03)


@given(st.integers(1, 30), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_systematic_resampling_draws_in_proportion(keys, seed):
    """Each comes as often as its weight says, or once more, or once less."""
    weights = rng(seed).dirichlet(np.full(keys, 0.3))
    counts = np.bincount(resampled(weights, rng(seed).random()), minlength=keys)
    assert counts.sum() == keys
    assert np.abs(counts - keys * weights).max() < 1 + 1e-9


# Solvers


def test_hill_climbing_ends_where_no_swap_helps():
    law, (passages, _, _) = drawn(6, 100, 8)
    logs = np.log(law.bigram().transitions)
    counts = np.stack([transition_counts(tokens, 6) for tokens in passages.tokens])
    start = matched(passages.tokens, law.bigram().initial)
    reached, scores = climb(counts, logs, start)
    under = logs[reached[:, :, None], reached[:, None, :]]
    assert swap_gains(counts, under).max() < 1e-8
    np.testing.assert_allclose(scores, (counts * under).sum(axis=(1, 2)))
    assert (scores >= (counts * logs[start[:, :, None], start[:, None, :]]).sum(axis=(1, 2)) - 1e-9).all()


def test_more_beginnings_climb_higher():
    """With all 24 keys near, the best of ten climbs is the best key."""
    law, (passages, _, _) = drawn(4, 60, 20)
    counts = np.stack([transition_counts(tokens, 4) for tokens in passages.tokens])
    logs = np.log(law.bigram().transitions)
    found = told(HillClimbing(20), law).decipher(passages.tokens, 4)
    score = [(counts[b] * logs[key[:, None], key]).sum() for b, key in enumerate(found)]
    best = [max((counts[b] * logs[np.ix_(pi, pi)]).sum() for pi in permutations(range(4))) for b in range(20)]
    np.testing.assert_allclose(score, best)


def test_frequencies_match_by_rank():
    tokens = np.array([[2, 2, 2, 0, 0, 1]])
    assert matched(tokens, np.array([0.5, 0.2, 0.3])).tolist() == [[2, 1, 0]]


# Decoders


def test_renaming_symbols_and_their_embeddings_changes_no_logit():
    """The decoder sees vectors, never numbers of symbols: exact for every draw, not on average alone."""
    model = build(5, 9, {"width": 8, "layers": 2, "heads": 2, "random_share": 1.0}, 0)
    tokens = torch.from_numpy(rng().integers(5, size=(3, 9)))
    embeddings = model.embeddings(3, torch.Generator().manual_seed(0))
    names = torch.randperm(5, generator=torch.Generator().manual_seed(1))
    renamed = torch.empty_like(embeddings)
    renamed[:, names] = embeddings
    torch.testing.assert_close(model(names[tokens], renamed)[..., names], model(tokens, embeddings))


@pytest.mark.parametrize(("share", "training", "expected"), [(1.0, False, 1.0), (0.5, True, 0.5), (0.5, False, 0.0)])
def test_the_share_of_random_embeddings(share, training, expected):
    model = build(40, 3, {"width": 4, "layers": 1, "heads": 1, "random_share": share}, 0)
    embeddings = model.embeddings(50, torch.Generator().manual_seed(0), training)
    random = (embeddings != model.table).any(dim=2).float()
    assert random.mean().item() == pytest.approx(expected, abs=0.06)
    if expected == 1.0:
        assert embeddings.std().item() == pytest.approx(1.0, abs=0.05)
        assert (embeddings[0] - embeddings[1]).abs().max() > 1  # each sequence has its own


def test_the_error_of_a_mean_over_draws_falls():
    task = Invariance(symbols=4, length=20, batch=10)
    instance = task.instance(Context(0))
    errors = []
    for draws in (1, 64):
        model = small(LexinvariantTransformer, draws=draws, steps=40)
        errors.append(task.metrics[0](instance, task.run(model, instance, Context(1))))
    assert 0 < errors[1] < errors[0] / 4  # an eighth, but for chance


def test_learnt_embeddings_are_not_invariant():
    task = Invariance(symbols=4, length=20, batch=5, permuted=False)
    instance = task.instance(Context(0))
    outcome = task.run(small(StandardTransformer, steps=40), instance, Context(1))
    assert task.metrics[0](instance, outcome) > 0.02


def test_the_probe_leaves_the_decoder_alone():
    decoder = build(5, 9, {"width": 8, "layers": 1, "heads": 2, "random_share": 1.0}, 0)
    model = Probed(decoder, 0)
    tokens = torch.from_numpy(rng().integers(5, size=(3, 9)))
    model(tokens, decoder.embeddings(3, torch.Generator().manual_seed(0))).sum().backward()
    assert all(parameter.grad is None for parameter in decoder.parameters())
    assert all(parameter.grad is not None for parameter in model.probe.parameters())


# Tasks


@given(st.integers(2, 6), st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_lookup_sequences(pairs, assignments, seed):
    law = LookupLaw(length=2 * pairs + 7, pairs=pairs, assignments=assignments)
    for passages in (law.draw(rng(seed), 6), law.draw_training(rng(seed), 6)):
        for tokens, following, truth, scored in zip(*passages, strict=True):
            known = {}
            for t, (token, after) in enumerate(zip(tokens.tolist(), following.tolist(), strict=True)):
                if t % 2:
                    assert not scored[t]
                    assert (np.flatnonzero(truth[t]).size, truth[t].sum()) == (pairs, pytest.approx(1))
                else:
                    assert scored[t] == (token in known)
                    assert known.setdefault(token, after) == after
                    assert truth[t].argmax() == after
                    assert truth[t, after] == 1
            assert not set(known) & set(known.values())


def test_training_has_few_assignments_and_the_test_its_own():
    law = LookupLaw(length=60, pairs=3, assignments=2)

    def assignments(passages):
        return {
            frozenset(zip(row[::2].tolist(), after[::2].tolist(), strict=True))
            for row, after in zip(passages.tokens, passages.following, strict=True)
        }

    assert len(assignments(law.draw_training(rng(), 50))) == 2
    assert len(assignments(law.draw(rng(), 50))) > 20


def test_a_model_that_looks_back_solves_lookup():
    task = Lookup()
    instance = task.instance(Context(0))
    assert task.metrics[0](instance, task.run(InContextNgram(2), instance, Context(1))) == 1.0


@pytest.mark.parametrize("model", [LexinvariantTransformer, PartlyLexinvariantTransformer, StandardTransformer])
def test_decoders_look_up_at_smoke_scale(model):
    task = small(Lookup)
    instance = task.instance(Context(0))
    outcome = task.run(small(model), instance, Context(1))
    assert all(np.isfinite(values(metric(instance, outcome))).all() for metric in task.metrics)
    np.testing.assert_array_equal(outcome, task.run(small(model), instance, Context(1)))
    assert np.abs(outcome - task.run(small(model), instance, Context(2))).max() > 1e-4


@pytest.mark.parametrize(
    ("kind", "model"),
    [(Deciphering, model) for model in DECIPHERERS]
    + [(TextDeciphering, model) for model in DECIPHERERS if model is not BayesMixture],  # it has 27! keys
)
def test_decipherers_at_smoke_scale(kind, model):
    task = small(kind)
    instance = task.instance(Context(0))
    operation = task.operation("decipher", small(model), instance, Context(1))
    operation.verify()
    outcome = task.run(small(model), instance, Context(1))
    np.testing.assert_array_equal(operation.call(), outcome)
    assert all(0 <= metric(instance, outcome) <= 1 for metric in task.metrics)


def test_metrics_of_deciphering():
    task = small(Deciphering)
    instance = task.instance(Context(0))
    right = invert(instance.keys)
    assert [metric(instance, right) for metric in task.metrics] == [1.0, 1.0]
    wrong = right.copy()
    wrong[0, [0, 1]] = right[0, [1, 0]]
    share, keys = (metric(instance, wrong) for metric in task.metrics)
    assert keys == 1 - 1 / 8
    assert share == pytest.approx(1 - np.isin(instance.passages.tokens[0], [0, 1]).sum() / instance.plain.size)


# Claims, by models that are and are not what they say

MIXTURE, LEXINVARIANT = "lexinvariant/bayes-mixture", "lexinvariant/lexinvariant-transformer"
STANDARD = "lexinvariant/standard-transformer"


def cells(task, model, name, values, role="construction"):
    """Five seeds each of cells with these settings and values, {((name, setting), ...): value}."""
    return [
        Cell(
            task,
            model,
            role,
            seed,
            {"backend": "cpu", **dict(setting)},
            "ok",
            {name: [Point(value * (1 + seed / 999))]},
        )
        for setting, value in values.items()
        for seed in range(5)
    ]


def bound_evidence(exponent, scale=1.0):
    values = {
        (("symbols", V), ("length", T), ("language", 0)): scale * sqrt(2 * V * log(V) / 25) / 2 * (T / 25) ** exponent
        for V in (3, 4, 5, 6)
        for T in (25, 50, 100, 200)
    }
    return Evidence(cells("in-context/markov-language", MIXTURE, "l1", values), {"l1": "lower"})


def invariance_evidence(largest, exponent):
    task = "lexinvariant/invariance"
    exact = {(("symbols", V),): largest for V in (3, 4, 5, 6)}
    drawn = {(("symbols", 6), ("draws", S)): 0.1 * S**exponent for S in (1, 4, 16, 64)}
    return Evidence(
        cells(task, MIXTURE, "largest-invariance-error", exact) + cells(task, LEXINVARIANT, "invariance-error", drawn),
        {"largest-invariance-error": "lower", "invariance-error": "lower"},
    )


def lookup_evidence(lexinvariant, standard):
    task, settings = "lexinvariant/lookup", ()
    return Evidence(
        cells(task, LEXINVARIANT, "accuracy", {settings: lexinvariant})
        + cells(task, STANDARD, "accuracy", {settings: standard}, "baseline"),
        {"accuracy": "higher"},
    )


def decipher_evidence(accuracy):
    values = {(("language", language),): accuracy for language in range(5)}
    return Evidence(cells("lexinvariant/deciphering", MIXTURE, "key-accuracy", values), {"key-accuracy": "higher"})


@pytest.mark.parametrize(
    ("name", "true", "broken"),
    [
        ("bound-holds", bound_evidence(-0.8), bound_evidence(-0.8, scale=3)),
        ("bound-holds", bound_evidence(-0.5), bound_evidence(-0.3)),
        ("exact-invariance", invariance_evidence(1e-16, -0.5), invariance_evidence(1e-9, -0.5)),
        ("exact-invariance", invariance_evidence(1e-16, -0.5), invariance_evidence(1e-16, -0.1)),
        ("lookup-task", lookup_evidence(0.9, 0.3), lookup_evidence(0.3, 0.9)),
        ("lookup-task", lookup_evidence(0.9, 0.3), lookup_evidence(0.9, 0.9)),
        ("decipher", decipher_evidence(0.95), decipher_evidence(0.8)),
    ],
)
def test_claims_hold_of_what_is_said_and_fail_of_what_is_not(name, true, broken):
    [claim] = [claim for claim in claims if claim.name == name]
    assert rule(claim.check, true).verdict == "held"
    assert rule(claim.check, broken).verdict == "failed"


# Bad input


@pytest.mark.parametrize("model", LANGUAGE_MODELS, ids=lambda model: model.__name__)
def test_bad_tokens_are_refused(model):
    law, (passages, _, _) = drawn()
    reader = small(model)
    if hasattr(reader, "inform"):
        reader.inform(law)
    else:
        reader.meta_train(law, Context(0))
    for tokens, symbols, complaint in (
        (passages.tokens.astype(float), 4, "array of integers"),
        (passages.tokens[:0], 4, "neither of them 0"),
        (passages.tokens[0], 4, r"must be \(B, T\)"),
        (passages.tokens + 1, 4, "symbols must lie in"),
        (passages.tokens, 5, "symbols"),
    ):
        with pytest.raises(ValueError, match=complaint):
            reader.next_token_probabilities(tokens, symbols)
        if hasattr(reader, "decipher"):
            with pytest.raises(ValueError, match=complaint):
                reader.decipher(tokens, symbols)
    with pytest.raises(ValueError, match=r"call inform first|needs meta_train first"):
        small(model).next_token_probabilities(passages.tokens, 4)


def test_longer_sequences_than_were_trained_on_are_refused():
    model = small(LexinvariantTransformer)
    model.meta_train(MarkovLaw(symbols=4, length=5), Context(0))
    with pytest.raises(ValueError, match=r"T <= 5"):
        model.next_token_probabilities(np.zeros((1, 6), dtype=np.int64), 4)


@pytest.mark.parametrize("model", [BayesMixture(), small(ProbedTransformer)], ids=repr)
def test_languages_without_keys_are_refused(model):
    with pytest.raises(TypeError, match="AutomatonLaw has none"):
        if isinstance(model, ProbedTransformer):
            model.meta_train(AutomatonLaw(), Context(0))
        else:
            model.inform(AutomatonLaw())


def test_too_many_keys_are_refused():
    task = small(CipherText)
    with pytest.raises(ValueError, match="keys of 27 symbols are too many"):
        task.run(BayesMixture(), task.instance(Context(0)), Context(1))


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: SampledMixture(keys=0), "keys must be"),
        (lambda: SampledMixture(moves=-1), "moves and seed"),
        (lambda: HillClimbing(restarts=0), "restarts must be"),
        (lambda: LookupLaw(pairs=1), "pairs must be"),
        (lambda: LookupLaw(assignments=0), "assignments 1"),
        (lambda: Lookup(length=20, pairs=10), "length must exceed"),
        (lambda: Deciphering(batch=0), "batch must be"),
        (lambda: Deciphering(symbols=1), "symbols must be"),
        (lambda: Invariance(batch=0), "batch must be"),
        (lambda: small(LexinvariantTransformer, draws=0).embedding_draws(), "draws must be"),
        (lambda: small(PartlyLexinvariantTransformer, share=1.5).meta_train(drawn()[0], Context(0)), "random_share"),
    ],
)
def test_bad_parameters_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (lambda keys: keys.astype(float), "array of integers"),
        (lambda keys: keys[:1], "must be"),
        (np.zeros_like, "deciphered alike"),
        (lambda keys: keys + 1, "does not exist"),
        (lambda keys: keys.tolist(), "not list"),
    ],
)
def test_answers_that_are_no_keys_are_invalid(answer, complaint):
    class Wrong:
        def decipher(self, tokens, vocabulary):
            return answer(np.tile(np.arange(vocabulary), (len(tokens), 1)))

    task = small(Deciphering)
    with pytest.raises(InvalidOutcomeError, match=complaint):
        task.run(Wrong(), task.instance(Context(0)), Context(1))
