"""Networks that are trained on the examples of one prompt: what in-context learners of networks are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.optim import Adam

_PATIENCE_EVERY = 10
"""Steps between two looks at the held-out examples."""


@dataclass(frozen=True)
class Networks:
    """P leaky ReLU networks with biases, a linear output each."""

    weights: list[Tensor]
    """V_j, (P, d_j, d_(j-1))."""
    biases: list[Tensor]
    """b_j, (P, 1, d_j)."""
    leak: float

    def __call__(self, X: Tensor) -> Tensor:
        """X (P, n, d_0) -> outputs (P, n, d_N)."""
        h = X
        for j, (V, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.baddbmm(b, h if j == 0 else torch.nn.functional.leaky_relu(h, self.leak), V.transpose(1, 2))
        return h


def train_networks(
    X: Tensor,
    Y: Tensor,
    seen: Tensor,
    hidden: Sequence[int],
    *,
    steps: int,
    learning_rate: float,
    leak: float,
    generator: torch.Generator,
) -> Networks:
    """Train P networks at once with Adam, each on its own examples, and keep each as it was best on a fifth of them.

    Args:
        X: inputs, (P, n, d).
        Y: labels, (P, n).
        seen: which examples each network may use, (P, n), at least one each; the last fifth of them is held out if
            there are five or more.
        hidden: units of the hidden layers.
        steps: steps of Adam.
        learning_rate: its step size.
        leak: slope of the activation below zero.
        generator: of the initial weights, N(0, 2 / d_(j-1)).

    Returns:
        The networks as they were at their best.
    """
    widths = [X.shape[-1], *hidden, 1]
    weights = [
        (2 / fan_in) ** 0.5 * torch.randn(len(X), fan_out, fan_in, generator=generator, dtype=X.dtype)
        for fan_in, fan_out in pairwise(widths)
    ]
    networks = Networks(
        [V.requires_grad_() for V in weights],
        [X.new_zeros(len(X), 1, fan_out).requires_grad_() for fan_out in widths[1:]],
        leak,
    )
    parameters = [*networks.weights, *networks.biases]
    held_out = _last_fifth(seen)
    weighed = _shares(seen & ~held_out, X.dtype)
    judging = torch.where(held_out.any(1, keepdim=True), _shares(held_out, X.dtype), weighed)
    optimizer = Adam(parameters, lr=learning_rate, fused=True)
    best = [parameter.detach().clone() for parameter in parameters]
    lowest = X.new_full((len(X),), torch.inf)
    for step in range(steps + 1):
        errors = (networks(X)[..., 0] - Y).square()  # (P, n)
        if step % _PATIENCE_EVERY == 0 or step == steps:
            with torch.no_grad():
                judged = (errors * judging).sum(1)
                better = judged < lowest
                lowest = torch.where(better, judged, lowest)
                for kept, parameter in zip(best, parameters, strict=True):
                    kept[better] = parameter[better]
        optimizer.zero_grad()
        (errors * weighed).sum().backward()
        optimizer.step()
    return Networks(best[: len(weights)], best[len(weights) :], leak)


def _last_fifth(seen: Tensor) -> Tensor:
    """The last fifth of the examples that are seen, (P, n); none of fewer than five."""
    rank = seen.cumsum(1)  # 1-based, among those seen
    total = rank[:, -1:]
    return seen & (rank > total - total // 5)


def _shares(chosen: Tensor, dtype: torch.dtype) -> Tensor:
    """What makes a sum over examples a mean over the chosen ones: 1 over their number, or 0, (P, n)."""
    return chosen.to(dtype) / chosen.sum(1, keepdim=True).clamp(min=1)
