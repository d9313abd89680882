"""The written-down transformers of the universal approximation theorem, against what they are to equal."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Context
from harness.checks.evidence import Cell, Evidence, Point
from harness.checks.verdict import Verdict
from harness_plugins.in_context.arenas.approximation import (
    NearestPrototype,
    SequenceApproximation,
    cell_centres,
    n_params,
    rms_err,
    sup_err,
)
from harness_plugins.in_context.arenas.targets import Target
from harness_plugins.in_context.single_layer_uat import (
    AttentionOnly,
    FeedForwardOnly,
    HatBasis,
    RidgeFit,
    Route,
    TrainedTransformer,
    paper,
)
from harness_plugins.in_context.single_layer_uat._models import hat_units, random_units, values_at_knots
from harness_plugins.in_context.single_layer_uat._stream import Stream
from harness_plugins.in_context.single_layer_uat._transformer import Attention

GATHER = ["slots", "heads"]
MAPS = ["sort", "times-max", "sine-of-mean", "running-mean", "waves"]


def built(model, map_="sort", T=2, d=1, seed=1, eps=0.1):
    model.build(Target(map_, T, d), eps, np.random.default_rng(seed))
    return model


def sequences(T=2, d=1, batch=9, seed=0):
    return np.random.default_rng(seed).random((batch, T, d))


def models(gather):
    return [
        HatBasis(gather, knots=5),
        RidgeFit(gather, width=60),
        Route(gather, 16),
        Route(gather, 16, sharpness=2.0),
        FeedForwardOnly(gather, width=60),
        AttentionOnly(gather, samples=100),
    ]


# The layers


@given(st.sampled_from(GATHER), st.integers(1, 5), st.integers(1, 3), st.integers(0, 4), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_attention_gathers_the_sequence_in_every_token(gather, T, d, prompt, seed):
    stream = Stream(Target("sort", T, d), gather)
    X = sequences(T, d, 4, seed)
    written = stream.transformer((), np.zeros((prompt, stream.D)))
    h = stream.attention(prompt)(written.embed(X))
    whole = stream.parts[1]
    expected = np.broadcast_to(X.reshape(4, 1, -1), (4, T, T * d))
    np.testing.assert_allclose(h[:, :T, whole], expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(h[:, :T, stream.parts[2]], np.broadcast_to(np.eye(T), (4, T, T)))


def test_attention_equals_torch():
    rng = np.random.default_rng(0)
    h, W_Q, W_K = rng.standard_normal((2, 4, 6)), rng.standard_normal((3, 2, 6)), rng.standard_normal((3, 2, 6))
    W_V = rng.standard_normal((3, 6, 6))
    attended = torch.zeros(2, 4, 6, dtype=torch.float64)
    for one in range(3):
        q, k, v = (torch.from_numpy(h @ W[one].T) for W in (W_Q, W_K, W_V))
        attended += torch.nn.functional.scaled_dot_product_attention(q, k, v, scale=1.0)
    np.testing.assert_allclose(Attention(W_Q, W_K, W_V)(h), h + attended.numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("gather", GATHER)
def test_units_are_idle_in_the_tokens_of_others(gather):
    """The bias leaves each token the units of its own position alone, at the corners of the cube too."""
    model = built(RidgeFit(gather, width=60), T=3)
    attention, network = model._transformer.layers
    corners = np.indices((2, 2, 2)).reshape(3, -1).T[..., None].astype(float)
    h = attention(model._transformer.embed(corners))
    active = (h @ network.W_1.T + network.b_1 > 1e-12).reshape(8, 3, 3, 20)
    for token in range(3):
        others = [position for position in range(3) if position != token]
        assert not active[:, token, others].any()
        assert active[:, token, token].any(axis=0).sum() > 10


# The whole transformers


@pytest.mark.parametrize("gather", GATHER)
@pytest.mark.parametrize(("T", "d"), [(1, 1), (2, 1), (1, 2), (2, 2)])
@pytest.mark.parametrize("index", range(6))
def test_the_quick_way_is_the_transformer(gather, T, d, index):
    model = built(models(gather)[index], "sine-of-mean", T, d)
    X = np.concatenate([sequences(T, d), np.zeros((1, T, d)), np.ones((1, T, d))])
    np.testing.assert_allclose(model.apply(X), model.forward(X), rtol=0, atol=1e-10)


@pytest.mark.parametrize("index", range(5))  # the readout of attention alone sees x_i in two different forms
def test_both_ways_to_gather_give_the_same(index):
    one, other = (built(models(gather)[index], "times-max") for gather in GATHER)
    np.testing.assert_allclose(one.apply(sequences()), other.apply(sequences()), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["layer-0.W_V", "layer-1.W_1", "layer-1.W_2", "layer-1.b_1", "W_E", "places", "W_R"])
def test_the_weights_are_what_computes(name):
    """Without any one kind of weight the answer is another: nothing runs beside them."""
    model, X = built(RidgeFit(width=60)), sequences()
    before = model.forward(X)
    model.weights()[name][...] = 0.0
    assert np.abs(model.forward(X) - before).max() > 1e-3


@pytest.mark.parametrize(("gather", "T", "d"), [("slots", 2, 1), ("slots", 3, 2), ("heads", 2, 1), ("heads", 3, 2)])
def test_sizes_are_as_stated(gather, T, d):
    n = T * d
    inputs = n if gather == "slots" else d
    D = inputs + n + T + 1 + d
    heads, embeddings = (1, T) if gather == "slots" else (T, 1)
    common = embeddings * D * d + T * D + d * D
    attention = heads * (2 * D + D * D)
    hat, ridge, route = HatBasis(gather, knots=4), RidgeFit(gather, width=20 * T), Route(gather, 2**n)
    for model in (hat, ridge, route):
        built(model, T=T, d=d)
    for model, width in ((hat, T * n * 4), (ridge, 20 * T)):
        assert model.weights()["layer-1.W_1"].shape == (width, D)
        assert model.n_params() == common + attention + width * (2 * D + 1)
    wide = D + 3 * n + 1
    look_up = 2 * (n + 1) * wide + wide**2
    gathering = heads * (2 * wide + wide**2)
    rest = embeddings * wide * d + T * wide + d * wide + 2**n * wide
    assert route.n_params() == rest + gathering + look_up + 2 * n * (2 * wide + 1)
    assert [name for name in hat.weights() if name.startswith("layer")] == [
        *(f"layer-0.W_{part}" for part in "QKV"),
        *(f"layer-1.{part}" for part in ("W_1", "b_1", "W_2")),
    ]  # one layer of attention, one network


# Hats


@pytest.mark.parametrize("knots", [2, 3, 9])
@pytest.mark.parametrize("map_", MAPS)
def test_hats_reproduce_any_map_of_one_number_at_the_knots(map_, knots):
    model = built(HatBasis(knots=knots), map_, T=1)
    X = np.linspace(0, 1, knots)[:, None, None]
    np.testing.assert_allclose(model.forward(X), Target(map_, 1)(X), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("map_", "T", "d"), [("running-mean", 3, 2), ("waves", 2, 2), ("running-mean", 2, 1)])
def test_hats_reproduce_sums_of_functions_of_one_number_at_the_knots(map_, T, d):
    model, target = built(HatBasis(knots=5), map_, T, d), Target(map_, T, d)
    X = np.random.default_rng(0).integers(0, 5, (40, T, d)) / 4
    np.testing.assert_allclose(model.forward(X), target(X), rtol=0, atol=1e-12)
    between = sequences(T, d, 200)
    assert np.abs(model.apply(between) - target(between)).max() <= target.lipschitz / (2 * 4)


def test_hats_are_those_of_three_units_a_knot():
    """The shared units give sum_k f_k tri(g v - k), as numpy.interp has it."""
    heights = np.random.default_rng(0).standard_normal((1, 6, 1))
    v = np.linspace(0, 1, 41)[:, None]
    t = 5 * v - np.arange(6)
    tri = np.maximum(t + 1, 0) - 2 * np.maximum(t, 0) + np.maximum(t - 1, 0)
    np.testing.assert_allclose(hat_units(heights)(v)[:, 0], tri @ heights[0, :, 0], atol=1e-12)
    np.testing.assert_allclose(tri @ heights[0, :, 0], np.interp(v[:, 0], np.arange(6) / 5, heights[0, :, 0]))


def test_hats_choose_their_knots_by_eps():
    model, target = built(HatBasis(), "waves", T=1, eps=0.05), Target("waves", 1)
    X = np.random.default_rng(0).random((2000, 1, 1))
    assert np.abs(model.apply(X) - target(X)).max() <= 0.05
    assert len(values_at_knots(target, 3)) == 1


def test_products_of_hats_are_no_partition_of_unity():
    """What the docstring says of bumps relu(sum of hats - (n - 1)): their sum is 1 at knots, 0 at the centres."""

    def total(v, g=4):
        t = v[:, None] * g - np.arange(g + 1)  # (n, g+1)
        hats = np.maximum(1 - np.abs(t), 0)
        return np.maximum(hats[0][:, None] + hats[1][None] - 1, 0).sum()

    assert total(np.array([0.25, 0.75])) == pytest.approx(1)
    assert total(np.array([0.125, 0.625])) == pytest.approx(0)


# Routing


@pytest.mark.parametrize(("T", "d", "P"), [(2, 1, 49), (3, 1, 27), (1, 2, 25)])
@pytest.mark.parametrize("map_", MAPS)
def test_sharp_routing_equals_the_nearest_neighbour(map_, T, d, P):
    rng = np.random.default_rng(0)
    target, g = Target(map_, T, d), round(P ** (1 / (T * d)))
    cells = rng.integers(0, g, (60, T, d))
    X = (cells + 0.5 + 0.49 * (2 * rng.random((60, T, d)) - 1)) / g  # 1 % of a cell away from where two are as near
    table = built(NearestPrototype(P), map_, T, d)
    route = built(Route(prototypes=P, sharpness=1e4), map_, T, d)
    np.testing.assert_allclose(route.apply(X), table.apply(X), rtol=0, atol=1e-12)
    np.testing.assert_allclose(route.forward(X[:5]), table.apply(X[:5]), rtol=0, atol=1e-10)
    centres = cell_centres(g, target)
    np.testing.assert_allclose(route.apply(centres), target(centres), rtol=0, atol=1e-12)


@given(st.floats(0.5, 200), st.integers(1, 5), st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_routing_is_a_softmax_over_all_prototypes(sharpness, g, T, seed):
    target = Target("times-max", T)
    model = built(Route(prototypes=g**T, sharpness=sharpness), "times-max", T)
    X, centres = sequences(T, 1, 5, seed), cell_centres(g, target)
    squares = ((X[:, None] - centres) ** 2).sum(axis=(2, 3))  # (B, P)
    logits = -0.5 * sharpness * g**2 * squares
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = np.einsum("bp,ptd->btd", shares / shares.sum(axis=1, keepdims=True), target(centres))
    np.testing.assert_allclose(model.apply(X), expected, rtol=0, atol=1e-10)


def test_soft_routing_is_worse():
    task = SequenceApproximation("sort", points=500)
    instance = task.instance(Context(0))
    errors = [
        sup_err(instance, task.run(Route(prototypes=256, sharpness=sharpness), instance, Context(1)))
        for sharpness in (0.05, 0.5, 40.0)
    ]
    assert errors[0] > 2 * errors[1] > 2 * errors[2]
    assert errors[2] <= 1.02 / 32


@pytest.mark.parametrize("map_", MAPS)
@pytest.mark.parametrize("T", [2, 3])
def test_routing_is_as_good_as_asked_for(map_, T):
    task = SequenceApproximation(map_, T, eps=0.3, points=2000)
    instance = task.instance(Context(0))
    assert sup_err(instance, task.run(Route(), instance, Context(1))) <= 0.3


# Fits


@pytest.mark.parametrize("map_", ["sort", "times-max", "sine-of-mean", "running-mean"])
def test_the_fit_gets_better_with_width(map_):
    task = SequenceApproximation(map_, points=1000)
    instance = task.instance(Context(0))
    narrow, wide = (rms_err(instance, task.run(RidgeFit(width=width), instance, Context(1))) for width in (16, 512))
    assert wide < 1e-6 or wide < narrow / 4


def test_the_fit_is_least_squares():
    """Output weights as scikit-learn's ridge regression has them on the same features."""
    from sklearn.linear_model import Ridge

    from harness_plugins.in_context.single_layer_uat._models import fitted

    rng = np.random.default_rng(0)
    A, b = random_units(20, 2, rng)
    V, Y = rng.random((300, 2)), rng.random((300, 3))
    features = np.maximum(V @ A.T + b, 0)
    alpha = 1e-3 * np.trace(features.T @ features) / 20
    expected = Ridge(alpha=alpha, fit_intercept=False).fit(features, Y).coef_
    np.testing.assert_allclose(fitted(A, b, V, Y, 1e-3).C, expected, rtol=1e-6, atol=1e-9)


