"""Values inside a page: packed, so that a thousand sections of one form take little more room than one.

What is packed is inert as it stands, whatever the values say: base64 has no character that HTML gives a meaning.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
from typing import Any

from harness.report.wording import readable

_DIGITS = 6
_LEVEL = 6


def packed(value: Any) -> str:
    """The value as JSON, compressed by gzip, in base64; `static/main.js` reads it.

    Numbers have six significant digits, those that are not finite are null.
    """
    text = json.dumps(_clean(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), _LEVEL, mtime=0)).decode()


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {readable(str(key)): _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value
