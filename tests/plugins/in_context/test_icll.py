"""N-gram heads against loops, the paper's counting beside the arena's, and claims that can fail."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Context
from harness.checks.evidence import Point
from harness.claims.choice import choose
from harness.claims.gather import COLUMNS, evidence
from harness.plugins import Plugins
from harness.registry.catalogue import Catalogue
from harness_plugins.in_context.arenas.language_models import InContextNgram
from harness_plugins.in_context.arenas.language_tasks import AutomatonLanguage
from harness_plugins.in_context.arenas.ngram_layer import Ngram, ngram_attention
from harness_plugins.in_context.icll import NgramLstm, NgramTransformer, RecountedNgram, paper
from harness_plugins.in_context.icll._recounted import split

SMOKE = AutomatonLanguage(**AutomatonLanguage.scales["smoke"])


# N-gram heads


def looped(tokens, n):
    T = len(tokens)
    M = np.zeros((T, T))
    for i in range(T):
        for j in range(i):
            if all(j - 1 - back >= 0 and tokens[i - back] == tokens[j - 1 - back] for back in range(n)):
                M[i, j] = 1
        M[i] /= max(1, M[i].sum())
    return M


@given(st.integers(1, 4), st.integers(1, 14), st.integers(1, 3), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_heads_look_where_a_loop_looks(n, T, V, seed):
    tokens = np.random.default_rng(seed).integers(0, V, (2, T))
    found = ngram_attention(torch.from_numpy(tokens), n)
    for b in range(2):
        np.testing.assert_allclose(found[b], looped(tokens[b], n), atol=1e-7)


def test_heads_never_look_at_or_behind_the_present_token():
    tokens = torch.zeros(1, 9, dtype=torch.int64)  # everything matches
    for n in (1, 2, 3):
        found = ngram_attention(tokens, n)[0]
        assert (found.triu(0) == 0).all()
        sums = found.sum(dim=1)
        assert sums[: n + 1].tolist() == [0.0] * (n + 1)
        torch.testing.assert_close(sums[n + 1 :], torch.ones(8 - n))


@given(st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_head_with_unit_weights_reads_off_conditional_frequencies(n, seed):
    """With one-hot states, T_0 = I and T_1 = 0 a layer answers the shares of what followed the present context."""
    tokens = np.random.default_rng(seed).integers(0, 3, (1, 30))
    layer = Ngram(3, n)
    with torch.no_grad():
        layer.found.weight.copy_(torch.eye(3))
        layer.out.weight.zero_()
        answered = layer(torch.eye(3)[tokens], torch.from_numpy(tokens)).numpy()[0]
    text = tokens[0].tolist()
    for i in range(30):
        context = text[i - n + 1 : i + 1] if i >= n - 1 else None
        followers = [text[j] for j in range(n, i) if text[j - n : j] == context]
        expected = np.bincount(followers, minlength=3) / max(1, len(followers))
        np.testing.assert_allclose(answered[i], expected, atol=1e-6)


def test_a_layer_is_what_its_equation_says():
    generator = torch.Generator().manual_seed(0)
    layer = Ngram(4, 2)
    h = torch.randn(2, 12, 4, generator=generator)
    tokens = torch.randint(0, 2, (2, 12), generator=generator)
    M = torch.stack([torch.from_numpy(looped(row.tolist(), 2)).float() for row in tokens])
    expected = torch.einsum("bij,bjv,wv->biw", M, h, layer.found.weight) + torch.einsum(
        "biv,wv->biw", h, layer.out.weight
    )
    torch.testing.assert_close(layer(h, tokens), expected)
    with pytest.raises(ValueError, match="at least 1 token"):
        Ngram(4, 0)(h, tokens)


# Counting anew


@given(st.integers(1, 4), st.integers(2, 5), st.integers(1, 30), st.booleans(), st.integers(0, 999))
@settings(max_examples=50, deadline=None)
def test_counting_all_at_once_equals_counting_anew(order, V, T, separated, seed):
    tokens = np.random.default_rng(seed).integers(0, V, (2, T))
    fast, slow = InContextNgram(order), RecountedNgram(order=order)
    fast._separator = slow._separator = V - 1 if separated else None
    laws = fast.next_token_probabilities(tokens, V)
    np.testing.assert_allclose(laws, slow.next_token_probabilities(tokens, V), atol=1e-12)
    np.testing.assert_allclose(laws.sum(axis=2), 1)


def test_splitting():
    assert split([9, 1, 2, 9, 9, 3], 9) == [[1, 2], [], [3]]
    assert split([1, 9], 9) == [[1], []]
    assert split([1, 2], None) == [[1, 2]]


def test_no_context_crosses_a_separator():
    """What came before a string has nothing to do with how it begins."""
    rng = np.random.default_rng(0)
    strings = [rng.integers(0, 4, size=rng.integers(1, 6)).tolist() for _ in range(8)]
    texts = [[x for k in order for x in (4, *strings[k])] for order in (range(8), [3, 1, 0, 2, 6, 5, 4, 7])]
    model = InContextNgram(3)
    model._separator = 4
    last = [model.next_token_probabilities(np.array([text]), 5)[0, -len(strings[7]) :] for text in texts]
    np.testing.assert_allclose(*last)


# Models and tasks


@pytest.mark.parametrize("kind", [NgramLstm, NgramTransformer, RecountedNgram])
def test_models_at_smoke_scale(kind):
    values = {**getattr(kind, "scales", {}).get("smoke", {})}
    instance = SMOKE.instance(Context(0))
    outcome, again = (SMOKE.run(kind(**values), instance, Context(1)) for _ in range(2))
    np.testing.assert_array_equal(outcome, again)
    assert outcome.shape == instance.truth.shape
    later = instance.tokens.copy()
    later[:, 20:] = 0
    model = kind(**values)
    SMOKE.run(model, instance, Context(1))
    changed = model.next_token_probabilities(later, SMOKE.law().vocabulary)
    np.testing.assert_allclose(changed[:, :20], outcome[:, :20], rtol=1e-4, atol=1e-6)


def test_heads_are_three_by_default_and_read_by_the_network():
    from harness_plugins.in_context.arenas._language_networks import build

    for model in (NgramLstm(width=8), NgramTransformer(width=8)):
        network = build(5, 20, model.architecture(), 0)
        assert [layer.n for layer in network.ngrams] == [1, 2, 3]
        tokens = torch.randint(0, 5, (2, 20), generator=torch.Generator().manual_seed(0))
        before = network(tokens)
        with torch.no_grad():
            for layer in network.ngrams:
                layer.found.weight.zero_()
        assert (network(tokens) - before).abs().max() > 1e-6


def test_bad_input_of_the_recounting_model_is_refused():
    with pytest.raises(ValueError, match="order"):
        RecountedNgram(order=0).next_token_probabilities(np.zeros((1, 3), dtype=np.int64), 3)
    for bad in (np.zeros((1, 3)), np.zeros((0, 3), dtype=np.int64), np.full((1, 3), 7)):
        with pytest.raises(ValueError, match=r"integers|neither|must lie"):
            RecountedNgram().next_token_probabilities(bad, 3)


def test_order_ladder_in_the_small():
    task = AutomatonLanguage(length=120, skipped=5, batch=150)
    instance = task.instance(Context(0))
    legal = task.metrics[-1]
    shares = [legal(instance, task.run(InContextNgram(order), instance, Context(1))) for order in (1, 2, 3)]
    assert shares[0] < shares[1] - 0.1 < shares[1] < shares[2] - 0.02 < 0.99


SUITE = """
name: tiny
matrix:
  - tasks: [in-context/automaton-language]
    models: [icll/ngram-lstm, icll/recounted-ngram, in-context/in-context-ngram, in-context/baum-welch]
