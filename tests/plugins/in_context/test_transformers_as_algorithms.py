"""Stability, learnt priors and transfer: transformers as algorithms, against theory and closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.linalg import solve_discrete_lyapunov
from scipy.stats import chi2, norm

from harness import Along, Context
from harness.checks.evidence import Cell, Evidence, Point
from harness.checks.ruling import rule
from harness_plugins.in_context._kernel_ridge import prefix_predictions
from harness_plugins.in_context.arenas.estimators import Averaging, Ols, OnlineRidge, PosteriorMean, Ridge
from harness_plugins.in_context.arenas.laws.dynamics import DynamicsLaw
from harness_plugins.in_context.arenas.laws.linear import LinearLaw
from harness_plugins.in_context.arenas.meta_trained import Transformer
from harness_plugins.in_context.arenas.regression import answer
from harness_plugins.in_context.arenas.synthetic import Regression
from harness_plugins.in_context.transformers_as_algorithms import (
    BoundedTransformer,
    LearntPrior,
    ReplacementStability,
    TaskTransfer,
    UntrainedTransformer,
    WeightedRidge,
    claims,
)
from harness_plugins.in_context.transformers_as_algorithms._law import FixedTasksLaw
from harness_plugins.in_context.transformers_as_algorithms._tasks import ISOTROPIC, Answered, Replaced


def prompts(seed=0, batch=3, n=5, d=3, family="linear"):
    return LinearLaw(d, n, 0.5, family).draw(np.random.default_rng(seed), batch)[:2]


def small(model):
    """The model at the sizes of `smoke`."""
    return replace(model, **type(model).scales["smoke"])


# Closed forms: weighted ridge, its risk, system identification


@given(st.integers(1, 6), st.integers(1, 9), st.floats(0.1, 3), st.floats(0, 2), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_weighted_ridge_solves_its_equations_on_every_prefix(d, n, noise, decay, seed):
    X, Y = prompts(seed, 2, n, d)
    predictions = WeightedRidge(noise, decay).predict(X, Y)
    precision = np.diag(np.arange(1, d + 1) ** (2 * decay))
    for b in range(2):
        for i in range(n + 1):
            x, y = X[b, :i], Y[b, :i]
            w = np.linalg.solve(x.T @ x + noise**2 * precision, x.T @ y)
            assert predictions[b, i] == pytest.approx(w @ X[b, i], rel=1e-7, abs=1e-9)


def test_weighted_ridge_is_the_posterior_mean_and_scikit_learns_ridge():
    law = LinearLaw(4, 9, 0.7, "hetero-linear")
    X, Y, _ = law.draw(np.random.default_rng(0), 5)
    np.testing.assert_allclose(WeightedRidge(0.7).predict(X, Y), law.posterior_mean(X, Y), atol=1e-10)
    np.testing.assert_allclose(WeightedRidge(0.7, decay=0).predict(X, Y), Ridge(0.49).predict(X, Y), atol=1e-10)


def test_the_bayes_risk_of_one_feature_by_quadrature():
    """E (y - y_hat)^2 = s^2 + E[s^2 / (s^2 + sum x_i^2)] for w, x ~ N(0, 1), and sum x_i^2 is chi-squared."""
    noise, n = 1.0, 6
    law = LinearLaw(1, n, noise)
    X, Y, targets = law.draw(np.random.default_rng(0), 40_000)
    errors = (WeightedRidge(noise).predict(X, Y) - targets) ** 2
    for i in range(1, n + 1):
        shrunk, _ = quad(lambda s, i=i: noise**2 / (noise**2 + s) * chi2.pdf(s, i), 0, np.inf)
        standard_error = errors[:, i].std() / np.sqrt(len(errors))
        assert abs(errors[:, i].mean() - noise**2 - shrunk) < norm.ppf(0.9995) * standard_error


def test_trajectories_have_the_covariance_of_lyapunovs_equation():
    law = DynamicsLaw(2, 60, noise=0.5, radius=0.7)
    (A,) = law.matrices(np.random.default_rng(3), 1)
    states = law.trajectories(np.tile(A, (6000, 1, 1)), np.random.default_rng(4))[:, -1]
    expected = solve_discrete_lyapunov(A, 0.25 * np.eye(2))
    np.testing.assert_allclose(np.cov(states.T), expected, atol=0.06 * expected.max())


def test_a_kernel_that_is_not_positive_definite_is_refused():
    with pytest.raises(ValueError, match="not positive definite"):
        prefix_predictions(-np.ones((1, 3, 3)), np.ones((1, 2)), 0.1)
    with pytest.raises(ValueError, match="penalty must be positive"):
        prefix_predictions(np.ones((1, 3, 3)), np.ones((1, 2)), 0.0)


# A fixed set of tasks


def test_prompts_are_of_the_fixed_tasks():
    law = FixedTasksLaw(3, 8, 0.0, tasks=4, which=2)
    X, Y, _ = law.draw(np.random.default_rng(0), 60)
    fitted = np.stack([np.linalg.lstsq(X[b, :8], Y[b], rcond=None)[0] for b in range(60)])
    distances = np.linalg.norm(fitted[:, None] - law.weights(), axis=-1)  # (60, T)
    assert distances.min(axis=1).max() < 1e-9
    assert set(distances.argmin(axis=1)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(law.weights(), replace(law, n=3).weights())
    assert np.abs(law.weights() - replace(law, which=3).weights()).min() > 1e-6
    again = law.draw(np.random.default_rng(0), 60)
    np.testing.assert_array_equal(again.X, X)


def test_fixed_tasks_have_the_weights_of_the_prior():
    weights = FixedTasksLaw(3, 2, 0.1, "hetero-linear", prior=2.0, tasks=20_000).weights()
    np.testing.assert_allclose(weights.std(axis=0), [2, 1, 2 / 3], rtol=0.03)


def test_the_posterior_mean_over_fixed_tasks_by_the_rule_of_bayes():
    law = FixedTasksLaw(2, 4, 0.5, tasks=3)
    X, Y, _ = law.draw(np.random.default_rng(0), 2)
    found = law.posterior_mean(X, Y)
    for b in range(2):
        for i in range(5):
            likelihood = np.prod(norm.pdf(Y[b, :i, None], X[b, :i] @ law.weights().T, 0.5), axis=0)
            share = likelihood / likelihood.sum()
            assert found[b, i] == pytest.approx(share @ (law.weights() @ X[b, i]), rel=1e-9)
    X, Y, targets = replace(law, noise=0.0).draw(np.random.default_rng(1), 8)
    np.testing.assert_allclose(replace(law, noise=0.0).posterior_mean(X, Y)[:, -1], targets[:, -1])


def test_transfer_tests_on_tasks_that_the_training_does_not_have():
    task = TaskTransfer(d=2, n=6, noise=0.0, tasks=2, batch=20)
    instance = task.instance(Context(0))
    distances = {}
    for name, part in (("new", instance.new), ("known", instance.known)):
        fitted = np.stack([np.linalg.lstsq(part.X[b, :6], part.Y[b], rcond=None)[0] for b in range(20)])
        distances[name] = np.linalg.norm(fitted[:, None] - instance.training.weights(), axis=-1).min(axis=1)
    assert distances["known"].max() < 1e-9
    assert distances["new"].min() > 1e-3
    assert task.instance(Context(1)).training.which != instance.training.which


class Recorder:
    """Remembers what it is told and trained on, and answers the targets' mean."""

    def inform(self, law):
        self.told = law

    def meta_train(self, law, context):
        self.trained = law

    def predict(self, X, Y):
        return np.zeros(X.shape[:2])


