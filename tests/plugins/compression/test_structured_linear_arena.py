"""The arena of structured linear maps: its matrices, its baselines, what it refuses."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.fft
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.backends import Cpu
from harness.clocks import Lap
from harness.context import Context
from harness.errors import InvalidOutcomeError
from harness_plugins.compression.arenas import family
from harness_plugins.compression.arenas import transforms as tf
from harness_plugins.compression.arenas._layers import LowRankLinear, random_dense
from harness_plugins.compression.arenas.digits_mlp import DigitsMlp
from harness_plugins.compression.arenas.linear_maps import BlockDiagonal, Dense, LowRank, MagnitudePruning
from harness_plugins.compression.arenas.matmul import Matmul
from harness_plugins.compression.arenas.projection import Projection
from harness_plugins.compression.arenas.structured_linear import count_params

PROJECTORS = [LowRank, BlockDiagonal, MagnitudePruning]
MATRICES = tf.get_args(tf.MatrixName)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def smoke(task_class, model, seed=0, **parameters):
    """Every metric of a model on a task at smoke scale."""
    task = task_class(**{**task_class.scales["smoke"], **parameters})
    instance = task.instance(Context(seed=seed))
    outcome = task.run(model, instance, Context(seed=seed + 1))
    return {metric.name: metric(instance, outcome) for metric in task.metrics}


# The matrices


def test_transforms_equal_the_libraries():
    eye = np.eye(16)
    assert np.allclose(tf.dft(16), scipy.fft.fft(eye, axis=0, norm="ortho"), atol=1e-14)
    assert np.allclose(tf.hadamard(16), scipy.linalg.hadamard(16) / 4, atol=1e-15)
    assert np.allclose(tf.dct(16), scipy.fft.dct(eye, axis=0, norm="ortho"), atol=1e-14)
    column = np.random.default_rng(0).standard_normal(7)
    assert np.array_equal(tf.circulant(column), scipy.linalg.circulant(column))
    diagonals = np.random.default_rng(1).standard_normal(13)
    assert np.array_equal(tf.toeplitz(diagonals), scipy.linalg.toeplitz(diagonals[6:], diagonals[6::-1]))


def test_permutations():
    assert tf.stride_permutation(9).tolist() == [0, 3, 6, 1, 4, 7, 2, 5, 8]
    assert tf.bit_reversal(8).tolist() == [0, 4, 2, 6, 1, 5, 3, 7]


def test_planted_monarch_is_the_product_of_its_factors():
    n, m = 9, 3
    left, right = np.random.default_rng(0).standard_normal((2, m, m, m))
    swap = np.eye(n)[tf.stride_permutation(n)]
    product = swap @ scipy.linalg.block_diag(*left) @ swap.T @ scipy.linalg.block_diag(*right)
    assert np.allclose(tf.planted_monarch(n, np.random.default_rng(0)), product, atol=1e-14)


def test_planted_low_rank_has_the_rank_and_the_noise():
    rng = np.random.default_rng(0)
    assert np.linalg.matrix_rank(tf.planted_low_rank(40, 5, 0.0, rng)) == 5
    tail = np.linalg.svd(tf.planted_low_rank(200, 5, 0.1, rng), compute_uv=False)[5:]
    assert np.sqrt((tail**2).sum() / 200**2) == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize(
    ("name", "n", "words"),
    [
        ("monarch", 8, "square"),
        ("dft-stride", 12, "square"),
        ("hadamard", 12, "power of two"),
        ("gauss", 1, "at least"),
    ],
)
def test_impossible_matrices_are_refused(name, n, words):
    with pytest.raises(ValueError, match=words):
        Projection(matrix=name, n=n).instance(Context())


@pytest.mark.parametrize("parameters", [{"matrix": "nothing"}, {"density": 0.0}, {"density": 1.5}])
def test_impossible_projections_are_refused(parameters):
    with pytest.raises(ValueError, match=r"unknown matrix|density"):
        Projection(**{"n": 16, **parameters}).instance(Context())


@pytest.mark.parametrize("parameters", [{"rank": 0}, {"rank": 17}, {"noise": -1.0}])
def test_impossible_planted_ranks_are_refused(parameters):
    with pytest.raises(ValueError, match="rank"):
        Projection(matrix="low-rank", n=16, **parameters).instance(Context())


# The baselines


@given(
    st.sampled_from(PROJECTORS),
    st.integers(3, 24),
    st.integers(3, 24),
    st.floats(0.5, 1.0),
    st.booleans(),
    st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_projections_fit_the_budget_and_multiply_like_their_dense_form(model, n_in, n_out, share, is_complex, seed):
    budget = max(n_in + n_out, int(share * n_in * n_out))
    dtype = torch.complex128 if is_complex else torch.float64
    matrix = torch.randn(n_out, n_in, dtype=dtype, generator=generator(seed))
    structured = model().project(matrix, budget, generator())
    x = torch.randn(2, 3, n_in, dtype=dtype, generator=generator(seed + 1))
    assert count_params(structured) <= budget
    assert structured.dense().shape == matrix.shape
    assert torch.allclose(structured(x), x @ structured.dense().T, atol=1e-10)


def test_low_rank_projection_is_the_truncated_svd():
    matrix = torch.randn(20, 12, dtype=torch.float64, generator=generator())
    structured = LowRank().project(matrix, budget=3 * 32 + 31, generator=generator())
    missed = (matrix - structured.dense()).norm().item() ** 2
    assert missed == pytest.approx((torch.linalg.svdvals(matrix)[3:] ** 2).sum().item(), rel=1e-12)


def test_pruning_and_blocks_keep_the_entries_they_should():
    matrix = torch.randn(8, 8, dtype=torch.float64, generator=generator())
    pruned = MagnitudePruning().project(matrix, 10, generator()).dense()
    cut = matrix.abs().flatten().sort(descending=True).values[9]
    assert torch.equal(pruned, torch.where(matrix.abs() >= cut, matrix, 0.0))
    blocks = BlockDiagonal().project(matrix, 32, generator()).dense()
    inside = torch.block_diag(torch.ones(4, 4), torch.ones(4, 4)).bool()
    assert torch.equal(blocks, torch.where(inside, matrix, 0.0))


@pytest.mark.parametrize("model", [Dense(), LowRank(), BlockDiagonal(), MagnitudePruning()])
def test_built_layers_have_outputs_of_variance_two_and_are_reproducible(model):
    layer, again = (model.build_linear(128, 256, 128 * 64, generator(3)) for _ in range(2))
    for first, second in zip(layer.parameters(), again.parameters(), strict=True):
        assert torch.equal(first, second)
    x = torch.randn(512, 128, generator=generator(4))
    assert layer(x).detach().var().item() == pytest.approx(2, rel=0.1)


def test_building_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    for model in (Dense(), LowRank(), BlockDiagonal(), MagnitudePruning()):
        model.build_linear(16, 16, 128, generator())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("model", [model() for model in PROJECTORS])
@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (torch.zeros(4), "expected a matrix"),
        (torch.zeros(0, 4), "expected a matrix"),
        (torch.zeros(4, 4, dtype=torch.int64), "floating-point"),
        (torch.full((4, 4), float("nan")), "not finite"),
    ],
)
def test_bad_matrices_are_refused(model, matrix, words):
    with pytest.raises(ValueError, match=words):
        model.project(matrix, 16, generator())


@pytest.mark.parametrize("model", [model() for model in PROJECTORS])
def test_budgets_that_are_too_small_are_refused(model):
    with pytest.raises(ValueError, match="budget"):
        model.project(torch.ones(4, 4), 0, generator())


@pytest.mark.parametrize("model", [LowRank(), BlockDiagonal(), MagnitudePruning()])
def test_inputs_of_another_width_are_refused(model):
    structured = model.project(torch.randn(6, 6, generator=generator()), 18, generator())
    with pytest.raises(ValueError, match=r"expected inputs of shape \(..., 6\)"):
        structured(torch.zeros(2, 5))


def test_sizes_that_are_not_positive_are_refused():
    for model in (Dense(), LowRank()):
        with pytest.raises(ValueError, match="positive"):
            model.build_linear(0, 4, 100, generator())


# The tasks


@pytest.mark.parametrize("model", [LowRank(), BlockDiagonal(), MagnitudePruning()])
@pytest.mark.parametrize("matrix", MATRICES)
def test_projection_at_smoke_scale(model, matrix):
    values = smoke(Projection, model, matrix=matrix)
    assert 0 <= values["relative-squared-error"] < 1
    assert 0 < values["params"] <= 128
    assert values["projection-seconds"] > 0


def test_instances_are_shared_and_depend_on_the_seed():
    task = Projection(matrix="gauss", n=16)
    first, same, other = (task.instance(Context(seed=seed)) for seed in (0, 0, 1))
    assert np.array_equal(first.matrix, same.matrix)
    assert not np.array_equal(first.matrix, other.matrix)
    digits = DigitsMlp(**DigitsMlp.scales["smoke"])
    first, same = (digits.instance(Context(seed=5)) for _ in range(2))
    assert np.array_equal(first.x_test, same.x_test)
    assert np.array_equal(first.batches, same.batches)


class Answers(LowRank):
    """Low rank, answered with what `twist` makes of it."""

    def __init__(self, twist):
        self.twist = twist

    def project(self, matrix, budget, generator):
        return self.twist(super().project(matrix, budget, generator))


class WrongDense(LowRankLinear):
    def dense(self):
        return super().dense() + 1


@pytest.mark.parametrize(
    ("twist", "words"),
    [
        (lambda low: LowRankLinear(low.tall[:8], low.wide), "the matrix was"),
        (lambda low: LowRankLinear(low.tall.detach().float(), low.wide.detach().float()), "the matrix was"),
        (lambda low: LowRankLinear(low.tall * torch.inf, low.wide), "not finite"),
        (lambda low: LowRankLinear(low.dense(), torch.eye(16, dtype=torch.float64)), "the budget is"),
        (lambda low: WrongDense(low.tall, low.wide), "differs from its dense"),
    ],
)
def test_projection_refuses_illegal_answers(twist, words):
    with pytest.raises(InvalidOutcomeError, match=words):
        smoke(Projection, Answers(twist), matrix="gauss")


@pytest.mark.parametrize("model", [Dense(), LowRank(), BlockDiagonal(), MagnitudePruning()])
def test_digits_are_learnt_at_smoke_scale_and_the_same_again(model):
    first, again = (smoke(DigitsMlp, model, seed=2) for _ in range(2))
    first.pop("train-seconds"), again.pop("train-seconds")
    assert first == again
    assert first["accuracy"] > 0.6
    assert first["test-nats"] < 1.5
    assert first["params"] <= (64 * 64 * 2 if isinstance(model, Dense) else 64 * 64 // 2)


@pytest.mark.parametrize("convert_at", [0.0, 1.0])
def test_layers_can_be_converted_before_the_first_and_after_the_last_step(convert_at):
    assert smoke(DigitsMlp, MagnitudePruning(convert_at), steps=5)["params"] == 2 * 1024


def test_shares_of_the_training_steps_are_between_0_and_1():
    with pytest.raises(ValueError, match="between 0 and 1"):
        smoke(DigitsMlp, MagnitudePruning(1.5))


class BuildsWrongly(Dense):
    def __init__(self, make):
        self.make = make

    def build_linear(self, n_in, n_out, budget, generator):
        return self.make(super().build_linear(n_in, n_out, budget, generator), n_in, n_out)


def test_layers_that_are_wrong_are_refused():
    def too_narrow(layer, n_in, n_out):
        return random_dense(n_in, n_out - 1, generator())

    def infinite(layer, n_in, n_out):
        layer.weight.data.fill_(torch.inf)
        return layer

    for task in (DigitsMlp, Matmul):
        with pytest.raises(InvalidOutcomeError, match="made"):
            smoke(task, BuildsWrongly(too_narrow))
        with pytest.raises(InvalidOutcomeError, match="not finite"):
            smoke(task, BuildsWrongly(infinite))


@pytest.mark.parametrize("parameters", [{"batch": 0}, {"batch": 5000}, {"test_share": 0.0}, {"steps": 0}])
def test_impossible_batches_are_refused(parameters):
    with pytest.raises(ValueError, match=r"allow no batches|steps must be"):
        DigitsMlp(**{**DigitsMlp.scales["smoke"], **parameters}).instance(Context())


def test_matmul_counts_operations_and_numbers():
    dense, low_rank = smoke(Matmul, Dense()), smoke(Matmul, LowRank())
    assert dense["flops"] == 2 * 16 * 64 * 64
    assert dense["params"] == 64 * 64
    assert low_rank["params"] == 8 * 128
    assert low_rank["flops"] == 2 * 16 * 8 * 128
    for values in (dense, low_rank, smoke(Matmul, MagnitudePruning()), smoke(Matmul, BlockDiagonal())):
        assert values.pop("undisturbed") >= 0
        assert min(values.values()) > 0


class SaysWhatItIsTold:
    """A clock that calls nothing: each sample takes what `laps` says, in seconds."""

    filters = True

    def __init__(self, wall, cpu):
        self.lap = Lap(wall, cpu)

    def laps(self, call, count, loops):
        return [self.lap] * count


class SlowsDown:
    """A clock of a machine that gets slower with each turn; the first call takes twice as long as the second.

    In the first turn the second is disturbed, in the next the first one.
    """

    filters = True

    def __init__(self):
        self.calls, self.turns = [], []

    def laps(self, call, count, loops):
        if call not in self.calls:
            self.calls.append(call)
            self.turns.append(0)
        who = self.calls.index(call)
        self.turns[who] += count > 1  # not a call of the warm-up
        seconds = 3.0 ** self.turns[who] / (1 + who)
        disturbed = self.turns[who] % 2 == who
        return [Lap(seconds, seconds / 2 if disturbed and self.turns[who] < 3 else seconds)] * count


class Timekeeping(Cpu):
    """The processor, with a clock of one's own."""

    def __init__(self, clock):
        super().__init__()
        object.__setattr__(self, "clock", clock)


