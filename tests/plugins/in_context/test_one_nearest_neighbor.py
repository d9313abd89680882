"""One softmax layer that learns the nearest neighbour: its gradient, its invariances, its limit, what it refuses."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from harness import Along, Context
from harness.checks.evidence import Cell, Evidence, Point
from harness.checks.ruling import rule
from harness_plugins.in_context.arenas.estimators import KNearestNeighbors, PosteriorMean
from harness_plugins.in_context.arenas.laws.nearest import NearestLaw
from harness_plugins.in_context.arenas.synthetic import NearestLabel
from harness_plugins.in_context.one_nearest_neighbor import (
    KernelRegression,
    LinearAttention,
    NearestNeighborLimit,
    SoftmaxAttention,
    claims,
)
from harness_plugins.in_context.one_nearest_neighbor._attention import (
    initial,
    loss_and_gradient,
    predict,
    respond,
    tokens,
    train,
)
from harness_plugins.in_context.one_nearest_neighbor._tasks import LearnNearestNeighbor, shifted_prompts

KINDS = ["softmax", "linear"]
SMOKE = {"prompts": 300, "steps": 50}
MODELS = [
    SoftmaxAttention(**SMOKE),
    LinearAttention(**SMOKE),
    LinearAttention(training="exact", **SMOKE),
    NearestNeighborLimit(),
    KernelRegression(),
    KernelRegression(8.0),
]


def prompts(seed=0, batch=5, n=6, d=3):
    return NearestLaw(d, n).draw(np.random.default_rng(seed), batch)


# The layer


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_is_the_papers_formula(kind):
    X, Y, _ = prompts()
    W = np.random.default_rng(1).standard_normal((5, 5))
    answers, _ = respond(W, tokens(X, Y), kind)
    for b in range(5):
        H = np.zeros((5, 7))  # columns are tokens, as the paper writes it
        H[:3], H[3, :6], H[4, 6] = X[b].T, Y[b], 1
        scores = H.T @ W @ H[:, 6]
        share = np.exp(scores) / np.exp(scores).sum() if kind == "softmax" else scores / 7
        assert answers[b] == pytest.approx((H @ share)[3], abs=1e-12)


@given(st.integers(1, 5), st.integers(1, 7), st.sampled_from(KINDS), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_the_gradient_is_that_of_finite_differences(d, n, kind, seed):
    rng = np.random.default_rng(seed)
    X, Y, targets = NearestLaw(d, n).draw(rng, 4)
    H, W = tokens(X, Y), rng.standard_normal((d + 2, d + 2))
    gradient = loss_and_gradient(W, H, targets[:, -1], kind)[1]
    for place in np.ndindex(W.shape):
        step = np.zeros_like(W)
        step[place] = 1e-6
        up, down = (loss_and_gradient(W + sign * step, H, targets[:, -1], kind)[0] for sign in (1, -1))
        assert gradient[place] == pytest.approx((up - down) / 2e-6, abs=1e-7)


@given(st.integers(1, 4), st.integers(1, 8), st.sampled_from(KINDS), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_every_position_is_the_query_of_its_own_prompt(d, n, kind, seed):
    X, Y, _ = prompts(seed, 3, n, d)
    W = np.random.default_rng(seed).standard_normal((d + 2, d + 2))
    answers = predict(W, X, Y, kind)
    for i in range(n + 1):
        np.testing.assert_allclose(answers[:, i], respond(W, tokens(X[:, : i + 1], Y[:, :i]), kind)[0], atol=1e-9)


def test_on_symmetric_prompts_the_gradient_has_two_parameters():
    """Prompts closed under signed permutations of the axes and the labels' sign keep W_11 = xi_1 I, W_33 = -xi_2."""
    X, Y, targets = prompts(n=4, d=3, batch=6)
    signed = [
        np.eye(3)[list(order)] * signs for order in permutations(range(3)) for signs in product([-1, 1], repeat=3)
    ]
    X = np.concatenate([X @ rotation for rotation in signed for _ in (1, -1)])
    labels = np.tile(np.concatenate([Y, -Y]), (48, 1)), np.tile(np.concatenate([targets, -targets]), (48, 1))
    H, W = tokens(X, labels[0]), initial(3, 3.0)
    for _ in range(30):
        W -= 5.0 * loss_and_gradient(W, H, labels[1][:, -1], "softmax")[1]
    assert W[0, 0] > 1  # it has moved
    expected = np.diag([W[0, 0]] * 3 + [0, W[4, 4]])
    np.testing.assert_allclose(W, expected, rtol=0, atol=1e-12)


