"""Where a run's numbers come from: commit, versions, machine, variables. Captured once per run."""

from __future__ import annotations

import os
import platform
import re
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from harness.git import GitError, git
from harness.kernel import ROOT, Kernel
from harness.redaction import Redactor

_PACKAGES = ("paper-harness", "torch", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "mlflow")
_ENVIRONMENT = re.compile(
    r"(?:OMP|KMP|GOMP|MKL|OPENBLAS|BLIS|GOTO)_[A-Z_]+|VECLIB_MAXIMUM_THREADS|NUMEXPR_(?:NUM|MAX)_THREADS"
    r"|NUMBA_(?:NUM_THREADS|THREADING_LAYER|DISABLE_JIT|CPU_NAME)|(?:DNNL|ONEDNN)_MAX_CPU_ISA|ATEN_CPU_CAPABILITY"
    r"|ONEDNN_DEFAULT_FPMATH_MODE|CUDA_(?:VISIBLE_DEVICES|DEVICE_ORDER|LAUNCH_BLOCKING|DEVICE_MAX_CONNECTIONS)"
    r"|CUBLAS_WORKSPACE_CONFIG|CUBLASLT_WORKSPACE_SIZE|NVIDIA_TF32_OVERRIDE|TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"
    r"|TORCH_(?:CUDNN|NN)_[A-Z0-9_]+|PYTORCH_(?:CUDA_|HIP_)?ALLOC_CONF|PYTORCH_ENABLE_MPS_FALLBACK|HIP_VISIBLE_DEVICES"
    r"|PYTHON(?:HASHSEED|OPTIMIZE|MALLOC)|MALLOC_ARENA_MAX"
)
"""The variables that are kept: threads, instruction sets, devices, precision, determinism, allocators.

They change numbers or speeds. Paths, names and whatever else an environment holds is nobody's business. Threads and the
hash seed are kept as they were found, though cases get those that the harness sets.
"""
_VALUE_LENGTH = 200
_GIT_SECONDS = 10.0
_SET_FOR_CASES = re.compile(r"(?:OMP|OPENBLAS|MKL|NUMBA)_NUM_THREADS|PYTHONHASHSEED")
_SPEED_PACKAGES = ("numpy", "torch")


def provenance(folder: Path) -> dict[str, Any]:
    """What is known of the code and the machine, as plain values."""
    return {**git_state(folder), "versions": _versions(), "machine": machine(), "environment": environment(os.environ)}


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Those variables that change numbers or speeds; no others, and no secret that stands in one of them."""
    clean = Redactor(variables).clean
    names = sorted(name for name in variables if _ENVIRONMENT.fullmatch(name))
    return {name: clean(variables[name])[:_VALUE_LENGTH] for name in names}


def git_state(folder: Path) -> dict[str, Any]:
    """The commit of the repository around a folder and whether it has uncommitted changes; None outside of one."""
    try:
        commit = git(folder, "rev-parse", "HEAD", seconds=_GIT_SECONDS)
        return {"commit": commit, "dirty": bool(git(folder, "status", "--porcelain", seconds=_GIT_SECONDS))}
    except GitError:
        return {"commit": None, "dirty": None}


def machine(root: Path = ROOT) -> dict[str, Any]:
    """The machine in the terms that matter for numbers and speeds."""
    return {
        "cpu": Kernel(root).processor() or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "architecture": platform.machine(),
        "python": platform.python_version(),
    }


@cache
def machine_fingerprint() -> str:
    """The machine as one line: two speeds are comparable where it is equal."""
    known = machine()
    return f"{known['cpu']}, {known['cores']} cores, {known['memory_gb']} GB, {known['architecture']}"


def speed_fingerprint(root: Path = ROOT) -> dict[str, str]:
    """The machine and its libraries, so coarsely that a reboot changes nothing: equal where two speeds are one series.

    Args:
        root: where the kernel's files are.
    """
    known, kernel, versions = machine(root), Kernel(root), _versions()
    limit = kernel.processor_limit()
    variables = environment({name: value for name, value in os.environ.items() if not _SET_FOR_CASES.fullmatch(name)})
    found = {
        "cpu": known["cpu"],
        "cores": str(known["cores"]),
        "cpu_limit": f"{limit:g}" if limit else "",
        "governor": kernel.governor(),
        "memory_gb": str(known["memory_gb"]),
        "architecture": known["architecture"],
        "system": _release(known["system"]),
        "python": _release(known["python"]),
        **{package: versions.get(package) for package in _SPEED_PACKAGES},
        "blas": _blas(),
        "environment": " ".join(f"{name}={value}" for name, value in variables.items()),
    }
    return {name: value for name, value in found.items() if value}


@dataclass(frozen=True)
class Counters:
    """What only grows; the difference of two tells what went on between them."""

    total_time: int = 0
    stolen_time: int = 0
    involuntary_switches: int = 0
    """How often this process, and those of its children that have ended, had to leave a processor to others."""

    @classmethod
    def now(cls, root: Path = ROOT) -> Counters:
        """As they stand."""
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return cls(*Kernel(root).processor_time(), sum(usage.ru_nivcsw for usage in usages))


_BEGINNING = Counters()


def conditions(since: Counters = _BEGINNING, root: Path = ROOT) -> dict[str, float]:
    """How busy the machine is: what may explain a speed, and never identifies it.

    Args:
        since: where the counters stood when what is to be explained began.
        root: where the kernel's files are.
    """
    now = Counters.now(root)
    elapsed = now.total_time - since.total_time
    return {
        "load_average": os.getloadavg()[0],
        "free_memory": float(psutil.virtual_memory().available),
        "steal_share": (now.stolen_time - since.stolen_time) / elapsed if elapsed else 0.0,
        "involuntary_switches": float(now.involuntary_switches - since.involuntary_switches),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _release(version: str) -> str:
    """The first two parts of a version."""
    return ".".join(version.split(".")[:2])


def _blas() -> str:
    """The linear algebra that NumPy was built with. That of torch is part of torch's version."""
    import numpy as np

    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()
