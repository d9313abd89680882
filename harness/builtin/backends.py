"""The backends that torch knows."""

from __future__ import annotations

from harness.accelerators import Cuda, Mps, Xpu
from harness.backends import Backend, Cpu
from harness.hookspecs import hookimpl


class TorchBackends:
    """The processor and torch's accelerators."""

    @hookimpl
    def harness_backends(self) -> list[type[Backend]]:
        """Always the same; whether one is available it says itself."""
        return [Cpu, Cuda, Mps, Xpu]
