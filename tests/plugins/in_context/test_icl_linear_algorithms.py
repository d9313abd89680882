"""The constructed transformers of "What learning algorithm is in-context learning?" against their algorithms."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Along, Context
from harness_plugins.in_context.arenas.estimators import OnePassSgd, OnlineRidge, Ridge
from harness_plugins.in_context.arenas.laws.linear import LinearLaw
from harness_plugins.in_context.arenas.regression import PENALTIES
from harness_plugins.in_context.arenas.synthetic import Regression
from harness_plugins.in_context.arenas.tables import TabularRegression
from harness_plugins.in_context.icl_linear_algorithms import (
    RidgeProgram,
    SgdProgram,
    paper,
)
from harness_plugins.in_context.icl_linear_algorithms._compiled import Decoder
from harness_plugins.in_context.icl_linear_algorithms._programs import Aff, Div, Mov, Mul, Program, allocate
from harness_plugins.in_context.icl_linear_algorithms._tasks import ImplicitWeights, ProgramFidelity, ridge_weights


def prompts(seed=0, batch=4, n=6, d=3, noise=0.3):
    return LinearLaw(d, n, noise).draw(np.random.default_rng(seed), batch)[:2]


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


# The exact level


@given(st.integers(1, 8), st.integers(1, 20), st.floats(0, 1), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_sgd_program_equals_textbook_sgd(d, n, decay, seed):
    X, Y = prompts(seed, 2, n, d)
    model = SgdProgram(weight_decay=decay)
    np.testing.assert_allclose(model.predict(X, Y), OnePassSgd(0.01, decay).predict(X, Y), rtol=0, atol=1e-10)


@pytest.mark.parametrize("d", [2, 4, 8])
@pytest.mark.parametrize("penalty", [0.1, 0.5])
def test_the_ridge_program_equals_scikit_learn_at_every_prefix(d, penalty):
    X, Y = prompts(d, 4, 20, d)
    np.testing.assert_allclose(RidgeProgram(penalty=penalty).predict(X, Y), Ridge(penalty).predict(X, Y), atol=1e-8)


@given(st.integers(1, 6), st.integers(1, 9), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_the_ridge_program_keeps_the_inverse(d, n, seed):
    """After all updates the last token holds (X^T X + lambda I)^-1 and X^T y."""
    from harness_plugins.in_context.icl_linear_algorithms._programs import ridge_program, tokens

    X, Y = prompts(seed, 1, n, d)
    program = ridge_program(n, d, 0.5)
    H = tokens(program, X, Y)
    for instruction in program.instructions:
        instruction(H)
    A = program.instructions[-2].left  # w = A^-1 X^T y
    x = X[0, :n]
    expected = np.linalg.inv(x.T @ x + 0.5 * np.eye(d))
    np.testing.assert_allclose(H[0, -1, A.start : A.stop].reshape(d, d), expected, rtol=0, atol=1e-9)


def test_sherman_morrison_against_numpy_inv():
    rng = np.random.default_rng(0)
    root, u, v = rng.standard_normal((5, 5)), rng.standard_normal(5), rng.standard_normal(5)
    A = root @ root.T + np.eye(5)
    inverse = np.linalg.inv(A)
    updated = inverse - np.outer(inverse @ u, v @ inverse) / (1 + v @ inverse @ u)
    np.testing.assert_allclose(updated, np.linalg.inv(A + np.outer(u, v)), atol=1e-9)


# Single primitives, compiled against ideal. One program of one instruction, random registers in every token.


def run_both(instruction, rows, N=1e6, c=1e-4, T=5):
    H = np.random.default_rng(1).standard_normal((3, T, rows))
    decoder = Decoder(Program([instruction], rows, range(1), range(1), range(1)), T, N, c)
    h = torch.zeros(3, T, decoder.L, dtype=torch.float64)
    h[:, :, :rows] = torch.from_numpy(H)
    h[:, :, decoder.positions] = torch.eye(T, dtype=torch.float64)
    h[:, :, decoder.one] = 1
    h[:, :, decoder.balance] = -h.sum(dim=2)
    after = decoder.compile(instruction)(h)
    assert after.sum(dim=2).abs().max() < 1e-6  # still balanced
    instruction(H)
    return after[:, :, :rows].numpy(), H


a, b, product, scalar, quotient = allocate(6, 6, 4, 1, 6)
ROWS = quotient.stop
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("instruction", "tolerance"),
    [
        (Mov(1, a, b, 3), 1e-12),
        (Mov(2, a, a, 2), 1e-12),
        (Aff(a, b, product, RNG.standard_normal((4, 6)), RNG.standard_normal((4, 6)), RNG.standard_normal(4)), 1e-12),
        (Aff(a, b, b, 2.0, -0.5, 1.0, start=2), 1e-12),
        (Mul((2, 3, 2), a, b, product), 1e-6),
        (Mul((2, 3, 2), a, a, product), 1e-6),
        (Mul((6, 1, 1), a, scalar, quotient), 1e-6),
        (Div(a, scalar.start, quotient), 1e-7),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_compiled_primitive_equals_the_ideal_one(instruction, tolerance):
    compiled, ideal = run_both(instruction, ROWS)
    np.testing.assert_allclose(compiled, ideal, rtol=0, atol=tolerance * np.abs(ideal).max())


def test_division_is_by_the_absolute_value():
    compiled, ideal = run_both(Div(a, scalar.start, quotient), ROWS)
    signs = np.sign(ideal[:, :, scalar.start])
    assert {-1.0, 1.0} == set(signs.ravel())  # both occur
    assert (np.sign(compiled[:, :, quotient.start]) == np.sign(ideal[:, :, a.start])).all()


def test_soft_attention_misses_by_its_softness():
    """With logits 2N [match] - N, the slot of zeros keeps a share of about e^-N."""
    move = Mov(0, a, b, 2)
    for N in (3.0, 6.0, 12.0):
        compiled, ideal = run_both(move, ROWS, N=N)
        error = np.abs(compiled - ideal).max()
        assert 0.1 * math.exp(-N) < error < 20 * math.exp(-N)


def test_attention_equals_torch_with_a_zero_slot():
    model = RidgeProgram()
    X, Y = prompts(n=3, d=2)
    decoder = model.decoder(3, 2)
    h = decoder.embed(X, Y)
    causal = torch.ones(7, 7, dtype=torch.bool).tril()
    mask = torch.cat([causal, torch.ones(7, 1, dtype=torch.bool)], dim=1)  # everybody sees the slot
    for layer in decoder.layers():
        for head in (layer.read, layer.clear):
            q, k, v = h @ head.W_Q.T, h @ head.W_K.T, h @ head.W_V.T
            k, v = (torch.cat([part, torch.zeros_like(part[:, :1])], dim=1) for part in (k, v))
            attended = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)
            torch.testing.assert_close(head(h), attended @ head.W_O.T, rtol=1e-9, atol=1e-9)
        h = layer(h)


def test_gelu_multiplies():
    """The identity behind mul: its relative error is c^2 (2x^2 + 3xy + 2y^2) / 6 to leading order."""

    def product(x, y, c):
        x, y = torch.tensor([c * x, c * y], dtype=torch.float64)
        gelu = torch.nn.functional.gelu
        return math.sqrt(math.pi / 2) * (gelu(x + y) - gelu(x) - gelu(y)).item() / c**2

    for c in (1.0, 0.1, 0.01):
        error = 1 - product(0.1, 0.2, c) / 0.02
        assert error == pytest.approx(c**2 * (2 * 0.01 + 3 * 0.02 + 2 * 0.04) / 6, rel=0.03)


# Whole programs, compiled


@pytest.mark.parametrize("model", [SgdProgram("compiled", weight_decay=0.3), RidgeProgram("compiled")], ids=repr)
def test_compiled_programs_equal_their_algorithms(model):
    X, Y = prompts(n=10, d=3)
    assert relative(model.predict(X, Y), model.textbook(X, Y)) < 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_the_compiled_error_falls_with_c_until_round_off(seed):
    X, Y = prompts(seed, 4, 12, 4)
    exact = SgdProgram().predict(X, Y)
    scales = (1e-1, 1e-2, 1e-3, 1e-4)
    errors = [relative(SgdProgram("compiled", c=c).predict(X, Y), exact) for c in scales]
    assert all(later * 10 < earlier for earlier, later in pairwise(errors))
    assert errors[-1] < 1e-6


MODELS = [SgdProgram(weight_decay=0.3), RidgeProgram(), SgdProgram("compiled", weight_decay=0.3)]
MODELS += [RidgeProgram("compiled")]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_programs_are_causal(model):
    X, Y = prompts()
    before = model.predict(X, Y)
    for i in range(1, Y.shape[1]):
        X_later, Y_later = X.copy(), Y.copy()
        X_later[:, i + 1 :] += 1
        Y_later[:, i:] -= 2
        after = model.predict(X_later, Y_later)
        # The masked attention adds exact zeros for later tokens; sums may be blocked differently.
        np.testing.assert_allclose(after[:, : i + 1], before[:, : i + 1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_prompts_do_not_see_each_other(model):
    X, Y = prompts(batch=18)  # more than pass a layer at once
    np.testing.assert_allclose(model.predict(X, Y)[17:], model.predict(X[17:], Y[17:]), rtol=1e-7, atol=1e-8)


def test_weights_and_depth_show_the_decoder():
    model = RidgeProgram("compiled")
    weights = model.weights(3, 2)
    L = model.rows(2) + 7
    assert len(weights) == 12 * model.depth(3)
    assert weights["layer-0.read.W_Q"].shape == weights["layer-0.read.W_K"].shape == (8, L)
    assert {name.split(".", 1)[1] for name in weights} == {
        *(f"{head}.{matrix}" for head in ("read", "clear") for matrix in ("W_Q", "W_K", "W_V", "W_O")),
        *(f"mlp.{part}" for part in ("W_1", "b_1", "W_2", "b_2")),
    }
    assert all(weight.dtype == torch.float64 and weight.isfinite().all() for weight in weights.values())


@pytest.mark.parametrize("name", ["read.W_V", "clear.W_O", "read.W_Q", "mlp.W_1", "mlp.W_2"])
def test_the_weights_are_what_computes(name):
    """Scaling one kind of weight in every layer changes the prediction: nothing runs beside them."""
    model = SgdProgram("compiled")
    X, Y = prompts()
    decoder = model.decoder(6, 3)
    h = decoder.embed(X, Y)
    part, weight = name.split(".")
    for layer in decoder.layers():
        getattr(getattr(layer, part), weight).mul_(0.0)
        h = layer(h)
    assert np.abs(h[:, 0::2, decoder.program.prediction.start].numpy() - model.predict(X, Y)).max() > 1e-3


@pytest.mark.parametrize(("model", "exponent"), [(SgdProgram(), 1), (RidgeProgram(), 2)])
def test_rows_scale_as_stated_and_depth_not_at_all(model, exponent):
    d = np.array([16, 32, 64, 128])
    slope = np.polyfit(np.log(d), np.log([model.rows(int(size)) for size in d]), 1)[0]
    assert slope == pytest.approx(exponent, abs=0.15)
    assert len({model.depth(n + 1) - model.depth(n) for n in range(1, 6)}) == 1
    assert len(model.program(2, 3).instructions) == len(model.program(2, 5).instructions) == model.depth(2)


# Tasks


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_fidelity_at_smoke_scale(model):
    task = ProgramFidelity(**ProgramFidelity.scales["smoke"])
    instance = task.instance(Context(0))
    outcome = task.run(model, instance, Context(1))
    gap, largest, rows, layers = (metric(instance, outcome) for metric in task.metrics)
    assert max(gap, largest) < (1e-10 if model.level == "exact" else 1e-3)
    assert (rows, layers) == (model.rows(2), 11 if isinstance(model, RidgeProgram) else 7)


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("kind", [Regression, ImplicitWeights])
def test_models_enter_the_arena_at_smoke_scale(model, kind):
    task = kind(**kind.scales["smoke"])
    instance = task.instance(Context(0))
    outcome = task.run(model, instance, Context(1))
    for metric in task.metrics:
        value = metric(instance, outcome)
        assert np.isfinite(value.values if isinstance(value, Along) else value).all()
    assert np.array_equal(outcome, task.run(model, instance, Context(1)))


def test_programs_run_on_real_data():
    task = TabularRegression(**TabularRegression.scales["smoke"])
    instance = task.instance(Context(0))
    outcome = task.run(RidgeProgram(penalty=1.0), instance, Context(1))
    np.testing.assert_allclose(outcome, instance.ridge[PENALTIES.index(1.0)], atol=1e-10)


def test_implicit_weights_of_ridge_are_the_weights_of_ridge():
    task = ImplicitWeights(d=3, n=5, batch=6, noise=0.2)
    instance = task.instance(Context(0))
    outcome = task.run(OnlineRidge(0.25), instance, Context(1))
    np.testing.assert_allclose(outcome, ridge_weights(instance.X, instance.Y, 0.25), atol=1e-9)
    ilwd_ols, ilwd_ridge = (metric(instance, outcome) for metric in task.metrics)
    assert ilwd_ridge.values[PENALTIES.index(0.25)] < 1e-15
    assert ilwd_ols == ilwd_ridge.values[0] > 1e-6


def test_operations_read_the_prompts_that_the_tasks_show():
    fidelity = ProgramFidelity(**ProgramFidelity.scales["smoke"])
    instance = fidelity.instance(Context(0))
    operation = fidelity.operation("predict", RidgeProgram(level="compiled"), instance, Context(1))
    np.testing.assert_array_equal(operation.call(), RidgeProgram(level="compiled").predict(*instance))
    implicit = ImplicitWeights(d=2, n=5, batch=3, probes=2)
    probed = implicit.instance(Context(0))
    operation = implicit.operation("predict", OnlineRidge(), probed, Context(1))
    assert operation.items == 3 * 4 * 6
    answers = operation.call().reshape(3, 4, 6)
    np.testing.assert_allclose(answers[..., :-1], answers[:, :1, :-1].repeat(4, axis=1))  # one context for all probes
    weights = implicit.run(OnlineRidge(), probed, Context(1))
    np.testing.assert_allclose(answers[..., -1], np.einsum("bmd,bd->bm", probed.probes, weights))


# Bad input


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_bad_prompts_are_refused(model, refuses_bad_prompts):
    refuses_bad_prompts(model, *prompts())


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (RidgeProgram(penalty=0.0), "penalty must be positive"),
        (SgdProgram("fuzzy"), "level is"),
        (SgdProgram("compiled", N=0.5), "N must be"),
        (SgdProgram("compiled", c=0.0), "c between"),
    ],
    ids=repr,
)
def test_bad_hyperparameters_are_refused(model, complaint):
    with pytest.raises(ValueError, match=complaint):
        model.predict(*prompts())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Mov(3, a, b, 2),  # from a later token
        lambda: Mov(0, a, product, 1),
        lambda: Mul((2, 2, 2), a, b, product),
        lambda: Mul((6, 1, 1), a, scalar, a),  # clears what it reads
        lambda: Div(a, scalar.start, product),
        lambda: Div(a, scalar.start, a),
        lambda: Aff(a, b, product, 1.0, 1.0),
        lambda: Aff(a, b, a, 1.0, 1.0, np.zeros(3)),
    ],
)
def test_impossible_instructions_are_refused(make):
    with pytest.raises(ValueError, match=r"causal|rows|fit"):
        make()


def test_the_card_names_the_claims_and_their_cells_exist():
    assert [claim.name for claim in paper.claims] == [
        "sgd-program-exact",
        "ridge-program-exact",
        "space-scaling",
        "bayes-ridge",
    ]
    own = {name for name, _, _ in paper.models()}
    for claim in paper.claims:
        for cell in claim.cells:
            for model in cell["models"]:
                owner, name = (model if isinstance(model, str) else next(iter(model))).split("/")
                assert owner == "in-context" or name in own
