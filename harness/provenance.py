"""Where a run's numbers come from: commit, versions, machine. Captured once per run."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = ("paper-harness", "torch", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "mlflow")


def provenance(folder: Path) -> dict[str, Any]:
    """What is known of the code and the machine, as plain values."""
    return {**git_state(folder), "versions": _versions(), "machine": machine()}


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
