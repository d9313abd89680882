"""The maps of sequences, the task that asks for them, and its common baselines."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Context, InvalidOutcomeError
from harness_plugins.in_context.arenas.approximation import (
    Answered,
    MlpRegressor,
    NearestPrototype,
    SequenceApproximation,
    cell_centres,
    n_params,
    per_axis,
    rms_err,
    sup_err,
)
from harness_plugins.in_context.arenas.targets import Target

MAPS = ["sort", "times-max", "sine-of-mean", "running-mean", "waves"]


def sequences(T, d, batch=20, seed=0):
    return np.random.default_rng(seed).random((batch, T, d))


def plainly(name, x):
    """Each map of one sequence (T, d), token by token."""
    T, d = x.shape
    y = np.empty_like(x)
    for i, c in product(range(T), range(d)):
        if name == "sort":
            y[i, c] = sorted(x[:, c])[i]
        elif name == "times-max":
            y[i, c] = x[i, c] * max(x[:, c])
        elif name == "sine-of-mean":
            y[i, c] = x[i, c] + np.sin(2 * np.pi * sum(x.ravel()) / (T * d))
        elif name == "running-mean":
            y[i, c] = sum(x[: i + 1, c]) / (i + 1)
        else:
            y[i, c] = np.sin(2 * np.pi * (i + 1) * x[i, c])
    return y


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize(("T", "d"), [(1, 1), (3, 2)])
def test_a_map_does_as_it_says(name, T, d):
    X = sequences(T, d)
    np.testing.assert_allclose(Target(name, T, d)(X), [plainly(name, x) for x in X], atol=1e-14)


@given(st.sampled_from(MAPS), st.integers(1, 4), st.integers(1, 2), st.integers(0, 10**6), st.floats(1e-4, 1))
@settings(max_examples=60, deadline=None)
def test_the_lipschitz_constant_bounds_every_change(name, T, d, seed, far):
    target = Target(name, T, d)
    X = sequences(T, d, 40, seed)
    Z = np.clip(X + far * (2 * sequences(T, d, 40, seed + 1) - 1), 0, 1)
    change = np.abs(target(X) - target(Z)).max(axis=(1, 2))
    assert (change <= target.lipschitz * np.abs(X - Z).max(axis=(1, 2)) + 1e-12).all()


@pytest.mark.parametrize(("T", "d", "g"), [(1, 1, 5), (2, 1, 3), (1, 2, 3), (3, 1, 2)])
def test_cell_centres_are_a_grid(T, d, g):
    centres = cell_centres(g, Target("sort", T, d)).reshape(g ** (T * d), -1)
    expected = list(product((np.arange(g) + 0.5) / g, repeat=T * d))
    np.testing.assert_allclose(centres, expected)


@given(st.integers(1, 10**6), st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_the_grid_is_the_largest_that_the_prototypes_allow(prototypes, T):
    g = per_axis(prototypes, Target("sort", T), 0.1)
    assert g**T <= prototypes < (g + 1) ** T


def test_a_grid_too_fine_to_store_is_refused():
    with pytest.raises(ValueError, match="a grid of 315 cells on each of 3 axes has more than 4194304 cells"):
        NearestPrototype().build(Target("waves", 3), 0.03, np.random.default_rng(0))


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("eps", [0.5, 0.1])
def test_the_table_is_as_good_as_asked_for(name, eps):
    task = SequenceApproximation(name, eps=eps, points=500)
    instance = task.instance(Context(0))
    outcome = task.run(NearestPrototype(), instance, Context(1))
    assert 0 < sup_err(instance, outcome) <= eps


def test_the_table_answers_its_prototypes():
    target = Target("times-max", 2, 2)
    model = NearestPrototype(81)
    model.build(target, 0.1, np.random.default_rng(0))
    centres = cell_centres(3, target)
    np.testing.assert_array_equal(model.apply(centres), target(centres))
    assert model.n_params() == 2 * 81 * 4


def test_the_perceptron_learns_and_says_its_size():
    task = SequenceApproximation("running-mean", points=200)
    instance = task.instance(Context(0))
    models = [MlpRegressor(width=16, samples=200, epochs=epochs) for epochs in (1, 40, 40)]
    untrained, outcome, again = (task.run(model, instance, Context(1)) for model in models)
    assert rms_err(instance, outcome) < 0.8 * rms_err(instance, untrained)
    assert n_params(instance, outcome) == 2 * 16 + 16 + 16 * 16 + 16 + 16 * 2 + 2
    np.testing.assert_array_equal(outcome.Y, again.Y)


def test_the_perceptron_takes_a_single_number():
    model = MlpRegressor(width=4, samples=50, epochs=2)
    model.build(Target("waves", 1), 0.1, np.random.default_rng(0))
    assert model.apply(sequences(1, 1)).shape == (20, 1, 1)


def test_metrics_measure_errors():
    task = SequenceApproximation(points=4)
    instance = task.instance(Context(0))
    answer = instance.Y.copy()
    answer[0, 0, 0] += 0.5
    outcome = Answered(answer, 7)
    assert sup_err(instance, outcome) == pytest.approx(0.5)
    assert rms_err(instance, outcome) == pytest.approx(0.5 / np.sqrt(8))
    assert n_params(instance, outcome) == 7


def test_the_instance_is_that_of_its_seed():
    task = SequenceApproximation(points=5)
    first, second, other = (task.instance(Context(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.X, second.X)
    assert not np.array_equal(first.X, other.X)
    assert first.X.min() >= 0
    assert first.X.max() <= 1


def test_the_operation_applies_what_is_built():
    task = SequenceApproximation(points=50)
    instance = task.instance(Context(0))
    model = NearestPrototype(16)
    operation = task.operation("apply", model, instance, Context(1))
    np.testing.assert_array_equal(operation.call(), model.apply(instance.X))
    operation.verify()
    assert operation.items == 50


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (lambda X: X[:1], "outputs must be \\(B, T, d\\)"),
        (lambda X: X.astype(int), "floating-point array, not int64"),
        (lambda X: X.tolist(), "floating-point array, not list"),
        (lambda X: X * np.nan, "10 of 10 outputs are not finite"),
    ],
)
def test_illegal_answers_are_invalid(answer, complaint):
    class Wrong(NearestPrototype):
        def apply(self, X):
            return answer(X)

    task = SequenceApproximation(points=5)
    with pytest.raises(InvalidOutcomeError, match=complaint):
        task.run(Wrong(4), task.instance(Context(0)), Context(1))


@pytest.mark.parametrize(
    ("X", "complaint"),
    [
        (np.zeros((3, 1, 1)), "must be \\(B, T, d\\)"),
        (np.zeros((0, 2, 1)), "B >= 1"),
        (np.zeros((3, 2, 1), dtype=int), "floating-point array, not int64"),
        ([[0.5]], "floating-point array, not list"),
        (np.full((3, 2, 1), 1.1), "outside of \\[0, 1\\]"),
        (np.full((3, 2, 1), np.nan), "outside of \\[0, 1\\], or that are not numbers"),
    ],
)
def test_bad_sequences_are_refused(X, complaint):
    target = Target("sort", 2)
    table, perceptron = NearestPrototype(4), MlpRegressor(width=2, samples=20, epochs=1)
    for model in (table, perceptron):
        model.build(target, 0.1, np.random.default_rng(0))
    for call in (target, table.apply, perceptron.apply):
        with pytest.raises(ValueError, match=complaint):
            call(X)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: SequenceApproximation(eps=0.0), "eps must be positive"),
        (lambda: SequenceApproximation(points=0), "points must be at least 1"),
        (lambda: SequenceApproximation("reverse"), "map is 'reverse'; there are sort"),
        (lambda: SequenceApproximation(T=0), "T and d must be at least 1"),
        (lambda: NearestPrototype(0).build(Target("sort", 2), 0.1, np.random.default_rng(0)), "prototypes must be"),
        (lambda: MlpRegressor(width=0).build(Target("sort", 2), 0.1, np.random.default_rng(0)), "must be at least 1"),
    ],
)
def test_bad_parameters_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()
