"""Fixtures for claims: toy papers that have some, and the command on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.api import prepare_suite, start
from harness.claims.choice import Chosen, choose, union
from harness.cli import root
from harness.plugins import Plugins
from harness.registry.catalogue import Catalogue
from harness.store.store import Store


@pytest.fixture
def claiming(toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The distributions `toy-papers` and `claiming`, and no other papers."""
    site = toys / "with_claims"
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(toys)]))

    def only(group: str) -> list[EntryPoint]:
        return [point for point in entry_points(group=group) if point.value in ("toy_papers", "claiming")]

    monkeypatch.setattr("harness.registry.discovery.entry_points", only)


@pytest.fixture
def chosen(claiming: None) -> Callable[..., list[Chosen]]:
    """Claims by their names: `chosen("stating/mean-is-exact")`; warnings are errors."""

    def call(*names: str, scale: str = "smoke", warn: Callable[[str], Any] = pytest.fail) -> list[Chosen]:
        return choose(names, Catalogue(), Plugins().backends(), scale, warn)

    return call


@pytest.fixture
def executed(runs: Path) -> Callable[[Sequence[Chosen]], tuple[Store, str]]:
    """Run the cells of claims: the store and the run."""

    def run(claims: Sequence[Chosen]) -> tuple[Store, str]:
        store = Store(runs)
        plugins = Plugins(["backends", "store"])
        return store, start(prepare_suite(union(claims), Catalogue(), plugins, store)).id

    return run


@pytest.fixture
def claims(claiming: None, runs: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`harness claims` in this process, on the folder `runs`, without MLflow."""
    monkeypatch.setenv("HARNESS_CLAIMS_STORE", str(runs))
    monkeypatch.setenv("HARNESS_CLAIMS_NO_MLFLOW", "1")
    return lambda *arguments: CliRunner().invoke(root, ["claims", *map(str, arguments)])
