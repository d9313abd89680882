"""Where numbers come from."""

from __future__ import annotations

import json
import platform
import subprocess
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.provenance import (
    Counters,
    conditions,
    environment,
    git_state,
    machine,
    machine_fingerprint,
    provenance,
    speed_fingerprint,
)
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


CPUINFO = """processor\t: 0
model name\t: Abacus 9000
cpu MHz\t\t: {mhz}
bogomips\t: {bogomips}

processor\t: 1
model name\t: Abacus 9000
"""


def booted(root: Path, patch: pytest.MonkeyPatch, ticks: int, mhz: float, patch_level: int, memory: int) -> None:
    """What differs between two days of one machine."""
    written = {
        "proc/cpuinfo": CPUINFO.format(mhz=mhz, bogomips=2 * mhz),
        "proc/stat": f"cpu  {ticks} 0 0 {ticks} 0 0 0 {ticks} 0 0\ncpu0 1 1\n",
        "proc/self/cgroup": f"0::/job-{ticks}\n",
        "sys/fs/cgroup/cpu.max": "150000 100000\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    }
    for name, text in written.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    account = SimpleNamespace(total=16_601_000_000 + memory, available=memory)
    patch.setattr(psutil, "virtual_memory", lambda: account)
    patch.setattr(platform, "release", lambda: f"6.18.{patch_level}-generic")
    patch.setattr("os.getloadavg", lambda: (float(ticks), 0.0, 0.0))


day = st.tuples(st.integers(1, 10**9), st.floats(400, 6000), st.integers(0, 200), st.integers(0, 10**7))


@given(day, day)
def test_one_machine_has_one_fingerprint_whatever_it_does(tmp_path_factory, one, other) -> None:
    root = tmp_path_factory.mktemp("root")
    with pytest.MonkeyPatch.context() as patch:
        booted(root, patch, *one)
        before = speed_fingerprint(root)
        booted(root, patch, *other)
        assert speed_fingerprint(root) == before


def test_a_fingerprint_tells_machines_apart_by_what_makes_them_fast(tmp_path, monkeypatch) -> None:
    booted(tmp_path, monkeypatch, 1, 2000.0, 3, 0)
    monkeypatch.setenv("KMP_AFFINITY", "compact")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")  # cases get their backend's
    found = speed_fingerprint(tmp_path)
    known = {"cpu": "Abacus 9000", "cpu_limit": "1.5", "governor": "powersave", "memory_gb": "17"}
    assert known.items() <= found.items()
    assert found["system"].endswith(" 6.18")
    assert found["python"].count(".") == 1
    assert {"cores", "architecture", "numpy", "blas"} <= found.keys()
    assert "KMP_AFFINITY=compact" in found["environment"]
    assert "OMP_NUM_THREADS" not in found["environment"]
    assert all(found.values())


def test_without_the_kernel_s_files_a_fingerprint_says_less(tmp_path) -> None:
    assert {"cpu_limit", "governor"}.isdisjoint(speed_fingerprint(tmp_path))


def test_conditions_tell_what_went_on_since(tmp_path, monkeypatch) -> None:
    booted(tmp_path, monkeypatch, 100, 2000.0, 3, 5)
    assert conditions(root=tmp_path)["steal_share"] == pytest.approx(1 / 3)
    before = Counters.now(tmp_path)
    (tmp_path / "proc/stat").write_text("cpu  140 0 0 140 0 0 0 120\n")
    found = conditions(before, tmp_path)
    assert found.pop("involuntary_switches") >= 0
    assert found == {"load_average": 100.0, "free_memory": 5.0, "steal_share": pytest.approx(0.2)}


def test_without_the_kernel_s_files_nothing_was_stolen(tmp_path) -> None:
    assert conditions(root=tmp_path)["steal_share"] == 0


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
