"""The transformer that is trained where the others are written down: two layers, Adam."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from harness_plugins.in_context.arenas.targets import Target
from harness_plugins.in_context.arenas.training import train
from harness_plugins.in_context.arenas.transformer import Attention, Block, initialize


class FullAttention(Attention):
    """Softmax attention without a mask: (B, T, w) -> (B, T, w), every token attending to every token."""

    def forward(self, h: Tensor) -> Tensor:
        """h (B, T, w) -> (B, T, w)."""
        q, k, v = self.qkv(h).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, H, T, w/H) each
        mixed: Tensor = self.out(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return mixed


class Encoder(nn.Module):
    """Linear embedding, learned positions, blocks, a last norm, linear readout: (B, T, d) -> (B, T, d)."""

    def __init__(self, target: Target, width: int, layers: int, heads: int) -> None:
        """Args: what it is for; units of the residual stream; blocks; heads of each."""
        super().__init__()
        self.embedding = nn.Linear(target.d, width)
        self.positions = nn.Parameter(torch.empty(target.T, width))
        self.blocks = nn.ModuleList(Block(width, FullAttention(width, heads)) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.readout = nn.Linear(width, target.d)

    def forward(self, X: Tensor) -> Tensor:
        """X (B, T, d) -> (B, T, d)."""
        h = self.embedding(X) + self.positions
        for block in self.blocks:
            h = block(h)
        answer: Tensor = self.readout(self.norm(h))
        return answer


def trained(
    target: Target, *, width: int, layers: int, heads: int, steps: int, batch: int, learning_rate: float, seed: int
) -> Encoder:
    """An encoder trained on squared errors at sequences drawn anew for each step, in single precision."""
    generator = torch.Generator().manual_seed(seed)
    encoder = Encoder(target, width, layers, heads)
    initialize(encoder, generator)

    def loss() -> Tensor:
        X = torch.rand(batch, target.T, target.d, generator=generator)
        Y = torch.from_numpy(target(X.numpy()))
        return (encoder(X) - Y).square().mean()

    train(encoder, loss, steps, learning_rate)
    return encoder
