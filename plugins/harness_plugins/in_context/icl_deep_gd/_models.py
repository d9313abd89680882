"""The transformers and what they are compared with: models of this paper's task and of the family's arena."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from harness import Context
from harness_plugins.in_context.arenas import direct_training, estimators
from harness_plugins.in_context.arenas.direct_training import on_prefixes
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.icl_deep_gd._layout import Layout
from harness_plugins.in_context.icl_deep_gd._problem import Descent, Path, Trained, Training, initial_weights
from harness_plugins.in_context.icl_deep_gd._sums import Activation

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from harness_plugins.in_context.icl_deep_gd._transformer import DescentTransformer


class Job(NamedTuple):
    """What gradient descent is to do with B prompts."""

    layout: Layout
    descent: Descent
    steps: int
    X: Tensor
    """Inputs of the examples, (B, n, d_0)."""
    Y: Tensor
    """Labels, (B, n, 1)."""
    w: Tensor
    """Where to start, (B, |w|)."""
    queries: Tensor
    """(B, q, d_0)"""


class Descended(NamedTuple):
    """What it came to."""

    path: Tensor
    """Weights before the first step and after each, (steps + 1, B, |w|)."""
    answers: Tensor
    """Outputs at the queries, (B, q, 1)."""
    spread: float | None = None
    """As in `Trained`, like the next two."""
    layers: int | None = None
    heads: int | None = None


@dataclass
class _GradientDescent:
    """Gradient descent on a network, as the task of this paper wants it, or as an estimator of the arena.

    The task says what the network is and how to train it. In the arena, the prefixes of a prompt train one each from
    the same start, with these parameters.
    """

    layers: int = 3
    """Weight matrices N of the network (this and what follows: in the arena)."""
    hidden: int = 8
    """Units of each hidden layer."""
    steps: int = 200
    """Steps of gradient descent."""
    learning_rate: float = 0.05
    """Step size eta."""
    box: float = 5.0
    """Bound on each weight."""
    delta: float = 0.1
    """Width over which the activation's slope rises."""
    leak: float = 0.1
    """Slope of the activation below zero."""
    every: int = 1
    """Train anew after so many examples, counted from the last one; in between the last network answers."""
    start: int = 0
    """Seed of the weights it starts from."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"layers": 2, "hidden": 3, "steps": 3}}

    def __post_init__(self) -> None:
        if min(self.layers, self.hidden, self.steps, self.every) < 1:
            raise ValueError(
                f"layers, hidden, steps and every must be at least 1, not {self.layers}, {self.hidden}, {self.steps} "
                f"and {self.every}"
            )
        self._arena_descent()

    def train(self, problem: Training, context: Context) -> Trained:
        """Take the problem's steps from its start, and answer its queries."""
        import torch

        arrays = problem.X, problem.Y[:, None], problem.start, problem.queries
        tensors = (torch.from_numpy(array)[None] for array in arrays)
        job = Job(Layout(problem.widths), problem.descent, problem.steps, *tensors)
        found = self._descend(job, context.torch_generator())
        predictions, trajectory = found.answers[0, :, 0].numpy(), found.path[:, 0].numpy()
        return Trained(predictions, trajectory, found.spread, found.layers, found.heads)

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1); 0 before the first training."""
        return on_prefixes(self._fit, X, Y, self.every)

    def _fit(self, X: FloatArray, Y: FloatArray, queries: FloatArray) -> FloatArray:
        """Train on X (B, i, d), Y (B, i); answers to queries (B, q, d): (B, q)."""
        import torch

        layout = Layout((X.shape[2], *[self.hidden] * (self.layers - 1), 1))
        start = initial_weights(layout.widths, np.random.default_rng(self.start))
        w = np.broadcast_to(start, (len(X), len(start))).copy()
        tensors = (torch.from_numpy(array) for array in (X, Y[..., None], w, queries))
        job = Job(layout, self._arena_descent(), self.steps, *tensors)
        answers: FloatArray = self._descend(job, torch.Generator().manual_seed(self.start)).answers[..., 0].numpy()
        return answers

    def _arena_descent(self) -> Descent:
        return Descent(Activation("smooth-relu", self.delta, self.leak), self.learning_rate, self.box)

    def _descend(self, job: Job, generator: torch.Generator) -> Descended:
        raise NotImplementedError


@dataclass
class ExactGradientDescent(_GradientDescent):
    """The algorithm itself, by torch's autograd in float64: what the transformers are to equal."""

    def _descend(self, job: Job, generator: torch.Generator) -> Descended:
        from harness_plugins.in_context.icl_deep_gd._reference import outputs, trajectory

        path = trajectory(job.layout, job.descent, job.w, job.X, job.Y, job.steps)
        return Descended(path, outputs(job.layout, job.descent.activation, path[-1], job.queries))


