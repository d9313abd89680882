"""The residual stream of a meta-trained transformer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from harness_plugins.in_context.arenas._prompted import Prompted, tokens
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.training import load
from harness_plugins.in_context.arenas.transformer import Decoder


def states(
    weights: Mapping[str, np.ndarray], architecture: Mapping[str, Any], X: FloatArray, Y: FloatArray
) -> FloatArray:
    """What the tokens of x hold before the first layer and after each, (layers + 1, B, n+1, width)."""
    n, d = (int(size) for size in weights["size"])
    model = Prompted(n, d, **architecture)
    load(model, weights)
    assert isinstance(model.body, Decoder)
    with torch.inference_mode():
        embedded = model.embed(tokens(torch.from_numpy(X).float(), torch.from_numpy(Y).float()))
        read: FloatArray = torch.stack(model.body.states(embedded))[:, :, 0::2].double().numpy()
    return read
