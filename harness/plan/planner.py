"""Spread a suite into its cases."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import product

from harness.errors import HarnessError
from harness.plan.case import Case, Fingerprint
from harness.plan.closure import Closures
from harness.plan.versions import versions
from harness.provenance import machine_fingerprint
from harness.registry.catalogue import Catalogue
from harness.suite.suite import Block, Choice, Suite

CORE = ("harness.components", "harness.context", "harness.execution.cell", "harness.metrics", "harness.tasks")
"""The modules of the harness itself that take part in a case's outcome."""


@dataclass(frozen=True)
class Modules:
    """What workers are to find imported, dependencies first."""

    libraries: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Modules of the papers' own distributions."""

    def without(self, name: str) -> Modules:
        """The same but for one."""
        return Modules(*(tuple(one for one in names if one != name) for names in (self.libraries, self.sources)))


class Planner:
    """Makes cases; keeps what it has read of sources and versions."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._closures = Closures()
        self._fingerprints: dict[tuple[str, ...], Fingerprint] = {}

    def cases(self, suite: Suite, only: Sequence[str] = ()) -> list[Case]:
        """The suite's cases, each once, in the order of the file.

        Args:
            suite: the checked suite.
            only: glob patterns; a case stays if one matches the name or label of its task, model or backend,
                or an owner.

        Raises:
            HarnessError: nothing is left to run.
        """
        cases = {case.id: case for block in suite.blocks for case in self._spread(block) if _chosen(case, only)}
        if not cases:
            raise HarnessError(f"{suite.path}: no case matches --only {' '.join(only)}")
        return list(cases.values())

    def modules(self, cases: Iterable[Case]) -> Modules:
        """What a worker has to import for these cases."""
        libraries: dict[str, None] = {}
        sources: dict[str, None] = {}
        for case in cases:
            closures = [
                self._closures.of(name) for name in _modules_of(self._catalogue, case.task, case.model, case.metrics)
            ]
            for closure in closures:
                libraries.update(dict.fromkeys(sorted(closure.external)))
                sources.update(dict.fromkeys(closure.sources))
        if "torch.optim" in libraries:  # torch imports this at an optimizer's first step: a second for every case
            libraries["torch._dynamo"] = None
        return Modules(tuple(libraries), tuple(sources))

    def _spread(self, block: Block) -> Iterator[Case]:
        for task, backend, seed, model in product(block.tasks, block.backends, block.seeds, block.models):
            names = block.metrics or tuple(metric.name for metric in task.cls.metrics)
            yield Case(
                task=task,
                model=model,
                backend=backend,
                seed=seed,
                scale=block.scale,
                metrics=names,
                limits=block.limits,
                retries=block.retries,
                isolation=block.isolation,
                fingerprint=self._fingerprint(task, model, names),
                machine=machine_fingerprint() if task.cls.timed else "",
            )

    def _fingerprint(self, task: Choice, model: Choice, metrics: tuple[str, ...]) -> Fingerprint:
        modules = _modules_of(self._catalogue, task, model, metrics)
        if modules not in self._fingerprints:
            closures = [self._closures.of(module) for module in (*modules, *CORE)]
            sources = {
                name: digest
                for module, closure in zip((*modules, *CORE), closures, strict=True)
                for name, digest in closure.sources.items()
                if module not in CORE or name in CORE
            }
            external = {name for closure in closures[: len(modules)] for name in closure.external}
            self._fingerprints[modules] = Fingerprint(
                dict(sorted(sources.items())), versions(external - {"harness"}), platform.python_version()
            )
        return self._fingerprints[modules]


def _modules_of(catalogue: Catalogue, task: Choice, model: Choice, metrics: tuple[str, ...]) -> tuple[str, ...]:
    """The modules that a case's code starts from."""
    found = [task.cls.__module__, model.cls.__module__]
    found += [catalogue.metric(name, task.cls)[1].compute.__module__ for name in metrics]
    return tuple(dict.fromkeys(found))


def _chosen(case: Case, only: Sequence[str]) -> bool:
    if not only:
        return True
    names = [name for choice in (case.task, case.model, case.backend) for name in (choice.name, choice.label)]
    names += [name.partition("/")[0] for name in names]
    return any(name == pattern or fnmatch(name, pattern) for pattern in only for name in names)
