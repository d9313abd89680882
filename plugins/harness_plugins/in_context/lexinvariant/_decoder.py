"""A decoder whose symbols have no fixed embeddings, and how it is trained.

Each sequence has its own vector e_v ~ N(0, I) for each symbol v: the same wherever v stands, and the same that reads
the next symbol off, whose logit is <h_t, e_v>. Nothing the decoder knows can depend on which symbol is which.

Shapes: B sequences, T tokens, V symbols, w = width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness_plugins.in_context.arenas._language_networks import next_token_loss
from harness_plugins.in_context.arenas.languages.law import LanguageLaw
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.training import arrays, load, train
from harness_plugins.in_context.arenas.transformer import Decoder, initialize

AT_ONCE = 64
"""Sequences that are read at once when predicting."""


_FIRST_READOUT = 0.03
"""Of the identity: at width 64 the symbol just read begins with a logit of 2, which leaves predictions near uniform."""


class TiedDecoder(nn.Module):
    """Tokens and their sequence's embeddings in, logits of the next token out, by the same embeddings."""

    def __init__(self, vocabulary: int, length: int, width: int, layers: int, heads: int, random_share: float) -> None:
        """Args: symbols, most tokens, width, layers, heads; share of symbols that training embeds at random."""
        super().__init__()
        if not 0 <= random_share <= 1:
            raise ValueError(f"random_share must lie in 0..1, not {random_share}")
        self.random_share = random_share
        self.table = nn.Parameter(torch.empty(vocabulary, width), requires_grad=random_share < 1)
        self.body = Decoder(length, width, layers, heads)
        self.readout = nn.Linear(width, width, bias=False)

    def states(self, tokens: Tensor, embeddings: Tensor) -> Tensor:
        """Tokens (B, T), embeddings (B, V, w) -> what the decoder makes of each token, (B, T, w)."""
        places = tokens[..., None].expand(-1, -1, embeddings.shape[2])
        return self.body(embeddings.gather(1, places))

    def forward(self, tokens: Tensor, embeddings: Tensor) -> Tensor:
        """Tokens (B, T), embeddings (B, V, w) -> logits (B, T, V)."""
        w = embeddings.shape[2]  # the scores' deviation would be sqrt(w) to begin with
        return self.readout(self.states(tokens, embeddings)) @ embeddings.transpose(1, 2) / w**0.5

    def embeddings(self, batch: int, generator: torch.Generator, training: bool = False) -> Tensor:
        """One vector for each symbol of each sequence, (B, V, w): drawn for it, or learnt.

        A decoder that is lexinvariant in part draws some in training only, as dropout does: to predict, it uses what it
        has learnt.
        """
        share = self.random_share if training or self.random_share == 1 else 0.0
        V, w = self.table.shape
        drawn = torch.randn(batch, V, w, generator=generator)
        chosen = torch.rand(batch, V, 1, generator=generator) < share
        return torch.where(chosen, drawn, self.table)


def build(vocabulary: int, length: int, architecture: Mapping[str, Any], seed: int) -> TiedDecoder:
    """The decoder with GPT-2's initial weights, but for what meets embeddings.

    A learnt table begins as drawn vectors do, N(0, 1). The readout begins at a small multiple of the identity: what is
    copied into the stream is scored at once, and copying is the first thing there is to learn.
    """
    model = TiedDecoder(vocabulary, length, **architecture)
    generator = torch.Generator().manual_seed(seed)
    initialize(model, generator)
    with torch.no_grad():
        model.table.normal_(0.0, 1.0, generator=generator)
        model.readout.weight.copy_(_FIRST_READOUT * torch.eye(len(model.readout.weight)))
    return model


def meta_train(
    *, law: LanguageLaw, architecture: Mapping[str, Any], steps: int, batch: int, learning_rate: float, seed: int
) -> dict[str, np.ndarray]:
    """Train on fresh sequences of the law, with fresh embeddings for each of them.

    Returns:
        The weights by name, `loss` (steps,), in nats, `size`, (V, T) of the sequences, and the `seed`, by which
        predictions draw embeddings too.
    """
    model = build(law.vocabulary, law.length, architecture, seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed + 1)

    def loss() -> Tensor:
        passages = law.draw_training(rng, batch)
        embeddings = model.embeddings(batch, generator, training=True)
        return next_token_loss(model(torch.from_numpy(passages.tokens), embeddings), passages)

    losses = train(model, loss, steps, learning_rate)
    return {"loss": losses, "size": np.array([law.vocabulary, law.length]), "seed": np.array(seed), **arrays(model)}


def restore(weights: Mapping[str, np.ndarray], architecture: Mapping[str, Any]) -> TiedDecoder:
    """The decoder that was trained."""
    vocabulary, length = (int(size) for size in weights["size"])
    model = TiedDecoder(vocabulary, length, **architecture)
    load(model, weights)
    return model


def predict(
    weights: Mapping[str, np.ndarray],
    architecture: Mapping[str, Any],
    tokens: NDArray[np.int64],
    draws: int,
) -> FloatArray:
    """Tokens (B, T) -> the laws of the next symbols (B, T, V), their mean over `draws` draws of embeddings."""
    model = restore(weights, architecture)
    generator = torch.Generator().manual_seed(int(weights["seed"]))
    parts = []
    with torch.inference_mode():
        for part in torch.from_numpy(tokens).split(AT_ONCE):
            laws = [model(part, model.embeddings(len(part), generator)).double().softmax(-1) for _ in range(draws)]
            parts.append(torch.stack(laws).mean(0))
    probabilities: FloatArray = torch.cat(parts).numpy()
    return probabilities
