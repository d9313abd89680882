"""Slots of the residual stream, how they are filled with the whole sequence, and hidden units that mind one position.

n = T d numbers make a sequence, vec(X) = [x_1; ...; x_T].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from harness_plugins.in_context.arenas.laws.law import one_of
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.targets import Target
from harness_plugins.in_context.single_layer_uat._transformer import (
    SHARP,
    Attention,
    FeedForward,
    Transformer,
    block,
    slots,
)

Gather: TypeAlias = Literal["slots", "heads"]


class Units(NamedTuple):
    """ReLU units C relu(A v + b) of one position, which read `u` slots and answer d numbers."""

    A: FloatArray
    """(m, u)"""
    b: FloatArray
    """(m,)"""
    C: FloatArray
    """(d, m)"""

    def __call__(self, V: FloatArray) -> FloatArray:
        """V (B, u) -> (B, d)."""
        hidden = V @ self.A.T
        hidden += self.b
        answer: FloatArray = np.maximum(hidden, 0, out=hidden) @ self.C.T
        return answer


@dataclass(frozen=True)
class Stream:
    """What stands where in a token: its input, vec(X), its position e_i, a one, the output, and more if asked for."""

    target: Target
    gather: Gather
    extra: tuple[int, ...] = ()
    """Sizes of further parts."""

    def __post_init__(self) -> None:
        one_of("gather", self.gather, get_args(Gather))

    @property
    def parts(self) -> list[slice]:
        """Input, vec(X), position, one, output, then the further parts."""
        T, d, n = self.target.T, self.target.d, self.target.coordinates
        return slots(n if self.gather == "slots" else d, n, T, 1, d, *self.extra)

    @property
    def D(self) -> int:
        """Slots in all."""
        stop: int = self.parts[-1].stop
        return stop

    def attention(self, prompt: int = 0) -> Attention:
        """The layer that writes vec(X) into every token; `prompt` tokens behind the sequence have an empty input.

        `slots`: token i holds x_i in block i of n slots, so the sum over all tokens is vec(X). One head with W_Q =
        W_K = 0 takes the mean; W_V is T + P times the identity. `heads`: token i holds x_i alone. Head i attends to
        position i, by a logit that is larger by `SHARP`, and writes block i.
        """
        T, d, D = self.target.T, self.target.d, self.D
        own, whole, place, one, *_ = self.parts
        if self.gather == "slots":
            empty = np.zeros((1, 1, D))
            return Attention(empty, empty, block((D, D), whole, own, T + prompt)[None])
        W_Q = np.repeat(block((1, D), slice(0, 1), one, SHARP)[None], T, axis=0)
        W_K = np.stack([block((1, D), slice(0, 1), slice(place.start + i, place.start + i + 1)) for i in range(T)])
        starts = [whole.start + i * d for i in range(T)]
        return Attention(W_Q, W_K, np.stack([block((D, D), slice(start, start + d), own) for start in starts]))

    def feed_forward(self, source: slice, units: Sequence[Units], low: float = 0.0, high: float = 1.0) -> FeedForward:
        """A network whose units for position i read `source` and are active in token i alone.

        A bias of -M (1 - e_i), M the most that a unit can reach, keeps the units of i at zero elsewhere.

        Args:
            source: the slots that are read.
            units: those of each position.
            low: the least that such a slot can hold.
            high: the most.
        """
        D, place, out = self.D, self.parts[2], self.parts[4]
        A, b = np.concatenate([one.A for one in units]), np.concatenate([one.b for one in units])
        M = max(float((np.maximum(low * A, high * A).sum(1) + b).max()), 0.0)
        W_1, W_2 = np.zeros((len(A), D)), np.zeros((D, len(A)))
        W_1[:, source] = A
        position = np.repeat(np.arange(self.target.T), [len(one.A) for one in units])
        W_1[np.arange(len(A)), place.start + position] = M
        W_2[out] = np.concatenate([one.C for one in units], axis=1)
        return FeedForward(W_1, b - M, W_2)

    def transformer(
        self,
        layers: Sequence[Attention | FeedForward],
        prompt: FloatArray | None = None,
        places: Sequence[tuple[int, float]] = (),
        W_R: FloatArray | None = None,
    ) -> Transformer:
        """The layers between embedding and readout.

        Args:
            layers: in their order.
            prompt: constant tokens, (P, D); none if left out.
            places: slots with the number that every token of the sequence has there from the start.
            W_R: the readout (d, D); the output slots if left out.
        """
        T, d, D = self.target.T, self.target.d, self.D
        own, _, place, one, out, *_ = self.parts
        W_E = np.zeros((T if self.gather == "slots" else 1, D, d))
        for i, matrix in enumerate(W_E):
            matrix[own.start + i * d : own.start + (i + 1) * d] = np.eye(d)
        position = block((T, D), slice(0, T), place)
        position[:, one] = 1.0
        for slot, number in places:
            position[:, slot] = number
        readout = block((d, D), slice(0, d), out) if W_R is None else W_R
        return Transformer(W_E, position, np.zeros((0, D)) if prompt is None else prompt, layers, readout)
