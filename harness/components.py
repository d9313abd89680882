"""What the harness knows of a task, model or backend class: its name, parameters and documentation.

A component is an ordinary class whose constructor parameters are its hyperparameters. Nothing has to be inherited
or registered for that: the constructor's signature and type hints say it all.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import PluginError

_BOUNDARY = re.compile(r"_|(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])")
_REQUIRED = inspect.Parameter.empty


def kebab(name: str) -> str:
    """`KNearestNeighbors` -> `k-nearest-neighbors`, `icl_deep_gd` -> `icl-deep-gd`: the name shown outside Python."""
    return _BOUNDARY.sub("-", name).lower()


@dataclass(frozen=True)
class Parameter:
    """One hyperparameter: a typed parameter of a component's constructor."""

    name: str
    type: Any
    default: Any
    doc: str = ""

    @property
    def required(self) -> bool:
        """Whether a suite has to give a value."""
        return self.default is _REQUIRED

    @property
    def type_name(self) -> str:
        """The type as an author would write it."""
        return self.type.__name__ if isinstance(self.type, type) else str(self.type).replace("typing.", "")


def parameters(component: type) -> dict[str, Parameter]:
    """The hyperparameters of `component`, in the order of its constructor.

    Raises:
        PluginError: a parameter has no type, or one that cannot be resolved outside type checking.
    """
    if component.__init__ is object.__init__:  # type: ignore[misc]
        return {}
    signature = inspect.signature(component.__init__)  # type: ignore[misc]
    try:
        hints = _type_hints(component)
    except NameError as error:
        raise PluginError(
            f"{where(component)}: the type of a parameter of {component.__name__} cannot be resolved ({error}); "
            "hyperparameters are plain values, so import their types outside TYPE_CHECKING"
        ) from error
    found = {}
    for name, parameter in list(signature.parameters.items())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name not in hints:
            raise PluginError(f"{where(component)}: parameter {name!r} of {component.__name__} has no type")
        found[name] = Parameter(name, hints[name], parameter.default)
    return found


def _type_hints(component: type) -> dict[str, Any]:
    """The types of the constructor's parameters; those of inherited fields as the base's own module names them."""
    try:
        return typing.get_type_hints(component.__init__, include_extras=True)  # type: ignore[misc]
    except NameError:
        if not dataclasses.is_dataclass(component):
            raise
        return typing.get_type_hints(component, include_extras=True)


def construct(component: type, values: Mapping[str, Any]) -> Any:
    """An instance of `component`; lists (JSON has no tuples) arrive as tuples, so that parameters stay hashable."""
    return component(**{name: _frozen(value) for name, value in values.items()})


def summary(component: type) -> str:
    """The first line of the component's own docstring."""
    doc = component.__dict__.get("__doc__") or ""
    if doc.startswith(f"{component.__name__}("):  # what dataclass writes where the author wrote nothing
        return ""
    return doc.strip().partition("\n")[0]


def where(component: type) -> str:
    """`file:line` of a class, for messages."""
    try:
        return f"{inspect.getsourcefile(component)}:{inspect.getsourcelines(component)[1]}"
    except (OSError, TypeError):
        return component.__module__


def import_path(component: Any) -> str:
    """`module:qualified.name`, by which a worker finds the class or function again."""
    return f"{component.__module__}:{component.__qualname__}"


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
