"""Mutations of a suite's text: bytes, tokens, lines and subtrees are lost, doubled, swapped, nested and aliased."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from harness.suite.document import Document
from harness.suite.problems import SuiteError

TOKENS = (
    *(": ", ":", "- ", "[", "]", "{", "}", ", ", "? ", "|", ">", "'", '"', "#", "%YAML 1.1\n---\n", "---\n", "...\n"),
    *("&a ", "*a", "<<: *a", "!!python/object/apply:os.system ", "!!binary ", "!!set ", "!!omap ", "!mine ", "!!int "),
    *("~", "null", "true", "yes", "''", "[]", "{}", "\t", "\r", "\r\n", "\n", "\n\n", " ", "\0", "\x85", "\u2028"),
    *("\ufeff", "\u202e", "\u200b", "\x1b[31m", '"\\e]0;x\\a"', '"\\ud800"', '"\\U0010ffff"', "é", "\U0001f600"),
    *("../../x", "/dev/null", "con", "a" * 300, "guessing/guess", "guessing/mean", "guessing/constant: {value: 1}"),
    *("name", "matrix", "tasks", "models", "backends", "seeds", "metrics", "scale", "limits", "retries", "isolation"),
)
NUMBERS = (
    *("0", "-1", "1e999", "-1e999", ".nan", ".inf", "1e-400", "9" * 30, "9" * 5000, "0x" + "f" * 5000, "1_000"),
    *("2147483648", "9223372036854775808", "1:30", "0o7", "0b1", "012", "1.", "-0.0", "1e5", "100000", "+3", "1e", "٣"),
)
_MOST = 400_000
"""Characters of a mutant; what is above the limit of a suite is tried too."""

Mutation = Callable[[str, random.Random], str]


def mutate(texts: Sequence[str], chance: random.Random) -> bytes:
    """One of the texts after a few mutations; now and then with bytes that are no text."""
    text = chance.choice(texts)
    if chance.random() < 0.2:
        other = chance.choice(texts)
        text = text[: chance.randrange(len(text) + 1)] + other[chance.randrange(len(other) + 1) :]
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        text = chance.choice(_MUTATIONS)(text, chance)[:_MOST]
    data = text.encode("utf-8", "surrogatepass")
    return _bytes(data, chance) if chance.random() < 0.05 else data


def _bytes(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.randrange(1, 4)) + data[at + chance.randrange(3) :]


def _span(text: str, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(text) + 1)
    return start, min(len(text), start + chance.choice((1, 2, 5, 20, 100)))


def _delete(text: str, chance: random.Random) -> str:
    start, end = _span(text, chance)
    return text[:start] + text[end:]


def _double(text: str, chance: random.Random) -> str:
    start, end = _span(text, chance)
    return text[:end] + text[start:end] * chance.choice((1, 1, 2, 2, 10, 100, 4000)) + text[end:]


def _insert(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(TOKENS) * chance.choice((1, 1, 1, 1, 1, 2, 60, 3000)) + text[at:]


def _number(text: str, chance: random.Random) -> str:
    return _replaced(r"\d+(\.\d+)?", text, chance, lambda _: chance.choice(NUMBERS))


def _token(text: str, chance: random.Random) -> str:
    return _replaced(r"[\w/.-]+|[^\w\s]", text, chance, lambda _: chance.choice(TOKENS + NUMBERS))


def _nest(text: str, chance: random.Random) -> str:
    depth = chance.choice((1, 1, 2, 2, 49, 50, 51, 3000, 100_000))
    before, after = chance.choice((("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("[{a: ", "}]")))
    return _replaced(r"[\w/.-]+", text, chance, lambda word: before * depth + word + after * depth)


def _alias(text: str, chance: random.Random) -> str:
    anchored = _replaced(r"(?<=[:\-\[,] )\S", text, chance, lambda character: f"&x {character}")
    return _replaced(r"[\w/.-]+", anchored, chance, lambda _: chance.choice(("*x", "[" + "*x," * 500 + "]")))


def _replaced(pattern: str, text: str, chance: random.Random, new: Callable[[str], str]) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text + new("x")
    match = chance.choice(found)
    return text[: match.start()] + new(match[0]) + text[match.end() :]


def _lines(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [text]
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(5):
        case 0:
            del lines[one]
        case 1:
            lines.insert(other, lines[one] * chance.choice((1, 2, 50, 2000)))
        case 2:
            lines[one], lines[other] = lines[other], lines[one]
        case 3:
            lines[one] = " " * chance.choice((1, 2, 4, 50)) + lines[one]
        case _:
            lines[one] = lines[one].lstrip()
    return "".join(lines)


def _subtree(text: str, chance: random.Random) -> str:
    """A part of the document in place of another, many times, or gone; the whole is written as JSON."""
    if len(text) > 20_000:
        return text
    try:
        data = Document("", text).data
    except SuiteError:
        return text
    places = list(_containers(data))
    if not places:
        return text
    target, key = chance.choice(places)
    source, other = chance.choice(places)
    part = json.loads(json.dumps(source[other]))
    match chance.randrange(4):
        case 0:
            del target[key]
        case 1:
            target[key] = [part] * chance.choice((1, 2, 30, 400, 6_000))
        case 2:
            target[key] = part
        case _:
            target[key] = {str(name): part for name in range(chance.choice((1, 3, 400)))}
    return json.dumps(data, indent=chance.choice((None, 1)))


def _containers(data: Any) -> list[tuple[Any, Any]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    found = [(data, key) for key, _ in items]
    return found + [place for container, key in found for place in _containers(container[key])]


_MUTATIONS: tuple[Mutation, ...] = (
    *(_delete, _double, _insert, _insert, _number, _number, _token, _token, _nest, _alias, _lines, _lines),
    *(_subtree, _subtree),
)
