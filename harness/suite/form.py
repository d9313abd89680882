"""The form of a suite: its keys and their types, before any name in it is looked up."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from harness.suite.document import Document, Place
from harness.suite.problems import Problem, SuiteError, messages
from harness.suite.schema import Limits, Matrix, SuiteFile


def read_form(document: Document) -> SuiteFile:
    """The form of a suite; what is wrong with it is noted. Stubs replace wrong parts, so that the rest is checked.

    Raises:
        SuiteError: it is no mapping, or more is wrong than is told.
    """
    if not isinstance(document.data, dict):
        raise SuiteError([Problem(document.value_mark(()), "a suite is a mapping with the keys name and matrix")])
    try:
        return SuiteFile.model_validate(document.data)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    for place, text in messages(errors, known_keys):
        mark = document.key_mark(place) if text.startswith("unknown key") else document.value_mark(place)
        document.problems.add(mark, _with_key(place, text))
    mended = copy.deepcopy(document.data)
    for one in errors:
        _stub(mended, one["loc"], known=one["type"] != "extra_forbidden")
    return SuiteFile.model_validate(mended)


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
        data[last] = _STUB_MATRIX if data and place[0] == "matrix" and len(place) == 2 else STUB
    elif known and last in _STUBS:
        data[last] = _STUBS[last]
    else:
        data.pop(last, None)


STUB = "\0"
"""An entry that no file can hold."""
_STUB_MATRIX: dict[str, Any] = {"tasks": [STUB], "models": [STUB]}
_STUBS: dict[str, Any] = {"name": "stub", "matrix": [_STUB_MATRIX], "tasks": [STUB], "models": [STUB]}


def _with_key(place: Place, text: str) -> str:
    """Say which key a wrong value stands under."""
    key = next((part for part in reversed(place) if isinstance(part, str)), None)
    return text if key is None or text.startswith(("unknown key", "missing key")) else f"{key}: {text}"


def known_keys(place: Place) -> Iterable[str]:
    """The keys that a suite may have at a place."""
    if not place:
        return SuiteFile.model_fields
    return Limits.model_fields if place[-1] == "limits" else Matrix.model_fields