@dataclass
class ReluTransformer(_GradientDescent):
    """2N + 4 layers of ReLU attention, MLPs and gates for each step of gradient descent (Theorem 1)."""

    terms: int = 32
    """ReLUs H that the activation's bend is made of; the weights are off by O(1 / H^2)."""
    mask: float = 100.0
    """Larger than any |f(w, x)|: what hides the query from the gradient."""
    path: Path = "fast"
    """Attention that uses what tokens share, linear in their number; or as it is defined (dense)."""

    def transformer(self, layout: Layout, descent: Descent, n: int) -> DescentTransformer:
        """The layers of one step for prompts of n examples; its `weights()` are all matrices."""
        from harness_plugins.in_context.icl_deep_gd._transformer import DescentTransformer

        return DescentTransformer(layout, descent, n, self.terms, self.mask, self.path)

    def _descend(self, job: Job, generator: torch.Generator) -> Descended:
        import torch

        transformer = self.transformer(job.layout, job.descent, job.X.shape[1])
        slots = slice(job.layout.w.start, job.layout.w.stop)
        path, spread, layers = [job.w], 0.0, 0
        with torch.no_grad():
            tokens = transformer.run(torch.cat([job.X, job.queries[:, :1]], dim=1), job.Y, job.w, job.steps)
            for layers, h in enumerate(tokens, 1):
                if layers % len(transformer.layers) == 0:
                    spread = max(spread, _spread(h[..., slots]))
                    path.append(h[:, -1, slots].clone())
            answers = transformer.read(job.queries, path[-1])
        return Descended(torch.stack(path), answers, spread, layers, transformer.heads())


@dataclass
class SoftmaxTransformer(_GradientDescent):
    """Four layers with softmax attention for each step; the gradient of an example comes from fitted MLPs."""

    features: int = 512
    """Hidden units of each of the two MLPs that approximate a gradient."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {**_GradientDescent.scales["smoke"], "features": 16}}

    def _descend(self, job: Job, generator: torch.Generator) -> Descended:
        import torch

        from harness_plugins.in_context.icl_deep_gd._reference import outputs
        from harness_plugins.in_context.icl_deep_gd._softmax import SoftmaxDescent

        slots = slice(job.layout.w.start, job.layout.w.stop)
        paths, spread, layers = [], 0.0, 0
        for X, Y, w, queries in zip(job.X, job.Y, job.w, job.queries, strict=True):
            transformer = SoftmaxDescent(job.layout, job.descent, X, Y, w, job.steps, self.features, generator)
            path = [w]
            for layers, h in enumerate(transformer.run(torch.cat([X, queries[:1]]), Y, w, job.steps), 1):
                if layers % len(transformer.layers) == 0:
                    spread = max(spread, _spread(h[None, :, slots]))
                    path.append(h[-1, slots].clone())
            paths.append(torch.stack(path))
        path_of_all = torch.stack(paths, dim=1)
        answers = outputs(job.layout, job.descent.activation, path_of_all[-1], job.queries)
        return Descended(path_of_all, answers, spread, layers, heads=1)


@dataclass
class DirectTraining(direct_training.DirectTraining):
    """The family's, which in this task trains a network of the problem's shape, with biases."""

    def train(self, problem: Training, context: Context) -> Trained:
        """Train by Adam from a start of its own."""
        hidden, leak = problem.widths[1:-1], problem.descent.activation.leak
        sized = replace(self, layers=len(hidden) + 1, hidden=max(hidden, default=1), leak=leak, start=context.seed)
        return Trained(sized.fit(problem.X[None], problem.Y[None], problem.queries[None])[0])


@dataclass
class Ridge(estimators.Ridge):
    """The family's: ridge regression on the inputs, what a network has to beat to have been worth training."""

    def train(self, problem: Training, context: Context) -> Trained:
        """Fit all examples."""
        from sklearn.linear_model import Ridge as SklearnRidge

        regressor = SklearnRidge(alpha=self.penalty, fit_intercept=False)
        return Trained(regressor.fit(problem.X, problem.Y).predict(problem.queries))


def _spread(copies: Tensor) -> float:
    """Largest difference between two tokens' copies (B, T, |w|)."""
    return float((copies.amax(1) - copies.amin(1)).max())
