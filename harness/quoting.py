"""Texts from outside, made fit for messages and for the terminal: short, on one line, inert."""

from __future__ import annotations

_LENGTH = 100


def cut(text: str, length: int = _LENGTH) -> str:
    """The text, ending in dots where it is longer than `length` characters."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def quoted(value: object) -> str:
    """The value as Python writes it, with escapes for what cannot be printed, cut where it gets long."""
    return cut(repr(value))


def printable(text: str) -> str:
    """The text without what could move a terminal's cursor, change its colours or the direction of writing.

    Control and format characters (Unicode's Cc and Cf), line ends and surrogates become U+FFFD.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def one_line(text: str) -> str:
    """The text as one printable line: a text of several lines cannot pass for several messages."""
    return printable(" ".join(text.split()))
