"""Where a token keeps what: the data, all weights of the simulated network, and what one gradient step computes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """Slots of a token: [x; y; w; p(1)..p(N); r'(1)..r'(N); u; s(1)..s(N); 1; t].

    w holds V_1, ..., V_N row by row; p(j) the outputs of layer j, r'(j) the slopes of its activation, u the slope of
    the loss, s(j) the gradient by layer j's pre-activations; t is 1 for an example and 0 for the query.
    """

    widths: tuple[int, ...]
    """d_0, ..., d_N: inputs, hidden layers, outputs."""

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise ValueError(f"widths must be two or more, each at least 1, not {self.widths}")

    @property
    def N(self) -> int:
        """Layers of the network."""
        return len(self.widths) - 1

    @property
    def D(self) -> int:
        """Slots of a token: d_0 + 2 d_N + |w| + 3 sum_j d_j + 2."""
        return self.t + 1

    @cached_property
    def x(self) -> range:
        """The input."""
        return range(self.widths[0])

    @cached_property
    def y(self) -> range:
        """The label."""
        return _after(self.x, self.widths[-1])

    @cached_property
    def w(self) -> range:
        """All weights."""
        return _after(self.y, sum(self.sizes))

    @cached_property
    def p(self) -> tuple[range, ...]:
        """Outputs of the layers; p[0] is the input."""
        return self.x, *_split(self.w, self.widths[1:])

    @cached_property
    def slope(self) -> tuple[range, ...]:
        """r'(z(j)) at index j; none at 0."""
        return range(0), *_split(self.p[-1], self.widths[1:])

    @cached_property
    def u(self) -> range:
        """Slope of the loss."""
        return _after(self.slope[-1], self.widths[-1])

    @cached_property
    def s(self) -> tuple[range, ...]:
        """Gradients by pre-activations at index j; none at 0."""
        return range(0), *_split(self.u, self.widths[1:])

    @property
    def one(self) -> int:
        """The constant 1."""
        return self.s[-1].stop

    @property
    def t(self) -> int:
        """Whether the token is an example."""
        return self.one + 1

    @property
    def scratch(self) -> range:
        """What a step computes, to be cleared behind it."""
        return range(self.w.stop, self.one)

    @property
    def sizes(self) -> list[int]:
        """Weights of each layer."""
        return [fan_in * fan_out for fan_in, fan_out in zip(self.widths, self.widths[1:], strict=False)]

    def row(self, j: int, k: int) -> range:
        """Weights into unit k of layer j."""
        start = self.w.start + sum(self.sizes[: j - 1]) + k * self.widths[j - 1]
        return range(start, start + self.widths[j - 1])

    def column(self, j: int, k: int) -> range:
        """Weights of layer j that read unit k of layer j - 1."""
        first = self.row(j, 0)
        return range(first.start + k, first.start + self.sizes[j - 1], self.widths[j - 1])

    def tokens(self, X: Tensor, Y: Tensor, w: Tensor) -> Tensor:
        """X (B, n+1, d_0), Y (B, n, d_N), w (B, |w|) -> tokens (B, n+1, D); the query, last, has the label 0.

        Raises:
            ValueError: a shape does not fit.
        """
        batch, length = X.shape[:2]
        fit = X.shape[2:] == self.widths[:1] and w.shape == (batch, len(self.w))
        if not fit or Y.shape != (batch, length - 1, self.widths[-1]):
            raise ValueError(
                f"inputs must be (B, n+1, {self.widths[0]}), labels (B, n, {self.widths[-1]}) and weights "
                f"(B, {len(self.w)}), not {(*X.shape,)}, {(*Y.shape,)} and {(*w.shape,)}"
            )
        h = X.new_zeros(batch, length, self.D)
        h[..., self.x.start : self.x.stop] = X
        h[:, :-1, self.y.start : self.y.stop] = Y
        h[..., self.w.start : self.w.stop] = w[:, None]
        h[..., self.one] = 1.0
        h[:, :-1, self.t] = 1.0
        return h

    def matrices(self, w: Tensor) -> list[Tensor]:
        """V_j (..., d_j, d_(j-1)) of weights w (..., |w|)."""
        ends = list(accumulate(self.sizes))
        return [
            w[..., end - size : end].unflatten(-1, (fan_out, fan_in))
            for end, size, fan_in, fan_out in zip(ends, self.sizes, self.widths, self.widths[1:], strict=False)
        ]


def _after(slots: range, size: int) -> range:
    return range(slots.stop, slots.stop + size)


def _split(before: range, sizes: tuple[int, ...]) -> list[range]:
    """Consecutive ranges of those sizes, behind `before`."""
    ends = list(accumulate(sizes, initial=before.stop))
    return [range(start, stop) for start, stop in pairwise(ends)]