def test_models_are_told_the_new_law_and_trained_on_the_fixed_tasks():
    task = TaskTransfer(**TaskTransfer.scales["smoke"])
    instance = task.instance(Context(0))
    model = Recorder()
    outcome = task.run(model, instance, Context(1))
    assert model.told == LinearLaw(3, 4, 1.0)
    assert model.trained == instance.training
    assert model.trained.tasks == 2
    risk, known, curve = (metric(instance, outcome) for metric in task.metrics)
    assert risk == pytest.approx(np.mean(instance.new.targets**2)) == pytest.approx(np.mean(curve.values))
    assert known == pytest.approx(np.mean(instance.known.targets**2))


# Stability


def test_exactly_one_example_is_replaced_within_the_unit_ball():
    task = ReplacementStability(d=3, m=6, batch=50)
    instance = task.instance(Context(0))
    assert (np.linalg.norm(instance.X, axis=-1) <= 1).all()
    assert (np.abs(instance.Y) <= 1).all()
    moved = (instance.X[0] != instance.X[1]).any(axis=-1)  # (B, m+1)
    np.testing.assert_array_equal(moved.sum(axis=1), 1)
    assert not moved[:, -1].any()
    assert set(moved.argmax(axis=1)) == set(range(6))
    np.testing.assert_array_equal((instance.Y[0] != instance.Y[1]), moved[:, :-1])
    for version in range(2):  # both are of the same function
        fitted = np.linalg.pinv(instance.X[version, :, :-1]) @ instance.Y[version, ..., None]
        np.testing.assert_allclose(np.linalg.norm(fitted[..., 0], axis=-1), 1, atol=1e-8)
        np.testing.assert_allclose(np.einsum("bd,bd->b", fitted[..., 0], instance.X[0, :, -1]), instance.target)


