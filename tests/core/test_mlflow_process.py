"""How the logging process is started, what it answers, and what is not shown of the server's address."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.builtin import mlflow_process
from harness.builtin.mlflow_process import Outcome, early_end, environment, launch, reason, shown, tracking_uri

TEXTS = st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize("uri", ["http://127.0.0.1:5000", "sqlite:////somewhere/mlflow.db"])
def test_the_environment_says_where_to_log(uri, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert tracking_uri(tmp_path) == uri
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"


def test_the_users_settings_stay_but_no_request_is_repeated(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "7")
    settings = environment(tmp_path)
    assert settings["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"
    assert settings["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0"


def test_a_password_is_in_no_command_line(monkeypatch, tmp_path) -> None:
    started = []
    popen = lambda command, **options: started.append((command, options))  # noqa: E731
    monkeypatch.setattr(mlflow_process, "subprocess", SimpleNamespace(Popen=popen, PIPE=-1, DEVNULL=-3))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:hunter2@host")
    launch([tmp_path / "run"], follow=True)
    ((command, options),) = started
    assert "hunter2" not in " ".join(command)
    assert options["env"]["MLFLOW_TRACKING_URI"] == "http://user:hunter2@host"


@given(st.builds(Outcome, TEXTS, st.integers(0), st.integers(0), st.none() | TEXTS))
def test_an_outcome_is_a_line(outcome) -> None:
    line = outcome.line()
    assert line.count(b"\n") == 1
    assert Outcome.read(line) == outcome


@given(st.binary() | st.sampled_from([b"[]", b"3", b"{}", b'{"run": 1}', b'{"run": "a", "uploaded": [], "known": 0}']))
def test_garbage_is_no_outcome(line) -> None:
    assert Outcome.read(line) is None


@given(st.text(st.characters(codec="utf-8", exclude_characters="/?#"), min_size=1))
def test_user_and_password_are_not_shown(secret) -> None:
    for form in (f"{secret}:pass word", f"user:{secret}", secret):
        uri = f"https://{form}@host:5000/path"
        assert shown(uri, uri) == "https://host:5000/path"
        assert shown(f"API request to {uri}/api failed", uri) == "API request to https://host:5000/path/api failed"


def test_other_secrets_are_not_shown(monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "correct-horse")
    uri = "postgresql://host/db?password=battery-staple"
    assert shown(uri, uri) == "postgresql://host/db"
    assert "correct-horse" not in shown("wrong password correct-horse", uri)
    assert quote("correct-horse") not in shown("wrong password correct-horse", uri)


def test_a_file_is_shown_as_it_is() -> None:
    uri = "sqlite:////home/me@work/mlflow.db"
    assert shown(uri, uri) == uri


def test_a_reason_is_the_root_of_an_error_in_one_line() -> None:
    try:
        try:
            raise ConnectionRefusedError(111, "Connection\nrefused http://a:secret@b")
        except OSError as error:
            raise RuntimeError("x" * 1000) from error
    except RuntimeError as error:
        assert reason(error, "http://a:secret@b") == "ConnectionRefusedError: [Errno 111] Connection refused http://b"
    assert len(reason(ValueError("x" * 1000), "http://b")) == 300


@pytest.mark.parametrize(("status", "said"), [(-9, "by signal 9"), (1, "with status 1")])
def test_an_early_end_is_told(status, said) -> None:
    assert said in early_end(status)
