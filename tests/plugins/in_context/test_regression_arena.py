"""The arena of in-context regression: its prompts, metrics and common estimators."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Along, Context, InvalidOutcomeError
from harness_plugins.in_context.arenas import family
from harness_plugins.in_context.arenas.estimators import (
    Averaging,
    KNearestNeighbors,
    Ols,
    OnePassSgd,
    OneStepGradientDescent,
    OnlineRidge,
    PosteriorMean,
    Ridge,
    ZeroPredictor,
)
from harness_plugins.in_context.arenas.laws.linear import LinearLaw
from harness_plugins.in_context.arenas.regression import PENALTIES, InContextRegressor
from harness_plugins.in_context.arenas.ridge import ridge_predictions
from harness_plugins.in_context.arenas.synthetic import Regression
from harness_plugins.in_context.arenas.tables import TabularRegression, load

TASKS = [task for task in family.tasks if task.protocol is InContextRegressor]
MODELS = [
    Ols(),
    Ridge(),
    OnlineRidge(),
    KNearestNeighbors(),
    KNearestNeighbors(1, "inverse-square"),
    OneStepGradientDescent(),
    OnePassSgd(weight_decay=0.2),
    Averaging(),
    ZeroPredictor(),
]


def prompts(seed=0, batch=5, n=7, d=3, noise=0.3):
    return LinearLaw(d, n, noise).draw(np.random.default_rng(seed), batch)[:2]


def smoke(task, model, seed=0):
    instance = task.instance(Context(seed))
    return instance, task.run(model, instance, Context(1))


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("task", [task(**task.scales["smoke"]) for task in TASKS], ids=repr)
def test_every_baseline_runs_through_the_arenas_and_is_reproducible(task, model):
    instance, outcome = smoke(task, model)
    values = [metric(instance, outcome) for metric in task.metrics]
    flat = [x for value in values for x in (value.values if isinstance(value, Along) else [value])]
    assert np.isfinite(flat).all()
    assert isinstance(values[0], float)
    again = smoke(task, model)
    assert np.array_equal(again[0].X, instance.X)
    assert np.array_equal(again[1], outcome)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_predictions_are_causal(model):
    X, Y = prompts()
    before = model.predict(X, Y)
    for i in range(1, Y.shape[1]):
        X_later, Y_later = X.copy(), Y.copy()
        X_later[:, i + 1 :] += 10
        Y_later[:, i:] -= 5
        after = model.predict(X_later, Y_later)
        np.testing.assert_allclose(after[:, : i + 1], before[:, : i + 1], rtol=1e-12, atol=1e-13)


@given(st.integers(1, 5), st.integers(1, 8), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_ridge_predictions_equal_scikit_learn_rank_one_updates_and_lstsq(d, n, seed):
    X, Y = prompts(seed, 2, n, d)
    ols, ridge = ridge_predictions(X, Y, (0.0, 0.7))
    np.testing.assert_allclose(ridge, Ridge(0.7).predict(X, Y), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(ridge, OnlineRidge(0.7).predict(X, Y), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(ols, Ols().predict(X, Y), rtol=1e-6, atol=1e-7)


def test_ols_is_of_minimal_norm_and_then_interpolates_a_noiseless_function():
    X, Y = prompts(n=6, d=3, noise=0.0)
    answers = Ols().predict(X, Y)
    x, y = X[:, 0], Y[:, 0]  # one pair: w = x y / |x|^2
    np.testing.assert_allclose(answers[:, 1], np.sum(X[:, 1] * x, axis=1) * y / np.sum(x**2, axis=1), rtol=1e-12)
    np.testing.assert_allclose(answers[:, 3:-1], Y[:, 3:], rtol=1e-9, atol=1e-10)


def test_knn_against_brute_force():
    X, Y = prompts()
    for k, weights in ((1, "uniform"), (3, "uniform"), (3, "inverse-square")):
        distances = np.sum((X[:, :-1] - X[:, -1:]) ** 2, axis=2)
        expected = []
        for squared, labels in zip(distances, Y, strict=True):
            near = np.argsort(squared)[:k]
            expected.append(np.average(labels[near], weights=None if weights == "uniform" else 1 / squared[near]))
        np.testing.assert_allclose(KNearestNeighbors(k, weights).predict(X, Y)[:, -1], expected, rtol=1e-10)


def test_knn_at_a_repeated_input_answers_with_its_label():
    X, Y = prompts()
    X[:, -1] = X[:, 2]
    np.testing.assert_allclose(KNearestNeighbors(3, "inverse-square").predict(X, Y)[:, -1], Y[:, 2])


def test_gradient_steps_equal_the_derivative_of_the_loss():
    import torch

    X, Y = prompts(batch=1)
    x, y = torch.from_numpy(X[0, :-1]), torch.from_numpy(Y[0])
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(((x @ w - y) ** 2).sum(), w)
    expected = (-0.02 * gradient @ torch.from_numpy(X[0, -1])).item()
    assert OneStepGradientDescent(0.02).predict(X, Y)[0, -1] == pytest.approx(expected, rel=1e-12)
    assert Averaging().predict(X, Y)[0, -1] == pytest.approx(expected / (2 * 0.02 * len(y)), rel=1e-12)
    for x_i, y_i in zip(x, y, strict=True):
        (gradient,) = torch.autograd.grad((x_i @ w - y_i) ** 2 + 0.3 * (w @ w), w)
        w = (w - 0.05 * gradient).detach().requires_grad_()
    expected = (w @ torch.from_numpy(X[0, -1])).item()
    assert OnePassSgd(0.05, 0.3).predict(X, Y)[0, -1] == pytest.approx(expected, rel=1e-12)


def test_no_estimator_beats_the_bayes_optimal_one():
    task = Regression(d=4, n=8, batch=1000, noise=0.5)
    instance, optimal = smoke(task, PosteriorMean())
    best = task.metrics[0](instance, optimal)
    others = [Ols(), OnlineRidge(0.1), OnlineRidge(2.0), OnePassSgd(0.03), Averaging(), ZeroPredictor()]
    assert all(task.metrics[0](instance, smoke(task, other)[1]) > best for other in others)
    assert np.argmin(task.metrics[-1](instance, smoke(task, OnlineRidge(0.25))[1]).values) == PENALTIES.index(0.25)


@pytest.mark.parametrize(("table", "rows", "d"), [("diabetes", 442, 10), ("wine", 178, 12), ("breast-cancer", 569, 30)])
def test_real_data_is_standardised_and_its_queries_are_held_out(table, rows, d):
    features, target = load(table)
    assert (features.shape, target.shape) == ((rows, d), (rows,))
    instance = TabularRegression(table=table, n=60, batch=200).instance(Context(3))
    assert np.abs(instance.X[:, :-1].mean(axis=(0, 1))).max() < 0.05
    assert instance.X[:, :-1].std(axis=(0, 1)) == pytest.approx(1, abs=0.06)
    shown = {x.tobytes() for x in instance.X[:, :-1].reshape(-1, d)}
    assert not any(x.tobytes() in shown for x in instance.X[:, -1])


def test_metrics_on_answers_known_in_advance():
    task = Regression(d=2, n=4, batch=6, noise=0.5)
    instance = task.instance(Context(0))
    mse_query, mse_curve, r2, spd_ols, mspd_ols, spd_ridge = task.metrics
    assert mse_query(instance, instance.targets) == 0
    assert r2(instance, instance.targets) == 1
    assert mse_query(instance, instance.targets + 2) == pytest.approx(4)
    assert mse_curve(instance, instance.targets + 2).values == pytest.approx([4] * 5)
    mean = np.full_like(instance.targets, instance.targets[:, -1].mean())
    assert r2(instance, mean) == pytest.approx(0)
    assert spd_ols(instance, instance.ridge[0] + 2) == pytest.approx(2)
    assert mspd_ols(instance, instance.ridge[0]) == 0
    assert spd_ridge(instance, instance.ridge[3]).values[3] == 0
    assert spd_ridge(instance, instance.ridge[3]).coordinates == {"penalty": list(PENALTIES)}


class Answers:
    def __init__(self, answer):
        self.answer = answer

    def predict(self, X, Y):
        return self.answer(X, Y)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (lambda X, Y: Y, r"must be \(B, n\+1\)"),
        (lambda X, Y: np.full(X.shape[:2], np.nan), "not finite"),
        (lambda X, Y: np.zeros(X.shape[:2], dtype=int), "int64"),
        (lambda X, Y: None, "NoneType"),
    ],
)
def test_illegal_answers_are_invalid(answer, complaint):
    with pytest.raises(InvalidOutcomeError, match=complaint):
        smoke(Regression(**Regression.scales["smoke"]), Answers(answer))


def test_a_model_cannot_change_the_instance():
    def spoil(X, Y):
        X[:], Y[:] = 0, 0
        return np.zeros(X.shape[:2])

    task = Regression(**Regression.scales["smoke"])
    instance, _ = smoke(task, Answers(spoil))
    assert np.array_equal(instance.X, task.instance(Context(0)).X)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_bad_prompts_are_refused(model, refuses_bad_prompts):
    refuses_bad_prompts(model, *prompts())


def test_bad_parameters_are_refused():
    for wrong in ({"batch": 1}, {"noise": -1.0}, {"family": "cubic"}):
        with pytest.raises(ValueError, match=r"must|there are"):
            Regression(**wrong)
    for wrong, complaint in (({"table": "iris"}, "there are"), ({"held_out": 1.0}, "held_out"), ({"n": 0}, "at least")):
        with pytest.raises(ValueError, match=complaint):
            TabularRegression(**wrong)
    with pytest.raises(ValueError, match="rows are left"):
        TabularRegression(n=440).instance(Context(0))


def test_bad_hyperparameters_are_refused():
    X, Y = prompts()
    for model in (Ridge(0.0), OnlineRidge(-1.0), KNearestNeighbors(0), KNearestNeighbors(1, "cosine")):
        with pytest.raises(ValueError, match=r"must be|there are"):
            model.predict(X, Y)
    with pytest.raises(ValueError, match="knows no law"):
        PosteriorMean().predict(X, Y)
    with pytest.raises(ValueError, match="penalties"):
        ridge_predictions(X, Y, (-1.0,))


def test_the_operation_answers_what_the_task_is_answered():
    for task in (Regression(**Regression.scales["smoke"]), TabularRegression(n=5, batch=4)):
        instance, outcome = smoke(task, OnlineRidge())
        operation = task.operation("predict", OnlineRidge(), instance, Context(1))
        assert (operation.items, operation.item) == (outcome.size, "prediction")
        np.testing.assert_array_equal(operation.call(), outcome)


def test_the_operation_of_a_reference_knows_the_law():
    task = Regression(**Regression.scales["smoke"], noise=0.5)
    instance, outcome = smoke(task, PosteriorMean())
    np.testing.assert_array_equal(task.operation("predict", PosteriorMean(), instance, Context(1)).call(), outcome)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (lambda X, Y: X[:, :, 0].tolist(), "floating-point array, not list"),
        (lambda X, Y: Y, r"must be \(B, n\+1\)"),
        (lambda X, Y: np.full(X.shape[:2], np.nan), "not finite"),
        (lambda X, Y: X.__imul__(2)[:, :, 0], "changes the prompts"),
        (lambda X, Y: np.pad(Y.__imul__(2), ((0, 0), (0, 1))), "changes the prompts"),
    ],
)
def test_operations_of_broken_models_are_not_timed(answer, complaint):
    class Broken:
        def predict(self, X, Y):
            return answer(X, Y)

    task = Regression(**Regression.scales["smoke"])
    instance = task.instance(Context(0))
    before = instance.X.copy(), instance.Y.copy()
    with pytest.raises(InvalidOutcomeError, match=complaint):
        task.operation("predict", Broken(), instance, Context(1)).verify()
    np.testing.assert_array_equal(instance.X, before[0])
    np.testing.assert_array_equal(instance.Y, before[1])


def test_listing_the_family_and_its_paper_needs_nothing_heavy():
    program = (
        "import sys, harness_plugins.in_context.arenas, harness_plugins.in_context.icl_linear_algorithms\n"
        "print([m for m in ('torch', 'scipy', 'sklearn', 'numba', 'pandas') if m in sys.modules])"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"


def test_the_family_lists_every_model_once():
    names = [name for name, _, _ in family.models()]
    assert len(set(names)) == len(names)
    assert all(dataclasses.is_dataclass(model) and model.__doc__ for _, _, model in family.models())
