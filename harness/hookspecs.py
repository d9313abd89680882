"""The hooks. A plugin implements any of them, each with any subset of its arguments, and marks it with `hookimpl`:

    from harness import hookimpl

    @hookimpl
    def harness_case_finished(case, result): ...

Plugins are modules named in the entry-point group `harness.plugins`; they are imported when a command needs hooks. What
comes with the harness (store, progress, MLflow) uses these same hooks. Papers are no hooks: see `harness.registry`.

A hook implementation that raises is reported once, with the plugin's name, and not called again in that run; it never
costs a result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from harness.backends import Backend
    from harness.plan.case import Case
    from harness.results import Result
    from harness.running import Run

hookspec = pluggy.HookspecMarker("harness")
hookimpl = pluggy.HookimplMarker("harness")


@hookspec
def harness_backends() -> list[type[Backend]]:  # type: ignore[empty-body]
    """Backends to add, as subclasses of `harness.Backend`; a suite names one by its class's name in kebab-case.

    Called once per command that needs backends. Results of all plugins are joined; of two backends with one name the
    built-in one stays, or else the last registered, with a warning.
    """


@hookspec
def harness_run_started(run: Run) -> None:
    """A run is about to execute its first case.

    Called once, in the coordinating process, when the plan is final: `run.plan` says which cases will be executed and
    which are reused, `run.directory` is where the run's files go. The place to open files and connections.
    """


@hookspec
def harness_case_started(run: Run, case: Case) -> None:
    """A worker has begun a case.

    Called in the order in which cases begin, again for one that is tried again; not for reused and skipped ones, which
    only finish.
    """


@hookspec
def harness_case_finished(run: Run, case: Case, result: Result) -> None:
    """A case has its result, whatever its status: executed, reused from an earlier run, or skipped.

    Called once per case, in the order in which results arrive. The built-in store comes first: when other plugins see
    a result it is on disk. Keep it short: the coordinator waits.
    """


@hookspec
def harness_run_finished(run: Run) -> None:
    """The run is over, complete or interrupted (`run.interrupted`). Called exactly once after `harness_run_started`."""


@hookspec
def harness_find_run(reference: str, store: Path) -> Path | None:
    """The folder of the run that a reference names, or None if it is not this plugin's kind of reference.

    Called by commands that read runs, such as `harness compare`, for references with a prefix, such as `mlflow:NAME`;
    `store` is the folder of runs. The answer has the layout of a run's folder, `run.json` and `results.parquet`; what
    has to be fetched goes to a temporary place that lasts as long as the command. A reference of the right kind to a
    run that is not there is a `HarnessError`, which says where it was looked for.
    """
