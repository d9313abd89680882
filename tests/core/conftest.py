"""Fixtures for the tests of the core."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.api import RunResult
from harness.cli import root
from harness.plugins import Plugins
from harness.registry.catalogue import Catalogue
from harness.store.rows import SCHEMA_VERSION
from harness.store.store import Store
from harness.suite.load import load
from harness.suite.suite import Suite

TOYS = Path(__file__).parents[1] / "toys"


@pytest.fixture
def only_toys(toys: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toys, and no other papers."""

    def only(group: str) -> list[EntryPoint]:
        return [point for point in entry_points(group=group) if point.value == "toy_papers"]

    monkeypatch.setattr("harness.registry.discovery.entry_points", only)
    return toys


@pytest.fixture
def catalogue(only_toys: Path) -> Catalogue:
    return Catalogue()


@pytest.fixture
def check(catalogue: Catalogue, suite: Callable[[str], Path]) -> Callable[..., Suite]:
    """Check a suite's text: `check(text, "seeds=3")`."""
    backends = Plugins().backends()

    def checked(text: str, *overrides: str) -> Suite:
        return load(suite(text), catalogue, backends, overrides)

    return checked


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Write a package that can be imported: `package("name", **{"module": "text", "sub/__init__": "text"})`."""
    with contextlib.ExitStack() as stack:

        def write(name: str, /, **modules: str) -> Path:
            folder = tmp_path / "site" / name
            for module, text in {"__init__": "", **modules}.items():
                path = folder / f"{module}.py"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            stack.enter_context(forgotten(name))
            monkeypatch.syspath_prepend(str(folder.parent))
            return folder

        yield write


# What follows serves the tests of execution and of what comes after it.


@pytest.fixture
def of(tmp_path: Path) -> Callable[..., Path]:
    """Write a suite of toy models: `of("guessing/mean", seeds=2)`. (JSON is YAML.)"""

    def write(*models: Any, tasks: Any = ("guessing/guess",), **keys: Any) -> Path:
        path = tmp_path / "suite.yaml"
        matrix = keys.pop("matrix", [{"tasks": tasks, "models": models}])
        path.write_text(json.dumps({"name": "toy", "scale": "smoke", "matrix": matrix, **keys}))
        return path

    return write


@pytest.fixture
def runs(toys: Path, tmp_path: Path) -> Path:
    """A folder for runs; the toys are there."""
    return tmp_path / "runs"


@pytest.fixture
def record() -> Callable[..., dict[str, Any]]:
    """What `run.json` says of a run: `record("name", cases=3)`."""
    machine = {
        "cpu": "abacus",
        "cores": 2,
        "memory_gb": 8,
        "system": "Linux",
        "architecture": "x",
        "python": "3",
    }
    known = {
        "schema": SCHEMA_VERSION,
        "suite": {"name": "toy", "description": "", "path": "suite.yaml"},
        "started_at": "2026-01-01T00:00:00+00:00",
        "finished_at": None,
        "interrupted": False,
        "workers": 1,
        "cases": 0,
        "statuses": {},
        "provenance": {"commit": None, "dirty": None, "versions": {}, "machine": machine},
        "fingerprints": {},
    }
    return lambda name, **more: {"run": name, **known, **more}


@pytest.fixture
def cli(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command line in this process, on the folder `runs`, without MLflow."""
    monkeypatch.setenv("HARNESS_RUN_STORE", str(runs))
    monkeypatch.setenv("HARNESS_RESULTS_STORE", str(runs))
    monkeypatch.setenv("HARNESS_RUN_NO_MLFLOW", "1")
    return lambda *arguments: CliRunner().invoke(root, [str(argument) for argument in arguments])


@pytest.fixture
def install(toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Install a distribution: `install("name", papers={"module": "text"}, hooks="text")`; answers its hooks' module."""
    site = tmp_path / "site"
    with contextlib.ExitStack() as stack:

        def write(name: str, *, papers: dict[str, str] | None = None, hooks: str = "") -> Any:
            points = {"harness.papers": f"{name} = {name}"} if papers else {"harness.plugins": f"{name} = {name}.hooks"}
            info = site / f"{name}-1.0.dist-info"
            for path, text in {
                info / "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
                info / "entry_points.txt": "".join(f"[{group}]\n{point}\n" for group, point in points.items()),
                **{site / name / f"{module}.py": text for module, text in {"__init__": "", **(papers or {})}.items()},
                **({site / name / "hooks.py": hooks} if hooks else {}),
            }.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(textwrap.dedent(text))
            stack.enter_context(forgotten(name))
            monkeypatch.syspath_prepend(str(site))
            monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(toys)]))
            return importlib.import_module(f"{name}.hooks") if hooks else None

        yield write


@pytest.fixture
def toys_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The toys, in a copy that may be edited: the folder of the package."""
    site = shutil.copytree(TOYS, tmp_path / "toys", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.syspath_prepend(str(site))
    with forgotten("toy_papers"):
        yield site / "toy_papers"


@contextlib.contextmanager
def forgotten(package: str) -> Iterator[None]:
    """Let a package be imported anew inside, and put back what was imported before."""

    def modules() -> dict[str, Any]:
        return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == package}

    before = modules()
    for name in before:
        del sys.modules[name]
    yield
    for name in modules():
        del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def survivors(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The processes that this test has started and that do not end by themselves within seconds."""
    marker = uuid.uuid4().hex
    monkeypatch.setenv("MARK_OF_TEST", marker)

    def living() -> list[str]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if marker.encode() in (folder / "environ").read_bytes():
                    found.append(f"{folder.name} {(folder / 'cmdline').read_bytes().decode()}")
        return found

    def look() -> list[str]:
        for _ in range(100):
            if not living():
                break
            time.sleep(0.1)
        return living()

    return look


@pytest.fixture
def metrics() -> Callable[[RunResult], dict[tuple[Any, ...], float]]:
    """The values of a run by model, seed, metric and coordinates."""

    def read(result: RunResult) -> dict[tuple[Any, ...], float]:
        rows = Store(result.directory.parent).table(result.id).to_pylist()
        names = ("model_label", "seed", "metric", "coordinates")
        return {tuple(row[name] for name in names): row["value"] for row in rows if row["status"] == "ok"}

    return read


@pytest.fixture
def mounted(tmp_path: Path, toys: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a shell script with `$RUN` standing for the command line, where file systems can be mounted."""
    namespace = ["unshare", "-rm", "sh", "-euc"]
    if shutil.which("unshare") is None or subprocess.run([*namespace, "true"], check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system")

    def call(script: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "mnt").mkdir(exist_ok=True)
        command = f"{sys.executable} -m harness"
        return subprocess.run(
            [*namespace, script],
            cwd=tmp_path,
            env={**os.environ, "RUN": command, "HARNESS_RUN_NO_MLFLOW": "1"},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    return call
