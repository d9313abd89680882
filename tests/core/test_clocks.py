"""How calls are timed."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.clocks import EventClock, HostClock

from .simulated import Simulated

MICRO = 1e-6


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Simulated:
    """A simulated GPU in place of CUDA's, and its clock in place of the host's."""
    simulated = Simulated()
    monkeypatch.setattr(torch, "get_device_module", lambda name: {"cuda": simulated}[name])
    monkeypatch.setattr("harness.clocks.time", simulated.clocks())
    return simulated


@given(count=st.integers(1, 20), loops=st.integers(1, 20))
def test_every_sample_repeats_the_call(count, loops) -> None:
    calls: list[None] = []
    laps = HostClock().laps(lambda: calls.append(None), count, loops)
    assert (len(laps), len(calls)) == (count, count * loops)
    assert all(lap.wall >= 0 and lap.cpu >= 0 for lap in laps)


def test_the_host_s_times_are_for_each_call(device) -> None:
    def call() -> None:
        device.now += 3 * MICRO

    assert HostClock().laps(call, 2, 5) == [pytest.approx((3 * MICRO, 3 * MICRO))] * 2


def test_time_in_which_the_thread_did_not_run_is_not_its_own(device, monkeypatch) -> None:
    own = device.clocks()
    own.thread_time_ns = lambda: round(device.now * 1e9) // 4
    monkeypatch.setattr("harness.clocks.time", own)

    def call() -> None:
        device.now += 8 * MICRO

    (lap,) = HostClock().laps(call, 1, 1)
    assert lap == pytest.approx((8 * MICRO, 2 * MICRO))


def test_one_thread_tells_disturbed_samples_and_more_do_not() -> None:
    assert HostClock().filters
    assert HostClock(1).filters
    assert not HostClock(2).filters
    assert not EventClock("cpu").filters


def test_a_failing_call_fails() -> None:
    with pytest.raises(ZeroDivisionError):
        HostClock().laps(lambda: 1 / 0, 1, 1)


def test_events_time_the_device_and_not_the_host(device) -> None:
    laps = EventClock("cuda").laps(lambda: device.launch(5 * MICRO, 200 * MICRO), 10, 3)
    behind = laps[1:]  # before the first, the queue was empty
    assert [lap.wall for lap in behind] == pytest.approx([200 * MICRO] * 9)
    assert [lap.cpu for lap in laps] == pytest.approx([5 * MICRO] * 10)


def test_the_host_waits_once_for_a_block(device) -> None:
    clock = EventClock("cuda")
    for block in range(3):
        assert len(clock.laps(lambda: device.launch(5 * MICRO, 200 * MICRO), 10, 1)) == 10
        assert device.calls["synchronize"] == block + 1


def test_where_the_device_waits_for_the_host_the_launch_takes_as_long(device) -> None:
    laps = EventClock("cuda").laps(lambda: device.launch(50 * MICRO, 4 * MICRO), 10, 2)
    assert all(lap.cpu >= 0.9 * lap.wall for lap in laps)
