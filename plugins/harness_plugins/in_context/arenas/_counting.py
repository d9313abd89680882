"""Counts of what followed each context earlier in a sequence, for all positions at once.

Shapes: B sequences of T tokens, V symbols. An order-n context is the last n - 1 tokens of the string one is in, filled
up at its start with a mark that is no symbol; the separator counts as that mark.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.prompts import FloatArray


def contexts(tokens: NDArray[np.int64], order: int, separator: int | None) -> Iterator[NDArray[np.int64]]:
    """Which context ends at each token, for the orders 1 up to `order`: numbers (B, T), of each sequence its own."""
    batch, length = tokens.shape
    place = np.broadcast_to(np.arange(length), tokens.shape)
    breaks = tokens == separator if separator is not None else np.zeros_like(tokens, dtype=bool)
    start = np.maximum.accumulate(np.where(breaks, place + 1, 0), axis=1)  # of the string: its first letter
    known = np.repeat(np.arange(batch), length).reshape(batch, length)
    yield known
    for back in range(order - 1):
        at = place - back
        symbol = np.where(at >= start, np.take_along_axis(tokens, np.maximum(at, 0), axis=1) + 1, 0)
        known = np.unique(known * (tokens.max() + 2) + symbol, return_inverse=True)[1].reshape(batch, length)
        yield known


def followers(
    tokens: NDArray[np.int64], context: NDArray[np.int64], vocabulary: int, separator: int | None
) -> tuple[FloatArray, FloatArray]:
    """What followed the context of each token where it stood before, and how often it stood there, this time included.

    Args:
        tokens: (B, T).
        context: the number of the context that ends at each token, (B, T).
        vocabulary: number of symbols V.
        separator: a symbol that ends a string and so follows nothing; None if there is none.

    Returns:
        Counts (B, T, V) and occurrences (B, T, 1). Occurrences that nothing follows are this one and ends of strings.
        A sequence's first token follows nothing.
    """
    batch, length = tokens.shape
    order = context.ravel().argsort(kind="stable")  # contexts together, each in the order of its occurrences
    numbers = context.ravel()[order]
    first = np.searchsorted(numbers, numbers)  # where each context's occurrences begin
    came = np.zeros((batch, length, vocabulary))
    np.put_along_axis(came[:, :-1], tokens[:, 1:, None], 1.0, axis=2)
    if separator is not None:
        came[:, :, separator] = 0
    came = came.reshape(batch * length, vocabulary)[order]
    before = came.cumsum(axis=0) - came
    counts = np.empty_like(came)
    counts[order] = before - before[first]
    occurrences = np.empty(batch * length)
    occurrences[order] = np.arange(batch * length) - first + 1
    return counts.reshape(batch, length, vocabulary), occurrences.reshape(batch, length, 1)


def backed_off(counts: FloatArray, occurrences: FloatArray, lower: FloatArray) -> FloatArray:
    """Back-off without a discount: p(c) = count(c) / occurrences for symbols that came, (B, T, V).

    The rest goes to the symbols that did not come, in proportion to what the `lower` order says of them (B, T, V); if
    that is nothing, all goes to those that came.
    """
    seen = counts > 0
    unseen = np.where(seen, 0.0, lower)
    left = unseen.sum(axis=2, keepdims=True)
    total = counts.sum(axis=2, keepdims=True)
    nobody_left = left <= 0
    share = (occurrences - total) / occurrences / np.where(nobody_left, 1.0, left)
    return np.where(seen, counts / np.where(nobody_left, total, occurrences), share * unseen)
