"""The commands that look and do not run: list, show, validate, schema, completion, help and version."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.metadata import version

import click
import pytest
from click.testing import CliRunner, Result

from harness.cli import root
from harness.cli.complete import names as complete_names
from harness.cli.complete import owners
from harness.errors import HarnessError

FAULTY = "Models, tasks and metrics that go wrong, each in its own way (arXiv:0000.00002)."
SUITE = "name: a\nmatrix:\n  - tasks: [guessing/guess]\n    models: [guessing/mean]\nseeds: 3\n"


@pytest.fixture
def ask(only_toys) -> Callable[..., Result]:
    """The command line in this process: `ask("list", "papers")`."""

    def call(*arguments: str) -> Result:
        result = CliRunner().invoke(root, list(arguments))
        if isinstance(result.exception, Exception) and not isinstance(result.exception, HarnessError):
            raise result.exception
        return result

    return call


def test_help_lists_every_command(ask):
    result = ask("--help")
    listed = re.findall(r"^  ([a-z]+)  ", result.stdout, re.MULTILINE)
    assert {"completion", "list", "results", "run", "schema", "show", "validate"} <= set(listed)
    assert result.exit_code == 0


@pytest.mark.parametrize("command", root.list_commands(None))
def test_every_command_explains_itself(ask, command):
    result = ask(command, "--help")
    assert result.stdout.startswith(f"Usage: root {command} ")
    assert result.exit_code == 0


def test_the_version_is_that_of_the_distribution(ask):
    assert ask("--version").stdout == f"harness {version('paper-harness')}\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [("lst", "No such command 'lst' (did you mean 'list'?)."), ("wibble", "No such command 'wibble'.")],
)
def test_a_command_that_there_is_not(ask, command, said):
    result = ask(command)
    assert said in result.stderr
    assert result.exit_code == 2


@pytest.mark.parametrize("arguments", [["list", "wibbles"], ["list"], ["validate"], ["show"], ["completion", "csh"]])
def test_wrong_arguments_are_wrong_input(harness, arguments):
    result = harness(*arguments)
    assert result.stderr.startswith("Usage: harness ")
    assert (result.stdout, result.returncode) == ("", 2)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(ask, shell):
    assert f"_HARNESS_COMPLETE={shell}_complete" in ask("completion", shell).stdout


@pytest.mark.parametrize(
    ("complete", "typed", "completed"),
    [
        (owners, "g", ["guessing"]),
        (owners, "x", []),
        (complete_names, "ne", ["needing"]),
        (complete_names, "guessing/t", ["guessing/timed-guess"]),
        (complete_names, "guessing/error", ["guessing/error", "guessing/error-curve"]),
        (complete_names, "wibble/m", []),
        (complete_names, "unparsable/m", []),
    ],
)
def test_names_are_completed(only_toys, complete, typed, completed):
    ctx = click.Context(root)
    assert [item.value for item in complete(ctx, click.Option(["--name"]), typed)] == completed


def test_papers_are_listed_with_their_titles(ask):
    assert json.loads(ask("list", "papers", "--json").stdout) == [
        {"name": "broken", "family": "toy-papers", "title": "A paper that cannot be imported."},
        {"name": "faulty", "family": "toy-papers", "title": FAULTY},
        {
            "name": "faulty-torch",
            "family": "toy-papers",
            "title": "Models that go wrong by way of torch (arXiv:0000.00003).",
        },
        {"name": "guessing", "family": "toy-papers", "title": "Guess a number (arXiv:0000.00000)."},
        {
            "name": "needing",
            "family": "toy-papers",
            "title": "Models with parameters of every kind, and some that cannot be given.",
        },
        {"name": "racing", "family": "toy-papers", "title": "Operations to be timed (arXiv:0000.00006)."},
        {"name": "unparsable", "family": "toy-papers", "title": "A paper that is no Python."},
    ]


def names(result: Result) -> list[str]:
    return [line.split()[0] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("kind", "owners", "expected"),
    [
        ("papers", ["guessing"], ["guessing"]),
        ("papers", ["toy_papers"], ["broken", "faulty", "faulty-torch", "guessing", "needing", "racing", "unparsable"]),
        ("tasks", ["guessing"], ["guessing/guess", "guessing/timed-guess"]),
        ("models", ["needing"], ["choosy", "functional", "hidden", "needy", "untyped"]),
        ("metrics", ["guessing"], ["guessing/error", "guessing/error-curve", "guessing/reciprocal"]),
        ("metrics", ["needing"], []),
        ("models", ["broken"], []),
    ],
)
def test_lists_of_some_owners(ask, kind, owners, expected):
    result = ask("list", kind, *owners)
    full = [name if "/" in name or kind == "papers" else f"needing/{name}" for name in expected]
    assert sorted(names(result)) == full
    assert result.exit_code == 0


def test_a_list_shows_role_and_summary(ask):
    line = next(line for line in ask("list", "models").stdout.splitlines() if line.startswith("guessing/mean "))
    assert line.split(maxsplit=1)[1] == "construction · The mean itself."


def test_what_is_broken_is_named_and_the_rest_is_listed(ask, only_toys):
    result = ask("list", "models")
    place = f"{only_toys}/toy_papers/unparsable.py:3"
    assert result.stderr == (
        f"warning: paper 'unparsable' is left out: {place}: cannot be parsed: '(' was never closed\n"
    )
    assert {"guessing/mean", "needing/needy"} <= set(names(result))
    assert result.exit_code == 0


def test_backends_are_listed_with_the_reason_why_not(ask, monkeypatch):
    monkeypatch.setattr("harness.accelerators._torch_build", lambda: None)
    rows = {row["name"]: row for row in json.loads(ask("list", "backends", "--json").stdout)}
    assert rows["cpu"] == {"name": "cpu", "available": "available", "reason": "", "summary": "The processor."}
    assert (rows["cuda"]["available"], rows["cuda"]["reason"]) == ("unavailable", "torch is not installed")


def test_suites_are_listed_from_the_folder(ask, suite, tmp_path, monkeypatch):
    (tmp_path / "suites" / "inner").mkdir(parents=True)
    suite("name: a\ndescription: |\n  First\n  line\n", "suites/first.yaml")
    suite("name: b\n", "suites/inner/second.yaml")
    suite("name: [\n", "suites/third.yaml")
    suite("- a\n", "suites/fourth.yaml")
    monkeypatch.chdir(tmp_path)
    result = ask("list", "suites", "--json")
    assert {row["name"]: row["description"] for row in json.loads(result.stdout)} == {
        "suites/first.yaml": "First line",
        "suites/fourth.yaml": "",
        "suites/inner/second.yaml": "",
    }
    assert result.stderr.startswith("warning: suites/third.yaml:2:1: not valid YAML: ")
    assert names(ask("list", "suites", "inner")) == ["suites/inner/second.yaml"]


def test_where_there_is_no_folder_of_suites_it_is_said(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = ask("list", "suites")
    assert (result.stdout, result.stderr) == ("", "warning: there is no folder called suites here\n")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "guessing",
            {"title": "Guess a number", "arxiv": "0000.00000", "year": 2026, "venue": "tests", "family": "toy-papers"},
        ),
        ("guessing/mean", {"kind": "construction", "documentation": "The mean itself.", "parameters": {}}),
        (
            "guessing/constant",
            {
                "kind": "baseline",
                "parameters": {
                    "value": "float = 0.0  The guess.",
                    "mode": "Literal['plain', 'negated'] = 'plain'  Whether to change its sign.",
                    "count": "int | None = None  Unused, but typed.",
                },
            },
        ),
        ("needing/needy", {"parameters": {"first": "int required", "second": "float required"}}),
        ("guessing/guess", {"kind": "task", "scales": {"smoke": {"size": 3}}}),
        (
            "guessing/error",
            {
                "kind": "metric",
                "unit": "1",
                "direction": "lower is better",
                "documentation": "How far the guess is from the mean.",
            },
        ),
    ],
)
def test_what_is_shown(ask, name, shown):
    card = json.loads(ask("show", name, "--json").stdout)
    assert {key: card[key] for key in shown} == shown


def test_a_paper_is_shown_with_what_it_brings_and_claims(ask):
    card = json.loads(ask("show", "guessing", "--json").stdout)
    assert card["models"]["guessing/mean"] == "construction: The mean itself."
    assert list(card["tasks"]) == ["guessing/guess", "guessing/timed-guess"]
    assert [claim["name"] for claim in card["claims"]] == ["mean-wins"]


def test_a_task_is_shown_with_its_protocol_and_metrics(ask):
    card = json.loads(ask("show", "guessing/guess", "--json").stdout)
    assert "def guess(self, values: Sequence[float], context: Context) -> float:" in card["protocol"]
    assert card["metrics"]["error"] == "[1] lower is better. How far the guess is from the mean."


@pytest.mark.parametrize("name", ["guessing", "guessing/guess", "guessing/constant", "guessing/error"])
def test_everything_shown_as_json_is_shown_as_text(ask, name):
    card, text = json.loads(ask("show", name, "--json").stdout), ask("show", name).stdout
    assert [key for key, value in card.items() if value and f"{key}:" not in text] == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gessing", "no paper or family is called 'gessing' (did you mean 'guessing'?)"),
        ("guessing/maen", "there is no 'guessing/maen' (did you mean 'guessing/mean'?)"),
        ("wibble/mean", "no paper or family is called 'wibble'"),
        ("broken", "paper 'broken' (.*) cannot be imported: ImportError: a dependency is missing"),
        ("unparsable", "paper 'unparsable' (.*) cannot be imported: SyntaxError: .*"),
        ("unparsable/model", ".*unparsable.py:3: cannot be parsed: .*"),
    ],
)
def test_what_cannot_be_shown_is_said(ask, name, said):
    result = ask("show", name)
    assert isinstance(result.exception, HarnessError)
    pattern = said if ".*" in said else re.escape(said)
    assert re.fullmatch(pattern.replace("(.*)", r"\(.*\)"), str(result.exception))


def test_an_error_is_one_line_and_exit_code_2(harness):
    result = harness("show", "gessing")
    assert result.stderr == "no paper or family is called 'gessing' (did you mean 'guessing'?)\n"
    assert (result.stdout, result.returncode) == ("", 2)


def test_a_good_suite_is_counted(ask, suite):
    path = suite(SUITE)
    result = ask("validate", str(path))
    assert (result.stdout, result.stderr, result.exit_code) == (f"{path}: ok, 3 cases\n", "", 0)


def test_a_good_suite_as_json_has_no_problems(ask, suite):
    result = ask("validate", "--json", str(suite(SUITE)), "--set", "seeds=2")
    assert (json.loads(result.stdout), result.exit_code) == ([], 0)


def test_validating_runs_nothing(ask, suite, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = suite(SUITE.replace("guessing/mean", "guessing/naughty: {how: exit}"))
    assert ask("validate", str(path)).exit_code == 0
    assert list(tmp_path.iterdir()) == [path]
