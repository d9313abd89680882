"""Attention that is not learnt: heads that look where the last n tokens stood before (arXiv:2401.12973, section 6).

Shapes: B sequences, T tokens, w units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def ngram_attention(tokens: Tensor, n: int) -> Tensor:
    """How much each token takes of the earlier ones: tokens (B, T) -> (B, T, T), rows that sum to 1, or to 0.

    Token i looks at each token j < i of which the n before it, j - n .. j - 1, are the n up to and with i: at what
    followed the present context earlier. What it finds is averaged; where there is nothing the row is 0.
    """
    if n < 1:
        raise ValueError(f"a context has at least 1 token, not {n}")
    T = tokens.shape[1]
    same = tokens[:, :, None] == tokens[:, None, :]
    match = same.new_zeros(same.shape)
    if n < T:
        ends = torch.stack([same[:, n - 1 - back : T - back, n - 1 - back : T - 1 - back] for back in range(n)])
        match[:, n - 1 :, n:] = ends.all(dim=0)  # [i, j]: same at (i - back, j - 1 - back) for all `back` < n
    found = match.tril(-1).float()
    return found / found.sum(dim=2, keepdim=True).clamp(min=1)


class Ngram(nn.Module):
    """An n-gram layer: y = T_0 (M h) + T_1 h, with M the attention above; (B, T, w) -> (B, T, w)."""

    def __init__(self, width: int, n: int) -> None:
        super().__init__()
        self.n = n
        self.found = nn.Linear(width, width, bias=False)  # T_0
        self.out = nn.Linear(width, width, bias=False)  # T_1

    def forward(self, h: Tensor, tokens: Tensor) -> Tensor:
        """h (B, T, w) of the tokens (B, T) -> (B, T, w)."""
        return self.found(ngram_attention(tokens, self.n) @ h) + self.out(h)
