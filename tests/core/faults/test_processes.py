"""What is around the cases: texts that cannot travel, modules that go wrong at their import, servers that die."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.store.store import Store

CONSTANT = {"guessing/constant": {"value": 1.0}}
GARBLED = """
    from dataclasses import dataclass
    from harness import Paper
    from toy_papers.guessing import Constant

    class Garbled(Constant):
        def guess(self, values, context):
            print("output \\udcff")
            raise RuntimeError("file \\udcff")

    paper = Paper(title="Garbled", year=2026, venue="tests", baselines=[Garbled])
"""


def test_an_error_that_is_no_unicode_costs_no_other_result(install, of, runs) -> None:
    install("odd_papers", papers={"garbled": GARBLED})
    frame = harness.run(of("garbled/garbled", "guessing/mean"), store=runs).frame
    assert dict(zip(frame.model, frame.status, strict=True)) == {"garbled/garbled": "failed", "guessing/mean": "ok"}
    assert frame.error[0] == "RuntimeError: file ?"


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


def test_a_module_that_hangs_at_its_import_costs_its_own_cases(install, deadly, of, runs, monkeypatch) -> None:
    monkeypatch.setattr("harness.execution.server._IMPORT_SECONDS", 8.0)
    install("deadly_papers", papers=deadly("import time; time.sleep(1000)"))
    own = {"tasks": ["guessing/guess"], "models": [{"deadly/deadly": {"value": 1.0}}], "limits": {"time": "1 s"}}
    matrix = [{"tasks": ["guessing/guess"], "models": ["guessing/mean"]}, own]
    frame = harness.run(of(matrix=matrix), store=runs).frame
    assert set(frame[frame.model == "guessing/mean"].status) == {"ok"}
    (stopped,) = frame[frame.model == "deadly/deadly"].itertuples()
    assert (stopped.status, "deadly.py" in stopped.traceback) == ("timeout", True)


def test_what_a_module_changes_at_its_import_is_taken_back(install, deadly, of, runs) -> None:
    spoil = "os.environ['SOMETHING_NEW'] = 'yes'; os.umask(0o777); os.chdir('/'); sys.stdout = None; sys.path.clear()"
    install("deadly_papers", papers=deadly(spoil))
    models = [{"deadly/deadly": {"value": 1.0}}, {"faulty/inspector": {"value": 1.0}}]
    matrix = [{"tasks": [{"guessing/guess": {"spread": 0.0}}], "models": models, "metrics": ["error"]}]
    frame = harness.run(of(matrix=matrix), store=runs).frame
    assert frame[frame.model == "faulty/inspector"].value.tolist() == [0.0]


def test_cases_beside_one_that_kills_their_server_run_again_alone(install, of, runs, tmp_path, survivors) -> None:
    meeting = f"""
    import os, signal, time
    from pathlib import Path
    from dataclasses import dataclass
    from harness import Paper
    from toy_papers.guessing import Constant

    PLACE = Path({str(tmp_path / "place")!r})

    class Innocent(Constant):
        def guess(self, values, context):
            first = not PLACE.exists()
            PLACE.touch()
            if first:
                time.sleep(1000)
            return 1.0

    class Killer(Constant):
        def guess(self, values, context):
            while not PLACE.exists():
                time.sleep(0.01)
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(1000)

    paper = Paper(title="Meeting", year=2026, venue="tests", baselines=[Innocent, Killer])
    """
    install("killing_papers", papers={"killer": meeting})
    path = of("killer/innocent", "killer/killer", CONSTANT, limits={"time": "60 s"})
    result = harness.run(path, store=runs, jobs=2)
    rows = {row["model"]: row for row in Store(runs).table(result.id).to_pylist()}
    assert {name: (row["status"], row["attempts"]) for name, row in rows.items()} == {
        "killer/innocent": ("ok", 2),
        "killer/killer": ("crashed", 2),
        "guessing/constant": ("ok", 1),
    }
    assert survivors() == []


def test_a_case_that_fills_the_disk_of_temporary_files_leaves_room_for_the_next(of, mounted) -> None:
    models = [
        {"faulty/faulty": {"how": ["writes-a-file", "fills-its-disk"]}},
        {"faulty/faulty": {"how": "returns-nan"}},
    ]
    last = {"faulty/faulty": {"how": "writes-a-file", "value": 2.0}}
    done = mounted(f"""
        mount -t tmpfs -o size=16m none mnt
        code=0; TMPDIR=$PWD/mnt $RUN run {of(*models, last)} --store runs >&2 || code=$?
        $RUN results --store runs --rows --json
    """)
    rows = {row["model_parameters"]: row for row in json.loads(done.stdout)}
    statuses = [(json.loads(key)["how"], json.loads(key)["value"], row["status"]) for key, row in rows.items()]
    assert statuses == [
        ("writes-a-file", 0.0, "invalid"),
        ("fills-its-disk", 0.0, "failed"),
        ("returns-nan", 0.0, "invalid"),
        ("writes-a-file", 2.0, "invalid"),
    ]
    errors = [row["error"] for row in rows.values()]
    assert "No space left on device" in errors[1]
    assert errors[0] == errors[3] == "metric reciprocal is inf"


def test_nothing_is_left_in_the_temporary_folder(of, runs, tmp_path, monkeypatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    harness.run(of({"faulty/faulty": {"how": ["changes-everything", "exits"]}}), store=runs)
    assert not [*(tmp_path / "temporary").iterdir()]


def test_a_store_that_cannot_be_made_is_said_before_anything_runs(of, runs: Path) -> None:
    runs.write_text("a file in the way")
    with pytest.raises(harness.HarnessError, match=r"the store .* cannot be"):
        harness.run(of("guessing/mean"), store=runs / "inner")
