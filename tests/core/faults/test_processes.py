"""A case that goes wrong costs itself alone, whatever it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.store.store import Store

ODD = """
    import os
    import time
    from dataclasses import dataclass

    from harness import Paper
    from toy_papers.guessing import Constant, Guess

    @dataclass
    class NoData(Guess):
        def instance(self, context):
            raise LookupError("no data")

    @dataclass
    class Unbuildable(Constant):
        def __post_init__(self):
            raise ValueError("cannot be built")

    @dataclass
    class Leaving(Constant):
        def guess(self, values, context):
            if os.fork() == 0:
                time.sleep(1000)
            return 1.0

    @dataclass
    class Garbled(Constant):
        def guess(self, values, context):
            raise RuntimeError("file \\udcff")

    paper = Paper(
        title="Odd", year=2026, venue="tests", tasks=[NoData], baselines=[Unbuildable, Leaving, Garbled]
    )
"""

EXPECTED = {
    "guessing/naughty(how=raise)": ("failed", "RuntimeError: on purpose"),
    "guessing/naughty(how=exit)": ("crashed", "its process ended with exit code 7"),
    "guessing/naughty(how=segfault)": ("crashed", "its process was killed by SIGSEGV"),
    "guessing/naughty(how=memory)": ("out-of-memory", "MemoryError"),
    "guessing/naughty(how=type)": ("invalid", "a guess is a float, not str"),
    "guessing/naughty(how=nan)": ("invalid", "metric error is nan"),
    "guessing/naughty(how=hang)": ("timeout", "stopped at its limit of 0.5 s"),
    "guessing/mean": ("ok", None),
    "guessing/constant(value=1)": ("ok", None),
    "odd/unbuildable": ("failed", "ValueError: cannot be built"),
    "odd/leaving": ("ok", None),
}
BAD = {"guessing/naughty": {"how": ["raise", "exit", "segfault", "memory", "type", "nan"]}}
CONSTANT = {"guessing/constant": {"value": 1.0}}
HANG = {"guessing/naughty": {"how": "hang"}}


@pytest.mark.parametrize("isolation", ["case", "shared"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_each_fault_costs_its_own_case(isolation, jobs, install, of, runs, survivors) -> None:
    install("odd_papers", papers={"odd": ODD})
    matrix = [
        {"tasks": ["guessing/guess"], "models": [BAD, "guessing/mean", "odd/unbuildable", "odd/leaving"]},
        {"tasks": ["guessing/guess"], "models": [HANG], "limits": {"time": "0.5 s"}},
        {"tasks": ["guessing/guess"], "models": [CONSTANT]},
    ]
    path = of(matrix=matrix, isolation=isolation, limits={"memory": "1 GB", "time": "60 s"})

    result = harness.run(path, store=runs, jobs=jobs)

    rows = Store(runs).table(result.id).to_pylist()
    assert {row["model_label"]: (row["status"], row["error"]) for row in rows} == EXPECTED
    assert result.exit_code == 3
    assert survivors() == []


def test_the_tail_of_the_traceback_is_kept(of, runs) -> None:
    row = harness.run(of("guessing/naughty"), store=runs).frame.iloc[0]
    assert row.traceback.endswith("RuntimeError: on purpose\n")
    assert "in guess" in row.traceback


@pytest.mark.parametrize(
    ("how", "output"), [("segfault", "Fatal Python error: Segmentation fault"), ("hang", "about to hang")]
)
def test_the_output_of_a_broken_case_is_kept(how, output, of, runs) -> None:
    path = of({"guessing/naughty": {"how": how}}, limits={"time": "0.5 s"})
    assert harness.run(path, store=runs).frame.output[0].startswith(output)


def test_a_stopped_case_has_its_limit_as_its_time(of, runs) -> None:
    row = harness.run(of(HANG, limits={"time": "300 ms"}), store=runs).frame.iloc[0]
    assert (row.status, row.seconds) == ("timeout", 0.3)


def test_a_limit_shorter_than_the_start_of_a_worker_holds(of, runs) -> None:
    frame = harness.run(of(HANG, limits={"time": "1 ms"}, seeds=5), store=runs, jobs=2).frame
    assert set(frame.status) == {"timeout"}


def test_an_instance_that_cannot_be_made_costs_the_cases_on_it(install, of, runs) -> None:
    install("odd_papers", papers={"odd": ODD})
    frame = harness.run(of("guessing/mean", tasks=["guessing/guess", "odd/no-data"]), store=runs).frame
    errors = frame[frame.status != "ok"]
    assert list(errors.task) == ["odd/no-data"]
    assert list(errors.error) == ["LookupError: no data"]
    assert set(frame[frame.task == "guessing/guess"].status) == {"ok"}


def test_an_error_that_is_no_unicode_costs_no_other_result(install, of, runs) -> None:
    install("odd_papers", papers={"odd": ODD})
    frame = harness.run(of("odd/garbled", "guessing/mean"), store=runs).frame
    assert dict(zip(frame.model, frame.status, strict=True)) == {"odd/garbled": "failed", "guessing/mean": "ok"}


@pytest.fixture
def deadly() -> Callable[[str], dict[str, str]]:
    def paper(when: str) -> dict[str, str]:
        return {
            "deadly": f"""
            import os, sys
            from dataclasses import dataclass
            from harness import Paper
            from toy_papers.guessing import Constant

            if sys.argv[0].endswith("zygote.py"):
                {when}

            class Deadly(Constant):
                pass

            paper = Paper(title="Deadly", year=2026, venue="tests", baselines=[Deadly])
            """
        }

    return paper


def test_a_module_that_ends_the_process_at_its_import_costs_its_own_cases(install, deadly, of, runs) -> None:
    install("deadly_papers", papers=deadly("os._exit(9)"))
    frame = harness.run(of("guessing/mean", {"deadly/deadly": {"value": 1.0}}, CONSTANT), store=runs).frame
    statuses = {row.model: (row.status, row.error) for row in frame.itertuples()}
    assert statuses["deadly/deadly"] == ("crashed", "its process ended with exit code 9")
    assert {statuses["guessing/mean"][0], statuses["guessing/constant"][0]} == {"ok"}


def test_a_module_that_cannot_be_imported_by_workers_costs_its_own_cases(install, deadly, of, runs) -> None:
    install("deadly_papers", papers=deadly("raise ImportError('not here')"))
    frame = harness.run(of("guessing/mean", {"deadly/deadly": {"value": 1.0}}), store=runs).frame
    assert frame[frame.model == "deadly/deadly"].error.tolist() == ["ImportError: not here"]
    assert set(frame[frame.model == "guessing/mean"].status) == {"ok"}


def test_a_killed_worker_server_costs_the_cases_that_were_running(install, of, runs, survivors) -> None:
    killer = """
    import os, signal, time
    from dataclasses import dataclass
    from harness import Paper
    from toy_papers.guessing import Constant

    class Killer(Constant):
        def guess(self, values, context):
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(1000)

    paper = Paper(title="Killer", year=2026, venue="tests", baselines=[Killer])
    """
    install("killing_papers", papers={"killer": killer})
    result = harness.run(of("guessing/mean", "killer/killer", CONSTANT), store=runs)
    rows = result.frame.drop_duplicates("case")
    assert dict(zip(rows.model, rows.status, strict=True)) == {
        "guessing/mean": "ok",
        "killer/killer": "crashed",
        "guessing/constant": "ok",
    }
    assert survivors() == []


def test_a_store_that_cannot_be_made_is_said_before_anything_runs(of, runs: Path) -> None:
    runs.write_text("a file in the way")
    with pytest.raises(harness.HarnessError, match="cannot be written"):
        harness.run(of("guessing/mean"), store=runs / "inner")
