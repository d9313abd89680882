"""Monarch and butterfly matrices as layers."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from harness_plugins.compression.arenas.structured_linear import require_width
from harness_plugins.compression.monarch._shape import MonarchShape


class _ContiguousGradient(torch.autograd.Function):
    """The identity, whose gradient is laid out anew."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Its argument."""
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """The gradient, contiguous."""
        return gradient.contiguous()


def batched_product(a: Tensor, b: Tensor) -> Tensor:
    """`torch.bmm`, prepared for gradients that come back permuted.

    On such gradients the products of the backward pass would copy one block after the other, and twice; here they are
    copied once and whole.
    """
    product: Tensor = _ContiguousGradient.apply(torch.bmm(a, b))
    return product


class MonarchLinear(nn.Module):
    """M = P L P^T R, by two batched products and one copy."""

    def __init__(self, left: Tensor, right: Tensor, shape: MonarchShape) -> None:
        """Factors left (b, rows, b r), indexed L_j[l, (k, r)], and right (b, b r, columns), indexed R_k[(r, j), i].

        Raises:
            ValueError: a factor has another shape.
        """
        super().__init__()
        wanted = (shape.blocks, shape.rows, shape.hidden), (shape.blocks, shape.hidden, shape.columns)
        if (tuple(left.shape), tuple(right.shape)) != wanted:
            raise ValueError(f"factors of shapes {tuple(left.shape)} and {tuple(right.shape)}, expected {wanted}")
        self.left, self.right, self.shape = nn.Parameter(left), nn.Parameter(right), shape

    @classmethod
    def random(cls, shape: MonarchShape, generator: torch.Generator) -> MonarchLinear:
        """Gaussian factors, scaled so that the entries of M have variance 2 / n_in."""
        right = torch.randn(shape.blocks, shape.hidden, shape.columns, generator=generator) / math.sqrt(shape.columns)
        left = torch.randn(shape.blocks, shape.rows, shape.hidden, generator=generator) * math.sqrt(2 / shape.hidden)
        return cls(left, right, shape)

    @classmethod
    def closest_to(cls, matrix: Tensor, shape: MonarchShape) -> MonarchLinear:
        """The matrix's best approximation (algorithm 1): the slice over (l, i) for each (j, k) has rank r in M."""
        b, r = shape.blocks, shape.rank
        slices = padded(matrix, shape).reshape(shape.rows, b, b, shape.columns).permute(1, 2, 0, 3)  # (j, k, l, i)
        u, s, vh = torch.linalg.svd(slices, full_matrices=False)  # (j, k, l, p), (j, k, p), (j, k, p, i)
        root = s[..., :r].sqrt().to(matrix.dtype)  # (j, k, r), shared out evenly between the factors
        left = (u[..., :r] * root[..., None, :]).permute(0, 2, 1, 3)  # (j, l, k, r)
        right = (root[..., None] * vh[..., :r, :]).permute(1, 2, 0, 3)  # (k, r, j, i)
        return cls(
            left.reshape(b, shape.rows, shape.hidden), right.reshape(b, shape.hidden, shape.columns).contiguous(), shape
        )

    def forward(self, x: Tensor) -> Tensor:
        """(..., n_in) -> (..., n_out).

        The hidden vector is kept with the batch as its last axis: the permutation between the factors is then a matter
        of strides, and only the one behind them is a copy.
        """
        shape, b = self.shape, self.shape.blocks
        require_width(x, shape.n_in)
        flat = x.reshape(-1, shape.n_in)  # (t, n_in)
        if shape.n_in < b * shape.columns:
            flat = pad(flat, (0, b * shape.columns - shape.n_in))
        t = flat.shape[0]
        hidden = batched_product(self.right, flat.reshape(t, b, shape.columns).permute(1, 2, 0))  # (k, (r, j), t)
        hidden = hidden.reshape(b, shape.rank, b, t).permute(2, 3, 0, 1).flatten(2)  # (j, t, (k, r)), a view
        y = batched_product(hidden, self.left.mT)  # (j, t, l)
        y = y.permute(1, 2, 0).reshape(t, shape.rows * b)  # (t, (l, j)), the copy
        return y[:, : shape.n_out].reshape(*x.shape[:-1], shape.n_out)

    def dense(self) -> Tensor:
        """M, (n_out, n_in), entry by entry: M[(l, j), (k, i)] = sum_r L_j[l, (k, r)] R_k[(r, j), i]."""
        shape, b, r = self.shape, self.shape.blocks, self.shape.rank
        left = self.left.reshape(b, shape.rows, b, r)  # (j, l, k, r)
        right = self.right.reshape(b, r, b, shape.columns)  # (k, r, j, i)
        matrix = torch.einsum("jlkr,krji->ljki", left, right).reshape(shape.rows * b, b * shape.columns)
        return matrix[: shape.n_out, : shape.n_in]


