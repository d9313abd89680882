"""Backends: where and how a model runs. The processor is here; accelerators, available or not, stand beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from harness.clocks import Clock, HostClock

if TYPE_CHECKING:
    import torch

F = TypeVar("F", bound=Callable[..., Any])
DType = Literal["float64", "float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class Backend(ABC):
    """A device and the way it is used. Subclasses are added by the hook `harness_backends`."""

    dtype: DType = "float32"
    """Floating-point type of the models that leave it open."""
    threads: int = 1
    """Threads of the numerical libraries on the host."""
    compiled: bool = False
    """Whether models pass their hot functions through `torch.compile`."""

    device: ClassVar[str]
    """The name torch gives the device."""

    # What follows holds for whatever computes on the host and is done when a call returns.

    @abstractmethod
    def unavailable(self) -> str | None:
        """Why it cannot be used here, or None if it can. Cheap: decided without importing torch."""

    def synchronize(self) -> None:
        """Wait until the device has done all it was asked to."""

    def clock(self) -> Clock:
        """What times a call on it."""
        return HostClock(self.threads)

    def reset(self) -> None:
        """Between two cases: give the device's free memory back, and let its peak begin anew."""

    def peak_memory(self) -> int | None:
        """The most bytes of the device's memory in use since `reset`, above what was then.

        None where there is none but the host's, or nothing counts it.
        """
        return None

    def fingerprint(self) -> dict[str, str]:
        """The device in coarse terms: two speeds are comparable where they are equal. Empty for the host itself."""
        return {}

    def conditions(self) -> dict[str, float]:
        """How the device is doing now, as far as it tells: what may explain a speed, and never identifies it."""
        return {}

    def torch_dtype(self) -> torch.dtype:
        """The dtype as torch has it."""
        import torch

        dtype: torch.dtype = getattr(torch, self.dtype)
        return dtype

    def compile(self, function: F) -> F:
        """`function`, passed through `torch.compile` if the backend is a compiled one."""
        if not self.compiled:
            return function
        import torch

        compiled: F = torch.compile(function)
        return compiled


@dataclass(frozen=True)
class Cpu(Backend):
    """The processor."""

    device: ClassVar[str] = "cpu"

    def unavailable(self) -> str | None:
        """Always there."""
        return None
