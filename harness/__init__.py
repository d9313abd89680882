"""A plugin-based benchmark harness for machine-learning research.

`harness.run("suite.yaml")` runs a suite and returns its results; everything else here is what plugins are written with.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import RunResult, run
    from harness.backends import Backend
    from harness.context import Context
    from harness.errors import HarnessError, InvalidOutcomeError
    from harness.hookspecs import hookimpl
    from harness.metrics import Along, Metric, metric
    from harness.papers import Claim, Family, Paper
    from harness.tasks import Task

_HOME = {
    "Along": "metrics",
    "Backend": "backends",
    "Claim": "papers",
    "Context": "context",
    "Family": "papers",
    "HarnessError": "errors",
    "InvalidOutcomeError": "errors",
    "Metric": "metrics",
    "Paper": "papers",
    "RunResult": "api",
    "Task": "tasks",
    "hookimpl": "hookspecs",
    "metric": "metrics",
    "run": "api",
}

__all__ = [
    "Along",
    "Backend",
    "Claim",
    "Context",
    "Family",
    "HarnessError",
    "InvalidOutcomeError",
    "Metric",
    "Paper",
    "RunResult",
    "Task",
    "hookimpl",
    "metric",
    "run",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: `import harness` itself costs next to nothing."""
    if name == "__version__":
        from importlib.metadata import version

        return version("paper-harness")
    if name not in _HOME:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    module = importlib.import_module(f"harness.{_HOME[name]}")
    value = globals()[name] = getattr(module, name)
    return value
