"""The workflow that gates a pull request: what it does with what `harness speed check` returns, and what it may."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from harness.errors import ExitCode

WORKFLOW = Path(__file__).parents[3] / ".github" / "workflows" / "speed.yml"


@pytest.fixture
def workflow() -> dict[str, Any]:
    return YAML(typ="safe").load(WORKFLOW)


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize(
    ("code", "passes", "said"),
    [
        (ExitCode.OK, True, "::notice"),
        (ExitCode.CASES_FAILED, False, "::error"),
        (ExitCode.SLOWER, False, "::error"),
        (ExitCode.INCONCLUSIVE, True, "::warning"),
        (ExitCode.BAD_INPUT, False, ""),
    ],
)
def test_regressions_and_failures_fail_and_noise_warns(
    workflow: dict[str, Any], tmp_path: Path, code: int, passes: bool, said: str
) -> None:
    (script,) = [step["run"] for step in steps(workflow) if "speed check" in step.get("run", "")]
    found = {"operations": [{"operation": {"task": "t\n::error::"}, "verdict": "fine", "ratio": {"estimate": 1.5}}]}
    (tmp_path / "found.json").write_text(json.dumps(found) if said else "")
    (tmp_path / "harness").write_text(
        f"#!/bin/sh\n[ \"$*\" = 'speed check HEAD^1 --budget 15 --json' ] || exit 1\ncat found.json\nexit {code:d}\n"
    )
    (tmp_path / "jq").write_text("#!/bin/sh\ntest -e speed.json\n")
    for name in ("harness", "jq"):
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == passes, done.stderr
    assert re.findall("^::[a-z]+", done.stdout, re.MULTILINE) == ([said] if said else [])


def test_no_text_from_outside_gets_into_a_script(workflow: dict[str, Any]) -> None:
    assert not [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")]


def test_it_may_read_and_no_more(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert not [job for job in workflow["jobs"].values() if "permissions" in job]


def test_actions_are_pinned_to_a_major_version(workflow: dict[str, Any]) -> None:
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[a-z/-]+@v\d+", name) for name in used)
