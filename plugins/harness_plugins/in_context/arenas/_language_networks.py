"""Networks that read sequences of symbols, and how they are meta-trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from harness_plugins.in_context.arenas.languages.law import LanguageLaw, Passages
from harness_plugins.in_context.arenas.ngram_layer import Ngram
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.training import arrays, load, train
from harness_plugins.in_context.arenas.transformer import Decoder, Kind, initialize

_AT_ONCE = 64
"""Sequences that are read at once when predicting."""


class LanguageNetwork(nn.Module):
    """Embeddings, causal layers, logits of the next symbol; n-gram layers, if any, follow on the first layer."""

    def __init__(
        self,
        vocabulary: int,
        length: int,
        layers: int,
        width: int,
        heads: int | None = None,
        attention: Kind = "softmax",
        ngrams: Sequence[int] = (),
    ) -> None:
        """Args: symbols V; most tokens T; layers; width w; heads of a transformer, None for an LSTM; n-gram layers."""
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.body = _Recurrent(width, layers) if heads is None else Decoder(length, width, layers, heads, attention)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in ngrams)
        self.ngrams = nn.ModuleList(Ngram(width, n) for n in ngrams)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> logits (B, T, V)."""
        h = self.embed(tokens)
        if isinstance(self.body, Decoder):
            h = h + self.body.positions[: tokens.shape[1]]
        first, *others = self.body.blocks
        h = first(h)
        for norm, ngram in zip(self.norms, self.ngrams, strict=True):
            h = h + ngram(norm(h), tokens)
        for block in others:
            h = block(h)
        return self.head(self.body.norm(h))


class _Recurrent(nn.Module):
    """LSTM layers, one after the other, with a last norm, as the decoder has it."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        if layers < 1 or width < 1:
            raise ValueError(f"layers and width must be at least 1, not {layers} and {width}")
        self.blocks = nn.ModuleList(_Lstm(width, width, batch_first=True) for _ in range(layers))
        self.norm = nn.LayerNorm(width)


class _Lstm(nn.LSTM):
    """A layer that answers its states only: (B, T, w) -> (B, T, w)."""

    def forward(self, h: Tensor) -> Tensor:
        return super().forward(h)[0]


def next_token_loss(logits: Tensor, passages: Passages) -> Tensor:
    """Mean of -log p(next token) over what is scored, of logits (B, T, V)."""
    following = torch.from_numpy(passages.following).masked_fill(torch.from_numpy(~passages.scored), -100)
    return cross_entropy(logits.flatten(0, 1), following.flatten(), ignore_index=-100)


def meta_train(
    *, law: LanguageLaw, architecture: Mapping[str, Any], steps: int, batch: int, learning_rate: float, seed: int
) -> dict[str, np.ndarray]:
    """Train on fresh sequences of the law's training languages.

    Returns:
        The weights by name, `loss` (steps,), in nats, and `size`, (V, T) of the sequences.
    """
    model = build(law.vocabulary, law.length, architecture, seed)
    rng = np.random.default_rng(seed)

    def loss() -> Tensor:
        passages = law.draw_training(rng, batch)
        return next_token_loss(model(torch.from_numpy(passages.tokens)), passages)

    losses = train(model, loss, steps, learning_rate)
    return {"loss": losses, "size": np.array([law.vocabulary, law.length]), **arrays(model)}


def predict(
    weights: Mapping[str, np.ndarray], architecture: Mapping[str, Any], tokens: NDArray[np.int64]
) -> FloatArray:
    """Tokens (B, T) -> the laws of the next symbols (B, T, V), computed in float32 as it was trained."""
    vocabulary, length = (int(size) for size in weights["size"])
    model = load(LanguageNetwork(vocabulary, length, **architecture), weights)
    with torch.inference_mode():
        parts = [model(part).double().softmax(-1) for part in torch.from_numpy(tokens).split(_AT_ONCE)]
    probabilities: FloatArray = torch.cat(parts).numpy()
    return probabilities


def build(vocabulary: int, length: int, architecture: Mapping[str, Any], seed: int) -> LanguageNetwork:
    """The network with its initial weights: the family's, but torch's own for recurrent layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LanguageNetwork(vocabulary, length, **architecture)
    initialize(model, torch.Generator().manual_seed(seed))
    return model
