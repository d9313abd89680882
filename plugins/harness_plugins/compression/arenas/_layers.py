"""The layers behind the arena's baselines, and the network they are trained in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

from harness_plugins.compression.arenas.structured_linear import require_width


def random_dense(n_in: int, n_out: int, generator: torch.Generator) -> nn.Linear:
    """`torch.nn.Linear` without bias, entries N(0, 2 / n_in) (He et al. 2015).

    Raises:
        ValueError: a size is not positive.
    """
    if n_in < 1 or n_out < 1:
        raise ValueError(f"sizes must be positive, got {n_in} inputs and {n_out} outputs")
    layer = nn.utils.skip_init(nn.Linear, n_in, n_out, bias=False)  # else it draws from the global generator
    nn.init.kaiming_normal_(layer.weight, generator=generator)
    return layer


class LowRankLinear(nn.Module):
    """W = tall wide, with tall (n_out, rank) and wide (rank, n_in)."""

    def __init__(self, tall: Tensor, wide: Tensor) -> None:
        super().__init__()
        self.tall, self.wide = nn.Parameter(tall), nn.Parameter(wide)

    def forward(self, x: Tensor) -> Tensor:
        """(..., n_in) -> (..., rank) -> (..., n_out)."""
        require_width(x, self.wide.shape[1])
        return linear(linear(x, self.wide), self.tall)

    def dense(self) -> Tensor:
        """(n_out, n_in)."""
        return self.tall @ self.wide


class BlockDiagonalLinear(nn.Module):
    """Blocks (b, rows, columns) along the diagonal of an n_out x n_in matrix; what they overhang is cut off."""

    def __init__(self, blocks: Tensor, n_in: int, n_out: int) -> None:
        super().__init__()
        self.blocks = nn.Parameter(blocks.contiguous())
        self.n_in, self.n_out = n_in, n_out

    def forward(self, x: Tensor) -> Tensor:
        """(..., n_in) -> (..., n_out), one product for all blocks."""
        require_width(x, self.n_in)
        b, rows, columns = self.blocks.shape
        cut = pad(x.reshape(-1, self.n_in), (0, b * columns - self.n_in)).reshape(-1, b, columns)  # (t, b, columns)
        y = torch.bmm(cut.transpose(0, 1), self.blocks.mT).transpose(0, 1)  # (t, b, rows)
        return y.reshape(-1, b * rows)[:, : self.n_out].reshape(*x.shape[:-1], self.n_out)

    def dense(self) -> Tensor:
        """(n_out, n_in)."""
        return torch.block_diag(*self.blocks)[: self.n_out, : self.n_in]


class SparseLinear(nn.Module):
    """The values (k,) at the flat positions (k,) of an n_out x n_in matrix, zero elsewhere."""

    positions: Tensor

    def __init__(self, values: Tensor, positions: Tensor, n_in: int, n_out: int) -> None:
        super().__init__()
        self.values = nn.Parameter(values)
        self.register_buffer("positions", positions)
        self.n_in, self.n_out = n_in, n_out

    def forward(self, x: Tensor) -> Tensor:
        """(..., n_in) -> (..., n_out), through the dense matrix: the entries are saved, not the operations."""
        require_width(x, self.n_in)
        return linear(x, self.dense())

    def dense(self) -> Tensor:
        """(n_out, n_in)."""
        flat = self.values.new_zeros(self.n_out * self.n_in)
        return flat.index_put((self.positions,), self.values).reshape(self.n_out, self.n_in)


class Mlp(nn.Module):
    """ReLU network: the given hidden maps, a bias after each, and a dense output layer."""

    def __init__(
        self, hidden: Sequence[nn.Module], widths: Sequence[int], classes: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(hidden)
        self.biases = nn.ParameterList([torch.zeros(width) for width in widths])
        self.head = random_dense(widths[-1], classes, generator)
        self.head_bias = nn.Parameter(torch.zeros(classes))

    def forward(self, x: Tensor) -> Tensor:
        """Images (batch, pixels) to logits (batch, classes)."""
        for layer, bias in zip(self.hidden, self.biases, strict=True):
            x = torch.relu(layer(x) + bias)  # (batch, width)
        logits: Tensor = self.head(x) + self.head_bias
        return logits