def test_stability_metrics_by_hand():
    task = ReplacementStability(d=1, m=1, batch=2)
    instance = Replaced(np.zeros((2, 2, 2, 1)), np.zeros((2, 2, 1)), np.array([1.0, 0.0]))
    outcome = Answered(np.array([[0.0, 0.5], [2.0, 1.0]]), 4.0)
    loss, prediction, share = (metric(instance, outcome) for metric in task.metrics)
    assert loss == pytest.approx((0 + 0.75) / 2)
    assert prediction == pytest.approx((2 + 0.5) / 2)
    assert share == 0.5
    assert task.metrics[2](instance, replace(outcome, bound=None)) is None


def test_averaging_is_stable_as_one_over_m():
    """Its prediction is a mean over examples, so the exponent is -1 but for noise: what the measurement is held to."""
    changes = []
    for m in (8, 32, 128):
        task = ReplacementStability(m=m, batch=2000)
        instance = task.instance(Context(m))
        changes.append(task.metrics[1](instance, task.run(Averaging(), instance, Context(1))))
    assert np.polyfit(np.log([8, 32, 128]), np.log(changes), 1)[0] == pytest.approx(-1, abs=0.05)


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 3), st.floats(0.05, 3), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_no_change_of_an_example_exceeds_the_bound(d, m, layers, gamma, seed):
    """Also not for examples as far apart as the unit ball allows."""
    rng = np.random.default_rng(seed)
    model = BoundedTransformer(layers, gamma, seed)
    X = rng.standard_normal((8, m + 1, d))
    X /= np.linalg.norm(X, axis=-1, keepdims=True)
    Y = rng.choice([-1.0, 1.0], (8, m))
    X_other, Y_other, place = X.copy(), Y.copy(), rng.integers(m)
    X_other[:, place] *= -1
    Y_other[:, place] *= -1
    change = np.abs(model.predict(X, Y) - model.predict(X_other, Y_other))[:, -1]
    assert (change <= model.change_bound(m)).all()


