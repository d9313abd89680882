"""The transformers and what they are compared with: models of this paper's task and of the family's arena."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np

from harness import Context
from harness_plugins.in_context.arenas.prompts import FloatArray, check_prompts
from harness_plugins.in_context.icl_deep_gd._tasks import Trained, Training, algorithm, start

if TYPE_CHECKING:
    import torch

    from harness_plugins.in_context.icl_deep_gd._layout import Layout
    from harness_plugins.in_context.icl_deep_gd._transformer import Descent

Path: TypeAlias = Literal["fast", "dense"]


class Descended(NamedTuple):
    """What gradient descent on B prompts came to."""

    path: torch.Tensor
    """Weights before the first step and after each, (steps + 1, B, |w|)."""
    answers: torch.Tensor
    """Outputs at the queries, (B, q, 1)."""
    spread: float | None = None
    """Largest difference between two tokens' copies of a weight, of a transformer."""
    layers: int | None = None
    """Layers that took the steps, of a transformer."""
    heads: int | None = None
    """Attention heads of a step, of a transformer."""


@dataclass
class _GradientDescent:
    """Gradient descent on a network, as it is trained in the task, or as an estimator of the arena.

    The task says what the network is and how to train it. In the arena, each prefix of a prompt trains one from the
    same start, with these parameters.
    """

    layers: int = 3
    """Weight matrices N of the network."""
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
    start: int = 0
    """Seed of the weights it starts from."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"layers": 2, "hidden": 3, "steps": 3}}

    def train(self, problem: Training, context: Context) -> Trained:
        """Take the problem's steps from its start, and answer its queries."""
        import torch

        layout, descent = algorithm(
            problem.widths, problem.activation, problem.learning_rate, problem.box, self._terms()
        )
        X, Y, w = (torch.from_numpy(array)[None] for array in (problem.X, problem.Y[:, None], problem.start))
        queries = torch.from_numpy(problem.queries)[None]
        generator = context.torch_generator()
        found = self._descend(layout, descent, X, Y, w, queries, problem.steps, generator)
        return Trained(
            found.answers[0, :, 0].numpy(), found.path[:, 0].numpy(), found.spread, found.layers, found.heads
        )

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1); before the first example that of the start."""
        import torch

        from harness_plugins.in_context.icl_deep_gd._reference import outputs

        batch, n, d = check_prompts(X, Y)
        widths = (d, *[self.hidden] * (self.layers - 1), 1)
        activation = {"name": "smooth-relu", "delta": self.delta, "leak": self.leak}
        layout, descent = algorithm(widths, activation, self.learning_rate, self.box, self._terms())
        w = torch.from_numpy(start(widths, np.random.default_rng(self.start))).expand(batch, -1)
        generator = torch.Generator().manual_seed(self.start)
        inputs, labels = torch.from_numpy(X), torch.from_numpy(Y)[..., None]
        answers = [outputs(layout, descent.activation, w, inputs[:, :1])]
        for i in range(1, n + 1):
            shown = inputs[:, :i], labels[:, :i], w, inputs[:, i : i + 1]
            answers.append(self._descend(layout, descent, *shown, self.steps, generator).answers)
        predictions: FloatArray = torch.cat(answers, dim=1)[..., 0].numpy()
        return predictions

    def _terms(self) -> int:
        """ReLUs that stand for the activation's bend, where they do."""
        return 32

    def _descend(
        self,
        layout: Layout,
        descent: Descent,
        X: torch.Tensor,
        Y: torch.Tensor,
        w: torch.Tensor,
        queries: torch.Tensor,
        steps: int,
        generator: torch.Generator,
    ) -> Descended:
        """Steps from w (B, |w|) on X (B, n, d), Y (B, n, 1), and the answers to queries (B, q, d)."""
        raise NotImplementedError