def test_without_attention_the_error_is_the_exact_floor():
    """Of x_1 max(x_1, x_2) the best function of x_1 is x_1 (1 + x_1^2) / 2, and misses by 0.0563."""
    exact = np.sqrt(2 / 9 - (1 / 3 + 2 / 5 + 1 / 7) / 4)
    assert exact == pytest.approx(0.0563, abs=1e-4)
    task = SequenceApproximation("times-max", points=10_000)
    instance = task.instance(Context(0))
    found = rms_err(instance, task.run(FeedForwardOnly(width=64, samples=256), instance, Context(1)))
    assert found == pytest.approx(exact, rel=0.03)
    model = built(FeedForwardOnly(width=64, samples=256), "times-max")
    x = np.linspace(0.05, 0.95, 19)
    answered = model.apply(np.stack([x, x[::-1]], axis=1)[..., None])[:, 0, 0]
    np.testing.assert_allclose(answered, x * (1 + x**2) / 2, atol=0.03)


def test_attention_alone_is_linear():
    mean, X, Z = Target("running-mean", 2), sequences(seed=1), sequences(seed=2)
    np.testing.assert_allclose(built(AttentionOnly(), "running-mean").apply(X), mean(X), atol=1e-10)
    model = built(AttentionOnly(), "sine-of-mean")
    np.testing.assert_allclose(model.apply((X + Z) / 2), (model.apply(X) + model.apply(Z)) / 2, atol=1e-10)


