"""The texts of a result as they are kept: without secrets, and short."""

from __future__ import annotations

import dataclasses

from harness.redaction import Redactor
from harness.results import Result

_ERROR_CHARACTERS = 500
_TAIL_CHARACTERS = 4000
_CUT = "[...]\n"


def presentable(result: Result, redactor: Redactor) -> Result:
    """The result with its error, traceback and output cleaned, then cut: half a secret would not be recognised."""
    if not (result.error or result.traceback or result.output):
        return result
    return dataclasses.replace(
        result,
        error=result.error and redactor.clean(result.error)[:_ERROR_CHARACTERS],
        traceback=_tail(result.traceback, redactor),
        output=_tail(result.output, redactor),
    )


def _tail(text: str | None, redactor: Redactor) -> str | None:
    if text is None:
        return None
    text = redactor.clean(text)
    return text if len(text) <= _TAIL_CHARACTERS else _CUT + text[-_TAIL_CHARACTERS:]
