"""`harness speed` through the command line, on toys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.speed.store import save, speed_runs
from harness.speed.suites import read

TOYS = Path(__file__).parents[2] / "toys"
SUITE = """
name: racing
scale: smoke
limits: {time: 20 s}
matrix:
  - tasks: [racing/sum]
    models: [racing/builtin, racing/loop, {racing/loop: {extra: 1.0}}]
"""


@pytest.fixture
def racing(suite) -> Path:
    return suite(SUITE)


def test_the_operations_of_a_suite(toys, racing) -> None:
    found = read(racing)
    assert [str(one.key) for one in found.operations] == [
        f"racing/sum · total · {model} · cpu · smoke"
        for model in ("racing/builtin", "racing/loop", "racing/loop(extra=1)")
    ]
    assert {one.baseline for one in found.operations} == {"racing/loop"}
    group = next(iter(found.groups().values()))
    assert [one.key.model for one in group] == ["racing/loop", "racing/builtin", "racing/loop(extra=1)"]


def test_without_a_baseline_the_first_model_is_the_baseline(toys, suite) -> None:
    found = read(suite(SUITE.replace("racing/builtin, racing/loop, {racing/loop: {extra: 1.0}}", "racing/builtin")))
    assert found.operations[0].baseline == "racing/builtin"


def test_of_several_seeds_the_first_counts(toys, suite) -> None:
    found = read(suite(SUITE + "seeds: [5, 6]\n"))
    assert {one.case.seed for one in found.operations} == {5}


def test_a_suite_without_operations(toys, suite) -> None:
    text = "name: still\nmatrix: [{tasks: [guessing/guess], models: [guessing/mean]}]"
    with pytest.raises(HarnessError, match="none of its tasks has an operation"):
        read(suite(text))


def test_run_measures_and_stores(harness, racing, tmp_path) -> None:
    done = harness("speed", "run", str(racing), "--budget", "0.5")
    assert done.returncode == 0, done.stderr
    assert "racing/builtin" in done.stdout
    (run,) = speed_runs(tmp_path / "reports", pytest.fail)
    assert run.suite == "racing"
    assert run.fingerprint
    by_model = {measured.key.model: measured for measured in run.operations}
    assert {measured.outcome for measured in run.operations} == {"ok"}
    assert by_model["racing/loop"].seconds > by_model["racing/builtin"].seconds
    assert all(process.ratio is None for process in by_model["racing/loop"].processes)
    ratios = [process.ratio for process in by_model["racing/loop(extra=1)"].processes]
    assert all(ratio > 1.2 for ratio in ratios)
    assert by_model["racing/loop"].items == 200
    assert "number/s" in done.stdout


def test_what_fails_is_shown_beside_what_does_not(harness, suite, tmp_path) -> None:
    models = "racing/loop, " + ", ".join(f"{{racing/faulty: {{how: {how}}}}}" for how in ("wrong", "raise", "die"))
    path = suite(SUITE.replace("racing/builtin, racing/loop, {racing/loop: {extra: 1.0}}", models))
    done = harness("speed", "run", str(path), "--budget", "0.5", "--json")
    assert done.returncode == 3, done.stderr
    (run,) = json.loads(done.stdout)
    errors = {one["key"]["model"]: (one["outcome"], one["error"]) for one in run["operations"]}
    assert errors["racing/loop"] == ("ok", None)
    assert errors["racing/faulty(how=wrong)"] == ("failed", "the sum is wrong")
    assert errors["racing/faulty(how=raise)"] == ("failed", "ArithmeticError: too many numbers")
    assert errors["racing/faulty(how=die)"] == ("failed", "its process ended with exit code 3")


def test_a_backend_that_is_not_there_is_skipped(harness, suite) -> None:
    done = harness("speed", "run", str(suite(SUITE + "backends: [cpu, mps]\n")), "--budget", "0.5", "--json")
    assert done.returncode == 0, done.stderr
    (run,) = json.loads(done.stdout)
    outcomes = {one["key"]["backend"]: one["outcome"] for one in run["operations"]}
    assert outcomes == {"cpu": "ok", "mps": "skipped"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "missing.yaml"), "missing.yaml"),
        (("run",), "has no suites"),
        (("check",), "has no suites"),
        (("record",), "not a git repository"),
    ],
)
def test_bad_input_is_said(harness, arguments, said) -> None:
    done = harness("speed", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stored_run_comes_back(racing, toys, tmp_path) -> None:
    from harness.speed.measure import run
    from harness.timing.rounds import Effort
    from harness.timing.settings import Settings

    made = run(read(racing), effort=Effort(Settings(clean_samples=20), most_rounds=3, least_rounds=3))
    save(tmp_path, made)
    (tmp_path / "speed" / "half.json").write_text('{"schema": 1, "id"')
    (tmp_path / "speed" / "newer.json").write_text('{"schema": 2}')
    (tmp_path / "speed" / "other.json").write_text('{"schema": 1, "id": 5}')
    whole = next(path for path in (tmp_path / "speed").glob("*-racing.json"))
    (tmp_path / "speed" / "yesterday.json").write_text(whole.read_text().replace(made.started_at, "yesterday"))
    told: list[str] = []
    assert speed_runs(tmp_path, told.append) == [made]
    assert len(told) == 4


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A plugin in a repository of its own: `repository("commit", "text")`, `repository("harness", ...)`."""
    top = tmp_path / "plugin"
    shutil.copytree(TOYS, top / "src", ignore=shutil.ignore_patterns("__pycache__", "with_claims"))
    (top / "suites" / "speed").mkdir(parents=True)
    (top / "suites" / "speed" / "racing.yaml").write_text(SUITE)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HARNESS")}
    environment |= {"PYTHONPATH": str(top / "src"), "COLUMNS": "200"}
    author = ("-c", "user.name=a", "-c", "user.email=a@b")

    def call(what: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["git", "-C", str(top), *author, what, *arguments]
        if what == "harness":
            command = [sys.executable, "-m", "harness", *arguments]
        return subprocess.run(command, cwd=top, env=environment, capture_output=True, text=True, check=False)

    call("init", "-q")
    call("add", ".")
    call("commit", "-qm", "first")
    return call


def edit(top: Path, old: str, new: str) -> None:
    path = top / "src" / "toy_papers" / "racing.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.slow
def test_check_finds_what_got_slower(repository, tmp_path) -> None:
    top = tmp_path / "plugin"
    edit(
        top,
        "        return sum(numbers)\n\n\n@dataclass\nclass Faulty",
        "        return sum(numbers) + 0 * sum(numbers)\n\n\n@dataclass\nclass Faulty",
    )
    done = repository("harness", "speed", "check", "--json")
    assert done.returncode == 6, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert {one["operation"]["model"]: one["verdict"] for one in found["operations"]} == {
        "racing/builtin": "regression",
        "racing/loop": "fine",
        "racing/loop(extra=1)": "fine",
    }
    slower = found["operations"][0]["ratio"]
    assert 1.5 < slower["low"] < slower["high"] < 2.5


@pytest.mark.slow
def test_check_of_nothing_changed_is_fine(repository, tmp_path) -> None:
    done = repository("harness", "speed", "check", "HEAD")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 fine" in done.stdout


@pytest.mark.slow
def test_check_tells_new_from_failed(repository, tmp_path) -> None:
    top = tmp_path / "plugin"
    edit(top, "class Loop:", "class Loop:\n    pass\n\n\n@dataclass\nclass Ring(Loop):")
    edit(top, "baselines=[Loop, Faulty]", "baselines=[Ring, Faulty]")
    suite = top / "suites" / "speed" / "racing.yaml"
    suite.write_text(SUITE.replace("racing/loop, {racing/loop: {extra: 1.0}}", "racing/ring, racing/faulty"))
    done = repository("harness", "speed", "check", "--json")
    assert done.returncode == 3, done.stdout + done.stderr
    found = {one["operation"]["model"]: one for one in json.loads(done.stdout)["operations"]}
    assert found["racing/builtin"]["verdict"] == "fine"
    assert found["racing/faulty"]["verdict"] == "failed"
    assert "too many numbers" in found["racing/faulty"]["note"]
    assert found["racing/ring"]["verdict"] == "new"


def test_check_without_time_is_inconclusive(repository) -> None:
    done = repository("harness", "speed", "check", "HEAD", "--budget", "0.0001")
    assert done.returncode == 7, done.stdout + done.stderr
    assert "3 inconclusive" in done.stdout


@pytest.mark.slow
def test_selftest_says_what_can_be_seen(harness) -> None:
    done = harness("speed", "selftest", "--pairs", "16", "--planted", "0.5", "--json", timeout=280)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["same"]["low"] < 1.05
    assert 1.3 < seen["slowed"]["estimate"] < 1.7
    assert seen["false_alarms"]["estimate"] <= 0.05