def test_the_trained_transformer_sees_all_tokens_and_learns():
    task = SequenceApproximation("running-mean", points=200)
    instance = task.instance(Context(0))
    first, later = (TrainedTransformer(width=16, heads=2, steps=steps, batch=32) for steps in (1, 40))
    untrained, outcome = (task.run(model, instance, Context(1)) for model in (first, later))
    assert rms_err(instance, outcome) < 0.7 * rms_err(instance, untrained)
    assert n_params(instance, outcome) == sum(weight.numel() for weight in later._encoder.parameters())
    X = sequences()
    moved = X.copy()
    moved[:, 1] = 1 - moved[:, 1]
    assert np.abs(later.apply(moved) - later.apply(X))[:, 0].max() > 1e-6  # the first token reads the second


# Tasks


SMOKE = [RidgeFit(width=32), HatBasis(), Route(), FeedForwardOnly(width=32), AttentionOnly(samples=50)]
SMOKE += [TrainedTransformer(**TrainedTransformer.scales["smoke"])]


@pytest.mark.parametrize("model", SMOKE, ids=lambda model: type(model).__name__)
def test_models_run_at_smoke_scale_and_repeat_themselves(model):
    task = SequenceApproximation(**SequenceApproximation.scales["smoke"])
    instance = task.instance(Context(0))
    outcome = task.run(model, instance, Context(1))
    assert all(np.isfinite(metric(instance, outcome)) for metric in task.metrics)
    np.testing.assert_array_equal(task.run(model, instance, Context(1)).Y, outcome.Y)
    operation = task.operation("apply", model, instance, Context(1))
    np.testing.assert_array_equal(operation.call(), outcome.Y)