def test_the_bound_by_its_recursion():
    model = BoundedTransformer(layers=4, gamma=0.7)
    T, a = 2 * 9 + 1, 1.7 * np.exp(0.7)
    S, u = 4.0, 0.0
    for _ in range(4):
        S, u = (a + 0.35) * S, a * S / T + 0.35 * u
    assert model.change_bound(9) == pytest.approx(u)
    assert model.change_bound(9) / model.change_bound(99) == pytest.approx(199 / 19)


def test_attention_that_is_sharper_than_it_says_breaks_the_bound():
    """What the claim would see if the weights were not bounded."""
    task = ReplacementStability(m=48, batch=64)
    instance = task.instance(Context(0))

    class Sharp(BoundedTransformer):
        def network(self, d):
            return replace(BoundedTransformer(1, 400.0)).network(d)

    outcome = task.run(Sharp(layers=1, gamma=0.5), instance, Context(1))
    assert task.metrics[2](instance, outcome) > 1
    honest = task.run(BoundedTransformer(layers=1, gamma=0.5), instance, Context(1))
    assert 0.01 < task.metrics[2](instance, honest) < 1


def test_the_bounded_network_is_what_its_weights_say():
    model = BoundedTransformer(layers=2, gamma=0.8, which=1)
    weights = model.weights(3)
    assert set(weights) == {"readout", *(f"layer-{i}.{name}" for i in (1, 2) for name in "WVM")}
    for name, weight in weights.items():
        norm_2 = torch.linalg.matrix_norm(weight, 2) if weight.ndim == 2 else weight.norm()
        assert norm_2 == pytest.approx(0.4 if name.endswith("W") else 1)
    X, Y = (part / 9 for part in prompts(n=3))
    h = np.zeros((7, 4))
    h[0::2, :3], h[1::2, 3] = X[0], Y[0]
    for i in (1, 2):
        W, V, M = (weights[f"layer-{i}.{name}"].numpy() for name in "WVM")
        scores = np.exp(h @ W @ h.T)
        h = np.maximum(scores / scores.sum(1, keepdims=True) @ h @ V @ M, 0)
    assert model.predict(X, Y)[0, -1] == pytest.approx(h[-1] @ weights["readout"].numpy(), rel=1e-10)


def test_sharpness_multiplies_queries_and_keys_alone():
    from harness_plugins.in_context.transformers_as_algorithms._networks import initial_weights

    architecture = {"layers": 1, "width": 8, "heads": 2}
    plain, sharp = (initial_weights(4, 2, architecture, sharpness, 0) for sharpness in (1.0, 5.0))
    (name,) = (name for name in plain if name.endswith("qkv.weight"))
    np.testing.assert_allclose(sharp[name][:16], 5 * plain[name][:16])
    assert all(np.array_equal(sharp[other], plain[other]) for other in plain if other != name)
    np.testing.assert_array_equal(sharp[name][16:], plain[name][16:])


def slope(model, metric, batch=128):
    sizes = (8, 16, 32)
    changes = []
    for m in sizes:
        task = ReplacementStability(m=m, batch=batch)
        instance = task.instance(Context(m))
        changes.append(task.metrics[metric](instance, task.run(model, instance, Context(1))))
    return np.polyfit(np.log(sizes), np.log(changes), 1)[0]


def test_soft_attention_is_stabler_than_hard():
    soft, hard = (slope(UntrainedTransformer(sharpness=sharpness, most=32), 0) for sharpness in (1.0, 1000.0))
    assert soft < -0.7 < hard
    assert soft < hard - 0.2


def test_one_network_reads_prompts_of_all_lengths():
    """The same weights, so that a longer prompt's prefix has the answers of the shorter one."""
    model = small(UntrainedTransformer())
    X, Y = prompts(n=9)
    longer, shorter = model.predict(X, Y), model.predict(X[:, :5], Y[:, :4])
    np.testing.assert_allclose(longer[:, :5], shorter, atol=1e-5)  # float32


# Models


