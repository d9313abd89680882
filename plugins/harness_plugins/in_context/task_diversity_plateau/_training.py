"""How the networks of a schedule are trained: side by side, their weights stacked, with one optimiser for all.

Shapes: K networks, B prompts of a step for each, n examples and a query in a prompt of d features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.optim import Adam

from harness_plugins.in_context.arenas._prompted import Prompted, build
from harness_plugins.in_context.arenas.laws.law import Drawn
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.task_diversity_plateau._course import Course, Method, Regimen, Stage, law

WARM_UP = 100
"""Steps until the learning rate is reached; it stays there, so that no escape hangs on the length of the budget."""
LARGEST_GRADIENT = 1.0
"""Norm to which the gradient of each network is cut."""


class Networks:
    """K networks of one architecture, which begin with the same weights and share nothing afterwards."""

    def __init__(self, skeleton: Prompted, count: int, method: Method, learning_rate: float) -> None:
        """Args: a network with the first weights; K; how to run them; the step size of Adam.

        Raises:
            ValueError: vmap is to run a recurrent network, for which torch has no rule.
        """
        if method == "vmap" and any(isinstance(part, torch.nn.LSTM) for part in skeleton.modules()):
            raise ValueError("vmap has no rule for LSTMs; their method is loop")
        self._skeleton, self._method, self._rate = skeleton, method, learning_rate
        self.weights = {
            name: weight.detach().expand(count, *weight.shape).clone().requires_grad_()
            for name, weight in skeleton.named_parameters()
        }
        for weight in self.weights.values():
            weight.grad = torch.zeros_like(weight)
        self._modules = [self._view(k) for k in range(count)] if method == "loop" else []
        self._optimizer = Adam(self.weights.values(), lr=learning_rate, fused=True)

    def __call__(self, X: Tensor, Y: Tensor) -> Tensor:
        """X (K, B, n+1, d), Y (K, B, n) -> predictions (K, B, n+1), each network's for its own prompts."""
        if self._method == "loop":
            return torch.stack([module(x, y) for module, x, y in zip(self._modules, X, Y, strict=True)])
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernel has no rule for a further axis
            predictions: Tensor = vmap(self._one)(self.weights, X, Y)
        return predictions

    def step(self, X: Tensor, Y: Tensor, targets: Tensor, pace: float) -> Tensor:
        """A step of Adam at a share `pace` of the learning rate: the losses (K,) before it.

        Args:
            X: inputs, (K, B, n+1, d).
            Y: labels that are shown, (K, B, n).
            targets: what is to be predicted at each position, all of which count alike, (K, B, n+1).
            pace: between 0 and 1.
        """
        losses = ((self(X, Y) - targets) ** 2).mean(dim=(1, 2))
        self._optimizer.zero_grad(set_to_none=False)  # the modules hold views of these gradients
        losses.sum().backward()
        self._cut()
        self._optimizer.param_groups[0]["lr"] = pace * self._rate
        self._optimizer.step()
        return losses.detach()

    def _cut(self) -> None:
        """Cut the gradient of each network to its largest norm."""
        gradients = [weight.grad for weight in self.weights.values() if weight.grad is not None]
        norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients]).norm(dim=0)  # (K,)
        shares = (LARGEST_GRADIENT / (norms + 1e-6)).clamp(max=1)  # as torch's clip_grad_norm_ has it
        for gradient in gradients:
            gradient.mul_(shares.view(-1, *[1] * (gradient.ndim - 1)))

    def _one(self, weights: Mapping[str, Tensor], X: Tensor, Y: Tensor) -> Tensor:
        answered: Tensor = functional_call(self._skeleton, dict(weights), (X, Y))
        return answered

    def _view(self, k: int) -> Prompted:
        """Network k as a module, whose weights and gradients are its part of the stacked ones."""
        module = deepcopy(self._skeleton)
        for name, weight in module.named_parameters():
            stacked = self.weights[name]
            assert stacked.grad is not None
            weight.data, weight.grad = stacked.data[k], stacked.grad[k]
        return module


def train(
    *,
    course: Course,
    regimen: Regimen,
    architecture: Mapping[str, Any],
    learning_rate: float,
    method: Method,
    seed: int,
) -> dict[str, FloatArray]:
    """Train the regimen's networks on fresh prompts.

    Returns:
        `predictions`, (looks, F, P): at every look, for the query of each of a family's P test prompts.
    """
    networks = Networks(build(course.n, course.d, architecture, seed), len(regimen.networks), method, learning_rate)
    stream, looks, answers = batches(course, regimen, seed), course.looks(), []
    shown = tests(course, len(regimen.networks))
    for step in range(course.steps + 1):
        if step in looks:
            with torch.inference_mode():
                predictions = networks(*shown)[..., -1]  # (K, F P / K)
            answers.append(predictions.double().numpy().reshape(len(course.families), course.prompts))
        if step < course.steps:
            networks.step(*next(stream), pace=min(1.0, (step + 1) / WARM_UP))
    return {"predictions": np.stack(answers)}


def train_step(
    *, course: Course, regimen: Regimen, architecture: Mapping[str, Any], method: Method
) -> tuple[Callable[[], FloatArray], int]:
    """The first step, at rate 0, to be repeated; and the prompts of it, of all networks together."""
    networks = Networks(build(course.n, course.d, architecture, 0), len(regimen.networks), method, 0.0)
    first = next(batches(course, regimen, 0))

    def step() -> FloatArray:
        losses: FloatArray = networks.step(*first, pace=1.0).double().numpy()
        return losses

    return step, first[1].shape[0] * first[1].shape[1]


def tests(course: Course, count: int) -> tuple[Tensor, Tensor]:
    """The test prompts, dealt to K networks: X (K, F P / K, n+1, d), Y (K, F P / K, n); one network reads all."""
    X, Y, _ = (np.stack(parts) for parts in zip(*course.tests(), strict=True))  # (F, P, n+1, d), (F, P, n)
    return _tensor(X.reshape(count, -1, *X.shape[2:])), _tensor(Y.reshape(count, -1, Y.shape[-1]))


def batches(course: Course, regimen: Regimen, seed: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """X (K, B, n+1, d), Y (K, B, n), targets (K, B, n+1) of each step, as Algorithm 1 of the paper draws them."""
    rng = np.random.default_rng(seed)
    timetables = [[stage for stage in stages for _ in range(stage.steps)] for stages in regimen.networks]
    for stages in zip(*timetables, strict=True):
        drawn = [draw(course, stage, rng) for stage in stages]
        X, Y, targets = (_tensor(np.stack(parts)) for parts in zip(*drawn, strict=True))
        yield X, Y, targets


def draw(course: Course, stage: Stage, rng: np.random.Generator) -> Drawn:
    """A batch in which each prompt is of a family drawn uniformly; nothing in a prompt says of which.

    Prompts of one family stand together, which a mean over the batch cannot see.
    """
    counts = rng.multinomial(stage.batch, np.full(len(stage.families), 1 / len(stage.families)))
    parts = [
        law(family, stage.d, course.n, course.few).draw(rng, int(count))
        for family, count in zip(stage.families, counts, strict=True)
        if count
    ]
    X, Y, targets = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Drawn(np.pad(X, ((0, 0), (0, 0), (0, course.d - stage.d))), Y, targets)


def _tensor(array: FloatArray) -> Tensor:
    return torch.from_numpy(array).float()
