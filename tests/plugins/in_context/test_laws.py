"""The laws of prompts: what they draw, and the best answer to it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_discrete_lyapunov
from scipy.stats import multivariate_normal

from harness_plugins.in_context.arenas.laws.dynamics import DynamicsLaw
from harness_plugins.in_context.arenas.laws.law import Law
from harness_plugins.in_context.arenas.laws.linear import LinearLaw
from harness_plugins.in_context.arenas.laws.nearest import NearestLaw
from harness_plugins.in_context.arenas.laws.networks import NetworkLaw, RepresentationLaw, represent
from harness_plugins.in_context.arenas.laws.parity import BooleanLaw
from harness_plugins.in_context.arenas.ridge import mixture_posterior_mean, ridge_predictions

LAWS = [
    LinearLaw(3, 5, 0.1),
    LinearLaw(3, 5, family="hetero-linear"),
    LinearLaw(3, 5, family="sparse-linear"),
    LinearLaw(3, 5, family="quadratic"),
    LinearLaw(3, 5, family="sign-linear"),
    NetworkLaw(3, 5, layers=3, hidden=4),
    NetworkLaw(3, 5, inputs="mixture", share=0.9),
    RepresentationLaw(3, 5, 0.2),
    RepresentationLaw(3, 5, representations=3),
    BooleanLaw(3, 5),
    BooleanLaw(3, 5, family="conjunction"),
    BooleanLaw(3, 5, family="disjunction", noise=0.3),
    DynamicsLaw(3, 5),
    NearestLaw(3, 5),
]
SOLVED = [law for law in LAWS if not isinstance(law, NetworkLaw) and getattr(law, "family", "") != "sign-linear"]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_draws_are_prompts_and_determined_by_the_generator(law):
    X, Y, targets = law.draw(rng(), 4)
    assert (X.shape, Y.shape, targets.shape) == ((4, 6, 3), (4, 5), (4, 6))
    assert np.isfinite(targets).all()
    assert all(np.array_equal(a, b) for a, b in zip(law.draw(rng(), 4), (X, Y, targets), strict=True))
    assert not np.array_equal(law.draw(rng(1), 4)[0], X)
    if not isinstance(law, NearestLaw):
        assert np.array_equal(Y, targets[:, :-1])


@pytest.mark.parametrize("law", SOLVED, ids=repr)
def test_the_best_answer_is_causal(law):
    X, Y, targets = law.draw(rng(), 20)
    best = law.posterior_mean(X, Y)
    assert best.shape == targets.shape
    later_X, later_Y = X.copy(), Y.copy()
    later_X[:, 4:], later_Y[:, 3:] = X[::-1, 4:], -Y[:, 3:]
    np.testing.assert_allclose(law.posterior_mean(later_X, later_Y)[:, :4], best[:, :4], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("law", [law for law in SOLVED if not isinstance(law, DynamicsLaw)], ids=repr)
def test_the_best_answer_beats_its_neighbours(law):
    X, Y, targets = law.draw(rng(), 2000)
    best = law.posterior_mean(X, Y)

    def risk(predictions):
        return np.mean((predictions - targets) ** 2)

    assert all(risk(best) <= risk(other) for other in (0.8 * best, 1.2 * best, ridge_predictions(X, Y, (0.7,))[0]))


@pytest.mark.parametrize("law", [law for law in LAWS if law not in SOLVED], ids=repr)
def test_what_has_no_closed_form_says_so(law):
    with pytest.raises(ValueError, match="no closed form"):
        law.posterior_mean(*law.draw(rng(), 2)[:2])


@pytest.mark.parametrize("name", ["linear", "hetero-linear", "sparse-linear"])
def test_linear_functions_have_the_weights_they_state(name):
    law = LinearLaw(4, 4, family=name, prior=1.5)
    X, Y, _ = law.draw(rng(), 20_000)
    weights = np.linalg.solve(X[:, :4], Y[..., None])[..., 0]  # the functions, from noiseless labels
    well_posed = np.linalg.cond(X[:, :4]) < 1e6
    np.testing.assert_allclose((weights[well_posed] ** 2).mean(axis=0), law.weight_variances(), rtol=0.06)
    if name == "sparse-linear":
        assert (np.sum(np.abs(weights[well_posed]) > 1e-6, axis=1) == 2).all()


def test_squares_and_signs():
    quadratic = LinearLaw(2, 3, family="quadratic")
    X, Y, _ = quadratic.draw(rng(), 20_000)
    weights = np.linalg.lstsq(X[0, :3] ** 2, Y[0], rcond=None)[0]
    np.testing.assert_allclose(X[0, :3] ** 2 @ weights, Y[0], atol=1e-9)
    assert np.var(Y) == pytest.approx(2, rel=0.1)  # d, as of linear functions
    assert set(np.unique(LinearLaw(2, 3, family="sign-linear").draw(rng(), 50).Y)) == {-1.0, 1.0}


def test_noise_is_added_to_the_labels():
    quiet, loud = (LinearLaw(2, 3, noise).draw(rng(), 5000).targets for noise in (0.0, 0.5))
    assert np.std(loud - quiet) == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("name", ["linear", "hetero-linear"])
def test_the_answer_to_linear_functions_is_the_gaussian_posterior_mean(name):
    law = LinearLaw(3, 6, 0.5, family=name, prior=2.0)
    X, Y, _ = law.draw(rng(), 4)
    S = np.diag(law.weight_variances())
    for x, y, answer in zip(X, Y, law.posterior_mean(X, Y), strict=True):
        context, query = x[:-1], x[-1]
        gain = query @ S @ context.T @ np.linalg.inv(context @ S @ context.T + 0.25 * np.eye(6))
        assert answer[-1] == pytest.approx(gain @ y, rel=1e-9)


@given(st.integers(1, 4), st.integers(1, 3), st.floats(0.05, 2), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_a_mixture_weighs_models_by_their_evidence(n, k, noise, seed):
    draws = rng(seed)
    features, Y = draws.standard_normal((3, 2, n + 1, k)), draws.standard_normal((2, n))
    found = mixture_posterior_mean(features, Y, noise)
    for b in range(2):
        evidence, means = [], []
        for phi in features[:, b]:
            covariance = phi[:-1] @ phi[:-1].T + noise**2 * np.eye(n)
            evidence.append(multivariate_normal(np.zeros(n), covariance).pdf(Y[b]))
            means.append(phi[-1] @ phi[:-1].T @ np.linalg.solve(covariance, Y[b]))
        assert found[b, -1] == pytest.approx(np.average(means, weights=evidence), rel=1e-6, abs=1e-9)


def test_without_noise_a_sparse_function_is_known_from_one_example_more_than_its_weights():
    law = LinearLaw(6, 5, family="sparse-linear", nonzeros=2)
    X, Y, targets = law.draw(rng(), 50)
    np.testing.assert_allclose(law.posterior_mean(X, Y)[:, 3:], targets[:, 3:], atol=1e-4)


@pytest.mark.parametrize("family", ["parity", "conjunction", "disjunction"])
def test_boolean_functions_against_enumeration(family):
    law = BooleanLaw(4, 6, family=family)
    X, Y, targets = law.draw(rng(), 30)
    rule = {"parity": np.prod, "conjunction": np.min, "disjunction": np.max}[family]
    answers = law.posterior_mean(X, Y)
    for x, y, target, answer in zip(X, Y, targets, answers, strict=True):
        tables = [[rule(row[list(places)]) for row in x] for places in combinations(range(4), 2)]
        fitting = [table for table in tables if table[:-1] == y.tolist()]
        assert target.tolist() in fitting
        assert answer[-1] == pytest.approx(np.mean([table[-1] for table in fitting]))


def test_networks_are_scaled_to_unit_variance_and_leave_their_inputs_where_they_belong():
    assert np.var(NetworkLaw(4, 40, layers=3).draw(rng(), 500).Y) < 4
    X, Y, _ = NetworkLaw(4, 40, layers=2, leak=1.0).draw(rng(), 500)  # a linear network
    assert np.mean(Y**2) == pytest.approx(1, rel=0.05)
    for x, y in zip(X[:5], Y[:5], strict=True):
        weights = np.linalg.lstsq(x[:-1], y, rcond=None)[0]
        np.testing.assert_allclose(x[:-1] @ weights, y, atol=1e-9)
    shifted = NetworkLaw(4, 40, inputs="mixture", share=0.9).draw(rng(), 500).X
    assert np.mean(shifted.mean(axis=-1) < 0) == pytest.approx(0.9, abs=0.01)


def test_representations_are_orthogonal_and_belong_to_the_law():
    law = RepresentationLaw(4, 8, layers=3, representations=2)
    B = law.matrices()
    np.testing.assert_allclose(B @ B.transpose(0, 1, 3, 2), np.broadcast_to(np.eye(4), B.shape), atol=1e-12)
    assert np.array_equal(B, RepresentationLaw(4, 2, layers=3, representations=2).matrices())
    assert not np.array_equal(B, RepresentationLaw(4, 8, layers=3, representations=2, which=1).matrices())
    x = rng().standard_normal(4)
    h = x
    for matrix in B[0]:
        h = np.where(matrix @ h > 0, matrix @ h, 0.01 * (matrix @ h))
    np.testing.assert_allclose(represent(B[0], x), h)
    X, Y, targets = RepresentationLaw(4, 8, layers=3).draw(rng(), 20)
    np.testing.assert_allclose(RepresentationLaw(4, 8, layers=3).posterior_mean(X, Y)[:, 4:], targets[:, 4:], atol=1e-6)


def test_trajectories_have_the_stationary_covariance_of_their_matrix():
    law = DynamicsLaw(3, 400)
    A = law.matrices(rng(), 1)
    assert np.abs(np.linalg.eigvals(A)).max() == pytest.approx(0.9)
    states = law.trajectories(np.repeat(A, 400, axis=0), rng(1))[:, 100:]
    found = np.einsum("btd,bte->de", states, states) / states[..., 0].size
    np.testing.assert_allclose(found, solve_discrete_lyapunov(A[0], np.eye(3)), rtol=0.1, atol=0.05)
    X, Y, _ = DynamicsLaw(3, 5).draw(rng(), 10)
    assert np.array_equal(X[:, 1:, 0], Y)  # each state shows the label before it
    assert not X[:, 0].any()


def test_the_nearest_example_gives_the_target():
    X, Y, targets = NearestLaw(3, 8).draw(rng(), 20)
    np.testing.assert_allclose(np.linalg.norm(X, axis=-1), 1)
    for x, y, target in zip(X, Y, targets, strict=True):
        assert target[0] == 0
        for i in range(1, 9):
            assert target[i] == y[np.argmax(x[:i] @ x[i])]


@pytest.mark.parametrize(
    ("law", "wrong"),
    [
        (LinearLaw, {"family": "cubic"}),
        (LinearLaw, {"family": "sparse-linear", "nonzeros": 9}),
        (LinearLaw, {"d": 0}),
        (LinearLaw, {"n": 0}),
        (LinearLaw, {"noise": -1.0}),
        (LinearLaw, {"noise": float("nan")}),
        (LinearLaw, {"prior": 0.0}),
        (NetworkLaw, {"layers": 0}),
        (NetworkLaw, {"hidden": 0}),
        (NetworkLaw, {"share": 1.5}),
        (NetworkLaw, {"inputs": "uniform"}),
        (RepresentationLaw, {"layers": -1}),
        (RepresentationLaw, {"representations": 0}),
        (RepresentationLaw, {"prior": float("inf")}),
        (BooleanLaw, {"bits": 9}),
        (BooleanLaw, {"family": "majority"}),
        (DynamicsLaw, {"radius": 1.0}),
        (DynamicsLaw, {"noise": 0.0}),
        (NearestLaw, {"noise": 0.1}),
    ],
)
def test_bad_parameters_are_refused(law: type[Law], wrong):
    with pytest.raises(ValueError, match=r"must|there are"):
        law(**wrong)
