"""A suite's text, from a file that may be anything."""

from __future__ import annotations

import stat
from pathlib import Path

from harness.suite.problems import Mark, Problem, SuiteError

MAX_CHARACTERS = 128 * 1024
"""Of a suite: fifty times what the longest has, and what can be parsed within a second."""


def read_text(path: Path) -> str:
    """The text of a file; no more of it is read than a suite may have.

    Raises:
        SuiteError: the file cannot be read, is none (a pipe, a device), is too large, or is not UTF-8.
    """
    try:
        if not stat.S_ISREG(mode := path.stat().st_mode) and not stat.S_ISDIR(mode):
            raise SuiteError([Problem(Mark(str(path)), "cannot be read: is not a regular file")])
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(MAX_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise SuiteError([Problem(Mark(str(path)), f"is not UTF-8 text: {error.reason}")]) from error
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise SuiteError([Problem(Mark(str(path)), f"cannot be read: {reason}")]) from error
    if len(text) > MAX_CHARACTERS:
        raise SuiteError([Problem(Mark(str(path)), f"is too large: a suite has at most {MAX_CHARACTERS} characters")])
    return text
