"""What the documentation shows is what happens."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import hookspecs
from harness.cli import root

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def block(text: str, marker: str) -> str:
    """The code block behind a marker."""
    match = re.search(rf"<!-- {marker} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert match
    return match[1]


def test_the_paper_of_the_tutorial_runs(
    tmp_path: Path, harness: Callable[..., subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tutorial = (ROOT / "docs/writing-a-paper.md").read_text()
    package, info = tmp_path / "my_papers", tmp_path / "my_papers-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_text('"""My papers."""\n')
    (package / "nearest_centroid.py").write_text(block(tutorial, "paper"))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-papers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[harness.papers]\nmine = my_papers\n")
    (tmp_path / "wine.yaml").write_text(block(tutorial, "suite"))
    ran = harness("run", "wine.yaml", "--no-mlflow", "--set", "seeds=3", PYTHONPATH=str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    assert "18 ok" in ran.stdout
    judged = harness("claims", "nearest-centroid", "--self-test", "--json", "--no-mlflow", PYTHONPATH=str(tmp_path))
    (claim,) = json.loads(judged.stdout)["claims"]
    assert claim["verdict"] == "held"
    assert claim["self_test"]["passed"]


def test_the_suite_of_the_readme_is_valid(tmp_path: Path) -> None:
    shown = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert shown
    for text in shown:
        path = tmp_path / "shown.yaml"
        path.write_text(text)
        result = CliRunner().invoke(root, ["validate", str(path)])
        assert result.exit_code == 0, result.output


def test_every_command_that_is_shown_exists() -> None:
    shown = set(re.findall(r"`harness ([a-z]+)", README + (ROOT / "docs/writing-a-paper.md").read_text()))
    assert shown
    assert shown <= set(root.list_commands(None))  # type: ignore[arg-type]


def test_every_file_that_is_linked_exists() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_hook_is_documented() -> None:
    hooks = [value for name, value in vars(hookspecs).items() if name.startswith("harness_")]
    assert len(hooks) >= 5
    assert all(len(inspect.getdoc(hook) or "") > 80 for hook in hooks)


def test_every_module_of_the_design_page_exists() -> None:
    design = (ROOT / "docs/design.md").read_text()
    named = set(re.findall(r"`([a-z_/]+\.py)`", design)) | set(re.findall(r"(?<!\w)(harness/[a-z_/]+)", design))
    assert named
    for name in named:
        candidates = [ROOT / name, ROOT / "harness" / name, ROOT / f"{name}.py"]
        assert any(path.exists() for path in candidates), name


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "<!-- test -->" in (ROOT / ".ci/run").read_text()
    assert "pytest" in block(README, "test")
