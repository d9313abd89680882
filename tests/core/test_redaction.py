"""Secrets are taken out of texts, and nothing else is."""

from __future__ import annotations

import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.redaction import Redactor

SECRET = "s3cr3t-v4lue"


@pytest.mark.parametrize(
    "name",
    [
        *("HF_TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "MLFLOW_TRACKING_PASSWORD"),
        *("PGPASSWORD", "MYSQL_PWD", "DB_PASS", "DB_PASSWD", "api_key", "OPENAI_API_KEY", "WANDB_APIKEY", "SSH_KEY"),
        *("GOOGLE_CREDENTIALS", "BASIC_AUTH", "AUTHORIZATION", "SESSION_COOKIE", "SENTRY_DSN", "KEY", "GPG_PASSPHRASE"),
    ],
)
def test_the_value_of_a_variable_that_sounds_secret_is_hidden(name) -> None:
    assert Redactor({name: SECRET}).clean(f"before {SECRET} after") == "before *** after"


@pytest.mark.parametrize(
    "name",
    [
        *("KEYBOARD", "MONKEY", "AUTHOR", "GIT_AUTHOR_NAME", "TOKENIZERS_PARALLELISM", "PWD", "OLDPWD", "PATH", "HOME"),
        *("COMPASS", "XAUTHORITY", "BYPASS_PROXY"),
    ],
)
def test_the_value_of_another_variable_stays(name) -> None:
    assert Redactor({name: SECRET}).clean(f"before {SECRET} after") == f"before {SECRET} after"


def test_short_values_stay() -> None:
    assert Redactor({"HF_TOKEN": "12345", "API_KEY": ""}).clean("12345 is a number") == "12345 is a number"


def test_without_secrets_a_text_is_as_it_was() -> None:
    text = "http://example.org/a:b@c and git@example.org:x and ssh://git@example.org"
    assert Redactor({"PATH": "/bin"}).clean(text) == text


@pytest.mark.parametrize(
    ("value", "text", "clean"),
    [
        ("postgres://u:pw@h/db", "at postgres://u:pw@h/db", "at postgres://***@h/db"),
        ("https://u:p%40ssword@h", "the password p@ssword", "the password ***"),
        ("https://u:p@ss@h/x", "https://u:p@ss@h/x", "https://***@h/x"),
        ("", "cloned https://x-access-token:abc@example.org/a.git", "cloned https://***@example.org/a.git"),
    ],
)
def test_users_and_passwords_in_urls_are_hidden(value, text, clean) -> None:
    assert Redactor({"ANY": value}).clean(text) == clean


def test_the_longest_secret_is_hidden_first() -> None:
    assert Redactor({"A_TOKEN": "abcdef", "B_TOKEN": "abcdefghi"}).clean("abcdefghi abcdef") == "*** ***"


def test_a_secret_of_several_lines_is_hidden_line_by_line_too() -> None:
    key = "-----BEGIN KEY-----\nabcdefgh\nijklmnop\n"
    assert Redactor({"PRIVATE_KEY": key}).clean("read abcdefgh") == "read ***"
    assert "abcd" not in Redactor({"PRIVATE_KEY": key}).clean(key)


def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert Redactor({"A_TOKEN": "abcdef\udcff"}).clean("abcdef\udcff!") == "***!"


@given(st.text(min_size=6).filter(lambda text: len(text.strip()) >= 6), st.text())
def test_whatever_a_secret_is_it_is_found_as_it_is_written(secret, around) -> None:
    redactor = Redactor({"A_TOKEN": secret})
    for form in (secret.strip(), repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, errors="surrogatepass")):
        assert "***" in redactor.clean(around + form + around)
    assert secret not in redactor.clean(str({"A_TOKEN": secret}))


def test_a_long_text_is_cleaned_quickly() -> None:
    redactor = Redactor({f"TOKEN_{number}": f"{number}-abcdefgh" for number in range(100)})
    start = time.process_time()
    redactor.clean("://a:" * 400_000)
    redactor.clean("://" + "a:" * 1_000_000)
    redactor.clean("lorem ipsum " * 200_000)
    assert time.process_time() - start < 10
