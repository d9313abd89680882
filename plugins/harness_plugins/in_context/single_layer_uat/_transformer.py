"""A transformer whose weights are written down: embedding, softmax heads, a ReLU network, readout, all dense.

Shapes: B sequences, T tokens of d features, P tokens of a constant prompt, N = T + P, D slots of the residual stream, m
hidden units. Everything is float64, nothing is masked or normalised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness_plugins.in_context.arenas.prompts import FloatArray

SHARP = 50.0
"""Difference of logits by which a head picks a position: what it should not read gets e^-50 of the weight."""


@dataclass(frozen=True)
class Attention:
    """Softmax heads: h <- h + sum over heads of softmax(h W_Q^T (h W_K^T)^T) h W_V^T."""

    W_Q: FloatArray
    """(heads, r, D)"""
    W_K: FloatArray
    """(heads, r, D)"""
    W_V: FloatArray
    """(heads, D, D)"""

    def __call__(self, h: FloatArray) -> FloatArray:
        """h (B, N, D) -> (B, N, D), every token attending to every token."""
        added = np.zeros_like(h)
        for W_Q, W_K, W_V in zip(self.W_Q, self.W_K, self.W_V, strict=True):
            logits = (h @ W_Q.T) @ (h @ W_K.T).transpose(0, 2, 1)  # (B, N, N)
            added += softmax(logits) @ (h @ W_V.T)
        return h + added


@dataclass(frozen=True)
class FeedForward:
    """The same two layers on each token: h <- h + W_2 relu(W_1 h + b_1)."""

    W_1: FloatArray
    """(m, D)"""
    b_1: FloatArray
    """(m,)"""
    W_2: FloatArray
    """(D, m)"""

    def __call__(self, h: FloatArray) -> FloatArray:
        """h (B, N, D) -> (B, N, D)."""
        return h + np.maximum(h @ self.W_1.T + self.b_1, 0) @ self.W_2.T


@dataclass(frozen=True)
class Transformer:
    """Token i enters as W_E[i] x_i + places[i], the prompt behind them as it is; W_R h_i is read at the end."""

    W_E: FloatArray
    """(T, D, d), or (1, D, d) for the same map at every place."""
    places: FloatArray
    """(T, D)"""
    prompt: FloatArray
    """(P, D)"""
    layers: Sequence[Attention | FeedForward]
    W_R: FloatArray
    """(d, D)"""

    def embed(self, X: FloatArray) -> FloatArray:
        """X (B, T, d) -> the residual stream before the first layer, (B, T + P, D)."""
        tokens = np.matmul(self.W_E, X[..., None])[..., 0] + self.places  # (B, T, D)
        return np.concatenate([tokens, np.broadcast_to(self.prompt, (len(X), *self.prompt.shape))], axis=1)

    def __call__(self, X: FloatArray) -> FloatArray:
        """X (B, T, d) -> (B, T, d)."""
        h = self.embed(X)
        for layer in self.layers:
            h = layer(h)
        answer: FloatArray = h[:, : len(self.places)] @ self.W_R.T
        return answer

    def weights(self) -> dict[str, FloatArray]:
        """All there is, by name: `W_E`, `places`, `prompt`, `layer-0.W_Q` ... `W_R`."""
        inner = {name: weight for index, layer in enumerate(self.layers) for name, weight in _named(index, layer)}
        return {"W_E": self.W_E, "places": self.places, "prompt": self.prompt, **inner, "W_R": self.W_R}


def softmax(logits: FloatArray) -> FloatArray:
    """Along the last axis."""
    grown = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: FloatArray = grown / grown.sum(axis=-1, keepdims=True)
    return shares


def slots(*sizes: int) -> list[slice]:
    """Consecutive parts of the residual stream, of the given sizes."""
    stops = np.cumsum(sizes)
    return [slice(int(stop) - size, int(stop)) for size, stop in zip(sizes, stops, strict=True)]


def block(shape: tuple[int, int], rows: slice, columns: slice, values: FloatArray | float = 1.0) -> FloatArray:
    """A matrix of zeros but for `values` in a block; a number stands for that multiple of the identity."""
    matrix = np.zeros(shape)
    size = rows.stop - rows.start
    matrix[rows, columns] = values if isinstance(values, np.ndarray) else values * np.eye(size)
    return matrix


def _named(index: int, layer: Attention | FeedForward) -> Iterator[tuple[str, FloatArray]]:
    return ((f"layer-{index}.{name}", weight) for name, weight in vars(layer).items())
