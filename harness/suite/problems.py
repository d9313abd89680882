"""What is wrong with a suite, all of it at once, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError
from harness.registry.catalogue import nearest


@dataclass(frozen=True, order=True)
class Mark:
    """A place in a suite file or on the command line."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong."""

    mark: Mark
    message: str

    def __str__(self) -> str:
        return f"{self.mark}: {self.message}"


class SuiteError(HarnessError):
    """A suite that cannot be run, with every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "int_parsing": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "nothing (null)",
}


def messages(
    errors: Iterable[Mapping[str, Any]], keys: Callable[[tuple[Any, ...]], Iterable[str]] = lambda _: ()
) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Pydantic's errors in our words, each with its path. Alternatives of a union are told as one.

    Args:
        errors: as pydantic lists them.
        keys: the known keys of the mapping at a path, to suggest from.
    """
    grouped: dict[tuple[Any, ...], list[str]] = {}
    shown: dict[tuple[Any, ...], Any] = {}
    for error in errors:
        path = tuple(part for part in error["loc"] if not _is_union_tag(part))
        kind = error["type"]
        if kind == "extra_forbidden":
            *above, key = path = tuple(error["loc"])
            yield path, f"unknown key {key!r}{nearest(str(key), keys(tuple(above)))}"
        elif kind == "missing" and isinstance(path[-1], int):
            yield path[:-1], "has too few items"
        elif kind == "too_long":
            yield path, "has too many items"
        elif kind == "missing":
            yield path[:-1], f"missing key {path[-1]!r}"
        elif kind in _EXPECTED:
            grouped.setdefault(path, []).append(_EXPECTED[kind])
            shown[path] = error["input"]
        elif kind == "literal_error":
            grouped.setdefault(path, []).append(f"one of {error['ctx']['expected'].replace(' or ', ', ')}")
            shown[path] = error["input"]
        elif kind == "string_pattern_mismatch":
            yield path, f"expected lower-case letters, digits and '-', got {shorten(error['input'])}"
        elif kind == "too_short":
            yield path, "is empty: nothing to run"
        else:
            yield path, error["msg"]
    for path, expected in grouped.items():
        yield path, f"expected {' or '.join(dict.fromkeys(expected))}, got {describe(shown[path])}"


def describe(value: Any) -> str:
    """A wrong value with the name of its kind."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the string {shorten(value)}"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f"the number {shorten(value)}"


def shorten(value: Any) -> str:
    """The value as Python writes it, cut where it gets long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_union_tag(part: Any) -> bool:
    """Pydantic puts the alternative's name into the path of an error inside a union."""
    return isinstance(part, str) and (part in {"int", "str", "float", "bool", "none"} or "[" in part)
