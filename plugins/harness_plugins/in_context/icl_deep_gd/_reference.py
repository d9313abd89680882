"""What the transformers are held against: projected gradient descent by torch's autograd, in float64."""

from __future__ import annotations

from itertools import accumulate, repeat

import torch
from torch import Tensor

from harness_plugins.in_context.icl_deep_gd._layout import Layout
from harness_plugins.in_context.icl_deep_gd._sums import Activation
from harness_plugins.in_context.icl_deep_gd._transformer import Descent


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


def step(layout: Layout, descent: Descent, w: Tensor, X: Tensor, Y: Tensor) -> Tensor:
    """clip(w - eta grad L(w), -B, B), (B, |w|)."""
    with torch.enable_grad():
        w = w.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(layout, descent.activation, w, X, Y).sum(), w)
    return (w.detach() - descent.learning_rate * gradient).clamp(-descent.box, descent.box)


def trajectory(layout: Layout, descent: Descent, w: Tensor, X: Tensor, Y: Tensor, steps: int) -> Tensor:
    """w and the weights after each step, (steps + 1, B, |w|)."""
    return torch.stack(list(accumulate(repeat(None, steps), lambda v, _: step(layout, descent, v, X, Y), initial=w)))


def smoothness(layout: Layout, activation: Activation, path: Tensor, X: Tensor, Y: Tensor) -> float:
    """Largest curvature of L on a path (steps, |w|) of one prompt: the spectral norm of the Hessian."""

    def scalar(w: Tensor) -> Tensor:
        return loss(layout, activation, w[None], X[None], Y[None])[0]

    hessian = torch.func.hessian(scalar)
    return max(float(torch.linalg.matrix_norm(hessian(w), ord=2)) for w in path)
