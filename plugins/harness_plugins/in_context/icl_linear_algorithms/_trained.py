"""A GPT-2-like decoder that is meta-trained to predict the labels of prompts (section 4 of the paper).

Written with plain functions on a dictionary of weights: that is what the harness caches, and what a seed determines.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, scaled_dot_product_attention
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

from harness_plugins.in_context.arenas.prompts import FloatArray, FunctionFamily, PromptLaw

Weights = dict[str, Tensor]


def train(
    *,
    family: FunctionFamily,
    d: int,
    n: int,
    noise: float,
    prior: float,
    nonzeros: int,
    layers: int,
    width: int,
    heads: int,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
) -> dict[str, np.ndarray]:
    """Meta-train on fresh prompts of the law, with Adam, warm-up over a fifth of the steps and cosine decay.

    Returns:
        The weights by name, and `loss` (steps,): mean squared error over the positions of each step's prompts.
    """
    law = PromptLaw(family, d, n, noise, prior, nonzeros)
    weights = initial_weights(d, 2 * n + 1, layers, width, torch.Generator().manual_seed(seed))
    rng = np.random.default_rng(seed)
    optimizer = Adam(weights.values(), lr=learning_rate)
    schedule = LambdaLR(optimizer, lambda step: _pace(step, steps))
    losses = np.empty(steps)
    for step in range(steps):
        X, Y = (torch.from_numpy(drawn).float() for drawn in law.draw(rng, batch))
        loss = torch.mean((forward(weights, X, Y[:, :-1], layers, heads) - Y) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses[step] = loss.item()
    return {"loss": losses, **{name: weight.detach().numpy() for name, weight in weights.items()}}


def predict(weights: dict[str, np.ndarray], X: FloatArray, Y: FloatArray, layers: int, heads: int) -> FloatArray:
    """X (B, n+1, d), Y (B, n) -> predictions (B, n+1), in float32 as it was trained."""
    tensors = {name: torch.from_numpy(np.array(weight)) for name, weight in weights.items() if name != "loss"}
    with torch.inference_mode():
        predictions = forward(tensors, torch.from_numpy(X).float(), torch.from_numpy(Y).float(), layers, heads)
    return predictions.double().numpy()  # type: ignore[no-any-return]


def initial_weights(d: int, T: int, layers: int, width: int, generator: torch.Generator) -> Weights:
    """GPT-2's initialisation: N(0, 0.02^2), what writes to the residual stream smaller by sqrt(2 layers).

    The tokens are embedded at the scale of their coordinates, 1 / sqrt(1 + d), as they are no one-hot vectors.
    """
    residual = 0.02 / math.sqrt(2 * layers)
    sizes = {"embed": ((width, 1 + d), (1 + d) ** -0.5), "positions": ((T, width), 0.02), "head": ((width,), 0.02)}
    for layer in range(layers):
        sizes |= {
            f"{layer}.qkv": ((3 * width, width), 0.02),
            f"{layer}.out": ((width, width), residual),
            f"{layer}.up": ((4 * width, width), 0.02),
            f"{layer}.down": ((width, 4 * width), residual),
        }
    return {
        name: (std * torch.randn(shape, generator=generator)).requires_grad_() for name, (shape, std) in sizes.items()
    }


def forward(weights: Weights, X: Tensor, Y: Tensor, layers: int, heads: int) -> Tensor:
    """X (B, n+1, d), Y (B, n) -> predictions (B, n+1), read off the tokens of x."""
    batch, length, d = X.shape
    tokens = X.new_zeros(batch, 2 * length - 1, 1 + d)  # [0, x_0], [y_0, 0], ..., [0, x_n]
    tokens[:, 0::2, 1:] = X
    tokens[:, 1::2, 0] = Y
    h = tokens @ weights["embed"].T + weights["positions"][: tokens.shape[1]]  # (B, T, width)
    shape = h.shape[-1:]
    for layer in range(layers):
        qkv = layer_norm(h, shape) @ weights[f"{layer}.qkv"].T  # (B, T, 3 width)
        q, k, v = qkv.view(batch, -1, 3, heads, shape[0] // heads).permute(2, 0, 3, 1, 4)  # (B, heads, T, width/heads)
        attended = scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)  # (B, T, width)
        h = h + attended @ weights[f"{layer}.out"].T
        h = h + gelu(layer_norm(h, shape) @ weights[f"{layer}.up"].T) @ weights[f"{layer}.down"].T
    return layer_norm(h[:, 0::2], shape) @ weights["head"]


def _pace(step: int, steps: int) -> float:
    """Share of the learning rate at a step: linear up over a fifth of them, then half a cosine down."""
    warm_up = max(1, steps // 5)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))
