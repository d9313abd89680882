"""The transformer whose 2N + 4 layers are one step of projected gradient descent on an N-layer network.

Shapes: B prompts, n examples and a query, D slots. Every weight is written down below; nothing is differentiated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from torch import Tensor

from harness_plugins.in_context._constructed import Entry, GatedAttention, Head, ReluAttention, ReluMlp
from harness_plugins.in_context.icl_deep_gd._layout import Layout
from harness_plugins.in_context.icl_deep_gd._problem import Descent, Path
from harness_plugins.in_context.icl_deep_gd._sums import CONSTANT, IDENTITY, Term

Layer: TypeAlias = ReluAttention | GatedAttention | ReluMlp


class DescentTransformer:
    """2N + 4 layers with the same weights for every step, and N of them again to read the answer off."""

    def __init__(self, layout: Layout, descent: Descent, n: int, terms: int, mask: float, path: Path = "fast") -> None:
        """Write the weights down.

        Args:
            layout: the slots of a token.
            descent: the algorithm.
            n: examples of a prompt.
            terms: ReLUs that the bend of the activation is made of, H.
            mask: M, larger than any |f(w, x)| at the query, which it hides from the gradient.
            path: attention as it is defined, or its fast path.

        Raises:
            ValueError: an argument is out of range.
        """
        if n < 1 or terms < 1 or not mask > 0 or path not in ("fast", "dense"):
            raise ValueError(
                f"n and terms must be at least 1, mask positive, path fast or dense, not {n}, {terms}, {mask}, {path!r}"
            )
        self.layout = layout
        self.descent, self._n, self._terms, self._mask, self._path = descent, n, terms, mask, path
        N = layout.N
        self._forward: list[Layer] = [self._outputs(j) for j in range(1, N + 1)]
        self._masking = self._loss_slope()
        self.layers: list[Layer] = [
            *self._forward,
            self._slopes(),
            self._masking,
            *(self._backward(j) for j in range(N, 0, -1)),
            self._update(),
            self._project_and_clear(),
        ]

    def run(self, X: Tensor, Y: Tensor, w: Tensor, steps: int) -> Iterator[Tensor]:
        """X (B, n+1, d_0), Y (B, n, d_N), w (B, |w|): the tokens (B, n+1, D) behind every layer, (2N + 4) steps times.

        Raises:
            ValueError: a shape does not fit, or the query gets past the mask.
        """
        if X.shape[1] != self._n + 1:
            raise ValueError(f"the weights are for {self._n} examples and a query, not for {X.shape[1]} tokens")
        h = self.layout.tokens(X, Y, w)
        for _ in range(steps):
            for layer in self.layers:
                h = self._pass(layer, h)
                if layer is self._masking and h[:, -1, self.layout.u.start : self.layout.u.stop].any():
                    raise ValueError(
                        f"mask must be above |f(w, x)| at the query; {self._mask} is not: it would be learnt"
                    )
                yield h

    def read(self, X: Tensor, w: Tensor) -> Tensor:
        """f(w, x) for queries X (B, q, d_0) and weights w (B, |w|) by layers 1..N: (B, q, d_N)."""
        h = self.layout.tokens(X, X.new_zeros(len(X), X.shape[1] - 1, self.layout.widths[-1]), w)
        for layer in self._forward:
            h = self._pass(layer, h)
        return h[..., self.layout.p[-1].start : self.layout.p[-1].stop]

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

    def _pass(self, layer: Layer, h: Tensor) -> Tensor:
        return layer.fast(h) if self._path == "fast" else layer(h)

    def _outputs(self, j: int) -> ReluAttention:
        """Layer j: p(j) = r(V_j p(j-1)), a head for every unit and every ReLU of r."""
        terms = IDENTITY if j == self.layout.N else self.descent.activation.value_terms(self._terms)
        return self._attention(self._unit_heads(j, terms, self.layout.p[j]))

    def _slopes(self) -> ReluAttention:
        """Layer N + 1: r'(j) = r'(V_j p(j-1)) of all units."""
        N, slope = self.layout.N, self.descent.activation.slope_terms(self._terms)
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
        rate = self.descent.learning_rate * (self._n + 1) / self._n
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
            for slots, bound in ((self.layout.w, self.descent.box), (self.layout.scratch, 0.0))
            for slot in slots
            for sign in (1.0, -1.0)
        ]
        return ReluMlp(self.layout.D, one_sided)

    def _attention(self, heads: list[Head]) -> ReluAttention:
        return ReluAttention(heads, shared=[*self.layout.w, self.layout.one])
