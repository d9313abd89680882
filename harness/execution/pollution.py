"""Make a process dirty before a case, as a careless predecessor would: what the outcome should not depend on."""

from __future__ import annotations

import ctypes
import os
import random
import sys
import tempfile
import time

_M_PERTURB, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -6, -3, -1
_LARGEST = 1 << 30
_ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Chatham")


def pollute(seed: int) -> list[bytearray]:
    """Change what differs from process to process: fresh memory's content, addresses, global generators, surroundings.

    Args:
        seed: two different ones pollute differently.

    Returns:
        What has to be kept, so that it stays in the way.
    """
    rng = random.Random(seed)
    _fill_fresh_memory(rng)
    random.seed(rng.random())
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(rng.getrandbits(32))
    if torch := sys.modules.get("torch"):
        torch.manual_seed(rng.getrandbits(32))
    os.environ["HARNESS_POLLUTION"] = str(seed)
    os.environ["TZ"] = _ZONES[seed % len(_ZONES)]
    time.tzset()
    os.chdir(tempfile.mkdtemp())
    sys.setswitchinterval(rng.uniform(0.001, 0.01))
    blocks = [bytearray(rng.randrange(1, 1 << 14)) for _ in range(rng.randrange(500, 1500))]
    del blocks[:: rng.randrange(2, 5)]
    return blocks


def _fill_fresh_memory(rng: random.Random) -> None:
    """Let the allocator hand out memory that holds something, small and large."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST)  # mapped memory is always zero: take it from the heap
        libc.mallopt(_M_TRIM_THRESHOLD, _LARGEST)
        libc.mallopt(_M_PERTURB, rng.randrange(1, 255))
