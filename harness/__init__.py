"""A plugin-based benchmark harness for machine-learning research.

`harness.run("suite.yaml")` runs a suite and returns its results; everything else here is what plugins are written with.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import RunResult, run
    from harness.backends import Backend
    from harness.checks.check import Judged, all_of, at_least_of
    from harness.checks.measured import agreement, difference, measured, rank, ratio
    from harness.context import Context
    from harness.errors import HarnessError, InvalidOutcomeError
    from harness.hookspecs import hookimpl
    from harness.metrics import Along, Metric, metric
    from harness.operations import Operation
    from harness.outcomes import check_array
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
    "Judged": "checks.check",
    "Metric": "metrics",
    "Operation": "operations",
    "Paper": "papers",
    "RunResult": "api",
    "Task": "tasks",
    "agreement": "checks.measured",
    "all_of": "checks.check",
    "at_least_of": "checks.check",
    "check_array": "outcomes",
    "difference": "checks.measured",
    "hookimpl": "hookspecs",
    "measured": "checks.measured",
    "metric": "metrics",
    "rank": "checks.measured",
    "ratio": "checks.measured",
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
    "Judged",
    "Metric",
    "Operation",
    "Paper",
    "RunResult",
    "Task",
    "agreement",
    "all_of",
    "at_least_of",
    "check_array",
    "difference",
    "hookimpl",
    "measured",
    "metric",
    "rank",
    "ratio",
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