MODELS = [BoundedTransformer(2), small(UntrainedTransformer()), WeightedRidge()]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_models_are_causal_and_repeat_themselves(model):
    X, Y = (part / 9 for part in prompts())
    before = model.predict(X, Y)
    for i in range(1, Y.shape[1]):
        X_later, Y_later = X.copy(), Y.copy()
        X_later[:, i + 1 :] *= -1
        Y_later[:, i:] *= -1
        np.testing.assert_allclose(model.predict(X_later, Y_later)[:, : i + 1], before[:, : i + 1], atol=1e-5)
    np.testing.assert_array_equal(model.predict(X, Y), before)
    np.testing.assert_allclose(model.predict(X[1:], Y[1:]), before[1:], atol=1e-5)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_bad_prompts_are_refused(model, refuses_bad_prompts):
    refuses_bad_prompts(model, *(part / 9 for part in prompts()))


def test_prompts_beyond_a_models_bounds_are_refused():
    X, Y = prompts()
    with pytest.raises(ValueError, match="norm 1"):
        BoundedTransformer().predict(X * 10, Y / 10)
    with pytest.raises(ValueError, match="absolute value 1"):
        BoundedTransformer().predict(X / 10, Y * 10)
    with pytest.raises(ValueError, match="positions for 2"):
        replace(small(UntrainedTransformer()), most=2).predict(X, Y)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: BoundedTransformer(layers=0), "layers must be"),
        (lambda: BoundedTransformer(gamma=0.0), "gamma positive"),
        (lambda: UntrainedTransformer(sharpness=-1.0), "sharpness must be"),
        (lambda: WeightedRidge(noise=0.0), "noise must be"),
        (lambda: WeightedRidge(decay=float("inf")), "decay finite"),
        (lambda: FixedTasksLaw(tasks=0), "tasks must be"),
        (lambda: FixedTasksLaw(family="sparse-linear"), "family must be"),
        (lambda: LearntPrior(family="quadratic"), "family must be"),
        (lambda: LearntPrior(batch=1), "batch must be"),
        (lambda: TaskTransfer(family="sign-linear"), "family must be"),
        (lambda: TaskTransfer(tasks=0), "tasks must be"),
        (lambda: TaskTransfer(d=0), "d and n must be"),
        (lambda: ReplacementStability(m=0), "m and batch must be"),
    ],
)
def test_bad_parameters_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


# Tasks


def test_the_distance_to_each_prior():
    task = LearntPrior(d=3, n=5, family="hetero-linear", batch=16)
    instance = task.instance(Context(0))
    _, _, weighted, isotropic = task.metrics
    assert weighted(instance, task.run(PosteriorMean(), instance, Context(1))) == 0
    assert weighted(instance, task.run(WeightedRidge(1.0), instance, Context(1))) < 1e-20
    outcome = task.run(OnlineRidge(2.0), instance, Context(1))
    distances = isotropic(instance, outcome)
    assert distances.values[ISOTROPIC.index(2.0)] < 1e-20
    assert min(distances.values[i] for i, penalty in enumerate(ISOTROPIC) if penalty != 2.0) > 1e-5
    assert weighted(instance, outcome) > 1e-4


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        (kind, model)
        for kind in (ReplacementStability, LearntPrior, TaskTransfer)
        for model in (small(UntrainedTransformer()), small(Transformer()), WeightedRidge(), Ols(), PosteriorMean())
        if not (kind is ReplacementStability and isinstance(model, Transformer | PosteriorMean))
    ]
    + [(ReplacementStability, BoundedTransformer())]
    + [(Regression, WeightedRidge()), (Regression, small(UntrainedTransformer()))],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)  # fmt: skip
def test_tasks_at_smoke_scale(kind, model):
    task = kind(**kind.scales["smoke"])
    instance = task.instance(Context(0))
    outcome = task.run(replace(model), instance, Context(1))
    for metric in task.metrics:
        value = metric(instance, outcome)
        assert value is None or np.isfinite(value.values if isinstance(value, Along) else value).all()
    for name in task.operations:
        operation = task.operation(name, replace(model), instance, Context(1))
        operation.check(operation.call())
        assert operation.items > 0


