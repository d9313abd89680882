"""From a YAML file to a checked `Suite`, or to all that is wrong with it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.backends import Backend
from harness.errors import HarnessError, UnknownNameError
from harness.registry.catalogue import Catalogue, nearest
from harness.suite.document import Document, Place
from harness.suite.parameters import Checked
from harness.suite.problems import Mark, Problem, SuiteError, messages
from harness.suite.protocol import breaches
from harness.suite.schema import Limits, Matrix, SuiteFile
from harness.suite.suite import Block, CaseLimits, Choice, Suite


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
    file, problems = _form(document)
    loader = _Loader(document, file, catalogue, backends)
    blocks = tuple(loader.block(index, matrix) for index, matrix in enumerate(file.matrix))
    if problems := document.problems + problems + loader.problems:
        raise SuiteError(problems)
    return Suite(file.name, file.description, path, document.text, blocks)


def _rescale(document: Document, scale: str) -> None:
    if not isinstance(document.data, dict):
        return
    document.override(f"scale={scale}")
    matrices = document.data.get("matrix")
    for index, matrix in enumerate(matrices if isinstance(matrices, list) else []):
        if isinstance(matrix, dict) and "scale" in matrix:
            document.override(f"matrix.{index}.scale={scale}")


def _form(document: Document) -> tuple[SuiteFile, list[Problem]]:
    """The file's form, and what is wrong with it: stubs replace wrong parts, so that the rest is checked too."""
    if not isinstance(document.data, dict):
        raise SuiteError([Problem(document.value_mark(()), "a suite is a mapping with the keys name and matrix")])
    try:
        return SuiteFile.model_validate(document.data), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    found = []
    for place, text in messages(errors, _known_keys):
        mark = document.key_mark(place) if text.startswith("unknown key") else document.value_mark(place)
        found.append(Problem(mark, _with_key(place, text)))
    mended = copy.deepcopy(document.data)
    for one in errors:
        _stub(mended, one["loc"], known=one["type"] != "extra_forbidden")
    return SuiteFile.model_validate(mended), found


def _stub(data: Any, place: tuple[Any, ...], *, known: bool) -> None:
    """Put something well-formed and without meaning in a wrong place (or take it away)."""
    for depth, part in enumerate(place[:-1]):
        if not isinstance(data, dict | list) or (isinstance(data, dict) and part not in data):
            return
        inner = data[part]
        if not isinstance(inner, dict | list):
            place = place[: depth + 1]
            break
        data = inner
    last = place[-1]
    if isinstance(data, list):
        data[last] = _STUB_MATRIX if data and place[0] == "matrix" and len(place) == 2 else _STUB
    elif known and last in _STUBS:
        data[last] = _STUBS[last]
    else:
        data.pop(last, None)


_STUB = "\0"
"""An entry that no file can hold."""
_STUB_MATRIX: dict[str, Any] = {"tasks": [_STUB], "models": [_STUB]}
_STUBS: dict[str, Any] = {"name": "stub", "matrix": [_STUB_MATRIX], "tasks": [_STUB], "models": [_STUB]}


def _with_key(place: Place, text: str) -> str:
    """Say which key a wrong value stands under."""
    key = next((part for part in reversed(place) if isinstance(part, str)), None)
    return text if key is None or text.startswith(("unknown key", "missing key")) else f"{key}: {text}"


def _known_keys(place: Place) -> Iterable[str]:
    if not place:
        return SuiteFile.model_fields
    return Limits.model_fields if place[-1] == "limits" else Matrix.model_fields


class _Loader:
    """Resolves the entries of one suite, collecting problems with their places."""

    def __init__(
        self, document: Document, file: SuiteFile, catalogue: Catalogue, backends: Mapping[str, type[Backend]]
    ) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._file = file
        self._catalogue = catalogue
        self._backends = backends

    def block(self, index: int, matrix: Matrix) -> Block:
        """One matrix with all names resolved; what could not be is left out and noted."""
        file, base = self._file, ("matrix", index)
        scale = matrix.scale or file.scale
        tasks = self._entries((*base, "tasks"), matrix.tasks, scale, self._catalogue.task)
        models = self._entries((*base, "models"), matrix.models, scale, self._catalogue.model)
        backend_base: Place = base if matrix.backends else ()
        backends = self._entries((*backend_base, "backends"), matrix.backends or file.backends, scale, self._backend)
        self._check_protocols(tasks, models)
        self._check_metrics((*base, "metrics"), matrix.metrics or [], tasks)
        limits = _merge(file.limits, matrix.limits)
        return Block(
            tuple(choice for _, choice in tasks),
            tuple(choice for _, choice in models),
            tuple(choice for _, choice in backends),
            tuple(matrix.seeds or file.seeds),
            tuple(matrix.metrics) if matrix.metrics else None,
            scale,
            CaseLimits(limits.time, limits.memory),
            matrix.isolation or file.isolation,
        )

    def _entries(self, place: Place, entries: Iterable[Any], scale: str, find: Any) -> list[tuple[Mark, Choice]]:
        found: list[tuple[Mark, Choice]] = []
        for index, (name, given) in enumerate(entries):
            if name == _STUB:
                continue
            entry: Place = (*place, index)
            mark = self._document.key_mark((*entry, name) if given else entry)
            try:
                component = find(name)
                checked = Checked(getattr(component, "cls", component), given, scale)
            except HarnessError as error:
                self.problems.append(Problem(mark, str(error)))
                continue
            for inner, text in checked.problems:
                inner_mark = self._document.value_mark((*entry, name, *inner)) if inner else mark
                if text.startswith("unknown"):
                    inner_mark = self._document.key_mark((*entry, name, *inner))
                self.problems.append(Problem(inner_mark, text))
            if not checked.problems:
                full = getattr(component, "name", name)
                found += [(mark, Choice(full, component, one, values)) for one, values in checked.points()]
        return found

    def _backend(self, name: str) -> type[Backend]:
        if name in self._backends:
            return self._backends[name]
        raise UnknownNameError(
            f"unknown backend {name!r}{nearest(name, self._backends)}; there are {', '.join(self._backends)}"
        )

    def _check_protocols(self, tasks: list[tuple[Mark, Choice]], models: list[tuple[Mark, Choice]]) -> None:
        for _, task in tasks:
            protocol = task.cls.protocol
            for mark, model in models:
                if lacks := list(breaches(model.cls, protocol)):
                    text = f"model {model.name!r} does not implement {protocol.__name__}, the protocol of task"
                    self.problems.append(Problem(mark, f"{text} {task.name!r}: {'; '.join(lacks)}"))

    def _check_metrics(self, place: Place, names: list[str], tasks: list[tuple[Mark, Choice]]) -> None:
        for index, name in enumerate(names):
            for _, task in tasks if name != _STUB else ():
                try:
                    self._catalogue.metric(name, task.cls)
                except HarnessError as error:
                    self.problems.append(Problem(self._document.value_mark((*place, index)), str(error)))


def _merge(outer: Limits, inner: Limits | None) -> Limits:
    return outer if inner is None else outer.model_copy(update=inner.model_dump(exclude_unset=True))