def padded(matrix: Tensor, shape: MonarchShape) -> Tensor:
    """The matrix with zero rows and columns up to multiples of the number of blocks; they change no optimum."""
    n_out, n_in = matrix.shape
    return pad(matrix, (0, shape.blocks * shape.columns - n_in, 0, shape.blocks * shape.rows - n_out))


def multiplied_out(layer: nn.Module) -> nn.Linear:
    """The `torch.nn.Linear` that computes what a structured layer computes."""
    weight = layer.dense().detach()
    dense = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0], bias=False)
    dense.weight = nn.Parameter(weight)
    return dense


class ButterflyLinear(nn.Module):
    """log2 n factors, of which the one with stride s mixes entries s apart in pairs (Dao et al., arXiv:1903.05895)."""

    def __init__(self, factors: list[Tensor]) -> None:
        """Factors in the order of application, strides s = 1, 2, 4 ...: each (n / 2s, out 2, in 2, s)."""
        super().__init__()
        self.factors = nn.ParameterList(factors)
        self.n = factors[0].numel() // 2

    @classmethod
    def random(cls, n: int, generator: torch.Generator) -> ButterflyLinear:
        """Gaussian factors, scaled so that the entries of the product have variance 2 / n."""
        strides = [2**level for level in range(n.bit_length() - 1)]
        scale = math.sqrt(2 ** (1 / len(strides)) / 2)
        return cls([torch.randn(n // (2 * s), 2, 2, s, generator=generator) * scale for s in strides])

    @classmethod
    def peeled_from(cls, matrix: Tensor) -> ButterflyLinear:
        """Factors taken off one by one, each by the best rank 1 of all slices (Zheng et al., arXiv:2110.01230).

        The factor of stride s leaves 2s matrices of n / 2s x n / 2s: one for each value of the row's bits settled so
        far.
        """
        rest, factors = matrix[None], []  # (s, size, size)
        while (size := rest.shape[-1]) > 1:
            s, half = rest.shape[0], size // 2
            slices = rest.reshape(s, half, 2, half, 2).permute(0, 2, 3, 1, 4)  # (s, out, place, row, in)
            u, sigma, vh = torch.linalg.svd(slices, full_matrices=False)
            root = sigma[..., :1].sqrt().to(matrix.dtype)  # (s, out, place, 1)
            factors.append((root * vh[..., 0, :]).permute(2, 1, 3, 0).contiguous())  # (place, out, in, s)
            rest = (u[..., 0] * root).permute(1, 0, 3, 2).reshape(2 * s, half, half)  # ((out, s), row, place)
        factors[-1] = factors[-1] * rest.reshape(1, 2, 1, -1)  # the scalars that are left, one for each row
        return cls(factors)

    def forward(self, x: Tensor) -> Tensor:
        """(..., n) -> (..., n)."""
        require_width(x, self.n)
        y = x.reshape(-1, self.n)  # (t, n)
        for factor in self.factors:
            places, _, _, s = factor.shape
            pairs = y.reshape(-1, places, 2, s)  # (t, place, in, s)
            y = (factor[:, :, 0] * pairs[:, :, :1] + factor[:, :, 1] * pairs[:, :, 1:]).reshape(-1, self.n)
        return y.reshape(x.shape)

    def dense(self) -> Tensor:
        """The product of the factors, (n, n): its columns are the images of the unit vectors."""
        first: Tensor = self.factors[0]
        images: Tensor = self(torch.eye(self.n, dtype=first.dtype, device=first.device))
        return images.mT
