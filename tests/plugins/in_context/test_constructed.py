"""Layers written down slot by slot, against the same layers written out as matrices."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness_plugins.in_context._constructed import GatedAttention, Head, ReluAttention, ReluMlp

D = 6
entries = st.lists(st.tuples(st.integers(0, D - 1), st.floats(-2, 2)), min_size=1, max_size=3)


@st.composite
def heads(draw):
    query = draw(entries)
    key = draw(st.lists(st.tuples(st.integers(0, D - 1), st.floats(-2, 2)), min_size=len(query), max_size=len(query)))
    slot = st.integers(0, D - 1)
    return Head(query, key, draw(st.lists(st.tuples(slot, slot, st.floats(-2, 2)), min_size=1, max_size=3)))


def stream(batch=2, T=5, seed=0):
    return torch.randn(batch, T, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def written_out(weights, h, causal=False):
    """Bai et al., definition 1, head by head and token by token; a decoder's token sees those up to itself."""
    batch, T, _ = h.shape
    added = torch.zeros_like(h)
    for Q, K, V in zip(weights["Q"], weights["K"], weights["V"], strict=True):
        for b in range(batch):
            for i in range(T):
                sight = i + 1 if causal else T
                for s in range(sight):
                    added[b, i] += (Q @ h[b, i] @ (K @ h[b, s])).relu() * (V @ h[b, s]) / sight
    return h + added


@given(st.lists(heads(), min_size=1, max_size=4), st.booleans(), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_attention_is_what_its_matrices_say(layer, causal, seed):
    attention = ReluAttention(layer, causal=causal)
    assert attention.heads == len(layer)
    h = stream(seed=seed)
    expected = written_out(attention.weights(D), h, causal)
    torch.testing.assert_close(attention(h), expected)
    torch.testing.assert_close(attention.fast(h), expected)


@pytest.mark.parametrize(
    "head",
    [
        Head([(0, 1.5), (3, -1.0)], [(4, 1.0), (5, 0.5)], [(1, 3, 2.0)]),  # the key is shared
        Head([(4, 1.0)], [(2, -1.0)], [(0, 1, 1.0), (1, 3, -0.5)]),  # the query is shared
        Head([(4, 1.0)], [(5, 1.0)], [(2, 5, 1.0)]),  # both
        Head([(0, 1.0)], [(1, 1.0)], [(2, 3, 1.0)]),  # neither
    ],
)
def test_the_fast_path_adds_the_same_where_slots_are_shared(head):
    h = stream()
    h[..., 4:] = h[:, :1, 4:]
    attention = ReluAttention(
        [head, Head(head.key if head.key[0][0] > 3 else head.query, head.key, head.value)], (4, 5)
    )
    torch.testing.assert_close(attention.fast(h), attention(h))


def test_gates_multiply_after_attention():
    attention = ReluAttention([Head([(0, 1.0)], [(1, 1.0)], [(2, 3, 1.0)])])
    layer = GatedAttention(attention, [(2, 0), (3, 1)])
    h = stream()
    weights = layer.weights(D)
    expected = (weights["g"] + h @ weights["G"].T) * attention(h)
    torch.testing.assert_close(layer(h), expected)
    torch.testing.assert_close(layer.fast(h), expected)
    assert weights["g"].tolist() == [1, 1, 0, 0, 1, 1]


def test_an_mlp_is_what_its_units_say():
    layer = ReluMlp(D, [([(0, 1.0), (1, -2.0)], 0.5, [(2, 3.0)]), ([(0, 1.0), (0, 1.0)], 0.0, [(2, 1.0), (5, -1.0)])])
    h = stream()
    first, second = (h[..., 0] - 2 * h[..., 1] + 0.5).relu(), (2 * h[..., 0]).relu()
    expected = h.clone()
    expected[..., 2] += 3 * first + second
    expected[..., 5] -= second
    torch.testing.assert_close(layer(h), expected)
    assert {name: tuple(weight.shape) for name, weight in layer.weights(D).items()} == {
        "W_1": (2, D),
        "b_1": (2,),
        "W_2": (D, 2),
    }
