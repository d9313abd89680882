"""The limit law of the trained networks, the ensembles drawn from it, and real networks beside it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Context, InvalidOutcomeError
from harness.checks.evidence import Cell, Evidence, Point
from harness.checks.verdict import Verdict
from harness_plugins.in_context.arenas.permutation import (
    ExactPermutation,
    every_input,
    exact_acc,
    examples,
    sign_margin,
)
from harness_plugins.in_context.ntk_permutation import (
    EnsembleSize,
    FiniteEnsemble,
    GpEnsemble,
    LimitLaw,
    NtkPredictor,
    SingleNetwork,
    paper,
)
from harness_plugins.in_context.ntk_permutation._finite import Networks, descend, drawn, linearized, tangent_kernel
from harness_plugins.in_context.ntk_permutation._limit import (
    coefficients,
    covariance,
    factor,
    kernels,
    mean,
    members_needed,
    normalized,
    regression,
    smallest,
    variance,
)


def fitted(model, k=4, seed=0):
    rng = np.random.default_rng(seed)
    model.fit(*examples(rng.permutation(k)), rng)
    return model


# The limit law


@pytest.mark.parametrize("k", [2, 3, 5, 9])
def test_the_closed_form_is_the_numeric_inverse(k):
    X = every_input(k)
    n = X.sum(axis=1)
    mu_1, mu_0 = coefficients(n, k)
    np.testing.assert_allclose(regression(X), np.where(X == 1, mu_1[:, None], mu_0[:, None]), rtol=0, atol=1e-12)
    np.testing.assert_allclose(variance(n, k), np.diag(covariance(X)), rtol=0, atol=1e-12)


@given(st.integers(2, 400), st.data())
@settings(max_examples=100, deadline=None)
def test_means_have_the_right_signs(k, data):
    n = np.array([data.draw(st.integers(1, k))])
    (mu_1,), (mu_0,) = coefficients(n, k)
    assert mu_1 > 0
    assert mu_0 == 0 if n[0] == 1 else mu_0 < 0


def test_the_negative_mean_falls_as_one_over_k():
    k = np.array([100, 1000, 10_000])
    _, mu_0 = coefficients(np.array([2, 2, 2]), k)
    np.testing.assert_allclose(k * mu_0, k[-1] * mu_0[-1], rtol=0.06)


def test_kernels_of_basis_vectors():
    k, c = 6, 1 / (2 * math.pi)
    K, Theta = kernels(np.eye(k), np.eye(k))
    np.testing.assert_allclose(k * Theta, (1 - c) * np.eye(k) + c, atol=1e-15)
    np.testing.assert_allclose(k * K, (0.5 - c) * np.eye(k) + c, atol=1e-15)


def test_kernels_are_means_over_weights():
    """Monte Carlo with 10^6 weights: E relu(w x) relu(w z) / k, and <x, z> / k E [w x > 0] [w z > 0] beside it."""
    rng = np.random.default_rng(0)
    X = normalized(np.array([[1.0, 1, 0], [0, 1, 1], [1, 0, 0], [1, 1, 1]]))
    h = rng.standard_normal((1_000_000, 3)) @ X.T
    by_V = np.maximum(h, 0).T @ np.maximum(h, 0) / len(h) / 3
    by_W = X @ X.T / 3 * ((h > 0).astype(float).T @ (h > 0) / len(h))
    K, Theta = kernels(X, X)
    np.testing.assert_allclose(K, by_V, rtol=0.01)
    np.testing.assert_allclose(Theta, by_V + by_W, rtol=0.01)


def test_the_limit_interpolates_the_examples():
    E, X = np.eye(5), every_input(5)
    np.testing.assert_allclose(mean(E), E, atol=1e-14)
    assert variance(np.array([1.0]), 5)[0] == 0
    np.testing.assert_allclose(np.diag(covariance(X))[X.sum(axis=1) == 1], 0, atol=1e-14)


def test_the_factor_is_a_root_of_the_covariance():
    X = every_input(4)
    root = factor(X)
    np.testing.assert_allclose(root @ root.T, covariance(X), atol=1e-9)


# How many members


def test_the_sizes_of_ensembles_by_the_gaussian_formula():
    assert [members_needed(k, 2, 0.9) for k in (5, 10, 15, 20)] == [205, 333, 454, 579]
    assert members_needed(7, 1, 0.9) == 1
    with pytest.raises(ValueError, match="confidence must be below 1"):
        members_needed(4, 2, 1.1)


def test_the_gaussian_formula_counts_successes():
    """Independent coordinates: the share of right ensembles just below and just above, from 20000 draws."""
    k, rng = 4, np.random.default_rng(0)
    needed = members_needed(k, 2, 0.9)
    x = np.array([[1.0, 1, 0, 0]])
    for members in (needed // 4, needed):
        scores = mean(x) + np.sqrt(variance(np.array([2.0]), k) / members) * rng.standard_normal((20_000, k))
        drawn_share = ((scores > 0) == (x == 1)).all(axis=1).mean()
        (mu_1,), (mu_0,) = coefficients(np.array([2]), k)
        root = np.sqrt(members / variance(np.array([2.0]), k)[0])
        phi = [0.5 * (1 + math.erf(mu * root / math.sqrt(2))) for mu in (mu_1, -mu_0)]
        assert drawn_share == pytest.approx(phi[0] ** 2 * phi[1] ** 2, abs=0.012)


@given(st.integers(1, 5000), st.integers(1, 10_000), st.sampled_from([0.0, 0.01, 0.2]))
@settings(max_examples=100, deadline=None)
def test_the_search_finds_the_smallest(true, most, precision):
    found = smallest(lambda tried: tried >= true, most, precision)
    if true > most:
        assert found is None
    else:
        assert found is not None
        assert true <= found <= max(true, true * (1 + precision) + 1e-9)


# Learners


@pytest.mark.parametrize("k", [2, 3, 7])
def test_the_mean_is_the_permuted_input(k):
    task = ExactPermutation(k=k)
    instance = task.instance(Context(k))
    closed, solve = (task.run(NtkPredictor(solver), instance, Context(1)) for solver in ("closed-form", "solve"))
    for outcome in (closed, solve):
        assert exact_acc(instance, outcome) == 1
        assert (sign_margin(instance, outcome) or 0) > 1e-3
    np.testing.assert_allclose(closed.scores, solve.scores, rtol=0, atol=1e-12)


def test_permutations_commute_with_the_learner():
    X = every_input(4)
    one, other = NtkPredictor(), NtkPredictor()
    one.fit(*examples(np.arange(4)), np.random.default_rng(0))
    other.fit(*examples(np.array([3, 1, 0, 2])), np.random.default_rng(0))
    np.testing.assert_array_equal(other.scores(X), one.scores(X) @ examples(np.array([3, 1, 0, 2]))[1])


def test_averages_have_the_law_of_means_of_members():
    model, X, rng = fitted(GpEnsemble(), 3), every_input(3), np.random.default_rng(0)
    single = model.averages(X, 1, 40_000, rng)
    for averages, members in ((model.averages(X, 8, 5000, rng), 8), (single.reshape(5000, 8, 7, 3).mean(axis=1), 8)):
        np.testing.assert_allclose(averages.mean(axis=0), model.averages(X, 10**12, 1, rng)[0], atol=0.02)
        for output in range(3):
            spread = np.cov(averages[:, :, output].T)
            np.testing.assert_allclose(spread, covariance(X) / members, atol=0.002)
    outputs = np.corrcoef(single[:, -1].T)
    np.testing.assert_allclose(outputs, np.eye(3), atol=0.03)


def test_an_ensemble_is_as_large_as_asked_for():
    model = fitted(GpEnsemble(), 5)
    assert model.ensemble_size() == 205
    assert fitted(GpEnsemble(members=7), 5).ensemble_size() == 7
    assert fitted(GpEnsemble(confidence=0.99), 5).ensemble_size() > 205


@pytest.mark.parametrize("model", [GpEnsemble(members=3), FiniteEnsemble(members=2, width=16)], ids=repr)
def test_the_same_fit_gives_the_same_answers(model):
    X = every_input(4)
    first = fitted(model).scores(X)
    np.testing.assert_array_equal(model.scores(X), first)
    np.testing.assert_array_equal(fitted(model).scores(X), first)
    assert not np.array_equal(fitted(model, seed=1).scores(X), first)


# Networks of finite width


def jacobian(networks, one, X):
    """Derivatives of the outputs at X with respect to all weights, by torch: (k, B, weights)."""
    W, V = (torch.from_numpy(part[one]) for part in (networks.W, networks.V))
    x, (m, k) = torch.from_numpy(X), W.shape

    def outputs(W, V):
        return V @ torch.relu(W @ x.T / math.sqrt(k)) / math.sqrt(m)

    parts = torch.func.jacrev(outputs, argnums=(0, 1))(W, V)
    return torch.cat([part.flatten(2) for part in parts], dim=2).numpy()


def test_the_tangent_kernel_is_that_of_torch():
    networks = drawn(2, 6, 3, np.random.default_rng(0))
    X, E = normalized(every_input(3)), np.eye(3)
    kernel = tangent_kernel(networks, X, E)
    for one in range(2):
        expected = np.einsum("obw,pcw->obpc", jacobian(networks, one, X), jacobian(networks, one, E))
        np.testing.assert_allclose(kernel[one], expected, atol=1e-12)


def test_the_linearized_network_is_kernel_regression():
    networks = drawn(2, 40, 3, np.random.default_rng(1))
    X, E = normalized(every_input(3)), np.eye(3)
    Y = E[[1, 2, 0]]
    found = linearized(networks, X, Y)
    theta_E = tangent_kernel(networks, E, E).reshape(2, 9, 9)
    theta_X = tangent_kernel(networks, X, E).reshape(2, 21, 9)
    left = (Y.T - networks(E)).reshape(2, 9, 1)
    expected = networks(X) + (theta_X @ np.linalg.solve(theta_E, left)).reshape(2, 3, 7)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_descent_follows_the_gradient():
    """One step against torch's own gradient of half the sum of squares."""
    networks = drawn(1, 8, 3, np.random.default_rng(0))
    Y = np.eye(3)[[1, 0, 2]]
    W, V = (torch.from_numpy(part[0]).clone().requires_grad_() for part in (networks.W, networks.V))
    outputs = V @ torch.relu(W @ torch.eye(3, dtype=torch.float64) / math.sqrt(3)) / math.sqrt(8)
    (0.5 * (outputs - torch.from_numpy(Y.T)).square().sum()).backward()
    after = descend(networks, Y, 1, 0.5, 1e-9)
    np.testing.assert_allclose(after.W[0], (W - 0.5 * W.grad).detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(after.V[0], (V - 0.5 * V.grad).detach().numpy(), atol=1e-12)


def test_descent_ends_at_the_labels_near_the_linearized_network():
    networks = drawn(3, 2000, 3, np.random.default_rng(0))
    before = Networks(networks.W.copy(), networks.V.copy())
    X, Y = normalized(every_input(3)), np.eye(3)[[1, 2, 0]]
    after = descend(networks, Y, 500, 1.0, 1e-8)
    np.testing.assert_array_equal(networks.W, before.W)  # left as they were
    np.testing.assert_allclose(after(np.eye(3)), np.broadcast_to(Y.T, (3, 3, 3)), atol=1e-7)
    np.testing.assert_allclose(after(X), linearized(networks, X, Y), atol=0.1)
    assert np.abs(after(X) - networks(X)).max() > 0.5


@pytest.mark.parametrize("training", ["kernel", "descent"])
def test_networks_of_some_width_have_nearly_the_mean_of_the_limit(training):
    task = LimitLaw(k=3, networks=100)
    instance = task.instance(Context(0))
    outcome = task.run(FiniteEnsemble(width=256, training=training, tolerance=1e-3), instance, Context(1))
    gap, error, spread = (metric(instance, outcome) for metric in task.metrics)
    assert gap < 5 * error
    assert spread < 0.5


def test_averages_of_networks_are_grouped():
    """Ensembles are averages of members that follow each other, however many are trained side by side."""
    X = every_input(3)
    model = fitted(FiniteEnsemble(width=16), 3)
    single = model.averages(X, 1, 6, np.random.default_rng(5))
    grouped = model.averages(X, 3, 2, np.random.default_rng(5))
    np.testing.assert_allclose(grouped, single.reshape(2, 3, 7, 3).mean(axis=1), atol=1e-12)


# Tasks


def test_the_search_agrees_with_the_formula():
    task = EnsembleSize(k=5, ensembles=4000)
    instance = task.instance(Context(0))
    outcome = task.run(GpEnsemble(), instance, Context(1))
    assert outcome.members == pytest.approx(members_needed(5, 2, 0.9), rel=0.12)
    assert outcome.success >= 0.9
    assert task.run(GpEnsemble(), instance, Context(1)) == outcome


def test_all_inputs_need_more_than_one():
    one, every = EnsembleSize(k=4, ensembles=200), EnsembleSize(k=4, ones=None, ensembles=200)
    sizes = [task.run(GpEnsemble(), task.instance(Context(0)), Context(1)).members for task in (one, every)]
    assert sizes[1] > sizes[0]


def test_a_search_without_success_is_invalid():
    task = EnsembleSize(k=5, most=4)
    with pytest.raises(InvalidOutcomeError, match="4 members are right in less than 90%"):
        task.run(GpEnsemble(), task.instance(Context(0)), Context(1))


def test_the_law_is_found_in_its_own_draws():
    task = LimitLaw(k=4, networks=4000)
    instance = task.instance(Context(0))
    gap, error, spread = (metric(instance, task.run(GpEnsemble(), instance, Context(1))) for metric in task.metrics)
    assert gap < 5 * error
    assert spread < 0.1


SMOKE = [NtkPredictor(), NtkPredictor("solve"), GpEnsemble(), FiniteEnsemble(width=64, members=3)]
SMOKE += [FiniteEnsemble(width=64, members=3, training="descent", steps=20)]
SMOKE += [SingleNetwork(**SingleNetwork.scales["smoke"])]


@pytest.mark.parametrize(
    ("kind", "model"),
    [(ExactPermutation, model) for model in SMOKE]
    + [(kind, model) for kind in (EnsembleSize, LimitLaw) for model in SMOKE if hasattr(model, "averages")],
    ids=repr,
)
def test_models_run_at_smoke_scale_and_repeat_themselves(kind, model):
    task = kind(**kind.scales["smoke"])
    instance = task.instance(Context(0))
    first, second = (task.run(model, instance, Context(1)) for _ in range(2))
    for metric in task.metrics:
        value = metric(instance, first)
        assert value is None or np.isfinite(value)
        assert value == metric(instance, second)
    operation = task.operation(task.operations[0], model, instance, Context(1))
    np.testing.assert_array_equal(operation.call(), operation.call())
    operation.verify()


# Bad input


@pytest.mark.parametrize("model", SMOKE, ids=repr)
@pytest.mark.parametrize(
    "X", [np.ones((2, 5)), np.ones(4), np.ones((0, 4)), np.zeros((1, 4)), np.full((1, 4), 0.5), np.full((1, 4), np.nan)]
)
def test_inputs_that_are_none_are_refused(model, X):
    with pytest.raises(ValueError, match="X must"):
        fitted(model).predict(X)


@pytest.mark.parametrize("model", SMOKE, ids=repr)
def test_examples_that_are_none_are_refused(model):
    with pytest.raises(ValueError, match="a permutation"):
        model.fit(np.eye(3), np.ones((3, 3)), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: fitted(NtkPredictor("guess")).predict(np.eye(4)), "solver is 'guess'; there are closed-form, solve"),
        (lambda: fitted(GpEnsemble(members=0)).predict(np.eye(4)), "members must be at least 1"),
        (lambda: fitted(GpEnsemble(confidence=1.0)).predict(np.eye(4)), "confidence must be between"),
        (lambda: fitted(FiniteEnsemble(width=0)).predict(np.eye(4)), "width and steps must be at least 1"),
        (lambda: fitted(FiniteEnsemble(training="adam")).predict(np.eye(4)), "training is 'adam'"),
        (lambda: fitted(SingleNetwork(width=0)), "width and epochs must be"),
        (lambda: LimitLaw(k=1), "k must be between"),
        (lambda: LimitLaw(networks=1), "networks at least 2"),
        (lambda: EnsembleSize(k=4, ones=5), "ones between 1 and k"),
        (lambda: EnsembleSize(k=30, ones=None), "give ones"),
        (lambda: EnsembleSize(confidence=1.0), "between 0 and 1"),
        (lambda: EnsembleSize(ensembles=0), "ensembles and most must be"),
    ],
)
def test_bad_parameters_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (lambda scores: scores[:1], "averages must be \\(ensembles, B, k\\)"),
        (lambda scores: scores.astype(int), "floating-point array, not int64"),
        (lambda scores: scores.tolist(), "floating-point array, not list"),
        (lambda scores: scores * np.nan, "are not finite"),
    ],
)
def test_illegal_averages_are_invalid(answer, complaint):
    class Wrong(GpEnsemble):
        def averages(self, *arguments):
            return answer(super().averages(*arguments))

    task = LimitLaw(k=2, networks=4)
    with pytest.raises(InvalidOutcomeError, match=complaint):
        task.run(Wrong(), task.instance(Context(0)), Context(1))


