"""The constructions and what they are compared with: each a `Transformer`, with a quicker way to the same answer.

n = T d numbers make a sequence; V (B, n) are sequences as vectors, A (m, n) hidden units that read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from harness_plugins.in_context.arenas.approximation import cell_centres, per_axis
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.targets import Target, check_sequences
from harness_plugins.in_context.single_layer_uat._stream import Gather, Stream, Units
from harness_plugins.in_context.single_layer_uat._transformer import (
    SHARP,
    Attention,
    Transformer,
    block,
)

_ROWS = 1024
"""Sequences that are answered at once."""
_BLUR = 1.02
"""At the default sharpness the softmax adds less than two per cent to the table's error, between cells."""
_NEGLIGIBLE = 37.0
"""e^-37 is below the precision of a double."""


@dataclass
class _Block:
    """What all have in common: a transformer once they are built, and two ways to run it."""

    gather: Gather = "slots"
    """How attention gathers the sequence: one uniform head on inputs in slots of their own, or a head per position."""
    _target: Target = field(init=False, repr=False)
    _transformer: Transformer = field(init=False, repr=False)

    def build(self, target: Target, eps: float, rng: np.random.Generator) -> None:
        """Write down the weights for a target."""
        self._target = target
        self._transformer = self._written(target, eps, rng)

    def apply(self, X: FloatArray) -> FloatArray:
        """X (B, T, d) in [0, 1] -> (B, T, d): what `forward` answers, without its zeros."""
        T, d = self._target.T, self._target.d
        check_sequences(X, T, d)
        V = X.reshape(len(X), -1)
        answers = [self._quickly(V[start : start + _ROWS]) for start in range(0, len(V), _ROWS)]
        return np.concatenate(answers).reshape(X.shape)

    def forward(self, X: FloatArray) -> FloatArray:
        """The transformer itself, all of its weights: X (B, T, d) -> (B, T, d)."""
        check_sequences(X, self._target.T, self._target.d)
        return self._transformer(X)

    def weights(self) -> dict[str, FloatArray]:
        """The transformer's weights by name: `W_E`, `places`, `prompt`, `layer-0.W_Q` ... `layer-1.W_1` ... `W_R`."""
        return self._transformer.weights()

    def n_params(self) -> int:
        """Entries of all weights."""
        return sum(weight.size for weight in self.weights().values())

    def _written(self, target: Target, eps: float, rng: np.random.Generator) -> Transformer:
        raise NotImplementedError

    def _quickly(self, V: FloatArray) -> FloatArray:
        """V (B, n) -> (B, n)."""
        raise NotImplementedError


@dataclass
class HatBasis(_Block):
    """Piecewise linear interpolation of every coordinate: exact at knots for sums of functions of one coordinate."""

    knots: int | None = None
    """Knots per coordinate, g + 1, at least 2; if none are given, as many as eps and the Lipschitz constant ask for."""
    _values: FloatArray = field(init=False, repr=False)

    def _written(self, target: Target, eps: float, rng: np.random.Generator) -> Transformer:
        knots = per_axis(None, target, eps) + 1 if self.knots is None else self.knots
        if knots < 2:
            raise ValueError(f"knots must be at least 2, not {knots}")
        self._values = values_at_knots(target, knots)
        units = hat_units(self._values)
        stream = Stream(target, self.gather)
        blocks = [Units(units.A, units.b, C) for C in np.split(units.C, target.T)]
        return stream.transformer((stream.attention(), stream.feed_forward(stream.parts[1], blocks)))

    def _quickly(self, V: FloatArray) -> FloatArray:
        n, knots, _ = self._values.shape
        left = np.minimum((V * (knots - 1)).astype(np.int64), knots - 2)  # (B, n)
        share = (V * (knots - 1) - left)[..., None]
        axis = np.arange(n)
        summed: FloatArray = ((1 - share) * self._values[axis, left] + share * self._values[axis, left + 1]).sum(1)
        return summed


