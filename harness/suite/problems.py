"""What is wrong with a suite, all of it at once, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from harness.errors import HarnessError
from harness.quoting import one_line, quoted
from harness.registry.catalogue import nearest

MAX_PROBLEMS = 50
"""Problems that are told at once: beyond, it is another file that was meant."""


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
        return one_line(f"{self.mark}: {self.message}")


Path: TypeAlias = tuple[Any, ...]
"""Keys and positions that lead to a value."""


class SuiteError(HarnessError):
    """A suite that cannot be run, with every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


class Findings:
    """The problems found so far."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, mark: Mark, message: str) -> None:
        """Note a problem.

        Raises:
            SuiteError: there are so many that the rest is not looked for.
        """
        problem = Problem(mark, message)
        if problem in self.found:
            return  # what stands at the top of a suite is looked at for each of its matrices
        if len(self.found) == MAX_PROBLEMS:
            raise SuiteError([*self.found, Problem(mark, "and more: the rest of the problems is not told")])
        self.found.append(problem)


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
    errors: Iterable[Mapping[str, Any]], keys: Callable[[Path], Iterable[str]] = lambda _: ()
) -> Iterator[tuple[Path, str]]:
    """Pydantic's errors in our words, each with its path; `keys` are those allowed at a path.

    Alternatives of a union are told as one.
    """
    alternatives: dict[Path, list[str]] = {}
    shown: dict[Path, Any] = {}
    for error in errors:
        path = tuple(part for part in error["loc"] if not _is_union_tag(part))
        if expected := _expected(error):
            alternatives.setdefault(path, []).append(expected)
            shown[path] = error["input"]
        elif error["type"] == "missing":
            missing = path[-1]
            yield path[:-1], "has too few items" if isinstance(missing, int) else f"missing key {quoted(missing)}"
        elif error["type"] == "extra_forbidden":
            *above, key = whole = tuple(error["loc"])  # a key may be called like a union's tag
            yield whole, f"unknown key {quoted(key)}{nearest(str(key), keys(tuple(above)))}"
        else:
            yield path, _message(error)
    for path, expected_kinds in alternatives.items():
        yield path, f"expected {' or '.join(dict.fromkeys(expected_kinds))}, got {describe(shown[path])}"


def _expected(error: Mapping[str, Any]) -> str | None:
    """What a value should have been, for the errors that say so."""
    if error["type"] == "literal_error":
        return f"one of {error['ctx']['expected'].replace(' or ', ', ')}"
    return _EXPECTED.get(error["type"])


_SAID = {
    "string_pattern_mismatch": "expected lower-case letters, digits and '-', got {got}",
    "string_too_long": "expected at most {max_length} characters, got {got}",
    "greater_than_equal": "expected at least {ge}, got {got}",
    "less_than_equal": "expected at most {le}, got {got}",
    "too_short": "is empty: nothing to run",
    "too_long": "has too many items",
}


def _message(error: Mapping[str, Any]) -> str:
    if text := _SAID.get(error["type"]):
        return text.format(**{**error.get("ctx", {}), "got": quoted(error["input"])})
    return str(error["msg"])


def describe(value: Any) -> str:
    """A wrong value with the name of its kind."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the string {quoted(value)}"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f"the number {quoted(value)}"


def _is_union_tag(part: Any) -> bool:
    """Pydantic puts the alternative's name into the path of an error inside a union."""
    return isinstance(part, str) and (part in {"int", "str", "float", "bool", "none"} or "[" in part)
