"""Frames: payloads in one file, each with its length and checksums: damage costs no more than what it touches."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_MARKER = b"\xffHARNESS"  # no byte 255 is in UTF-8: no text that a case stores looks like the begin of a frame
_HEAD = struct.Struct("<8sQI")
_CHECK = struct.Struct("<I")
_HEAD_SIZE = _HEAD.size + _CHECK.size  # 24: payloads of whole words stay aligned


@dataclass(frozen=True)
class Frame:
    """A whole frame."""

    start: int
    end: int
    payload: memoryview


@dataclass(frozen=True)
class Gap:
    """Bytes that are no whole frame."""

    start: int
    end: int
    unfinished: bool
    """Whether they are the begin of a frame whose rest was not written, and not damage."""


def frame(payload: memoryview) -> bytes:
    """A payload as it is written: marker, length, checksum of the payload, checksum of these three, payload."""
    head = _HEAD.pack(_MARKER, payload.nbytes, zlib.crc32(payload))
    return b"".join((head, _CHECK.pack(zlib.crc32(head)), payload))


def frames(content: bytes) -> Iterator[Frame | Gap]:
    """What a file holds, in its order and without anything left out."""
    at, view = 0, memoryview(content)
    while at < len(content):
        found = _whole(view, at)
        if found is None:
            end = _next(content, at + 1)
            yield Gap(at, end, unfinished=end == len(content) and _unfinished(view[at:]))
            at = end
        else:
            yield found
            at = found.end


def _whole(view: memoryview, start: int) -> Frame | None:
    """The frame at a place, if all of it is as it was written."""
    length = _length(view[start : start + _HEAD_SIZE])
    if length is None or start + _HEAD_SIZE + length > len(view):
        return None
    payload = view[start + _HEAD_SIZE : start + _HEAD_SIZE + length]
    _, _, checksum = _HEAD.unpack_from(view, start)
    return Frame(start, start + _HEAD_SIZE + length, payload) if zlib.crc32(payload) == checksum else None


def _length(head: memoryview) -> int | None:
    """How long the payload behind a head is; None if the head is not whole."""
    if len(head) < _HEAD_SIZE:
        return None
    marker, length, _ = _HEAD.unpack_from(head)
    (checksum,) = _CHECK.unpack_from(head, _HEAD.size)
    return int(length) if marker == _MARKER and zlib.crc32(head[: _HEAD.size]) == checksum else None


def _next(content: bytes, start: int) -> int:
    """Where the next whole frame begins, or the end."""
    view = memoryview(content)
    while (start := content.find(_MARKER, start)) >= 0 and _whole(view, start) is None:
        start += 1
    return start if start >= 0 else len(content)


def _unfinished(rest: memoryview) -> bool:
    if len(rest) < _HEAD_SIZE:
        return _MARKER.startswith(bytes(rest[: len(_MARKER)]))
    length = _length(rest)
    return length is not None and len(rest) < _HEAD_SIZE + length
