"""What the transformers are held against: projected gradient descent by torch's autograd, in float64."""

from __future__ import annotations

from itertools import accumulate, repeat

import torch
from torch import Tensor

from harness_plugins.in_context.icl_deep_gd._layout import Layout
from harness_plugins.in_context.icl_deep_gd._problem import Descent
from harness_plugins.in_context.icl_deep_gd._sums import Activation


def outputs(layout: Layout, activation: Activation, w: Tensor, X: Tensor) -> Tensor:
    """f(w, x): w (B, |w|), X (B, n, d_0) -> (B, n, d_N); hidden layers have the activation, the last is linear."""
    h = X
    for j, V in enumerate(layout.matrices(w), 1):
        z = h @ V.transpose(-1, -2)
        h = z if j == layout.N else activation(z)
    return h


def loss(layout: Layout, activation: Activation, w: Tensor, X: Tensor, Y: Tensor) -> Tensor:
    """L(w) = 1/(2n) sum_i |f(w, x_i) - y_i|^2 of every prompt, (B,); w (B, |w|), X (B, n, d_0), Y (B, n, d_N)."""
    return (outputs(layout, activation, w, X) - Y).square().sum(-1).mean(-1) / 2


def gradient(layout: Layout, activation: Activation, w: Tensor, X: Tensor, Y: Tensor) -> Tensor:
    """Gradient of every prompt's loss by its own weights, (B, |w|); shapes as for `loss`."""
    with torch.enable_grad():
        w = w.detach().requires_grad_()
        return torch.autograd.grad(loss(layout, activation, w, X, Y).sum(), w)[0]


def step(layout: Layout, descent: Descent, w: Tensor, X: Tensor, Y: Tensor) -> Tensor:
    """clip(w - eta grad L(w), -B, B), (B, |w|)."""
    moved = w - descent.learning_rate * gradient(layout, descent.activation, w, X, Y)
    return moved.clamp(-descent.box, descent.box)


def trajectory(layout: Layout, descent: Descent, w: Tensor, X: Tensor, Y: Tensor, steps: int) -> Tensor:
    """w and the weights after each step, (steps + 1, B, |w|)."""
    return torch.stack(list(accumulate(repeat(None, steps), lambda v, _: step(layout, descent, v, X, Y), initial=w)))


def curvature(layout: Layout, activation: Activation, path: Tensor, X: Tensor, Y: Tensor) -> float:
    """Largest curvature of L on a path (steps, |w|) of one prompt: the spectral norm of the Hessian.

    X (n, d_0), Y (n, d_N). A copy of the weights for each row of each Hessian lets one pass differentiate all twice.
    """
    size = path.shape[1]
    copies = path.repeat_interleave(size, dim=0).requires_grad_()  # (steps |w|, |w|)
    total = loss(layout, activation, copies, X.expand(len(copies), -1, -1), Y.expand(len(copies), -1, -1)).sum()
    (first,) = torch.autograd.grad(total, copies, create_graph=True)
    row = torch.arange(len(copies)) % size
    (second,) = torch.autograd.grad(first.gather(1, row[:, None]).sum(), copies)
    return float(torch.linalg.matrix_norm(second.view(-1, size, size), ord=2).max())
