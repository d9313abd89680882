"""The primitives compiled to weights: every instruction becomes one decoder layer, run in float64.

A layer is the paper's (equations 1 and 2): two heads of causal softmax attention, then a GeLU MLP behind a LayerNorm,

    a = h + sum_k W_O softmax((W_Q h)^T (W_K h)) W_V h,        h' = a + W_2 gelu(W_1 LN(a) + b_1) + b_2.

The residual stream carries, next to the program's registers, the units that make this compute:

- positions: token t has a one in its own row of T. W_Q turns that into the token to be read from, so that a matching
  key scores +N and any other -N; with large N the softmax is a lookup. Where nothing is to be read, all keys lose
  against a slot of zeros (logit 0, value 0; `add_zero_attn` in `torch.nn.MultiheadAttention`).
- one: a constant 1, the source of biases.
- divisor, two rows of opposite sign: large beside all else, they alone set the standard deviation that LN divides by.
  Holding +-N they make LN a multiplication by a known constant; holding +-N c they make it a division by |c|.
- balance: minus the sum of all other rows, so that the mean LN subtracts is zero.

Head 1 reads (the operands of mov and aff, the divisor of the others); head 2 reads the token itself with value -I, and
so clears the rows that are about to be written.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm

from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.icl_linear_algorithms._programs import (
    Aff,
    Div,
    Instruction,
    Mov,
    Mul,
    Program,
    tokens,
)

LN_EPS = 1e-5
"""What LayerNorm adds to the variance, torch's default: nothing beside N^2."""
PROMPTS_AT_ONCE = 16
"""Prompts that pass a layer together: few enough for their streams to stay in the processor's caches."""


@dataclass(frozen=True)
class Head:
    """One attention head over a stream of L rows."""

    W_Q: Tensor
    """(T + 1, L)"""
    W_K: Tensor
    """(T + 1, L)"""
    W_V: Tensor
    """(v, L)"""
    W_O: Tensor
    """(L, v)"""

    def __call__(self, h: Tensor) -> Tensor:
        """What the head adds to the stream: h (B, T, L) -> (B, T, L)."""
        batch, T, _ = h.shape
        logits = (h @ self.W_Q.T) @ (h @ self.W_K.T).transpose(1, 2)  # (B, T, T): query, key
        later = torch.ones(T, T, dtype=torch.bool).triu(1)
        logits = logits.masked_fill(later, -math.inf)
        logits = torch.cat([logits, logits.new_zeros(batch, T, 1)], dim=2)  # the slot of zeros
        weights = torch.softmax(logits, dim=2)[:, :, :T]  # the slot's value is 0: it only takes weight away
        return weights @ (h @ self.W_V.T) @ self.W_O.T


@dataclass(frozen=True)
class Mlp:
    """A GeLU layer of m hidden units behind a LayerNorm over all L rows."""

    W_1: Tensor
    """(m, L)"""
    b_1: Tensor
    """(m,)"""
    W_2: Tensor
    """(L, m)"""
    b_2: Tensor
    """(L,)"""

    def __call__(self, a: Tensor) -> Tensor:
        """What the MLP adds to the stream: a (B, T, L) -> (B, T, L)."""
        hidden = gelu(layer_norm(a, a.shape[-1:], eps=LN_EPS) @ self.W_1.T + self.b_1)  # (B, T, m)
        return hidden @ self.W_2.T + self.b_2


@dataclass(frozen=True)
class Layer:
    """One decoder layer."""

    read: Head
    clear: Head
    mlp: Mlp

    def __call__(self, h: Tensor) -> Tensor:
        """Attention, then the MLP, each added to the stream: h (B, T, L) -> (B, T, L)."""
        a = h + self.read(h) + self.clear(h)
        return a + self.mlp(a)

    def weights(self) -> Iterator[tuple[str, Tensor]]:
        """Every matrix and vector of the layer by name, such as `read.W_Q`."""
        for part in fields(self):
            module = getattr(self, part.name)
            for weight in fields(module):
                yield f"{part.name}.{weight.name}", getattr(module, weight.name)


