"""What backends answer for: their clock, their memory, what they are and how they are doing."""

from __future__ import annotations

import gc
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import harness
from harness.accelerators import Accelerator, Cuda, Mps, Xpu
from harness.backends import Cpu
from harness.clocks import EventClock, HostClock
from harness.store.store import Store

from .simulated import Simulated

sizes = st.integers(0, 10**9)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Simulated:
    """A simulated GPU in place of CUDA's."""
    simulated = Simulated()
    monkeypatch.setattr(torch, "get_device_module", lambda name: simulated)
    monkeypatch.setattr(torch.version, "cuda", "12.6.3")
    return simulated


def test_the_processor_needs_nothing_but_the_host_s_clock(monkeypatch) -> None:
    monkeypatch.setattr(gc, "collect", lambda: pytest.fail("that would cost every case"))
    cpu = Cpu(threads=2)
    cpu.reset()
    assert isinstance(cpu.clock(), HostClock)
    assert not cpu.clock().filters
    assert (cpu.peak_memory(), cpu.fingerprint(), cpu.conditions()) == (None, {}, {})


@pytest.mark.parametrize("backend", [Cuda, Xpu, Mps])
def test_accelerators_are_timed_by_their_events(backend, device) -> None:
    assert isinstance(backend().clock(), EventClock)


def test_synchronizing_waits_for_the_queue(device) -> None:
    device.launch(1e-6, 1.0)
    Cuda().synchronize()
    assert device.now >= 1.0


@settings(max_examples=20)  # each collects the garbage of the whole test process, three times
@given(before=sizes, most=sizes, left=sizes)
def test_the_peak_is_what_came_on_top(before, most, left) -> None:
    device = Simulated()

    class Here(Cuda):
        def module(self) -> Simulated:
            return device

    device.allocate(7)
    device.allocate(before)
    device.free(7)
    Here().reset()
    assert Here().peak_memory() == 0
    device.allocate(most)
    device.free(most)
    device.allocate(left)
    assert Here().peak_memory() == max(most, left)
    Here().reset()
    assert Here().peak_memory() == 0


def test_a_device_that_was_not_used_has_no_peak(device) -> None:
    assert Cuda().peak_memory() == 0


def test_between_cases_garbage_and_cache_are_given_back(device) -> None:
    class Tensor:
        def __init__(self) -> None:
            self.own = self  # waits for the collector
            device.allocate(100)

        def __del__(self) -> None:
            device.free(100)

    Tensor()
    Cuda().reset()
    assert device.bytes["current"] == device.reserved == 0
    assert device.calls["empty_cache"] == 1


def test_a_fingerprint_is_coarse(device, monkeypatch, tmp_path) -> None:
    driver = tmp_path / "version"
    driver.write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (someone)\n")
    monkeypatch.setattr("harness.accelerators._NVIDIA_DRIVER", driver)
    known = {"device": "Abacus 9000", "device_memory_gb": "80", "cuda": "12.6", "capability": "9.0"}
    assert Cuda().fingerprint() == {**known, "driver": "570.86"}
    driver.unlink()
    assert Cuda().fingerprint() == known


def test_intel_s_driver_is_named_by_its_release(monkeypatch) -> None:
    properties = SimpleNamespace(name="Arc", total_memory=16_225_243_136, driver_version="1.6.32224+14")
    module = SimpleNamespace(get_device_properties=lambda device: {"xpu": properties}[device])
    monkeypatch.setattr(torch, "get_device_module", lambda name: module)
    monkeypatch.setattr(torch.version, "xpu", "20250302")
    assert Xpu().fingerprint() == {"device": "Arc", "device_memory_gb": "16", "xpu": "20250302", "driver": "1.6"}


def test_conditions_tell_what_the_device_tells(device) -> None:
    Cuda().reset()
    device.allocate(300)
    device.free(300)
    assert Cuda().conditions() == {"reserved_memory": 300.0, "clock_rate": 1980.0, "power_draw": 250.0}


