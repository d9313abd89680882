"""Where a run's numbers come from: commit, versions, machine, variables. Captured once per run."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

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
        commit = _git(folder, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(folder, "status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "dirty": None}


@cache
def machine() -> dict[str, Any]:
    """The machine in the terms that matter for numbers and speeds."""
    return {
        "cpu": _cpu_model(),
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


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
