"""Models that go wrong by way of torch (arXiv:0000.00003)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from harness import InvalidOutcomeError, Paper, Task, metric

from .guessing import Constant


@dataclass
class FaultyTorch(Constant):
    """Goes wrong in the named way."""

    how: str = "allocates-at-once"

    def guess(self, values, context):
        import torch

        if self.how == "allocates-at-once":
            return float(torch.ones(1 << 38)[0])
        if self.how == "allocates-slowly":
            held = []
            while True:
                held.append(torch.ones(1 << 18))
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_num_threads(7)
        torch.set_grad_enabled(False)
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(0)
        return 0.0


@dataclass
class TorchInspector(Constant):
    """Guesses what it finds: how many of torch's settings are not as in a fresh process."""

    def guess(self, values, context):
        import torch

        odd = [
            torch.get_default_dtype() != torch.float32,
            torch.ones(1).device.type != "cpu",
            torch.get_num_threads() == 7,
            not torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
        ]
        return float(sum(odd))


class Doubling(Protocol):
    def double(self, tensor: Any) -> Any:
        """Twice the tensor."""


@metric(unit="1", direction="lower")
def largest_error(instance: Any, doubled: Any) -> float:
    """The largest difference."""
    return float((doubled - 2 * instance).abs().max())


@dataclass
class Double(Task[Any, Doubling, Any]):
    """Double a tensor."""

    protocol: ClassVar[type] = Doubling
    metrics: ClassVar = (largest_error,)

    def instance(self, context):
        import torch

        return torch.randn(4, generator=context.torch_generator())

    def run(self, model, instance, context):
        doubled = model.double(instance)
        for name in ("shape", "dtype", "device"):
            wanted, found = getattr(instance, name), getattr(doubled, name)
            if wanted != found:
                wanted, found = (tuple(one) if name == "shape" else one for one in (wanted, found))
                raise InvalidOutcomeError(f"made {found} of {wanted}")
        return doubled


@dataclass
class Doubler:
    """Doubles, nearly."""

    how: str = "well"

    def double(self, tensor):
        if self.how == "returns-another-shape":
            return 2 * tensor[None]
        if self.how == "returns-another-dtype":
            return 2 * tensor.double()
        if self.how == "returns-another-device":
            return 2 * tensor.to("meta")
        return 2 * tensor


paper = Paper(
    title="Faulty with torch",
    year=2026,
    venue="tests",
    tasks=[Double],
    baselines=[FaultyTorch, TorchInspector, Doubler],
)