def test_metal_counts_no_peak(device, monkeypatch) -> None:
    monkeypatch.setattr("platform.mac_ver", lambda: ("15.3.1", (), "arm64"))
    monkeypatch.setattr(Simulated, "driver_allocated_memory", lambda self: 4096, raising=False)
    mps = Mps()
    mps.reset()
    assert device.calls == {"empty_cache": 1}
    assert mps.peak_memory() is None
    assert mps.fingerprint() == {"device": "Metal", "macos": "15.3"}
    assert mps.conditions() == {"reserved_memory": 4096.0}


@pytest.mark.parametrize("backend", [Cuda, Xpu, Mps])
def test_what_is_asked_of_torch_is_there(backend) -> None:
    module = Accelerator.module(backend())
    asked = {"Event", "synchronize", "empty_cache"}
    if backend is not Mps:
        asked |= {"init", "memory_stats", "reset_peak_memory_stats", "reset_accumulated_memory_stats"}
        asked |= {"get_device_properties", "get_device_capability"}
    else:
        asked |= {"driver_allocated_memory"}
    assert asked <= set(dir(module))


HOOKS = """
    from collections import Counter
    from dataclasses import dataclass
    from types import SimpleNamespace
    from typing import ClassVar

    from harness import hookimpl
    from harness.accelerators import Accelerator

    BYTES = Counter()

    def allocate(size):
        BYTES.update(current=size, allocated=size)
        BYTES["peak"] = max(BYTES["peak"], BYTES["current"])

    def reset_peak():
        BYTES["peak"] = BYTES["current"]

    def reset_counts():
        BYTES["allocated"] = BYTES["freed"] = 0

    MODULE = SimpleNamespace(
        init=lambda: None,
        empty_cache=lambda: None,
        synchronize=lambda: None,
        reset_peak_memory_stats=reset_peak,
        reset_accumulated_memory_stats=reset_counts,
        memory_stats=lambda: {f"allocated_bytes.all.{name}": BYTES[name] for name in
                              ("peak", "current", "allocated", "freed")},
    )

    @dataclass(frozen=True)
    class Tray(Accelerator):
        device: ClassVar[str] = "cpu"

        def unavailable(self):
            return None

        def module(self):
            return MODULE

    @hookimpl
    def harness_backends():
        return [Tray]
"""
LOADER = """
    from dataclasses import dataclass

    from harness import Paper
    from toy_papers.guessing import Constant

    @dataclass
    class Loader(Constant):
        size: int = 0
        fails: bool = False

        def guess(self, values, context):
            if context.backend.device == "cpu" and hasattr(context.backend, "module"):
                from tray_hooks.hooks import BYTES, allocate

                allocate(self.size)
                BYTES.update(current=-self.size, freed=self.size)
                allocate(10)  # and keeps it
            if self.fails:
                raise RuntimeError("CUDA error: out of patience")
            return 1.0

    paper = Paper(title="Loader", year=2026, venue="tests", baselines=[Loader])
"""


@pytest.mark.parametrize("isolation", ["case", "shared"])
def test_a_case_tells_its_device_memory(isolation, install, of, runs) -> None:
    install("tray_hooks", hooks=HOOKS)
    install("loading", papers={"loader": LOADER})
    models = [{"loader/loader": {"size": size}} for size in (1000, 500, 70)]
    result = harness.run(of(*models, backends=["tray", "cpu"], isolation=isolation), store=runs)
    assert result.statuses == {"ok": 6}
    table = Store(runs).table(result.id, ["model_parameters", "backend", "device_memory"])
    found = {(row["backend"], row["model_parameters"]): row["device_memory"] for row in table.to_pylist()}
    assert [size for (backend, _), size in found.items() if backend == "tray"] == [1000, 500, 70]
    assert {size for (backend, _), size in found.items() if backend == "cpu"} == {None}


def test_a_case_that_failed_tells_none(install, of, runs) -> None:
    install("tray_hooks", hooks=HOOKS)
    install("loading", papers={"loader": LOADER})
    suite = of({"loader/loader": {"size": 9, "fails": True}}, backends=["tray"])
    (row,) = Store(runs).table(harness.run(suite, store=runs).id).to_pylist()
    assert (row["status"], row["device_memory"]) == ("failed", None)
