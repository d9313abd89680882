"""Backends behind torch's accelerator interface: NVIDIA's, Intel's and Apple's GPUs."""

from __future__ import annotations

import contextlib
import ctypes.util
import gc
import importlib.util
import platform
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from harness.backends import Backend
from harness.clocks import Clock, EventClock

_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
_SENSORS = ("clock_rate", "temperature", "power_draw")


@dataclass(frozen=True)
class Accelerator(Backend):
    """A device with a queue and an allocator that counts. Whatever is asked of it but why it is not there starts it."""

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
        self.module().synchronize()

    def clock(self) -> Clock:
        """Events in the device's queue."""
        return EventClock(self.device)

    def reset(self) -> None:
        """Garbage is collected, the allocator's cache emptied, and what it counts begins anew."""
        gc.collect()
        module = self.module()
        module.init()  # before, there is nothing to reset
        module.empty_cache()
        module.reset_peak_memory_stats()
        module.reset_accumulated_memory_stats()

    def peak_memory(self) -> int | None:
        """The most that tensors took since `reset`, above what they took then; what was reserved is in `conditions`."""
        counts = self.module().memory_stats()
        if not counts:
            return 0  # the device has not been used
        names = ("peak", "current", "allocated", "freed")
        peak, current, allocated, freed = (int(counts[f"allocated_bytes.all.{name}"]) for name in names)
        return peak - (current - allocated + freed)

    def fingerprint(self) -> dict[str, str]:
        """Its name, its memory in GB and the toolkit that torch was built with."""
        import torch

        properties = self.module().get_device_properties(self.device)
        return {
            "device": properties.name,
            "device_memory_gb": str(round(properties.total_memory / 1e9)),
            self.build: _release(getattr(torch.version, self.build)),
        }

    def conditions(self) -> dict[str, float]:
        """The most that the allocator reserved, in bytes; clock in MHz, temperature in degrees Celsius, watts."""
        module = self.module()
        found = {"reserved_memory": float(module.memory_stats().get("reserved_bytes.all.peak", 0))}
        for name in _SENSORS:
            with contextlib.suppress(Exception):  # an older torch, no library for it, a device that does not tell
                found[name] = float(getattr(module, name)())
        return found

    def module(self) -> Any:
        """What torch has for the device."""
        import torch

        return torch.get_device_module(self.device)


@dataclass(frozen=True)
class Cuda(Accelerator):
    """NVIDIA GPUs."""

    device: ClassVar[str] = "cuda"
    build: ClassVar[str] = "cuda"

    def driver_missing(self) -> str | None:
        """The driver brings libcuda."""
        return None if ctypes.util.find_library("cuda") else "no NVIDIA driver: libcuda is not found"

    def fingerprint(self) -> dict[str, str]:
        """Its compute capability and its driver besides."""
        major, minor = self.module().get_device_capability(self.device)
        found = {**super().fingerprint(), "capability": f"{major}.{minor}"}
        with contextlib.suppress(OSError, IndexError):
            found["driver"] = _release(re.findall(r"\s(\d[\d.]+)\s", _NVIDIA_DRIVER.read_text())[0])
        return found

    def conditions(self) -> dict[str, float]:
        """NVIDIA's library tells power in milliwatts."""
        found = super().conditions()
        return {name: value / 1000 if name == "power_draw" else value for name, value in found.items()}


@dataclass(frozen=True)
class Xpu(Accelerator):
    """Intel GPUs."""

    device: ClassVar[str] = "xpu"
    build: ClassVar[str] = "xpu"

    def driver_missing(self) -> str | None:
        """The driver brings Level Zero."""
        return None if ctypes.util.find_library("ze_loader") else "no Intel driver: the Level Zero loader is not found"

    def fingerprint(self) -> dict[str, str]:
        """Its driver besides."""
        properties = self.module().get_device_properties(self.device)
        return {**super().fingerprint(), "driver": _release(properties.driver_version)}


@dataclass(frozen=True)
class Mps(Accelerator):
    """Apple's GPUs. Most releases of torch that serve here count no peak for them."""

    device: ClassVar[str] = "mps"

    def unavailable(self) -> str | None:
        """Every torch for macOS has it."""
        return None if sys.platform == "darwin" else "Metal is there on macOS only"

    def reset(self) -> None:
        """There is no count that could begin anew."""
        gc.collect()
        self.module().empty_cache()

    def peak_memory(self) -> int | None:
        """Not counted."""
        return None

    def fingerprint(self) -> dict[str, str]:
        """The system brings driver and toolkit; the GPU is part of the processor, and its memory the host's."""
        return {"device": "Metal", "macos": _release(platform.mac_ver()[0])}

    def conditions(self) -> dict[str, float]:
        """What the driver has reserved now, in bytes."""
        return {"reserved_memory": float(self.module().driver_allocated_memory())}


def _release(version: str) -> str:
    """The first two parts of a version: later ones mend, and change no speed."""
    return ".".join(version.split(".")[:2])


@cache
def _torch_build() -> str | None:
    """The text of torch's version file: tells the build without paying for the import."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).with_name("version.py").read_text()