def test_predictions_on_both_versions_of_a_prompt():
    task = ReplacementStability(d=2, m=3, batch=4)
    instance = task.instance(Context(0))
    outcome = task.run(Ridge(0.1), instance, Context(1))
    for version in range(2):
        expected = answer(Ridge(0.1), instance.X[version], instance.Y[version], Context(1))[:, -1]
        np.testing.assert_array_equal(outcome.predictions[version], expected)


# Claims


TRAINED, BAYES = "in-context/transformer", "in-context/posterior-mean"
UNTRAINED, BOUNDED = (f"transformers-as-algorithms/{name}-transformer" for name in ("untrained", "bounded"))
CHECKS = {claim.name: claim.check for claim in claims}


def seen(*rows):
    """Results (model, settings, {metric: value}) of five seeds each; the seed moves a value by a thousandth."""
    cells = [
        Cell("task", model, "", seed, settings, "ok", {
            name: [Point(v * (1 + 1e-3 * seed), where) for v, where in value] if isinstance(value, list)
            else [Point(value * (1 + 1e-3 * seed))]
            for name, value in values.items()
        })
        for model, settings, values in rows
        for seed in range(5)
    ]  # fmt: skip
    return Evidence(cells, dict.fromkeys(("loss-change", "share-of-bound", "mse-query", "transfer-risk"), "lower"))


def test_the_paper_makes_four_claims():
    assert list(CHECKS) == ["stability-1-over-m", "near-bayes", "adaptive-prior", "transfer-t"]


@pytest.mark.parametrize(("exponent", "share", "verdict"), [(-1, 0.1, "held"), (0, 0.1, "failed"), (-1, 1.5, "failed")])
def test_the_check_of_stability(exponent, share, verdict):
    rows = [(UNTRAINED, {"m": m}, {"loss-change": m**exponent / 10}) for m in (8, 16, 32)]
    rows += [(BOUNDED, {"m": m}, {"share-of-bound": share}) for m in (8, 16)]
    assert rule(CHECKS["stability-1-over-m"], seen(*rows)).verdict == verdict


@pytest.mark.parametrize(("risk", "verdict"), [(1.5, "held"), (1.8, "failed"), (2.4, "failed")])
def test_the_check_of_the_risk(risk, verdict):
    rows = [
        (TRAINED, {}, {"mse-query": risk}),
        (BAYES, {}, {"mse-query": 1.4}),
        ("in-context/ols", {}, {"mse-query": 2.3}),
    ]
    assert rule(CHECKS["near-bayes"], seen(*rows)).verdict == verdict


@pytest.mark.parametrize(("weighted", "verdict"), [(0.04, "held"), (0.12, "failed")])
def test_the_check_of_the_prior(weighted, verdict):
    curve = [(0.2, {"penalty": 1.0}), (0.1, {"penalty": 4.0})]
    rows = [(TRAINED, {}, {"spd-weighted": weighted, "spd-isotropic": curve})]
    assert rule(CHECKS["adaptive-prior"], seen(*rows)).verdict == verdict


@pytest.mark.parametrize(
    ("risks", "verdict"), [((3.0, 2.0, 1.8), "held"), ((1.9, 1.9, 1.9), "failed"), ((2.0, 3.0, 1.8), "failed")]
)
def test_the_check_of_transfer(risks, verdict):
    rows = [(TRAINED, {"tasks": T}, {"transfer-risk": risk}) for T, risk in zip((4, 32, 256), risks, strict=True)]
    rows += [(BAYES, {"tasks": T}, {"transfer-risk": 1.7}) for T in (4, 32, 256)]
    assert rule(CHECKS["transfer-t"], seen(*rows)).verdict == verdict
