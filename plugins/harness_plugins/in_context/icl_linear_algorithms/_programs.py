"""The register machine: four primitives on the residual stream, and the two learning algorithms written in them.

The residual stream is H (B, T, rows): a token is a column of the paper's H, and its rows are registers. Tokens
alternate, x_0, y_0, x_1, y_1, ..., x_n (T = 2n + 1), as [0, x_i] and [y_i, 0]. `execute` runs a program with ideal
array operations; `_compiled.py` turns the same program into the weights of a decoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from harness_plugins.in_context.arenas.prompts import FloatArray


@dataclass(frozen=True)
class Mov:
    """Copy rows `read` of token `source` into rows `write` of the tokens from `start` on."""

    source: int
    read: range
    write: range
    start: int

    def __post_init__(self) -> None:
        if self.start < self.source:
            raise ValueError(f"mov is causal: token {self.start} cannot read token {self.source}")
        if len(self.read) != len(self.write):
            raise ValueError(f"mov reads {len(self.read)} rows and writes {len(self.write)}")

    def __call__(self, H: FloatArray) -> None:
        """H (B, T, rows), in place."""
        H[:, self.start :, _rows(self.write)] = H[:, self.source, None, _rows(self.read)]


@dataclass(frozen=True)
class Mul:
    """In each token, multiply the a x b matrix in rows `left` by the b x c matrix in rows `right`."""

    shape: tuple[int, int, int]
    left: range
    right: range
    write: range

    def __post_init__(self) -> None:
        a, b, c = self.shape
        if (len(self.left), len(self.right), len(self.write)) != (a * b, b * c, a * c):
            raise ValueError(f"mul {self.shape} does not fit rows {self.left}, {self.right} -> {self.write}")
        _check_apart(self.write, self.left, self.right)

    def __call__(self, H: FloatArray) -> None:
        """H (B, T, rows), in place."""
        a, b, c = self.shape
        left = H[:, :, _rows(self.left)].reshape(*H.shape[:2], a, b)
        right = H[:, :, _rows(self.right)].reshape(*H.shape[:2], b, c)
        H[:, :, _rows(self.write)] = (left @ right).reshape(*H.shape[:2], a * c)


@dataclass(frozen=True)
class Div:
    """In each token, divide rows `read` by the absolute value of the row `divisor`."""

    read: range
    divisor: int
    write: range

    def __post_init__(self) -> None:
        if len(self.read) != len(self.write):
            raise ValueError(f"div reads {len(self.read)} rows and writes {len(self.write)}")
        _check_apart(self.write, self.read, range(self.divisor, self.divisor + 1))

    def __call__(self, H: FloatArray) -> None:
        """H (B, T, rows), in place."""
        H[:, :, _rows(self.write)] = H[:, :, _rows(self.read)] / np.abs(H[:, :, self.divisor, None])


@dataclass(frozen=True, eq=False)
class Aff:
    """In the tokens from `start` on, write W_1 h[first] + W_2 h[second] + b; `write` may be one of the rows read.

    A number for a matrix or for b stands for that multiple of the identity, or for that number in every row.
    """

    first: range
    second: range
    write: range
    W_1: FloatArray | float
    W_2: FloatArray | float
    b: FloatArray | float = 0.0
    start: int = 0

    def __post_init__(self) -> None:
        out = len(self.write)
        for name, matrix, read in (("W_1", self.W_1, self.first), ("W_2", self.W_2, self.second)):
            shape = np.shape(matrix) or (len(read), len(read))
            if shape != (out, len(read)):
                raise ValueError(f"aff writes {out} rows; {name} {shape} cannot map {len(read)} rows to them")
        if np.shape(self.b) not in ((), (out,)):
            raise ValueError(f"aff writes {out} rows; b has the shape {np.shape(self.b)}")

    def __call__(self, H: FloatArray) -> None:
        """H (B, T, rows), in place."""
        first, second = H[:, self.start :, _rows(self.first)], H[:, self.start :, _rows(self.second)]
        H[:, self.start :, _rows(self.write)] = _map(self.W_1, first) + _map(self.W_2, second) + self.b


Instruction: TypeAlias = Mov | Mul | Div | Aff


@dataclass(frozen=True)
class Program:
    """Instructions, each one decoder layer, over a fixed number of rows."""

    instructions: Sequence[Instruction]
    rows: int
    """Registers in each token, the token's own [y, x] included."""
    y: range
    x: range
    prediction: range
    """The row in which the token of x_i holds the prediction of y_i at the end."""


