"""What a lexinvariant decoder has deciphered: a small network that reads it off the decoder's states.

Shapes: B sequences, T tokens, V symbols, w = width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from harness_plugins.in_context.arenas.languages.planted import PlantedLaw
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.training import arrays, load, train
from harness_plugins.in_context.arenas.transformer import initialize
from harness_plugins.in_context.lexinvariant._decoder import AT_ONCE, TiedDecoder, meta_train, restore


class Probed(nn.Module):
    """A decoder and a probe of two layers around a GeLU, which says what each token stands for."""

    def __init__(self, decoder: TiedDecoder, seed: int) -> None:
        """Args: the decoder; seed of the probe's initial weights."""
        super().__init__()
        V, w = decoder.table.shape
        self.decoder = decoder
        self.probe = nn.Sequential(nn.Linear(w, 4 * w), nn.GELU(), nn.Linear(4 * w, V))
        initialize(self.probe, torch.Generator().manual_seed(seed))

    def forward(self, tokens: Tensor, embeddings: Tensor) -> Tensor:
        """Tokens (B, T), embeddings (B, V, w) -> logits (B, T, V) of plain symbols; the decoder learns nothing."""
        with torch.no_grad():
            h = self.decoder.states(tokens, embeddings)
        return self.probe(h)


def train_probed(
    *,
    law: PlantedLaw,
    architecture: Mapping[str, Any],
    steps: int,
    probe_steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
) -> dict[str, np.ndarray]:
    """Train a decoder on sequences alone, then a probe of it on sequences with their keys.

    Returns:
        The decoder's weights as `meta_train` has them, the probe's by name, and its `probe-loss` (probe_steps,).
    """
    weights = meta_train(
        law=law, architecture=architecture, steps=steps, batch=batch, learning_rate=learning_rate, seed=seed
    )
    model = Probed(restore(weights, architecture), seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed + 1)

    def loss() -> Tensor:
        drawn = law.draw_enciphered(rng, batch, training=True)
        logits = model(torch.from_numpy(drawn.passages.tokens), model.decoder.embeddings(batch, generator))
        return cross_entropy(logits.flatten(0, 1), torch.from_numpy(drawn.plain).flatten())

    losses = train(model.probe, loss, probe_steps, learning_rate)
    return {**weights, **_named(arrays(model.probe)), "probe-loss": losses}


def opinions(
    weights: Mapping[str, np.ndarray], architecture: Mapping[str, Any], tokens: NDArray[np.int64]
) -> FloatArray:
    """Tokens (B, T) -> the logarithm of the probability that each stands for each plain symbol, (B, T, V)."""
    seed = int(weights["seed"])
    model = Probed(restore(weights, architecture), seed)
    load(model.probe, {name: weights[f"probe.{name}"] for name in model.probe.state_dict()})
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        parts = [
            model(part, model.decoder.embeddings(len(part), generator)).double().log_softmax(-1)
            for part in torch.from_numpy(tokens).split(AT_ONCE)
        ]
    logarithms: FloatArray = torch.cat(parts).numpy()
    return logarithms


def _named(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"probe.{name}": weight for name, weight in weights.items()}
