"""The transformer that computes Phi in its lower layers and ridge regression on it in its upper ones.

Tokens are x_1, y_1, ..., x_n, y_n, x_query: T = 2n + 1. For K representations of d units the layers are

    1 .. L       MLPs: Phi_k(x_i) in the tokens of x, all k beside each other
    L + 1        attention: the token of y_i copies Phi_k(x_i) from the one before it
    T_gd times   attention and MLP: one step of gradient descent on every w_k, in the tokens of y
    (K > 1)      attention: the error of fit k on the examples that it was not fitted to
    one more     attention: the token of x takes <w_k, Phi_k(x)> with the w_k before it (and the errors)
    (K > 1)      MLP, in that layer: how far k is behind the best; one more: the prediction of the one that is not

so L + T_gd + 2 for one representation, L + T_gd + 4 for several.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from harness_plugins.in_context._constructed import Head, ReluAttention, ReluMlp
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
"""Bound on residuals and predictions; what is to be hidden from a head has it subtracted from its score."""
MARGIN = 1e-9
"""Errors that differ by less count as equal; then the representation of the lowest index is chosen."""


class RepresentationTransformer:
    """Weights for prompts of n examples and representations (K, L, d, d); causal, or every token sees all."""

    def __init__(self, matrices: FloatArray, n: int, descent: Descent, *, causal: bool) -> None:
        self._matrices, self._descent, self._causal = matrices, descent, causal
        self.K, self.L, self.d, _ = matrices.shape
        self.T = 2 * n + 1
        self._scale = 2.0 if causal else self.T / n
        """Tokens in sight of y_i for each example that it learns from."""
        self._sight = [t + 1 if causal else self.T for t in range(self.T)]
        self._lay_out()
        self.layers: list[Layer] = list(self._layers())

    def _lay_out(self) -> None:
        """Name the slots: 4d + 5 + T of them for one representation, d + 7 + K (4d + 3) + T for several."""
        K, d, several = self.K, self.d, self.K > 1
        sizes = [d, 1, K * d, K * d, K * d, several * K * d, several * K, several * K, several * K, 1, 3, 2 * several]
        x, y, phi, psi, w, v, error, behind, each, prediction, flags, halves, positions = ranges(*sizes, self.T)
        self.x, self.y, self.error, self.behind, self.positions = x, y[0], error, behind, positions
        self.prediction = prediction[0]
        self.each = each if several else prediction
        self.one, self.label, self.span = flags
        """1 in all tokens; 1 in those of y; how many tokens the next one sees."""
        self.halves = halves
        """1 in the tokens of y_1, y_3, ...; in those of y_2, y_4, ..."""
        self.phi, self.psi, self.w, self.v = (
            [slots[k * d : (k + 1) * d] for k in range(K)] if slots else [] for slots in (phi, psi, w, v)
        )
        self.D = positions.stop

    def embed(self, X: FloatArray, Y: FloatArray) -> Tensor:
        """X (B, n+1, d), Y (B, n) -> tokens (B, T, D)."""
        h = torch.zeros(len(X), self.T, self.D, dtype=torch.float64)
        h[:, 0::2, self.x.start : self.x.stop] = torch.from_numpy(X)
        h[:, 1::2, self.y] = torch.from_numpy(Y)
        h[:, 1::2, self.label] = 1
        h[:, :, self.one] = 1
        h[:, :, self.span] = torch.tensor([*self._sight[1:], self.T], dtype=torch.float64)
        for half, slot in enumerate(self.halves):
            h[:, 1 + 2 * half :: 4, slot] = 1
        h[:, :, self.positions.start : self.positions.stop] = torch.eye(self.T, dtype=torch.float64)
        return h

    def states(self, X: FloatArray, Y: FloatArray) -> Iterator[Tensor]:
        """The tokens (B, T, D) before the first layer and after each."""
        h = self.embed(X, Y)
        yield h
        for layer in self.layers:
            h = layer(h)
            yield h

    def weights(self) -> dict[str, Tensor]:
        """The matrices of each layer, written out: `layer-3.Q` and so on; those of gradient descent are alike."""
        return {
            f"layer-{index}.{name}": weight
            for index, layer in enumerate(self.layers, 1)
            for name, weight in layer.weights(self.D).items()
        }

    def _layers(self) -> Iterator[Layer]:
        yield from representation_layers(self.D, self._matrices, self.x, self.phi)
        yield self._copy()
        step = gradient_step(
            self.D, [*self._fits(), *self._half_fits()], self._descent, self._scale, MASK, self._causal
        )
        yield from [step] * self._descent.steps
        if self.K > 1:
            yield self._score()
        yield self._predict()
        if self.K > 1:
            yield Layer(mlp=self._choose())

    def _copy(self) -> Layer:
        """Tokens of y copy the representations of the x before them."""
        pairs = zip(self.psi, self.phi, strict=True)
        value = [(to, of, 1.0) for psi, phi in pairs for to, of in zip(psi, phi, strict=True)]
        return self._attention([copying(self.positions, range(1, self.T, 2), 1, self._sight, value)])

    def _fits(self) -> list[Fit]:
        """Ridge regression on each representation and all examples."""
        return [Fit(w, psi, self.y, self.label) for w, psi in zip(self.w, self.psi, strict=True)]

    def _half_fits(self) -> list[Fit]:
        """The same on examples 1, 3, ...; there are none if there is nothing to select."""
        return [Fit(v, psi, self.y, self.label, self.halves[1]) for v, psi in zip(self.v, self.psi, strict=False)]

    def _score(self) -> Layer:
        """Errors sum |<v_k, Phi_k(x_s)> - y_s| over examples 2, 4, ..., a share of the tokens in sight."""
        fits = [Fit(v, psi, self.y, self.label, self.halves[0]) for v, psi in zip(self.v, self.psi, strict=True)]
        heads = [
            fit.residual(sign, MASK, [(error, self.label, 1.0)])
            for fit, error in zip(fits, self.error, strict=True)
            for sign in (1.0, -1.0)
        ]
        return self._attention(heads)

    def _predict(self) -> Layer:
        """Tokens of x take <w_k, Phi_k(x)> with the weights of the token before them, and copy its errors."""
        readers = range(2, self.T, 2)
        heads = [
            head
            for phi, w, out in zip(self.phi, self.w, self.each, strict=True)
            for head in products(self.positions, readers, 1, self.one, self.span, (phi, w), out, MASK)
        ]
        if self.K == 1:
            return self._attention(heads)
        heads.append(copying(self.positions, readers, 1, self._sight, [(e, e, 1.0) for e in self.error]))
        return Layer(ReluAttention(heads, causal=self._causal), self._compare())

    def _compare(self) -> ReluMlp:
        """How far k is behind: sum_j relu(error_k - error_j), a margin added where j < k; 0 for the best alone."""
        pairs = [(k, j) for k in range(self.K) for j in range(self.K) if j != k]
        units = [
            ([(self.error[k], 1.0), (self.error[j], -1.0)], MARGIN * (j < k), [(self.behind[k], 1.0)]) for k, j in pairs
        ]
        return ReluMlp(self.D, units)

    def _choose(self) -> ReluMlp:
        """sum_k relu(p_k - b behind_k) - relu(-p_k - b behind_k): p_k of the best; b hides it from a margin on."""
        sharpness = MASK / MARGIN
        units = [
            ([(p, sign), (behind, -sharpness)], 0.0, [(self.prediction, sign)])
            for p, behind in zip(self.each, self.behind, strict=True)
            for sign in (1.0, -1.0)
        ]
        return ReluMlp(self.D, units)

    def _attention(self, heads: list[Head]) -> Layer:
        return Layer(ReluAttention(heads, causal=self._causal))
