"""Read YAML into plain values, keeping the place of every key and value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from harness.quoting import cut, quoted
from harness.suite.composing import MAX_DEPTH, MAX_VALUES, compose
from harness.suite.problems import Findings, Mark, Problem, SuiteError
from harness.suite.reading import read_text

Place: TypeAlias = tuple[str | int, ...]
"""A path of keys and positions into the document."""

_CORE = "tag:yaml.org,2002:"
_TAGS = {
    f"{_CORE}{tag}" for tag in ("null", "bool", "int", "float", "str", "timestamp", "merge", "value", "map", "seq")
}
_MAX_TEXT = 1_000_000
"""Characters of all values and keys, aliases expanded."""
_MAX_DIGITS = 100
"""Of a number; the rest of the harness need not ask how long a number is."""


class Document:
    """A YAML document's plain value, and where each part of it stands."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.text = text
        self.problems = Findings()
        self._keys: dict[Place, Mark] = {}
        self._values: dict[Place, Mark] = {}
        self._count = 0
        self._characters = 0
        root = compose(source, text)
        self.data: Any = None if root is None else self._value(root, ())

    @classmethod
    def read(cls, path: Path) -> Document:
        """The document of a file.

        Raises:
            SuiteError: the file cannot be read, or is not YAML.
        """
        return cls(str(path), read_text(path))

    def key_mark(self, place: Place) -> Mark:
        """Where the key of a place stands; for list items, the item."""
        return self._nearest(self._keys, place)

    def value_mark(self, place: Place) -> Mark:
        """Where the value of a place stands."""
        return self._nearest(self._values, place)

    def override(self, assignment: str) -> None:
        """Apply `--set`: `a.b.0=value`, the value read as YAML.

        Raises:
            SuiteError: the assignment has no `=`, or leads through something that is neither mapping nor list.
        """
        mark = Mark(f"--set {cut(assignment)}")
        dotted, equals, text = assignment.partition("=")
        if not equals or not dotted:
            raise SuiteError([Problem(mark, "expected key=value")])
        if dotted.count(".") >= MAX_DEPTH:
            raise SuiteError([Problem(mark, "is nested too deeply")])
        value = self._given(mark, text)
        place: Place = ()
        target = self.data
        *parents, last = map(_step_name, dotted.split("."))
        for part in parents:
            target = _step(target, part, mark)
            place = (*place, part)
            self._values.setdefault(place, self._keys.setdefault(place, mark))
        if isinstance(target, dict):
            last = str(last)
            target[last] = value
        elif isinstance(target, list) and isinstance(last, int) and last < len(target):
            target[last] = value
        else:
            raise SuiteError([Problem(mark, f"there is no {quoted(last)} to set")])
        self._forget((*place, last))
        self._keys[(*place, last)] = self._values[(*place, last)] = mark

    def _given(self, mark: Mark, text: str) -> Any:
        try:
            document = Document(mark.source, text)
        except SuiteError as error:
            raise SuiteError(Problem(mark, problem.message) for problem in error.problems) from error
        for problem in document.problems.found:
            self.problems.add(mark, problem.message)
        return document.data

    def _forget(self, place: Place) -> None:
        for marks in (self._keys, self._values):
            for known in [known for known in marks if known[: len(place)] == place]:
                del marks[known]

    def _nearest(self, marks: dict[Place, Mark], place: Place) -> Mark:
        while place and place not in marks:
            place = place[:-1]
            marks = self._values
        return marks.get(place) or self._values.get(()) or Mark(self.source, 1, 1)

    def _value(self, node: Node, place: Place) -> Any:
        mark = self._mark(node)
        at_key = self._keys.setdefault(place, mark)
        if isinstance(node, ScalarNode) and not node.value and node.tag == f"{_CORE}null":
            mark = at_key  # a value that is not there: YAML places it on the next line
        self._values[place] = mark
        self._check_tag(node, mark)
        self._count += 1
        if self._count > MAX_VALUES:
            raise SuiteError([Problem(mark, f"has more than {MAX_VALUES} values, aliases expanded")])
        if len(place) > MAX_DEPTH:
            raise SuiteError([Problem(mark, "is nested too deeply")])
        if isinstance(node, MappingNode):
            return dict(self._items(node, place))
        if isinstance(node, SequenceNode):
            return [self._value(item, (*place, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, mark)

    def _items(self, node: MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        seen: dict[str, Mark] = {}
        for key_node, value_node in node.value:
            mark = self._mark(key_node)
            if not isinstance(key_node, ScalarNode):
                self.problems.add(mark, "a key must be a string")
                continue
            self._check_tag(key_node, mark)
            key = self._text(key_node, mark)
            if key in seen:
                self.problems.add(mark, f"duplicate key {quoted(key)} (first at line {seen[key].line})")
                continue
            seen[key] = mark
            self._keys[(*place, key)] = mark
            yield key, self._value(value_node, (*place, key))

    def _scalar(self, node: Node, mark: Mark) -> Any:
        text, tag = self._text(node, mark), str(node.tag)
        if tag == f"{_CORE}null":
            return None
        if tag == f"{_CORE}bool":
            if text.lower() not in ("true", "false"):  # as YAML 1.1 has yes, no, on and off
                self.problems.add(mark, f"not true or false: {quoted(text)}")
            return text.lower() == "true"
        if tag in (f"{_CORE}int", f"{_CORE}float"):
            return self._number(text, tag, mark)
        return text

    def _number(self, text: str, tag: str, mark: Mark) -> int | float | None:
        try:
            number = _number(text, tag)
        except ValueError:
            self.problems.add(mark, f"not a number: {quoted(text)}")
            return None
        if not math.isfinite(number):
            self.problems.add(mark, f"not a finite number: {quoted(text)}")
        return number

    def _check_tag(self, node: Node, mark: Mark) -> None:
        if (tag := str(node.tag)) not in _TAGS:
            self.problems.add(mark, f"tag {quoted(tag.removeprefix(_CORE))} is not allowed in a suite")

    def _text(self, node: Node, mark: Mark) -> str:
        raw = str(node.value)
        self._characters += len(raw)
        if self._characters > _MAX_TEXT:
            raise SuiteError([Problem(mark, f"has more than {_MAX_TEXT} characters, aliases expanded")])
        try:  # JSON writes what lies beyond 16 bits as a pair of surrogates
            return raw.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.problems.add(mark, "half a surrogate pair is no character")
            return raw.encode("ascii", "backslashreplace").decode()

    def _mark(self, node: Node) -> Mark:
        return Mark(self.source, node.start_mark.line + 1, node.start_mark.column + 1)


def _number(text: str, tag: str) -> int | float:
    if len(text) > _MAX_DIGITS:
        raise ValueError(text)
    plain = text.replace("_", "").lower()
    if tag.endswith("float"):
        return float(re.sub(r"\.(inf|nan)$", r"\1", plain)) if "." in plain else float(plain)
    for prefix, base in (("0o", 8), ("0x", 16), ("0b", 2)):
        if plain.lstrip("+-").startswith(prefix):
            sign = -1 if plain.startswith("-") else 1
            return sign * int(plain.lstrip("+-")[2:], base)
    return int(plain)


def _step_name(part: str) -> str | int:
    return int(part) if re.fullmatch("[0-9]{1,9}", part) else part


def _step(target: Any, part: str | int, mark: Mark) -> Any:
    if isinstance(target, dict):
        return target.setdefault(str(part), {})
    if isinstance(target, list) and isinstance(part, int) and part < len(target):
        return target[part]
    raise SuiteError([Problem(mark, f"there is no {quoted(part)} to set")])
