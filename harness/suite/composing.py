"""YAML text to a tree of nodes, within bounds: a file can be small and its tree deep or endless."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import Node
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner

from harness.quoting import cut
from harness.suite.problems import Mark, Problem, SuiteError

MAX_VALUES = 5_000
"""Values in a document: what can be checked within a second."""
MAX_DEPTH = 50
"""Mappings and lists inside of each other."""
_VERSIONS = ((1, 1), (1, 2))
_DEEP = "is nested too deeply"


def compose(source: str, text: str) -> Node | None:
    """The root of a document's tree, None if there is nothing in it.

    Raises:
        SuiteError: the text is not YAML, or has too many values, or is nested too deeply.
    """
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Scanner, yaml.Composer = _Shallow, _Bounded
        yaml.composer.warn_double_anchors = False
        root: Node | None = yaml.compose(text)
        return root
    except MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        mark = Mark(source, at.line + 1, at.column + 1) if at else Mark(source, 1, 1)
        raise SuiteError([Problem(mark, _said(error))]) from error
    except ReaderError as error:
        line, start = text.count("\n", 0, error.position) + 1, text.rfind("\n", 0, error.position)
        mark = Mark(source, line, error.position - start)
        said = f"not valid YAML: the character U+{error.character:04X} is not allowed"
        raise SuiteError([Problem(mark, said)]) from error
    except Exception as error:  # ruamel has stumbled over input with errors of every kind
        said = f"not valid YAML: {cut(' '.join(f'{type(error).__name__}: {error}'.split()))}"
        raise SuiteError([Problem(Mark(source, 1, 1), said)]) from error


class _BoundError(MarkedYAMLError):
    """The document is YAML, but too much of it."""


class _Shallow(Scanner):
    """Gives up at too many open brackets: it looks ahead of the composer, and the longer the more are open.

    What it cannot scan it says with its place.
    """

    def fetch_flow_collection_start(self, *arguments: Any, **options: Any) -> None:
        if self.flow_level >= MAX_DEPTH:
            raise _BoundError(problem=_DEEP, problem_mark=self.reader.get_mark())
        super().fetch_flow_collection_start(*arguments, **options)

    def scan_yaml_directive_value(self, start_mark: Any) -> Any:
        version = super().scan_yaml_directive_value(start_mark)
        if version not in _VERSIONS:
            raise MarkedYAMLError(problem=f"version {version[0]}.{version[1]} is not known", problem_mark=start_mark)
        return version

    def fetch_flow_scalar(self, style: Any) -> None:
        try:
            super().fetch_flow_scalar(style)
        except (OverflowError, ValueError) as error:  # of chr: ruamel takes any eight digits behind \U
            mark = self.reader.get_mark()
            raise MarkedYAMLError(problem="an escape that stands for no character", problem_mark=mark) from error


class _Bounded(Composer):
    """Gives up where a document is too long or too deep, before more of it is read."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self._values = 0
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._values += 1
        self._depth += 1
        if self._values > MAX_VALUES:
            self._stop(f"has more than {MAX_VALUES} values")
        if self._depth > MAX_DEPTH:
            self._stop(_DEEP)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _stop(self, said: str) -> None:
        raise _BoundError(problem=said, problem_mark=self.parser.peek_event().start_mark)


def _said(error: MarkedYAMLError) -> str:
    if isinstance(error, _BoundError):
        return str(error.problem)
    said = f"{error.context}, {error.problem}" if str(error.problem).startswith("but ") else error.problem
    return f"not valid YAML: {cut(str(said or error.context))}"
