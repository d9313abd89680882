"""The digests of a finished run, as `sha256sum -c SHA256SUMS` checks them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.store.files import write_atomically

DIGESTS = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64})  ([\w.-]+)")


def write_digests(folder: Path, names: Sequence[str]) -> None:
    """Write the digests of those of a folder's files that are there.

    Raises:
        OSError: a file cannot be read, or the digests cannot be written.
    """
    listed = {name: digest((folder / name).read_bytes()) for name in names if (folder / name).is_file()}
    write_atomically(folder / DIGESTS, lambda temporary: temporary.write_bytes(_content(listed)))


def read_digests(folder: Path) -> dict[str, str]:
    """The digests by file; none of a run that is not finished, or of version 1. Other lines are left out."""
    try:
        lines = (folder / DIGESTS).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    return {match[2]: match[1] for match in map(_LINE.fullmatch, lines) if match}


def intact(folder: Path) -> bool:
    """Whether the file of digests has nothing but digests."""
    return (folder / DIGESTS).read_bytes() == _content(read_digests(folder))


def _content(listed: Mapping[str, str]) -> bytes:
    return "".join(f"{value}  {name}\n" for name, value in listed.items()).encode()


def digest(content: bytes) -> str:
    """The SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()
