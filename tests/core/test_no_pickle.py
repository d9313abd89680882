"""Nothing that is read can run: no pickle is loaded, no text evaluated, no YAML tag made into an object."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "harness").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")])
MODULES = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "joblib", "cloudpickle", "jsonpickle"}
BUILTINS = {"eval", "exec", "compile", "execfile"}
ATTRIBUTES = {
    ("torch", "load"),
    ("yaml", "load"),
    ("yaml", "full_load"),
    ("yaml", "unsafe_load"),
    ("pandas", "read_pickle"),
    ("pd", "read_pickle"),
    ("os", "system"),
    ("os", "popen"),
}


def findings(tree: ast.Module) -> Iterator[str]:
    """What could run something that was read."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (f"{node.lineno}: import {name}" for name in names if name.partition(".")[0] in MODULES)
        if isinstance(node, ast.Call):
            yield from (f"{node.lineno}: {said}" for said in call_findings(node))


def call_findings(call: ast.Call) -> Iterator[str]:
    given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
    if isinstance(call.func, ast.Name) and call.func.id in BUILTINS:
        yield call.func.id
    if isinstance(call.func, ast.Attribute):
        owner = getattr(call.func.value, "id", "")
        if (owner, call.func.attr) in ATTRIBUTES:
            yield f"{owner}.{call.func.attr}"
        if (owner in ("np", "numpy") and call.func.attr == "load") and given.get("allow_pickle") is not False:
            yield "np.load that may unpickle"
    if given.get("allow_pickle") or given.get("shell"):
        yield "allow_pickle or shell"
    if getattr(call.func, "id", "") == "YAML" and given.get("typ") == "unsafe":
        yield "YAML that makes objects"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_read_can_run(path) -> None:
    assert not list(findings(ast.parse(path.read_text())))


@pytest.mark.parametrize(
    "text",
    [
        *("import pickle", "from marshal import loads", "import joblib.memory", "torch.load(path)", "np.load(path)"),
        *(
            "np.load(path, allow_pickle=True)",
            "yaml.load(text)",
            "YAML(typ='unsafe')",
            "eval(text)",
        ),
        *("exec(text)", "os.system(text)", "run(text, shell=True)", "pd.read_pickle(path)"),
    ],
)
def test_what_could_run_is_found(text) -> None:
    assert list(findings(ast.parse(text)))


@pytest.mark.parametrize(
    "text", ["np.load(path, allow_pickle=False)", "YAML(typ='safe')", "model.eval()", "json.load(x)"]
)
def test_what_could_not_is_not(text) -> None:
    assert not list(findings(ast.parse(text)))