def test_matmul_compares_turn_by_turn():
    task = Matmul(**Matmul.scales["smoke"])
    outcome = task.run(LowRank(), task.instance(Context()), Context(1, Timekeeping(SlowsDown)))
    assert (outcome.forward.ratio, outcome.train.ratio) == (pytest.approx(2), pytest.approx(2))


@pytest.mark.parametrize(("cpu", "undisturbed"), [(0.25, 1.0), (0.1, 0.0)])
def test_matmul_reads_milliseconds_off_the_clock_of_its_backend(cpu, undisturbed):
    task = Matmul(**Matmul.scales["smoke"])
    instance = task.instance(Context())
    outcome = task.run(LowRank(), instance, Context(1, Timekeeping(lambda: SaysWhatItIsTold(0.25, cpu))))
    assert [metric(instance, outcome) for metric in task.metrics[:5]] == [250, 250, 1, 1, undisturbed]


@pytest.mark.parametrize("parameters", [{"n": 0}, {"batch": 0}, {"repeats": 0}])
def test_impossible_products_are_refused(parameters):
    with pytest.raises(ValueError, match="at least 1"):
        Matmul(**parameters).instance(Context())


# The operations


def operation(task_class, name, model, **parameters):
    """An operation at smoke scale, with its instance."""
    task = task_class(**{**task_class.scales["smoke"], **parameters})
    instance = task.instance(Context(seed=0))
    return task.operation(name, model, instance, Context(seed=1)), instance


