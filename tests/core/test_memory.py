"""The peak memory of a case, against allocations whose size is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

import harness
from harness.execution.memory import MemoryMeter

PLANTER = """
    from dataclasses import dataclass
    from typing import Literal

    import numpy

    from harness import Paper
    from toy_papers.guessing import Constant

    @dataclass
    class Planter(Constant):
        megabytes: int = 0
        how: Literal["array", "tensor", "bytes", "pieces", "cycle"] = "array"

        def guess(self, values, context):
            getattr(self, self.how)(self.megabytes * 10**6)
            return 1.0

        def array(self, size):
            numpy.ones(size, numpy.uint8)

        def tensor(self, size):
            import torch

            torch.ones(size, dtype=torch.uint8)

        def bytes(self, size):
            b"x" * size

        def pieces(self, size):
            [b"x" * 10**5 for _ in range(size // 10**5)]

        def cycle(self, size):
            held = [numpy.ones(size, numpy.uint8)]
            held.append(held)  # freed when the collector runs

    paper = Paper(title="Planter", year=2026, venue="tests", baselines=[Planter])
"""
MEGABYTE = 10**6
Planted = Sequence[tuple[str, int]]
KNOWN = [(how, size) for how in ("array", "tensor", "bytes") for size in (0, 10, 100)]
LARGE = [(how, 1000) for how in ("array", "tensor", "bytes")]


@pytest.fixture
def peaks(install, of, runs) -> Callable[..., list[float]]:
    """Peaks of cases that allocate what is planted and free it again, in megabytes: `peaks([("array", 10)])`."""
    install("planting", papers={"planter": PLANTER})

    def measure(planted: Planted, **keys: object) -> list[float]:
        models = [{"planter/planter": {"how": how, "megabytes": size}} for how, size in planted]
        frame = harness.run(of(*models, limits={"memory": "4 GB"}, **keys), store=runs).frame
        assert set(frame.status) == {"ok"}
        return list(frame.drop_duplicates("case").peak_memory / MEGABYTE)

    return measure


def as_planted(planted: Planted) -> object:
    return pytest.approx([size for _, size in planted], rel=0.05, abs=2)


def test_what_a_fresh_process_allocates_is_its_peak(peaks) -> None:
    assert peaks(KNOWN) == as_planted(KNOWN)


@pytest.mark.parametrize("before", ["array", "pieces", "cycle"])
def test_what_cases_of_the_same_process_had_does_not_count(before, peaks) -> None:
    planted = [(before, 300), *KNOWN]
    assert peaks(planted, isolation="shared") == as_planted(planted)


@pytest.mark.slow
def test_a_gigabyte_is_a_gigabyte(peaks) -> None:
    assert peaks(LARGE) == as_planted(LARGE)


@pytest.mark.slow
@pytest.mark.parametrize("before", ["array", "pieces", "cycle"])
def test_the_same_after_two_gigabytes_in_the_same_process(before, peaks) -> None:
    planted = [(before, 2000), *LARGE, *KNOWN]
    assert peaks(planted, isolation="shared") == as_planted(planted)


def test_the_instance_before_is_let_go(install, of, runs) -> None:
    paper = """
        from dataclasses import dataclass
        from typing import ClassVar, Protocol

        import numpy

        from harness import Paper, Task, metric

        @metric(unit="1", direction="lower")
        def found(instance, outcome) -> float:
            return outcome

        class Summing(Protocol):
            def total(self, values):
                '''Their sum.'''

        @dataclass
        class Sum(Task):
            protocol: ClassVar[type] = Summing
            metrics: ClassVar = (found,)

            def instance(self, context):
                return numpy.ones(100 * 10**6, numpy.uint8)

            def run(self, model, instance, context):
                return model.total(instance)

        class Plain:
            def total(self, values):
                return float(values.sum())

        paper = Paper(title="Sum", year=2026, venue="tests", tasks=[Sum], baselines=[Plain])
    """
    install("summing", papers={"sums": paper})
    suite = of("sums/plain", tasks=["sums/sum"], isolation="shared", seeds=3)
    frame = harness.run(suite, store=runs).frame
    assert list(frame.peak_memory / MEGABYTE) == pytest.approx([200] * 3, rel=0.05)  # an instance, and the case's copy


def test_pages_of_files_are_not_the_case_s(tmp_path) -> None:
    path = tmp_path / "array.npy"
    np.save(path, np.ones(50 * MEGABYTE, np.uint8))
    meter = MemoryMeter()
    meter.start()
    mapped = np.load(path, mmap_mode="r")
    assert mapped.sum() == 50 * MEGABYTE
    assert meter.held().files > 50 * MEGABYTE
    assert meter.peak() < 5 * MEGABYTE


def test_without_the_kernel_s_account_there_is_still_an_answer(monkeypatch) -> None:
    monkeypatch.setattr("os.open", lambda path, mode: (_ for _ in ()).throw(FileNotFoundError(path)))
    meter = MemoryMeter()
    meter.start(10**9)
    assert meter.held().resident > 0
    assert meter.peak() >= 0
