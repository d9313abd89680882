"""The variant with softmax attention: four layers for a step, the gradient of one example approximated by MLPs.

The paper has it from universal approximation, without weights. Here they come from random features and least squares:
two token-wise MLPs map [x; y; w] to the gradient g of the example's own loss, a uniform softmax head takes the mean
over the tokens, an MLP projects and clears. How good that is depends on the number of features; nothing of the ReLU
construction's accuracy is claimed for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from harness_plugins.in_context.icl_deep_gd._layout import Layout
from harness_plugins.in_context.icl_deep_gd._reference import loss, trajectory
from harness_plugins.in_context.icl_deep_gd._transformer import Descent

LAYERS_PER_STEP = 4
"""Two MLPs, one layer of attention, one MLP."""
_MASK = 1e3
"""Larger than any feature: what hides the query."""
_PROMPTS = 64
"""Prompts like the one at hand, drawn from its examples, whose descents say where gradients are needed."""
_SAMPLES = 8
"""Gradients that are fitted, for each feature."""
_JITTER = 0.3
"""Noise on examples and weights of the sample, in standard deviations."""


class SoftmaxDescent:
    """The four layers of one step, fitted to one prompt's examples and start; tokens are [x; y; w; t; h; g].

    h has room for the features of the first MLP, g for a gradient.
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
        """
        self._layout, self._descent = layout, descent
        inputs = X.shape[1] + Y.shape[1] + len(w)

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64)

        self.W_1, self.b_1 = normal(features, inputs) * (2 / inputs) ** 0.5, normal(features)
        self.W_2, self.b_2 = normal(features, features) * (2 / features) ** 0.5, normal(features)
        n, count = len(X), _SAMPLES * features
        drawn = torch.randint(n, (_PROMPTS, n), generator=generator)
        x, y = (values[drawn] + _JITTER * values.std(0) * normal(_PROMPTS, *values.shape) for values in (X, Y))
        paths = trajectory(layout, descent, w.expand(_PROMPTS, -1), x, y, steps)  # (steps + 1, prompts, |w|)
        prompt, example, step = (
            torch.randint(most, (count,), generator=generator) for most in (_PROMPTS, n, steps + 1)
        )
        x, y, v = x[prompt, example], y[prompt, example], paths[step, prompt]
        v = v + _JITTER * paths.std((0, 1)) * normal(*v.shape)
        hidden = self._second(self._first(torch.cat([x, y, v], dim=1)), torch.ones(count, 1, dtype=torch.float64))
        gram = hidden.T @ hidden + 1e-8 * count * torch.eye(features, dtype=torch.float64)
        self.W_3 = torch.linalg.solve(gram, hidden.T @ self._gradients(x, y, v)).T  # (|w|, m)

    def run(self, X: Tensor, Y: Tensor, w: Tensor, steps: int) -> Iterator[Tensor]:
        """X (n+1, d_0), Y (n, d_N), w (|w|,): the weights in all tokens after each step, (n+1, |w|)."""
        length = len(X)
        labels = torch.cat([Y, torch.zeros_like(Y[:1])])
        t = torch.ones(length, 1, dtype=torch.float64)
        t[-1] = 0.0
        held = w.expand(length, -1)
        rate = self._descent.learning_rate * length / (length - 1)
        for _ in range(steps):
            h = self._first(torch.cat([X, labels, held], dim=1))  # layer 1
            g = self._second(h, t) @ self.W_3.T  # layer 2: 0 in the query
            uniform = torch.zeros(length, length, dtype=torch.float64).softmax(-1)  # layer 3: queries and keys are 0
            held = held - rate * (uniform @ g)
            held = held.clamp(-self._descent.box, self._descent.box)  # layer 4, which clears h and g too
            yield held

    def _first(self, tokens: Tensor) -> Tensor:
        """relu(W_1 [x; y; w] + b_1), (..., m)."""
        return (tokens @ self.W_1.T + self.b_1).relu()

    def _second(self, h: Tensor, t: Tensor) -> Tensor:
        """relu(W_2 h + b_2 + M t - M), (..., m): nothing in the query, where t is 0."""
        return (h @ self.W_2.T + self.b_2 + _MASK * t - _MASK).relu()

    def _gradients(self, x: Tensor, y: Tensor, v: Tensor) -> Tensor:
        """Gradients of the loss of each example (c, d_0), (c, d_N) at its own weights (c, |w|): (c, |w|)."""
        with torch.enable_grad():
            v = v.detach().requires_grad_()
            total = loss(self._layout, self._descent.activation, v, x[:, None], y[:, None]).sum()
            return torch.autograd.grad(total, v)[0]