# Claims


def verdict(name, value):
    """What a claim's check says if the metrics are `value(metric, settings)`."""
    (claim,) = [claim for claim in paper.claims if claim.name == name]
    (matrix,) = claim.cells
    ((task, of_task),) = matrix["tasks"][0].items()
    (entry,) = matrix["models"]
    model, of_model = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
    grid = [{}]
    for setting, values in [*of_task.items(), *of_model.items()]:
        grid = [{**one, setting: each} for one in grid for each in (values if isinstance(values, list) else [values])]
    names = ("exact-acc", "sign-margin", "members-found", "mean-gap")
    cells = []
    for seed in range(matrix["seeds"]):
        for places in grid:
            values = {one: [Point(value(one, places) * (1 + seed / 200))] for one in names}
            cells.append(Cell(task, model, "construction", seed, places, "ok", values))
    return claim.check.attempt(Evidence(cells)).verdict


def test_a_wrong_sign_is_found():
    assert verdict("mean-sign", lambda one, _: 1.0) is Verdict.HELD
    assert verdict("mean-sign", lambda one, at: 1 - 1e-4 * (one == "exact-acc" and at["k"] == 12)) is Verdict.FAILED
    assert verdict("mean-sign", lambda one, at: 1.0 - (one == "sign-margin" and at["k"] == 7)) is Verdict.FAILED


def test_another_growth_is_found():
    assert verdict("loglinear", lambda _, at: 9 * at["k"] * math.log(at["k"]) + 150) is Verdict.HELD
    assert verdict("loglinear", lambda _, at: at["k"] ** 2) is Verdict.FAILED
    assert verdict("loglinear", lambda _, at: 100.0 + (at["k"] == 40)) is Verdict.FAILED
    # by the power law fine, but not on a line
    assert verdict("loglinear", lambda _, at: at["k"] * (1.5 if at["k"] in (15, 30) else 1.0)) is Verdict.FAILED


def test_another_mean_is_found():
    assert verdict("finite-width", lambda *_: 0.02) is Verdict.HELD
    assert verdict("finite-width", lambda _, at: 0.06 if at["training"] == "descent" else 0.02) is Verdict.FAILED
