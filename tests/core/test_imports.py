"""What is imported for what: a command pays for nothing that it does not use."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HEAVY = {"torch", "pandas", "mlflow", "pyarrow", "scipy", "sklearn", "numba"}
AFTER_COMMAND = """
import json, sys
from harness.cli import root
root.main(sys.argv[1:], standalone_mode=False)
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
AFTER_EVERY_PAPER = """
import importlib, json, sys
from harness.registry.discovery import discover
seen = {}
for owner in discover().owners.values():
    if owner.distribution != "toy-papers":
        before = set(sys.modules)
        importlib.import_module(owner.module)
        seen[owner.name] = sorted(set(sys.modules) - before)
print(json.dumps(seen), file=sys.stderr)
"""


@pytest.fixture
def imported(toys: Path, suite: Callable[[str], Path], tmp_path: Path) -> Callable[..., list[str]]:
    """The modules that a fresh process has imported after a command."""
    suite("name: a\nmatrix:\n  - tasks: [guessing/guess]\n    models: [guessing/mean]\n")

    def call(*arguments: str) -> list[str]:
        command = [sys.executable, "-c", AFTER_COMMAND, *arguments]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120)
        return json.loads(result.stderr.splitlines()[-1])

    return call


def tops(modules: list[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize(
    "arguments",
    [
        "--help",
        "list papers",
        "list backends",
        "list suites",
        "validate suite.yaml",
        "schema",
        "run --help",
        "show guessing",
        "show guessing/mean",
    ],
)
def test_light_commands_import_nothing_heavy(imported, arguments):
    assert tops(imported(*arguments.split())) & HEAVY == set()


@pytest.mark.parametrize("kind", ["papers", "tasks", "models", "metrics"])
def test_listing_imports_no_paper(imported, kind):
    modules = imported("list", kind)
    assert tops(modules) & {*HEAVY, "numpy", "harness_plugins", "toy_papers"} == set()


def test_help_imports_neither_pydantic_nor_yaml(imported):
    assert tops(imported("--help")) & {"pydantic", "ruamel", "numpy", "pluggy", "rich"} == set()


def test_validating_imports_only_the_papers_that_are_named(imported):
    modules = imported("validate", "suite.yaml")
    assert [module for module in modules if module.startswith(("toy_papers.", "harness_plugins"))] == [
        "toy_papers._helper",
        "toy_papers._models",
        "toy_papers.guessing",
    ]


def test_importing_the_harness_imports_nothing_else():
    source = "import sys, harness; print([m for m in sys.modules if m.startswith('harness')])"
    result = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "['harness']\n"


@pytest.fixture(scope="module")
def imported_by_paper() -> dict[str, list[str]]:
    """What each paper and each family imports that those before it have not."""
    command = [sys.executable, "-c", AFTER_EVERY_PAPER]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(result.stderr.splitlines()[-1])


def test_papers_import_what_is_heavy_where_they_use_it(imported_by_paper):
    heavy = {owner: tops(modules) & HEAVY for owner, modules in imported_by_paper.items()}
    assert {owner: found for owner, found in heavy.items() if found} == {}


def test_there_are_papers(imported_by_paper):
    assert imported_by_paper