@dataclass
class ExactGradientDescent(_GradientDescent):
    """The algorithm itself, by torch's autograd in float64: what the transformers are to equal."""

    def _descend(
        self,
        layout: Layout,
        descent: Descent,
        X: torch.Tensor,
        Y: torch.Tensor,
        w: torch.Tensor,
        queries: torch.Tensor,
        steps: int,
        generator: torch.Generator,
    ) -> Descended:
        from harness_plugins.in_context.icl_deep_gd._reference import outputs, trajectory

        path = trajectory(layout, descent, w, X, Y, steps)
        return Descended(path, outputs(layout, descent.activation, path[-1], queries))


@dataclass
class ReluTransformer(_GradientDescent):
    """2N + 4 layers of ReLU attention, MLPs and gates for each step of gradient descent (Theorem 1)."""

    terms: int = 32
    """ReLUs H that the activation's bend is made of; the weights are off by O(1 / H^2)."""
    mask: float = 100.0
    """Larger than any |f(w, x) - y|: what hides the query from the gradient."""
    path: Path = "fast"
    """Attention that uses what tokens share, linear in their number; or as it is defined (dense)."""

    def weights(self, widths: tuple[int, ...], n: int) -> dict[str, torch.Tensor]:
        """Every matrix of one step's layers, for a network of those widths and n examples."""
        from harness_plugins.in_context.icl_deep_gd._transformer import DescentTransformer

        activation = {"name": "smooth-relu", "delta": self.delta, "leak": self.leak}
        layout, descent = algorithm(widths, activation, self.learning_rate, self.box, self.terms)
        return DescentTransformer(layout, descent, n, self.mask).weights()

    def _terms(self) -> int:
        return self.terms

    def _descend(
        self,
        layout: Layout,
        descent: Descent,
        X: torch.Tensor,
        Y: torch.Tensor,
        w: torch.Tensor,
        queries: torch.Tensor,
        steps: int,
        generator: torch.Generator,
    ) -> Descended:
        import torch

        from harness_plugins.in_context.icl_deep_gd._transformer import DescentTransformer

        transformer = DescentTransformer(layout, descent, X.shape[1], self.mask)
        path, spread = [w], 0.0
        with torch.no_grad():
            for h in transformer.run(torch.cat([X, queries[:, :1]], dim=1), Y, w, steps, self.path):
                copies = h[..., layout.w.start : layout.w.stop]
                spread = max(spread, float((copies.amax(1) - copies.amin(1)).max()))
                path.append(copies[:, -1].clone())
            answers = transformer.read(h, queries)
        return Descended(torch.stack(path), answers, spread, transformer.depth(steps), transformer.heads())


@dataclass
class SoftmaxTransformer(_GradientDescent):
    """Four layers with softmax attention for each step; the gradient of an example comes from fitted MLPs."""

    features: int = 512
    """Hidden units of each of the two MLPs that approximate a gradient."""

    def _descend(
        self,
        layout: Layout,
        descent: Descent,
        X: torch.Tensor,
        Y: torch.Tensor,
        w: torch.Tensor,
        queries: torch.Tensor,
        steps: int,
        generator: torch.Generator,
    ) -> Descended:
        import torch

        from harness_plugins.in_context.icl_deep_gd._reference import outputs
        from harness_plugins.in_context.icl_deep_gd._softmax import LAYERS_PER_STEP, SoftmaxDescent

        paths, spread = [], 0.0
        for x, y, v, query in zip(X, Y, w, queries, strict=True):
            transformer = SoftmaxDescent(layout, descent, x, y, v, steps, self.features, generator)
            path = [v]
            for copies in transformer.run(torch.cat([x, query[:1]]), y, v, steps):
                spread = max(spread, float((copies.amax(0) - copies.amin(0)).max()))
                path.append(copies[-1])
            paths.append(torch.stack(path))
        path_of_all = torch.stack(paths, dim=1)
        answers = outputs(layout, descent.activation, path_of_all[-1], queries)
        return Descended(path_of_all, answers, spread, LAYERS_PER_STEP * steps, 1)
