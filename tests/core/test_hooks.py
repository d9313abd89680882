"""Third-party plugins: what they are told, and what becomes of broken ones."""

from __future__ import annotations

import inspect

import pytest

import harness
from harness import hookspecs
from harness.plugins import Plugins
from harness.store.store import Store

SPECS = [value for name, value in vars(hookspecs).items() if name.startswith("harness_")]

LISTENER = """
    from harness import hookimpl

    told = []

    @hookimpl
    def harness_run_started(run):
        told.append(("run started", len(run.plan)))

    @hookimpl
    def harness_case_started(case):
        told.append(("case started", case.model.name))

    @hookimpl
    def harness_case_finished(result, case):
        told.append(("case finished", case.model.name, str(result.status), result.reused_from is not None))

    @hookimpl
    def harness_run_finished(run):
        told.append(("run finished", dict(run.statuses), run.finished_at is not None))
"""

BROKEN = """
    from harness import hookimpl

    calls = []

    @hookimpl
    def harness_case_finished():
        calls.append(1)
        raise ZeroDivisionError("a defect")
"""


def test_a_plugin_is_told_everything_in_order(install, of, runs) -> None:
    told = install("listening", hooks=LISTENER).told
    harness.run(of("guessing/mean"), store=runs)
    assert told == [
        ("run started", 1),
        ("case started", "guessing/mean"),
        ("case finished", "guessing/mean", "ok", False),
        ("run finished", {"ok": 1}, True),
    ]


def test_reused_cases_finish_without_a_start(install, of, runs) -> None:
    harness.run(of("guessing/mean"), store=runs)
    told = install("listening", hooks=LISTENER).told
    harness.run(of("guessing/mean"), store=runs)
    assert told[1:-1] == [("case finished", "guessing/mean", "ok", True)]


def test_the_store_comes_before_other_plugins(install, of, runs) -> None:
    hooks = """
    from harness import hookimpl
    from harness.store.store import Store

    seen = []

    @hookimpl(tryfirst=True)
    def harness_run_started(run):
        seen.append(Store(run.directory.parent).record(run.id)["cases"])

    @hookimpl
    def harness_case_finished(run):
        seen.append(Store(run.directory.parent).table(run.id).num_rows)
    """
    seen = install("looking", hooks=hooks).seen
    path = of("guessing/mean", {"guessing/naughty": {"how": "raise"}}, "guessing/constant")
    harness.run(path, store=runs)
    assert len(seen) == 4
    assert seen[1:] == sorted(set(seen[1:]))


def test_a_plugin_that_raises_is_reported_once_and_costs_nothing(install, of, runs) -> None:
    hooks = install("breaking", hooks=BROKEN)
    with pytest.warns(UserWarning) as caught:
        result = harness.run(of("guessing/mean", seeds=3), store=runs)
    assert [str(one.message) for one in caught] == [
        "plugin 'breaking' is switched off: harness_case_finished raised ZeroDivisionError: a defect"
    ]
    assert len(hooks.calls) == 1
    assert result.statuses == {"ok": 3}
    assert len(set(Store(runs).table(result.id).column("case").to_pylist())) == 3


@pytest.mark.parametrize(
    ("hooks", "message"),
    [
        ("import not_there", "ModuleNotFoundError: No module named 'not_there'"),
        ("raise SystemError('odd')", "SystemError: odd"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_left_out(hooks, message, install, toys) -> None:
    with pytest.raises((ImportError, SystemError)):
        install("missing", hooks=hooks)
    said: list[str] = []
    Plugins(warn=said.append)
    assert said == [f"plugin 'missing' (missing.hooks) is left out: {message}"]


def test_a_plugin_with_a_wrong_argument_is_left_out_whole(install, of, runs) -> None:
    hooks = install(
        "wrong",
        hooks="""
        from harness import hookimpl

        calls = []

        @hookimpl
        def harness_case_finished(case):
            calls.append(case)

        @hookimpl
        def harness_run_started(nonsense):
            calls.append(nonsense)
        """,
    )
    with pytest.warns(UserWarning, match=r"plugin 'wrong' .* is left out: PluginValidationError"):
        assert harness.run(of("guessing/mean"), store=runs).statuses == {"ok": 1}
    assert hooks.calls == []


def test_of_two_backends_with_one_name_the_first_stays(install, toys) -> None:
    hooks = """
    from harness import hookimpl
    from harness.backends import Cpu as Base

    class Cpu(Base):
        pass

    @hookimpl
    def harness_backends():
        return [Cpu]
    """
    second = install("second", hooks=hooks).Cpu
    said: list[str] = []
    backends = Plugins(warn=said.append).backends()
    assert backends["cpu"] is not second
    assert said == ["a second backend called 'cpu' is left out: second.hooks"]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
def test_every_hook_is_documented(spec) -> None:
    assert (inspect.getdoc(spec) or "").partition("\n")[0].endswith((".", ";"))
    untyped = [name for name in inspect.signature(spec).parameters if name not in spec.__annotations__]
    assert not untyped
