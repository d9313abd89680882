"""Two versions of the code beside each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.speed.sides import Repository, code_of

PROJECT = '[project]\nname = "thing"\nversion = "1"\ndependencies = ["numpy"]\n'


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A repository with two commits, whose `src` is on the path."""
    top = tmp_path / "repository"
    (top / "src").mkdir(parents=True)
    git(top, "init", "-q")
    for number in (1, 2):
        (top / "src" / "thing.py").write_text(f"VERSION = {number}\n")
        (top / "pyproject.toml").write_text(PROJECT)
        git(top, "add", ".")
        git(top, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", f"version {number}")
    monkeypatch.syspath_prepend(str(top / "src"))
    monkeypatch.chdir(top)
    return top


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_commit_beside_the_working_tree(repository, tmp_path) -> None:
    here = Repository(Path())
    assert here.top == repository
    old = here.commit("HEAD~1")
    with here.checked_out(old, tmp_path / "old") as worktree:
        code = code_of(here.top, worktree, tmp_path)
        assert code.python == sys.executable
        assert str(worktree / "src") in code.path
        assert str(repository / "src") not in code.path
        listed = subprocess.run(
            [code.python, "-P", "-c", "import thing; print(thing.VERSION)"],
            env={"PYTHONPATH": ":".join(code.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert listed.stdout == "1\n"
    assert not (tmp_path / "old").exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_a_worktree_is_removed_whatever_happens(repository, tmp_path) -> None:
    here = Repository(Path())
    with pytest.raises(RuntimeError), here.checked_out("HEAD", tmp_path / "old"):
        raise RuntimeError
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_the_default_is_what_was_done_last(repository) -> None:
    here = Repository(Path())
    assert here.default_base() == "HEAD~1"
    (repository / "new.txt").touch()
    assert here.default_base() == "HEAD~1"  # git does not know it yet
    (repository / "src" / "thing.py").write_text("VERSION = 3\n")
    assert here.default_base() == "HEAD"


def test_what_cannot_be_had_is_said(repository, tmp_path, monkeypatch) -> None:
    with pytest.raises(HarnessError, match="no commit 'nowhere'"):
        Repository(Path()).commit("nowhere")
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(HarnessError, match="not a git repository"):
        Repository(outside)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(HarnessError, match="git is not installed"):
        Repository(Path())


def test_a_package_that_is_not_imported_from_the_repository(repository, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if not entry.startswith(str(repository))])
    here = Repository(Path())
    with here.checked_out("HEAD", tmp_path / "old") as worktree, pytest.raises(HarnessError, match="pip install -e"):
        code_of(here.top, worktree, tmp_path)


def test_an_environment_inside_of_the_repository_is_not_its_code(repository, tmp_path, monkeypatch) -> None:
    environment = repository / ".venv" / "lib" / "site-packages"
    environment.mkdir(parents=True)
    (repository / ".venv" / "pyvenv.cfg").touch()
    monkeypatch.syspath_prepend(str(environment))
    here = Repository(Path())
    with here.checked_out("HEAD", tmp_path / "old") as worktree:
        assert str(environment) in code_of(here.top, worktree, tmp_path).path


def test_a_harness_that_cannot_measure_yet(repository, tmp_path) -> None:
    """The harness's own repository, before it knew of speed."""
    (repository / "src" / "harness").mkdir()
    (repository / "src" / "harness" / "__init__.py").touch()
    git(repository, "add", ".")
    git(repository, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "harness")
    here = Repository(Path())
    with here.checked_out("HEAD", tmp_path / "old") as worktree, pytest.raises(HarnessError, match="choose a later"):
        code_of(here.top, worktree, tmp_path)


def test_other_requirements_are_installed_elsewhere(repository, tmp_path) -> None:
    """A project without a way to be built: what pip says reaches the user."""
    (repository / "pyproject.toml").write_text(PROJECT.replace("numpy", "numpy>=1"))
    (repository / "setup.py").write_text("raise SystemExit('cannot be built')\n")
    here = Repository(Path())
    with here.checked_out("HEAD", tmp_path / "old") as worktree:
        (worktree / "setup.py").write_text("raise SystemExit('cannot be built')\n")
        (worktree / "pyproject.toml").write_text(
            PROJECT + '[build-system]\nrequires = []\nbuild-backend = "nothing_of_the_kind"\n'
        )
        with pytest.raises(HarnessError, match="cannot be installed"):
            code_of(here.top, worktree, tmp_path)
