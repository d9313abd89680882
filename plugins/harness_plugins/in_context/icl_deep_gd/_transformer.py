"""The transformer whose 2N + 4 layers are one step of projected gradient descent on an N-layer network.

Shapes: B prompts, n examples and a query, D slots. Every weight is written down below; nothing is differentiated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from torch import Tensor

from harness_plugins.in_context._constructed import Entry, GatedAttention, Head, ReluAttention, ReluMlp
from harness_plugins.in_context.icl_deep_gd._layout import Layout
from harness_plugins.in_context.icl_deep_gd._sums import CONSTANT, IDENTITY, Activation, Term

Layer: TypeAlias = ReluAttention | GatedAttention | ReluMlp
Path: TypeAlias = Literal["fast", "dense"]


@dataclass(frozen=True)
class Descent:
    """The algorithm that is simulated: w <- clip(w - eta grad L(w), -B, B), L the mean of |f(w, x_i) - y_i|^2 / 2."""

    activation: Activation
    """r of the hidden layers; the output layer is linear."""
    learning_rate: float
    """Step size eta."""
    box: float
    """Bound B on every weight."""


class DescentTransformer:
    """2N + 4 layers with the same weights for every step, and N of them again to read the answer off."""

    def __init__(self, layout: Layout, descent: Descent, n: int, mask: float = 100.0) -> None:
        """Args: slots; algorithm; examples of a prompt; M, larger than any |f(w, x) - y|, which hides the query."""
        self.layout = layout
        self._descent, self._n, self._mask = descent, n, mask
        N = layout.N
        self._forward = [self._outputs(j) for j in range(1, N + 1)]
        self.layers: list[Layer] = [
            *self._forward,
            self._slopes(),
            self._loss_slope(),
            *(self._backward(j) for j in range(N, 0, -1)),
            self._update(),
            self._project_and_clear(),
        ]

    def run(self, X: Tensor, Y: Tensor, w: Tensor, steps: int, path: Path = "fast") -> Iterator[Tensor]:
        """X (B, n+1, d_0), Y (B, n, d_N), w (B, |w|): the tokens (B, n+1, D) after each step, w in all of them."""
        h = self.layout.tokens(X, Y, w)
        for _ in range(steps):
            for layer in self.layers:
                h = layer.fast(h) if path == "fast" else layer(h)
            yield h

    def read(self, h: Tensor, X: Tensor) -> Tensor:
        """f(w, x) for the weights in tokens h (B, n+1, D) and queries X (B, q, d_0): (B, q, d_N), by layers 1..N."""
        w = h[:, -1, self.layout.w.start : self.layout.w.stop]
        h = self.layout.tokens(X, X.new_zeros(len(X), X.shape[1] - 1, self.layout.widths[-1]), w)
        for layer in self._forward:
            h = layer.fast(h)
        return h[..., self.layout.p[-1].start : self.layout.p[-1].stop]

    def depth(self, steps: int) -> int:
        """Layers that so many steps take."""
        return steps * len(self.layers)

    def heads(self) -> int:
        """Attention heads of one step."""
        attention = [layer.attention if isinstance(layer, GatedAttention) else layer for layer in self.layers]
        return sum(layer.heads for layer in attention if isinstance(layer, ReluAttention))

    def weights(self) -> dict[str, Tensor]:
        """The matrices of each layer of a step, written out: `layer-3.Q` and so on."""
        return {
            f"layer-{index}.{name}": weight
            for index, layer in enumerate(self.layers, 1)
            for name, weight in layer.weights(self.layout.D).items()
        }

    def _outputs(self, j: int) -> ReluAttention:
        """Layer j: p(j) = r(V_j p(j-1)), a head for every unit and every ReLU of r."""
        terms = IDENTITY if j == self.layout.N else self._descent.activation.value_terms()
        return self._attention(self._unit_heads(j, terms, self.layout.p[j]))

    def _slopes(self) -> ReluAttention:
        """Layer N + 1: r'(j) = r'(V_j p(j-1)) of all units."""
        N, slope = self.layout.N, self._descent.activation.slope_terms()
        heads = [self._unit_heads(j, CONSTANT if j == N else slope, self.layout.slope[j]) for j in range(1, N + 1)]
        return self._attention([head for layer in heads for head in layer])

    def _unit_heads(self, j: int, terms: list[Term], written: range) -> list[Head]:
        """relu(a <v_jk, p(j-1)> + b) times c into slot k of `written`: the reader has p, every token the weights."""
        one = self.layout.one
        return [
            Head(
                query=[*((slot, a) for slot in self.layout.p[j - 1]), (one, b)],
                key=[*((slot, 1.0) for slot in self.layout.row(j, k)), (one, 1.0)],
                value=[(written[k], one, c)],
            )
            for k in range(self.layout.widths[j])
            for c, a, b in terms
        ]

    def _loss_slope(self) -> ReluMlp:
        """Layer N + 2: u = p(N) - y in examples; the mask keeps it 0 in the query, which takes part in nothing more."""
        layout, M = self.layout, self._mask
        units = [
            ([(p, sign), (y, -sign), (layout.t, M)], -M, [(u, sign)])
            for p, y, u in zip(layout.p[-1], layout.y, layout.u, strict=True)
            for sign in (1.0, -1.0)
        ]
        return ReluMlp(layout.D, units)

    def _backward(self, j: int) -> GatedAttention:
        """Layers N + 3 .. 2N + 2: s(j) = r'(j) * (V_(j+1)^T s(j+1)), s(N) = r'(N) * u; relu(t) - relu(-t) = t."""
        layout = self.layout
        heads = []
        for k in range(layout.widths[j]):
            reads = [layout.u[k]] if j == layout.N else list(layout.s[j + 1])
            keys = [layout.one] if j == layout.N else list(layout.column(j + 1, k))
            for sign in (1.0, -1.0):
                query = [(slot, sign) for slot in reads]
                heads.append(Head(query, [(slot, 1.0) for slot in keys], [(layout.s[j][k], layout.one, sign)]))
        return GatedAttention(self._attention(heads), list(zip(layout.s[j], layout.slope[j], strict=True)))

    def _update(self) -> ReluAttention:
        """Layer 2N + 3: v_jk <- v_jk - eta / n sum_s s_s(j)_k p_s(j-1), alike in all tokens (attention has 1/(n+1))."""
        layout = self.layout
        rate = self._descent.learning_rate * (self._n + 1) / self._n
        heads = [
            Head(
                query=[(layout.one, 1.0)],
                key=[(layout.s[j][k], sign)],
                value=[(v, p, -sign * rate) for v, p in zip(layout.row(j, k), layout.p[j - 1], strict=True)],
            )
            for j in range(1, layout.N + 1)
            for k in range(layout.widths[j])
            for sign in (1.0, -1.0)
        ]
        return self._attention(heads)

    def _project_and_clear(self) -> ReluMlp:
        """Layer 2N + 4: weights cut to [-B, B], -relu(w - B) + relu(-w - B), and all scratch z back to 0."""
        one_sided: list[tuple[list[Entry], float, list[Entry]]] = [
            ([(slot, sign)], -bound, [(slot, -sign)])
            for slots, bound in ((self.layout.w, self._descent.box), (self.layout.scratch, 0.0))
            for slot in slots
            for sign in (1.0, -1.0)
        ]
        return ReluMlp(self.layout.D, one_sided)

    def _attention(self, heads: list[Head]) -> ReluAttention:
        return ReluAttention(heads, shared=[*self.layout.w, self.layout.one])
