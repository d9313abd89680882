"""Monarch: expressive structured matrices for efficient and accurate training (arXiv:2204.00595, ICML 2022).

A Monarch matrix is two block-diagonal matrices with a fixed permutation between and after them, M = P L P^T R: it
stores about n^1.5 numbers instead of n^2, and multiplies by two batched matrix products, which is what hardware is
good at.

*The matrix* (section 3). With n = m^2, m blocks of m x m in each factor and P the permutation that reads an m x m array
by columns,

    M[(l, j), (k, i)] = L_j[l, k] R_k[j, i],    row l m + j, column k m + i.

So for fixed j and k the slice of M over (l, i) is an outer product. In general (n_out x n_in, b blocks, hidden width
h = b^2 r; the shapes of the authors' code, HazyResearch/fly, where h is the smaller of n_in and n_out), R has b blocks
of b r x n_in / b, L has b blocks of n_out / b x b r, and the slice has rank r:

    M[(l, j), (k, i)] = sum_r L_j[l, (k, r)] R_k[(r, j), i],    row l b + j, column k n_in / b + i.

It stores b r (n_in + n_out) numbers, as many as a matrix of rank b r; a square one with h = n stores 2 n^2 / b. Sizes
that b does not divide are padded with zeros. Given a budget, r is the largest that fits, and b, unless it is given, is
the number of blocks that comes closest to h = min(n_in, n_out).

*The projection* (section 3, algorithm 1 and theorem 1). The slices share no parameters, so that truncating the SVD of
each gives the closest Monarch matrix in the Frobenius norm: `Monarch.project`. `AlternatingLeastSquares` looks for the
same without that insight, and serves to check it.

*Training* (section 4): from scratch with Monarch layers (`Monarch`); "reverse sparsification", sparse first and dense
for the last tenth of the steps (`SparseToDense`); dense first, then projected and fine-tuned (`DenseToSparse`).

`Butterfly` (Dao et al., arXiv:1903.05895) is what Monarch generalises: log2 n factors of 2 n numbers; projected onto by
peeling off one factor after the other (Zheng, Riccietti and Gribonval, arXiv:2110.01230).

What one Monarch matrix holds, to float64: the Hadamard matrix, and the DFT with its columns in stride or bit-reversed
order. A circulant matrix C = F diag(s) F^* is not one, but with F = M P^T it is (M diag(s')) M^*, a Monarch matrix
times a transposed one (the class MM^* of section 3); the model here is the single matrix.

In a suite: the tasks `compression/projection`, `compression/digits-mlp` and `compression/matmul` with the models
`monarch/monarch`, `compression/low-rank` and the others of both cards; `paper.claims` below lists complete cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import Claim, Paper, all_of, difference, measured, ratio
from harness_plugins.compression.arenas.structured_linear import require_matrix
from harness_plugins.compression.monarch._shape import MonarchShape

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from harness_plugins.compression.monarch._layers import ButterflyLinear, MonarchLinear


@dataclass
class Monarch:
    """Two block-diagonal factors with a permutation between them; the projection is the closest such matrix."""

    blocks: int | None = None
    """Blocks in each factor; None for the number at which the hidden width is that of the smaller side."""

    def project(self, matrix: Tensor, budget: int, generator: torch.Generator) -> MonarchLinear:
        """The Monarch matrix closest to `matrix` in the Frobenius norm (algorithm 1), real or complex.

        Raises:
            ValueError: not a finite matrix of floating-point or complex numbers, or the budget is too small.
        """
        from harness_plugins.compression.monarch._layers import MonarchLinear

        require_matrix(matrix)
        n_out, n_in = matrix.shape
        return MonarchLinear.closest_to(matrix, MonarchShape.within(n_in, n_out, budget, self.blocks))

    def build_linear(self, n_in: int, n_out: int, budget: int, generator: torch.Generator) -> MonarchLinear:
        """A map with Gaussian factors.

        Raises:
            ValueError: a size is not positive, or the budget is too small.
        """
        from harness_plugins.compression.monarch._layers import MonarchLinear

        return MonarchLinear.random(MonarchShape.within(n_in, n_out, budget, self.blocks), generator)


@dataclass
class SparseToDense:
    """Reverse sparsification: trained as Monarch matrices, multiplied out to dense ones for the last steps."""

    blocks: int | None = None
    """Blocks in each factor; None for the number at which the hidden width is that of the smaller side."""
    convert_at: float = 0.9
    """Share of the training steps after which the factors are multiplied out (section 4)."""

    def build_linear(self, n_in: int, n_out: int, budget: int, generator: torch.Generator) -> MonarchLinear:
        """The Monarch map that training starts with."""
        return Monarch(self.blocks).build_linear(n_in, n_out, budget, generator)

    def convert(self, layer: nn.Module, budget: int, generator: torch.Generator) -> nn.Module:
        """The same map as a `torch.nn.Linear`, which no longer keeps to the budget."""
        from harness_plugins.compression.monarch._layers import multiplied_out

        return multiplied_out(layer)


@dataclass
class DenseToSparse:
    """Trained as dense matrices, projected onto Monarch matrices on the way, and fine-tuned as those."""

    blocks: int | None = None
    """Blocks in each factor; None for the number at which the hidden width is that of the smaller side."""
    convert_at: float = 0.5
    """Share of the training steps after which the dense matrices are projected."""

    def build_linear(self, n_in: int, n_out: int, budget: int, generator: torch.Generator) -> nn.Module:
        """The dense map that training starts with."""
        from harness_plugins.compression.arenas._layers import random_dense

        return random_dense(n_in, n_out, generator)

    def convert(self, layer: nn.Module, budget: int, generator: torch.Generator) -> MonarchLinear:
        """The closest Monarch map."""
        return Monarch(self.blocks).project(layer.weight.detach(), budget, generator)


@dataclass
class AlternatingLeastSquares:
    """Monarch factors fitted in turns from random starts, each by least squares; the best start is kept."""

    restarts: int = 20
    """Random starts."""
    sweeps: int = 200
    """Times that both factors are fitted."""
    blocks: int | None = None
    """Blocks in each factor; None for the number at which the hidden width is that of the smaller side."""

    def project(self, matrix: Tensor, budget: int, generator: torch.Generator) -> MonarchLinear:
        """The best Monarch matrix found.

        Raises:
            ValueError: not a finite matrix of floating-point or complex numbers, the budget is too small, or there is
                nothing to do.
        """
        from harness_plugins.compression.monarch._als import fit

        require_matrix(matrix)
        n_out, n_in = matrix.shape
        shape = MonarchShape.within(n_in, n_out, budget, self.blocks)
        return fit(matrix, shape, self.restarts, self.sweeps, generator)


@dataclass
class Butterfly:
    """A product of log2 n sparse factors with two entries in each row: 2 n log2 n numbers, whatever the budget."""

    def project(self, matrix: Tensor, budget: int, generator: torch.Generator) -> ButterflyLinear:
        """A close butterfly matrix: exact for one that is a butterfly, not the closest for others.

        Raises:
            ValueError: not a finite square matrix of a size that is a power of two, or the budget is too small.
        """
        from harness_plugins.compression.monarch._layers import ButterflyLinear

        require_matrix(matrix)
        self._require_fit(matrix.shape[1], matrix.shape[0], budget)
        return ButterflyLinear.peeled_from(matrix)

    def build_linear(self, n_in: int, n_out: int, budget: int, generator: torch.Generator) -> ButterflyLinear:
        """Gaussian factors.

        Raises:
            ValueError: not square, of a size that is not a power of two, or the budget is too small.
        """
        from harness_plugins.compression.monarch._layers import ButterflyLinear

        self._require_fit(n_in, n_out, budget)
        return ButterflyLinear.random(n_in, generator)

    def _require_fit(self, n_in: int, n_out: int, budget: int) -> None:
        if n_in != n_out or n_in < 2 or n_in & (n_in - 1):
            raise ValueError(f"a butterfly is square, of a power of two of at least 2; not {n_out} x {n_in}")
        if (stored := 2 * n_in * (n_in.bit_length() - 1)) > budget:
            raise ValueError(f"a butterfly of size {n_in} stores {stored} numbers, but the budget is {budget}")


_TRANSFORMS = ["dft-stride", "dft-bit-reversed", "hadamard"]

claims = [
    Claim(
        "transforms",
        "One Monarch matrix holds the permuted Fourier and the Hadamard transform; low rank of the same size does not",
        figure="Section 3, expressiveness: Monarch matrices hold what butterflies do, fast transforms too; no number",
        criterion="Relative squared error at n = 256 and 8192 stored numbers: Monarch below 1e-10 on the DFT with "
        "stride-permuted and with bit-reversed columns and on the Hadamard matrix; low rank 0.9375 (= 1 - 16/256, "
        "since all singular values are equal) on each. For comparison, without a threshold: a random circulant, which "
        "is no Monarch matrix, and noise.",
        cells=[
            {
                "tasks": [
                    {
                        "compression/projection": {
                            "matrix": _TRANSFORMS,
                            "n": 256,
                            "density": 0.125,
                        }
                    }
                ],
                "models": ["monarch/monarch", "monarch/butterfly", "compression/low-rank"],
                "seeds": 1,
            },
            {
                "tasks": [{"compression/projection": {"matrix": ["circulant", "gauss"], "n": 256, "density": 0.125}}],
                "models": ["monarch/monarch", "compression/low-rank"],
                "seeds": 5,
            },
        ],
        check=all_of(
            measured("relative-squared-error", "monarch/monarch", matrix=_TRANSFORMS).each().at_most(1e-10),
            measured("relative-squared-error", "compression/low-rank", matrix=_TRANSFORMS).each().equals(0.9375, 1e-6),
        ),
    ),
    Claim(
        "optimal",
        "The projection in closed form is the closest Monarch matrix: no iterative fit finds a closer one",
        figure="Section 3, theorem 1: algorithm 1 solves the projection problem optimally in O(n^2.5); no number",
        criterion="Relative squared error on Gaussian matrices of n = 16: the closed form's is at most that of the "
        "best of 20 random starts of alternating least squares plus 1e-6 for every seed, and they agree within 1e-3.",
        cells=[
            {
                "tasks": [{"compression/projection": {"matrix": "gauss", "n": 16, "density": 0.5}}],
                "models": ["monarch/monarch", "monarch/alternating-least-squares"],
                "seeds": 5,
            }
        ],
        check=difference("relative-squared-error", "monarch/monarch", "monarch/alternating-least-squares")
        .each()
        .within(-1e-3, 1e-6),
    ),
    Claim(
        "speed",
        "A Monarch layer is at least twice as fast as the dense layer of its size",
        figure="Abstract: GPT-2 and ViT train 2x faster at equal quality; BERT fine-tunes 1.7x faster",
        criterion="n = 4096, 64 blocks, 512 vectors, float32, against torch.nn.Linear timed in turns in the same "
        "process: forward-ratio at most 0.5 and forward-backward-ratio at most 0.6. compression/dense, timed against "
        "itself, has to come out within 10% of 1.",
        cells=[
            {
                "tasks": [{"compression/matmul": {"n": 4096, "batch": 512, "density": 0.03125}}],
                "models": [
                    "monarch/monarch",
                    "compression/dense",
                    "compression/low-rank",
                    "compression/block-diagonal",
                ],
                "seeds": 5,
            }
        ],
        check=all_of(
            measured("forward-ratio", "monarch/monarch").at_most(0.5),
            measured("forward-backward-ratio", "monarch/monarch").at_most(0.6),
            measured("forward-ratio", "compression/dense").within(0.9, 1.1),
        ),
    ),
    Claim(
        "train",
        "Monarch layers of half the parameters train to the quality of dense ones, and no worse than low rank",
        figure="Abstract: ViT on ImageNet and GPT-2 on WikiText-103 reach comparable quality; 40% less error on PDE "
        "and MRI tasks",
        criterion="Digits network, 4 blocks at half the parameters, means over 10 seeds, paired: test-nats at most "
        "1.03 times the dense network's with at most 55% of its hidden layers' parameters, and at most low rank's at "
        "the same budget; accuracy beside it. Three percent are within the seeds' noise here, so that an interval "
        "around 1.03 makes it inconclusive. The same of a small language model (validation loss, feed-forward layers "
        "with 4 blocks) has no cells yet, since the family has no language-model task; that part may fail.",
        cells=[
            {
                "tasks": [{"compression/digits-mlp": {"density": 0.5}}],
                "models": [
                    {"monarch/monarch": {"blocks": 4}},
                    {"monarch/sparse-to-dense": {"blocks": 4}},
                    {"monarch/dense-to-sparse": {"blocks": 4}},
                    "compression/dense",
                    "compression/low-rank",
                    "compression/block-diagonal",
                    "compression/magnitude-pruning",
                ],
                "seeds": 10,
            }
        ],
        check=all_of(
            ratio("test-nats", "monarch/monarch", "compression/dense").at_most(1.03),
            ratio("params", "monarch/monarch", "compression/dense").each().at_most(0.55),
            ratio("test-nats", "monarch/monarch", "compression/low-rank").at_most(1),
        ),
    ),
]

paper = Paper(
    title="Monarch: Expressive Structured Matrices for Efficient and Accurate Training",
    arxiv="2204.00595",
    year=2022,
    venue="ICML",
    code="https://github.com/HazyResearch/fly",
    constructions=[Monarch, SparseToDense, DenseToSparse],
    baselines=[Butterfly, AlternatingLeastSquares],
    claims=claims,
)
