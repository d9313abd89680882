"""Where numbers come from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import harness
from harness.provenance import environment, git_state, machine, machine_fingerprint, provenance
from harness.store.store import Store


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "file").write_text("one")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "file"], [*identity, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", "-C", folder, *command], check=True)
    return folder


def test_a_clean_commit_is_named(repository) -> None:
    state = git_state(repository)
    assert len(state["commit"]) == 40
    assert state["dirty"] is False


@pytest.mark.parametrize("name", ["file", "another"])
def test_changes_are_told(name, repository) -> None:
    (repository / name).write_text("two")
    assert git_state(repository)["dirty"] is True


def test_outside_of_a_repository_nothing_is_claimed(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) == {"commit": None, "dirty": None}


def test_without_git_nothing_is_claimed(repository, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_state(repository) == {"commit": None, "dirty": None}


def test_the_fingerprint_is_one_line_of_the_machine() -> None:
    assert machine_fingerprint().isprintable()
    assert str(machine()["cores"]) in machine_fingerprint()


def test_only_variables_that_change_numbers_or_speeds_are_kept() -> None:
    kept = {
        *("OMP_NUM_THREADS", "MKL_CBWR", "OPENBLAS_CORETYPE", "CUDA_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG"),
        *("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "PYTHONHASHSEED", "PYTORCH_CUDA_ALLOC_CONF"),
    }
    left = {
        "HOME",
        "PATH",
        "USER",
        "HF_TOKEN",
        "TORCH_HOME",
        "PYTHONPATH",
        "LD_LIBRARY_PATH",
        "XOMP_NUM_THREADS",
        "CUDA",
    }
    assert environment(dict.fromkeys(kept | left, "1")) == dict.fromkeys(sorted(kept), "1")


def test_a_secret_in_a_variable_that_is_kept_is_hidden() -> None:
    assert environment({"A_TOKEN": "abcdef", "OMP_PLACES": "abcdef" + "x" * 999}) == {"OMP_PLACES": "***" + "x" * 197}


def test_the_address_of_a_repository_is_not_kept(repository) -> None:
    address = "https://user:s3cr3t-v4lue@example.org/a.git"
    subprocess.run(["git", "-C", repository, "remote", "add", "origin", address], check=True)
    assert "example.org" not in json.dumps(provenance(repository))


def test_it_is_plain_values(tmp_path) -> None:
    found = provenance(tmp_path)
    assert json.loads(json.dumps(found)) == found
    assert {"numpy", "pyarrow", "mlflow"} <= set(found["versions"])


def test_the_record_of_a_run_tells_its_provenance_and_code(of, runs) -> None:
    path = of("guessing/mean", seeds=2)
    result = harness.run(path, store=runs)
    record = Store(runs).record(result.id)
    assert record["provenance"]["machine"] == machine()
    assert set(record["fingerprints"]) == set(result.frame.fingerprint)
    (code,) = record["fingerprints"].values()
    assert {"toy_papers.guessing", "toy_papers._helper", "harness.execution.cell"} <= set(code["sources"])
    assert (record["cases"], record["statuses"], record["interrupted"]) == (2, {"ok": 2}, False)
    assert (result.directory / "suite.yaml").read_text() == path.read_text()
