"""Networks that read prompts of regression, and how they are meta-trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness_plugins.in_context.arenas.laws.law import Law
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.training import arrays, load, train
from harness_plugins.in_context.arenas.transformer import Decoder, Kind, initialize


class Prompted(nn.Module):
    """Tokens [x, 0], [0, y], [x, 0], ... through a causal body; predictions are read off the tokens of x."""

    def __init__(
        self, n: int, d: int, layers: int, width: int, heads: int | None = None, attention: Kind = "softmax"
    ) -> None:
        """Args: examples and features of the prompts; layers, width; heads of a transformer, None for an LSTM."""
        super().__init__()
        self.embed = nn.Linear(1 + d, width, bias=False)
        self.body = _Recurrent(width, layers) if heads is None else Decoder(2 * n + 1, width, layers, heads, attention)
        self.head = nn.Linear(width, 1, bias=False)

    def forward(self, X: Tensor, Y: Tensor) -> Tensor:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1)."""
        return self.head(self.body(self.embed(tokens(X, Y)))[:, 0::2])[..., 0]


class _Recurrent(nn.Module):
    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, width, layers, batch_first=True)

    def forward(self, h: Tensor) -> Tensor:
        return self.lstm(h)[0]


def tokens(X: Tensor, Y: Tensor) -> Tensor:
    """X (B, n+1, d), Y (B, n) -> tokens (B, 2n+1, d+1): x and y in turn, x in the first d coordinates."""
    batch, length, d = X.shape
    interleaved = X.new_zeros(batch, 2 * length - 1, d + 1)
    interleaved[:, 0::2, :d] = X
    interleaved[:, 1::2, d] = Y
    return interleaved


def meta_train(
    *, law: Law, architecture: Mapping[str, Any], steps: int, batch: int, learning_rate: float, seed: int
) -> dict[str, np.ndarray]:
    """Train on fresh prompts of the law, all positions of a prompt counting alike.

    Returns:
        The weights by name, `loss` (steps,), the mean squared error of each step, and `size`, (n, d) of the prompts.
    """
    model = build(law.n, law.d, architecture, seed)
    rng = np.random.default_rng(seed)

    def loss() -> Tensor:
        X, Y, targets = (torch.from_numpy(drawn).float() for drawn in law.draw(rng, batch))
        return torch.mean((model(X, Y) - targets) ** 2)

    losses = train(model, loss, steps, learning_rate)
    return {"loss": losses, "size": np.array([law.n, law.d]), **arrays(model)}


def predict(
    weights: Mapping[str, np.ndarray], architecture: Mapping[str, Any], X: FloatArray, Y: FloatArray
) -> FloatArray:
    """X (B, n+1, d), Y (B, n) -> predictions (B, n+1), in float32 as it was trained."""
    n, d = (int(size) for size in weights["size"])
    model = load(Prompted(n, d, **architecture), weights)
    with torch.inference_mode():
        answered = model(torch.from_numpy(X).float(), torch.from_numpy(Y).float())
    predictions: FloatArray = answered.double().numpy()
    return predictions


def build(n: int, d: int, architecture: Mapping[str, Any], seed: int) -> Prompted:
    """The network with its initial weights: the family's, but torch's own for recurrent layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Prompted(n, d, **architecture)
    initialize(model, torch.Generator().manual_seed(seed))
    return model
