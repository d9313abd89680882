"""The order of a repository's commits: along the first parents of HEAD, the line on which changes arrive one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.git import git


@dataclass(frozen=True)
class Commit:
    """A commit of the line."""

    hash: str
    short: str
    """As many digits of the hash as tell it from all others."""
    date: str
    """When it was committed, ISO 8601."""
    subject: str
    """The first line of its message: text from outside."""
    place: int
    """0 for the first of the line."""

    @property
    def day(self) -> str:
        """The date alone."""
        return self.date[:10]

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"commit": self.hash, "date": self.date, "subject": self.subject}


class Commits:
    """The commits of a line, oldest first."""

    def __init__(self, line: Iterable[Commit]) -> None:
        self._line = tuple(line)
        self._by_hash = {commit.hash: commit for commit in self._line}

    def get(self, name: str | None) -> Commit | None:
        """The commit of a full hash; None if it is not on the line."""
        return self._by_hash.get(name or "")

    def after(self, last: Commit, first: Commit) -> tuple[Commit, ...]:
        """The commits that follow `last`, up to and with `first`."""
        return self._line[last.place + 1 : first.place + 1]


def read_commits(folder: Path) -> Commits:
    """The line that ends in the HEAD of the repository around a folder.

    Raises:
        GitError: there is no git, no repository, or no commit.
    """
    form = "--format=%H%x09%h%x09%cI%x09%s"
    # rev-list, unlike log, heeds no setting of the reader's
    printed = git(folder, "rev-list", "--first-parent", "--reverse", "--encoding=UTF-8", form, "HEAD")
    lines = [line for line in printed.split("\n") if line and not line.startswith("commit ")]
    return Commits(_commit(line, place) for place, line in enumerate(lines))


def _commit(line: str, place: int) -> Commit:
    full, short, date, subject = line.split("\t", 3)
    return Commit(full, short, date, subject, place)