def test_the_loss_is_not_convex_in_the_two_parameters():
    X, Y, targets = prompts(n=4, d=4, batch=2000)
    H = tokens(X, Y)

    def loss(xi_1, xi_2):
        W = initial(4, xi_2)
        W[:4, :4] = xi_1 * np.eye(4)
        return loss_and_gradient(W, H, targets[:, -1], "softmax")[0]

    curves = [
        [loss(*(np.array(start) + share * np.array(way))) for share in (0, 0.5, 1)]
        for start, way in (((0, 0), (20, 0)), ((0, -20), (0, 40)), ((0, 3), (40, 0)))
    ]
    assert any(middle > (left + right) / 2 + 1e-3 for left, middle, right in curves)
    assert loss(30, 60) < loss(10, 60) < loss(3, 60) < loss(0, 60)


def test_without_the_mask_the_query_attends_to_itself():
    X, Y, _ = prompts(n=4)
    W = NearestNeighborLimit().weights(3)["W"]
    W[-1, -1] = 0.0
    assert np.abs(predict(W, X, Y, "softmax")).max() < 1e-9


# Training


def test_descent_lowers_the_loss_and_is_determined_by_its_seed():
    parameters = {"law": NearestLaw(3, 4), "kind": "softmax", "training": "gradient-descent", "corner": 3.0}
    parameters |= {"prompts": 200, "steps": 40, "learning_rate": 2.0}
    one, again, other = (train(**parameters, seed=seed) for seed in (0, 0, 1))
    assert (np.diff(one["loss"]) < 0).all()
    np.testing.assert_array_equal(one["W"], again["W"])
    assert not np.array_equal(one["W"], other["W"])


def test_the_exact_minimum_of_linear_attention_has_no_gradient_and_is_below_descent():
    parameters = {"law": NearestLaw(3, 5), "kind": "linear", "corner": 3.0}
    parameters |= {"prompts": 300, "steps": 100, "learning_rate": 1.0, "seed": 2}
    exact, descended = (train(**parameters, training=how) for how in ("exact", "gradient-descent"))
    X, Y, targets = NearestLaw(3, 5).draw(np.random.default_rng(2), 300)
    loss, gradient = loss_and_gradient(exact["W"], tokens(X, Y), targets[:, -1], "linear")
    assert np.abs(gradient).max() < 1e-12
    assert loss == exact["loss"][-1] < descended["loss"][-1]


def test_the_trained_layer_is_the_nearest_neighbour_on_new_prompts():
    task = LearnNearestNeighbor(d=3, n=3, batch=500)
    model = SoftmaxAttention(prompts=1500, steps=300)
    instance = task.instance(Context(0))
    outcome = task.run(model, instance, Context(1))
    mse, agreement, shifted, isotropy, sharpness, loss = (metric(instance, outcome) for metric in task.metrics)
    assert agreement > 0.9
    assert mse < 0.4
    assert shifted < 0.1
    assert isotropy < 0.15
    assert sharpness > 3
    assert isinstance(loss, Along)
    assert loss.values[-1] < 0.4 * loss.values[0]


# The limit


