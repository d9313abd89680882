"""Filter a prompt for each step of the chain, learn the step, take it on the query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.cot_mlp._filter import Filter
from harness_plugins.in_context.cot_mlp._regression import descend, least_squares

_AT_ONCE = 64
"""Prompts that pass the attention together, which bounds the memory that its scores take."""


def walk(
    X: FloatArray, S: FloatArray, Y: FloatArray, by_attention: bool, descent: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """For each step its weights (B, p, q), the factor sqrt(2 / k) included, and the query's activations (B, q).

    Args:
        X: inputs, the query's last, (B, n+1, d).
        S: activations of the examples, (B, n, L-1, k).
        Y: their labels, (B, n).
        by_attention: filter by the layers of attention; otherwise read the same pairs from the arrays.
        descent: steps of gradient descent; 0 for least squares.
    """
    steps = [torch.from_numpy(part) for part in (X[:, :-1], *S.transpose(2, 0, 1, 3), Y[..., None])]
    known = [torch.from_numpy(X[:, -1])]
    filter_layers = Filter(len(Y[0]), len(steps) - 1, max(part.shape[2] for part in steps))
    for step in range(1, len(steps)):
        widths = steps[step - 1].shape[2], steps[step].shape[2]
        if by_attention:
            inputs, outputs, query = filtered(filter_layers, steps, known, widths)
        else:
            inputs, outputs, query = steps[step - 1], steps[step], known[-1]
        is_label = step == len(steps) - 1
        active = torch.ones_like(outputs, dtype=torch.bool) if is_label else outputs > 0
        learnt = descend(inputs, outputs, active, descent) if descent else least_squares(inputs, outputs, active)
        reached = (query[:, None] @ learnt)[:, 0]
        known.append(reached if is_label else reached.relu())
        yield learnt, known[-1]


def filtered(
    layers: Filter, steps: Sequence[Tensor], known: Sequence[Tensor], widths: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs (B, n (L+1), p) and outputs (B, n (L+1), q) of the step that follows the last known; the query (B, p)."""
    p, q = widths
    parts = []
    for start in range(0, len(known[0]), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        h = layers(layers.embed([part[some] for part in steps], [part[some] for part in known]))
        parts.append(layers.pairs(h, len(known)))
    inputs, outputs, query = (torch.cat(column) for column in zip(*parts, strict=True))
    return inputs[..., :p], outputs[..., :q], query[..., :p]
