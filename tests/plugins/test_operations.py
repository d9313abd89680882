"""What holds for every operation: it can be repeated, it leaves its instance alone, and a speed suite measures it."""

from __future__ import annotations

import copy
import dataclasses
import subprocess
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.components import construct
from harness.context import Context
from harness.plugins import Plugins
from harness.registry.catalogue import Catalogue
from harness.suite.load import load
from harness.suite.suite import Block, Choice

CATALOGUE = Catalogue()
SUITES = {
    path.stem: load(path, CATALOGUE, Plugins().backends())
    for path in sorted((Path(__file__).parents[2] / "suites/speed").glob("*.yaml"))
}
BLOCKS = [(name, block) for name, suite in SUITES.items() for block in suite.blocks]
TASKS = {
    task
    for owner in CATALOGUE.owners.values()
    if owner.module.startswith("harness_plugins.")
    for task in CATALOGUE.card(owner).tasks
}


OPERATIONS = [
    pytest.param(name, task, model, id=f"{task.label}-{name}-{model.label}".replace(" ", ""))
    for _, block in BLOCKS
    for task, model in product(block.tasks, block.models)
    for name in task.cls.operations
]
"""Every operation that the suites measure, with its task and its model."""


def smoke(task: Choice) -> Any:
    """The task with the sizes of the scale `smoke`, and what else the suite says."""
    return construct(task.cls, {**task.values, **task.cls.scales["smoke"]})


def arrays(value: Any) -> list[np.ndarray]:
    """The numbers in an instance or an answer."""
    if isinstance(value, torch.nn.Module):
        return arrays([*value.parameters()])
    if isinstance(value, torch.Tensor):
        return [value.detach().resolve_conj().numpy().copy()]
    if dataclasses.is_dataclass(value):
        return arrays([getattr(value, field.name) for field in dataclasses.fields(value)])
    if isinstance(value, list | tuple):
        return [array for one in value for array in arrays(one)]
    return [] if value is None else [np.array(value)]


def same(one: Any, other: Any) -> bool:
    return [array.tobytes() for array in arrays(one)] == [array.tobytes() for array in arrays(other)]


@pytest.mark.parametrize(("name", "task", "model"), OPERATIONS)
def test_an_operation_is_repeatable_and_leaves_its_instance_alone(name: str, task: Choice, model: Choice) -> None:
    problem = smoke(task)
    instance = problem.instance(Context(seed=0))
    before = copy.deepcopy(instance)
    operation = problem.operation(name, construct(model.cls, model.values), instance, Context(seed=1))
    first = copy.deepcopy(operation.call())
    operation.verify()
    second, third = copy.deepcopy(operation.call()), operation.call()
    assert same(first, second)
    assert same(first, third)
    assert same(instance, before)
    assert (operation.items is None) == (operation.item == "")
    assert operation.items is None or operation.items > 0


@pytest.mark.parametrize(("name", "task", "model"), OPERATIONS)
def test_an_operation_built_again_does_the_same(name: str, task: Choice, model: Choice) -> None:
    problem = smoke(task)
    instance = problem.instance(Context(seed=0))
    calls = [problem.operation(name, construct(model.cls, model.values), instance, Context(seed=1)) for _ in range(2)]
    assert same(calls[0].call(), calls[1].call())


@pytest.mark.parametrize("task", sorted(TASKS, key=lambda task: task.__qualname__), ids=lambda task: task.__name__)
def test_every_task_offers_operations_that_a_speed_suite_measures(task: type) -> None:
    assert task.operations
    assert len(set(task.operations)) == len(task.operations)
    assert any(choice.cls is task for _, block in BLOCKS for choice in block.tasks)


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=[f"{name}-{block.tasks[0].name}" for name, block in BLOCKS])
def test_the_first_model_is_the_baseline(name: str, block: Block) -> None:
    roles = [model.role for model in block.models]
    assert "baseline" not in roles or roles[0] == "baseline"
    assert len(roles) > 1
    assert block.seeds == (0,)


def test_labels_of_tasks_are_those_of_one_matrix_each() -> None:
    labels = [task.label for _, block in BLOCKS for task in block.tasks]
    assert len(set(labels)) == len(labels)


@pytest.mark.slow
@pytest.mark.parametrize("name", SUITES)
def test_a_speed_suite_runs_as_any_other(name: str, harness: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    path = SUITES[name].path
    ran = harness("run", str(path), "--scale", "smoke", "--no-mlflow", timeout=280)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    cells = sum(len(block.tasks) * len(block.models) for block in SUITES[name].blocks)
    assert f"{cells} ok" in ran.stdout
