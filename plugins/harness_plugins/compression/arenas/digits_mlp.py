"""DigitsMlp: a small image classifier trained from scratch with structured layers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.context import Context
from harness.errors import InvalidOutcomeError
from harness.metrics import metric
from harness.operations import Operation
from harness.tasks import Task
from harness_plugins.compression.arenas.structured_linear import (
    BuildsLinear,
    Converts,
    count_params,
    params,
    place,
    share,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.optim import Adam

    from harness_plugins.compression.arenas._layers import Mlp


@dataclass(frozen=True)
class DigitsInstance:
    """Handwritten digits, split, and the order in which they are seen."""

    x_train: NDArray[np.float32]
    """(train, 64): 8 x 8 pixels in [-1, 1]."""
    y_train: NDArray[np.int64]
    """(train,): the digits, 0 to 9."""
    x_test: NDArray[np.float32]
    """(test, 64)."""
    y_test: NDArray[np.int64]
    """(test,)."""
    batches: NDArray[np.int64]
    """(steps, batch): the training examples of each step, the same for all models."""


@dataclass(frozen=True)
class DigitsOutcome:
    """What a trained network says of the test images."""

    log_probabilities: NDArray[np.float64]
    """(test, 10)."""
    params: int
    """Numbers stored by the structured layers at the end of training."""
    seconds: float
    """The time training took, conversions of layers included."""


@metric(unit="1", direction="higher")
def accuracy(instance: DigitsInstance, outcome: DigitsOutcome) -> float:
    """Share of the test images whose digit is the most probable one."""
    return float((outcome.log_probabilities.argmax(axis=1) == instance.y_test).mean())


@metric(unit="nats", direction="lower")
def test_nats(instance: DigitsInstance, outcome: DigitsOutcome) -> float:
    """Mean negative log probability of the test digits."""
    return float(-np.take_along_axis(outcome.log_probabilities, instance.y_test[:, None], axis=1).mean())


@metric(unit="s", direction="lower", timing=True)
def train_seconds(instance: DigitsInstance, outcome: DigitsOutcome) -> float:
    """Wall-clock time of training."""
    return outcome.seconds


@dataclass
class DigitsMlp(Task[DigitsInstance, BuildsLinear, DigitsOutcome]):
    """Train 64 - width - width - 10 on scikit-learn's digits; both hidden layers are the model's.

    Biases and the output layer (10 x width, too small to be worth a structure) are dense and the same for all.
    """

    width: int = 256
    """Units of each hidden layer."""
    density: float = 0.125
    """Numbers that a hidden layer may store, as a share of its dense matrix."""
    steps: int = 600
    """Adam steps."""
    batch: int = 128
    """Images per step."""
    learning_rate: float = 2e-3
    """Adam's, at the first step; falls to zero along a cosine."""
    test_share: float = 0.25
    """Share of the 1797 images that is held out."""

    protocol: ClassVar[type] = BuildsLinear
    metrics: ClassVar = (accuracy, test_nats, params, train_seconds)
    operations: ClassVar[tuple[str, ...]] = ("train-step",)
    scales: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"width": 64, "density": 0.25, "steps": 80, "batch": 64, "learning_rate": 0.01},
        "paper": {"width": 1024, "steps": 3000},
    }

    def instance(self, context: Context) -> DigitsInstance:
        """A random split, and batches of distinct images drawn afresh for each step.

        Raises:
            ValueError: no steps, no test images, or batches larger than the training set.
        """
        from sklearn.datasets import load_digits

        pixels, digits = load_digits(return_X_y=True)
        x, y = (pixels / 8 - 1).astype(np.float32), digits.astype(np.int64)
        order = context.rng.permutation(len(y))
        held_out = round(self.test_share * len(y))
        test, train = order[:held_out], order[held_out:]
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, not {self.steps}")
        if not len(test) or not 1 <= self.batch <= len(train):
            raise ValueError(f"{len(test)} test and {len(train)} training images allow no batches of {self.batch}")
        batches = np.stack([context.rng.choice(len(train), self.batch, replace=False) for _ in range(self.steps)])
        return DigitsInstance(x[train], y[train], x[test], y[test], batches)

    def run(self, model: BuildsLinear, instance: DigitsInstance, context: Context) -> DigitsOutcome:
        """Train and predict.

        Raises:
            InvalidOutcomeError: a layer has outputs of the wrong shape, or the predictions are not finite.
        """
        import torch

        network = self._build(model, context)
        with context.phase("train"):
            self._train(network, model, instance, context)
        with torch.no_grad():
            logits = network(torch.tensor(instance.x_test, **place(context))).double().cpu()  # (test, 10)
        if not logits.isfinite().all():
            raise InvalidOutcomeError("the trained network's outputs are not finite")
        stored = sum(count_params(layer) for layer in network.hidden)
        return DigitsOutcome(logits.log_softmax(1).numpy(), stored, context.seconds["train"])

    def operation(self, name: str, model: BuildsLinear, instance: DigitsInstance, context: Context) -> Operation:
        """A training step on the first batch, with the layers that training starts with.

        The step size is zero: nothing of the arithmetic is saved, and the weights stay. The loss has to be finite.

        Raises:
            InvalidOutcomeError: a layer has outputs of the wrong shape.
        """
        import torch
        from torch.optim import Adam

        network = self._build(model, context)
        optimizer = Adam(network.parameters(), lr=0.0)
        first = instance.batches[0]
        x = torch.tensor(instance.x_train[first], **place(context))
        y = torch.tensor(instance.y_train[first], device=context.backend.device)

        def train_step() -> Tensor:
            return _train_step(network, optimizer, x, y)

        def check(loss: Tensor) -> None:
            if not loss.isfinite():
                raise InvalidOutcomeError("the loss is not finite")

        return Operation(train_step, check, items=len(first), item="image")

    def _build(self, model: BuildsLinear, context: Context) -> Mlp:
        import torch

        from harness_plugins.compression.arenas._layers import Mlp

        generator = context.torch_generator()
        hidden = []
        for n_in, n_out in pairwise(self._widths):
            layer = model.build_linear(n_in, n_out, share(self.density, n_in, n_out), generator)
            if (found := tuple(layer(torch.zeros(2, n_in)).shape)) != (2, n_out):
                raise InvalidOutcomeError(f"a {n_in} -> {n_out} layer made {found} of inputs of shape {(2, n_in)}")
            hidden.append(layer)
        network: Mlp = Mlp(hidden, self._widths[1:], classes=10, generator=generator).to(**place(context))
        return network

    def _train(self, network: Mlp, model: BuildsLinear, instance: DigitsInstance, context: Context) -> None:
        import torch
        from torch.optim import Adam

        x = torch.tensor(instance.x_train, **place(context))
        y = torch.tensor(instance.y_train, device=context.backend.device)
        order = torch.tensor(instance.batches, device=context.backend.device)  # (steps, batch)
        convert_step = _convert_step(model, len(order)) if isinstance(model, Converts) else None
        optimizer = Adam(network.parameters())
        for step, batch in enumerate(order):
            if isinstance(model, Converts) and step == convert_step:
                self._convert(network, model, context.torch_generator())
                optimizer = Adam(network.parameters())  # moments of the old form mean nothing to the new
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate * (1 + math.cos(math.pi * step / len(order))) / 2
            _train_step(network, optimizer, x[batch], y[batch])
        if isinstance(model, Converts) and convert_step == len(order):
            self._convert(network, model, context.torch_generator())

    def _convert(self, network: Mlp, model: Converts, generator: torch.Generator) -> None:
        """Give the hidden layers the form in which the model finishes."""
        for index, (n_in, n_out) in enumerate(pairwise(self._widths)):
            budget = share(self.density, n_in, n_out)
            network.hidden[index] = model.convert(network.hidden[index], budget, generator)

    @property
    def _widths(self) -> tuple[int, int, int]:
        return 64, self.width, self.width


def _train_step(network: Mlp, optimizer: Adam, x: Tensor, y: Tensor) -> Tensor:
    """One step on images (batch, 64) and their digits (batch,); the loss before it, in nats."""
    from torch.nn.functional import cross_entropy

    loss: Tensor = cross_entropy(network(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def _convert_step(model: Converts, steps: int) -> int:
    """The step before which the model's layers are converted; `steps` itself for after the last."""
    if not 0 <= model.convert_at <= 1:
        raise ValueError(f"convert_at is a share of the training steps, between 0 and 1, not {model.convert_at}")
    return round(model.convert_at * steps)