def verified(*arguments, **parameters):
    """Build an operation and check what it answers."""
    made, _ = operation(*arguments, **parameters)
    made.verify()


def test_matmul_is_the_product_and_its_gradients():
    forward, instance = operation(Matmul, "forward", Dense())
    both, _ = operation(Matmul, "forward-backward", Dense())
    assert (forward.items, forward.item) == (16, "vector")
    weight = Dense().build_linear(64, 64, 0, generator(1)).weight.detach()
    x = torch.tensor(instance.x)
    y = forward.call()
    assert not y.requires_grad
    torch.testing.assert_close(y, x @ weight.T)
    dx, dweight = both.call()
    torch.testing.assert_close(dx, torch.ones(16, 64) @ weight)
    torch.testing.assert_close(dweight, torch.ones(64, 16) @ x)


def test_matmul_uses_a_layer_in_its_last_form():
    forward, _ = operation(Matmul, "forward", MagnitudePruning())
    whole, _ = operation(Matmul, "forward", Dense())
    assert not torch.allclose(forward.call(), whole.call())


def test_a_training_step_takes_no_step():
    step, _ = operation(DigitsMlp, "train-step", LowRank())
    assert (step.items, step.item) == (64, "image")
    assert len({step.call().item() for _ in range(3)}) == 1


