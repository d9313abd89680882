"""The transformer that trains deep networks, against backpropagation written anew, autograd, and its own matrices."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Context
from harness_plugins.in_context._constructed import GatedAttention, ReluAttention, ReluMlp
from harness_plugins.in_context.icl_deep_gd import (
    ExactGradientDescent,
    ReluTransformer,
    SoftmaxTransformer,
    TrainNetwork,
)
from harness_plugins.in_context.icl_deep_gd._layout import Layout
from harness_plugins.in_context.icl_deep_gd._problem import Descent, initial_weights
from harness_plugins.in_context.icl_deep_gd._reference import curvature, gradient, loss, outputs, step
from harness_plugins.in_context.icl_deep_gd._softmax import Mlp, SoftmaxAttention, SoftmaxDescent
from harness_plugins.in_context.icl_deep_gd._sums import CONSTANT, IDENTITY, Activation
from harness_plugins.in_context.icl_deep_gd._transformer import DescentTransformer

ACTIVATIONS = [Activation(), Activation("relu", 0.2, 0.1), Activation("relu", 0.1, 0.0), Activation("tanh")]
WIDTHS = [(4, 5, 1), (4, 5, 5, 1), (3, 4, 4, 4, 1), (3, 4, 4, 4, 4, 4, 1)]


def evaluate(terms, t):
    """Sum of c relu(a t + b), of the shape of t (a NumPy array)."""
    return sum(c * np.maximum(a * t + b, 0) for c, a, b in terms)


def problem(widths, n=6, batch=2, seed=0):
    """Inputs of examples and query, labels, weights, as tensors."""
    rng = np.random.default_rng(seed)
    w = np.stack([initial_weights(widths, rng) for _ in range(batch)])
    arrays = rng.standard_normal((batch, n + 1, widths[0])), rng.standard_normal((batch, n, widths[-1])), w
    return tuple(map(torch.from_numpy, arrays))


def backpropagate(layout, descent, terms, X, Y, w):
    """Forward pass, slopes, residuals, gradients by pre-activations, new weights of one prompt, the sums standing in.

    In NumPy, from the textbook: p and slope and s have one array (n, d_j) for each layer.
    """
    value, slope_of = descent.activation.value_terms(terms), descent.activation.slope_terms(terms)
    V = [matrix.numpy() for matrix in layout.matrices(w)]
    p, slopes = [X.numpy()], []
    for j, matrix in enumerate(V, 1):
        z = p[-1] @ matrix.T
        p.append(evaluate(IDENTITY if j == layout.N else value, z))
        slopes.append(evaluate(CONSTANT if j == layout.N else slope_of, z))
    u = p[-1] - Y.numpy()
    s = [slopes[-1] * u]
    for matrix, slope in zip(V[:0:-1], slopes[-2::-1], strict=True):
        s.insert(0, slope * (s[0] @ matrix))
    moved = [
        np.clip(matrix - descent.learning_rate * after.T @ before / len(X), -descent.box, descent.box)
        for matrix, after, before in zip(V, s, p, strict=False)
    ]
    return p, slopes, u, s, torch.from_numpy(np.concatenate([matrix.ravel() for matrix in moved]))


def through(weights, h):
    """One layer by its written-out matrices: h (B, T, D) -> (B, T, D)."""
    if "W_1" in weights:
        return h + (h @ weights["W_1"].T + weights["b_1"]).clamp(min=0) @ weights["W_2"].T
    queries = torch.einsum("mrd,btd->bmtr", weights["Q"], h)
    keys = torch.einsum("mrd,btd->bmtr", weights["K"], h)
    scores = (queries @ keys.transpose(2, 3)).clamp(min=0) / h.shape[1]  # (B, M, T, T)
    attended = h + torch.einsum("bmts,mde,bse->btd", scores, weights["V"], h)
    return (weights["g"] + h @ weights["G"].T) * attended if "g" in weights else attended


def trained(transformer, X, Y, w, steps=1):
    """Weights of every prompt after some steps."""
    *_, h = transformer.run(X, Y, w, steps)
    return h[:, -1, transformer.layout.w.start : transformer.layout.w.stop]


def transformer_for(widths, n, *, terms=4, mask=100.0, path="fast", activation=None, **descent):
    return DescentTransformer(Layout(widths), Descent(activation or Activation(), **descent), n, terms, mask, path)


# Sums of ReLUs


@given(st.integers(1, 40), st.floats(0.05, 2), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_the_smooth_relu_is_off_by_delta_over_8_h_squared(terms, delta, leak):
    activation = Activation("smooth-relu", delta, leak)
    t = np.linspace(-2, 3, 2001)
    exact = activation(torch.from_numpy(t)).numpy()
    error = evaluate(activation.value_terms(terms), t) - exact
    assert np.abs(error).max() <= (1 - leak) * delta / (8 * terms**2) + 1e-12
    slope = leak + (1 - leak) * np.clip(t / delta, 0, 1)
    np.testing.assert_allclose(evaluate(activation.slope_terms(terms), t), slope, atol=1e-9)


def test_the_slope_is_the_derivative():
    for activation in ACTIVATIONS:
        t = torch.linspace(-3, 3, 1001, dtype=torch.float64).requires_grad_()
        (derivative,) = torch.autograd.grad(activation(t).sum(), t)
        error = np.abs(evaluate(activation.slope_terms(64), t.detach().numpy()) - derivative.numpy())
        if activation.name == "relu":  # a jump cannot be a sum of ReLUs: wrong around it and nowhere else
            bend = t.detach().abs().numpy() < activation.delta / 2
            assert error[~bend].max() < 1e-12
            assert error[bend].max() > 0.4
        else:
            assert error.max() <= (1e-9 if activation.name == "smooth-relu" else 2 * (16 / 64) ** 2 / 8)


@pytest.mark.parametrize("terms", [8, 32, 128])
def test_tanh_is_off_by_its_curvature(terms):
    t = np.linspace(-12, 12, 5001)
    activation = Activation("tanh")
    spacing = 16 / terms
    largest_second, largest_third = 4 / (3 * np.sqrt(3)), 2.0  # of tanh'' and tanh'''
    assert np.abs(evaluate(activation.value_terms(terms), t) - np.tanh(t)).max() <= largest_second * spacing**2 / 8
    slope = 1 - np.tanh(t) ** 2
    assert np.abs(evaluate(activation.slope_terms(terms), t) - slope).max() <= largest_third * spacing**2 / 8


def test_exact_relu_is_exact():
    activation, t = Activation("relu", 0.1, 0.0), np.linspace(-2, 2, 101)
    np.testing.assert_array_equal(evaluate(activation.value_terms(1), t), np.maximum(t, 0))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(("selu",), "activation is"), (("relu", 0.0), "delta must"), (("relu", 0.1, 2.0), "leak in")],
)
def test_impossible_activations_are_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        Activation(*arguments)


# The construction


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=5),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from(ACTIVATIONS),
    st.integers(0, 99),
)
@settings(max_examples=15, deadline=None)
def test_but_for_the_sums_every_layer_is_exact(widths, n, terms, activation, seed):
    """With the same sums on both sides, backpropagation and transformer agree; any widths, several outputs too."""
    X, Y, w = problem(tuple(widths), n, 2, seed)
    transformer = transformer_for(tuple(widths), n, terms=terms, activation=activation, mask=1e3)
    expected = w
    for _ in range(3):
        rows = zip(X[:, :-1], Y, expected, strict=True)
        expected = torch.stack(
            [backpropagate(transformer.layout, transformer.descent, terms, *row)[-1] for row in rows]
        )
    torch.testing.assert_close(trained(transformer, X, Y, w, 3), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("widths", [*WIDTHS, (3, 4, 2)])
def test_each_layer_leaves_in_the_slots_what_it_is_to_compute(widths):
    X, Y, w = problem(widths, 5, 1)
    transformer = transformer_for(widths, 5)
    layout, N = transformer.layout, transformer.layout.N
    tokens = list(transformer.run(X, Y, w, 1))
    p, slopes, u, s, moved = backpropagate(layout, transformer.descent, 4, X[0, :-1], Y[0], w[0])

    def slots(behind, chosen):
        return tokens[behind - 1][0, :, chosen.start : chosen.stop].numpy()

    close = functools.partial(np.testing.assert_allclose, rtol=0, atol=1e-11)
    for j in range(1, N + 1):
        close(slots(j, layout.p[j])[:-1], p[j])
        assert not slots(j, range(layout.p[j].stop, layout.one)).any()  # nothing else yet
        close(slots(N + 1, layout.slope[j])[:-1], slopes[j - 1])
        close(slots(3 * N + 3 - j - N, layout.s[j])[:-1], s[j - 1])
    close(slots(N + 2, layout.u)[:-1], u)
    assert not slots(N + 2, layout.u)[-1].any()  # the query is masked
    close(slots(2 * N + 3, layout.w), np.broadcast_to(moved, (6, len(moved))))
    assert np.abs(slots(2 * N + 4, layout.scratch)).max() < 1e-12  # cleared for the next step
    torch.testing.assert_close(tokens[-1][..., : layout.w.start], tokens[0][..., : layout.w.start])


def test_after_the_backward_layers_the_slots_hold_autograds_gradients():
    """With r exact, s(j) is the gradient by the pre-activations of layer j."""
    widths, n = (3, 4, 4, 1), 6
    X, Y, w = problem(widths, n, 1)
    transformer = transformer_for(widths, n, activation=Activation("relu", 1e-9, 0.2))
    layout = transformer.layout
    *_, h = list(transformer.run(X, Y, w, 1))[: 2 * layout.N + 2]
    zs, p = [], X[:, :-1]
    for j, V in enumerate(layout.matrices(w), 1):
        zs.append((p @ V.transpose(1, 2)).detach().requires_grad_() if j == 1 else p @ V.transpose(1, 2))
        p = transformer.descent.activation(zs[-1]) if j < layout.N else zs[-1]
    expected = torch.autograd.grad((p - Y).square().sum() / 2, zs)
    for j in range(1, layout.N + 1):
        torch.testing.assert_close(h[:, :-1, layout.s[j].start : layout.s[j].stop], expected[j - 1])


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.name)
@pytest.mark.parametrize("widths", [(4, 5, 1), (2, 3, 3, 2)])
def test_matrices_definition_and_fast_path_are_the_same(activation, widths):
    X, Y, w = problem(widths, 4)
    fast, dense = (transformer_for(widths, 4, activation=activation, path=path) for path in ("fast", "dense"))
    layers = len(dense.layers)
    weights = dense.weights()
    assert all(weight.dtype == torch.float64 and weight.isfinite().all() for weight in weights.values())
    h = dense.layout.tokens(X, Y, w)
    for index, (one, other) in enumerate(zip(fast.run(X, Y, w, 2), dense.run(X, Y, w, 2), strict=True)):
        prefix = f"layer-{index % layers + 1}."
        h = through({name.removeprefix(prefix): weights[name] for name in weights if name.startswith(prefix)}, h)
        torch.testing.assert_close(one, h, rtol=0, atol=1e-11)
        torch.testing.assert_close(other, h, rtol=0, atol=1e-11)
    torch.testing.assert_close(fast.read(X, w), dense.read(X, w), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["layer-1.Q", "layer-2.V", "layer-3.K", "layer-4.W_2", "layer-5.K", "layer-7.V"])
def test_every_matrix_matters(name):
    """Without one of them another result comes out: nothing runs beside the weights."""
    X, Y, w = problem((4, 5, 1), 4)
    transformer = transformer_for((4, 5, 1), 4)
    weights = transformer.weights()
    weights[name] = torch.zeros_like(weights[name])
    h = transformer.layout.tokens(X, Y, w)
    for index in range(1, len(transformer.layers) + 1):
        prefix = f"layer-{index}."
        h = through({part.removeprefix(prefix): weights[part] for part in weights if part.startswith(prefix)}, h)
    slots = slice(transformer.layout.w.start, transformer.layout.w.stop)
    assert (h[:, -1, slots] - trained(transformer, X, Y, w)).abs().max() > 1e-4


@pytest.mark.parametrize("widths", [*WIDTHS, (1, 1), (2, 3, 2)])
@pytest.mark.parametrize("terms", [1, 7])
def test_the_size_is_what_the_formulas_say(widths, terms):
    n, N = 3, len(widths) - 1
    transformer = transformer_for(widths, n, terms=terms)
    units, outputs_ = sum(widths[1:]), widths[-1]
    weights = sum(a * b for a, b in itertools.pairwise(widths))
    kinds = [ReluAttention] * (N + 1) + [ReluMlp] + [GatedAttention] * N + [ReluAttention, ReluMlp]
    assert [type(layer) for layer in transformer.layers] == kinds
    assert len(kinds) == 2 * N + 4
    D = widths[0] + 2 * outputs_ + weights + 3 * units + 2
    assert transformer.layout.D == D == transformer.layout.tokens(*problem(widths, n)).shape[2]
    value, slope = (len(sums(terms)) for sums in (Activation().value_terms, Activation().slope_terms))
    assert (value, slope) == (terms + 3, 3)
    hidden = units - outputs_
    assert transformer.heads() == hidden * (value + slope) + outputs_ * (2 + 1) + 4 * units
    shapes = {name: tuple(weight.shape) for name, weight in transformer.weights().items()}
    assert shapes[f"layer-{N + 2}.W_1"] == (2 * outputs_, D)
    assert shapes[f"layer-{2 * N + 4}.W_2"] == (D, 2 * (weights + 3 * units + outputs_))


def test_tokens_have_the_known_sizes():
    assert [Layout(widths).D for widths in WIDTHS[:2]] == [51, 91]


@pytest.mark.parametrize("steps", [1, 3, 10])
@pytest.mark.parametrize("widths", WIDTHS)
def test_l_steps_take_exactly_so_many_layers(widths, steps):
    layers = list(transformer_for(widths, 4).run(*problem(widths, 4, 1), steps))
    assert len(layers) == (2 * (len(widths) - 1) + 4) * steps


@pytest.mark.parametrize("widths", WIDTHS)
def test_the_weights_follow_autograd(widths):
    """Within 1e-4 after ten steps with 32 ReLUs, and closer the more there are."""
    X, Y, w = problem(widths, 10, 3, 5)
    gaps = []
    for terms in (4, 32):
        transformer = transformer_for(widths, 10, terms=terms)
        expected = w
        for _ in range(10):
            expected = step(transformer.layout, transformer.descent, expected, X[:, :-1], Y)
        gaps.append((trained(transformer, X, Y, w, 10) - expected).norm(dim=1).max())
    assert gaps[1] < 1e-4
    assert gaps[1] < gaps[0] / 8


def forbid_autograd(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("something was differentiated")

    for owner, name in (
        *((torch.autograd, name) for name in ("grad", "backward")),
        *((torch.autograd.functional, name) for name in ("jacobian", "hessian", "vjp", "jvp")),
        *((torch.func, name) for name in ("grad", "grad_and_value", "vjp", "jvp", "jacrev", "jacfwd", "hessian")),
        (torch.Tensor, "backward"),
        (torch.Tensor, "requires_grad_"),
    ):
        monkeypatch.setattr(owner, name, refuse)


def test_the_transformer_differentiates_nothing(monkeypatch):
    task = TrainNetwork(**TrainNetwork.scales["smoke"])
    instance = task.instance(Context(0))
    forbid_autograd(monkeypatch)
    with pytest.raises(AssertionError, match="differentiated"):
        ExactGradientDescent().train(instance, Context(1))
    assert np.isfinite(ReluTransformer().train(instance, Context(1)).predictions).all()


def test_the_softmax_variant_differentiates_nothing_once_it_is_fitted(monkeypatch):
    transformer, (X, Y, w) = softmax_descent(16)
    forbid_autograd(monkeypatch)
    assert len(list(transformer.run(X, Y, w, 2))) == 8


@pytest.mark.parametrize("path", ["fast", "dense"])
def test_the_query_is_not_learnt_from(path):
    X, Y, w = problem((4, 5, 1), 6)
    transformer = transformer_for((4, 5, 1), 6, path=path)
    other = X.clone()
    other[:, -1] *= -3
    before, after = list(transformer.run(X, Y, w, 2))[-1], list(transformer.run(other, Y, w, 2))[-1]
    slots = slice(transformer.layout.w.start, transformer.layout.w.stop)
    torch.testing.assert_close(before[:, :, slots], after[:, :, slots], rtol=0, atol=1e-13)
    assert not before[:, -1, transformer.layout.y.start].any()  # its label is 0


def test_a_label_at_the_query_would_leak_through_a_small_mask():
    X, Y, w = problem((4, 5, 1), 6)
    found = {}
    for mask in (20.0, 200.0):
        transformer = transformer_for((4, 5, 1), 6, mask=mask)
        h = transformer.layout.tokens(X, Y, w)
        h[:, -1, transformer.layout.y.start] = 100.0
        for layer in transformer.layers:
            h = layer.fast(h)
        found[mask] = h[:, -1, transformer.layout.w.start : transformer.layout.w.stop] - trained(transformer, X, Y, w)
    assert found[20.0].abs().max() > 0.1
    assert found[200.0].abs().max() < 1e-12


def test_a_mask_that_is_too_small_is_an_error():
    X, Y, w = problem((4, 5, 1), 6)
    with pytest.raises(ValueError, match="mask must be above"):
        trained(transformer_for((4, 5, 1), 6, mask=1e-3), X, Y, w)


def test_weights_stay_in_the_box():
    X, Y, w = problem((4, 5, 1), 6)
    w = w.clamp(-0.3, 0.3)
    transformer = transformer_for((4, 5, 1), 6, box=0.3, learning_rate=0.5, terms=32)
    found = trained(transformer, X, Y, w, 5)
    assert found.abs().max() <= 0.3 + 1e-12
    assert (found.abs() > 0.3 - 1e-12).sum() >= 3  # some are stopped
    expected = w
    for _ in range(5):
        expected = step(transformer.layout, transformer.descent, expected, X[:, :-1], Y)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


def test_reading_is_the_forward_pass():
    X, _, w = problem((4, 5, 5, 2), 6)
    transformer = transformer_for((4, 5, 5, 2), 6, activation=Activation("relu"))
    torch.testing.assert_close(
        transformer.read(X, w), outputs(transformer.layout, transformer.descent.activation, w, X)
    )
    torch.testing.assert_close(transformer.read(X[:, :1], w), transformer.read(X, w)[:, :1])


def test_the_curvature_is_that_of_finite_differences():
    layout, activation = Layout((2, 3, 1)), Activation("tanh")
    X, Y, w = problem((2, 3, 1), 5, 1)
    largest = curvature(layout, activation, w, X[0, :-1], Y[0])
    direction = torch.randn(200, len(layout.w), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    direction /= direction.norm(dim=1, keepdim=True)
    shown = X[:, :-1].expand(200, -1, -1), Y.expand(200, -1, -1)
    ahead, behind = (gradient(layout, activation, w + sign * 1e-5 * direction, *shown) for sign in (1, -1))
    curvatures = ((ahead - behind) / 2e-5).norm(dim=1)
    assert curvatures.max() <= largest * (1 + 1e-6)
    for _ in range(60):  # power iteration
        direction = (ahead - behind) / (ahead - behind).norm(dim=1, keepdim=True)
        ahead, behind = (gradient(layout, activation, w + sign * 1e-5 * direction, *shown) for sign in (1, -1))
    assert ((ahead - behind) / 2e-5).norm(dim=1).max() == pytest.approx(largest, rel=1e-3)


def test_the_gradient_is_that_of_finite_differences():
    layout, activation = Layout((2, 3, 2)), Activation()
    X, Y, w = problem((2, 3, 2), 5, 1)
    eye = 1e-6 * torch.eye(len(layout.w), dtype=torch.float64)
    shown = X[:, :-1].expand(len(eye), -1, -1), Y.expand(len(eye), -1, -1)
    slope = (loss(layout, activation, w + eye, *shown) - loss(layout, activation, w - eye, *shown)) / 2e-6
    torch.testing.assert_close(gradient(layout, activation, w, X[:, :-1], Y)[0], slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Layout((3,)), "widths"),
        (lambda: transformer_for((2, 1), 0), "n and terms"),
        (lambda: transformer_for((2, 1), 3, terms=0), "n and terms"),
        (lambda: transformer_for((2, 1), 3, path="slow"), "path"),
        (lambda: transformer_for((2, 1), 3, mask=0.0), "mask"),
    ],
)
def test_impossible_transformers_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


def test_prompts_that_do_not_fit_are_refused():
    X, Y, w = problem((4, 5, 1), 6)
    transformer = transformer_for((4, 5, 1), 6)
    for bad in ((X[:, 1:], Y[:, 1:], w), (X[..., 1:], Y, w), (X, Y[:, 1:], w), (X, Y, w[:, 1:]), (X, Y, w[:1])):
        with pytest.raises(ValueError, match=r"must be|weights are for"):
            trained(transformer, *bad)


# The softmax variant


def softmax_descent(features, widths=(3, 4, 1), n=6, steps=5, seed=0):
    X, Y, w = (tensor[0] for tensor in problem(widths, n, 1, seed))
    generator = torch.Generator().manual_seed(seed)
    descent = Descent(Activation())
    return SoftmaxDescent(Layout(widths), descent, X[:-1], Y, w, steps, features, generator), (X, Y, w)


def test_four_layers_with_softmax_attention_are_a_step():
    transformer, (X, Y, w) = softmax_descent(16)
    assert [type(layer) for layer in transformer.layers] == [Mlp, Mlp, SoftmaxAttention, Mlp]
    assert len(list(transformer.run(X, Y, w, 5))) == 4 * 5
    h = list(transformer.run(X, Y, w, 1))[1]
    attention = transformer.layers[2]
    heads = (h @ matrix.T for matrix in (attention.Q, attention.K, attention.V))
    expected = torch.nn.functional.scaled_dot_product_attention(*heads, scale=1.0)
    torch.testing.assert_close(attention(h), h + expected)
    torch.testing.assert_close(expected, (h @ attention.V.T).mean(0, keepdim=True).expand_as(h))  # all alike


def test_the_softmax_variants_matrices_are_what_computes():
    transformer, (X, Y, w) = softmax_descent(16)
    weights = transformer.weights()
    tokens = list(transformer.run(X, Y, w, 2))
    h = tokens[3]  # behind the first step
    for index in (1, 2, 3, 4):
        part = {name.split(".")[1]: weight for name, weight in weights.items() if name.startswith(f"layer-{index}.")}
        if "V" in part:
            h = h + ((h @ part["Q"].T) @ (h @ part["K"].T).T).softmax(-1) @ h @ part["V"].T
        else:
            h = through(part, h)
        torch.testing.assert_close(h, tokens[3 + index])


def test_the_softmax_variant_clears_its_scratch_and_masks_the_query():
    transformer, (X, Y, w) = softmax_descent(16)
    first = list(transformer.run(X, Y, w, 1))
    kept = len(w) + X.shape[1] + 1 + 2  # x, y, w, 1, t
    assert first[1][:-1, kept:].any(dim=1).all()
    assert first[0][:, kept:].any()
    assert first[3][:, kept:].abs().max() < 1e-12
    assert not first[1][-1, -len(w) :].any()  # no gradient of the query
    other = X.clone()
    other[-1] += 5
    slots = slice(4, 4 + len(w))
    torch.testing.assert_close(list(transformer.run(other, Y, w, 1))[3][:, slots], first[3][:, slots])


def test_more_features_are_closer_to_gradient_descent():
    task = TrainNetwork(layers=2, d=3, hidden=3, n=6, steps=5, queries=2)
    gaps = {16: [], 256: []}
    for seed in range(3):
        instance = task.instance(Context(seed))
        for features, found in gaps.items():
            outcome = SoftmaxTransformer(features=features).train(instance, Context(seed))
            assert outcome.layers == 4 * 5
            assert outcome.spread < 1e-12
            found.append(np.linalg.norm(outcome.trajectory[-1] - instance.trajectory[-1]))
    assert np.mean(gaps[256]) < 0.5 * np.mean(gaps[16])


def test_no_features_are_refused():
    with pytest.raises(ValueError, match="features must be"):
        softmax_descent(0)
