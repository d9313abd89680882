"""Check the parameters that a suite gives against a component's constructor, and spread grids."""

from __future__ import annotations

import itertools
import json
import math
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

from harness.components import Parameter, parameters
from harness.quoting import quoted
from harness.registry.catalogue import nearest
from harness.suite.problems import MAX_PROBLEMS, messages

Place = tuple[str | int, ...]


class Checked:
    """The values of a component's parameters as axes of a grid, and the problems found on the way."""

    def __init__(self, component: type, given: Mapping[str, Any], scale: str) -> None:
        self.problems: list[tuple[Place, str]] = []
        self._declared = _declared(component)
        self._scale = dict(getattr(component, "scales", {}).get(scale, {}))
        self._given = self._axes(given)
        self.problems += [
            ((), f"missing parameter {name!r}")
            for name, declared in self._declared.items()
            if declared.parameter.required and name not in given and name not in self._scale
        ]

    @property
    def count(self) -> int:
        """How many points the grid has."""
        return math.prod(len(axis) for axis in self._given.values())

    def points(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Each point of the grid: what the suite says, and the values of all parameters."""
        declared = {name: one.parameter.default for name, one in self._declared.items()}
        defaults = {name: _plain(default) for name, default in declared.items() if _is_plain(default)}
        base = {**defaults, **{name: _plain(value) for name, value in self._scale.items()}}
        for point in itertools.product(*self._given.values()):
            given = dict(zip(self._given, point, strict=True))
            yield given, {**base, **given}

    def _axes(self, given: Mapping[str, Any]) -> dict[str, list[Any]]:
        axes: dict[str, list[Any]] = {}
        for name, value in given.items():
            if len(self.problems) > MAX_PROBLEMS:
                break
            if name not in self._declared:
                self.problems.append(((name,), f"unknown parameter {quoted(name)}{nearest(name, self._declared)}"))
                continue
            is_axis = isinstance(value, list) and not self._declared[name].takes(value)
            axis = value if is_axis else [value]
            if not axis:
                self.problems.append(((name,), f"the grid of {name!r} is empty: nothing to run"))
            axes[name] = []
            for index, item in enumerate(axis):
                place = (name, index) if is_axis else (name,)
                read, wrong = self._declared[name].read(item)
                axes[name].append(read)
                self.problems += [(place, f"parameter {name!r}: {text}") for text in wrong]
        return axes


class _Declared:
    """A parameter of a component, and what it takes. Values are JSON to it: strict, but lists do for tuples."""

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        try:
            self._adapter: TypeAdapter[Any] | None = TypeAdapter(parameter.type)
        except PydanticSchemaGenerationError:
            self._adapter = None

    def takes(self, value: list[Any]) -> bool:
        """Whether a list is one value of this parameter (a tuple of widths, say) rather than a grid of values."""
        hint = self.parameter.type
        kinds = [typing.get_origin(inner) or inner for inner in typing.get_args(hint)]
        kinds.append(typing.get_origin(hint) or hint)
        sequence = any(isinstance(kind, type) and issubclass(kind, tuple | list) for kind in kinds)
        return sequence and (not value or bool(self.read(value[0])[1]))

    def read(self, value: Any) -> tuple[Any, list[str]]:
        """A value as the parameter's type has it (1 is 1.0 for a float), and what is wrong with it."""
        if self._adapter is None:
            return value, [f"its type {self.parameter.type_name} cannot be given in a suite"]
        try:
            read = self._adapter.validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            located = [{**e, "loc": e["loc"] if _inner(e) else ()} for e in error.errors()]
            return value, [text for _, text in messages(located)]
        return (_plain(read), []) if _is_plain(read) else (value, [])


@cache
def _declared(component: type) -> dict[str, _Declared]:
    """Found out once: a suite may name a component a thousand times."""
    return {name: _Declared(parameter) for name, parameter in parameters(component).items()}


def _inner(error: Mapping[str, Any]) -> bool:
    return any(isinstance(part, int) for part in error["loc"])


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