def sgd_program(n: int, d: int, learning_rate: float, weight_decay: float) -> Program:
    """One pass of SGD over n pairs: w <- w - 2 alpha (x (w.x - y) + lambda w) for each (Theorem 1; 4d + 4 rows).

    The step on pair i is done by every token behind y_i, so the token of x_j ends up with the weights of its own past.
    """
    y, x, y_i, x_i, w, output, residual, gradient = allocate(1, d, 1, d, d, 1, 1, d)
    instructions: list[Instruction] = []
    for i in range(n):
        behind = 2 * i + 2  # the token of x_{i+1}, the first to know the pair i
        instructions += [
            Mov(2 * i + 1, y, y_i, behind),
            Mov(2 * i, x, x_i, behind),
            Mul((1, d, 1), w, x_i, output),
            Aff(output, y_i, residual, 1, -1),
            Mul((d, 1, 1), x_i, residual, gradient),
            Aff(gradient, w, gradient, 1, weight_decay),
            # Tokens that have not seen the pair keep their weights: decay alone would change them.
            Aff(w, gradient, w, 1, -2 * learning_rate, start=behind),
        ]
    instructions.append(Mul((1, d, 1), w, x, output))
    return Program(instructions, gradient.stop, y, x, output)


def ridge_program(n: int, d: int, penalty: float) -> Program:
    """Ridge regression on n pairs by Sherman and Morrison's rank-one updates (Theorem 2; 3d^2 + 7d + 5 rows).

    A^-1 starts at I / lambda and takes in u = x_i by (A + u u^T)^-1 = A^-1 - A^-1 u u^T A^-1 / (1 + u^T A^-1 u);
    w = A^-1 sum_i x_i y_i at the end.
    """
    y, x, y_i, x_i, moment, total, A_u, u_A, w, denominator, divisor, output, A, outer, ratio = allocate(
        1, d, 1, d, d, d, d, d, d, 1, 1, 1, d * d, d * d, d * d
    )
    instructions: list[Instruction] = [Aff(A, A, A, 0, 0, np.eye(d).ravel() / penalty)]
    for i in range(n):
        behind = 2 * i + 2
        instructions += [
            Mov(2 * i + 1, y, y_i, behind),
            Mov(2 * i, x, x_i, behind),
            Mul((d, 1, 1), x_i, y_i, moment),
            Aff(total, moment, total, 1, 1, start=behind),
            Mul((d, d, 1), A, x_i, A_u),
            Mul((1, d, d), x_i, A, u_A),
            Mul((d, 1, d), A_u, u_A, outer),
            Mul((1, d, 1), u_A, x_i, denominator),
            Aff(denominator, denominator, divisor, 1, 0, 1),
            Div(outer, divisor.start, ratio),
            Aff(A, ratio, A, 1, -1, start=behind),
        ]
    instructions += [Mul((d, d, 1), A, total, w), Mul((1, d, 1), w, x, output)]
    return Program(instructions, ratio.stop, y, x, output)


def tokens(program: Program, X: FloatArray, Y: FloatArray) -> FloatArray:
    """The residual stream before the first layer, (B, 2n+1, rows): tokens [0, x_i] and [y_i, 0], registers empty."""
    batch, length, _ = X.shape
    H = np.zeros((batch, 2 * length - 1, program.rows))
    H[:, 0::2, _rows(program.x)] = X
    H[:, 1::2, program.y.start] = Y
    return H


def execute(program: Program, X: FloatArray, Y: FloatArray) -> FloatArray:
    """Run the program with ideal primitives: X (B, n+1, d), Y (B, n) -> predictions (B, n+1)."""
    H = tokens(program, X, Y)
    for instruction in program.instructions:
        instruction(H)
    return H[:, 0::2, program.prediction.start].copy()


def allocate(*sizes: int) -> list[range]:
    """Consecutive rows for registers of the given sizes."""
    stops = np.cumsum(sizes)
    return [range(int(stop) - size, int(stop)) for size, stop in zip(sizes, stops, strict=True)]


def _map(matrix: FloatArray | float, values: FloatArray) -> FloatArray:
    """Apply a matrix (out, in), or a multiple of the identity, to values (..., in)."""
    return values @ matrix.T if isinstance(matrix, np.ndarray) else matrix * values


def _rows(rows: range) -> slice:
    return slice(rows.start, rows.stop)


def _check_apart(write: range, *reads: range) -> None:
    """A layer clears the rows it writes before its MLP reads, so they must not be the rows it reads."""
    for read in reads:
        if read.start < write.stop and write.start < read.stop:
            raise ValueError(f"rows {write} are written and cleared before rows {read} are read")
