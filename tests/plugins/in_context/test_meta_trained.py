"""The family's transformer and LSTM: attention against torch's, causality, training, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from harness import Context
from harness_plugins.in_context.arenas.meta_trained import Lstm, Transformer
from harness_plugins.in_context.arenas.synthetic import BooleanRegression, Regression
from harness_plugins.in_context.arenas.training import arrays, load, pace
from harness_plugins.in_context.arenas.transformer import Attention, Decoder, attend, attention_weights, initialize

MODELS = [Transformer, Lstm]
KINDS = ["softmax", "relu", "linear"]


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_softmax_attention_is_torchs(heads, T, c, seed):
    q, k, v = torch.randn(3, 2, heads, T, c, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    expected = scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(attention_weights(q, k, "softmax") @ v, expected)
    torch.testing.assert_close(attend(q, k, v, "softmax"), expected)


@pytest.mark.parametrize("kind", ["relu", "linear"])
def test_other_attention_against_a_loop(kind):
    q, k, v = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = attend(q, k, v, kind)
    for i in range(6):
        scores = [q[i] @ k[s] / 2 for s in range(i + 1)]
        weighed = [(max(score, 0 * score) if kind == "relu" else score) * v[s] for s, score in enumerate(scores)]
        torch.testing.assert_close(found[i], sum(weighed) / (i + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_decoder_reads_backwards_only(kind):
    decoder = Decoder(7, 8, 2, 2, kind)
    initialize(decoder, torch.Generator().manual_seed(0))
    h = torch.randn(3, 7, 8, generator=torch.Generator().manual_seed(1))
    later = h.clone()
    later[:, 4:] *= -1
    before, after = decoder(h), decoder(later)
    torch.testing.assert_close(after[:, :4], before[:, :4])
    assert (after[:, 4:] - before[:, 4:]).abs().max() > 1e-3
    assert len(decoder.states(h)) == 3
    torch.testing.assert_close(decoder.norm(decoder.states(h)[-1]), before)


def test_initial_weights_have_the_scale_of_their_fan_in():
    decoder = Decoder(50, 64, 8, 4)
    initialize(decoder, torch.Generator().manual_seed(0))
    weights = dict(decoder.named_parameters())
    assert weights["blocks.3.mix.qkv.weight"].std().item() == pytest.approx(1 / 8, rel=0.05)
    assert weights["blocks.3.mlp.out.weight"].std().item() == pytest.approx(1 / 16 / 4, rel=0.05)  # 16 writers
    assert weights["positions"].std().item() == pytest.approx(1, rel=0.05)
    assert weights["blocks.0.norm_mix.weight"].tolist() == [1.0] * 64
    again = Decoder(50, 64, 8, 4)
    initialize(again, torch.Generator().manual_seed(0))
    assert all(torch.equal(weight, dict(again.named_parameters())[name]) for name, weight in weights.items())


def test_weights_survive_as_arrays():
    one, other = Attention(8, 2), Attention(8, 2)
    load(other, {**arrays(one), "loss": np.zeros(3)})
    h = torch.randn(1, 4, 8)
    torch.testing.assert_close(one(h), other(h))


def test_the_pace_rises_and_falls():
    paces = [pace(step, 100) for step in range(100)]
    assert paces[0] == pytest.approx(1 / 20)
    assert max(paces) == paces[19] == 1.0
    assert paces[60] == pytest.approx(0.5, abs=0.01)
    assert paces[-1] < 0.001


def trained(kind, steps, seed=1, **parameters):
    task = Regression(d=1, n=6, batch=64)
    model = kind(layers=2, width=32, steps=steps, batch=32, learning_rate=3e-3, **parameters)
    instance = task.instance(Context(0))
    return model, instance, task.run(model, instance, Context(seed)), task.metrics[0]


@pytest.mark.parametrize("kind", MODELS)
def test_meta_training_is_determined_by_its_seed_and_causal(kind):
    model, instance, outcome, _ = trained(kind, 3)
    assert np.array_equal(outcome, trained(kind, 3)[2])
    assert not np.array_equal(outcome, trained(kind, 3, seed=2)[2])
    X, Y = instance.X.copy(), instance.Y.copy()
    X[:, 4:] += 1
    Y[:, 3:] -= 1
    np.testing.assert_allclose(model.predict(X, Y)[:, :4], outcome[:, :4], rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [*({"attention": kind} for kind in KINDS), None])
def test_meta_training_learns_to_learn(parameters):
    kind = Lstm if parameters is None else Transformer
    model, instance, outcome, mse_query = trained(kind, 1500, **(parameters or {}))
    assert mse_query(instance, outcome) < 0.25 * np.mean(instance.targets[:, -1] ** 2)
    assert model._weights["loss"].shape == (1500,)


@pytest.mark.parametrize("kind", MODELS)
def test_what_is_trained_refuses_prompts_that_do_not_fit(kind):
    task = Regression(**Regression.scales["smoke"])
    model = kind(**kind.scales["smoke"])
    instance = task.instance(Context(0))
    with pytest.raises(ValueError, match="needs meta_train"):
        model.predict(instance.X, instance.Y)
    task.run(model, instance, Context(1))
    long = Regression(d=3, n=9, batch=2).instance(Context(0))
    with pytest.raises(ValueError, match="trained on n <= 6, d = 3"):
        model.predict(long.X, long.Y)
    shorter = Regression(d=3, n=2, batch=2).instance(Context(0))
    assert model.predict(shorter.X, shorter.Y).shape == (2, 3)


def test_other_laws_are_trained_on_too():
    task = BooleanRegression(**BooleanRegression.scales["smoke"])
    outcome = task.run(Transformer(**Transformer.scales["smoke"]), task.instance(Context(0)), Context(1))
    assert outcome.shape == (8, 7)


@pytest.mark.parametrize("wrong", [{"width": 7}, {"heads": 0}, {"layers": 0}, {"attention": "hard"}])
def test_bad_hyperparameters_are_refused(wrong):
    task = Regression(**Regression.scales["smoke"])
    with pytest.raises(ValueError, match=r"divide|at least|there are"):
        task.run(Transformer(**{**Transformer.scales["smoke"], **wrong}), task.instance(Context(0)), Context(1))
