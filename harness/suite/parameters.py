"""Check the parameters that a suite gives against a component's constructor, and spread grids."""

from __future__ import annotations

import itertools
import json
import math
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

from harness.components import Parameter, parameters
from harness.registry.catalogue import nearest
from harness.suite.problems import messages

Place = tuple[str | int, ...]

MAX_POINTS = 100_000
"""Points of the grid of one entry: beyond, a suite is a mistake."""


class Checked:
    """The values of a component's parameters as axes of a grid, and the problems found on the way."""

    def __init__(self, component: type, given: Mapping[str, Any], scale: str) -> None:
        self.problems: list[tuple[Place, str]] = []
        self._declared = parameters(component)
        self._scale = dict(getattr(component, "scales", {}).get(scale, {}))
        self._given = self._axes(given)
        self.problems += [
            ((), f"missing parameter {name!r}")
            for name, parameter in self._declared.items()
            if parameter.required and name not in given and name not in self._scale
        ]

    def points(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Each point of the grid: what the suite says, and the values of all parameters."""
        defaults = {name: _plain(p.default) for name, p in self._declared.items() if _is_plain(p.default)}
        base = {**defaults, **{name: _plain(value) for name, value in self._scale.items()}}
        for point in itertools.product(*self._given.values()):
            given = dict(zip(self._given, point, strict=True))
            yield given, {**base, **given}

    def _axes(self, given: Mapping[str, Any]) -> dict[str, list[Any]]:
        axes: dict[str, list[Any]] = {}
        for name, value in given.items():
            if name not in self._declared:
                self.problems.append(((name,), f"unknown parameter {name!r}{nearest(name, self._declared)}"))
                continue
            is_axis = isinstance(value, list) and not _takes(self._declared[name], value)
            axis = value if is_axis else [value]
            if not axis:
                self.problems.append(((name,), f"the grid of {name!r} is empty: nothing to run"))
            axes[name] = []
            for index, item in enumerate(axis):
                place = (name, index) if is_axis else (name,)
                read, wrong = _read(self._declared[name], item)
                axes[name].append(read)
                self.problems += [(place, f"parameter {name!r}: {text}") for text in wrong]
        if (count := math.prod(len(axis) for axis in axes.values())) > MAX_POINTS:
            self.problems.append(((), f"a grid of {count} points: more than {MAX_POINTS}"))
        return axes


def _takes(parameter: Parameter, value: list[Any]) -> bool:
    """Whether a list is one value of this parameter (a tuple of widths, say) rather than a grid of values."""
    kinds = [typing.get_origin(hint) or hint for hint in (typing.get_args(parameter.type) or ())]
    kinds.append(typing.get_origin(parameter.type) or parameter.type)
    sequence = any(isinstance(kind, type) and issubclass(kind, tuple | list) for kind in kinds)
    return sequence and (not value or bool(_read(parameter, value[0])[1]))


def _read(parameter: Parameter, value: Any) -> tuple[Any, list[str]]:
    """A value as its parameter's type has it (1 is 1.0 for a float), and what is wrong with it.

    Values are JSON to pydantic: strict, but lists do for tuples.
    """
    try:
        adapter = TypeAdapter(parameter.type)
    except PydanticSchemaGenerationError:
        return value, [f"its type {parameter.type_name} cannot be given in a suite"]
    try:
        read = adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        located = [{**e, "loc": e["loc"] if _inner(e) else ()} for e in error.errors()]
        return value, [text for _, text in messages(located)]
    return (_plain(read), []) if _is_plain(read) else (value, [])


def _inner(error: Mapping[str, Any]) -> bool:
    return any(isinstance(part, int) for part in error["loc"])


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
