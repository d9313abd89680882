"""The context, and the cache of expensive parts."""

from __future__ import annotations

import itertools
import multiprocessing
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.context import Context
from harness.execution.parts import PartFiles

MAKERS = """
import os
import time

import numpy as np

from ._scale import SCALE


def laws():
    import importlib

    return importlib.import_module("making.laws")  # not for the eyes of a closure


def weights(folder, seed=0, law=None):
    with open(os.path.join(folder, "made"), "a") as file:
        file.write("x")
    time.sleep(0.2)
    return {"weights": np.random.default_rng(seed).normal(size=3) * SCALE, "loss": 0.1}


class Nested:
    @staticmethod
    def weights(folder, seed=0):
        return {"weights": np.full(3, seed)}
"""

LAWS = """
from dataclasses import dataclass


@dataclass
class Law:
    shift: int

    def shifted(self):
        return self.shift + 1


class Other(Law):
    pass
"""


def test_a_damaged_part_is_made_anew(makers, tmp_path) -> None:
    cache, (folder, made) = PartFiles(tmp_path / "parts"), (str(tmp_path), tmp_path / "made")
    first = cache.get(makers.weights, {"folder": folder})
    (path,) = (tmp_path / "parts").glob("*.npz")
    whole = path.read_bytes()
    for damaged in (whole[:-40], whole[:200] + bytes([whole[200] ^ 1]) + whole[201:], b"", b"no archive"):
        path.write_bytes(damaged)
        again = cache.get(makers.weights, {"folder": folder})
        assert again["weights"].tolist() == first["weights"].tolist()
        assert path.read_bytes() == whole
    assert made.read_text() == "x" * 5


def tensors():
    weights = torch.arange(3.0, requires_grad=True)
    return {"weights": weights, "count": torch.tensor(3), "half": weights.half()}


def numbers(value):
    return {"value": value}


def objects():
    return {"model": object()}


@pytest.fixture
def makers(package, tmp_path):
    """A module that makes parts; `made` has a letter for each time."""
    package("making", makers=MAKERS, laws=LAWS, _scale="SCALE = 1.0\n")
    import making.makers

    yield making.makers
    for name in ("making", "making.makers", "making.laws", "making._scale"):
        sys.modules.pop(name, None)


def made(folder: Path) -> int:
    return len((folder / "made").read_text())


@pytest.fixture
def cached(tmp_path):
    """Ask for a part as a case does."""
    return Context(0, cache=PartFiles(tmp_path / "parts")).cached


def test_a_part_is_made_once(makers, cached, tmp_path) -> None:
    first, second = (cached(makers.weights, folder=str(tmp_path)) for _ in range(2))
    assert made(tmp_path) == 1
    assert {name: part.tobytes() for name, part in first.items()} == {
        name: part.tobytes() for name, part in second.items()
    }
    assert first["loss"].shape == ()


def test_parameters_determine_a_part(makers, cached, tmp_path) -> None:
    zero, one = (cached(makers.weights, folder=str(tmp_path), seed=seed)["weights"] for seed in (0, 1))
    assert not np.array_equal(zero, one)
    assert made(tmp_path) == 2


def test_functions_of_one_name_have_parts_of_their_own(makers, cached, tmp_path) -> None:
    cached(makers.weights, folder=str(tmp_path))
    assert cached(makers.Nested.weights, folder=str(tmp_path), seed=0)["weights"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("file", "old", "new", "times"),
    [
        ("makers", "size=3", "size=4", 2),
        ("_scale", "1.0", "2.0", 2),
        ("makers", "import os\n", "# a comment\nimport os\n", 1),
        ("laws", "shift + 1", "shift + 2", 2),
        ("laws", "shift: int", "# a comment\n    shift: int", 1),
        ("laws", "class Other", "class Changed", 2),
    ],
)
def test_an_edit_of_the_source_makes_a_part_anew(file, old, new, times, makers, cached, tmp_path) -> None:
    law = makers.laws().Law(2)
    cached(makers.weights, folder=str(tmp_path), law=law)
    path = Path(makers.__file__).with_name(f"{file}.py")
    path.write_text(path.read_text().replace(old, new))
    cached(makers.weights, folder=str(tmp_path), law=law)
    assert made(tmp_path) == times


def test_a_dataclass_determines_a_part_by_its_class_and_its_fields(makers, cached, tmp_path) -> None:
    laws = makers.laws()
    for law in (laws.Law(2), laws.Law(2), laws.Law(3), laws.Other(2), None):
        cached(makers.weights, folder=str(tmp_path), law=law)
    assert made(tmp_path) == 4


def test_two_processes_never_make_the_same_part(makers, tmp_path) -> None:
    parts = PartFiles(tmp_path / "parts")
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=parts.get, args=(makers.weights, {"folder": str(tmp_path)})) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert made(tmp_path) == 1


def test_a_part_that_fails_is_tried_again(tmp_path) -> None:
    parts = PartFiles(tmp_path)
    with pytest.raises(TypeError, match="made of arrays and numbers, not of object"):
        parts.get(objects, {})
    assert not [*tmp_path.glob("*.npz"), *tmp_path.glob("*.tmp")]
    with pytest.raises(TypeError):
        parts.get(objects, {})


@pytest.mark.parametrize("where", ["files", "memory"])
def test_tensors_come_as_arrays(where, cached) -> None:
    parts = (cached if where == "files" else Context().cached)(tensors)
    assert {name: (part.tolist(), str(part.dtype)) for name, part in parts.items()} == {
        "weights": ([0.0, 1.0, 2.0], "float32"),
        "count": (3, "int64"),
        "half": ([0.0, 1.0, 2.0], "float16"),
    }


@pytest.mark.parametrize("value", [1, 0.1, True, "text", [1.5, 2.5], np.float32(0.1)], ids=repr)
def test_the_cache_changes_nothing(value, cached) -> None:
    kept, direct = (ask(numbers, value=plain(value))["value"] for ask in (cached, Context().cached))
    assert (kept.dtype, kept.tolist()) == (direct.dtype, direct.tolist())


def plain(value):
    return value.item() if isinstance(value, np.generic) else value


def test_functions_inside_functions_are_refused(cached) -> None:
    def inner():
        return {}

    for make in (inner, lambda: {"a": 1}):
        with pytest.raises(ValueError, match=r"made by a module-level function, not by .*<locals>"):
            cached(make)


def test_phases_add_up(monkeypatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr("harness.context.time.perf_counter", lambda: float(next(clock)))
    context = Context()
    for name in ("fit", "predict", "fit"):
        with context.phase(name):
            pass
    assert context.seconds == {"fit": 2.0, "predict": 1.0}


def test_a_phase_that_raises_counts() -> None:
    context = Context()
    with pytest.raises(KeyError), context.phase("fit"):
        raise KeyError
    assert list(context.seconds) == ["fit"]


def test_randomness_comes_from_the_seed() -> None:
    first, second, other = (Context(seed) for seed in (2**62, 2**62, 1))
    draws = [context.rng.normal(size=4).tolist() for context in (first, second, other)]
    assert draws[0] == draws[1] != draws[2]
    assert first.rng.normal() != draws[0][0]
    tensors = [torch.randn(4, generator=context.torch_generator()).tolist() for context in (first, second, first)]
    assert tensors[0] == tensors[1] == tensors[2]
