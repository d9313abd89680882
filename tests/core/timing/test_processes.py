"""Operations in fresh processes of their own."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator

import pytest

from harness import timing
from harness.errors import HarnessError
from harness.execution.server import Code
from harness.plan.planner import Modules
from harness.timing.processes import OperationError, Request, Side, cores
from harness.timing.rounds import Effort
from harness.timing.settings import Settings
from harness.timing.turns import take_turns

QUICK = Settings(clean_samples=20, seconds=1.0, warm_up_seconds=0.05)


@pytest.fixture
def side(toys, tmp_path) -> Iterator[Side]:
    made = Side(1, Modules(), tmp_path / "scratch")
    yield made
    made.close()


def racing(name: str, **arguments) -> Request:
    return Request(f"toy_papers.racing:{name}", arguments)


def test_players_take_turns(side) -> None:
    with side.play(racing("loop"), QUICK) as short, side.play(racing("loop", extra=1.0), QUICK) as long:
        assert short.pid != long.pid
        assert short.facts["cold_seconds"] > 0
        found = take_turns([short, long], QUICK, random.Random(0))
    assert len(found[0].blocks) == len(found[1].blocks)
    assert 1.3 < found[1].seconds / found[0].seconds < 3


def test_the_process_ends_with_the_context(side, survivors) -> None:
    with side.play(racing("loop"), QUICK) as player:
        assert player.pid is not None
        os.kill(player.pid, 0)
    assert player.end is not None
    with pytest.raises(ProcessLookupError):
        os.kill(player.pid, 0)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (racing("faulty", how="raise"), "ArithmeticError: too many numbers"),
        (racing("faulty", how="die"), "exit code 3"),
        (Request("toy_papers.racing:missing"), "AttributeError"),
        (Request("toy_papers.nowhere:make"), "ModuleNotFoundError"),
        (racing("loop", speed=3), "TypeError"),
    ],
)
def test_what_cannot_be_built_says_why(side, request_, said) -> None:
    with pytest.raises(OperationError, match=said), side.play(request_, QUICK):
        pass
    with side.play(racing("loop"), QUICK) as player:  # the server is as good as before
        assert player.block()


def test_what_fails_later_says_why_too(side) -> None:
    with side.play(racing("faulty", how="raise late"), QUICK) as player, pytest.raises(OperationError) as raised:
        for _ in range(10):
            player.block()
    assert raised.value.player is player
    assert "ArithmeticError: too many numbers" in str(raised.value)


def test_what_hangs_is_killed(side) -> None:
    hanging = Request("toy_papers.racing:faulty", {"how": "hang"}, seconds=0.3)
    with pytest.raises(OperationError, match="not done within") as raised, side.play(hanging, QUICK):
        pass
    assert raised.value.player.end is not None
    assert raised.value.player.end.code == -signal.SIGKILL


def test_a_server_that_dies_is_told(side) -> None:
    os.kill(side._server._process.pid, signal.SIGKILL)
    with pytest.raises(HarnessError, match="died"), side.play(racing("loop"), QUICK):
        pass


def test_the_peak_of_memory_is_that_of_the_operation(side) -> None:
    with side.play(racing("hungry", megabytes=50), QUICK) as player:
        assert 50e6 * 0.95 - 2e6 < player.facts["peak_memory"] < 50e6 * 1.05 + 2e6


def test_a_limit_of_memory_holds(side) -> None:
    with pytest.raises(OperationError, match="MemoryError"):
        with side.play(Request("toy_papers.racing:hungry", {"megabytes": 500}, memory=100_000_000), QUICK):
            pass


def test_a_processor_can_be_chosen(side) -> None:
    core = min(os.sched_getaffinity(0))
    with side.play(racing("loop"), QUICK, core) as player:
        assert os.sched_getaffinity(player.pid) == {core}
    assert cores() == (sorted(os.sched_getaffinity(0)) if len(os.sched_getaffinity(0)) > 1 else ())


def test_another_version_of_the_code(toys, tmp_path) -> None:
    """Packages that stand first on a side's path are what its processes import."""
    import sys

    package = tmp_path / "other" / "toy_papers"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "racing.py").write_text((toys / "toy_papers" / "racing.py").read_text().replace("found += number", "0"))
    code = Code(sys.executable, (str(tmp_path / "other"), *map(os.path.abspath, sys.path)))
    side = Side(1, Modules(), tmp_path / "scratch", code)
    try:
        with side.play(racing("faulty", how="fine"), QUICK), side.play(racing("loop"), QUICK) as player:
            assert player.block()
        broken = Request("toy_papers._models:Shifted")
        with pytest.raises(OperationError, match="ModuleNotFoundError"), side.play(broken, QUICK):
            pass
    finally:
        side.close()


def test_rounds_of_fresh_processes(toys) -> None:
    effort = Effort(QUICK, least_rounds=3, most_rounds=4)
    requests = {"one": racing("loop"), "two": racing("loop", extra=1.0), "never": racing("faulty", how="raise")}
    found = timing.compare_fresh(requests, effort=effort)
    assert found["never"].error == "ArithmeticError: too many numbers"
    assert found["one"].ratio is None
    assert 3 <= len(found["one"].processes) <= 4
    ratio = found["two"].ratio
    assert ratio is not None
    assert ratio.low <= ratio.estimate <= ratio.high
    assert 1.3 < ratio.estimate < 3
    assert all(process.calibration_seconds for process in found["one"].processes)


def test_what_is_never_clean_is_noisy(toys) -> None:
    found = timing.compare_fresh({"sleeping": racing("sleeping")}, effort=Effort(QUICK, most_rounds=5))["sleeping"]
    assert found.seconds != found.seconds
    assert found.noisy == 5


def test_time_for_all_rounds_is_bounded(toys) -> None:
    effort = Effort(QUICK, least_rounds=1000, most_rounds=1000, seconds=1.0)
    start = time.monotonic()
    found = timing.compare_fresh({"one": racing("loop")}, effort=effort)["one"]
    assert 1 <= len(found.processes) < 100
    assert time.monotonic() - start >= 1.0


def test_several_threads_are_not_bound_to_one_processor(toys) -> None:
    """What the processes may run on is what the test may."""
    effort = Effort(QUICK, least_rounds=1, most_rounds=1)
    found = timing.compare_fresh({"where": racing("allowed")}, threads=2, effort=effort)["where"]
    assert found.facts["items"] == len(os.sched_getaffinity(0))
