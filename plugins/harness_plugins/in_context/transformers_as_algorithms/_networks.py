"""Transformers that are not trained: the one with bounded weights, and the family's at its initial weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness_plugins.in_context.arenas._prompted import build, tokens
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.training import arrays
from harness_plugins.in_context.arenas.transformer import Attention


class BoundedNetwork:
    """D layers X <- relu(softmax(X W X^T) X V M) with V, M and 2 W / Gamma orthogonal; no mask."""

    def __init__(self, width: int, layers: int, gamma: float, seed: int) -> None:
        """Args: coordinates of a token; layers D; Gamma; seed of the weights."""
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randn(layers, 3, width, width, generator=generator, dtype=torch.float64)
        orthogonal = torch.linalg.qr(drawn).Q  # (D, 3, width, width): every singular value is 1
        self.layers = [(gamma / 2 * W, V, M) for W, V, M in orthogonal]
        readout = torch.randn(width, generator=generator, dtype=torch.float64)
        self.readout = readout / readout.norm()

    def __call__(self, X: Tensor) -> Tensor:
        """Tokens X (B, T, width), each of norm 1 at most -> what is read off the last one, (B,)."""
        for W, V, M in self.layers:
            X = ((X @ W @ X.transpose(1, 2)).softmax(-1) @ X @ V @ M).relu()
        return X[:, -1] @ self.readout

    def weights(self) -> dict[str, Tensor]:
        """`layer-1.W`, `layer-1.V`, `layer-1.M`, ..., `readout`."""
        named = [zip("WVM", layer, strict=True) for layer in self.layers]
        return {f"layer-{i}.{name}": weight for i, layer in enumerate(named, 1) for name, weight in layer} | {
            "readout": self.readout
        }


def bounded_predictions(network: BoundedNetwork, X: FloatArray, Y: FloatArray) -> FloatArray:
    """X (B, n+1, d), Y (B, n) -> (B, n+1): each prefix by itself, as every token sees all that it is shown with."""
    read = tokens(torch.from_numpy(X), torch.from_numpy(Y))  # (B, 2n+1, d+1)
    prefixes = [network(read[:, : 2 * i + 1]) for i in range(X.shape[1])]
    predictions: FloatArray = torch.stack(prefixes, dim=1).numpy()
    return predictions


def initial_weights(most: int, d: int, architecture: Mapping[str, Any], sharpness: float, seed: int) -> dict[str, Any]:
    """Initial weights for prompts of up to `most` examples, queries and keys multiplied by the sharpness."""
    model = build(most, d, architecture, seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, Attention):
                module.qkv.weight[: 2 * module.out.in_features] *= sharpness
    return {"size": np.array([most, d]), **arrays(model)}
