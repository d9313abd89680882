"""Whether a model implements its task's protocol: checked by name and parameters, before anything runs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Protocol


def breaches(model: type, protocol: type) -> Iterator[str]:
    """What a model class lacks of a `typing.Protocol`: `no method predict(x, y)`, `fit() takes no parameter 'rng'`."""
    for name, wanted in _methods(protocol).items():
        offered = getattr(model, name, None)
        if offered is None:
            yield f"no method {name}({', '.join(_names(wanted))})"
        elif not callable(offered):
            yield f"{name} is not a method"
        else:
            bound = not isinstance(inspect.getattr_static(model, name), staticmethod | classmethod)
            yield from _mismatch(name, wanted, offered, bound)


def _methods(protocol: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in reversed(protocol.__mro__):
        if base is object or base is Protocol or base.__module__ == "typing":
            continue
        found.update({k: v for k, v in vars(base).items() if inspect.isfunction(v) and not k.startswith("_")})
    return found


def _names(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)[1:]


def _mismatch(name: str, wanted: Any, offered: Any, bound: bool) -> Iterator[str]:
    try:
        taken = dict(list(inspect.signature(offered).parameters.items())[bound:])
    except (TypeError, ValueError):
        return  # a built-in without a signature: found out when it is called
    kinds = {parameter.kind for parameter in taken.values()}
    needed = [name for name, p in taken.items() if p.default is p.empty and p.kind not in _VARIADIC]
    wanted_parameters = dict(list(inspect.signature(wanted).parameters.items())[1:])
    for parameter in wanted_parameters:
        if parameter not in taken and not kinds & set(_VARIADIC):
            yield f"{name}() takes no parameter {parameter!r}"
    for parameter in needed:
        if parameter not in wanted_parameters:
            yield f"{name}() needs a parameter {parameter!r} that the protocol does not give"


_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