# Bad input


@pytest.mark.parametrize("model", SMOKE, ids=lambda model: type(model).__name__)
def test_bad_sequences_are_refused(model):
    built(model)
    for X, complaint in (
        (np.zeros((3, 1, 1)), "must be"),
        (np.zeros((0, 2, 1)), "B >= 1"),
        (np.zeros((3, 2, 1), dtype=int), "floating-point"),
        (np.full((3, 2, 1), np.nan), "not numbers"),
        (np.full((3, 2, 1), -0.1), "outside"),
    ):
        for call in (model.apply, getattr(model, "forward", model.apply)):
            with pytest.raises(ValueError, match=complaint):
                call(X)


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (HatBasis(knots=1), "knots must be at least 2"),
        (HatBasis("sum"), "gather is 'sum'; there are slots, heads"),
        (RidgeFit(width=6), "raise width"),
        (RidgeFit(width=60, samples=0), "samples must be at least 1"),
        (RidgeFit(width=60, penalty=0.0), "penalty must be positive"),
        (FeedForwardOnly(width=4), "raise width"),
        (Route(prototypes=0), "prototypes must be"),
        (Route(sharpness=0.0), "sharpness must be positive"),
        (AttentionOnly(samples=0), "samples must be at least 1"),
        (TrainedTransformer(steps=0), "must be at least 1"),
        (TrainedTransformer(width=6, heads=4), "heads do not divide"),
    ],
    ids=repr,
)
def test_bad_hyperparameters_are_refused(model, complaint):
    with pytest.raises(ValueError, match=complaint):
        built(model)


