"""`harness.run`: from a suite's file to its results."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ExitCode
from harness.execution.local import LocalExecutor
from harness.execution.machine import memory_share
from harness.execution.spec import spec
from harness.execution.stop import Stop
from harness.plan.case import Case
from harness.plan.planner import Planner
from harness.plan.reuse import History, Planned
from harness.plugins import Plugins
from harness.provenance import provenance
from harness.registry.catalogue import Catalogue
from harness.running import Run, execute
from harness.store.store import Store
from harness.suite.load import load
from harness.suite.suite import Suite

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_STORE = "reports"


@dataclass(frozen=True)
class Prepared:
    """A suite that is ready to run: checked, spread into cases, compared with what is already known."""

    suite: Suite
    plan: list[Planned]
    catalogue: Catalogue
    planner: Planner
    plugins: Plugins
    store: Store


@dataclass(frozen=True)
class RunResult:
    """What came of a run."""

    id: str
    directory: Path
    exit_code: ExitCode
    statuses: dict[str, int]
    """How many cases ended in which way."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row per case and metric value, as in the store."""
        return Store(self.directory.parent).table(self.id).to_pandas()


def prepare(
    path: str | Path,
    *,
    store: str | Path | None = None,
    overrides: Sequence[str] = (),
    scale: str | None = None,
    only: Sequence[str] = (),
    fresh: bool = False,
    builtin: Sequence[str] = ("backends", "store"),
    warn: Callable[[str], None] = warnings.warn,
) -> Prepared:
    """Check a suite and plan its run, without executing anything.

    Raises:
        HarnessError: the suite is wrong (`SuiteError`, with every problem), or nothing matches `only`.
    """
    plugins, catalogue = Plugins(builtin, warn), installed(warn)
    suite = load(Path(path), catalogue, plugins.backends(), overrides, scale)
    return prepare_suite(suite, catalogue, plugins, Store(store_folder(store), warn), only=only, fresh=fresh)


def installed(warn: Callable[[str], None] = warnings.warn) -> Catalogue:
    """The catalogue of what is installed; what is wrong with it is said."""
    catalogue = Catalogue()
    for text in catalogue.discovery.warnings:
        warn(text)
    return catalogue


def prepare_suite(
    suite: Suite, catalogue: Catalogue, plugins: Plugins, store: Store, *, only: Sequence[str] = (), fresh: bool = False
) -> Prepared:
    """Plan the run of a checked suite.

    Raises:
        HarnessError: nothing matches `only`.
    """
    planner = Planner(catalogue)
    cases = planner.cases(suite, only)
    plan = [_skip_unavailable(planned) for planned in History(store, cases).plan(cases, fresh=fresh)]
    return Prepared(suite, plan, catalogue, planner, plugins, store)


def start(
    prepared: Prepared,
    *,
    jobs: int = 1,
    shuffle: int | None = None,
    conclude: Callable[[Run], None] | None = None,
    stop: Stop | None = None,
    pollution: int = 0,
) -> RunResult:
    """Execute a prepared suite.

    Args:
        prepared: what `prepare` returned.
        jobs: how many cases run at a time; timed ones run alone whatever it says.
        shuffle: seeds another order of the cases, which changes nothing else.
        conclude: called when all results are stored, before the run is over; not if it is interrupted.
        stop: how to ask for an early end, good for one run; Ctrl-C and its like do it anyway.
        pollution: not 0: every process is made dirty before its case, in a way that depends on the number.
    """
    plan = list(prepared.plan)
    if shuffle is not None:
        random.Random(shuffle).shuffle(plan)
    run_id, directory = prepared.store.new_run(prepared.suite.name)
    origin = provenance(prepared.suite.path.absolute().parent)
    current = Run(run_id, directory, prepared.suite, plan, origin, jobs, conclude=conclude)
    parts = str(prepared.store.root / "parts")
    memory = memory_share(jobs)
    travels = partial(spec, catalogue=prepared.catalogue, parts=parts, memory=memory, pollution=pollution)
    executor = LocalExecutor(jobs, travels, prepared.planner.modules, memory)
    with contextlib.closing(stop or Stop()) as asked:
        execute(current, executor, prepared.plugins, asked)
    statuses = {str(status): count for status, count in current.statuses.items()}
    return RunResult(run_id, directory, current.exit_code, statuses)


def run(
    path: str | Path,
    *,
    store: str | Path | None = None,
    jobs: int = 1,
    overrides: Sequence[str] = (),
    scale: str | None = None,
    only: Sequence[str] = (),
    fresh: bool = False,
    mlflow: bool = False,
) -> RunResult:
    """Run a suite and return its results.

    Args:
        path: the suite's YAML file.
        store: the folder of runs; the default is `$HARNESS_STORE`, or `reports` in the working directory.
        jobs: how many cases run at a time; timed ones run alone whatever it says.
        overrides: assignments such as `seeds=3` or `matrix.0.seeds=1`.
        scale: `smoke`, `claim` or `paper`, in place of every scale in the file.
        only: glob patterns; a case stays if one matches the name of its task, model, backend, or an owner.
        fresh: run everything, even what is up to date.
        mlflow: whether to log to MLflow.

    Raises:
        HarnessError: the suite is wrong, with every problem; the store cannot be written.
    """
    builtin = ["backends", "store", *(["mlflow"] if mlflow else [])]
    prepared = prepare(path, store=store, overrides=overrides, scale=scale, only=only, fresh=fresh, builtin=builtin)
    return start(prepared, jobs=jobs)


def store_folder(store: str | Path | None = None) -> Path:
    """The folder of runs: the given one, `$HARNESS_STORE`, or `reports` in the working directory."""
    return Path(store or os.environ.get("HARNESS_STORE") or DEFAULT_STORE).absolute()


def _skip_unavailable(planned: Planned) -> Planned:
    """A case whose backend is not there is not run, and says why."""
    case: Case = planned.case
    backend = case.backend.cls(**case.backend.values)
    reason = backend.unavailable()
    return dataclasses.replace(planned, reused=None, skipped=reason) if reason else planned
