"""Learning one step of a chain: for every neuron of every prompt a regression on the examples in which it is active.

Shapes: B prompts, n examples, p inputs, q neurons. An active ReLU is linear, s = c w.x > 0, c = sqrt(2 / k), so that
least squares on p active examples finds c w exactly; inactive ones only say w.x <= 0, and are left out.
"""

from __future__ import annotations

import torch
from torch import Tensor


def least_squares(inputs: Tensor, outputs: Tensor, active: Tensor) -> Tensor:
    """The weights (B, p, q) by which each neuron's active examples are explained best, of least norm.

    Args:
        inputs: of the step, (B, n, p).
        outputs: its activations, (B, n, q).
        active: which of them are linear functions of the inputs, (B, n, q).
    """
    kept = active.transpose(1, 2)[..., None] * inputs[:, None]  # (B, q, n, p)
    wanted = (active * outputs).transpose(1, 2)[..., None]  # (B, q, n, 1)
    # gelsy would be four times as fast, but torch hands it pivots that are not initialised: other bits every time
    weights = torch.linalg.lstsq(kept, wanted, driver="gelsd").solution
    return weights[..., 0].transpose(1, 2)


def descend(inputs: Tensor, outputs: Tensor, active: Tensor, steps: int) -> Tensor:
    """The same by gradient descent from 0 with step size 1 / sum |x_i|^2, at which it converges."""
    rate = 1.0 / inputs.square().sum((1, 2), keepdim=True).clamp(min=torch.finfo(inputs.dtype).tiny)
    weights = inputs.new_zeros(len(inputs), inputs.shape[2], outputs.shape[2])
    for _ in range(steps):
        weights = weights + rate * (inputs.transpose(1, 2) @ (active * (outputs - inputs @ weights)))
    return weights
