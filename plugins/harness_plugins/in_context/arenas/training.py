"""How the models of this family are trained, and how their weights are kept as arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR


def train(module: nn.Module, loss: Callable[[], Tensor], steps: int, learning_rate: float) -> np.ndarray:
    """Minimise a loss that draws its own batch at each call: Adam, warm-up over a fifth of the steps, cosine decay.

    The gradient is cut to norm 1, which small transformers need at the rates that a short training asks for.

    Returns:
        The loss of each step, (steps,).
    """
    optimizer = Adam(module.parameters(), lr=learning_rate)
    schedule = LambdaLR(optimizer, lambda step: pace(step, steps))
    losses = np.empty(steps)
    for step in range(steps):
        value = loss()
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses[step] = value.item()
    return losses


def pace(step: int, steps: int) -> float:
    """Share of the learning rate at a step: linear up over a fifth of them, then half a cosine down."""
    warm_up = max(1, steps // 5)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def arrays(module: nn.Module) -> dict[str, np.ndarray]:
    """The module's weights by name, as the cache of parts keeps them."""
    return {name: weight.detach().cpu().numpy() for name, weight in module.state_dict().items()}


def load(module: nn.Module, weights: Mapping[str, np.ndarray]) -> nn.Module:
    """The module with those weights; names that it does not have (`loss`) are left out."""
    names = module.state_dict().keys()
    module.load_state_dict({name: torch.from_numpy(np.array(weights[name])) for name in names})
    return module
