"""Matrices with a known structure, exact to float64: fast transforms, convolutions, planted factorisations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

MatrixName: TypeAlias = Literal[
    "dft-stride",
    "dft-bit-reversed",
    "dft",
    "hadamard",
    "dct",
    "toeplitz",
    "circulant",
    "gauss",
    "monarch",
    "low-rank",
]
"""The matrices by name."""

Matrix: TypeAlias = NDArray[np.float64] | NDArray[np.complex128]
"""Real, or complex where the transform is."""

_SQUARE_SIZES = {"dft-stride", "monarch"}
_POWERS_OF_TWO = {"dft-bit-reversed", "hadamard"}


def make_matrix(name: MatrixName, n: int, rank: int, noise: float, rng: np.random.Generator) -> Matrix:
    """The n x n matrix of that name; `rank` and `noise` are for `low-rank` only.

    Raises:
        ValueError: unknown name, or there is no such matrix of this size.
    """
    _require_size(name, n)
    makers: dict[str, Callable[[], Matrix]] = {
        "dft-stride": lambda: dft(n)[:, stride_permutation(n)],
        "dft-bit-reversed": lambda: dft(n)[:, bit_reversal(n)],
        "dft": lambda: dft(n),
        "hadamard": lambda: hadamard(n),
        "dct": lambda: dct(n),
        "toeplitz": lambda: toeplitz(rng.standard_normal(2 * n - 1)),
        "circulant": lambda: circulant(rng.standard_normal(n)),
        "gauss": lambda: rng.standard_normal((n, n)),
        "monarch": lambda: planted_monarch(n, rng),
        "low-rank": lambda: planted_low_rank(n, rank, noise, rng),
    }
    return makers[name]()


def dft(n: int) -> NDArray[np.complex128]:
    """The unitary discrete Fourier transform: F[r, c] = exp(-2 pi i r c / n) / sqrt(n)."""
    turns = np.outer(np.arange(n), np.arange(n)) % n  # reduced before the division: full accuracy at large n
    transform: NDArray[np.complex128] = np.exp(-2j * np.pi * turns / n) / math.sqrt(n)
    return transform


def stride_permutation(n: int) -> NDArray[np.intp]:
    """With m = sqrt(n), the order that reads an m x m array by columns: place k m + i holds i m + k."""
    m = math.isqrt(n)
    return np.arange(n).reshape(m, m).T.ravel()


def bit_reversal(n: int) -> NDArray[np.intp]:
    """The order whose place with bits b_1 ... b_L holds b_L ... b_1, for n = 2^L."""
    bits = n.bit_length() - 1
    return np.arange(n).reshape((2,) * bits).T.ravel()


def hadamard(n: int) -> NDArray[np.float64]:
    """Sylvester's orthonormal Hadamard matrix: H[r, c] = (-1)^(number of bits that r and c share) / sqrt(n)."""
    shared = np.bitwise_count(np.arange(n)[:, None] & np.arange(n))
    return np.where(shared % 2, -1.0, 1.0) / math.sqrt(n)


def dct(n: int) -> NDArray[np.float64]:
    """The orthonormal discrete cosine transform of type II."""
    angles = np.outer(np.arange(n), 2 * np.arange(n) + 1) * (np.pi / (2 * n))
    scale = np.full((n, 1), math.sqrt(2 / n))
    scale[0] = math.sqrt(1 / n)
    transform: NDArray[np.float64] = scale * np.cos(angles)
    return transform


def toeplitz(diagonals: NDArray[np.float64]) -> NDArray[np.float64]:
    """The n x n matrix T[r, c] = diagonals[r - c + n - 1] of 2n - 1 diagonals, the upper right one first."""
    n = (len(diagonals) + 1) // 2
    matrix: NDArray[np.float64] = diagonals[np.arange(n)[:, None] - np.arange(n) + n - 1]
    return matrix


def circulant(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix C[r, c] = column[(r - c) mod n] of a circular convolution."""
    n = len(column)
    matrix: NDArray[np.float64] = column[(np.arange(n)[:, None] - np.arange(n)) % n]
    return matrix


def planted_monarch(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random Monarch matrix of sqrt(n) blocks, entry by entry: M[(l, j), (k, i)] = L_j[l, k] R_k[j, i]."""
    m = math.isqrt(n)
    left, right = rng.standard_normal((2, m, m, m))
    matrix: NDArray[np.float64] = np.einsum("jlk,kji->ljki", left, right).reshape(n, n)
    return matrix


def planted_low_rank(n: int, rank: int, noise: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Entries of variance 1 from random factors of that rank, plus Gaussian noise of standard deviation `noise`.

    Raises:
        ValueError: the rank is not within 1 ... n, or the noise is negative.
    """
    if not 1 <= rank <= n or noise < 0:
        raise ValueError(f"rank must be in 1 ... {n} and noise not negative, got rank {rank} and noise {noise}")
    tall, wide = rng.standard_normal((n, rank)), rng.standard_normal((rank, n))
    return tall @ wide / math.sqrt(rank) + noise * rng.standard_normal((n, n))


def _require_size(name: str, n: int) -> None:
    if name not in get_args(MatrixName):
        raise ValueError(f"unknown matrix {name!r}; there are {', '.join(get_args(MatrixName))}")
    if n < 2:
        raise ValueError(f"n must be at least 2, not {n}")
    if name in _SQUARE_SIZES and math.isqrt(n) ** 2 != n:
        raise ValueError(f"{name} needs n to be a square, not {n}")
    if name in _POWERS_OF_TWO and n & (n - 1):
        raise ValueError(f"{name} needs n to be a power of two, not {n}")
