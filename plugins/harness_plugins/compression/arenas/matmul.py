"""Matmul: how fast a structured layer is, beside `torch.nn.Linear` on the same machine at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness import timing
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
    from torch import Tensor, nn


@dataclass(frozen=True)
class MatmulInstance:
    """A batch of vectors."""

    x: NDArray[np.float32]
    """(batch, n)."""
    budget: int
    """The numbers the layer may store."""


@dataclass(frozen=True)
class Timed:
    """What the undisturbed calls took, or all of them where the machine left too few of those."""

    layer: float
    """Median milliseconds of the layer's."""
    ratio: float
    """The layer's time over the peer's, turn by turn: what slows the machine down for longer than a turn cancels."""
    undisturbed: float
    """Share of the calls, of the layer's or the peer's, whichever is less."""


@dataclass(frozen=True)
class MatmulOutcome:
    """What the clock said of the layer and, timed in turns with it, of `torch.nn.Linear`."""

    forward: Timed
    """Forward calls, gradients off."""
    train: Timed
    """Forward calls with the gradients of the inputs and of all parameters."""
    flops: int
    """Floating-point operations in the matrix products of a forward call."""
    params: int
    """Numbers stored by the layer."""


@metric(unit="ms", direction="lower", timing=True)
def forward_ms(instance: MatmulInstance, outcome: MatmulOutcome) -> float:
    """Median time of a forward call without gradients."""
    return outcome.forward.layer


@metric(unit="ms", direction="lower", timing=True)
def forward_backward_ms(instance: MatmulInstance, outcome: MatmulOutcome) -> float:
    """Median time of a forward call and the gradients of inputs and parameters."""
    return outcome.train.layer


@metric(unit="1", direction="lower", timing=True)
def forward_ratio(instance: MatmulInstance, outcome: MatmulOutcome) -> float:
    """Median forward time over that of `torch.nn.Linear`, timed in turns with it; 1 is as fast."""
    return outcome.forward.ratio


@metric(unit="1", direction="lower", timing=True)
def forward_backward_ratio(instance: MatmulInstance, outcome: MatmulOutcome) -> float:
    """Median time of forward and backward over that of `torch.nn.Linear`, timed in turns with it."""
    return outcome.train.ratio


@metric(unit="1", direction="higher", timing=True)
def undisturbed(instance: MatmulInstance, outcome: MatmulOutcome) -> float:
    """Share of the timed calls during which the machine did nothing else; near 0 the times say little of the layer."""
    return min(outcome.forward.undisturbed, outcome.train.undisturbed)


@metric(unit="flop", direction="lower")
def flops(instance: MatmulInstance, outcome: MatmulOutcome) -> float:
    """Operations in the matrix products of a forward call, as torch counts them; elementwise ones are not counted."""
    return float(outcome.flops)


