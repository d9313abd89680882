"""From a YAML file to a checked `Suite`, or to all that is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.backends import Backend
from harness.errors import HarnessError, UnknownNameError
from harness.quoting import quoted
from harness.registry.catalogue import Catalogue, Component, nearest
from harness.suite.document import Document, Place
from harness.suite.form import STUB, read_form
from harness.suite.parameters import Checked
from harness.suite.problems import Mark, SuiteError
from harness.suite.protocol import breaches
from harness.suite.schema import Limits, Matrix, SuiteFile
from harness.suite.suite import Block, CaseLimits, Choice, Suite

MAX_CASES = 1_000_000
"""Cases of a suite: checked before any is made."""
MAX_POINTS = 50_000
"""Points of the grids of all entries of a suite."""


def load(
    path: Path,
    catalogue: Catalogue,
    backends: Mapping[str, type[Backend]],
    overrides: Iterable[str] = (),
    scale: str | None = None,
) -> Suite:
    """Read and check a suite.

    Args:
        path: the YAML file.
        catalogue: where names are looked up.
        backends: backends by name.
        overrides: assignments such as `seeds=3` or `matrix.0.seeds=1`.
        scale: takes the place of every scale in the file.

    Raises:
        SuiteError: with every problem found, each with file, line and column.
    """
    return resolve(Document.read(path), path, catalogue, backends, overrides, scale)


def resolve(
    document: Document,
    path: Path,
    catalogue: Catalogue,
    backends: Mapping[str, type[Backend]],
    overrides: Iterable[str] = (),
    scale: str | None = None,
) -> Suite:
    """Check a suite that has been read; `path` is where it stands, or where it is to be thought of.

    Raises:
        SuiteError: with every problem found.
    """
    for assignment in overrides:
        document.override(assignment)
    if scale:
        _rescale(document, scale)
    file = read_form(document)
    loader = _Loader(document, file, catalogue, backends)
    blocks = tuple(loader.block(index, matrix) for index, matrix in enumerate(file.matrix))
    if document.problems.found:
        raise SuiteError(document.problems.found)
    return Suite(file.name, file.description, path, document.text, blocks)


def _rescale(document: Document, scale: str) -> None:
    if not isinstance(document.data, dict):
        return
    document.override(f"scale={scale}")
    matrices = document.data.get("matrix")
    for matrix in matrices if isinstance(matrices, list) else []:
        if isinstance(matrix, dict):
            matrix.pop("scale", None)


@dataclass(frozen=True)
class _Entry:
    """A name of the file with what it stands for."""

    mark: Mark
    name: str
    component: Component | type[Backend]
    checked: Checked

    @property
    def cls(self) -> Any:
        return self.component.cls if isinstance(self.component, Component) else self.component

    def choices(self) -> Iterator[Choice]:
        """Every point of the entry's grid."""
        return (Choice(self.name, self.component, given, values) for given, values in self.checked.points())


