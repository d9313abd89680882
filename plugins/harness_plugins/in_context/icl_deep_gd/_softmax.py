"""The variant with softmax attention: four layers for a step, the gradient of one example approximated by MLPs.

The paper has it from universal approximation, without weights. Here they come from random features and least squares:
two token-wise MLPs map [x; y; w] to the gradient g of the example's own loss, a softmax head that scores all tokens
alike takes the mean over them, an MLP projects and clears. How good that is depends on the number of features m, and
on the prompt being like those that the least squares saw; nothing of the ReLU construction's accuracy is claimed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from harness_plugins.in_context.icl_deep_gd._layout import Layout
from harness_plugins.in_context.icl_deep_gd._problem import Descent
from harness_plugins.in_context.icl_deep_gd._reference import gradient, trajectory

_MASK = 1e3
"""Larger than any feature: what hides the query."""
_PROMPTS = 64
"""Prompts like the one at hand, drawn from its examples, whose descents say where gradients are needed."""
_SAMPLES = 8
"""Gradients that are fitted, for each feature."""
_JITTER = 0.3
"""Noise on examples and weights of the sample, in standard deviations."""
_PENALTY = 1e-8
"""Of the least squares, for each sample."""


@dataclass(frozen=True)
class Mlp:
    """Two layers on each token by itself: h <- h + W_2 relu(W_1 h + b_1)."""

    W_1: Tensor
    """(units, D)"""
    b_1: Tensor
    """(units,)"""
    W_2: Tensor
    """(D, units)"""

    def __call__(self, h: Tensor) -> Tensor:
        """h (..., D) -> (..., D)."""
        return h + (h @ self.W_1.T + self.b_1).relu() @ self.W_2.T


@dataclass(frozen=True)
class SoftmaxAttention:
    """One head: h_i <- h_i + sum_s softmax_s(<Q h_i, K h_s>) V h_s."""

    Q: Tensor
    """(1, D)"""
    K: Tensor
    """(1, D)"""
    V: Tensor
    """(D, D)"""

    def __call__(self, h: Tensor) -> Tensor:
        """h (T, D) -> (T, D)."""
        return h + ((h @ self.Q.T) @ (h @ self.K.T).T).softmax(-1) @ (h @ self.V.T)


class SoftmaxDescent:
    """The four layers of a step, their weights fitted to one prompt's examples and start.

    A token is [x; y; w; 1; t; h; g]: t is 0 in the query, h holds the features of the first MLP, g a gradient.
    """

    def __init__(
        self,
        layout: Layout,
        descent: Descent,
        X: Tensor,
        Y: Tensor,
        w: Tensor,
        steps: int,
        features: int,
        generator: torch.Generator,
    ) -> None:
        """Fit the MLPs where gradient descent on prompts like this one goes.

        Args:
            layout: of x, y and w.
            descent: the algorithm.
            X: inputs of the examples, (n, d_0).
            Y: their labels, (n, d_N).
            w: where the descent starts, (|w|,).
            steps: how long it will go on.
            features: hidden units of either MLP, m.
            generator: of the features and of the sample they are fitted on.

        Raises:
            ValueError: there are no features.
        """
        if features < 1:
            raise ValueError(f"features must be at least 1, not {features}")
        self._layout, self._n = layout, len(X)
        self._one = layout.w.stop
        self._h = slice(self._one + 2, self._one + 2 + features)
        self._g = slice(self._h.stop, self._h.stop + len(w))
        first, second = self._first(features, generator), self._second(features, generator)
        x, y, v = _samples(layout, descent, X, Y, w, steps, _SAMPLES * features, generator)
        wanted = gradient(layout, descent.activation, v, x[:, None], y[:, None])
        seen = (first(self._tokens(x, y, v, 1.0)) @ second.W_1.T + second.b_1).relu()  # (samples, m)
        gram = seen.T @ seen + _PENALTY * len(seen) * torch.eye(features, dtype=torch.float64)
        second.W_2[self._g] = torch.linalg.solve(gram, seen.T @ wanted).T
        self.layers: list[Mlp | SoftmaxAttention] = [
            first,
            second,
            self._mean(descent.learning_rate),
            self._project_and_clear(descent.box),
        ]

    def run(self, X: Tensor, Y: Tensor, w: Tensor, steps: int) -> Iterator[Tensor]:
        """X (n+1, d_0), Y (n, d_N), w (|w|,): the tokens (n+1, D) behind every layer, 4 steps times."""
        labels = torch.cat([Y, torch.zeros_like(Y[:1])])
        h = self._tokens(X, labels, w.expand(len(X), -1), 1.0)
        h[-1, self._one + 1] = 0.0
        for _ in range(steps):
            for layer in self.layers:
                h = layer(h)
                yield h

    def weights(self) -> dict[str, Tensor]:
        """The matrices of the four layers: `layer-1.W_1` and so on."""
        return {
            f"layer-{i}.{name}": weight
            for i, layer in enumerate(self.layers, 1)
            for name, weight in vars(layer).items()
        }

    def _tokens(self, x: Tensor, y: Tensor, w: Tensor, t: float) -> Tensor:
        """x (c, d_0), y (c, d_N), w (c, |w|) -> (c, D)."""
        h = x.new_zeros(len(x), self._g.stop)
        h[:, : self._one] = torch.cat([x, y, w], dim=1)
        h[:, self._one], h[:, self._one + 1] = 1.0, t
        return h

    def _empty(self, units: int) -> Mlp:
        D = self._g.stop
        W_1, b_1, W_2 = torch.zeros(units, D), torch.zeros(units), torch.zeros(D, units)
        return Mlp(W_1.double(), b_1.double(), W_2.double())

    def _first(self, features: int, generator: torch.Generator) -> Mlp:
        """Layer 1: random features of [x; y; w] into h."""
        mlp, inputs = self._empty(features), self._one
        mlp.W_1[:, :inputs] = _normal(generator, features, inputs) * (2 / inputs) ** 0.5
        mlp.b_1[:] = _normal(generator, features)
        mlp.W_2[self._h] = torch.eye(features)
        return mlp

    def _second(self, features: int, generator: torch.Generator) -> Mlp:
        """Layer 2: random features of h, none in the query; what reads them into g is fitted afterwards."""
        mlp = self._empty(features)
        mlp.W_1[:, self._h] = _normal(generator, features, features) * (2 / features) ** 0.5
        mlp.W_1[:, self._one + 1] = _MASK
        mlp.b_1[:] = _normal(generator, features) - _MASK
        return mlp

    def _mean(self, learning_rate: float) -> SoftmaxAttention:
        """Layer 3: w <- w - eta (n+1)/n times the mean of g over all tokens, the query's being 0."""
        D = self._g.stop
        V = torch.zeros(D, D, dtype=torch.float64)
        rows = torch.arange(len(self._layout.w))
        V[self._layout.w.start + rows, self._g.start + rows] = -learning_rate * (self._n + 1) / self._n
        return SoftmaxAttention(torch.zeros(1, D).double(), torch.zeros(1, D).double(), V)

    def _project_and_clear(self, box: float) -> Mlp:
        """Layer 4: weights cut to [-B, B]; h, which is not negative, and g back to 0."""
        weights, h, g = self._layout.w, range(self._h.start, self._h.stop), range(self._g.start, self._g.stop)
        units = [(slot, sign, -box) for slot in weights for sign in (1.0, -1.0)]
        units += [(slot, 1.0, 0.0) for slot in h] + [(slot, sign, 0.0) for slot in g for sign in (1.0, -1.0)]
        slots, signs, biases = zip(*units, strict=True)
        mlp, unit = self._empty(len(units)), torch.arange(len(units))
        mlp.W_1[unit, slots], mlp.W_2[slots, unit] = torch.tensor(signs).double(), -torch.tensor(signs).double()
        mlp.b_1[:] = torch.tensor(biases)
        return mlp


def _samples(
    layout: Layout,
    descent: Descent,
    X: Tensor,
    Y: Tensor,
    w: Tensor,
    steps: int,
    count: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """Examples (c, d_0) and (c, d_N) at weights (c, |w|) that descents from w on jittered copies of a prompt meet."""
    n = len(X)
    drawn = torch.randint(n, (_PROMPTS, n), generator=generator)
    x, y = (
        values[drawn] + _JITTER * values.std(0, correction=0) * _normal(generator, _PROMPTS, *values.shape)
        for values in (X, Y)
    )
    paths = trajectory(layout, descent, w.expand(_PROMPTS, -1), x, y, steps)  # (steps + 1, prompts, |w|)
    prompt, example, step = (torch.randint(most, (count,), generator=generator) for most in (_PROMPTS, n, steps + 1))
    at = paths[step, prompt]
    return x[prompt, example], y[prompt, example], at + _JITTER * paths.std((0, 1)) * _normal(generator, *at.shape)


def _normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)