@given(st.integers(2, 6), st.integers(1, 12), st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_the_limit_is_scikit_learns_nearest_neighbour(d, n, seed):
    X, Y, _ = prompts(seed, 3, n, d)
    answers = NearestNeighborLimit().predict(X, Y)
    inner = np.einsum("bnd,bd->bn", X[:, :-1], X[:, -1])
    for b in range(3):
        nearest = KNeighborsClassifier(1).fit(X[b, :n], Y[b]).predict(X[b, n:])[0]
        top = np.sort(inner[b])[::-1]
        gap = top[0] - top[1] if n > 1 else np.inf
        assert abs(answers[b, -1] - nearest) <= 2 * n * np.exp(-1e4 * gap) + 1e-12


def test_the_limit_agrees_at_every_position_and_everything_else_less():
    task = NearestLabel(d=4, n=6, batch=15)
    instance = task.instance(Context(0))
    mse = task.metrics[0]
    errors = [
        mse(instance, task.run(model, instance, Context(1)))
        for model in (NearestNeighborLimit(), PosteriorMean(), KNearestNeighbors(1), KNearestNeighbors(3))
    ]
    assert errors[1] == errors[2] == 0.0
    assert errors[0] < 0.01 < errors[3]


# Kernel regression


@pytest.mark.parametrize("sharpness", [None, 8.0])
def test_kernel_regression_against_a_loop(sharpness):
    X, Y, _ = prompts(n=5, batch=3)

    def estimate(x, y, query, xi):
        weights = np.exp(-0.5 * xi * np.sum((x - query) ** 2, axis=1))
        return weights @ y / weights.sum()

    answers = KernelRegression(sharpness).predict(X, Y)
    grid = [2.0**power for power in range(9)] if sharpness is None else [sharpness]
    for b, i in np.ndindex(3, 6):
        x, y = X[b, :i], Y[b, :i]
        if i == 0:
            expected = 0.0
        else:
            left_out = [
                sum((estimate(np.delete(x, j, 0), np.delete(y, j), x[j], xi) - y[j]) ** 2 for j in range(i))
                if i > 1
                else 0.0
                for xi in grid
            ]
            expected = estimate(x, y, X[b, i], grid[int(np.argmin(left_out))])
        assert answers[b, i] == pytest.approx(expected, abs=1e-9)


def test_on_the_sphere_kernel_regression_is_masked_softmax_attention():
    X, Y, _ = prompts()
    limit = NearestNeighborLimit(sharpness=7.0, mask=1e4)
    np.testing.assert_allclose(KernelRegression(7.0).predict(X, Y), limit.predict(X, Y), atol=1e-9)


# Tasks


@given(st.integers(1, 6), st.integers(2, 12), st.floats(0, 1.9), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_shifted_prompts_have_one_example_near_the_query(d, n, delta, seed):
    X, Y, targets = shifted_prompts(np.random.default_rng(seed), 4, n, d, delta)
    squared = np.sum((X[:, :-1] - X[:, -1:]) ** 2, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(X, axis=-1), 1.0)
    for b in range(4):
        [equal] = np.flatnonzero(squared[b] == 0)
        assert targets[b, -1] == Y[b, equal]
        assert (np.delete(squared[b], equal) > min(delta, 2 - 1e-9)).all()


@pytest.mark.parametrize("model", [*MODELS, KNearestNeighbors(1)], ids=repr)
@pytest.mark.parametrize("kind", [LearnNearestNeighbor, NearestLabel])
def test_models_enter_both_tasks_at_smoke_scale(model, kind):
    task = kind(**kind.scales["smoke"])
    instance = task.instance(Context(0))
    outcome = task.run(model, instance, Context(1))
    for metric in task.metrics:
        value = metric(instance, outcome)
        if value is not None:
            assert np.isfinite(value.values if isinstance(value, Along) else value).all()
    is_layer = not isinstance(model, KernelRegression | KNearestNeighbors)
    assert kind is NearestLabel or (task.metrics[3](instance, outcome) is not None) == is_layer


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_models_are_causal(model):
    task = NearestLabel(**NearestLabel.scales["smoke"])
    instance = task.instance(Context(0))
    before = task.run(model, instance, Context(1))
    X, Y = instance.X.copy(), instance.Y.copy()
    X[:, 4:] *= -1
    Y[:, 3:] *= -1
    np.testing.assert_allclose(model.predict(X, Y)[:, :4], before[:, :4], atol=1e-9)


def test_the_operation_reads_the_held_out_prompts():
    task = LearnNearestNeighbor(**LearnNearestNeighbor.scales["smoke"])
    instance = task.instance(Context(0))
    operation = task.operation("predict", NearestNeighborLimit(), instance, Context(1))
    held_out = instance.held_out
    np.testing.assert_array_equal(operation.call(), NearestNeighborLimit().predict(held_out.X, held_out.Y))
    operation.check(operation.call())


# Claims, fed models that are and are not what they should be

SOFTMAX, LINEAR = (f"one-nearest-neighbor/{name}-attention" for name in ("softmax", "linear"))
GOOD = {"agreement": 0.99, "isotropy": 0.02, "shifted-mse": 0.001}


def evidence(softmax, linear):
    """Five seeds at both sizes, of models with these metrics."""
    cells = [
        Cell(
            "one-nearest-neighbor/learn-nearest-neighbor",
            model,
            role,
            seed,
            {"d": d, "n": n, "delta": 0.5, "backend": "cpu", **settings},
            "ok",
            {name: [Point(value + 1e-4 * seed)] for name, value in values.items()},
        )
        for model, role, values, settings in (
            (SOFTMAX, "construction", softmax, {}),
            (LINEAR, "baseline", linear, {"training": "exact"}),
            (LINEAR, "baseline", linear, {"training": "gradient-descent"}),
        )
        for seed in range(5)
        for d, n in ((4, 4), (8, 16))
    ]
    return Evidence(cells, {"agreement": "higher", "isotropy": "lower", "shifted-mse": "lower"})


@pytest.mark.parametrize(
    ("name", "broken_softmax", "broken_linear"),
    [
        ("learns-1nn", {"agreement": 0.9}, {}),
        ("isotropic", {"isotropy": 0.2}, {}),
        ("shift", {"shifted-mse": 0.3}, {}),
        ("linear-fails", {}, {"agreement": 0.95}),
        ("linear-fails", {"agreement": 0.5}, {}),
    ],
)
def test_every_claim_holds_of_what_is_said_and_fails_of_what_is_not(name, broken_softmax, broken_linear):
    [claim] = [claim for claim in claims if claim.name == name]
    poor = {"agreement": 0.67}
    assert rule(claim.check, evidence(GOOD, poor)).verdict == "held"
    assert rule(claim.check, evidence(GOOD | broken_softmax, poor | broken_linear)).verdict == "failed"


# Bad input


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_bad_prompts_are_refused(model, refuses_bad_prompts):
    task = NearestLabel(**NearestLabel.scales["smoke"])
    task.run(model, task.instance(Context(0)), Context(1))
    X, Y, _ = prompts()
    refuses_bad_prompts(model, X, Y)


@pytest.mark.parametrize("kind", [SoftmaxAttention, LinearAttention])
def test_untrained_layers_and_other_sizes_are_refused(kind):
    X, Y, _ = prompts()
    model = kind(**SMOKE)
    with pytest.raises(ValueError, match="needs meta_train first"):
        model.predict(X, Y)
    model.meta_train(NearestLaw(4, 4), Context(0))
    with pytest.raises(ValueError, match="trained on d = 4; these prompts have 3"):
        model.predict(X, Y)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: SoftmaxAttention(prompts=0), "prompts and steps"),
        (lambda: SoftmaxAttention(learning_rate=-1.0), "learning_rate"),
        (lambda: SoftmaxAttention(corner=np.inf), "corner"),
        (lambda: NearestNeighborLimit(sharpness=0.0).matrix(2), "sharpness and mask"),
        (lambda: KernelRegression(-1.0).predict(*prompts()[:2]), "sharpness"),
        (lambda: LearnNearestNeighbor(delta=2.0), "delta"),
        (lambda: LearnNearestNeighbor(batch=0), "batch"),
        (lambda: LearnNearestNeighbor(n=0), "at least 1"),
        (lambda: LinearAttention(training="lucky").meta_train(NearestLaw(2, 2), Context(0)), "training is"),
        (lambda: LinearAttention(learning_rate=1e3, prompts=50).meta_train(NearestLaw(2, 2), Context(0)), "diverged"),
    ],
)
def test_bad_parameters_are_refused(make, complaint):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=complaint):
        make()