@dataclass
class RidgeFit(_Block):
    """Random ReLU ridge functions of the whole sequence, their output weights fitted by least squares."""

    width: int = 1024
    """Hidden units of the layer, m; every position has its share of m / T."""
    samples: int = 8
    """Sequences that are fitted, for each unit of a position."""
    penalty: float = 1e-11
    """Weight of the squared output weights, as a part of the features' mean square; keeps the solution finite."""
    _units: Units = field(init=False, repr=False)

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"width": 64}, "paper": {"width": 4096}}

    def _written(self, target: Target, eps: float, rng: np.random.Generator) -> Transformer:
        n, m = target.coordinates, self.width // target.T
        A, b = random_units(m, n, rng)
        V = arcsine_samples(at_least_one(self.samples) * m, n, rng)
        Y = target(V.reshape(-1, target.T, target.d)).reshape(len(V), -1)
        self._units = fitted(A, b, V, Y, self.penalty)
        stream = Stream(target, self.gather)
        blocks = [Units(A, b, C) for C in np.split(self._units.C, target.T)]
        return stream.transformer((stream.attention(), stream.feed_forward(stream.parts[1], blocks)))

    def _quickly(self, V: FloatArray) -> FloatArray:
        return self._units(V)


@dataclass
class Route(_Block):
    """Prototypes in the prompt: a second attention layer looks up the nearest one, whose value is the answer."""

    prototypes: int | None = None
    """Most prototypes P, on a grid of g^(T d); if none are given, as many as eps and the Lipschitz constant ask for."""
    sharpness: float = 40.0
    """The softmax's inverse temperature beta, as a multiple of g^2."""
    _table: FloatArray = field(init=False, repr=False)

    def _written(self, target: Target, eps: float, rng: np.random.Generator) -> Transformer:
        if not 0 < self.sharpness < np.inf:
            raise ValueError(f"sharpness must be positive and finite, not {self.sharpness}")
        n, d = target.coordinates, target.d
        g = per_axis(self.prototypes, target, eps / _BLUR)
        beta = self.sharpness * g**2
        centres = cell_centres(g, target)
        values = target(centres).reshape(len(centres), -1)
        self._table = values.reshape(*(g,) * n, n)
        stream = Stream(target, self.gather, (n, 1, n, n))
        whole, one, key, offset, stored, answer = (stream.parts[index] for index in (1, 3, 5, 6, 7, 8))
        prompt = np.zeros((len(centres), stream.D))
        prompt[:, key] = centres.reshape(len(centres), -1)
        prompt[:, offset] = -0.5 * (prompt[:, key] ** 2).sum(1, keepdims=True)
        prompt[:, stored] = values
        D, scores = stream.D, slice(0, n + 1)  # beta (<v, c> - |c|^2 / 2)
        W_Q = block((n + 1, D), slice(0, n), whole, beta) + block((n + 1, D), slice(n, n + 1), one, beta)
        W_K = block((n + 1, D), scores, slice(key.start, offset.stop))
        look_up = Attention(W_Q[None], W_K[None], block((D, D), answer, stored)[None])
        pick = [np.eye(n)[i * d : (i + 1) * d] for i in range(target.T)]
        units = [
            Units(np.concatenate([own, -own]), np.zeros(2 * d), np.hstack([np.eye(d), -np.eye(d)])) for own in pick
        ]
        choose = stream.feed_forward(answer, units, float(values.min()), float(values.max()))
        layers = (stream.attention(len(centres)), look_up, choose)
        # the nearest prototype scores at least -n / 8, so the tokens of the sequence are not read
        return stream.transformer(layers, prompt, [(offset.start, -n - SHARP / beta)])

    def _quickly(self, V: FloatArray) -> FloatArray:
        """The scores are sums over coordinates, so the softmax is a product of softmaxes, each of few cells."""
        g, n = len(self._table), V.shape[1]
        # what is r + 1/2 cells away has e^-(sharpness r (r + 1) / 2) of the nearest one's weight
        r = min(g - 1, int(np.ceil(np.sqrt(0.25 + 2 * _NEGLIGIBLE / self.sharpness) - 0.5)))
        places = V.T * g  # (n, B)
        nearest = np.minimum(places.astype(np.int64), g - 1)
        cells = nearest + np.arange(-r, r + 1)[:, None, None]  # (2r+1, n, B): the window first, so that sums are quick
        far = (places - cells - 0.5) ** 2 - (places - nearest - 0.5) ** 2
        shares = np.where((cells >= 0) & (cells < g), np.exp(-0.5 * self.sharpness * far), 0.0)
        shares /= shares.sum(axis=0)
        np.clip(cells, 0, g - 1, out=cells)
        weights, index = shares[:, 0], cells[:, 0]  # grow to ((2r+1)^n, B)
        for axis in range(1, n):
            weights = (weights[:, None] * shares[:, axis]).reshape(-1, len(V))
            index = (index[:, None] * g + cells[:, axis]).reshape(-1, len(V))
        values = np.take(self._table.reshape(-1, n), index, axis=0)  # ((2r+1)^n, B, n)
        answer: FloatArray = np.einsum("cb,cbo->bo", weights, values)
        return answer


