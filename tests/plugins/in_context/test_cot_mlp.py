"""Filtering and learning step by step against planted networks; trained transformers; what learns without the chain."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, RidgeCV

from harness import Along, Context, InvalidOutcomeError
from harness.checks.evidence import Cell, Evidence, Point
from harness.checks.ruling import rule
from harness_plugins.in_context.cot_mlp import (
    AdamMlp,
    CotFilterOls,
    CotIoTransformer,
    CotITransformer,
    IclTransformer,
    LinearRidge,
    RandomFeatureRidge,
    claims,
)
from harness_plugins.in_context.cot_mlp._baselines import PENALTIES, random_features, ridge
from harness_plugins.in_context.cot_mlp._filter import Filter, Slots
from harness_plugins.in_context.cot_mlp._regression import descend, least_squares
from harness_plugins.in_context.cot_mlp._tasks import Answered, ChainLaw, Chains, MlpChain, crossing, shown, unroll
from harness_plugins.in_context.cot_mlp._transformer import ChainTransformer, build, meta_train

TINY = {"layers": 1, "width": 8, "heads": 2, "steps": 5, "batch": 4}
TRAINED = [CotIoTransformer, CotITransformer, IclTransformer]
MODELS = [
    CotFilterOls(),
    CotFilterOls("indexing"),
    CotFilterOls(solver="gradient-descent", steps=20),
    *(kind(**TINY) for kind in TRAINED),
    LinearRidge(),
    LinearRidge(0.0),
    RandomFeatureRidge(64),
    AdamMlp(restarts=2, steps=10),
]


def drawn(seed=0, batch=4, **sizes):
    law = ChainLaw(**{"d": 3, "n": 15, "hidden": 2, "layers": 2, **sizes})
    return law.draw(np.random.default_rng(seed), batch)


# The law


@given(st.integers(1, 5), st.integers(1, 4), st.integers(2, 4), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_chains_against_a_loop(d, k, layers, seed):
    law = ChainLaw(d, 3, k, layers)
    rng = np.random.default_rng(seed)
    weights = law.weights(rng, 2)
    chains = unroll(rng.standard_normal((2, 4, d)), weights)
    assert chains.S.shape == (2, 4, layers - 1, k)
    for b, i in np.ndindex(2, 4):
        s = chains.X[b, i]
        for step in range(layers - 1):
            s = np.array([np.sqrt(2 / k) * max(0.0, s @ weights[step][b][:, j]) for j in range(k)])
            np.testing.assert_allclose(chains.S[b, i, step], s, atol=1e-12)
        assert chains.Y[b, i] == pytest.approx(s @ weights[-1][b][:, 0])


@pytest.mark.parametrize("layers", [2, 3])
def test_labels_have_mean_0_and_variance_d(layers):
    Y = drawn(batch=20_000, d=4, n=1, hidden=8, layers=layers).Y[:, 0]
    assert abs(Y.mean()) < 5 * 2 / 141
    assert Y.var() == pytest.approx(4.0, rel=0.1)


# Filtering


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 3), st.integers(2, 4), st.integers(0, 99))
@settings(max_examples=8, deadline=None)
def test_attention_leaves_the_pairs_of_one_step_and_nothing_else(d, n, k, layers, seed):
    chains = drawn(seed, 3, d=d, n=n, hidden=k, layers=layers)
    values = [torch.from_numpy(part) for part in (chains.X, *chains.S.transpose(2, 0, 1, 3), chains.Y[..., None])]
    width = max(d, k, 1)
    filtering = Filter(n, layers, width)
    for step in range(1, layers + 1):
        known = [part[:, n] for part in values[:step]]
        h = filtering(filtering.embed([part[:, :n] for part in values], known))
        inputs, outputs, query = filtering.pairs(h, step)
        expected = torch.zeros(2, 3, n, layers + 1, width, dtype=torch.float64)
        for index, part in enumerate((values[step - 1], values[step])):
            expected[index, :, :, step, : part.shape[2]] = part[:, :n]
        torch.testing.assert_close(torch.stack([inputs, outputs]), expected.flatten(2, 3), rtol=1e-13, atol=0)
        torch.testing.assert_close(query[:, : known[-1].shape[1]], known[-1], rtol=1e-13, atol=0)
        everything = h[:, :, filtering.slots["input"].start : filtering.slots["output"].stop]
        assert (everything != 0).sum() <= (inputs != 0).sum() + (outputs != 0).sum() + (query != 0).sum()


def test_the_layers_are_their_written_weights():
    """The definition of ReLU attention on the dense matrices gives what the layers give."""
    filtering = Filter(4, 3, 3)
    chains = drawn(n=4, layers=3)
    values = [torch.from_numpy(part) for part in (chains.X, *chains.S.transpose(2, 0, 1, 3), chains.Y[..., None])]
    h = filtering.embed([part[:, :4] for part in values], [values[0][:, 4], values[1][:, 4]])
    found, weights = filtering(h), filtering.weights()
    assert set(weights) == {f"{layer}.{matrix}" for layer in ("ask", "filter") for matrix in "QKV"}
    D, T = filtering.slots.total, filtering.length
    assert weights["ask.V"].shape == (1, D, D)
    assert weights["filter.V"].shape == (3, D, D)
    for layer in ("ask", "filter"):
        Q, K, V = (weights[f"{layer}.{matrix}"] for matrix in "QKV")
        scores = torch.einsum("bid,mrd,mre,bse->bmis", h, Q, K, h).relu()
        if layer == "filter":
            assert set(scores.unique().tolist()) <= {0.0, 1.0}
        h = h + torch.einsum("bmis,mde,bse->bid", scores, V, h) / T
    torch.testing.assert_close(h, found)


@pytest.mark.parametrize(("n", "steps", "width"), [(1, 2, 1), (7, 3, 4), (20, 2, 10)])
def test_sizes_are_their_formulas(n, steps, width):
    filtering = Filter(n, steps, width)
    assert filtering.slots.total == Slots(n, steps, width).total == 3 * width + 2 * steps + n + 4
    assert filtering.length == (n + 1) * (steps + 1) - 1
    assert [layer.heads for layer in filtering.layers] == [1, 3]


def test_without_its_marks_the_filter_fails():
    """What filters are the one-hot slots: a token that claims another step is taken for one of that step."""
    filtering = Filter(3, 2, 3)
    chains = drawn(n=3)
    values = [torch.from_numpy(part) for part in (chains.X, chains.S[:, :, 0], chains.Y[..., None])]
    h = filtering.embed([part[:, :3] for part in values], [values[0][:, 3]])
    right = filtering.pairs(filtering(h), 1)[1]
    h[:, 1, filtering.slots["step"]] = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    assert not torch.allclose(filtering.pairs(filtering(h), 1)[1], right)


# Learning a step


def test_least_squares_is_scikit_learns_on_the_active_examples():
    chains = drawn(n=20, hidden=3)
    inputs, outputs = chains.X, chains.S[:, :, 0] + 0.1 * (chains.S[:, :, 0] > 0)  # not exactly solvable
    active = chains.S[:, :, 0] > 0
    found = least_squares(*(torch.from_numpy(part) for part in (inputs, outputs, active))).numpy()
    for b, q in np.ndindex(4, 3):
        rows = active[b, :, q]
        if rows.any():
            fitted = LinearRegression(fit_intercept=False).fit(inputs[b, rows], outputs[b, rows, q])
            np.testing.assert_allclose(found[b, :, q], fitted.coef_, atol=1e-9)


@given(st.integers(1, 6), st.integers(1, 10), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_too_few_active_examples_give_the_solution_of_least_norm(p, n, seed):
    rng = np.random.default_rng(seed)
    inputs, outputs = rng.standard_normal((2, n, p)), rng.standard_normal((2, n, 2))
    active = rng.random((2, n, 2)) < 0.4
    found = least_squares(*(torch.from_numpy(part) for part in (inputs, outputs, active))).numpy()
    for b, q in np.ndindex(2, 2):
        rows = active[b, :, q]
        expected = np.linalg.lstsq(inputs[b, rows], outputs[b, rows, q], rcond=None)[0] if rows.any() else np.zeros(p)
        np.testing.assert_allclose(found[b, :, q], expected, atol=1e-6)


def test_descent_tends_to_least_squares():
    chains = drawn(n=40)
    parts = [torch.from_numpy(part) for part in (chains.X, chains.S[:, :, 0], chains.S[:, :, 0] > 0)]
    exact = least_squares(*parts)
    errors = [(descend(*parts, steps) - exact).abs().max().item() for steps in (10, 100, 3000)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-6


# The construction


@pytest.mark.parametrize("filtering", ["attention", "indexing"])
@pytest.mark.parametrize("layers", [2, 3])
def test_the_planted_network_is_recovered(filtering, layers):
    law = ChainLaw(3, 60, 2, layers)
    rng = np.random.default_rng(1)
    planted = law.weights(rng, 8)
    chains = unroll(rng.standard_normal((8, 61, 3)), planted)
    model = CotFilterOls(filtering)
    prompt = shown(chains, 60)
    enough = (chains.S[:, :60] > 0).sum(1).min((1, 2)) >= 10
    assert enough.sum() >= 3
    for found, true in zip(model.recovered(*prompt), planted, strict=True):
        np.testing.assert_allclose(found[enough], true[enough], atol=1e-8)
    np.testing.assert_allclose(model.predict(*prompt)[enough], chains.Y[enough, -1], atol=1e-8)


@given(st.integers(1, 4), st.integers(1, 12), st.integers(1, 3), st.integers(2, 4), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_attention_and_indexing_are_the_same_before_anything_is_exact(d, n, k, layers, seed):
    prompt = shown(drawn(seed, 3, d=d, n=n, hidden=k, layers=layers), n)
    one, other = (CotFilterOls(filtering).predict(*prompt) for filtering in ("attention", "indexing"))
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_more_prompts_than_pass_at_once_and_the_order_of_examples():
    prompt = shown(drawn(batch=70, n=8), 8)
    answers = CotFilterOls().predict(*prompt)
    np.testing.assert_allclose(CotFilterOls().predict(*(part[64:] for part in prompt)), answers[64:], atol=1e-8)
    X, S, Y = prompt
    order = np.random.default_rng(0).permutation(8)
    turned = np.concatenate([X[:, order], X[:, -1:]], axis=1), S[:, order], Y[:, order]
    np.testing.assert_allclose(CotFilterOls().predict(*turned), answers, rtol=1e-6, atol=1e-7)


def test_exact_at_four_d_and_not_below_d():
    chains = drawn(batch=50, d=6, n=24, hidden=3)
    task = MlpChain(d=6, n=24, hidden=3, batch=50, lengths=(5,))
    outcome = task.run(CotFilterOls("indexing"), chains, Context(0))
    values = {metric.name: metric(chains, outcome) for metric in task.metrics}
    assert values["exact-share"] > 0.8
    assert values["error-curve"].values[0] > 0.05
    assert values["steps-to-half"] is None


# Trained transformers


@pytest.mark.parametrize("mode", ["icl", "cot-i", "cot-io"])
def test_training_and_prediction_read_the_same_tokens(mode):
    """Behind true steps, the prediction for the last of m + 1 examples is what training sees there."""
    law = ChainLaw(3, 5, 2, 3)
    model = build(law, {"mode": mode, "layers": 2, "width": 8, "heads": 2}, 0)
    chains = law.draw(np.random.default_rng(0), 4)
    X, S, Y = (torch.from_numpy(part).float() for part in (chains.X, chains.S, chains.Y))
    seen = model(X, S, Y)
    assert [part.shape[2] for part in seen] == ([2, 2, 1] if mode == "cot-io" else [1])
    if mode == "cot-io":  # let its own steps be the true ones
        S = S.clone()
        S[:, -1, 0] = seen[0][:, -1]
        S[:, -1, 1] = model(X, S, Y)[1][:, -1]
        seen = model(X, S, Y)
    predicted = model.predict(X, S[:, :-1], Y[:, :-1])
    torch.testing.assert_close(predicted, seen[-1][:, -1, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", TRAINED)
def test_predictions_rest_on_what_the_mode_may_see(kind):
    chains = drawn(n=6)
    X, S, Y = shown(chains, 6)
    model = kind(**TINY)
    model.meta_train(ChainLaw(3, 6, 2, 2), Context(0))
    answers = model.predict(X, S, Y)
    changed = np.abs(model.predict(X, S + 1, Y) - answers).max() > 1e-7
    assert changed == (kind is not IclTransformer)
    assert np.abs(model.predict(X, S, Y + 1) - answers).max() > 1e-7


def test_the_loss_is_the_sum_over_all_that_is_predicted():
    law = ChainLaw(3, 4, 2, 3)
    chains = law.draw(np.random.default_rng(0), 5)
    parts = [torch.from_numpy(part).float() for part in (chains.X, chains.S, chains.Y)]
    model = ChainTransformer(law, "cot-io", 1, 8, 2)
    torch.nn.init.zeros_(model.body.positions)
    for out in model.read_out:
        torch.nn.init.zeros_(out.weight)
        torch.nn.init.zeros_(out.bias)
    total, label = model.loss(*parts)
    assert label.item() == pytest.approx(np.mean(chains.Y**2), rel=1e-5)
    assert total.item() == pytest.approx(np.mean(chains.Y**2) + np.mean(np.sum(chains.S**2, axis=(2, 3))), rel=1e-5)


def trained(first, steps, seed=1):
    architecture = {"mode": "cot-io", "layers": 1, "width": 16, "heads": 2}
    curriculum = {"first": first, "growth": 2, "every": 3}
    parameters = {"law": ChainLaw(1, 4, 1), "architecture": architecture, "steps": steps, "batch": 32}
    return meta_train(**parameters, **curriculum, learning_rate=1e-2, seed=seed)["loss"]


def test_training_is_determined_by_its_seed_and_curriculum():
    one, again, other, whole = trained(2, 8), trained(2, 8), trained(2, 8, seed=2), trained(0, 8)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert one[0] != whole[0]  # two points of a prompt, and all five


def test_training_lowers_the_loss():
    losses = trained(0, 120)
    assert losses[-40:].mean() < 0.8 * losses[:40].mean()


# Without the chain


def test_ridge_chooses_as_scikit_learn_does():
    rng = np.random.default_rng(0)
    features, Y = rng.standard_normal((6, 13, 5)), rng.standard_normal((6, 12))
    Y[:3] = np.einsum("bnm,m->bn", features[:3, :-1], np.arange(5.0)) + 0.01 * Y[:3]
    answers = ridge(features, Y)
    for b in range(6):
        fitted = RidgeCV(PENALTIES, fit_intercept=False).fit(features[b, :-1], Y[b])
        assert answers[b] == pytest.approx(fitted.predict(features[b, -1:])[0], abs=1e-6)


def test_random_features_have_the_covariance_of_the_labels():
    """E y(x) y(x') over networks is the arc-cosine kernel of order 1 (Cho and Saul, 2009)."""
    X = np.random.default_rng(0).standard_normal((1, 4, 3))
    lengths = np.linalg.norm(X[0], axis=1)
    angles = np.arccos(np.clip(X[0] @ X[0].T / np.outer(lengths, lengths), -1, 1))
    kernel = np.outer(lengths, lengths) * (np.sin(angles) + (np.pi - angles) * np.cos(angles)) / np.pi
    features = random_features(X, 200_000, 0)[0]
    np.testing.assert_allclose(3 * features @ features.T, kernel, atol=0.1)
    weights = ChainLaw(3, 3, 2).weights(np.random.default_rng(1), 50_000)
    labels = unroll(np.repeat(X, 50_000, axis=0), weights).Y
    np.testing.assert_allclose(labels.T @ labels / 50_000, kernel, atol=0.2)


def test_linear_ridge_without_penalty_is_least_squares():
    X, S, Y = shown(drawn(), 15)
    for b, answer in enumerate(LinearRidge(0.0).predict(X, S, Y)):
        assert answer == pytest.approx(X[b, -1] @ np.linalg.lstsq(X[b, :-1], Y[b], rcond=None)[0])


@pytest.mark.parametrize("model", [AdamMlp(restarts=3, steps=200), RandomFeatureRidge()], ids=repr)
def test_what_is_not_linear_learns_more_than_what_is(model):
    chains = drawn(batch=40, n=60)
    prompt = shown(chains, 60)
    errors = [np.mean((one.predict(*prompt) - chains.Y[:, -1]) ** 2) for one in (model, LinearRidge())]
    assert errors[0] < 0.5 * errors[1]


@pytest.mark.parametrize("model", [LinearRidge(), RandomFeatureRidge(16), AdamMlp(restarts=1, steps=5)], ids=repr)
def test_baselines_do_not_look_at_the_chain(model):
    X, S, Y = shown(drawn(), 15)
    np.testing.assert_array_equal(model.predict(X, S, Y), model.predict(X, S + 1, Y))


# The task


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_models_enter_the_task_at_smoke_scale(model):
    task = MlpChain(**MlpChain.scales["smoke"], lengths=(1, 3, 7))
    instance = task.instance(Context(0))
    outcome = task.run(model, instance, Context(1))
    assert list(outcome.by_length) == [1, 3, 7, 12]
    again = task.run(model, instance, Context(1))
    assert all(np.array_equal(outcome.by_length[n], again.by_length[n]) for n in outcome.by_length)
    for metric in task.metrics:
        value = metric(instance, outcome)
        if value is not None:
            assert np.isfinite(value.values if isinstance(value, Along) else value).all()
    operation = task.operation("predict", model, instance, Context(1))
    operation.check(operation.call())
    np.testing.assert_allclose(operation.call(), outcome.by_length[12], rtol=1e-9)


def test_metrics_by_hand():
    X, S, Y = np.zeros((4, 3, 1)), np.zeros((4, 3, 1, 1)), np.full((4, 3), 2.0)
    instance = Chains(X, S, Y)
    by_length = {1: np.zeros(4), 2: np.array([2.0, 2.0, 2.0, 2.4])}
    task = MlpChain(d=1, n=2, hidden=1, batch=4)
    loss = np.concatenate([np.full(100, 4.0), np.full(100, 1.0)])
    values = {metric.name: metric(instance, Answered(by_length, loss)) for metric in task.metrics}
    assert values["relative-mse"] == pytest.approx(0.04 / 4)
    assert values["error-curve"].values == pytest.approx([1.0, 0.01])
    assert values["exact-share"] == 0.75
    assert values["examples-to-10-percent"] == pytest.approx(1.5)
    assert values["examples-to-1-percent"] == pytest.approx(2.0)
    assert values["steps-to-half"] == 100 + 34  # 4 - 3 j / 50 < 2 from j = 34 on


@pytest.mark.parametrize(
    ("errors", "expected"),
    [([0.05, 0.01], 4.0), ([1.0, 0.2], None), ([0.05, 1.0, 0.01, 0.001], 9.0), ([1.0, 0.0], 4.0)],
)
def test_a_curve_crosses_for_good(errors, expected):
    examples = [4, 8, 10, 20][: len(errors)]
    found = crossing(examples, np.array(errors), 0.1)
    assert found == (expected if expected is None else pytest.approx(expected, abs=0.02))


# Claims, fed models that are and are not what they should be

FILTER, NETWORK, RANDOM, COT, ICL = (
    f"cot-mlp/{name}"
    for name in ("cot-filter-ols", "adam-mlp", "random-feature-ridge", "cot-io-transformer", "icl-transformer")
)


def evidence(values):
    """Three seeds of models, with the value of one metric for each."""
    cells = [
        Cell(
            "cot-mlp/mlp-chain",
            model,
            "construction" if model in (FILTER, COT) else "baseline",
            seed,
            {"backend": "cpu"},
            "ok",
            {metric: [Point(value * (1 + 0.01 * seed))]},
        )
        for model, (metric, value) in values.items()
        for seed in range(3)
    ]
    return Evidence(cells, {metric: "lower" for metric, _ in values.values()})


@pytest.mark.parametrize(
    ("name", "metric", "good", "broken"),
    [
        ("filter-exact", "exact-share", {FILTER: 0.98}, {FILTER: 0.8}),
        (
            "sample-gap",
            "examples-to-10-percent",
            {FILTER: 20, NETWORK: 80, RANDOM: 70},
            {FILTER: 20, NETWORK: 80, RANDOM: 30},
        ),
        (
            "sample-gap",
            "examples-to-10-percent",
            {FILTER: 20, NETWORK: 80, RANDOM: 70},
            {FILTER: 60, NETWORK: 20, RANDOM: 70},
        ),
        ("trained-gap", "relative-mse", {COT: 0.1, ICL: 0.4}, {COT: 0.4, ICL: 0.1}),
    ],
)
def test_every_claim_holds_of_what_is_said_and_fails_of_what_is_not(name, metric, good, broken):
    [claim] = [claim for claim in claims if claim.name == name]
    for values, verdict in ((good, "held"), (broken, "failed")):
        results = evidence({model: (metric, value) for model, value in values.items()})
        assert rule(claim.check, results).verdict == verdict


# Bad input


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_bad_prompts_are_refused(model):
    X, S, Y = shown(drawn(), 15)
    S_nan = S.copy()
    S_nan[0, 0, 0, 0] = np.nan
    for bad, complaint in (
        ((X, S, Y[:, 1:]), "Y must be"),
        ((X, S[:, 1:], Y), "S must be"),
        ((X, S[..., 0], Y), "4 axes"),
        ((X, S.astype(int), Y), "floating-point"),
        ((X, S_nan, Y), "not finite"),
        ((X[:0], S[:0], Y[:0]), "empty"),
    ):
        with pytest.raises(ValueError, match=complaint):
            model.predict(*bad)


@pytest.mark.parametrize("kind", TRAINED)
def test_untrained_transformers_and_other_sizes_are_refused(kind):
    model = kind(**TINY)
    for act in (lambda: model.predict(*shown(drawn(), 15)), model.training_loss):
        with pytest.raises(ValueError, match="needs meta_train first"):
            act()
    model.meta_train(ChainLaw(3, 10, 2), Context(0))
    with pytest.raises(ValueError, match="trained on n <= 10"):
        model.predict(*shown(drawn(), 15))
    with pytest.raises(ValueError, match=r"hidden, layers = \[3, 2, 2\]; these prompts have 5 and \[3, 4, 2\]"):
        model.predict(*shown(drawn(hidden=4), 5))


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: ChainLaw(layers=1), "layers at least 2"),
        (lambda: ChainLaw(hidden=0), "at least 1"),
        (lambda: MlpChain(batch=0), "batch"),
        (lambda: MlpChain(lengths=(5, 3)), "lengths must rise"),
        (lambda: MlpChain(n=10, lengths=(5, 11)), "lengths must rise"),
        (lambda: CotFilterOls("guessing"), "filtering is"),
        (lambda: CotFilterOls(solver="guessing"), "solver is"),
        (lambda: CotFilterOls(steps=0), "steps"),
        (lambda: CotIoTransformer(steps=0), "steps, batch and every"),
        (lambda: CotIoTransformer(first=-1), "first and growth"),
        (lambda: RandomFeatureRidge(0).predict(*shown(drawn(), 15)), "features"),
        (lambda: AdamMlp(restarts=0).predict(*shown(drawn(), 15)), "restarts"),
        (lambda: LinearRidge(-1.0).predict(*shown(drawn(), 15)), "penalties must be >= 0"),
    ],
)
def test_bad_parameters_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


@pytest.mark.parametrize("answers", [[1.0] * 8, np.zeros(8, dtype=int), np.zeros((8, 1)), np.full(8, np.nan)])
def test_illegal_answers_are_invalid(answers):
    class Answering:
        def predict(self, X, S, Y):
            return answers

    task = MlpChain(**MlpChain.scales["smoke"])
    with pytest.raises(InvalidOutcomeError, match="answers"):
        task.run(Answering(), task.instance(Context(0)), Context(1))
