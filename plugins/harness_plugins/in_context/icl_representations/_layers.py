"""The parts that the transformers of this paper are put together from, as weights of ReLU attention and MLPs.

A token's position is a unit of its own, so that a query can look for one token and knows how many it sees. T is the
number of tokens of a prompt; `sight[t]` says how many of them token t attends to, and so what its sums are divided by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from torch import Tensor

from harness_plugins.in_context._constructed import Entry, Head, ReluAttention, ReluMlp
from harness_plugins.in_context.arenas.prompts import FloatArray

Value = tuple[int, int, float]
"""Slot written, slot read, coefficient."""
Unit = tuple[Sequence[Entry], float, Sequence[Entry]]
"""What a hidden unit reads, its bias, where it writes."""
LEAK = 0.01
"""Slope of the representation's activation below zero."""


@dataclass(frozen=True)
class Layer:
    """Attention, then an MLP; a layer of which one is missing has zeros there."""

    attention: ReluAttention | None = None
    mlp: ReluMlp | None = None

    def __call__(self, h: Tensor) -> Tensor:
        """h (B, T, D) -> (B, T, D)."""
        h = h if self.attention is None else self.attention(h)
        return h if self.mlp is None else self.mlp(h)

    def weights(self, D: int) -> dict[str, Tensor]:
        """The matrices that are not zero, written out."""
        parts = [part for part in (self.attention, self.mlp) if part is not None]
        return {name: weight for part in parts for name, weight in part.weights(D).items()}


@dataclass(frozen=True)
class Descent:
    """Steps w <- w - eta grad L(w) on L(w) = 1/(2n) sum_i (<w, Phi(x_i)> - y_i)^2 + lambda / 2 |w|^2, from w = 0."""

    learning_rate: float
    """Step size eta."""
    penalty: float
    """lambda."""
    steps: int


@dataclass(frozen=True)
class Fit:
    """Where the tokens keep what a linear regression is fitted to, and its weights."""

    weights: range
    features: range
    label: int
    reader: int
    """Slot that is 1 in the tokens that learn, and 0 or without weights in all others."""
    left_out: int | None = None
    """Slot that is 1 in the tokens of examples which are not counted."""

    def residual(self, sign: float, mask: float, value: Sequence[Value]) -> Head:
        """A head with score relu(sign (<w, Phi(x_s)> - y_s)), w the reader's; what is left out has `mask` off it."""
        query = [*((slot, sign) for slot in self.weights), (self.reader, -sign)]
        key = [*((slot, 1.0) for slot in self.features), (self.label, 1.0)]
        if self.left_out is not None:
            query.append((self.reader, -mask))
            key.append((self.left_out, 1.0))
        return Head(query, key, value)


def gradient_step(D: int, fits: Sequence[Fit], descent: Descent, scale: float, mask: float, causal: bool) -> Layer:
    """One step on every fit: two heads each, relu(r) - relu(-r) = r, and an MLP that shrinks the weights.

    Attention divides by the tokens in sight; `scale` of them come to one example. The MLP multiplies all by
    1 - eta lambda, the gradient just added included, which is therefore divided by it beforehand.
    """
    decay = descent.learning_rate * descent.penalty
    if not 0 <= decay < 1:
        raise ValueError(f"learning_rate * penalty must lie in 0..1, without 1, not {decay}")
    rate = descent.learning_rate * scale / (1 - decay)
    heads = [
        fit.residual(sign, mask, [(w, phi, -sign * rate) for w, phi in zip(fit.weights, fit.features, strict=True)])
        for fit in fits
        for sign in (1.0, -1.0)
    ]
    units: list[Unit] = [
        ([(slot, sign)], 0.0, [(slot, -sign * decay)]) for fit in fits for slot in fit.weights for sign in (1.0, -1.0)
    ]
    return Layer(ReluAttention(heads, causal=causal), ReluMlp(D, units))


def representation_layers(D: int, matrices: FloatArray, read: range, written: Sequence[range]) -> Iterator[Layer]:
    """Phi_k in L MLPs, from the slots `read` into `written[k]`: matrices are (K, L, d, d).

    s(t) = relu(t) - 0.01 relu(-t) makes two hidden units of each; from the second layer on, two more clear what the
    slot held.
    """
    for layer in range(matrices.shape[1]):
        units: list[Unit] = []
        for B, slots in zip(matrices, written, strict=True):
            source = read if layer == 0 else slots
            for row, slot in zip(B[layer], slots, strict=True):
                inner = list(zip(source, row.tolist(), strict=True))
                units += [(inner, 0.0, [(slot, 1.0)]), ([(s, -b) for s, b in inner], 0.0, [(slot, -LEAK)])]
                if layer:
                    units += [([(slot, sign)], 0.0, [(slot, -sign)]) for sign in (1.0, -1.0)]
        yield Layer(mlp=ReluMlp(D, units))


def copying(positions: range, readers: Iterable[int], back: int, sight: Sequence[int], value: Sequence[Value]) -> Head:
    """A head by which tokens `readers` get the value of the token `back` before them, whole: its score is `sight`."""
    tokens = [t for t in readers if t >= back]
    return Head([(positions[t], sight[t]) for t in tokens], [(positions[t - back], 1.0) for t in tokens], value)


def products(
    positions: range, readers: Iterable[int], back: int, one: int, span: int, factors: tuple[range, range], out: int,
    mask: float,
) -> list[Head]:  # fmt: skip
    """Two heads that write <p, q> into slot `out` of a reader, p its own, q that of the token `back` before it.

    The score is relu(+-<p, q> - mask + mask [it is that token]); `span` is a slot of that token which holds how many
    tokens the reader sees, by which attention divides.
    """
    tokens = [t for t in readers if t >= back]
    query, key = [(one, -mask), *((positions[t], mask) for t in tokens)], [one, *(positions[t - back] for t in tokens)]
    return [
        Head(
            [*query, *((slot, sign) for slot in factors[0])],
            [(slot, 1.0) for slot in [*key, *factors[1]]],
            [(out, span, sign)],
        )
        for sign in (1.0, -1.0)
    ]


def ranges(*sizes: int) -> list[range]:
    """Consecutive ranges of these sizes, from 0 on."""
    return [range(low, high) for low, high in pairwise(accumulate(sizes, initial=0))]
