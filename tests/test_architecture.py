"""The form of the code: sizes, cycles, types, documentation. What import-linter cannot say is said here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "harness").rglob("*.py"))
PAPERS = sorted((ROOT / "plugins").rglob("*.py"))
MODULE_LINES = {"harness": 400, "plugins": 500}
FUNCTION_LINES = 60


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CORE + PAPERS, ids=name)
def test_modules_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MODULE_LINES[path.relative_to(ROOT).parts[0]]
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES]
    assert not long


@pytest.mark.parametrize("path", CORE + PAPERS, ids=name)
def test_public_names_have_types_and_docstrings(path: Path) -> None:
    wanting = []
    for place, node in public(ast.parse(path.read_text()), private=path.name.startswith("_")):
        if not ast.get_docstring(node):
            wanting.append(f"{place} has no docstring")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_typed(node):
            wanting.append(f"{place} is not fully typed")
    assert not wanting


@pytest.mark.parametrize("package", ["harness", "harness_plugins"])
def test_there_is_no_import_cycle(package: str) -> None:
    graph = grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert list(TopologicalSorter(imports).static_order())


def test_no_module_is_a_drawer_for_everything() -> None:
    assert not [
        path for path in CORE + PAPERS if path.stem.strip("_") in {"utils", "util", "misc", "common", "helpers"}
    ]


def public(tree: ast.Module, *, private: bool) -> Iterator[tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef]]:
    """The module and its public classes, functions and methods; of a private module only the module itself."""
    yield "the module", tree
    for node in [] if private else tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node
            for inner in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner


def is_typed(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    named = [argument for argument in arguments if argument.arg not in {"self", "cls"}]
    return node.returns is not None and all(argument.annotation for argument in named)