"""


@pytest.mark.slow
def test_models_run_from_a_suite(harness: Callable[..., subprocess.CompletedProcess[str]], suite: Callable[..., Path]):
    ran = harness("run", str(suite(SUITE)), "--scale", "smoke", "--no-mlflow")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "4 ok" in ran.stdout


# Claims


@cache
def planned(name):
    """A claim's check, and its cells without results."""
    nothing = pa.table({column: pa.array([], pa.string()) for column in COLUMNS})
    (one,) = choose([f"icll/{name}"], Catalogue(), Plugins().backends(), "claim", pytest.fail)
    return one.claim.check, evidence(one.cases, nothing)


def judged(name, metric, value):
    """The verdict on a claim if all cells had these values: a function of a model's name, its settings and the seed."""
    check, empty = planned(name)
    cells = [
        replace(cell, status="ok", values={metric: [Point(value(cell.model, cell.settings, cell.seed))]})
        for cell in empty.cells
    ]
    directions = {"l1": "lower", "legal": "higher"}
    return check.attempt(replace(empty, cells=cells, directions=directions)).verdict


JITTER = [0.01, -0.004, 0.003, -0.012, 0.006]


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [((0.6, 0.88, 0.95), "held"), ((0.88, 0.6, 0.95), "failed"), ((0.6, 0.95, 0.88), "failed"), ((0.9,) * 3, "failed")],
)
def test_the_ladder_needs_every_rung(shares, verdict):
    found = judged("order-ladder", "legal", lambda _, settings, seed: shares[settings["order"] - 1] + JITTER[seed])
    assert found == verdict


@pytest.mark.parametrize(("distance", "verdict"), [(0.2, "held"), (0.43, "failed"), (0.6, "failed")])
def test_baum_welch_has_to_beat_two_grams_under_their_best_rule(distance, verdict):
    rules = {"ends": 0.6, "present": 0.45, "none": 0.4}
    found = judged(
        "bw-vs-ngram", "l1", lambda model, settings, seed: JITTER[seed] + rules.get(settings.get("reserve"), distance)
    )
    assert found == verdict


@pytest.mark.parametrize(("distance", "verdict"), [(0.5, "held"), (0.75, "failed"), (0.8, "failed"), (1.2, "failed")])
def test_heads_have_to_help_by_a_fifth(distance, verdict):
    found = judged(
        "ngram-heads-help",
        "l1",
        lambda model, _, seed: JITTER[seed] + (distance if model == "icll/ngram-lstm" else 0.8),
    )
    assert found == verdict


@pytest.mark.parametrize(
    ("wins", "verdict"), [([1, 1, 1, 1, 0], "held"), ([1, 1, 1, 0, 0], "failed"), ([0.5] * 5, "failed")]
)
def test_a_transformer_has_to_win_four_times_of_five(wins, verdict):
    found = judged(
        "transformer-beats-rnn",
        "l1",
        lambda model, _, seed: 0.9 - 0.1 * wins[seed] if model == "in-context/language-transformer" else 0.85,
    )
    assert found == verdict


def test_the_card_names_the_claims_of_the_paper():
    assert [claim.name for claim in paper.claims] == [
        "order-ladder",
        "bw-vs-ngram",
        "ngram-heads-help",
        "transformer-beats-rnn",
    ]
    assert {name for name, _, _ in paper.models()} == {"ngram-lstm", "ngram-transformer", "recounted-ngram"}
