"""Matmul: how fast a structured layer is, beside `torch.nn.Linear` on the same machine at the same moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.context import Context
from harness.errors import InvalidOutcomeError
from harness.metrics import metric
from harness.tasks import Task
from harness_plugins.compression.arenas.structured_linear import BuildsLinear, Converts, count_params, params, share

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class MatmulInstance:
    """A batch of vectors."""

    x: NDArray[np.float32]
    """(batch, n)."""
    budget: int
    """The numbers the layer may store."""


@dataclass(frozen=True)
class MatmulOutcome:
    """What the clock said, in milliseconds, one sample per call."""

    forward: tuple[float, ...]
    """Forward calls, gradients off."""
    forward_peer: tuple[float, ...]
    """The same of `torch.nn.Linear`, each call next to one of the layer's."""
    train: tuple[float, ...]
    """Forward calls with the gradients of the inputs and of all parameters."""
    train_peer: tuple[float, ...]
    """The same of `torch.nn.Linear`."""
    flops: int
    """Floating-point operations in the matrix products of a forward call."""
    params: int
    """Numbers stored by the layer."""


@metric(unit="ms", direction="lower", timing=True)
def forward_ms(instance: MatmulInstance, outcome: MatmulOutcome) -> float:
    """Median time of a forward call without gradients."""
    return median(outcome.forward)


@metric(unit="ms", direction="lower", timing=True)
def forward_backward_ms(instance: MatmulInstance, outcome: MatmulOutcome) -> float:
    """Median time of a forward call and the gradients of inputs and parameters."""
    return median(outcome.train)


@metric(unit="1", direction="lower", timing=True)
def forward_ratio(instance: MatmulInstance, outcome: MatmulOutcome) -> float:
    """Median forward time over that of `torch.nn.Linear`, timed in turns with it; 1 is as fast."""
    return median(outcome.forward) / median(outcome.forward_peer)


@metric(unit="1", direction="lower", timing=True)
def forward_backward_ratio(instance: MatmulInstance, outcome: MatmulOutcome) -> float:
    """Median time of forward and backward over that of `torch.nn.Linear`, timed in turns with it."""
    return median(outcome.train) / median(outcome.train_peer)


@metric(unit="flop", direction="lower")
def flops(instance: MatmulInstance, outcome: MatmulOutcome) -> float:
    """Operations in the matrix products of a forward call, as torch counts them; elementwise ones are not counted."""
    return float(outcome.flops)


@dataclass
class Matmul(Task[MatmulInstance, BuildsLinear, MatmulOutcome]):
    """Time an n x n layer on a batch, one call a sample, taking turns with `torch.nn.Linear` in the same process."""

    n: int = 4096
    """Inputs and outputs of the layer."""
    batch: int = 512
    """Vectors per call."""
    density: float = 1 / 32
    """Numbers the layer may store, as a share of the n^2 of a dense one; 2 / sqrt(n) for sqrt(n) Monarch blocks."""
    warmups: int = 3
    """Calls before the clock counts."""
    repeats: int = 9
    """Calls that count; their median is reported."""

    protocol: ClassVar[type] = BuildsLinear
    metrics: ClassVar = (forward_ms, forward_backward_ms, forward_ratio, forward_backward_ratio, flops, params)
    scales: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"n": 64, "batch": 16, "density": 0.25, "warmups": 1, "repeats": 3},
        "paper": {"n": 16384, "batch": 4096, "density": 1 / 64},
    }
    timed: ClassVar[bool] = True

    def instance(self, context: Context) -> MatmulInstance:
        """Gaussian vectors.

        Raises:
            ValueError: no calls to time, no vectors, or a density that is not in (0, 1].
        """
        if min(self.n, self.batch, self.repeats) < 1 or self.warmups < 0:
            raise ValueError("n, batch and repeats must be at least 1, warmups not negative")
        x = context.rng.standard_normal((self.batch, self.n)).astype(np.float32)
        return MatmulInstance(x, share(self.density, self.n, self.n))

    def run(self, model: BuildsLinear, instance: MatmulInstance, context: Context) -> MatmulOutcome:
        """Build the layer, check what it returns, time it.

        Raises:
            InvalidOutcomeError: the output has the wrong shape or dtype, or is not finite.
        """
        import torch
        from torch.utils.flop_counter import FlopCounterMode

        from harness_plugins.compression.arenas._layers import random_dense

        place = {"device": context.backend.device, "dtype": context.backend.torch_dtype()}
        generator = context.torch_generator()
        layer = model.build_linear(self.n, self.n, instance.budget, generator)
        if isinstance(model, Converts):
            layer = model.convert(layer, instance.budget, generator)
        layer, peer = layer.to(**place), random_dense(self.n, self.n, generator).to(**place)
        x = torch.tensor(instance.x, **place)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            _require_legal(layer(x), x)
        pair = [context.backend.compile(layer), context.backend.compile(peer)]
        with torch.no_grad():
            forward = self._in_turns([partial(net, x) for net in pair], context)
        x.requires_grad_()
        train = self._in_turns([partial(_gradients, net, x) for net in pair], context)
        return MatmulOutcome(forward[0], forward[1], train[0], train[1], counter.get_total_flops(), count_params(layer))

    def _in_turns(self, calls: Sequence[Callable[[], object]], context: Context) -> list[tuple[float, ...]]:
        """Milliseconds of each call after the warm-up, in turns, so that other load on the machine hits all alike."""
        samples: list[list[float]] = [[] for _ in calls]
        for turn in range(self.warmups + self.repeats):
            for call, times in zip(calls, samples, strict=True):
                context.backend.synchronize()
                start = time.perf_counter()
                call()
                context.backend.synchronize()
                if turn >= self.warmups:
                    times.append(1e3 * (time.perf_counter() - start))
        return [tuple(times) for times in samples]


def _gradients(layer: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    """A forward call, and the gradients of the inputs and of all parameters for an upstream gradient of ones."""
    import torch

    y = layer(x)
    gradients: tuple[Tensor, ...] = torch.autograd.grad(y, [x, *layer.parameters()], torch.ones_like(y))
    return gradients


def _require_legal(y: Tensor, x: Tensor) -> None:
    if y.shape != x.shape or y.dtype != x.dtype:
        raise InvalidOutcomeError(f"made {tuple(y.shape)} {y.dtype} of {tuple(x.shape)} {x.dtype}")
    if not y.isfinite().all():
        raise InvalidOutcomeError("the output is not finite")
