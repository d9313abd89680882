"""Suites that are meant to cost much: each is told of within a second of CPU and 200 MB."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import pytest

from harness.suite.composing import MAX_VALUES
from harness.suite.load import MAX_CASES
from harness.suite.problems import SuiteError
from harness.suite.reading import MAX_CHARACTERS
from harness.suite.suite import Suite

SIZE = MAX_CHARACTERS - 100
HEAD = "name: a\nmatrix:\n  - tasks: [guessing/guess]\n    models: "
WORDS = ", ".join(["guessing/mean"] * (MAX_VALUES - 20))
VALUES = ", ".join(["1.0"] * 2000)


def filled(text: str) -> str:
    """The text again and again, as often as a suite has room for it."""
    return text * (SIZE // len(text))


PLAIN = f"name: a\nmatrix: [{', '.join(['word'] * 4500)}]\n"
"""As many values as a suite may have, and nothing else: a quarter of a second where a second is the promise."""
SUITES = {
    "a comment": "#" + filled("x"),
    "comments": filled("#\n"),
    "blanks": filled(" "),
    "empty lines": filled("\n"),
    "tabs": "a:" + filled("\t"),
    "one word": "a: " + filled("x"),
    "words": "a: " + filled("x "),
    "words on lines": "a:\n" + filled(" x\n"),
    "a quoted text": 'a: "' + filled("x") + '"',
    "escapes": 'a: "' + filled("\\n") + '"',
    "a block of text": "a: |\n" + filled(" x\n"),
    "a list on lines": filled("- a\n"),
    "a list on one line": "[" + filled("1,") + "]",
    "a list of lists": "[" + filled("[[1],[2]],") + "]",
    "empty things": "[" + filled("[],{},") + "]",
    "keys": "".join(f"k{number}: 1\n" for number in range(SIZE // 10)),
    "keys on one line": "{" + ", ".join(f"k{number}: 1" for number in range(SIZE // 12)) + "}",
    "the same key": filled("name: a\n"),
    "anchors": "[" + "".join(f"&a{number} 1," for number in range(SIZE // 12)) + "]",
    "aliases of a long text": f"name: &a {'x' * 100_000}\nmatrix: [{'*a,' * 4000}]",
    "aliases of a long key": f"base: &a {{? {'x' * 50_000}\n: 1}}\nmatrix: [{'*a,' * 4000}]",
    "brackets": filled("["),
    "braces": filled("{a: "),
    "brackets, closed": filled("[" * 40 + "]" * 40 + ",") + "1",
    "dashes": filled("- "),
    "question marks": filled("? "),
    "colons": filled(": "),
    "directives": filled("%X\n"),
    "tags": filled("- !x a\n"),
    "documents": filled("---\n"),
    "stairs": "".join(" " * depth + "a:\n" for depth in range(500)),
    "unknown models": HEAD + "[" + ", ".join(f"guessing/mea{number}" for number in range(4000)) + "]\n",
    "unknown owners": HEAD + "[" + ", ".join(f"guesing/mea{number}" for number in range(4000)) + "]\n",
    "bare names": HEAD + "[" + ", ".join(f"mean{number}" for number in range(4000)) + "]\n",
    "the same model": HEAD + f"[{WORDS}]\n",
    "models with parameters": HEAD + "[" + "guessing/constant: {value: 1.0}, " * 1600 + "]\n",
    "models that lack a method": HEAD + "[" + "guessing/mute, " * 4900 + "]\n",
    "unknown parameters": HEAD + "[guessing/constant: {" + ", ".join(f"valu{n}: 1" for n in range(4000)) + "}]\n",
    "a parameter with many values": HEAD + f"[guessing/constant: {{value: [{VALUES}], count: [1, 2]}}]\n",
    "a parameter with many wrong values": HEAD + f"[guessing/constant: {{count: [{VALUES}]}}]\n",
    "a long grid": HEAD + f"[guessing/constant: {{value: [{VALUES}], count: [{', '.join(map(str, range(25)))}]}}]\n",
    "metrics": HEAD + "[guessing/mean]\n    metrics: [" + ", ".join(f"m{number}" for number in range(4000)) + "]\n",
    "the same metric": HEAD + "[guessing/mean]\n    metrics: [" + "error, " * 4500 + "]\n",
    "matrices": "name: a\nmatrix:\n" + "  - {tasks: [guessing/guess], models: [guessing/mean], seeds: 100000}\n" * 700,
    "wrong matrices": "name: a\nmatrix: [" + "{x: 1}, " * 1600 + "]\n",
    "as many cases as there may be": HEAD + "[" + "guessing/mean, " * 10 + f"]\nseeds: {MAX_CASES // 10}\n",
}


@pytest.mark.parametrize("name", SUITES)
def test_it_costs_little(check, name) -> None:
    checked(check, PLAIN)  # what is imported once is not reckoned
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert any(checked(check, SUITES[name]) < 4 * checked(check, PLAIN) for _ in range(3))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 200_000


def checked(check: Callable[[str], Suite], text: str) -> float:
    """The seconds of CPU that a check takes; what it says is not long."""
    start = time.process_time()
    try:
        assert isinstance(check(text), Suite)
    except SuiteError as error:
        assert len(str(error)) < 100_000
    return time.process_time() - start


def test_what_stands_at_the_top_is_told_once_for_all_matrices(check) -> None:
    matrix = "  - {tasks: [guessing/guess], models: [guessing/mean]}\n"
    with pytest.raises(SuiteError) as caught:
        check("name: a\nbackends: [wibble]\nmatrix:\n" + matrix * 100 + matrix.replace("mean", "wibble"))
    assert [problem.mark.line for problem in caught.value.problems] == [2, 104]
