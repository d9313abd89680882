"""The tree of asv: what is written into it, and what cannot be."""

from __future__ import annotations

import inspect
import json
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.builtin import asv_tree
from harness.builtin.asv_tree import ASV, record
from harness.errors import HarnessError, StoreError
from harness.provenance import speed_fingerprint

from .asv_repository import FINGERPRINT, ROOT, Repository, make, measured, operation, speed_run, values

MOVED = (
    f"asv is not what harness/builtin/asv_tree.py was written for ({ASV}): read asv's changelog, mend that module, and "
    "only then move the pin in pyproject.toml, constraints.txt and asv_tree.ASV"
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make(tmp_path)


class TestTheVersionOfAsv:
    def test_is_the_one_that_the_adapter_was_written_for(self) -> None:
        assert metadata.version("asv") == ASV, MOVED

    def test_is_pinned_everywhere_alike(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert f"asv=={ASV}" in project["dependencies"], MOVED
        assert f"asv=={ASV}" in (ROOT / "constraints.txt").read_text().splitlines(), MOVED

    def test_its_classes_have_the_shape_that_the_adapter_expects(self) -> None:
        from asv.benchmarks import Benchmarks
        from asv.environment import get_env_name
        from asv.machine import Machine
        from asv.plugins.git import Git
        from asv.results import Results, get_filename
        from asv.runner import BenchmarkResult

        def takes(function: Callable[..., Any]) -> list[str]:
            return [name for name in inspect.signature(function).parameters if name != "self"]

        names = ["params", "requirements", "commit_hash", "date", "python", "env_name", "env_vars"]
        assert takes(Results) == names, MOVED
        assert takes(Results.add_result)[:3] == ["benchmark", "result", "started_at"], MOVED
        assert "record_samples" in takes(Results.add_result), MOVED
        assert BenchmarkResult._fields == ("result", "samples", "number", "errcode", "stderr", "profile"), MOVED
        assert takes(Benchmarks) == ["conf", "benchmarks", "regex"], MOVED
        assert takes(get_env_name)[:4] == ["tool_name", "python", "requirements", "tagged_env_vars"], MOVED
        assert takes(get_filename) == ["machine", "commit_hash", "env_name"], MOVED
        assert takes(Git) == ["url", "mirror_path"], MOVED
        assert (Results.api_version, Benchmarks.api_version, Machine.api_version) == (2, 2, 1), MOVED
        assert {name for name, _ in Machine.fields} == {"machine", "os", "arch", "cpu", "num_cpu", "ram"}, MOVED

    @pytest.mark.parametrize(
        ("found", "said"), [("0.7.0", r"asv 0\.7\.0 is installed"), (None, "asv is not installed: pip install asv==")]
    )
    def test_another_one_is_refused(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch, found: str | None, said: str
    ) -> None:
        def version(name: str) -> str:
            if found is None:
                raise metadata.PackageNotFoundError(name)
            return found

        monkeypatch.setattr("harness.builtin.asv_tree.metadata.version", version)
        with pytest.raises(HarnessError, match=said):
            record(repository.config, speed_run(repository.commit(), measured("mean", [1.0])))


class TestRecord:
    def test_writes_the_medians_and_the_values_of_the_processes(self, repository: Repository) -> None:
        from asv.results import Results

        commit = repository.commit()
        file = record(repository.config, speed_run(commit, measured("mean", [3.0, 1.0, 2.5], items=5)))
        assert values(file) == {operation("mean"): 2.5}
        assert values(file, "speed.track_peak_memory") == {operation("mean"): 1000.0}
        assert values(file, "speed.track_inverse_throughput") == {operation("mean"): 0.5}
        results = Results.load(str(file))
        assert results.commit_hash == commit
        assert results.get_result_samples("speed.track_seconds", [[repr(operation("mean"))]]) == [[3.0, 1.0, 2.5]]
        assert results.started_at["speed.track_seconds"] == 1767225600000

    def test_names_machine_and_environment_by_what_they_are(self, repository: Repository) -> None:
        file = record(repository.config, speed_run(repository.commit(), measured("mean", [1.0])))
        known = json.loads((file.parent / "machine.json").read_text())
        assert re.fullmatch("abacus-9000-fast-[0-9a-f]{8}", file.parent.name)
        assert known == {
            "machine": file.parent.name,
            "cpu": "Abacus 9000 (fast)",
            "num_cpu": "2",
            "ram": "8",
            "os": "Linux 6",
            "arch": "x",
            "version": 1,
        }
        assert file.name.endswith("-harness-py3.11-numpy2.4.6-torch2.13.0+cpu.json")

    def test_knows_the_words_of_a_fingerprint(self) -> None:
        assert {*asv_tree.MACHINE.values(), "python"} <= speed_fingerprint().keys()

    def test_twice_is_once(self, repository: Repository) -> None:
        run = speed_run(repository.commit(), measured("mean", [1.0, 2.0], items=3), measured("gone", None, "failed"))
        record(repository.config, run)
        before = repository.files()
        record(repository.config, run)
        assert repository.files() == before

    def test_keeps_other_commits_and_machines(self, repository: Repository) -> None:
        first, second = repository.commit(), repository.commit()
        record(repository.config, speed_run(first, measured("mean", [1.0])))
        before = repository.files()
        elsewhere = speed_run(second, measured("mean", [2.0]), fingerprint={**FINGERPRINT, "cores": "64"})
        record(repository.config, speed_run(second, measured("mean", [2.0])))
        record(repository.config, elsewhere)
        after = repository.files()
        assert before.items() <= after.items()
        assert len([name for name in after if name.endswith("machine.json")]) == 2
        assert len(after) == 6

    def test_keeps_other_operations_of_the_commit(self, repository: Repository) -> None:
        commit = repository.commit()
        record(repository.config, speed_run(commit, measured("mean", [1.0])))
        file = record(repository.config, speed_run(commit, measured("median", [2.0])))
        assert values(file) == {operation("mean"): 1.0, operation("median"): 2.0}

    def test_keeps_them_though_asv_has_forgotten_them(self, repository: Repository) -> None:
        """`asv run` writes into benchmarks.json what it measures, and nothing else."""
        commit = repository.commit()
        record(repository.config, speed_run(commit, measured("mean", [1.0], items=2)))
        (repository.tree / "benchmarks.json").write_text('{"version": 2}')
        file = record(repository.config, speed_run(commit, measured("median", [2.0])))
        assert values(file) == {operation("mean"): 1.0, operation("median"): 2.0}
        assert values(file, "speed.track_inverse_throughput") == {operation("mean"): 0.5}

    def test_later_values_take_the_place_of_earlier_ones(self, repository: Repository) -> None:
        commit = repository.commit()
        record(repository.config, speed_run(commit, measured("mean", [1.0])))
        file = record(repository.config, speed_run(commit, measured("mean", [2.0])))
        assert values(file) == {operation("mean"): 2.0}

    @pytest.mark.parametrize(("outcome", "kept"), [("noisy", 1.0), ("skipped", 1.0), ("failed", None)])
    def test_only_a_failure_takes_the_place_of_a_value(
        self, repository: Repository, outcome: str, kept: float | None
    ) -> None:
        commit, median = repository.commit(), measured("median", [3.0])
        record(repository.config, speed_run(commit, measured("mean", [1.0]), median))
        file = record(repository.config, speed_run(commit, measured("mean", [9.0], outcome), median))
        assert values(file) == {operation("mean"): kept, operation("median"): 3.0}

    def test_tells_failures_from_what_was_not_measured(self, repository: Repository) -> None:
        others = [measured(outcome, [9.0], outcome) for outcome in ("failed", "noisy", "skipped")]
        file = record(repository.config, speed_run(repository.commit(), measured("mean", [1.0]), *others))
        found = values(file)
        assert found[operation("mean")] == 1.0
        assert found[operation("failed")] is None
        assert math.isnan(found[operation("noisy")])
        assert math.isnan(found[operation("skipped")])

    def test_names_from_outside_stay_names(self, repository: Repository) -> None:
        hostile = 'it\'s "so"\\ \n\x1b[31m </script> ../../x ü'
        fingerprint = {**FINGERPRINT, "cpu": "../../\x1b[31m CPU"}
        run = speed_run(repository.commit(), measured(hostile, [1.0]), fingerprint=fingerprint)
        file = record(repository.config, run)
        assert file.is_relative_to(repository.tree)
        assert re.fullmatch("31m-cpu-[0-9a-f]{8}", file.parent.name)
        assert values(file) == {operation(hostile): 1.0}

    def test_paths_are_those_of_the_configuration(
        self, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        file = record(Path("repository/asv.conf.json"), speed_run(repository.commit(), measured("mean", [1.0])))
        assert file.is_relative_to(repository.tree)

    def test_many_at_once_are_all_kept(self, repository: Repository) -> None:
        commit = repository.commit()
        runs = [speed_run(commit, measured(name, [1.0])) for name in "abcdefgh"]
        with ThreadPoolExecutor(len(runs)) as pool:
            files = set(pool.map(lambda run: record(repository.config, run), runs))
        assert values(*files) == {operation(name): 1.0 for name in "abcdefgh"}

    @settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(
            st.dictionaries(
                st.sampled_from("abcd"), st.sampled_from(["ok", "noisy", "failed", "skipped"]), min_size=1
            ).filter(lambda run: "ok" in run.values()),
            min_size=1,
            max_size=4,
        )
    )
    def test_what_is_known_is_what_was_said_last(self, repository: Repository, runs: list[dict[str, str]]) -> None:
        commit, known = repository.commit(), dict[str, float | None]()
        for number, outcomes in enumerate(runs):
            value = float(number + 1)
            file = record(
                repository.config, speed_run(commit, *(measured(name, [value], of) for name, of in outcomes.items()))
            )
            known |= {name: value if of == "ok" else None for name, of in outcomes.items() if of in {"ok", "failed"}}
        found = values(file)
        assert {operation(name) for outcomes in runs for name in outcomes} <= found.keys()
        expected = {operation(name): known.get(name, math.nan) for name in "abcd"}
        assert found == pytest.approx({key: expected[key] for key in found}, nan_ok=True)


class TestWhatCannotBeRecorded:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"commit": None}, "measured outside of a git repository"),
            ({"dirty": True}, "uncommitted changes.*commit, then measure again"),
            ({"operations": ()}, "none of its operations is ok"),
            ({"operations": (measured("mean", None, "failed"),)}, "none of its operations is ok"),
            ({"commit": "0" * 40}, "has no commit 0000"),
        ],
    )
    def test_run(self, repository: Repository, change: Mapping[str, Any], said: str) -> None:
        run = replace(speed_run(repository.commit(), measured("mean", [1.0])), **change)
        with pytest.raises(HarnessError, match=said):
            record(repository.config, run)
        assert not repository.tree.exists() or not repository.files()

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (None, r"there is no .*asv\.conf\.json: docs/speed\.md"),
            ("{", "asv cannot read .*asv.conf.json"),
            ("[]", "asv cannot read .*asv.conf.json"),
            ("1", "asv cannot read .*asv.conf.json"),
            ('{"version": 1}', "asv cannot read .*No repo specified"),
            ('{"version": 1, "repo": ".", "results_dir": 3}', "asv cannot read .*asv.conf.json"),
            ('{"version": 1, "repo": "https://example.org/x.git"}', '"repo" has to be the folder'),
            ('{"version": 9, "repo": "."}', "newer than what this version of asv understands"),
        ],
    )
    def test_configuration(self, repository: Repository, text: str | None, said: str) -> None:
        commit = repository.commit()
        repository.config.unlink()
        if text is not None:
            repository.config.write_text(text)
        with pytest.raises(HarnessError, match=said):
            record(repository.config, speed_run(commit, measured("mean", [1.0])))

    @pytest.mark.parametrize("text", ["", '{"version": 2, "speed.', "[]", '{"version": 2, "results": 3}'])
    def test_damaged_file_is_named_and_left_as_it_is(self, repository: Repository, text: str) -> None:
        run = speed_run(repository.commit(), measured("mean", [1.0]))
        file = record(repository.config, run)
        for damaged in (file, repository.tree / "benchmarks.json"):
            whole = damaged.read_text()
            damaged.write_text(text)
            with pytest.raises(HarnessError, match=f"asv cannot read {re.escape(str(damaged))}"):
                record(repository.config, run)
            assert damaged.read_text() == text
            damaged.write_text(whole)

    @pytest.mark.parametrize("writes", [0, 1, 2])
    def test_cut_in_the_middle_leaves_what_was_there(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch, writes: int
    ) -> None:
        first, second = repository.commit(), repository.commit()
        file = record(repository.config, speed_run(first, measured("mean", [1.0])))
        left, write = [None] * writes, asv_tree.write_atomically

        def full(*arguments: Any) -> None:
            if not left:
                raise OSError(28, "No space left on device")
            left.pop()
            write(*arguments)

        monkeypatch.setattr(asv_tree, "write_atomically", full)
        with pytest.raises(StoreError, match=r"cannot be written .*No space left"):
            record(repository.config, speed_run(second, measured("median", [1.0])))
        assert values(file) == {operation("mean"): 1.0}
        assert repository.asv("show", first).count(operation("mean")) == 2
