"""Two versions of the code beside each other: the working tree, and a commit checked out in a worktree of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.execution.server import Code
from harness.git import GitError, git
from harness.quoting import quoted

_WORKER = Path("harness/timing/worker.py")
_INSTALL_LINES = 5


class Repository:
    """The git repository around a folder."""

    def __init__(self, folder: Path) -> None:
        """Raises GitError: there is none."""
        self._folder = folder
        self.top = Path(git(folder, "rev-parse", "--show-toplevel"))

    def commit(self, name: str) -> str:
        """The hash of a commit.

        Raises:
            HarnessError: there is no such commit.
        """
        try:
            return git(self._folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except GitError as error:
            raise HarnessError(f"{self.top} has no commit {quoted(name)}") from error

    def is_dirty(self) -> bool:
        """Whether a file that git knows differs from the last commit."""
        return bool(git(self._folder, "status", "--porcelain", "--untracked-files=no"))

    def default_base(self) -> str:
        """What the working tree is beside: the last commit if something has changed since, else the one before."""
        return "HEAD" if self.is_dirty() else "HEAD~1"

    @contextlib.contextmanager
    def checked_out(self, commit: str, folder: Path) -> Iterator[Path]:
        """A commit's files in a folder that is not there yet; they are gone afterwards."""
        git(self._folder, "worktree", "add", "--detach", str(folder), commit)
        try:
            yield folder
        finally:
            git(self._folder, "worktree", "remove", "--force", str(folder))


def code_of(top: Path, worktree: Path, scratch: Path) -> Code:
    """How processes get the code of a worktree: in this environment if it asks for the same packages, or in its own.

    Args:
        top: the repository's folder, from which its packages are installed here.
        worktree: where another commit of it is checked out.
        scratch: a folder for an environment.

    Raises:
        HarnessError: the repository's packages are not installed from its folder, or the worktree cannot be installed.
    """
    if _requirements(top) != _requirements(worktree):
        return _installed(worktree, scratch / "environment")
    own = [Path(entry).absolute() for entry in sys.path]
    moved = [worktree / entry.relative_to(top) if _is_source(entry, top) else entry for entry in own]
    if moved == own:
        raise HarnessError(f"no package of {top} is imported from there: install it with `pip install -e .`")
    if any((there / "harness").is_dir() and not (there / _WORKER).is_file() for there in moved if there not in own):
        raise HarnessError(f"{worktree.name}: that version of the harness cannot measure speed yet; choose a later one")
    return Code(sys.executable, tuple(map(str, moved)))


def _is_source(entry: Path, top: Path) -> bool:
    """Whether a place of the search path is the repository's own: not of an environment that lies inside of it."""
    inside = entry.is_relative_to(top)
    return inside and not any((folder / "pyvenv.cfg").is_file() for folder in (entry, *entry.parents))


def _requirements(folder: Path) -> Any:
    """What a project asks for; None if it does not say."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, ValueError):
        return None
    return sorted(project.get("dependencies", [])), project.get("requires-python")


def _installed(worktree: Path, environment: Path) -> Code:
    """An environment with the worktree's packages and what they ask for."""
    python = environment / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", str(environment)],
        [str(python), "-m", "pip", "install", "--quiet", str(worktree)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            tail = "\n".join(done.stderr.strip().splitlines()[-_INSTALL_LINES:])
            raise HarnessError(f"the old version asks for other packages, which cannot be installed:\n{tail}")
    listed = [str(python), "-P", "-c", "import json, sys; print(json.dumps(sys.path))"]
    path = json.loads(subprocess.run(listed, capture_output=True, text=True, check=True).stdout)
    return Code(str(python), tuple(path))
