"""The transformer that predicts a dynamical system from a representation of its last states.

Tokens are the states x_1, ..., x_T themselves. For windows of k states of d coordinates the layers are

    1            attention: each token copies the k - 1 states before its own, a head for each
    2 .. L + 1   MLPs: Phi of the window, kd units
    L + 2        attention: each token copies Phi from the one before it, which goes with its own state as the label
    T_gd times   attention and MLP: gradient descent on the d rows of W, the mean being over the tokens in sight
    one more     attention: W Phi, the next state, from the token itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from harness_plugins.in_context._constructed import ReluAttention
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.icl_representations._layers import (
    Descent,
    Fit,
    Layer,
    copying,
    gradient_step,
    products,
    ranges,
    representation_layers,
)

MASK = 1024.0
"""Bound on predictions."""


class DynamicsTransformer:
    """Weights for T states of d coordinates and a representation (L, kd, kd); causal."""

    def __init__(self, matrices: FloatArray, T: int, d: int, descent: Descent) -> None:
        self._matrices, self._descent, self.T, self.d = matrices, descent, T, d
        units = matrices.shape[-1]
        self.k = units // d
        self.window, self.phi, self.psi, w, self.next, flags, self.positions = ranges(
            units, units, units, d * units, d, 2, T
        )
        self.w = [w[row * units : (row + 1) * units] for row in range(d)]
        self.one, self.span = flags
        self.D = self.positions.stop
        self.layers: list[Layer] = list(self._layers())

    def next_states(self, X: FloatArray) -> Tensor:
        """X (B, T, d) -> the predicted next states (B, T, d)."""
        h = torch.zeros(len(X), self.T, self.D, dtype=torch.float64)
        h[:, :, : self.d] = torch.from_numpy(X)
        h[:, :, self.one] = 1
        h[:, :, self.span] = torch.arange(1, self.T + 1)
        h[:, :, self.positions.start : self.positions.stop] = torch.eye(self.T, dtype=torch.float64)
        for layer in self.layers:
            h = layer(h)
        return h[:, :, self.next.start : self.next.stop]

    def _layers(self) -> Iterator[Layer]:
        tokens, sight = range(self.T), range(1, self.T + 1)
        d, window = self.d, self.window
        lags = [[(window[lag * d + c], window[c], 1.0) for c in range(d)] for lag in range(1, self.k)]
        heads = [
            copying(self.positions, tokens, lag, sight, value) for lag, value in enumerate(lags, 1) if lag < self.T
        ]
        yield Layer(ReluAttention(heads, causal=True)) if heads else Layer()
        yield from representation_layers(self.D, self._matrices[None], window, [self.phi])
        value = [(psi, phi, 1.0) for psi, phi in zip(self.psi, self.phi, strict=True)]
        yield Layer(ReluAttention([copying(self.positions, tokens, 1, sight, value)], causal=True))
        fits = [Fit(w, self.psi, window[row], self.one) for row, w in enumerate(self.w)]
        yield from [gradient_step(self.D, fits, self._descent, 1.0, MASK, True)] * self._descent.steps
        products_of_rows = [
            head
            for w, out in zip(self.w, self.next, strict=True)
            for head in products(self.positions, tokens, 0, self.one, self.span, (self.phi, w), out, MASK)
        ]
        yield Layer(ReluAttention(products_of_rows, causal=True))
