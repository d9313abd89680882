"""Planted languages under random keys: Markov chains and English docstrings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Along, Context
from harness_plugins.in_context.arenas.language_models import InContextNgram, Uniform, UnigramCounts
from harness_plugins.in_context.arenas.language_tasks import CipherText, MarkovLanguage
from harness_plugins.in_context.arenas.languages.cipher import ALPHABET, HELD_OUT, TRAINING, CipherLaw, docstrings
from harness_plugins.in_context.arenas.languages.markov import MarkovLaw, stationary
from harness_plugins.in_context.arenas.languages.planted import Bigram, PlantedLaw, invert, rename

PARTS = {True: TRAINING, False: HELD_OUT}


def rng(seed=0):
    return np.random.default_rng(seed)


@given(st.integers(2, 9), st.integers(1, 12), st.booleans(), st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_a_key_says_what_each_symbol_stands_for(symbols, length, permuted, seed):
    law = MarkovLaw(length=length, permuted=permuted, symbols=symbols, language=seed)
    drawn = law.draw_enciphered(rng(seed), 7)
    tokens, following, truth, scored = drawn.passages
    assert tokens.shape == following.shape == scored.shape == drawn.plain.shape == (7, length)
    assert truth.shape == (7, length, symbols)
    assert scored.all()
    np.testing.assert_array_equal(np.take_along_axis(drawn.keys, drawn.plain, axis=1), tokens)
    np.testing.assert_array_equal(tokens[:, 1:], following[:, :-1])
    transitions = law.bigram().transitions
    for b in range(7):
        for t in range(length):
            plain_law = transitions[drawn.plain[b, t]]
            np.testing.assert_array_equal(truth[b, t, drawn.keys[b]], plain_law)
    if not permuted:
        np.testing.assert_array_equal(tokens, drawn.plain)


def test_renaming_back_is_no_renaming():
    passages = MarkovLaw(length=9, symbols=5).draw(rng(), 4)
    names = rng(1).permuted(np.tile(np.arange(5), (4, 1)), axis=1)
    there_and_back = rename(rename(passages, names), invert(names))
    for before, after in zip(passages, there_and_back, strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_markov_sequence_has_the_planted_frequencies():
    """Of n draws, a frequency p is off by sqrt(p (1 - p) / n): five of these here."""
    law = MarkovLaw(length=400, permuted=False, symbols=4, language=3)
    initial, transitions = law.bigram()
    passages = law.draw(rng(), 1000)
    firsts = np.bincount(passages.tokens[:, 0], minlength=4) / 1000
    np.testing.assert_array_less(np.abs(firsts - initial), 5 * np.sqrt(initial * (1 - initial) / 1000) + 1e-12)
    for symbol in range(4):
        after = passages.following[passages.tokens == symbol]
        found = np.bincount(after, minlength=4) / len(after)
        expected = transitions[symbol]
        np.testing.assert_array_less(np.abs(found - expected), 5 * np.sqrt(expected * (1 - expected) / len(after)))


@given(st.integers(2, 12), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_stationary_distribution_against_a_power(symbols, seed):
    transitions = rng(seed).dirichlet(np.ones(symbols), size=symbols)
    np.testing.assert_allclose(stationary(transitions), np.linalg.matrix_power(transitions, 2**12)[0], atol=1e-9)


def test_keys_are_uniform():
    keys = MarkovLaw(symbols=3, length=1).draw_enciphered(rng(), 6000).keys
    _, counts = np.unique(keys, axis=0, return_counts=True)
    assert len(counts) == 6
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(6000 * (1 / 6) * (5 / 6))


def test_text_is_english():
    law = CipherLaw(length=3000, permuted=False)
    passages = law.draw(rng(), 1)
    text = "".join(ALPHABET[symbol] for symbol in passages.tokens[0])
    assert {"the", "is", "of"} <= set(text.split())
    assert "  " not in text
    frequencies = law.bigram().initial
    assert ALPHABET[frequencies[1:].argmax() + 1] == "e"
    assert frequencies.argmax() == 0
    np.testing.assert_array_equal(passages.truth.argmax(-1), passages.following)


def test_text_to_train_on_and_text_to_be_tested_on_are_of_different_modules():
    """A stretch of 60 letters of one does not come in the other."""
    law = CipherLaw(length=60, permuted=False)

    def stretches(passages):
        return {bytes(row.astype(np.uint8)) for row in passages.tokens}

    tested, trained = stretches(law.draw(rng(), 200)), stretches(law.draw_training(rng(), 200))
    assert len(tested) > 150
    assert not tested & trained
    sample = "".join(ALPHABET[symbol] for symbol in law.draw_training(rng(), 1).tokens[0])
    modules = {training: "".join(ALPHABET[c] for c in docstrings(names)) for training, names in PARTS.items()}
    assert sample in modules[True]
    assert sample not in modules[False]


def test_the_chain_of_text_is_of_its_training_text():
    """Its cross-entropy on held-out text is that of a bigram of English letters, and below that of single letters."""
    law = CipherLaw(length=500, permuted=False)
    initial, transitions = law.bigram()
    np.testing.assert_allclose(transitions.sum(1), 1)
    assert transitions.min() > 0
    passages = law.draw(rng(), 20)
    pairs = -np.log(transitions[passages.tokens, passages.following]).mean()
    singles = -np.log(initial[passages.following]).mean()
    assert pairs < singles < np.log(27)
    assert ALPHABET[transitions[ALPHABET.index("q")].argmax()] == "u"


@pytest.mark.parametrize("task", [MarkovLanguage, CipherText])
@pytest.mark.parametrize("model", [Uniform(), UnigramCounts(20), InContextNgram(2)], ids=repr)
def test_the_arenas_models_read_them_at_smoke_scale(task, model):
    small = task(**task.scales["smoke"])
    instance = small.instance(Context(0))
    outcome = small.run(model, instance, Context(1))
    for metric in small.metrics:
        value = metric(instance, outcome)
        if value is not None:
            assert np.isfinite(value.values if isinstance(value, Along) else value).all()
    assert np.array_equal(instance.tokens, small.instance(Context(0)).tokens)
    assert not np.array_equal(instance.tokens, small.instance(Context(1)).tokens)
    operation = small.operation("predict", model, instance, Context(1))
    np.testing.assert_array_equal(operation.call(), outcome)


def test_under_a_key_what_was_learnt_in_training_is_worth_nothing():
    plain, keyed = MarkovLanguage(permuted=False), MarkovLanguage()
    cross_entropies = [
        task.metrics[2](instance, task.run(UnigramCounts(), instance, Context(1)))
        for task in (plain, keyed)
        for instance in [task.instance(Context(0))]
    ]
    assert cross_entropies[0] < np.log(6) - 0.05
    assert cross_entropies[1] == pytest.approx(np.log(6), abs=0.01)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: MarkovLaw(symbols=1), "symbols must be"),
        (lambda: MarkovLaw(concentration=0.01), "concentration must be"),
        (lambda: MarkovLaw(concentration=np.nan), "concentration must be"),
        (lambda: MarkovLaw(language=-1), "language must not"),
        (lambda: MarkovLaw(length=0), "length must be"),
        (lambda: MarkovLanguage(symbols=1), "symbols must be"),
        (lambda: MarkovLanguage(batch=0), "batch must be"),
        (lambda: CipherLaw(length=10**6), "length must be at most"),
        (lambda: CipherText(length=0), "length must be"),
    ],
)
def test_bad_parameters_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


def test_missing_sources_are_named(monkeypatch, tmp_path):
    from harness_plugins.in_context.arenas.languages import cipher

    monkeypatch.setattr(cipher.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(ValueError, match="source of the standard module 'bdb' is not in"):
        cipher.docstrings("bdb no-such-module")


def test_a_planted_law_is_abstract():
    with pytest.raises(NotImplementedError):
        PlantedLaw().bigram()
    assert Bigram._fields == ("initial", "transitions")