# Claims


def evidence(name, value):
    """The cells of a claim with a value for each, `value(model, settings, metric)`."""
    (claim,) = [claim for claim in paper.claims if claim.name == name]
    cells = []
    for matrix in claim.cells:
        for seed in range(matrix["seeds"]):
            for entry in matrix["models"]:
                ((model, parameters),) = entry.items()
                for places in grid(matrix["tasks"][0], parameters):
                    values = {
                        metric: [Point(value(model, places, metric) * (1 + 0.01 * seed))]
                        for metric in ("sup-err", "rms-err", "n-params")
                    }
                    role = "baseline" if "only" in model else "construction"
                    task = "in-context/sequence-approximation"
                    cells.append(Cell(task, model, role, seed, places, "ok", values))
    return claim.check.attempt(Evidence(cells, {"sup-err": "lower"})).verdict


def grid(task, parameters):
    found = [{"map": "sort", "T": 2}]
    for name, values in [*next(iter(task.values())).items(), *parameters.items()]:
        every = values if isinstance(values, list) else [values]
        found = [{**one, name: value} for one in found for value in every]
    return found


def test_the_rate_can_be_missed():
    def at_rate(power):
        return lambda _, settings, __: settings["prototypes"] ** -(power / settings["T"])

    assert evidence("rate-route", at_rate(1.0)) is Verdict.HELD
    assert evidence("rate-route", at_rate(0.5)) is Verdict.FAILED
    assert evidence("rate-route", at_rate(2.0)) is Verdict.FAILED


def test_attention_can_be_found_to_be_dispensable():
    def block(error, parameters):
        return lambda model, _, metric: (
            {"rms-err": error, "n-params": parameters}.get(metric, 1.0) ** (0 if "only" in model else 1)
        )

    assert evidence("attention-needed", block(0.1, 0.9)) is Verdict.HELD
    assert evidence("attention-needed", block(0.5, 0.9)) is Verdict.FAILED
    assert evidence("attention-needed", block(0.1, 1.1)) is Verdict.FAILED


def test_eps_can_be_out_of_reach():
    assert evidence("eps-reached", lambda *_: 0.04) is Verdict.HELD
    assert evidence("eps-reached", lambda _, settings, __: 0.04 if settings["map"] == "sort" else 0.06) is (
        Verdict.FAILED
    )
    assert evidence("eps-reached", lambda _, settings, __: 0.01 if settings["width"] == 512 else 0.9) is Verdict.HELD
