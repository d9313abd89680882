"""Exact learning of a permutation: the task, its metrics and the common baselines."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Context, InvalidOutcomeError
from harness_plugins.in_context.arenas.permutation import (
    ExactPermutation,
    LinearLeastSquares,
    Mapped,
    OneNearestNeighbor,
    Permutation,
    RbfKernelRidge,
    bit_acc,
    ensemble_size,
    every_input,
    exact_acc,
    examples,
    inputs,
    rounded,
    sign_margin,
)


def fitted(model, permutation=(2, 0, 1)):
    model.fit(*examples(np.array(permutation)), np.random.default_rng(0))
    return model


@pytest.mark.parametrize("k", [1, 2, 5])
def test_every_input_is_there_once(k):
    X = every_input(k)
    assert X.shape == (2**k - 1, k)
    assert len({tuple(x) for x in X}) == 2**k - 1
    assert set(np.unique(X)) <= {0.0, 1.0}
    assert X.any(axis=1).all()


@given(st.integers(2, 9), st.data(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_inputs_have_so_many_ones(k, data, seed):
    ones = data.draw(st.integers(1, k))
    X = inputs(k, ones, 20, np.random.default_rng(seed))
    assert (X.sum(axis=1) == ones).all()
    assert len(X) == min(20, comb(k, ones))
    if comb(k, ones) <= 20:
        assert len({tuple(x) for x in X}) == comb(k, ones)


@given(st.permutations(range(6)), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_truth_is_the_permuted_input(permutation, seed):
    task = ExactPermutation(k=6)
    instance = task.instance(Context(seed))
    for x, y in zip(instance.X, instance.Y, strict=True):
        images = [int(np.argmax(instance.PE[i])) for i in np.flatnonzero(x)]
        assert sorted(images) == np.flatnonzero(y).tolist()
    E, PE = examples(np.array(permutation))
    assert [int(np.argmax(row)) for row in E @ PE] == list(permutation)


def test_metrics_by_hand():
    E, PE = examples(np.array([1, 0]))
    instance = Permutation(E, PE, every_input(2), np.array([[0, 1], [1, 0], [1, 1]]))
    outcome = Mapped(np.array([[0, 1], [1, 1], [1, 1]]), np.array([[-1, 1], [0.5, 0.4], [0.2, 0.3]]), 7)
    assert exact_acc(instance, outcome) == pytest.approx(2 / 3)
    assert bit_acc(instance, outcome) == pytest.approx(5 / 6)
    assert sign_margin(instance, outcome) == pytest.approx(0.2)  # of the last input alone: the others are examples
    assert ensemble_size(instance, outcome) == 7
    nothing = Mapped(outcome.Y, None, None)
    assert sign_margin(instance, nothing) is None
    assert ensemble_size(instance, nothing) is None


def test_the_margin_has_no_value_at_the_examples():
    task = ExactPermutation(k=4, ones=1)
    instance = task.instance(Context(0))
    outcome = task.run(LinearLeastSquares(), instance, Context(1))
    assert sign_margin(instance, outcome) is None
    assert exact_acc(instance, outcome) == 1


def test_a_score_at_the_threshold_is_none():
    np.testing.assert_array_equal(rounded(np.array([[0.0, 1e-12, -1e-12, 1e-3, -1e-3]])), [[0, 0, 0, 1, 0]])
    np.testing.assert_array_equal(rounded(np.array([0.5, 0.6]), 0.5), [0, 1])


@pytest.mark.parametrize("k", [2, 5, 9])
def test_least_squares_is_exact(k):
    task = ExactPermutation(k=k)
    instance = task.instance(Context(k))
    outcome = task.run(LinearLeastSquares(), instance, Context(1))
    assert exact_acc(instance, outcome) == 1
    assert sign_margin(instance, outcome) == pytest.approx(0.5)


@pytest.mark.parametrize("k", [3, 8])
def test_gaussian_kernel_regression_has_the_right_signs_but_not_halves(k):
    """Closed form: f_1 = exp(-gamma (n - 1)), c = exp(-2 gamma); mu_0 = c f_1 (1 - n) / (1 - c + c k)."""
    task = ExactPermutation(k=k)
    instance = task.instance(Context(0))
    zero, half = (task.run(RbfKernelRidge(threshold), instance, Context(1)) for threshold in (0.0, 0.5))
    assert exact_acc(instance, zero) == 1
    assert exact_acc(instance, half) < 1
    c, n = np.exp(-2 / k), instance.X.sum(axis=1)[:, None]
    f_1 = np.exp(-(n - 1) / k)
    mu_0 = c * f_1 * (1 - n) / (1 - c + c * k)
    expected = np.where(instance.Y == 1, mu_0 + f_1, mu_0)
    assert zero.scores is not None
    np.testing.assert_allclose(zero.scores, expected, atol=1e-6)


def test_the_nearest_example_has_a_single_one():
    task = ExactPermutation(k=5)
    instance = task.instance(Context(0))
    outcome = task.run(OneNearestNeighbor(), instance, Context(1))
    np.testing.assert_array_equal(outcome.Y.sum(axis=1), 1)
    assert exact_acc(instance, outcome) == pytest.approx(5 / 31)
    assert outcome.scores is None


def test_the_instance_is_that_of_its_seed():
    task = ExactPermutation(k=12, ones=3, tests=50)
    first, second, other = (task.instance(Context(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.X, second.X)
    np.testing.assert_array_equal(first.PE, second.PE)
    assert not np.array_equal(first.PE, other.PE)


def test_the_operation_predicts_what_is_fitted():
    task = ExactPermutation(k=4)
    instance = task.instance(Context(0))
    operation = task.operation("predict", LinearLeastSquares(), instance, Context(1))
    np.testing.assert_array_equal(operation.call(), instance.Y)
    operation.verify()
    assert operation.items == 15


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (lambda Y: Y[1:], "predictions must be \\(B, k\\)"),
        (lambda Y: Y.astype(float), "integers, not float64"),
        (lambda Y: Y.tolist(), "integers, not list"),
        (lambda Y: 2 * Y, "zeros and ones"),
    ],
)
def test_illegal_answers_are_invalid(answer, complaint):
    class Wrong(LinearLeastSquares):
        def predict(self, X):
            return answer(super().predict(X))

    task = ExactPermutation(k=3)
    with pytest.raises(InvalidOutcomeError, match=complaint):
        task.run(Wrong(), task.instance(Context(0)), Context(1))


@pytest.mark.parametrize("model", [LinearLeastSquares(), RbfKernelRidge(), OneNearestNeighbor()], ids=repr)
@pytest.mark.parametrize(
    ("E", "PE", "complaint"),
    [
        (np.eye(3)[:2], np.eye(3)[:2], "E must be a square matrix"),
        (np.eye(3), np.eye(2), "PE must be a square matrix"),
        (np.eye(3)[[1, 0, 2]], np.eye(3), "basis vectors in their order"),
        (np.eye(3), np.eye(3)[[0, 0, 2]], "a permutation"),
        (np.eye(3), np.full((3, 3), 1 / 3), "a permutation"),
        (np.eye(3), np.full((3, 3), np.nan), "a permutation"),
        (np.zeros((0, 0)), np.zeros((0, 0)), "square matrix"),
    ],
)
def test_examples_that_are_none_are_refused(model, E, PE, complaint):
    with pytest.raises(ValueError, match=complaint):
        model.fit(E, PE, np.random.default_rng(0))


@pytest.mark.parametrize("model", [LinearLeastSquares(), RbfKernelRidge(), OneNearestNeighbor()], ids=repr)
@pytest.mark.parametrize(
    "X", [np.ones((2, 4)), np.ones(3), np.ones((0, 3)), np.zeros((1, 3)), np.full((1, 3), 0.5), np.full((1, 3), np.nan)]
)
def test_inputs_that_are_none_are_refused(model, X):
    with pytest.raises(ValueError, match="X must"):
        fitted(model).predict(X)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: ExactPermutation(k=1), "k must be at least 2"),
        (lambda: ExactPermutation(tests=0), "tests at least 1"),
        (lambda: ExactPermutation(k=40), "give ones"),
        (lambda: ExactPermutation(k=4, ones=5), "ones must be between 1 and k = 4"),
        (lambda: fitted(RbfKernelRidge(gamma=0.0)), "gamma must be positive"),
        (lambda: fitted(RbfKernelRidge(penalty=-1.0)), "penalty must be positive"),
    ],
)
def test_bad_parameters_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()
