"""What the kernel's files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.kernel import Kernel


def write(root: Path, files: dict[str, str]) -> Kernel:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return Kernel(root)


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("0::/a/b", {"a/b/cpu.max": "50000 100000"}, 0.5),
        ("0::/a/b", {"a/b/cpu.max": "max 100000"}, None),
        ("0::/a/b", {"a/b/cpu.max": "400000 100000", "a/cpu.max": "200000 100000"}, 2.0),
        ("0::/a/b", {"c/cpu.max": "50000 100000"}, None),
        ("4:cpu,cpuacct:/a", {"cpu/a/cpu.cfs_quota_us": "150000", "cpu/a/cpu.cfs_period_us": "100000"}, 1.5),
        ("4:cpu,cpuacct:/a", {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, None),
        ("4:cpu,cpuacct:/a", {"cpu/a/cpu.cfs_quota_us": "150000"}, None),
        ("4:memory:/a", {"cpu/a/cpu.cfs_quota_us": "150000", "cpu/a/cpu.cfs_period_us": "100000"}, None),
    ],
)
def test_the_tightest_limit_of_processor_time_holds(groups, files, limit, tmp_path) -> None:
    below = {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    assert write(tmp_path, {"proc/self/cgroup": groups, **below}).processor_limit() == limit


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("cpu  10 1 2 30 4 5 6 7 8 9", (65, 7)),
        ("cpu  10 1 2 30", (43, 0)),  # of long ago
        ("", (0, 0)),
    ],
)
def test_stolen_time_is_a_part_of_all_time(line, time, tmp_path) -> None:
    assert write(tmp_path, {"proc/stat": line}).processor_time() == time


def test_no_files_no_answers(tmp_path) -> None:
    kernel = Kernel(tmp_path)
    assert (kernel.processor(), kernel.governor(), kernel.processor_limit()) == (None, None, None)
    assert kernel.processor_time() == (0, 0)


def test_a_processor_without_a_model_has_none(tmp_path) -> None:
    assert write(tmp_path, {"proc/cpuinfo": "processor : 0\nCPU implementer : 0x41"}).processor() is None
