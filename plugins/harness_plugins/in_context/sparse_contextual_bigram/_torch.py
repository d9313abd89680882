"""What is taken from torch: autograd over one-hot matrices, and Adam."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch.nn.functional import one_hot
from torch.optim import Adam

from harness_plugins.in_context.arenas.languages.contextual_bigram import IntArray
from harness_plugins.in_context.sparse_contextual_bigram._attention import Weights, descent

LEAST_ATTENTION = 1e-6
"""Attention that softmax starts with where there was none."""


def one_hot_descent(weights: Weights, tokens: IntArray, outputs: IntArray) -> Weights:
    """Minus the gradient of the squared loss of f = V X a, X (B, N, T) one-hot, by A (T, N) and V (N, N)."""
    A, V = (torch.from_numpy(weight).requires_grad_() for weight in weights)
    N = len(V)
    X = one_hot(torch.from_numpy(tokens), N).to(A.dtype)  # (B, T+1, N)
    target = one_hot(torch.from_numpy(outputs), N).to(A.dtype)
    attention = torch.einsum("tk,bk->bt", A, X[:, -1])
    predicted = torch.einsum("btj,bt->bj", X[:, :-1], attention) @ V.T
    loss = (target - predicted).square().sum(dim=1).mean() / 2
    by_A, by_V = torch.autograd.grad(-loss, (A, V))
    return Weights(by_A.numpy(), by_V.numpy())


def adam_on_softmax(
    start: Weights, batches: Iterable[tuple[IntArray, IntArray]], rate: Callable[[int], float]
) -> Iterator[Weights]:
    """Adam on Z and V with A = softmax(Z) over positions; `rate` gives the step size at a step."""
    Z = torch.log(torch.from_numpy(start.A).clamp(min=LEAST_ATTENTION))  # (T, N)
    V = torch.from_numpy(start.V).clone()  # (N, N)
    optimizer = Adam([Z, V], lr=rate(0))
    A = torch.softmax(Z, dim=0)
    for step, (tokens, outputs) in enumerate(batches):
        optimizer.param_groups[0]["lr"] = rate(step)
        by_A, by_V = map(torch.from_numpy, descent(Weights(A.numpy(), V.numpy()), tokens, outputs))
        Z.grad = -A * (by_A - (A * by_A).sum(dim=0))
        V.grad = -by_V
        optimizer.step()
        A = torch.softmax(Z, dim=0)
        yield Weights(A.numpy().copy(), V.numpy().copy())
