"""What the harness reads off classes: names, parameters, documentation; metrics, cards and backends."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from harness import Along, Family, Paper, metric
from harness.accelerators import Cuda, Mps, Xpu
from harness.backends import Cpu
from harness.components import construct, import_path, kebab, parameters, summary, where
from harness.errors import PluginError
from harness.plan.versions import versions


@dataclass
class Sized:
    """Has parameters.

    More of it.
    """

    size: int
    rate: float | None = None
    mode: Literal["a", "b"] = "a"
    widths: tuple[int, ...] = (1,)


class Written:
    def __init__(self, size: int = 3, *rest: int, flag: bool = False, **others: int) -> None:
        self.size = size


class Bare:
    pass


class Silent:
    def __init__(self, size=3):
        self.size = size


@dataclass
class Undocumented:
    size: int = 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("KNearestNeighbors", "k-nearest-neighbors"),
        ("icl_deep_gd", "icl-deep-gd"),
        ("Mean", "mean"),
        ("LSTM", "lstm"),
        ("LSTMCell", "lstm-cell"),
        ("GPT2Model", "gpt2-model"),
        ("error_curve", "error-curve"),
        ("Conv2d", "conv2d"),
    ],
)
def test_names_outside_python(name, expected):
    assert kebab(name) == expected


def test_the_parameters_are_those_of_the_constructor():
    found = parameters(Sized)
    assert [(one.name, one.type_name, one.required) for one in found.values()] == [
        ("size", "int", True),
        ("rate", "float | None", False),
        ("mode", "Literal['a', 'b']", False),
        ("widths", "tuple[int, ...]", False),
    ]
    assert found["widths"].default == (1,)


def test_variadic_parameters_are_none():
    assert list(parameters(Written)) == ["size", "flag"]


def test_a_class_without_a_constructor_has_no_parameters():
    assert parameters(Bare) == {}


def test_a_parameter_without_a_type_is_an_error_that_says_where():
    with pytest.raises(PluginError, match=r"test_components\.py:\d+: parameter 'size' of Silent has no type$"):
        parameters(Silent)


def test_lists_arrive_as_tuples():
    made = construct(Sized, {"size": 1, "widths": [1, [2, 3]]})
    assert made.widths == (1, (2, 3))


@pytest.mark.parametrize(
    ("component", "expected"), [(Sized, "Has parameters."), (Undocumented, ""), (Bare, ""), (Written, "")]
)
def test_a_summary_is_what_the_author_wrote_first(component, expected):
    assert summary(component) == expected


def test_where_a_class_stands():
    assert where(Sized).startswith(f"{__file__}:")
    assert where(type("Made", (), {"__module__": "nowhere"})) == "nowhere"


def test_import_paths_lead_back():
    assert import_path(OrderedDict) == "collections:OrderedDict"


def test_values_along_coordinates_are_rows():
    curve = Along(np.array([1.0, 2.0], dtype=np.float32), step=np.arange(2), part=["a", "b"])
    rows = list(curve.rows())
    assert rows == [(1.0, {"step": 0, "part": "a"}), (2.0, {"step": 1, "part": "b"})]
    assert [type(rows[0][0]), type(rows[0][1]["step"])] == [float, int]


def test_a_coordinate_of_another_length_is_an_error():
    with pytest.raises(ValueError, match="coordinate 'step' has 3 ticks for 2 values"):
        Along([1.0, 2.0], step=range(3))


def one() -> object:
    @metric(unit="s", direction="lower")
    def wall_time(instance: int, outcome: int) -> float:
        """How long.

        In seconds.
        """
        return float(instance - outcome)

    return wall_time


def test_a_metric_is_called_as_its_function():
    made = one()
    assert (made.name, made.unit, made.direction, made(3, 1)) == ("wall-time", "s", "lower", 2.0)
    assert made.doc.startswith("How long.")


def test_the_models_of_a_card_have_roles():
    paper = Paper(title="a", year=2026, venue="b", constructions=[Sized], baselines=[Bare], references=[Silent])
    assert list(paper.models()) == [
        ("sized", "construction", Sized),
        ("bare", "baseline", Bare),
        ("silent", "reference", Silent),
    ]


def task(*metrics: object) -> type:
    return type("Task", (), {"metrics": metrics})


def test_the_metrics_of_a_card_are_those_of_its_tasks_once():
    shared, own = one(), metric(unit="1", direction="higher")(len)
    assert list(Family(title="a", tasks=[task(shared), task(shared, own)]).metrics()) == [shared, own]


def test_two_metrics_of_one_name_are_an_error():
    with pytest.raises(PluginError, match="'a' has two metrics called 'wall-time'"):
        list(Family(title="a", tasks=[task(one()), task(one())]).metrics())


def test_the_processor_is_always_there():
    assert Cpu().unavailable() is None


@pytest.mark.parametrize(
    ("backend", "build", "reason"),
    [
        (Cuda, None, "torch is not installed"),
        (Cuda, "cuda: Optional[str] = None\n", "the installed torch is built without CUDA"),
        (Xpu, "cuda: Optional[str] = '12.4'\nxpu: Optional[str] = None\n", "the installed torch is built without XPU"),
        (Cuda, "cuda: Optional[str] = '12.4'\n", "no NVIDIA driver: libcuda is not found"),
        (Xpu, "xpu: Optional[str] = '2025'\n", "no Intel driver: the Level Zero loader is not found"),
        (Mps, None, "Metal is there on macOS only"),
    ],
)
def test_why_an_accelerator_is_not_there(monkeypatch, backend, build, reason):
    monkeypatch.setattr("harness.accelerators._torch_build", lambda: build)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr("sys.platform", "linux")
    assert backend().unavailable() == reason


@pytest.mark.parametrize(("backend", "build"), [(Cuda, "cuda = '12.4'\n"), (Xpu, "xpu = '2025'\n"), (Mps, None)])
def test_an_accelerator_with_a_build_and_a_driver_is_there(monkeypatch, backend, build):
    monkeypatch.setattr("harness.accelerators._torch_build", lambda: build)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: f"lib{name}.so")
    monkeypatch.setattr("sys.platform", "darwin")
    assert backend().unavailable() is None


def test_an_eager_backend_leaves_functions_as_they_are():
    assert Cpu().compile(one) is one


def test_versions_are_those_of_the_distributions():
    found = versions(["numpy.linalg", "numpy", "sklearn.svm", "absent_module"])
    assert found["numpy"] == np.__version__
    assert found["absent_module"] == "missing"
    assert set(found) == {"numpy", "scikit-learn", "absent_module"}