@dataclass
class FeedForwardOnly(_Block):
    """The block without its attention: random ReLU units of each token by itself, fitted by least squares."""

    width: int = 1024
    """Hidden units of the layer, m; every position has its share of m / T."""
    samples: int = 32
    """Sequences that are fitted, for each unit of a position."""
    penalty: float = 1e-11
    """Weight of the squared output weights, as a part of the features' mean square."""
    _units: Sequence[Units] = field(init=False, repr=False)

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"width": 64}, "paper": {"width": 2048}}

    def _written(self, target: Target, eps: float, rng: np.random.Generator) -> Transformer:
        T, d, m = target.T, target.d, self.width // target.T
        drawn = [random_units(m, d, rng) for _ in range(T)]
        X = rng.random((at_least_one(self.samples) * m, T, d))
        Y = target(X)
        self._units = [fitted(A, b, X[:, i], Y[:, i], self.penalty) for i, (A, b) in enumerate(drawn)]
        stream = Stream(target, self.gather)
        own = stream.parts[0]
        places = [own.start + i * d if self.gather == "slots" else own.start for i in range(T)]
        wide = [np.zeros((len(units.A), own.stop - own.start)) for units in self._units]
        for A, units, start in zip(wide, self._units, places, strict=True):
            A[:, start : start + d] = units.A
        blocks = [Units(A, units.b, units.C) for A, units in zip(wide, self._units, strict=True)]
        return stream.transformer([stream.feed_forward(own, blocks)])

    def _quickly(self, V: FloatArray) -> FloatArray:
        tokens = np.split(V, len(self._units), axis=1)
        return np.hstack([units(x) for units, x in zip(self._units, tokens, strict=True)])


@dataclass
class AttentionOnly(_Block):
    """The block without its network: the readout is fitted to the stream behind the attention by least squares."""

    samples: int = 4096
    """Sequences that are fitted."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"samples": 100}, "paper": {"samples": 65_536}}

    def _written(self, target: Target, eps: float, rng: np.random.Generator) -> Transformer:
        X = rng.random((at_least_one(self.samples), target.T, target.d))
        stream = Stream(target, self.gather)
        attention = stream.attention()
        h = attention(stream.transformer([]).embed(X)).reshape(-1, stream.D)
        W_R = np.asarray(np.linalg.lstsq(h, target(X).reshape(-1, target.d), rcond=None)[0].T, dtype=np.float64)
        return stream.transformer((attention,), W_R=W_R)

    def _quickly(self, V: FloatArray) -> FloatArray:
        return self._transformer(V.reshape(-1, self._target.T, self._target.d)).reshape(V.shape)


@dataclass
class TrainedTransformer:
    """A transformer of two layers, trained with Adam on the map's values: what an architecture like it finds itself."""

    layers: int = 2
    """Blocks of attention and a GeLU network."""
    width: int = 32
    """Units of the residual stream."""
    heads: int = 4
    """Heads of each block; they divide the width."""
    steps: int = 1000
    """Gradient steps, each on fresh sequences."""
    batch: int = 128
    """Sequences of a step."""
    learning_rate: float = 3e-3
    """Adam's step size at its height, after a fifth of the steps."""
    _encoder: Any = field(init=False, repr=False)
    _target: Target = field(init=False, repr=False)

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"width": 8, "heads": 2, "steps": 5, "batch": 16},
        "paper": {"width": 128, "heads": 8, "steps": 50_000, "learning_rate": 1e-3},
    }

    def build(self, target: Target, eps: float, rng: np.random.Generator) -> None:
        """Train on the target.

        Raises:
            ValueError: a hyperparameter is out of range.
        """
        from harness_plugins.in_context.single_layer_uat._trained import trained

        if min(self.steps, self.batch) < 1 or not 0 < self.learning_rate < np.inf:
            raise ValueError(f"steps and batch must be at least 1, learning_rate positive and finite: {self}")
        self._target = target
        self._encoder = trained(
            target,
            width=self.width,
            layers=self.layers,
            heads=self.heads,
            steps=self.steps,
            batch=self.batch,
            learning_rate=self.learning_rate,
            seed=int(rng.integers(2**63)),
        )

    def apply(self, X: FloatArray) -> FloatArray:
        """X (B, T, d) in [0, 1] -> (B, T, d), in single precision."""
        import torch

        check_sequences(X, self._target.T, self._target.d)
        with torch.inference_mode():
            answer: FloatArray = self._encoder(torch.from_numpy(X.astype(np.float32))).numpy().astype(np.float64)
        return answer

    def n_params(self) -> int:
        """Weights, biases, positions."""
        return sum(parameter.numel() for parameter in self._encoder.parameters())


