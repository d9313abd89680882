"""Monarch factors by alternating least squares: what one would do without knowing the projection in closed form.

M = A B with sparse factors A = P L P^T, (n_out, h), and B = R, (h, n_in). With one factor fixed the other is a linear
least-squares problem over the entries that may be nonzero; nothing here uses that slices of M are independent. The
pseudo-inverse solves it also where a factor has lost rank.
Hidden unit (k, r, j) is fed by input block k and feeds the output rows (., j). z counts the restarts, which run side by
side.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness_plugins.compression.monarch._layers import MonarchLinear, padded
from harness_plugins.compression.monarch._shape import MonarchShape


def fit(matrix: Tensor, shape: MonarchShape, restarts: int, sweeps: int, generator: torch.Generator) -> MonarchLinear:
    """The best of `restarts` fits of `sweeps` sweeps from Gaussian factors.

    Raises:
        ValueError: no restarts or no sweeps.
    """
    if restarts < 1 or sweeps < 1:
        raise ValueError(f"at least one restart and one sweep are needed, not {restarts} and {sweeps}")
    target = padded(matrix, shape)  # (n_out, n_in), padded
    start = torch.randn(restarts, shape.blocks, shape.hidden, shape.columns, dtype=torch.float64, generator=generator)
    right = start.to(target)
    for _ in range(sweeps):
        left = _fit_left(target, right, shape)
        right = _fit_right(target, left, shape)
    candidates = [MonarchLinear(*factors, shape) for factors in zip(left, right, strict=True)]
    with torch.no_grad():
        return min(candidates, key=lambda candidate: float((candidate.dense() - matrix).norm()))


def _fit_left(target: Tensor, right: Tensor, shape: MonarchShape) -> Tensor:
    """Given B, the rows (., j) of M are combinations of the rows (., ., j) of B: solve for L_j, (z, j, l, (k, r))."""
    b, r, z = shape.blocks, shape.rank, right.shape[0]
    eye = torch.eye(b, dtype=target.dtype, device=target.device)
    factors = right.reshape(z, b, r, b, shape.columns)  # (z, k, r, j, i)
    known = torch.einsum("zkrji,kK->zjkrKi", factors, eye).reshape(z, b, shape.hidden, -1)  # (z, j, (k, r), n_in)
    wanted = target.reshape(shape.rows, b, -1).permute(1, 0, 2).expand(z, -1, -1, -1)  # (z, j, l, n_in)
    return wanted @ torch.linalg.pinv(known)


def _fit_right(target: Tensor, left: Tensor, shape: MonarchShape) -> Tensor:
    """Given A, the columns (k, .) of M are combinations of the columns (k, ., .) of A: R_k, (z, k, (r, j), i)."""
    b, r, z = shape.blocks, shape.rank, left.shape[0]
    eye = torch.eye(b, dtype=target.dtype, device=target.device)
    factors = left.reshape(z, b, shape.rows, b, r)  # (z, j, l, k, r)
    known = torch.einsum("zjlkr,jJ->zklJrj", factors, eye).reshape(z, b, -1, shape.hidden)  # (z, k, n_out, (r, j))
    wanted = target.reshape(-1, b, shape.columns).permute(1, 0, 2).expand(z, -1, -1, -1)  # (z, k, n_out, i)
    return torch.linalg.pinv(known) @ wanted
