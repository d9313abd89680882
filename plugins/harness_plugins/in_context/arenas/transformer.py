"""The small causal transformer of this family, written to be read: GPT-2's blocks, three kinds of attention.

Shapes: B sequences, T tokens, w = width, H heads of w / H units each.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from harness_plugins.in_context.arenas.laws.law import one_of

Kind: TypeAlias = Literal["softmax", "relu", "linear"]


def attention_weights(q: Tensor, k: Tensor, kind: Kind) -> Tensor:
    """How much each token takes of each token up to itself: q, k (..., T, c) -> (..., T, T), 0 above the diagonal.

    With scores s = q.k / sqrt(c): softmax(s), or relu(s) and s itself over the number of tokens in sight (Bai et al.,
    arXiv:2306.04637; Garg et al., arXiv:2208.01066).
    """
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    T = scores.shape[-1]
    if kind == "softmax":
        later = torch.ones(T, T, dtype=torch.bool, device=q.device).triu(1)
        return scores.masked_fill(later, -math.inf).softmax(-1)
    in_sight = torch.arange(1, T + 1, dtype=q.dtype, device=q.device)[:, None]
    return (scores.relu() if kind == "relu" else scores).tril() / in_sight


def attend(q: Tensor, k: Tensor, v: Tensor, kind: Kind) -> Tensor:
    """Causal attention: q, k (..., T, c), v (..., T, c) -> (..., T, c)."""
    if kind == "softmax":  # the same as below, in torch's fused kernel
        return scaled_dot_product_attention(q, k, v, is_causal=True)
    return attention_weights(q, k, kind) @ v


class Attention(nn.Module):
    """Multi-head causal self-attention: (B, T, w) -> (B, T, w)."""

    def __init__(self, width: int, heads: int, kind: Kind = "softmax") -> None:
        super().__init__()
        one_of("attention", kind, get_args(Kind))
        if width < 1 or heads < 1 or width % heads:
            raise ValueError(f"{heads} heads do not divide a width of {width}")
        self.heads, self.kind = heads, kind
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, h: Tensor) -> Tensor:
        """h (B, T, w) -> (B, T, w)."""
        q, k, v = self.qkv(h).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, H, T, w/H) each
        return self.out(attend(q, k, v, self.kind).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Two layers around a GeLU, four times as wide inside: (..., w) -> (..., w)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.out = nn.Linear(4 * width, width, bias=False)

    def forward(self, h: Tensor) -> Tensor:
        """h (..., w) -> (..., w)."""
        return self.out(gelu(self.up(h)))


class Block(nn.Module):
    """A pre-norm residual block: h + mix(norm(h)), then h + mlp(norm(h)); (B, T, w) -> (B, T, w)."""

    def __init__(self, width: int, mix: nn.Module) -> None:
        super().__init__()
        self.norm_mix, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.mlp = mix, Mlp(width)

    def forward(self, h: Tensor) -> Tensor:
        """h (B, T, w) -> (B, T, w)."""
        h = h + self.mix(self.norm_mix(h))
        return h + self.mlp(self.norm_mlp(h))


class Decoder(nn.Module):
    """Learned positions, blocks, a last norm: embedded tokens (B, T, w) -> (B, T, w), each from those up to it."""

    def __init__(self, length: int, width: int, layers: int, heads: int, kind: Kind = "softmax") -> None:
        """Args: most tokens of a sequence; units of the residual stream; blocks; heads of each; kind of attention."""
        super().__init__()
        if layers < 1 or length < 1:
            raise ValueError(f"layers and length must be at least 1, not {layers} and {length}")
        self.positions = nn.Parameter(torch.empty(length, width))
        self.blocks = nn.ModuleList(Block(width, Attention(width, heads, kind)) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, h: Tensor) -> Tensor:
        """h (B, T, w) -> (B, T, w)."""
        return self.norm(self.states(h)[-1])

    def states(self, h: Tensor) -> list[Tensor]:
        """The residual stream (B, T, w) before the first block and after each: what probes read."""
        if h.shape[1] > len(self.positions):
            raise ValueError(f"{h.shape[1]} tokens are more than the {len(self.positions)} there are positions for")
        states = [h + self.positions[: h.shape[1]]]
        for block in self.blocks:
            states.append(block(states[-1]))
        return states


def initialize(module: nn.Module, generator: torch.Generator) -> None:
    """Initial weights in place, drawn from `generator`: matrices N(0, 1 / fan-in), tables N(0, 1), norms 1, biases 0.

    What writes to the residual stream (`out`) is smaller by the square root of how many do, as in GPT-2. GPT-2's 0.02
    for all is meant for many hundred units; with few it costs thousands of steps. Positions are as large as tokens, or
    the first norm would take from a token that holds a number how large that is. Recurrent layers stay as they are.
    """
    parts = list(module.named_modules())
    writers = sum(name.endswith(".out") for name, _ in parts)
    with torch.no_grad():
        for name, part in parts:
            if isinstance(part, nn.Linear):
                shrunk = writers if name.endswith(".out") else 1
                part.weight.normal_(0.0, (part.in_features * shrunk) ** -0.5, generator=generator)
                if part.bias is not None:
                    part.bias.zero_()
            elif isinstance(part, nn.Embedding):
                part.weight.normal_(generator=generator)
            elif isinstance(part, nn.LayerNorm):
                part.reset_parameters()
            elif isinstance(positions := getattr(part, "positions", None), nn.Parameter):
                positions.normal_(generator=generator)
