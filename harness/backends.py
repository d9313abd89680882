"""Backends: where and how a model runs. The processor is here; accelerators stand beside it, available or not."""

from __future__ import annotations

import ctypes.util
import importlib.util
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

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

    @abstractmethod
    def unavailable(self) -> str | None:
        """Why it cannot be used here, or None if it can. Cheap: decided without importing torch."""

    def synchronize(self) -> None:
        """Wait until the device has done all it was asked to."""

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


@dataclass(frozen=True)
class Accelerator(Backend):
    """A device behind torch's accelerator interface."""

    build: ClassVar[str]
    """The name torch's build gives the toolkit, in `torch/version.py`."""

    def unavailable(self) -> str | None:
        """The installed torch's build and the driver's library decide."""
        if (version := _torch_build()) is None:
            return "torch is not installed"
        if not re.search(rf"^{self.build}\b[^=]*=\s*['\"]", version, re.MULTILINE):
            return f"the installed torch is built without {self.build.upper()}"
        return self.driver_missing()

    def driver_missing(self) -> str | None:
        """Why the driver cannot be used, or None."""
        return None

    def synchronize(self) -> None:
        """Wait for the device's queue."""
        import torch

        torch.accelerator.synchronize()


@dataclass(frozen=True)
class Cuda(Accelerator):
    """NVIDIA GPUs."""

    device: ClassVar[str] = "cuda"
    build: ClassVar[str] = "cuda"

    def driver_missing(self) -> str | None:
        """The driver brings libcuda."""
        return None if ctypes.util.find_library("cuda") else "no NVIDIA driver: libcuda is not found"


@dataclass(frozen=True)
class Xpu(Accelerator):
    """Intel GPUs."""

    device: ClassVar[str] = "xpu"
    build: ClassVar[str] = "xpu"

    def driver_missing(self) -> str | None:
        """The driver brings Level Zero."""
        return None if ctypes.util.find_library("ze_loader") else "no Intel driver: the Level Zero loader is not found"


@dataclass(frozen=True)
class Mps(Accelerator):
    """Apple's GPUs."""

    device: ClassVar[str] = "mps"

    def unavailable(self) -> str | None:
        """Every torch for macOS has it."""
        return None if sys.platform == "darwin" else "Metal is there on macOS only"


@cache
def _torch_build() -> str | None:
    """The text of torch's version file: tells the build without paying for the import."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).with_name("version.py").read_text()
