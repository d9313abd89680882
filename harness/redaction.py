"""Secrets taken out of texts that are kept: what a model prints or raises may hold its whole environment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote

_HIDDEN = "***"
_LEAST = 6
"""Characters of a secret: shorter ones stand in too many words to be replaced."""
_SECRET_NAME = re.compile(
    r"token(?!iz)|secret|passw(?:or)?d|passphrase|credential|cookie"
    r"|(?<![a-z])(?:(?:api)?keys?|o?auth|authorization|dsn|pass)(?![a-z])|(?<=_)pwd(?![a-z])",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"""(?<=://)[^/\s:@"']*:[^/\s"']*(?=@)""")


class Redactor:
    """Knows the secrets of an environment and takes them out of texts.

    A secret is the value of a variable whose name says so, such as `HF_TOKEN` or `API_KEY`, and user and password in
    any URL. It is found as it is and as `repr`, JSON and URLs write it; one that is encoded otherwise is not.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        secrets = {form for secret in _secrets(environ) for form in _forms(secret) if len(form) >= _LEAST}
        longest_first = sorted(secrets, key=lambda secret: (-len(secret), secret))
        self._pattern = re.compile("|".join([_USER_INFO.pattern, *map(re.escape, longest_first)]))

    def clean(self, text: str) -> str:
        """The text with `***` in place of every secret. Clean before cutting: half a secret is not recognised."""
        return self._pattern.sub(_HIDDEN, text)


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    for name, value in environ.items():
        if _SECRET_NAME.search(name):
            yield value
            yield from value.splitlines()
        for found in _USER_INFO.findall(value):
            yield unquote(password := found.partition(":")[2])
            yield password


def _forms(secret: str) -> Iterator[str]:
    """The secret as it is, and as it is written in other places."""
    yield secret.strip()
    yield repr(secret)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield quote(secret, safe="", errors="surrogateescape")
    yield quote(secret, errors="surrogateescape")
