"""What git knows of a folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.errors import HarnessError
from harness.quoting import one_line


class GitError(HarnessError):
    """Git is not installed, knows no repository there, or cannot do what it is asked."""


def git(folder: Path, *arguments: str, seconds: float = 60.0) -> str:
    """What a command of git prints about the repository around a folder, without line breaks at its ends.

    Raises:
        GitError: it fails, or is not done within the time.
    """
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=seconds)
    except FileNotFoundError as error:
        raise GitError("git is not installed") from error
    except subprocess.CalledProcessError as error:
        said = one_line(error.stderr.decode(errors="replace").strip()) or f"exit code {error.returncode}"
        raise GitError(f"{folder.absolute()}: git {arguments[0]}: {said}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(f"{folder.absolute()}: git {arguments[0]}: {error}") from error
    return done.stdout.decode(errors="replace").strip("\n")
