"""Transformers that compute a representation and regress on it, against ridge regression and gradient descent."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.kernel_ridge import KernelRidge as SklearnKernelRidge
from sklearn.linear_model import Ridge as SklearnRidge

from harness import Along, Context, InvalidOutcomeError
from harness.checks.evidence import Cell, Evidence, Point
from harness.checks.ruling import rule
from harness_plugins.in_context.arenas.estimators import OnlineRidge, PosteriorMean
from harness_plugins.in_context.arenas.laws.linear import LinearLaw
from harness_plugins.in_context.arenas.laws.networks import RepresentationLaw
from harness_plugins.in_context.arenas.synthetic import RepresentationRegression
from harness_plugins.in_context.icl_representations import (
    GradientDescent,
    KernelRidge,
    ProbedTransformer,
    RepresentationDynamics,
    RepresentationDynamicsTransformer,
    RepresentationProbe,
    RepresentationSelection,
    RepresentationTransformer,
    RidgeByDescent,
    RidgeSelection,
    claims,
)
from harness_plugins.in_context.icl_representations._descent import geometric_sum, prefix_weights
from harness_plugins.in_context.icl_representations._law import RepresentationDynamicsLaw
from harness_plugins.in_context.icl_representations._layers import Descent


def informed(model, law):
    model.inform(law)
    return model


def prompts(law, seed=0, batch=3):
    return law.draw(np.random.default_rng(seed), batch)[:2]


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


LAW = RepresentationLaw(3, 5, 0.1, layers=2)
MIXTURE = RepresentationLaw(2, 6, 0.1, layers=2, representations=3)
DYNAMICS = RepresentationDynamicsLaw(2, 5, layers=1, window=3)


# Gradient descent


def closed_form(phi, y, descent):
    """w_T = sum_i (1 - (1 - eta l_i)^T) / l_i <u_i, b> u_i for the Hessian's eigenvectors u_i."""
    eigenvalues, vectors = np.linalg.eigh(phi.T @ phi / len(y) + descent.penalty * np.eye(phi.shape[1]))
    grown = (1 - (1 - descent.learning_rate * eigenvalues) ** descent.steps) / eigenvalues
    return vectors @ (grown * (vectors.T @ (phi.T @ y / len(y))))


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 40), st.floats(0.01, 1), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_prefix_weights_are_the_closed_form_of_gradient_descent(D, n, steps, penalty, seed):
    rng = np.random.default_rng(seed)
    phi, y = rng.standard_normal((2, n, D)), rng.standard_normal((2, n))
    descent = Descent(0.05, penalty, steps)
    weights = prefix_weights(phi, y[..., None], descent, np.ones(n))[..., 0]
    for b in range(2):
        for i in range(1, n + 1):
            expected = closed_form(phi[b, :i], y[b, :i], descent)
            np.testing.assert_allclose(weights[b, i - 1], expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("terms", [0, 1, 2, 5, 12])
def test_a_geometric_sum_is_its_terms(terms):
    A = np.random.default_rng(0).standard_normal((2, 3, 3)) / 3
    expected = sum((np.linalg.matrix_power(A, t) for t in range(terms)), np.zeros_like(A))
    np.testing.assert_allclose(geometric_sum(A, terms), expected, atol=1e-12)


def test_steps_without_end_arrive_at_scikit_learns_ridge():
    X, Y = prompts(LAW)
    model = informed(RepresentationTransformer(steps=10**6, learning_rate=0.2, penalty=0.05), LAW)
    phi, predictions = LAW.features(X)[0], model.predict(X, Y)
    for i in range(1, 6):
        for b in range(3):
            ridge = SklearnRidge(alpha=0.05 * i, fit_intercept=False, solver="svd").fit(phi[b, :i], Y[b, :i])
            assert predictions[b, i] == pytest.approx(ridge.predict(phi[b, i : i + 1])[0], rel=1e-8)
    bayes = informed(RepresentationTransformer(steps=10**6, learning_rate=0.2), LAW).predict(X, Y)
    np.testing.assert_allclose(bayes[:, -1], LAW.posterior_mean(X, Y)[:, -1], rtol=1e-7)


# The transformer


@pytest.mark.parametrize("attention", ["causal", "full"])
@given(
    d=st.integers(2, 3), n=st.integers(1, 5), layers=st.integers(1, 2), K=st.integers(1, 3), penalty=st.floats(0, 2),
    seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=8, deadline=None)
def test_the_layers_compute_what_the_fast_path_does(attention, d, n, layers, K, penalty, seed):
    law = RepresentationLaw(d, n, 0.3, layers=layers, representations=K, which=seed)
    X, Y = prompts(law, seed)
    fast = informed(RepresentationTransformer(steps=6, penalty=penalty), law)
    dense = informed(RepresentationTransformer(steps=6, penalty=penalty, attention=attention, path="dense"), law)
    network = informed(RepresentationTransformer(steps=6, penalty=penalty), law).network(n)
    errors = np.sort(list(network.states(X, Y))[-1][:, 4::2, network.error.start : network.error.stop].numpy())
    assume((np.diff(errors) > 1e-8).all())  # ties are another matter
    np.testing.assert_allclose(dense.predict(X, Y), fast.predict(X, Y), rtol=1e-10, atol=1e-11)
    np.testing.assert_array_equal(dense.select(X, Y), fast.select(X, Y))


def test_of_equal_representations_the_first_is_chosen(monkeypatch):
    """Two that are the same: all errors tie, and the layers answer with one of them, not with both or none."""
    twice = np.repeat(LAW.matrices(), 2, axis=0)
    monkeypatch.setattr(RepresentationLaw, "matrices", lambda law: twice[: law.representations])
    X, Y = prompts(LAW)
    one, two = (
        informed(RepresentationTransformer(steps=5, path="dense"), replace(LAW, representations=K)) for K in (1, 2)
    )
    np.testing.assert_allclose(two.predict(X, Y), one.predict(X, Y), rtol=1e-10, atol=1e-11)
    np.testing.assert_array_equal(two.select(X, Y), 0)


@given(st.integers(1, 2), st.integers(1, 5), st.integers(1, 2), st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_the_layers_of_dynamics_compute_what_the_fast_path_does(d, n, layers, window, seed):
    law = RepresentationDynamicsLaw(d, n, layers=layers, window=window, which=seed)
    X, Y = prompts(law, seed)
    fast = informed(RepresentationDynamicsTransformer(steps=6), law)
    dense = informed(RepresentationDynamicsTransformer(steps=6, path="dense"), law)
    np.testing.assert_allclose(dense.next_states(X), fast.next_states(X), rtol=1e-10, atol=1e-11)
    np.testing.assert_array_equal(fast.predict(X, Y), fast.next_states(X)[..., 0])
    assert len(dense.network(n + 1).layers) == dense.depth() == layers + 6 + 3


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("attention", ["causal", "full"])
def test_size_is_by_formula(K, attention):
    law = RepresentationLaw(3, 5, layers=2, representations=K)
    model = informed(RepresentationTransformer(steps=4, attention=attention), law)
    network = model.network(5)
    assert network.D == (4 * 3 + 5 if K == 1 else 3 + 7 + K * (4 * 3 + 3)) + network.T
    assert len(network.layers) == model.depth() == 2 + 4 + (2 if K == 1 else 4)
    step = network.layers[3]
    assert step.attention.heads == (2 if K == 1 else 4 * K)
    assert all(layer is step for layer in network.layers[3:7])
    hidden = [len(layer.mlp.weights(network.D)["b_1"]) for layer in network.layers[:2]]
    assert hidden == [2 * 3 * K, 4 * 3 * K]


@pytest.mark.parametrize("attention", ["causal", "full"])
def test_attention_is_what_the_matrices_say(attention):
    """The matrices written out, applied by definition to the tokens of the whole network."""
    model = informed(RepresentationTransformer(steps=2, attention=attention), MIXTURE)
    X, Y = prompts(MIXTURE)
    network, weights = model.network(6), model.weights(6)
    states = list(network.states(X, Y))
    causal = torch.ones(13, 13, dtype=torch.float64).tril() if attention == "causal" else torch.ones(13, 13).double()
    for index, (before, after) in enumerate(pairwise(states), 1):
        h = before
        own = {name.split(".")[1]: weight for name, weight in weights.items() if name.startswith(f"layer-{index}.")}
        if "Q" in own:
            scores = torch.einsum("mrd,bid,mre,bse->bmis", own["Q"], h, own["K"], h).relu() * causal
            h = h + torch.einsum("bmis,mde,bse->bid", scores, own["V"], h) / causal.sum(1)[:, None]
        if "W_1" in own:
            h = h + (h @ own["W_1"].T + own["b_1"]).relu() @ own["W_2"].T
        torch.testing.assert_close(h, after, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("part", ["Q", "K", "V", "W_1", "W_2"])
def test_the_weights_are_what_computes(part):
    """Without one kind of matrix the answer is another: nothing runs beside the layers."""
    X, Y = prompts(LAW)
    network = informed(RepresentationTransformer(steps=3), LAW).network(5)
    *_, before = (h.clone() for h in network.states(X, Y))
    buffer = {"Q": "query_coefficients", "K": "key_coefficients", "V": "value_coefficients"}.get(part, part)
    for layer in network.layers:
        module = layer.mlp if part.startswith("W") else layer.attention
        if module is not None:
            module.get_buffer(buffer).zero_()
    *_, after = network.states(X, Y)
    assert (after - before)[:, -1, network.prediction].abs().max() > 1e-3


def test_representations_stand_where_the_layers_put_them():
    X, Y = prompts(MIXTURE)
    network = informed(RepresentationTransformer(steps=1), MIXTURE).network(6)
    states = list(islice(network.states(X, Y), 4))
    for k, phi in enumerate(MIXTURE.features(X)):
        np.testing.assert_allclose(states[2][:, 0::2, network.phi[k].start : network.phi[k].stop], phi, atol=1e-12)
        copied = states[3][:, 1::2, network.psi[k].start : network.psi[k].stop]
        np.testing.assert_allclose(copied, phi[:, :-1], atol=1e-12)
        assert (states[3][:, 0::2, network.psi[k].start : network.psi[k].stop] == 0).all()


MODELS = [
    (RepresentationTransformer(steps=4), LAW),
    (RepresentationTransformer(steps=4, path="dense"), LAW),
    (RepresentationTransformer(steps=4, path="dense", attention="full"), LAW),
    (RepresentationTransformer(steps=4), MIXTURE),
    (RepresentationTransformer(steps=4, path="dense"), MIXTURE),
    (RepresentationDynamicsTransformer(steps=4), DYNAMICS),
    (RepresentationDynamicsTransformer(steps=4, path="dense"), DYNAMICS),
    (KernelRidge(), LAW),
]


@pytest.mark.parametrize(("model", "law"), MODELS, ids=repr)
def test_models_are_causal_and_prompts_do_not_see_each_other(model, law):
    if hasattr(model, "inform"):
        model = informed(replace(model), law)
    X, Y = prompts(law)
    before = model.predict(X, Y)
    for i in range(1, Y.shape[1]):
        X_later, Y_later = X.copy(), Y.copy()
        X_later[:, i + 1 :] += 1
        Y_later[:, i:] -= 2
        after = model.predict(X_later, Y_later)
        np.testing.assert_allclose(after[:, : i + 1], before[:, : i + 1], rtol=1e-9, atol=1e-10)
    assert np.abs(before[:, 0]).max() < 1e-9
    np.testing.assert_allclose(model.predict(X[1:], Y[1:]), before[1:], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(model.predict(X, Y), before)


def test_more_prompts_than_are_worked_on_together():
    X, Y = prompts(LAW, batch=130)
    model = informed(RepresentationTransformer(steps=3), LAW)
    np.testing.assert_allclose(model.predict(X, Y)[100:], model.predict(X[100:], Y[100:]), rtol=1e-12)


def test_the_selected_representation_answers():
    law = replace(MIXTURE, n=12)
    X, Y = prompts(law, batch=8)
    model = informed(RepresentationTransformer(steps=10**5, learning_rate=0.2, penalty=0.05), law)
    chosen = model.select(X, Y).astype(int)
    assert len(set(chosen)) > 1
    for b, k in enumerate(chosen):
        phi = law.features(X)[k, b]
        ridge = SklearnRidge(alpha=0.05 * 12, fit_intercept=False, solver="svd").fit(phi[:-1], Y[b])
        assert model.predict(X, Y)[b, -1] == pytest.approx(ridge.predict(phi[-1:])[0], rel=1e-8)


def test_a_selection_by_ridge_regression_needs_a_law_and_two_examples():
    X, Y = prompts(MIXTURE, batch=2)
    with pytest.raises(ValueError, match="needs to be told a law"):
        RidgeSelection().select(X, Y)
    with pytest.raises(ValueError, match="two examples or more"):
        informed(RidgeSelection(), MIXTURE).select(X[:, :2], Y[:, :1])
    with pytest.raises(ValueError, match="penalty must be positive"):
        RidgeSelection(penalty=0.0)


# Laws and baselines


def test_dynamics_are_linear_in_the_window():
    law = RepresentationDynamicsLaw(2, 30, noise=0.0, layers=2, window=2)
    X, Y, targets = law.draw(np.random.default_rng(0), 4)
    phi = law.features(X)
    np.testing.assert_array_equal(Y, X[:, 1:, 0])
    np.testing.assert_array_equal(targets[:, :-1], Y)
    B = law.matrices()
    for b, i in ((0, 0), (1, 1), (2, 7)):
        h = np.concatenate([X[b, i], X[b, i - 1] if i else np.zeros(2)])
        for layer in B:
            h = np.where(layer @ h > 0, layer @ h, 0.01 * (layer @ h))
        np.testing.assert_allclose(phi[b, i], h, atol=1e-12)
    for b in range(4):
        w, _, rank, _ = np.linalg.lstsq(phi[b, :-1], Y[b], rcond=None)
        assert rank == 4
        np.testing.assert_allclose(phi[b] @ w, targets[b], atol=1e-9)


def test_the_posterior_mean_of_dynamics_is_ridge_and_the_transformer_reaches_it():
    law = RepresentationDynamicsLaw(2, 8, noise=0.3, layers=1, window=2)
    X, Y = prompts(law)
    phi = law.features(X)
    ridge = SklearnRidge(alpha=0.09 * 4, fit_intercept=False).fit(phi[0, :-1], Y[0])
    assert law.posterior_mean(X, Y)[0, -1] == pytest.approx(ridge.predict(phi[0, -1:])[0])
    model = informed(RepresentationDynamicsTransformer(steps=10**6, learning_rate=0.2), law)
    np.testing.assert_allclose(model.predict(X, Y)[:, -1], law.posterior_mean(X, Y)[:, -1], rtol=1e-7)


@given(st.integers(1, 4), st.integers(1, 8), st.floats(0.01, 3), st.floats(0.05, 2), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_kernel_ridge_is_scikit_learns_on_every_prefix(d, n, penalty, gamma, seed):
    X, Y = prompts(LinearLaw(d, n, 0.1), seed, 2)
    predictions = KernelRidge(penalty, gamma).predict(X, Y)
    for b in range(2):
        for i in range(1, n + 1):
            sklearn = SklearnKernelRidge(alpha=penalty, kernel="rbf", gamma=gamma).fit(X[b, :i], Y[b, :i])
            assert predictions[b, i] == pytest.approx(sklearn.predict(X[b, i : i + 1])[0], abs=1e-9)
    assert (predictions[:, 0] == 0).all()


def test_a_probed_transformers_last_state_makes_its_predictions():
    from harness_plugins.in_context.arenas._prompted import Prompted
    from harness_plugins.in_context.arenas.training import load

    model = ProbedTransformer(**ProbedTransformer.scales["smoke"])
    model.meta_train(LAW, Context(0))
    X, Y = prompts(LAW)
    states = model.states(X, Y, 9)
    assert states.shape == (2, 3, 6, 8)
    assert model.states(X, Y, 0).shape == (1, 3, 6, 8)
    network = Prompted(5, 3, **model.architecture())
    load(network, model._weights)
    with torch.inference_mode():
        read = network.head(network.body.norm(torch.from_numpy(states[-1]).float()))[..., 0]
    np.testing.assert_allclose(read, model.predict(X, Y), rtol=1e-4, atol=1e-6)


# Tasks


@pytest.mark.parametrize("model", [RepresentationTransformer(attention="full"), GradientDescent()], ids=repr)
@pytest.mark.parametrize("seed", range(2))
def test_descent_arrives_at_ridge_at_the_rate_of_theory(model, seed):
    task = RidgeByDescent(d=4, n=10, penalty=0.2)
    problem = task.instance(Context(seed))
    fitted = task.run(model, problem, Context(1))
    gap, at_query, rate, curve, layers = (metric(problem, fitted) for metric in task.metrics)
    assert gap <= 1e-6
    assert at_query < 1e-9
    assert 0.95 <= rate <= 1.2
    assert len(curve.values) == problem.steps + 1
    assert curve.values[0] == 1
    assert layers == (None if isinstance(model, GradientDescent) else 2 + problem.steps + 2)


def test_the_transformers_weights_are_gradient_descents_step_by_step():
    task = RidgeByDescent(d=3, n=6, penalty=0.5)
    problem = task.instance(Context(3))
    exact = task.run(GradientDescent(), problem, Context(1))
    for attention in ("full", "causal"):
        fitted = task.run(RepresentationTransformer(attention=attention), problem, Context(1))
        np.testing.assert_allclose(fitted.path, exact.path, rtol=1e-9, atol=1e-12)


def test_a_path_that_does_not_converge_has_no_rate():
    task = RidgeByDescent(d=2, n=4, penalty=1.0)
    problem = task.instance(Context(0))
    stuck = replace(GradientDescent().fit(problem), path=np.zeros((problem.steps + 1, 2)))
    assert task.metrics[2](problem, stuck) is None
    assert task.metrics[0](problem, stuck) == 1


@pytest.mark.parametrize("model", [RepresentationTransformer(), RidgeSelection()], ids=repr)
def test_the_right_representation_is_selected(model):
    task = RepresentationSelection(d=3, n=20, batch=64)
    choice = task.instance(Context(0))
    (accuracy,) = task.metrics
    selected = task.run(model, choice, Context(1))
    assert accuracy(choice, selected) > 0.85
    assert accuracy(choice, (selected + 1) % 3) < 0.15
    least = [
        np.argmin(
            [np.linalg.lstsq(phi[b, :20], choice.Y[b], rcond=None)[1][0] for phi in task.law().features(choice.X)]
        )
        for b in range(64)
    ]
    assert np.mean(np.array(least) == choice.used) > 0.85  # the labels are what `used` says


def test_the_probe_finds_the_layer():
    for d, layers in ((3, 1), (4, 2)):
        task = RepresentationProbe(d=d, layers=layers, batch=48)
        instance = task.instance(Context(0))
        probed = task.run(RepresentationTransformer(steps=1), instance, Context(1))
        layer, r2 = (metric(instance, probed) for metric in task.metrics)
        assert layer == layers
        assert (np.array(r2.values[layers:]) > 0.999).all()
        assert r2.values[0] < 0.9
    trained = ProbedTransformer(**ProbedTransformer.scales["smoke"])
    probed = task.run(trained, instance, Context(1))
    assert task.metrics[0](instance, probed) is None
    assert ((probed > 0) & (probed < 0.99)).all()


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        (RidgeByDescent, RepresentationTransformer(attention="full")),
        (RidgeByDescent, GradientDescent()),
        (RepresentationSelection, RepresentationTransformer(steps=5)),
        (RepresentationProbe, RepresentationTransformer(steps=5)),
        (RepresentationDynamics, RepresentationDynamicsTransformer(steps=5)),
        (RepresentationDynamics, PosteriorMean()),
        (RepresentationRegression, RepresentationTransformer(steps=5)),
        (RepresentationRegression, KernelRidge()),
    ],
)
def test_tasks_at_smoke_scale(kind, model):
    task = kind(**kind.scales["smoke"])
    instance = task.instance(Context(0))
    outcome = task.run(model, instance, Context(1))
    for metric in task.metrics:
        value = metric(instance, outcome)
        assert value is None or np.isfinite(value.values if isinstance(value, Along) else value).all()
    for name in task.operations:
        operation = task.operation(name, model, instance, Context(1))
        operation.check(operation.call())


# Claims


CONSTRUCTED = "icl-representations/representation-transformer"


def evidence(values, settings, metric, direction, models=(CONSTRUCTED,)):
    """Five seeds of each setting: `values[model]` is the metric's value."""
    cells = [
        Cell("task", model, "construction", seed, one, "ok", {metric: [Point(values[model] * (1 + 1e-4 * seed))]})
        for model in models
        for one in settings
        for seed in range(5)
    ]
    return Evidence(cells, {metric: direction})


def test_the_checks_hold_of_what_is_said_and_fail_of_what_is_not():
    checks = {claim.name: claim.check for claim in claims}
    assert list(checks) == ["construct-ridge", "beats-raw", "selection", "probe"]
    raw = "in-context/online-ridge"
    settings = [{"d": 5, "penalty": penalty} for penalty in (0.1, 1.0)]
    for own, verdict in ((0.3, "held"), (0.9, "failed")):
        seen = evidence({CONSTRUCTED: own, raw: 1.0}, settings, "mse-query", "lower", (CONSTRUCTED, raw))
        cells = [cell for cell in seen.cells if cell.model == raw or cell.settings["penalty"] == 0.1]
        cells = [cell if cell.model == raw else replace(cell, settings={"d": 5}) for cell in cells]
        assert rule(checks["beats-raw"], replace(seen, cells=cells)).verdict == verdict
    for accuracy, verdict in ((0.98, "held"), (0.9, "failed")):
        seen = evidence({CONSTRUCTED: accuracy}, [{"d": 5}], "selection-accuracy", "higher")
        assert rule(checks["selection"], seen).verdict == verdict
    for late, verdict in ((0.0, "held"), (1.0, "failed")):
        cells = [
            Cell("task", CONSTRUCTED, "", 0, {"layers": L}, "ok", {"probe-layer": [Point(L + late)]}) for L in (2, 3)
        ]
        assert rule(checks["probe"], Evidence(cells, {"probe-layer": "lower"})).verdict == verdict


@pytest.mark.parametrize(
    ("rate", "gap", "verdict"), [(1.0, 1e-8, "held"), (0.5, 1e-8, "failed"), (1.0, 1e-3, "failed")]
)
def test_the_check_of_convergence(rate, gap, verdict):
    values = {"rate-ratio": [Point(rate)], "relative-gap": [Point(gap)]}
    cells = [Cell("task", CONSTRUCTED, "construction", seed, {}, "ok", values) for seed in range(3)]
    (check,) = (claim.check for claim in claims if claim.name == "construct-ridge")
    assert rule(check, Evidence(cells, {"rate-ratio": "higher", "relative-gap": "lower"})).verdict == verdict


def test_half_the_step_size_is_seen():
    """Gradient descent that is not the problem's: its rate is not the one of theory."""
    task = RidgeByDescent(d=4, n=10, penalty=0.2)
    problem = task.instance(Context(0))
    slow = GradientDescent().fit(replace(problem, learning_rate=problem.learning_rate / 4))
    rate = task.metrics[2](problem, slow)
    assert task.metrics[0](problem, slow) > 1e-6
    assert rate is None or rate < 0.95


# Bad input


@pytest.mark.parametrize(("model", "law"), MODELS, ids=repr)
def test_bad_prompts_are_refused(model, law, refuses_bad_prompts):
    if hasattr(model, "inform"):
        model = informed(replace(model), law)
    refuses_bad_prompts(model, *prompts(law))


def test_what_is_not_known_or_does_not_fit_is_refused():
    X, Y = prompts(LAW)
    for model in (RepresentationTransformer(), RepresentationDynamicsTransformer()):
        with pytest.raises(ValueError, match="knows no law"):
            model.predict(X, Y)
        with pytest.raises(ValueError, match="at least one layer"):
            model.inform(LinearLaw(3, 5))
    with pytest.raises(ValueError, match="at least one layer"):
        RepresentationTransformer().inform(replace(LAW, layers=0))
    for model, law in ((RepresentationTransformer(), LAW), (RepresentationDynamicsTransformer(), DYNAMICS)):
        with pytest.raises(ValueError, match="features"):
            informed(model, law).predict(np.zeros((2, 3, 4)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="meta_train first"):
        ProbedTransformer().states(X, Y, 1)
    with pytest.raises(ValueError, match=r"learning_rate \* penalty"):
        informed(RepresentationTransformer(steps=1, learning_rate=2.0, penalty=1.0), LAW).network(3)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: RepresentationTransformer(steps=-1), "steps must be"),
        (lambda: RepresentationTransformer(learning_rate=-1.0), "learning_rate must be"),
        (lambda: RepresentationTransformer(penalty=float("nan")), "penalty must be"),
        (lambda: RepresentationTransformer(path="slow"), "path is"),
        (lambda: RepresentationTransformer(attention="none"), "attention is"),
        (lambda: KernelRidge(penalty=0.0), "penalty must be"),
        (lambda: KernelRidge(gamma=-1.0), "gamma must be"),
        (lambda: RepresentationDynamicsLaw(window=0), "window must be"),
        (lambda: RepresentationDynamicsLaw(gain=0.0), "gain must be"),
        (lambda: RidgeByDescent(penalty=0.0), "penalty positive"),
        (lambda: RidgeByDescent(layers=0), "layers must be"),
        (lambda: RepresentationSelection(representations=1), "representations must be"),
        (lambda: RepresentationProbe(batch=1), "batch must be"),
    ],
)
def test_bad_parameters_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


class Wrong:
    """Answers that are none."""

    def fit(self, problem):
        return replace(GradientDescent().fit(problem), prediction=float("nan"))

    def select(self, X, Y):
        return np.full(len(X), 7.0)

    def states(self, X, Y, most):
        return np.zeros((1, 2, 3))


@pytest.mark.parametrize("kind", [RidgeByDescent, RepresentationSelection, RepresentationProbe])
def test_illegal_outcomes_are_refused(kind):
    task = kind(**kind.scales["smoke"])
    with pytest.raises(InvalidOutcomeError):
        task.run(Wrong(), task.instance(Context(0)), Context(1))


def test_raw_ridge_is_far_behind_in_the_arena():
    task = RepresentationRegression(d=4, n=16, noise=0.1, layers=2, batch=64)
    instance = task.instance(Context(0))
    own, bayes, raw = (
        task.metrics[0](instance, task.run(model, instance, Context(1)))
        for model in (RepresentationTransformer(), PosteriorMean(), OnlineRidge(0.1))
    )
    assert own < 0.5 * raw
    assert own < 3 * bayes
