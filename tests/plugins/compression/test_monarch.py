"""Monarch matrices: the entry formula, the projection and its optimality, the class, the layers, the card."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.components import parameters
from harness.context import Context
from harness_plugins.compression.arenas import family, transforms
from harness_plugins.compression.arenas.digits_mlp import DigitsMlp
from harness_plugins.compression.arenas.linear_maps import Dense, LowRank
from harness_plugins.compression.arenas.matmul import Matmul
from harness_plugins.compression.arenas.projection import Projection
from harness_plugins.compression.arenas.structured_linear import count_params
from harness_plugins.compression.monarch import (
    AlternatingLeastSquares,
    Butterfly,
    DenseToSparse,
    Monarch,
    SparseToDense,
    paper,
)
from harness_plugins.compression.monarch._layers import ButterflyLinear, MonarchLinear
from harness_plugins.compression.monarch._shape import MonarchShape

TASKS = {"compression/projection": Projection, "compression/digits-mlp": DigitsMlp, "compression/matmul": Matmul}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def run(task, model, seed=0):
    instance = task.instance(Context(seed=seed))
    outcome = task.run(model, instance, Context(seed=seed + 1))
    return {metric.name: metric(instance, outcome) for metric in task.metrics}


def smoke(task_class, **values):
    return task_class(**{**task_class.scales["smoke"], **values})


def relative_squared_error(matrix, structured):
    return ((matrix - structured.dense()).norm() / matrix.norm()).item() ** 2


@st.composite
def shapes(draw):
    """Rectangular, with block counts that need not divide the sizes."""
    n_in, n_out, blocks = draw(st.integers(1, 20)), draw(st.integers(1, 20)), draw(st.integers(1, 5))
    assume(blocks <= min(n_in, n_out))
    return MonarchShape(n_in, n_out, blocks, draw(st.integers(1, 3)))


def random_monarch(shape, seed, dtype=torch.float64):
    left = torch.randn(shape.blocks, shape.rows, shape.hidden, dtype=dtype, generator=generator(seed))
    right = torch.randn(shape.blocks, shape.hidden, shape.columns, dtype=dtype, generator=generator(seed + 1))
    return MonarchLinear(left, right, shape)


# The matrix


@given(shapes(), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_dense_follows_the_entry_formula(shape, seed):
    monarch = random_monarch(shape, seed)
    left, right, b = monarch.left.detach().numpy(), monarch.right.detach().numpy(), shape.blocks
    expected = np.zeros((shape.n_out, shape.n_in))
    for row in range(shape.n_out):
        for column in range(shape.n_in):
            (out, j), (k, i) = divmod(row, b), divmod(column, shape.columns)
            for r in range(shape.rank):
                expected[row, column] += left[j, out, k * shape.rank + r] * right[k, r * b + j, i]
    assert np.allclose(monarch.dense().detach().numpy(), expected, atol=1e-12)


@given(shapes(), st.integers(0, 99), st.sampled_from([torch.float64, torch.complex128]))
@settings(max_examples=30, deadline=None)
def test_product_equals_the_dense_product(shape, seed, dtype):
    monarch = random_monarch(shape, seed, dtype)
    x = torch.randn(2, 3, shape.n_in, dtype=dtype, generator=generator(seed + 2))
    assert torch.allclose(monarch(x), x @ monarch.dense().T, atol=1e-10)


def test_product_of_square_blocks_is_the_permuted_product_of_the_paper():
    m, n = 4, 16
    monarch = random_monarch(MonarchShape(n, n, m, 1), seed=0)
    swap = torch.eye(n, dtype=torch.float64)[transforms.stride_permutation(n)]
    left, right = torch.block_diag(*monarch.left), torch.block_diag(*monarch.right)
    assert torch.allclose(monarch.dense(), swap @ left @ swap.T @ right, atol=1e-13)


def test_product_in_float32_at_full_width():
    monarch = Monarch().build_linear(1024, 1024, 2 * 32**3, generator())
    x = torch.randn(8, 1024, generator=generator(1))
    assert torch.allclose(monarch(x), x @ monarch.dense().T, atol=1e-5)


@pytest.mark.parametrize("shape", [MonarchShape(9, 7, 3, 2), MonarchShape(8, 8, 2, 2)])
def test_gradients_are_right(shape):
    monarch = random_monarch(shape, 0)

    def product(x, left, right):
        return torch.func.functional_call(monarch, {"left": left, "right": right}, x)

    x = torch.randn(3, shape.n_in, dtype=torch.float64, generator=generator(5), requires_grad=True)
    assert torch.autograd.gradcheck(product, (x, *monarch.parameters()))


def test_an_empty_batch_gives_an_empty_answer():
    assert Monarch().build_linear(16, 16, 128, generator())(torch.zeros(0, 16)).shape == (0, 16)


# The budget


@pytest.mark.parametrize(("n", "b"), [(64, 4), (256, 4), (256, 16), (1024, 32), (4096, 64), (4096, 4)])
def test_square_matrices_of_full_hidden_width_store_two_n_squared_over_b(n, b):
    shape = MonarchShape.within(n, n, 2 * n * n // b)
    assert shape.blocks == b
    assert shape.blocks**2 * shape.rank == n
    assert shape.params == 2 * n * n // b


def test_the_slices_of_few_blocks_have_the_rank_of_the_authors_shapes():
    shape = MonarchShape.within(1024, 1024, 2 * 1024**2 // 4, blocks=4)
    assert (shape.rows, shape.columns, shape.rank) == (256, 256, 64)


@given(st.integers(1, 300), st.integers(1, 300), st.floats(0.01, 1), st.none() | st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_shapes_keep_to_the_budget(n_in, n_out, density, blocks):
    budget = int(density * n_in * n_out)
    try:
        shape = MonarchShape.within(n_in, n_out, budget, blocks)
    except ValueError:
        assert budget < n_in + n_out or blocks is not None
        return
    assert shape.params <= budget
    assert blocks in (None, shape.blocks)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((8, 8, 15), "rank 1 takes 16"),
        ((0, 8, 100), "positive"),
        ((8, 8, 64, 9), "more than the rows"),
        ((8, 8, 64, 0), "positive"),
        ((8, 8, 40, 4), "4 blocks take at least 64"),
    ],
)
def test_shapes_that_cannot_be_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        MonarchShape.within(*arguments)


# The projection


@given(shapes(), st.integers(0, 99), st.sampled_from([torch.float64, torch.complex128]))
@settings(max_examples=25, deadline=None)
def test_a_planted_monarch_is_recovered(shape, seed, dtype):
    planted = random_monarch(shape, seed, dtype).dense().detach()
    rank = min(shape.rank, shape.rows, shape.columns)
    found = MonarchLinear.closest_to(planted, MonarchShape(shape.n_in, shape.n_out, shape.blocks, rank))
    assert (planted - found.dense()).norm() < 1e-12 * planted.norm()


@given(shapes(), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_missed_energy_is_that_of_the_slices_small_singular_values(shape, seed):
    assume(shape.rank <= min(shape.rows, shape.columns))
    matrix = torch.randn(shape.n_out, shape.n_in, dtype=torch.float64, generator=generator(seed))
    missed = 0.0
    for j in range(shape.blocks):
        for k in range(shape.blocks):
            part = matrix[j :: shape.blocks, k * shape.columns : (k + 1) * shape.columns]
            missed += (torch.linalg.svdvals(part)[shape.rank :] ** 2).sum().item() if part.numel() else 0.0
    found = MonarchLinear.closest_to(matrix, shape)
    assert (matrix - found.dense()).norm().item() ** 2 == pytest.approx(missed, abs=1e-9)


@pytest.mark.parametrize("name", ["dft-stride", "dft-bit-reversed", "hadamard"])
def test_transforms_are_single_monarchs_and_far_from_low_rank(name):
    task = Projection(matrix=name, n=256)
    monarch = run(task, Monarch())
    assert monarch["relative-squared-error"] < 1e-24
    assert monarch["params"] == 8192
    low_rank = run(task, LowRank())
    assert low_rank["params"] == 8192
    assert low_rank["relative-squared-error"] == pytest.approx(1 - 16 / 256, abs=1e-12)


def test_the_slices_of_the_other_order_miss_the_transform():
    assert run(Projection(matrix="dft", n=256), Monarch())["relative-squared-error"] == pytest.approx(15 / 16, abs=1e-9)


def test_a_circulant_is_not_a_single_monarch():
    errors = {
        name: np.mean([run(Projection(matrix=name), Monarch(), seed)["relative-squared-error"] for seed in range(5)])
        for name in ("circulant", "gauss")
    }
    assert errors["circulant"] == pytest.approx(0.787, abs=0.01)
    assert errors["circulant"] == pytest.approx(errors["gauss"], abs=0.01)


def test_a_circulant_is_a_monarch_times_a_transposed_monarch():
    n = 64
    column = np.random.default_rng(0).standard_normal(n)
    order = transforms.stride_permutation(n)
    stride = torch.from_numpy(transforms.dft(n)[:, order])
    monarch = Monarch().project(stride, 1024, generator()).dense()  # F P^T
    spectrum = torch.from_numpy(np.fft.ifft(column) * n)[order]  # C = F diag(spectrum) F^*
    scaled = monarch * spectrum  # still a Monarch: a diagonal times each block
    assert relative_squared_error(scaled, Monarch().project(scaled.detach(), 1024, generator())) < 1e-24
    assert np.allclose((scaled @ monarch.mH).detach().numpy(), transforms.circulant(column), atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_no_restart_of_least_squares_finds_a_closer_monarch(seed):
    task = Projection(matrix="gauss", n=16, density=0.5)
    closed = run(task, Monarch(), seed)["relative-squared-error"]
    best = run(task, AlternatingLeastSquares(restarts=8, sweeps=100), seed)["relative-squared-error"]
    assert closed <= best + 1e-9
    assert best == pytest.approx(closed, abs=1e-6)


def test_least_squares_lowers_the_error_from_sweep_to_sweep_on_any_shape():
    matrix = torch.randn(10, 15, dtype=torch.complex128, generator=generator(1))
    fits = [AlternatingLeastSquares(restarts=1, sweeps=s, blocks=4) for s in (1, 2, 4, 8)]
    errors = [relative_squared_error(matrix, fit.project(matrix, 125, generator())) for fit in fits]
    closed = relative_squared_error(matrix, Monarch(blocks=4).project(matrix, 125, generator()))
    assert errors == sorted(errors, reverse=True)
    assert closed <= errors[-1] + 1e-12
    with pytest.raises(ValueError, match="at least one"):
        AlternatingLeastSquares(restarts=0).project(matrix, 125, generator())


@given(st.integers(2, 4), st.integers(1, 2), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_the_class_is_closed_under_diagonals_and_block_permutations(b, rank, seed):
    shape = MonarchShape(4 * b, 4 * b, b, rank)
    matrix = random_monarch(shape, seed).dense().detach()
    draw = generator(seed + 9)
    rows, columns = (torch.randn(4 * b, dtype=torch.float64, generator=draw) for _ in range(2))
    blocks = torch.randperm(b, generator=draw)  # whole blocks of R change places, and so do those of L
    shuffled = matrix.reshape(4, b, b, 4)[:, torch.randperm(b, generator=draw)][:, :, blocks].reshape(4 * b, 4 * b)
    for product in (rows[:, None] * matrix, matrix * columns, shuffled):
        slices = product.reshape(4, b, b, 4).permute(1, 2, 0, 3)  # (j, k, l, i)
        assert torch.linalg.matrix_rank(slices, rtol=1e-9).max() <= rank


# Butterflies


@pytest.mark.parametrize("name", ["dft-bit-reversed", "hadamard"])
def test_butterflies_hold_the_fast_transforms(name):
    values = run(Projection(matrix=name, n=256), Butterfly())
    assert values["relative-squared-error"] < 1e-24
    assert values["params"] == 2 * 256 * 8


@pytest.mark.parametrize("n", [2, 4, 32])
def test_a_planted_butterfly_is_recovered_and_is_a_monarch(n):
    planted = ButterflyLinear.random(n, generator(n)).double()
    matrix = planted.dense().detach()
    assert relative_squared_error(matrix, ButterflyLinear.peeled_from(matrix)) < 1e-24
    x = torch.randn(3, n, dtype=torch.float64, generator=generator())
    assert torch.allclose(planted(x), x @ matrix.T, atol=1e-12)
    if n == 4:
        assert relative_squared_error(matrix, Monarch(blocks=2).project(matrix, 16, generator())) < 1e-24


@pytest.mark.parametrize(("n_in", "n_out", "budget"), [(12, 12, 999), (8, 4, 999), (8, 8, 47), (1, 1, 9)])
def test_butterflies_that_cannot_be_are_refused(n_in, n_out, budget):
    with pytest.raises(ValueError, match="butterfly"):
        Butterfly().build_linear(n_in, n_out, budget, generator())
    with pytest.raises(ValueError, match="butterfly"):
        Butterfly().project(torch.ones(n_out, n_in), budget, generator())


# Training


def test_built_layers_have_outputs_of_variance_two_and_are_reproducible():
    x = torch.randn(512, 256, generator=generator(4))
    for model, rel in ((Monarch(), 0.2), (Monarch(blocks=3), 0.2), (Butterfly(), 0.75)):  # a product of 8 draws varies
        layer, again = (model.build_linear(256, 256, 8192, generator(3)) for _ in range(2))
        assert all(torch.equal(one, two) for one, two in zip(layer.parameters(), again.parameters(), strict=True))
        assert layer(x).detach().var().item() == pytest.approx(2, rel=rel)


def test_converted_layers_compute_the_same_or_the_closest_map():
    x = torch.randn(5, 16, generator=generator(1))
    sparse = SparseToDense().build_linear(16, 32, 300, generator())
    dense = SparseToDense().convert(sparse, 300, generator())
    assert isinstance(dense, torch.nn.Linear)
    assert torch.allclose(dense(x), sparse(x), atol=1e-5)
    assert all(parameter.requires_grad for parameter in dense.parameters())
    weight = DenseToSparse().build_linear(16, 32, 300, generator())
    projected = DenseToSparse().convert(weight, 300, generator())
    closest = Monarch().project(weight.weight.detach(), 300, generator())
    assert torch.equal(projected.dense(), closest.dense())
    assert count_params(projected) <= 300


@pytest.mark.parametrize("model", [Monarch(), Monarch(blocks=4), SparseToDense(), DenseToSparse()])
def test_digits_are_learnt_at_smoke_scale_and_the_same_again(model):
    first, again = (run(smoke(DigitsMlp), model, seed=2) for _ in range(2))
    first.pop("train-seconds"), again.pop("train-seconds")
    assert first == again
    assert first["accuracy"] > 0.6
    assert first["params"] <= (2 * 64 * 64 if isinstance(model, SparseToDense) else 64 * 64 // 2)


@pytest.mark.parametrize("model", [Monarch(), SparseToDense(), DenseToSparse(), Butterfly()])
def test_matmul_at_smoke_scale(model):
    values = run(smoke(Matmul), model)
    assert values["params"] == {Butterfly: 768, SparseToDense: 4096}.get(type(model), 1024)
    assert values["forward-ms"] > 0
    if isinstance(model, Monarch):
        assert values["flops"] == 2 * 16 * 1024  # two operations per number and vector


@pytest.mark.parametrize("model", [Monarch(), Butterfly(), AlternatingLeastSquares(restarts=2, sweeps=5)])
@pytest.mark.parametrize("name", ["dft-stride", "toeplitz", "monarch"])
def test_projection_at_smoke_scale_and_the_same_again(model, name):
    first, again = (run(smoke(Projection, matrix=name), model) for _ in range(2))
    assert first["relative-squared-error"] == again["relative-squared-error"]
    assert 0 <= first["relative-squared-error"] < 1


# Bad input


@pytest.mark.parametrize("model", [Monarch(), Butterfly(), AlternatingLeastSquares()])
@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (torch.zeros(4), "expected a matrix"),
        (torch.zeros(0, 4), "expected a matrix"),
        (torch.zeros(4, 4, dtype=torch.int64), "floating-point"),
        (torch.full((4, 4), math.nan), "not finite"),
    ],
)
def test_bad_matrices_are_refused(model, matrix, words):
    with pytest.raises(ValueError, match=words):
        model.project(matrix, 16, generator())


def test_bad_inputs_and_factors_are_refused():
    for layer in (Monarch().build_linear(16, 8, 100, generator()), Butterfly().build_linear(16, 16, 128, generator())):
        with pytest.raises(ValueError, match=r"expected inputs of shape \(..., 16\)"):
            layer(torch.zeros(3, 15))
    with pytest.raises(ValueError, match="factors of shapes"):
        MonarchLinear(torch.zeros(2, 2, 2), torch.zeros(2, 2, 3), MonarchShape(4, 4, 2, 1))


# The card


def test_the_cells_of_the_claims_name_what_exists():
    models = {f"{owner}/{name}": made for owner, card in (("monarch", paper), ("compression", family))
              for name, _, made in card.models()}  # fmt: skip
    assert [claim.name for claim in paper.claims] == ["transforms", "optimal", "speed", "train"]
    for entry in (
        entry for claim in paper.claims for cell in claim.cells for entry in (*cell["tasks"], *cell["models"])
    ):
        (name, values) = next(iter(entry.items())) if isinstance(entry, dict) else (entry, {})
        assert set(values) <= set(parameters({**models, **TASKS}[name]))


def test_every_model_is_a_plain_value():
    for made in (Monarch, SparseToDense, DenseToSparse, AlternatingLeastSquares, Butterfly, Dense):
        assert made() == made()
