"""The structured maps that everything is compared with: dense, low rank, block diagonal, pruned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness_plugins.compression.arenas.structured_linear import affordable_rank, require_matrix

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from harness_plugins.compression.arenas._layers import BlockDiagonalLinear, LowRankLinear, SparseLinear


@dataclass
class Dense:
    """`torch.nn.Linear`: every entry of the matrix, whatever the budget."""

    def build_linear(self, n_in: int, n_out: int, budget: int, generator: torch.Generator) -> nn.Module:
        """A dense map with He's normal initialisation."""
        from harness_plugins.compression.arenas._layers import random_dense

        return random_dense(n_in, n_out, generator)


@dataclass
class LowRank:
    """Two factors of the largest rank that the budget allows; the projection is the truncated SVD."""

    def project(self, matrix: Tensor, budget: int, generator: torch.Generator) -> LowRankLinear:
        """The closest matrix of that rank (Eckart and Young 1936).

        Raises:
            ValueError: not a finite matrix of floating-point or complex numbers, or the budget is below rank 1.
        """
        import torch

        from harness_plugins.compression.arenas._layers import LowRankLinear

        require_matrix(matrix)
        rank = affordable_rank(matrix.shape[1], matrix.shape[0], budget)
        u, s, vh = torch.linalg.svd(matrix, full_matrices=False)  # (n_out, p), (p,), (p, n_in)
        root = s[:rank].sqrt().to(matrix.dtype)
        return LowRankLinear(tall=u[:, :rank] * root, wide=root[:, None] * vh[:rank])

    def build_linear(self, n_in: int, n_out: int, budget: int, generator: torch.Generator) -> nn.Module:
        """Gaussian factors.

        Raises:
            ValueError: a size is not positive, or the budget is below rank 1.
        """
        import torch

        from harness_plugins.compression.arenas._layers import LowRankLinear

        rank = affordable_rank(n_in, n_out, budget)
        wide = torch.randn(rank, n_in, generator=generator) / math.sqrt(n_in)
        tall = torch.randn(n_out, rank, generator=generator) * math.sqrt(2 / rank)
        return LowRankLinear(tall, wide)


@dataclass
class BlockDiagonal:
    """Blocks along the diagonal, as few as the budget allows; the projection keeps the entries inside them."""

    def project(self, matrix: Tensor, budget: int, generator: torch.Generator) -> BlockDiagonalLinear:
        """The closest block-diagonal matrix.

        Raises:
            ValueError: not a finite matrix of floating-point or complex numbers, or no block structure fits the budget.
        """
        from torch.nn.functional import pad

        from harness_plugins.compression.arenas._layers import BlockDiagonalLinear

        require_matrix(matrix)
        n_out, n_in = matrix.shape
        b, rows, columns = self._shape(n_in, n_out, budget)
        padded = pad(matrix, (0, b * columns - n_in, 0, b * rows - n_out))
        blocks = padded.reshape(b, rows, b, columns).diagonal(dim1=0, dim2=2).permute(2, 0, 1)  # (b, rows, columns)
        return BlockDiagonalLinear(blocks, n_in, n_out)

    def build_linear(self, n_in: int, n_out: int, budget: int, generator: torch.Generator) -> nn.Module:
        """Gaussian blocks.

        Raises:
            ValueError: no block structure fits the budget.
        """
        import torch

        from harness_plugins.compression.arenas._layers import BlockDiagonalLinear

        b, rows, columns = self._shape(n_in, n_out, budget)
        blocks = torch.randn(b, rows, columns, generator=generator) * math.sqrt(2 / columns)
        return BlockDiagonalLinear(blocks, n_in, n_out)

    def _shape(self, n_in: int, n_out: int, budget: int) -> tuple[int, int, int]:
        """Blocks, and the rows and columns of each; the last block is padded where the sizes do not divide."""
        for b in range(1, min(n_in, n_out) + 1):
            rows, columns = -(-n_out // b), -(-n_in // b)
            if b * rows * columns <= budget:
                return b, rows, columns
        raise ValueError(f"no block-diagonal {n_out} x {n_in} matrix fits a budget of {budget}")


@dataclass
class MagnitudePruning:
    """The largest entries of a dense matrix, as many as the budget allows; in training, cut off on the way."""

    convert_at: float = 0.5
    """Share of the training steps after which the dense layer is pruned; the kept entries are trained on."""

    def project(self, matrix: Tensor, budget: int, generator: torch.Generator) -> SparseLinear:
        """The closest matrix with that many entries other than zero.

        Raises:
            ValueError: not a finite matrix of floating-point or complex numbers, or the budget is not positive.
        """
        from harness_plugins.compression.arenas._layers import SparseLinear

        require_matrix(matrix)
        if budget < 1:
            raise ValueError(f"the budget must be positive, not {budget}")
        kept = matrix.abs().flatten().topk(min(budget, matrix.numel())).indices
        return SparseLinear(matrix.flatten()[kept], kept, matrix.shape[1], matrix.shape[0])

    def build_linear(self, n_in: int, n_out: int, budget: int, generator: torch.Generator) -> nn.Module:
        """The dense map that training starts with."""
        from harness_plugins.compression.arenas._layers import random_dense

        return random_dense(n_in, n_out, generator)

    def convert(self, layer: nn.Module, budget: int, generator: torch.Generator) -> nn.Module:
        """The layer with its largest weights only."""
        return self.project(layer.weight.detach(), budget, generator)
