"""Transformers trained on chains: without their steps, with steps to read, with steps to read and to write.

Shapes: B prompts, m examples, w = width. The tokens of an example are x, y (`icl`) or x, s^1, ..., s^(L-1), y; each
kind has a read-in of its own. Predictions are read off the last token known: y off x (`icl`, `cot-i`), or s^1 off x,
s^2 off s^1, ..., y off s^(L-1) (`cot-io`), which in training are the true ones and at a query the model's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.training import arrays, load, train
from harness_plugins.in_context.arenas.transformer import Decoder, initialize
from harness_plugins.in_context.cot_mlp._tasks import ChainLaw


class ChainTransformer(nn.Module):
    """A decoder over the tokens of chains."""

    def __init__(self, law: ChainLaw, mode: str, layers: int, width: int, heads: int) -> None:
        super().__init__()
        widths = law.widths()
        read = widths if mode != "icl" else [law.d, 1]
        written = widths[1:] if mode == "cot-io" else [1]
        self.reads_steps = mode != "icl"
        self.read_in = nn.ModuleList(nn.Linear(size, width) for size in read)
        self.body = Decoder((law.n + 1) * len(read) - 1, width, layers, heads)
        self.read_out = nn.ModuleList(nn.Linear(width, size) for size in written)

    def forward(self, X: Tensor, S: Tensor, Y: Tensor) -> list[Tensor]:
        """X (B, m, d), S (B, m, L-1, k), Y (B, m) -> what is predicted, the label last, (B, m, size) each."""
        tokens = self._embed(X, S, Y)  # (B, m, kinds, w)
        kinds = tokens.shape[2]
        h = self.body(tokens.flatten(1, 2)[:, :-1])  # no one asks what follows the last label
        return [out(h[:, index::kinds]) for index, out in enumerate(self.read_out)]

    def loss(self, X: Tensor, S: Tensor, Y: Tensor) -> tuple[Tensor, Tensor]:
        """Squared errors summed over all that is predicted of an example, and the label's: means over the examples."""
        *steps, labels = self(X, S, Y)
        errors = [(predicted - S[:, :, index]).square().sum(-1).mean() for index, predicted in enumerate(steps)]
        last = (labels[..., 0] - Y).square().mean()
        return torch.stack([*errors, last]).sum(), last

    def predict(self, X: Tensor, S: Tensor, Y: Tensor) -> Tensor:
        """X (B, m+1, d), S (B, m, L-1, k), Y (B, m) -> the last input's label (B,), by steps of the model's own."""
        tokens = torch.cat([self._embed(X[:, :-1], S, Y).flatten(1, 2), self.read_in[0](X[:, -1:])], dim=1)
        for index, out in enumerate(self.read_out):
            answer = out(self.body(tokens)[:, -1:])  # (B, 1, size)
            if index < len(self.read_out) - 1:
                tokens = torch.cat([tokens, self.read_in[index + 1](answer)], dim=1)
        return answer[:, 0, 0]

    def _embed(self, X: Tensor, S: Tensor, Y: Tensor) -> Tensor:
        """The tokens of whole examples, (B, m, kinds, w)."""
        parts = [X, *(S.unbind(2) if self.reads_steps else []), Y[..., None]]
        return torch.stack([read(part) for read, part in zip(self.read_in, parts, strict=True)], dim=2)


def meta_train(
    *,
    law: ChainLaw,
    architecture: Mapping[str, Any],
    steps: int,
    batch: int,
    learning_rate: float,
    first: int,
    growth: int,
    every: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Train on fresh prompts, the last of a prompt's n + 1 inputs being an example like the others.

    Args:
        law: of the prompts.
        architecture: mode, layers, width, heads.
        steps: of Adam.
        batch: prompts of a step.
        learning_rate: at its height.
        first: points of a prompt at the start of the curriculum; 0 for n + 1 from the start.
        growth: points that are added ...
        every: ... after so many steps.
        seed: of weights and prompts.

    Returns:
        The weights by name, `loss` (steps,), the label's mean squared error in each step, and `size`, (n, d, k, L).
    """
    model = build(law, architecture, seed)
    rng, step, label_losses = np.random.default_rng(seed), count(), np.empty(steps)

    def loss() -> Tensor:
        index = next(step)
        points = min(first + growth * (index // every), law.n + 1) if first else law.n + 1
        chains = law.draw(rng, batch)
        parts = (torch.from_numpy(part[:, :points]).float() for part in (chains.X, chains.S, chains.Y))
        total, label = model.loss(*parts)
        label_losses[index] = label.item()
        return total

    train(model, loss, steps, learning_rate)
    return {"loss": label_losses, "size": np.array([law.n, law.d, law.hidden, law.layers]), **arrays(model)}


def predict(
    weights: Mapping[str, np.ndarray], architecture: Mapping[str, Any], X: FloatArray, S: FloatArray, Y: FloatArray
) -> FloatArray:
    """`ChainTransformer.predict` by those weights, on arrays; in float32 as it was trained."""
    n, d, hidden, layers = (int(size) for size in weights["size"])
    model = load(ChainTransformer(ChainLaw(d, n, hidden, layers), **architecture), weights)
    with torch.inference_mode():
        answered = model.predict(*(torch.from_numpy(part).float() for part in (X, S, Y)))
    answers: FloatArray = answered.double().numpy()
    return answers


def build(law: ChainLaw, architecture: Mapping[str, Any], seed: int) -> ChainTransformer:
    """The network with the family's initial weights."""
    model = ChainTransformer(law, **architecture)
    initialize(model, torch.Generator().manual_seed(seed))
    return model