class Decoder:
    """A program as a decoder-only transformer.

    Args:
        program: what it computes.
        T: tokens of a prompt, 2n + 1.
        N: the large constant that hardens attention, bypasses GeLU and takes LayerNorm over.
        c: the small factor in front of the GeLU that multiplies; its relative error is O(c^2), its rounding O(1/c).

    Raises:
        ValueError: N or c is out of range.
    """

    def __init__(self, program: Program, T: int, N: float, c: float) -> None:
        if not (1 < N < math.inf and 0 < c < 1):
            raise ValueError(f"N must be finite and above 1, c between 0 and 1, not {N} and {c}")
        self.program, self.T, self.N, self.c = program, T, N, c
        self.positions = range(program.rows, program.rows + T)
        self.one, self.plus, self.minus, self.balance = range(self.positions.stop, self.positions.stop + 4)
        self.L = self.balance + 1
        self.ln_scale = N * math.sqrt(2 / self.L)
        """The standard deviation of a stream whose divisor rows hold +-N."""

    def layers(self) -> Iterator[Layer]:
        """The layers, first to last, each built when it is asked for: together they can be large."""
        for instruction in self.program.instructions:
            yield self.compile(instruction)

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """Run the decoder: X (B, n+1, d), Y (B, n) -> predictions (B, n+1), read off the tokens of x."""
        h = self.embed(X, Y)
        with torch.inference_mode():
            for layer in self.layers():
                for few in h.split(PROMPTS_AT_ONCE):  # views of h
                    few.copy_(layer(few))
        predictions: FloatArray = h[:, 0::2, self.program.prediction.start].numpy().copy()
        return predictions

    def embed(self, X: FloatArray, Y: FloatArray) -> Tensor:
        """Token and position embeddings, (B, T, L)."""
        registers = torch.from_numpy(tokens(self.program, X, Y))  # (B, T, rows)
        h = torch.zeros(*registers.shape[:2], self.L, dtype=torch.float64)
        h[:, :, : self.program.rows] = registers
        h[:, :, self.positions] = torch.eye(self.T, dtype=torch.float64)
        h[:, :, self.one] = 1
        h[:, :, self.balance] = -h.sum(dim=2)
        return h

    def compile(self, instruction: Instruction) -> Layer:
        """The layer that carries the instruction out."""
        match instruction:
            case Mov():
                return self._mov(instruction)
            case Aff():
                return self._aff(instruction)
            case Mul():
                return self._mul(instruction)
            case Div():
                return self._div(instruction)

    def _mov(self, mov: Mov) -> Layer:
        """Attention alone: tokens from `start` on look at the source, the others at nothing."""
        reads = torch.full((self.T,), -1)
        reads[mov.start :] = mov.source
        W_V = self._select(mov.read)  # (v, L)
        W_O = self._place(mov.write, torch.eye(len(mov.write), dtype=torch.float64))  # (L, v)
        return Layer(self._head(reads, W_V, W_O), self._clear([*mov.write], mov.start), self._no_mlp())

    def _aff(self, aff: Aff) -> Layer:
        """Attention alone: a token looks at itself, W_O holds [W_1 W_2 b], and b multiplies the constant 1."""
        out = len(aff.write)
        W_V = self._select([*aff.first, *aff.second, self.one])  # (v, L)
        parts = [_matrix(aff.W_1, out), _matrix(aff.W_2, out), _vector(aff.b, out)[:, None]]
        W_O = self._place(aff.write, torch.cat(parts, dim=1))  # (L, v)
        read = self._head(self._itself(aff.start), W_V, W_O)
        return Layer(read, self._clear([*aff.write], aff.start), self._no_mlp())

    def _mul(self, mul: Mul) -> Layer:
        """gelu(t) = t / 2 + t^2 / sqrt(2 pi) + O(t^4), so sqrt(pi / 2) (gelu(x + y) - gelu(x) - gelu(y)) = x y + ....

        Hidden units: x for each entry of the left matrix, y for each of the right, x + y for each product. Inputs
        are scaled down by c, products up by c^-2.
        """
        a, b, c = mul.shape
        x, y = self._select(mul.left).view(a, b, -1), self._select(mul.right).view(b, c, -1)
        sums = x[:, :, None] + y[None]  # (a, b, c, L)
        W_1 = torch.cat([sums.view(-1, self.L), x.view(-1, self.L), y.view(-1, self.L)])  # (abc + ab + bc, L)
        # W_2 adds the products over b into entry (i, k) of the result: rows (a, c), columns as in W_1.
        rows, inner, columns = torch.eye(a), torch.ones(b), torch.eye(c)
        adds = torch.cat(
            [
                torch.einsum("ia,b,kc->ikabc", rows, inner, columns).reshape(a * c, -1),
                -torch.einsum("ia,b,k->ikab", rows, inner, torch.ones(c)).reshape(a * c, -1),
                -torch.einsum("i,b,kc->ikbc", torch.ones(a), inner, columns).reshape(a * c, -1),
            ],
            dim=1,
        ).double()
        W_2 = self._place(mul.write, adds * math.sqrt(math.pi / 2) / self.c**2)
        mlp = Mlp(self.c * self.ln_scale * W_1, W_1.new_zeros(len(W_1)), W_2, W_2.new_zeros(self.L))
        return Layer(self._divisor(self.one), self._clear([*mul.write, self.plus, self.minus]), mlp)

    def _div(self, div: Div) -> Layer:
        """The divisor rows hold +-N c, so LN divides by |c|; gelu(N + t) - N = t brings the quotients through."""
        m = len(div.write)
        N = torch.full((m,), self.N, dtype=torch.float64)
        place = self._place(div.write, torch.eye(m, dtype=torch.float64))  # (L, m)
        mlp = Mlp(self.ln_scale * self._select(div.read), N, place, -place @ N)
        return Layer(self._divisor(div.divisor), self._clear([*div.write, self.plus, self.minus]), mlp)

    def _no_mlp(self) -> Mlp:
        """One hidden unit, all weights zero."""
        zeros = torch.zeros(self.L, dtype=torch.float64)
        return Mlp(zeros[None], zeros[:1], zeros[:, None], zeros)

    def _head(self, reads: Tensor, W_V: Tensor, W_O: Tensor) -> Head:
        """Token t reads token reads[t], or nothing where that is -1: logits are 2N [key matches] - N."""
        W_Q = torch.zeros(self.T + 1, self.L, dtype=torch.float64)
        W_K = torch.zeros(self.T + 1, self.L, dtype=torch.float64)
        reading = torch.arange(self.T)[reads >= 0]
        W_Q[reads[reading], self.program.rows + reading] = 2 * self.N
        W_Q[self.T, self.one] = -self.N
        W_K[range(self.T), self.positions] = 1
        W_K[self.T, self.one] = 1
        return Head(W_Q, W_K, W_V, W_O)

    def _itself(self, start: int = 0) -> Tensor:
        """Each token from `start` on reads itself, the others nothing."""
        own = torch.arange(self.T)
        return torch.where(own >= start, own, -1)

    def _clear(self, rows: list[int], start: int = 0) -> Head:
        """Subtract `rows` of the token from themselves, in the tokens from `start` on."""
        minus = -torch.eye(len(rows), dtype=torch.float64)
        return self._head(self._itself(start), self._select(rows), self._place(rows, minus))

    def _divisor(self, row: int) -> Head:
        """Put +-N times `row` into the divisor rows; `_clear` removes what they held."""
        signs = torch.tensor([[self.N], [-self.N]], dtype=torch.float64)
        return self._head(self._itself(), self._select([row]), self._place([self.plus, self.minus], signs))

    def _select(self, rows: range | list[int]) -> Tensor:
        """The matrix (len(rows), L) that reads those rows."""
        return torch.eye(self.L, dtype=torch.float64)[[*rows]]

    def _place(self, rows: range | list[int], values: Tensor) -> Tensor:
        """The matrix (L, v) that adds `values` (len(rows), v) to those rows and keeps the stream balanced."""
        placed = torch.zeros(self.L, values.shape[1], dtype=torch.float64)
        placed[[*rows]] = values
        placed[self.balance] -= values.sum(dim=0)
        return placed


def _matrix(matrix: FloatArray | float, size: int) -> Tensor:
    """A matrix, or the multiple of the identity that a number stands for."""
    return torch.as_tensor(matrix, dtype=torch.float64) * (1 if _is_array(matrix) else torch.eye(size).double())


def _vector(vector: FloatArray | float, size: int) -> Tensor:
    """A vector (size,), or the constant one that a number stands for."""
    return torch.as_tensor(vector, dtype=torch.float64).expand(size)


def _is_array(value: FloatArray | float) -> bool:
    return not isinstance(value, int | float)