def values_at_knots(target: Target, knots: int) -> FloatArray:
    """What each coordinate by itself adds to the output, (n, knots, n): the others are held at one half.

    Their sum over the first axis is F itself if F is a sum of functions of one coordinate each.
    """
    n = target.coordinates
    V = np.full((n, knots, n), 0.5)
    V[np.arange(n), :, np.arange(n)] = np.linspace(0, 1, knots)
    values = target(V.reshape(-1, target.T, target.d)).reshape(n, knots, n)
    values[1:] -= target(np.full((1, target.T, target.d), 0.5)).reshape(n)
    return values


def hat_units(values: FloatArray) -> Units:
    """The hats around knots 0, 1/g ... 1 with these heights (n, g+1, o), as ReLU units: n (g + 1) of them.

    tri(t) = relu(t + 1) - 2 relu(t) + relu(t - 1), at t = g v - k. Neighbours share units; those that start at 1 or
    later are idle. So the unit relu(g v - k), k = -1 ... g-1, has the second difference of the heights for a weight.
    """
    n, knots, outputs = values.shape
    padded = np.concatenate([np.zeros((n, 2, outputs)), values], axis=1)
    C = np.diff(padded, n=2, axis=1).reshape(n * knots, outputs).T
    A = np.repeat(np.eye(n) * (knots - 1), knots, axis=0)
    return Units(A, np.tile(1.0 - np.arange(knots), n), C)


def at_least_one(samples: int) -> int:
    """`samples`, or a ValueError if there are none."""
    if samples < 1:
        raise ValueError(f"samples must be at least 1, not {samples}")
    return samples


def arcsine_samples(samples: int, n: int, rng: np.random.Generator) -> FloatArray:
    """Points of [0, 1]^n, (samples, n), denser towards the faces, where a fit to uniform points is worst."""
    points: FloatArray = 0.5 - 0.5 * np.cos(np.pi * rng.random((samples, n)))
    return points


def random_units(m: int, n: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """A (m, n) and b (m,): a constant, the n coordinates, and ridges of random direction that bend inside the cube.

    Raises:
        ValueError: they are too few for that.
    """
    if m < n + 2:
        raise ValueError(f"a position needs at least {n + 2} units for {n} inputs, and has {m}: raise width")
    directions = rng.standard_normal((m - n - 1, n))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    bends = rng.random(directions.shape)
    A = np.concatenate([np.zeros((1, n)), np.eye(n), directions])
    return A, np.concatenate([np.ones(1), np.zeros(n), -(directions * bends).sum(1)])


def fitted(A: FloatArray, b: FloatArray, V: FloatArray, Y: FloatArray, penalty: float) -> Units:
    """The units with the output weights of ridge regression from V (S, n) to Y (S, o).

    Raises:
        ValueError: the penalty is not positive.
    """
    if not 0 < penalty < np.inf:
        raise ValueError(f"penalty must be positive and finite, not {penalty}")
    features = np.maximum(V @ A.T + b, 0)  # (S, m)
    gram = features.T @ features
    gram[np.diag_indices_from(gram)] += penalty * np.trace(gram) / len(gram)
    return Units(A, b, np.linalg.solve(gram, features.T @ Y).T)