def test_a_projection_is_drawn_from_the_same_numbers_each_time():
    class Draws(LowRank):
        def project(self, matrix, budget, generator):
            low = super().project(matrix, budget, generator)
            return LowRankLinear(low.tall.detach() * torch.rand(1, generator=generator), low.wide.detach())

    project, _ = operation(Projection, "project", Draws(), matrix="gauss")
    assert torch.equal(project.call().dense(), project.call().dense())


def in_place(answer):
    """Low rank, projected or multiplied by what changes its argument."""

    class Overwrites(LowRankLinear):
        def forward(self, x):
            return super().forward(x.mul_(2))

    return Overwrites(answer.tall.detach(), answer.wide.detach())


def test_operations_of_broken_models_are_not_timed():
    class Zeroes(LowRank):
        def project(self, matrix, budget, generator):
            return super().project(matrix.zero_() + 1, budget, generator)

    class Builds(LowRank):
        def build_linear(self, n_in, n_out, budget, generator):
            return in_place(super().build_linear(n_in, n_out, budget, generator))

    def infinite(layer, n_in, n_out):
        layer.weight.data.fill_(torch.inf)
        return layer

    with pytest.raises(InvalidOutcomeError, match="changes the matrix"):
        verified(Projection, "project", Zeroes())
    with pytest.raises(InvalidOutcomeError, match="differs from its dense"):
        verified(Projection, "project", Answers(lambda low: WrongDense(low.tall, low.wide)), matrix="gauss")
    with pytest.raises(InvalidOutcomeError, match="changes its input"):
        verified(Matmul, "forward", Builds())
    for task, name in ((Matmul, "forward"), (Matmul, "forward-backward"), (DigitsMlp, "train-step")):
        with pytest.raises(InvalidOutcomeError, match="not finite"):
            verified(task, name, BuildsWrongly(infinite))


def test_listing_needs_no_heavy_library():
    heavy = "{'torch', 'scipy', 'sklearn', 'pandas', 'numba'}"
    modules = "harness_plugins.compression.arenas, harness_plugins.compression.monarch"
    code = f"import sys, {modules}; print({heavy} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"


def test_the_family_card_is_consistent():
    assert [name for name, _, _ in family.models()] == ["dense", "low-rank", "block-diagonal", "magnitude-pruning"]
    assert len({metric.name for metric in family.metrics()}) == len(list(family.metrics()))
