"""Whatever stands in a file: a suite comes out, or problems that lie in the file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.quoting import cut
from harness.suite.form import known_keys
from harness.suite.problems import SuiteError
from harness.suite.suite import Suite

NAMES = [
    "guessing/guess",
    "guessing/mean",
    "guessing/constant",
    "guessing/mute",
    "needing/needy",
    "needing/choosy",
    "broken/model",
    "guessing/error",
    "error",
    "cpu",
    "smoke",
    "case",
    "shared",
    "2 s",
    "1 GB",
]
KEYS = sorted({key for place in [(), ("matrix", 0), ("limits",)] for key in known_keys(place)})
PARAMETERS = ["size", "widths", "value", "mode", "count", "first", "second", "either", "shape", "threads"]
PYDANTIC = ["int", "str", "float", "bool", "none", "list[int]", "0", ""]

scalars = (
    st.sampled_from(NAMES)
    | st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers()
    | st.floats(width=32)
    | st.text(max_size=5)
)
keys = st.sampled_from(KEYS) | st.sampled_from([*NAMES, *PARAMETERS, *PYDANTIC]) | st.text(max_size=3)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
entries = st.lists(
    st.sampled_from(NAMES)
    | values
    | st.dictionaries(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(PARAMETERS), values), max_size=1),
    max_size=3,
)
matrices = st.fixed_dictionaries(
    {"tasks": entries, "models": entries},
    optional={key: values for key in known_keys(("matrix", 0)) if key not in ("tasks", "models")} | {"wrong": values},
)
near_suites = st.fixed_dictionaries(
    {"name": st.just("a"), "matrix": st.lists(matrices, max_size=2)},
    optional={key: values for key in known_keys(()) if key not in ("name", "matrix")} | {"tasks": entries},
)
MARKS = [
    *(
        ": ",
        ":",
        "\n",
        "\n  ",
        "\n  - ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&a ",
        "*a",
        "!!int ",
        "!x ",
        "? ",
        "'",
        '"',
        "|",
    ),
    *(">", "#", "%", "---\n", "...\n", "<<: ", "\t", "\r\n", "~", "1e9", "0x", "-1", "\0", "\x85", "é"),
]

fuzz = settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)


def a_suite_or_problems_in_the_file(check, text: str) -> None:
    try:
        assert isinstance(check(text), Suite)
    except SuiteError as error:
        lines = re.split("\r\n|[\r\n]", text)
        assert error.problems
        for problem in error.problems:
            assert 1 <= problem.mark.line <= len(lines), problem
            assert 1 <= problem.mark.column <= len(lines[problem.mark.line - 1]) + 1, problem


@fuzz
@given(values, st.sampled_from([None, 2]))
def test_any_values(check, data, indent):
    a_suite_or_problems_in_the_file(check, json.dumps(data, indent=indent))


@fuzz
@given(near_suites, st.sampled_from([None, 2]))
def test_what_is_nearly_a_suite(check, data, indent):
    a_suite_or_problems_in_the_file(check, json.dumps(data, indent=indent))


@fuzz
@given(st.lists(st.sampled_from([*KEYS, *NAMES, *MARKS]), max_size=30).map("".join))
def test_any_words_of_yaml(check, text):
    a_suite_or_problems_in_the_file(check, text)


@fuzz
@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_text(check, text):
    a_suite_or_problems_in_the_file(check, text)


@fuzz
@given(st.lists(st.sampled_from([*KEYS, "0", "1", "", "guessing/guess"]), min_size=1, max_size=4), values)
def test_any_override(check, place, value):
    text = "name: a\nmatrix:\n  - tasks: [guessing/guess: {}]\n    models: [guessing/mean]\n"
    assignment = f"{'.'.join(place)}={json.dumps(value)}"
    try:
        assert isinstance(check(text, assignment), Suite)
    except SuiteError as error:
        assert error.problems
        assert all(problem.mark.source == f"--set {cut(assignment)}" or problem.mark.line for problem in error.problems)


def mutants(tmp_path: Path, seconds: int) -> None:
    """Mutants of all suites in a process of their own, since what it hears of the interpreter cannot be unheard."""
    script = Path(__file__).parents[2] / "benchmarks" / "fuzz_suites.py"
    command = [sys.executable, str(script), "--minutes", str(seconds / 60), "--seed", "1", "--found", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    found = "\n".join(path.read_text() for path in tmp_path.glob("*.txt"))
    assert (done.returncode, found) == (0, ""), done.stdout + done.stderr
    assert int(re.search(r"(\d+) inputs, \d+/s", done.stdout)[1]) > 10


def test_mutants_of_suites(tmp_path):
    mutants(tmp_path, 4)


@pytest.mark.slow
def test_many_mutants_of_suites(tmp_path):
    mutants(tmp_path, 60)
