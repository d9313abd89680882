"""Sparse contextual bigrams: the law, the gradients, the algorithm's steps, the tasks, and what its claims refuse."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Along, Context, InvalidOutcomeError
from harness.checks.evidence import Cell, Evidence, Point
from harness.checks.ruling import rule
from harness.checks.verdict import Verdict
from harness_plugins.in_context.arenas.language import l1
from harness_plugins.in_context.arenas.language_models import UnigramCounts
from harness_plugins.in_context.arenas.language_tasks import ContextualBigramLanguage
from harness_plugins.in_context.arenas.languages.contextual_bigram import (
    ContextualBigramLaw,
    SparseContextualBigram,
    draw_law,
    draw_related,
    value_correlation,
)
from harness_plugins.in_context.arenas.languages.markov import MarkovLaw
from harness_plugins.in_context.sparse_contextual_bigram import paper
from harness_plugins.in_context.sparse_contextual_bigram._attention import (
    Replay,
    Stream,
    Weights,
    attended,
    descent,
    predict,
)
from harness_plugins.in_context.sparse_contextual_bigram._language_model import LinearTransformer
from harness_plugins.in_context.sparse_contextual_bigram._learners import (
    GradientDescent,
    OneHotGradientDescent,
    OracleSupport,
    ProximalGradient,
    SoftmaxAttention,
    uninformed,
)
from harness_plugins.in_context.sparse_contextual_bigram._learning import History, Problem
from harness_plugins.in_context.sparse_contextual_bigram._recovery import (
    Recovery,
    growth_samples,
    initial_samples,
    samples_to_recovery,
    support_f1,
)
from harness_plugins.in_context.sparse_contextual_bigram._transfer import Transfer

LEARNERS = [
    ProximalGradient(),
    ProximalGradient(penalty=0.0),
    ProximalGradient(value_steps=0.3),
    OracleSupport(),
    GradientDescent(),
    OneHotGradientDescent(),
    SoftmaxAttention(),
]


def law_of(T=12, N=3, seed=0, weighting="random", sparsity=2):
    return draw_law(np.random.default_rng(seed), T, N, sparsity, weighting)


def random_weights(T, N, seed=0):
    """Any weights, A on the simplex."""
    rng = np.random.default_rng(seed)
    return Weights(rng.dirichlet(np.ones(T), N).T, rng.standard_normal((N, N)))


def stream_of(law, batch=64, steps=20, seed=5):
    return Stream(law, batch, steps, np.random.default_rng(seed))


def last_of(weights):
    *_, last = weights
    return last


# The law


@given(st.integers(2, 5), st.integers(2, 9), st.integers(0, 99), st.sampled_from(["equal", "random"]))
@settings(max_examples=15, deadline=None)
def test_laws_are_stochastic_sparse_and_stationary(N, T, seed, weighting):
    law = law_of(T, N, seed, weighting, sparsity=2 if T > 2 else 1)
    np.testing.assert_allclose(law.P @ law.mu, law.mu, atol=1e-12)
    assert law.mu.sum() == pytest.approx(1)
    assert law.mu.min() > 0.45 / N
    assert np.linalg.norm(law.P - law.mu[:, None]) > 0.6
    sparsity = (law.Q > 0).sum(axis=0)
    assert (sparsity == (2 if T > 2 else 1)).all()
    assert (law.Q[law.Q > 0] >= 0.5 / sparsity[0]).all()
    if weighting == "equal":
        assert np.unique(law.Q[law.Q > 0]).size == 1


def test_samples_follow_the_law():
    law = law_of(T=4)
    tokens, outputs = law.draw(np.random.default_rng(1), 200_000)
    for column in tokens.T:  # every position, the query's too
        np.testing.assert_allclose(np.bincount(column) / len(column), law.mu, atol=0.006)
    probabilities = law.next_token_probabilities(tokens)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    # prompts alike in the query and in what it looks at have one law of the output
    codes = tokens[:, :4] @ 3 ** np.arange(4) + 81 * tokens[:, 4]
    for code in np.unique(codes)[::9]:
        alike = codes == code
        frequency = np.bincount(outputs[alike], minlength=3) / alike.sum()
        deviation = np.sqrt(0.25 / alike.sum())
        np.testing.assert_allclose(frequency, probabilities[alike][0], atol=5 * deviation)


def test_the_next_token_law_is_the_sum_of_the_definition():
    law = law_of()
    tokens, _ = law.draw(np.random.default_rng(1), 20)
    for prompt, probabilities in zip(tokens, law.next_token_probabilities(tokens), strict=True):
        expected = sum(law.Q[t, prompt[-1]] * law.P[:, prompt[t]] for t in range(12))
        np.testing.assert_allclose(probabilities, expected)
    np.testing.assert_allclose(predict(Weights(law.Q, law.P), tokens), law.next_token_probabilities(tokens))


def test_a_related_law_keeps_what_it_should():
    old = law_of(T=30, weighting="equal")
    new = draw_related(np.random.default_rng(3), old, 1, 0.5, "equal")
    assert (((old.Q > 0) & (new.Q > 0)).sum(axis=0) == 1).all()
    assert ((new.Q > 0).sum(axis=0) == 2).all()
    assert 0.5 <= value_correlation(new.P, old.P) < 1
    assert value_correlation(old.P, old.P) == pytest.approx(1)
    same = draw_related(np.random.default_rng(3), old, 2, -1.0, "random")
    assert ((same.Q > 0) == (old.Q > 0)).all()
    assert not np.allclose(same.Q, old.Q)


def test_impossible_laws_are_refused():
    law = law_of()
    with pytest.raises(ValueError, match="add up to 1"):
        SparseContextualBigram(law.P, 2 * law.Q)
    with pytest.raises(ValueError, match="add up to 1"):
        SparseContextualBigram(np.full((3, 3), np.nan), law.Q)
    with pytest.raises(ValueError, match=r"must be \(N, N\)"):
        SparseContextualBigram(law.P, law.Q[:, :2])
    with pytest.raises(ValueError, match="none of 4000"):
        draw_related(np.random.default_rng(1), law, 1, 0.999999, "equal")


# Loss and gradients


def test_the_excess_loss_is_the_loss_less_the_noise():
    law = law_of()
    assert law.excess_loss(law.Q, law.P) == pytest.approx(0, abs=1e-15)
    weights = random_weights(12, 3)
    tokens, outputs = law.draw(np.random.default_rng(2), 60_000)
    targets = np.eye(3)[outputs]
    losses = ((targets - predict(weights, tokens)) ** 2 - (targets - law.next_token_probabilities(tokens)) ** 2).sum(1)
    standard_error = losses.std() / len(losses) ** 0.5 / 2
    assert law.excess_loss(*weights) == pytest.approx(losses.mean() / 2, abs=4 * standard_error)


@given(st.integers(1, 9), st.integers(2, 5), st.integers(1, 8), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_gathers_equal_autograd_over_one_hot_matrices(T, N, B, seed):
    from harness_plugins.in_context.sparse_contextual_bigram._torch import one_hot_descent

    rng = np.random.default_rng(seed)
    tokens, outputs = rng.integers(N, size=(B, T + 1)), rng.integers(N, size=B)
    weights = random_weights(T, N, seed)
    for ours, autograd in zip(
        descent(weights, tokens, outputs), one_hot_descent(weights, tokens, outputs), strict=True
    ):
        np.testing.assert_allclose(ours, autograd, rtol=1e-10, atol=1e-13)


def test_attended_is_a_product_with_the_one_hot_matrix():
    law, (A, _) = law_of(), random_weights(12, 3)
    tokens, _ = law.draw(np.random.default_rng(0), 7)
    expected = [np.eye(3)[prompt[:-1]].T @ A[:, prompt[-1]] for prompt in tokens]
    np.testing.assert_allclose(attended(A, tokens), expected)


def population_descent(law, weights):
    """What the preconditioned, projected gradients are in expectation (A on the simplex, V mu = mu)."""
    A, V = weights
    mu, C = law.mu, np.diag(law.mu) - np.outer(law.mu, law.mu)
    P_beyond, V_beyond = law.P - mu[:, None], V - mu[:, None]
    by_V = P_beyond * ((A * law.Q).sum(0) @ mu) - V_beyond * ((A**2).sum(0) @ mu)
    by_A = np.trace(V_beyond.T @ P_beyond @ C) * law.Q - np.trace(V_beyond @ C @ V_beyond.T) * A
    return by_A - by_A.mean(0), by_V


def midway(law, seed=0):
    """Weights as they are in training: A on the simplex, V mu = mu, columns of V adding up to 1."""
    A = 0.5 * law.Q + 0.5 * random_weights(*law.Q.shape, seed).A
    other = law_of(seed=seed + 7).P
    V_beyond = 0.5 * (law.P - law.mu[:, None]) + 0.3 * (other - (other @ law.mu)[:, None])
    return Weights(A, V_beyond + law.mu[:, None])


def projected(law, by_A, by_V):
    by_A, by_V = by_A / law.mu, by_V / law.mu
    by_V = by_V - by_V.mean(0)
    return by_A - by_A.mean(0), by_V - (by_V @ law.mu)[:, None]


def test_population_gradients_are_those_of_the_excess_loss():
    law = law_of()
    weights = midway(law)
    A, V = (torch.from_numpy(weight).requires_grad_() for weight in weights)
    mu, P, Q = map(torch.from_numpy, (law.mu, law.P, law.Q))
    C = torch.diag(mu) - torch.outer(mu, mu)
    terms = A[:, None, None] * V[None, :, :, None] - Q[:, None, None] * P[None, :, :, None]  # (T, N, N, queries)
    variances = torch.einsum("tijk,jl,tilk->k", terms, C, terms)
    means = torch.einsum("tijk,j->ik", terms, mu).square().sum(0)
    loss = (variances + means) @ mu / 2
    assert loss.item() == pytest.approx(law.excess_loss(*weights), rel=1e-10)
    by_A, by_V = (gradient.numpy() for gradient in torch.autograd.grad(-loss, (A, V)))
    for ours, formula in zip(projected(law, by_A, by_V), population_descent(law, weights), strict=True):
        np.testing.assert_allclose(ours, formula, atol=1e-12)


def test_population_gradients_are_met_by_a_million_samples():
    law = law_of()
    weights = midway(law)
    stream = stream_of(law, batch=50_000, steps=20)
    steps = [descent(weights, *batch) for batch in stream]
    by_A, by_V = (np.mean([getattr(step, name) for step in steps], axis=0) for name in "AV")
    expected_A, expected_V = population_descent(law, weights)
    found_A, found_V = projected(law, by_A, by_V)
    assert np.linalg.norm(found_V - expected_V) < 2e-2 * np.linalg.norm(expected_V)
    assert np.linalg.norm(found_A - expected_A) < 6e-2 * np.linalg.norm(expected_A)


def test_at_the_start_values_move_by_one_in_T_and_attention_not_at_all():
    for T in (10, 40):
        law = law_of(T)
        by_A, by_V = population_descent(law, uninformed(stream_of(law)))
        np.testing.assert_allclose(by_A, 0, atol=1e-15)
        np.testing.assert_allclose(by_V, (law.P - law.mu[:, None]) / T, atol=1e-12)


# The algorithm


def one_value_step(weights, gradient, mu, rate=0.1):
    return ProximalGradient.value_step(weights.A, weights.V, gradient, mu, rate)


def test_the_projection_makes_it_idle_to_centre_the_contexts():
    """The paper subtracts mu from X a; the part of the gradient that this changes is projected away."""
    law = law_of()
    weights = midway(law)
    tokens, outputs = law.draw(np.random.default_rng(0), 50)
    contexts = attended(weights.A, tokens)
    residuals = np.eye(3)[outputs] - contexts @ weights.V.T
    centred = residuals.T @ (contexts - law.mu) / 50 / law.mu
    raw = descent(weights, tokens, outputs).V / law.mu
    assert not np.allclose(raw, centred)
    np.testing.assert_allclose(
        one_value_step(weights, raw, law.mu), one_value_step(weights, centred, law.mu), atol=1e-13
    )


def test_an_attention_step_is_what_the_loops_say():
    law, model = law_of(), ProximalGradient(penalty=0.3)
    weights, rng = midway(law), np.random.default_rng(1)
    A, beyond, gradient = weights.A, weights.V - law.mu[:, None], rng.standard_normal((12, 3))
    C = np.diag(law.mu) - np.outer(law.mu, law.mu)
    stepped = model.attention_step(A, beyond, gradient, law.mu, np.ones((12, 3)), 0.1)
    for k in range(3):
        centred = gradient[:, k] - gradient[:, k].mean()
        moved = [max(A[t, k] + 0.1 / np.trace(beyond @ C @ beyond.T) * centred[t] - 0.03, 0) for t in range(12)]
        np.testing.assert_allclose(stepped[:, k], np.array(moved) / sum(moved), rtol=1e-9)
    assert (stepped == 0).any()


def test_a_column_that_would_be_emptied_is_kept():
    A = np.full((12, 3), 1 / 12)
    A[:, 1] = np.eye(12)[4]
    gradient = np.zeros((12, 3))
    stepped = ProximalGradient(penalty=0.9).attention_step(
        A, np.eye(3), gradient, np.full(3, 1 / 3), np.ones((12, 3)), 0.5
    )
    np.testing.assert_array_equal(stepped, A)


@pytest.mark.parametrize("start", [False, True], ids=["scratch", "transferred"])
def test_training_stays_where_it_is_projected_to(start):
    law = law_of(T=20)
    given_weights = Weights(*(part.copy() for part in random_weights(20, 3))) if start else None
    if given_weights:
        given_weights.V[:] = law_of(seed=9).P
    for A, V in ProximalGradient().train(stream_of(law), given_weights):
        assert (A >= 0).all()
        np.testing.assert_allclose(A.sum(axis=0), 1)
        np.testing.assert_allclose(V.sum(axis=0), 1)
        np.testing.assert_allclose(V @ law.mu, law.mu, atol=1e-12)


def test_values_move_alone_at_first_if_that_is_asked():
    law = law_of(T=20)
    history = [*ProximalGradient(value_steps=0.5).train(stream_of(law, steps=10))]
    uniform = uninformed(stream_of(law)).A
    changed = [not np.array_equal(A, uniform) for A, _ in history]
    assert changed == [False] * 5 + [True] * 5
    assert not np.allclose(history[0].V, history[4].V)


def test_steps_get_smaller_at_the_end():
    model = ProximalGradient(learning_rate=0.5, decay=0.1)
    assert [model.rate(step, 10) for step in (0, 5, 6, 9)] == pytest.approx([0.5, 0.5, 0.05, 0.05])


@pytest.mark.parametrize("seed", range(3))
def test_the_law_is_recovered(seed):
    task = Recovery(T=30, batch=256, steps=250)
    instance = task.instance(Context(seed))
    outcome = task.run(ProximalGradient(), instance, Context(1))
    assert support_f1(instance, outcome) == 1
    assert outcome.error_a[-1] < 0.2
    assert outcome.error_v[-1] < 0.1


def test_the_oracle_never_leaves_the_support():
    law = law_of(T=20)
    model = OracleSupport()
    with pytest.raises(ValueError, match="not been told"):
        next(iter(model.train(stream_of(law))))
    model.inform(law)
    old = random_weights(20, 3)
    old.A[law.Q > 0] = 0  # attention from elsewhere is none at all: back to uniform
    for start in (None, old):
        for A, _ in model.train(stream_of(law), start):
            assert (A[law.Q == 0] == 0).all()
            np.testing.assert_allclose(A.sum(axis=0), 1)


def test_one_hot_descent_takes_the_same_way():
    law = law_of(T=10)
    for ours, peer in zip(
        GradientDescent().train(stream_of(law)), OneHotGradientDescent().train(stream_of(law)), strict=True
    ):
        np.testing.assert_allclose(ours.A, peer.A, atol=1e-12)
        np.testing.assert_allclose(ours.V, peer.V, atol=1e-12)


def test_softmax_is_trained_by_its_own_gradient():
    """The first steps are those of Adam on a loss that autograd differentiates through the softmax."""
    law = law_of(T=10)
    start = random_weights(10, 3)
    stream = Replay(law, 16, 3, np.random.default_rng(0))
    trained = last_of(SoftmaxAttention(learning_rate=0.1, decay=1.0).train(stream, start))
    Z, V = torch.from_numpy(np.log(start.A)).requires_grad_(), torch.from_numpy(start.V.copy()).requires_grad_()
    optimizer = torch.optim.Adam([Z, V], lr=0.1)
    for tokens, outputs in stream:
        X = torch.from_numpy(np.eye(3)[tokens])
        predicted = torch.einsum("ij,btj,tk,bk->bi", V, X[:, :-1], Z.softmax(0), X[:, -1])
        loss = (torch.from_numpy(np.eye(3)[outputs]) - predicted).square().sum(1).mean() / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    np.testing.assert_allclose(trained.A, Z.detach().softmax(0), rtol=1e-8)
    np.testing.assert_allclose(trained.V, V.detach(), rtol=1e-8)


def test_descent_that_diverges_ends_with_finite_weights():
    law = law_of(T=20)
    history = [*GradientDescent(learning_rate=30.0).train(stream_of(law, steps=200))]
    assert 0 < len(history) < 200
    assert all(np.isfinite(part).all() for weights in history for part in weights)


# Tasks


@pytest.mark.parametrize("model", LEARNERS, ids=repr)
def test_recovery_at_smoke_scale(model):
    task = Recovery(**Recovery.scales["smoke"])
    instance = task.instance(Context(0))
    outcome = task.run(model, instance, Context(1))
    assert outcome.samples[-1] == 64 * 50
    for metric in task.metrics:
        value = metric(instance, outcome)
        assert value is None or np.isfinite(value.values if isinstance(value, Along) else value).all()
    again = task.run(model, task.instance(Context(0)), Context(1))
    np.testing.assert_array_equal(again.weights.A, outcome.weights.A)
    np.testing.assert_array_equal(again.error_v, outcome.error_v)


@pytest.mark.parametrize("model", [ProximalGradient(), OracleSupport(), SoftmaxAttention()], ids=repr)
def test_transfer_at_smoke_scale(model):
    task = Transfer(**Transfer.scales["smoke"])
    instance = task.instance(Context(0))
    outcome = task.run(model, instance, Context(1))
    assert len(outcome.scratch.samples) == len(outcome.transferred.samples) == 50
    assert not np.allclose(outcome.scratch.weights.A, outcome.transferred.weights.A, atol=1e-6)
    for metric in task.metrics:
        value = metric(instance, outcome)
        assert value is None or np.isfinite(value)


def test_transfer_is_from_the_old_laws_weights():
    """With no step large enough to matter, it ends where the old law ended."""
    task = Transfer(T=20, batch=64, steps=1, old_steps=60)
    instance = task.instance(Context(0))
    outcome = task.run(ProximalGradient(), instance, Context(1))
    before = last_of(ProximalGradient().train(task.stream(instance.old, 60)))
    still = last_of(ProximalGradient(learning_rate=1e-12).train(task.stream(instance.new, 1), before))
    np.testing.assert_allclose(still.A, before.A, atol=1e-8)
    np.testing.assert_allclose(outcome.transferred.weights.A, before.A, atol=0.3)
    assert np.linalg.norm(outcome.transferred.weights.A - outcome.scratch.weights.A) > 0.5


def history_of(law, overlap, error_a=None, weights=None):
    S = len(overlap)
    errors = np.ones(S) if error_a is None else np.array(error_a)
    return History(weights or Weights(law.Q, law.P), 10.0 * np.arange(1, S + 1), errors, errors, np.array(overlap))


def test_metrics_read_the_history():
    law = law_of(weighting="equal")
    problem = Problem(law, 0)
    history = history_of(law, [0.01, 0.06, 0.2, 0.6], [0.9, 0.3, 0.1, 0.3])
    assert initial_samples(problem, history) == 20
    assert growth_samples(problem, history) == 20
    assert samples_to_recovery(problem, history) == 30
    never = history_of(law, [0.01, 0.06])
    assert growth_samples(problem, never) is None
    assert samples_to_recovery(problem, never) is None
    assert support_f1(problem, history) == 1
    half = law.Q * (np.cumsum(law.Q > 0, axis=0) <= 1)
    assert support_f1(problem, history_of(law, [1.0], weights=Weights(half, law.P))) == pytest.approx(2 / 3)


@pytest.mark.parametrize("model", LEARNERS, ids=repr)
def test_the_operation_repeats(model):
    task = Recovery(**Recovery.scales["smoke"])
    operation = task.operation("train-step", model, task.instance(Context(0)), Context(1))
    operation.verify()
    np.testing.assert_array_equal(operation.call().A, operation.call().A)
    assert operation.items == 4 * 64


# Bad input


class _Answers:
    def __init__(self, *answers):
        self.answers = answers

    def train(self, stream, start=None):
        yield from self.answers


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ([], "no weights"),
        ([(np.ones((20, 3)), np.ones((3, 3)))], "not tuple"),
        ([Weights(np.ones((3, 20)), np.ones((3, 3)))], "A must be"),
        ([Weights(np.ones((20, 3)), np.full((3, 3), np.nan))], "9 of 9 V are not finite"),
        ([Weights(np.ones((20, 3)), [[1.0]])], "V must be"),
    ],
)
def test_illegal_weights_are_refused(answers, complaint):
    task = Recovery(**Recovery.scales["smoke"])
    with pytest.raises(InvalidOutcomeError, match=complaint):
        task.run(_Answers(*answers), task.instance(Context(0)), Context(1))


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Recovery(N=1), "2 tokens or more"),
        (lambda: Recovery(sparsity=0), "sparsity"),
        (lambda: Recovery(T=2), "sparsity"),
        (lambda: Recovery(steps=0), "steps"),
        (lambda: Recovery(weighting="odd"), "weighting is"),
        (lambda: Transfer(weighting="odd"), "weighting is"),
        (lambda: Transfer(shared=3), "shared must be"),
        (lambda: Transfer(shared=2), "does not change"),
        (lambda: Transfer(correlation=1.0), "correlation must be"),
        (lambda: Transfer(old_steps=0), "old_steps"),
        (lambda: ProximalGradient(learning_rate=0.0), "learning_rate must be"),
        (lambda: ProximalGradient(penalty=1.0), "penalty and value_steps"),
        (lambda: ProximalGradient(value_steps=1.0), "penalty and value_steps"),
        (lambda: SoftmaxAttention(decay=0.0), "decay in"),
        (lambda: stream_of(law_of(), batch=0), "a sample or more"),
        (lambda: stream_of(law_of(), steps=0), "a sample or more"),
    ],
)
def test_bad_parameters_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


# Claims: what their checks say of results as they should be, and of broken ones

PROXIMAL, DESCENT = "sparse-contextual-bigram/proximal-gradient", "sparse-contextual-bigram/gradient-descent"


def verdict(name, cells):
    """Of results (model, settings, seed, metrics) of one task."""
    (claim,) = (claim for claim in paper.claims if claim.name == name)
    evidence = [
        Cell(
            "task", model, "construction", seed, settings, "ok", {key: [Point(value)] for key, value in metrics.items()}
        )
        for model, settings, seed, metrics in cells
    ]
    metrics = {key for *_, values in cells for key in values}
    return rule(claim.check, Evidence(evidence, dict.fromkeys(metrics, "lower"))).verdict


def errors(proximal, descent):
    """Of both methods, the second at two rates of which the first diverges."""
    for seed, (ours, theirs) in enumerate(zip(proximal, descent, strict=True)):
        yield PROXIMAL, {"learning_rate": 0.1}, seed, {"rel-err-a": ours}
        yield DESCENT, {"learning_rate": 0.2}, seed, {"rel-err-a": 1e6}
        yield DESCENT, {"learning_rate": 0.1}, seed, {"rel-err-a": theirs}


def test_prox_beats_sgd_can_fail():
    good, bad = [0.03, 0.05, 0.15, 0.02, 0.04], [0.4, 0.3, 0.6, 0.25, 0.9]
    assert verdict("prox-beats-sgd", [*errors(good, bad)]) is Verdict.HELD
    assert verdict("prox-beats-sgd", [*errors(bad, good)]) is Verdict.FAILED  # swapped
    assert verdict("prox-beats-sgd", [*errors(good, good)]) is Verdict.FAILED  # SGD as good
    assert verdict("prox-beats-sgd", [*errors([0.2] * 5, [0.9] * 5)]) is Verdict.FAILED  # better, not recovered


def test_l1_needed_can_fail():
    def cells(without, penalised):
        for seed in range(5):
            yield PROXIMAL, {"penalty": 0.0}, seed, {"rel-err-a": without + 0.01 * seed}
            yield PROXIMAL, {"penalty": 0.2}, seed, {"rel-err-a": penalised + 0.01 * seed}

    assert verdict("l1-needed", [*cells(0.7, 0.02)]) is Verdict.HELD
    assert verdict("l1-needed", [*cells(0.02, 0.7)]) is Verdict.FAILED
    assert verdict("l1-needed", [*cells(0.02, 0.02)]) is Verdict.FAILED
    assert verdict("l1-needed", [*cells(0.7, 0.7)]) is Verdict.FAILED


def test_two_stages_can_fail_and_hold():
    def cells(initial, growth):
        for seed in range(5):
            yield PROXIMAL, {}, seed, {"initial-samples": initial + seed, "growth-samples": growth + seed}

    assert verdict("two-stages", [*cells(4000, 1000)]) is Verdict.HELD
    assert verdict("two-stages", [*cells(2000, 1000)]) is Verdict.FAILED


def test_a_language_is_the_same_at_every_length_and_seed():
    laws = [Recovery(T=T, language=3).instance(Context(seed)).law for T, seed in ((20, 0), (20, 1), (40, 0))]
    np.testing.assert_array_equal(laws[0].Q, laws[1].Q)
    for law in laws:
        np.testing.assert_array_equal(law.P, laws[0].P)
    assert not np.array_equal(Recovery(T=20, language=4).instance(Context(0)).law.P, laws[0].P)
    with pytest.raises(ValueError, match="language must not be negative"):
        Recovery(language=-1)


def test_first_stage_grows_can_fail_and_hold():
    def cells(initial, growth):
        for seed, language, T in product(range(3), range(9), (250, 500, 1000, 2000)):
            scale = 9 + language + seed
            values = {"initial-samples": scale * T**initial, "growth-samples": scale * T**growth}
            yield PROXIMAL, {"T": T, "language": language}, seed, values

    assert verdict("first-stage-grows", [*cells(0.8, -0.1)]) is Verdict.HELD
    assert verdict("first-stage-grows", [*cells(0.8, 0.8)]) is Verdict.FAILED
    assert verdict("first-stage-grows", [*cells(0.0, 0.0)]) is Verdict.FAILED


def test_transfer_can_fail_and_hold():
    def cells(transferred, scratch):
        for seed in range(5):
            yield PROXIMAL, {}, seed, {"transferred-samples": transferred + seed, "scratch-samples": scratch + seed}

    assert verdict("transfer", [*cells(300, 1000)]) is Verdict.HELD
    assert verdict("transfer", [*cells(1000, 300)]) is Verdict.FAILED
    assert verdict("transfer", [*cells(300, 300)]) is Verdict.FAILED


# As a language model


def language(**parameters):
    return ContextualBigramLanguage(**{"length": 21, "batch": 500, **parameters})


@given(st.integers(2, 5), st.integers(6, 30), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_the_query_is_followed_by_what_it_looks_at(symbols, length, seed):
    law = ContextualBigramLaw(length=length, symbols=symbols, language=seed)
    tokens, following, truth, scored = law.draw(np.random.default_rng(seed), 6)
    assert tokens.shape == following.shape == scored.shape == (6, length)
    assert scored.sum() == 6 and scored[:, -1].all()
    np.testing.assert_array_equal(tokens[:, 1:], following[:, :-1])
    P, Q, mu = law.bigram().P, law.bigram().Q, law.bigram().mu
    np.testing.assert_array_equal(truth[:, :-1], np.broadcast_to(mu, (6, length - 1, symbols)))
    for sequence, said in zip(tokens, truth[:, -1], strict=True):
        *seen, query = sequence
        np.testing.assert_allclose(said, sum(Q[t, query] * P[:, x] for t, x in enumerate(seen)))
    same = ContextualBigramLaw(length=length, symbols=symbols, language=seed).bigram()
    np.testing.assert_array_equal(same.Q, Q)


def test_the_trained_layer_says_what_follows_and_an_untrained_one_does_not():
    task, context = language(), Context(3)
    instance = task.instance(context)
    distances = {}
    for name, model in {
        "proximal": LinearTransformer(steps=300, batch=128),
        "descent": LinearTransformer("gradient-descent", steps=300, batch=128),
        "not yet": LinearTransformer(steps=1, batch=1),
        "counts": UnigramCounts(),
    }.items():
        distances[name] = l1(instance, task.run(model, instance, Context(4)))
    assert distances["proximal"] < 0.1
    assert distances["proximal"] < distances["descent"] < distances["not yet"]
    assert abs(distances["not yet"] - distances["counts"]) < 0.1


@pytest.mark.parametrize("learner", ["proximal-gradient", "gradient-descent", "softmax-attention"])
def test_linear_transformers_enter_the_arena_at_smoke_scale_and_repeat_themselves(learner):
    task = ContextualBigramLanguage(**ContextualBigramLanguage.scales["smoke"])
    instance = task.instance(Context(0))
    model, again = (LinearTransformer(learner, **LinearTransformer.scales["smoke"]) for _ in range(2))
    answered = task.run(model, instance, Context(1))
    np.testing.assert_array_equal(answered, task.run(again, instance, Context(1)))
    changed = instance.tokens.copy()
    changed[:, -1] = (changed[:, -1] + 1) % 3
    np.testing.assert_array_equal(model.next_token_probabilities(changed, 3)[:, :-1], answered[:, :-1])


def test_other_laws_sizes_and_learners_are_refused():
    model, law = LinearTransformer(steps=5, batch=8), ContextualBigramLaw(length=9)
    with pytest.raises(ValueError, match="needs meta_train first"):
        model.next_token_probabilities(np.zeros((1, 9), int), 3)
    with pytest.raises(TypeError, match="MarkovLaw is none"):
        model.meta_train(MarkovLaw(), Context(0))
    with pytest.raises(ValueError, match="learner is"):
        LinearTransformer("guessing").meta_train(law, Context(0))
    model.meta_train(law, Context(0))
    with pytest.raises(ValueError, match="trained on 3 symbols, 9 tokens; these are 3 and 8"):
        model.next_token_probabilities(np.zeros((1, 8), int), 3)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"symbols": 1}, "symbols must be at least 2"),
        ({"language": -1}, "language not negative"),
        ({"length": 4, "sparsity": 3}, r"sparsity must lie in 1\.\.length - 2 = 2"),
        ({"weighting": "odd"}, "weighting is"),
    ],
)
def test_laws_that_are_none_are_refused(wrong, complaint):
    with pytest.raises(ValueError, match=complaint):
        ContextualBigramLaw(**wrong)