@dataclass
class Matmul(Task[MatmulInstance, BuildsLinear, MatmulOutcome]):
    """Time an n x n layer on a batch, in turns with `torch.nn.Linear` in the same process: a few calls each at a time.

    The first call of a turn does not count: it finds the caches as the other left them.
    """

    n: int = 4096
    """Inputs and outputs of the layer."""
    batch: int = 512
    """Vectors per call."""
    density: float = 1 / 32
    """Numbers the layer may store, as a share of the n^2 of a dense one; 2 / sqrt(n) for sqrt(n) Monarch blocks."""
    repeats: int = 10
    """Undisturbed calls that are waited for, some seconds long; their median is reported."""

    protocol: ClassVar[type] = BuildsLinear
    metrics: ClassVar = (
        forward_ms,
        forward_backward_ms,
        forward_ratio,
        forward_backward_ratio,
        undisturbed,
        flops,
        params,
    )
    scales: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"n": 64, "batch": 16, "density": 0.25, "repeats": 5},
        "paper": {"n": 16384, "batch": 4096, "density": 1 / 64, "repeats": 5},
    }
    timed: ClassVar[bool] = True
    operations: ClassVar[tuple[str, ...]] = ("forward", "forward-backward")

    def instance(self, context: Context) -> MatmulInstance:
        """Gaussian vectors.

        Raises:
            ValueError: no calls to time, no vectors, or a density that is not in (0, 1].
        """
        if min(self.n, self.batch, self.repeats) < 1:
            raise ValueError("n, batch and repeats must be at least 1")
        x = context.rng.standard_normal((self.batch, self.n)).astype(np.float32)
        return MatmulInstance(x, share(self.density, self.n, self.n))

    def run(self, model: BuildsLinear, instance: MatmulInstance, context: Context) -> MatmulOutcome:
        """Build the layer, check what it returns, time it.

        Raises:
            InvalidOutcomeError: the output has the wrong shape or dtype, or is not finite, or the input is changed.
        """
        from torch.utils.flop_counter import FlopCounterMode

        from harness_plugins.compression.arenas._layers import random_dense

        generator = context.torch_generator()
        layer = self._layer(model, instance, context, generator)
        peer = random_dense(self.n, self.n, generator).to(**place(context))
        with FlopCounterMode(display=False) as counter:
            x = _input(instance, context)
            _require_legal(layer, x, instance, context)
        forward, train = (self._in_turns(name, layer, peer, x, context) for name in self.operations)
        return MatmulOutcome(forward, train, counter.get_total_flops(), count_params(layer))

    def operation(self, name: str, model: BuildsLinear, instance: MatmulInstance, context: Context) -> Operation:
        """`forward` without gradients; `forward-backward` with those of the inputs and of all parameters.

        The layer has to be legal as for `run`.
        """
        layer = self._layer(model, instance, context, context.torch_generator())
        x = _input(instance, context)

        def check(_: object) -> None:
            _require_legal(layer, x, instance, context)

        return Operation(_call(name, layer, x, context), check, items=len(x), item="vector")

    def _layer(
        self, model: BuildsLinear, instance: MatmulInstance, context: Context, generator: torch.Generator
    ) -> nn.Module:
        """The layer in the form in which it is used after training."""
        layer = model.build_linear(self.n, self.n, instance.budget, generator)
        if isinstance(model, Converts):
            layer = model.convert(layer, instance.budget, generator)
        return layer.to(**place(context))

    def _in_turns(self, name: str, layer: nn.Module, peer: nn.Module, x: Tensor, context: Context) -> Timed:
        calls = {who: _call(name, net, x, context) for who, net in (("layer", layer), ("peer", peer))}
        in_turns = partial(timing.compare, calls, clock=context.backend.clock(), seed=context.seed)
        # a call may take a second: short turns, so that there are several; an undisturbed call counts, however rare
        settings = timing.Settings(clean_samples=self.repeats, least_clean_fraction=0.0, block=5, seconds=5)
        found = in_turns(settings=settings)
        samples = [one.samples for one in found.values()]
        undisturbed = min(len(one.clean) / one.count for one in samples)
        in_common = any(all(turn) for turn in zip(*(one.blocks for one in samples), strict=True))
        if any(one.noisy for one in samples) or not in_common:  # all calls, then: load meets both, and leaves the ratio
            found = in_turns(settings=replace(settings, undisturbed=inf))
        return Timed(1e3 * found["layer"].seconds, found["layer"].over(found["peer"]).estimate, undisturbed)


def _call(name: str, layer: nn.Module, x: Tensor, context: Context) -> Callable[[], object]:
    """One of the task's operations on x (batch, n)."""
    import torch

    net = context.backend.compile(layer)
    if name == "forward":
        call: Callable[[], object] = torch.no_grad()(partial(net, x))
        return call
    return partial(_gradients, net, x.clone().requires_grad_())


def _gradients(layer: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    """A forward call, and the gradients of the inputs and of all parameters for an upstream gradient of ones."""
    import torch

    y = layer(x)
    gradients: tuple[Tensor, ...] = torch.autograd.grad(y, [x, *layer.parameters()], torch.ones_like(y))
    return gradients


def _input(instance: MatmulInstance, context: Context) -> Tensor:
    """The vectors (batch, n) on the device."""
    import torch

    return torch.tensor(instance.x, **place(context))


def _require_legal(layer: nn.Module, x: Tensor, instance: MatmulInstance, context: Context) -> None:
    """The layer makes a legal output of x (batch, n), and leaves it alone."""
    import torch

    with torch.no_grad():
        y = layer(x)
    if y.shape != x.shape or y.dtype != x.dtype:
        raise InvalidOutcomeError(f"made {tuple(y.shape)} {y.dtype} of {tuple(x.shape)} {x.dtype}")
    if not y.isfinite().all():
        raise InvalidOutcomeError("the output is not finite")
    if not x.equal(_input(instance, context)):
        raise InvalidOutcomeError("the layer changes its input, and so cannot be called on it again")