class _Loader:
    """Resolves the entries of one suite, noting problems with their places."""

    def __init__(
        self, document: Document, file: SuiteFile, catalogue: Catalogue, backends: Mapping[str, type[Backend]]
    ) -> None:
        self._document = document
        self._problems = document.problems
        self._file = file
        self._catalogue = catalogue
        self._backends = backends
        self._points = 0
        self._cases = 0

    def block(self, index: int, matrix: Matrix) -> Block:
        """One matrix with all names resolved; what could not be is left out and noted."""
        file, base = self._file, ("matrix", index)
        scale = matrix.scale or file.scale
        tasks = self._entries((*base, "tasks"), matrix.tasks, scale, self._catalogue.task)
        models = self._entries((*base, "models"), matrix.models, scale, self._catalogue.model)
        backend_base: Place = base if matrix.backends else ()
        backends = self._entries((*backend_base, "backends"), matrix.backends or file.backends, scale, self._backend)
        seeds = matrix.seeds or file.seeds
        if not self._is_bounded(base, (tasks, models, backends), len(seeds)):
            tasks, models, backends, seeds = [], [], [], ()
        self._check_protocols(tasks, models)
        self._check_metrics((*base, "metrics"), matrix.metrics or [], tasks)
        limits = _merge(file.limits, matrix.limits)
        return Block(
            _spread(tasks),
            _spread(models),
            _spread(backends),
            tuple(seeds),
            tuple(matrix.metrics) if matrix.metrics else None,
            scale,
            CaseLimits(limits.time, limits.memory),
            file.retries if matrix.retries is None else matrix.retries,
            matrix.isolation or file.isolation,
        )

    def _entries(self, place: Place, entries: Iterable[Any], scale: str, find: Any) -> list[_Entry]:
        found: list[_Entry] = []
        for index, (name, given) in enumerate(entries):
            if name == STUB:
                continue
            entry: Place = (*place, index)
            mark = self._document.key_mark((*entry, name) if given else entry)
            try:
                component = find(name)
                checked = Checked(getattr(component, "cls", component), given, scale)
            except HarnessError as error:
                self._problems.add(mark, str(error))
                continue
            for inner, text in checked.problems:
                inner_mark = self._document.value_mark((*entry, name, *inner)) if inner else mark
                if text.startswith("unknown"):
                    inner_mark = self._document.key_mark((*entry, name, *inner))
                self._problems.add(inner_mark, text)
            if not checked.problems and self._has_room(mark, checked):
                found.append(_Entry(mark, getattr(component, "name", name), component, checked))
        return found

    def _has_room(self, mark: Mark, checked: Checked) -> bool:
        """Whether the entry's grid may be spread; it has not been yet."""
        if self._points + checked.count > MAX_POINTS:
            said = f"a grid of {_count_text(checked.count)} points: those of a suite have at most {MAX_POINTS:,} in all"
            self._problems.add(mark, said)
            return False
        self._points += checked.count
        return True

    def _is_bounded(self, place: Place, axes: Iterable[list[_Entry]], seeds: int) -> bool:
        """Whether the matrix may be spread; how many cases it has can be said before."""
        cases = math.prod((sum(entry.checked.count for entry in axis) for axis in axes), start=seeds)
        self._cases += cases
        if self._cases > MAX_CASES:
            said = f"{_count_text(self._cases)} cases up to here: a suite has at most {MAX_CASES:,}"
            self._problems.add(self._document.value_mark(place), said)
        return self._cases <= MAX_CASES

    def _backend(self, name: str) -> type[Backend]:
        if name in self._backends:
            return self._backends[name]
        raise UnknownNameError(
            f"unknown backend {quoted(name)}{nearest(name, self._backends)}; there are {', '.join(self._backends)}"
        )

    def _check_protocols(self, tasks: list[_Entry], models: list[_Entry]) -> None:
        lacking = cache(lambda model, protocol: list(breaches(model, protocol)))
        for task in tasks:
            protocol = task.cls.protocol
            for model in models:
                if lacks := lacking(model.cls, protocol):
                    text = f"model {model.name!r} does not implement {protocol.__name__}, the protocol of task"
                    self._problems.add(model.mark, f"{text} {task.name!r}: {'; '.join(lacks)}")

    def _check_metrics(self, place: Place, names: list[str], tasks: list[_Entry]) -> None:
        classes = dict.fromkeys(task.cls for task in tasks)
        for index, name in enumerate(names):
            mark = self._document.value_mark((*place, index))
            if name == STUB:
                continue
            if name in names[:index]:
                self._problems.add(mark, "the same metric is listed twice")
                continue
            for cls in classes:
                try:
                    self._catalogue.metric(name, cls)
                except HarnessError as error:
                    self._problems.add(mark, str(error))


def _spread(entries: list[_Entry]) -> tuple[Choice, ...]:
    return tuple(choice for entry in entries for choice in entry.choices())


def _count_text(count: int) -> str:
    return f"{count:,}" if count < 10**12 else f"about 10^{len(str(count)) - 1}"


def _merge(outer: Limits, inner: Limits | None) -> Limits:
    return outer if inner is None else outer.model_copy(update=inner.model_dump(exclude_unset=True))
