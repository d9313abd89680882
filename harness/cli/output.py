"""The file that a command is asked to write."""

from __future__ import annotations

from pathlib import Path

from harness.errors import HarnessError


def check_output(output: Path, example: str) -> None:
    """Make sure, before the work, that a file can be written there.

    Raises:
        HarnessError: it is a folder, or in one that is not there; `example` is a name that would do.
    """
    if output.is_dir():
        raise HarnessError(f"{output} is a folder: give the name of a file, such as {output / example}")
    if not output.absolute().parent.is_dir():
        raise HarnessError(f"{output}: there is no folder {output.absolute().parent}")
