"""Which papers are found, and that what is broken costs itself alone."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from harness.errors import PluginError, UnknownNameError
from harness.registry.catalogue import Catalogue, nearest
from harness.registry.discovery import PAPERS, discover


def point(value: str, name: str = "some") -> EntryPoint:
    return EntryPoint(name, value, PAPERS)


@pytest.fixture
def distribution(package: Callable[..., Path]) -> Callable[..., Path]:
    """Install a distribution: `distribution("name", "group", {"point": "package"}, module="text")`."""

    def install(name: str, group: str, points: dict[str, str], **modules: str) -> Path:
        folder = package(name, **modules)
        info = folder.parent / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        lines = [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
        (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
        return folder

    return install


def test_modules_are_papers_and_folders_families(package):
    package(
        "shelf",
        lone_paper="",
        _helper="",
        **{
            "some_family/__init__": "",
            "some_family/arenas": "",
            "some_family/first_paper": "",
            "some_family/_part": "",
        },
        **{"some_family/second/__init__": "", "some_family/second/deep": "", "no_package/module": ""},
    )
    found = discover([point("shelf")])
    assert {(owner.name, owner.kind, owner.family, owner.module) for owner in found.owners.values()} == {
        ("lone-paper", "paper", "shelf", "shelf.lone_paper"),
        ("some-family", "family", "some-family", "shelf.some_family.arenas"),
        ("first-paper", "paper", "some-family", "shelf.some_family.first_paper"),
        ("second", "paper", "some-family", "shelf.some_family.second"),
    }
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("absent_package", "package 'absent_package' is not installed"),
        ("absent.inner", "package 'absent.inner' is not installed"),
        ("not a name", "package 'not a name' is not installed"),
        ("lonely", "'lonely' is a module, not a package of papers"),
    ],
)
def test_an_entry_point_that_leads_nowhere_costs_itself_alone(package, value, reason):
    folder = package("sound", paper="")
    (folder.parent / "lonely.py").write_text("", encoding="utf-8")
    found = discover([point(value, "odd"), point("sound")])
    assert list(found.owners) == ["paper"]
    assert found.warnings == (f"plugin 'odd' of odd is left out: {reason}",)


def test_of_two_papers_of_one_name_the_first_stays(package):
    package("first_shelf", same_paper="", own="")
    package("second_shelf", same_paper="", other="")
    found = discover([point("second_shelf", "two"), point("first_shelf", "one")])
    assert {name: owner.distribution for name, owner in found.owners.items()} == {
        "own": "one",
        "same-paper": "one",
        "other": "two",
    }
    assert found.warnings == ("paper 'same-paper' of two is left out: one has one of that name",)


def test_one_package_named_twice_is_no_conflict(package):
    package("shared", paper="")
    found = discover([point("shared", "one"), point("shared", "two")])
    assert (list(found.owners), found.warnings) == (["paper"], ())


def test_the_installed_distributions_are_found(toys):
    assert {"guessing", "needing", "broken", "unparsable"} <= set(discover().owners)


@pytest.mark.parametrize("name", ["my_paper", "my-paper"])
def test_dashes_and_underscores_are_the_same_in_an_owner(package, name):
    package("spelling", my_paper="")
    assert Catalogue(discover([point("spelling")])).owner(name).name == "my-paper"


@pytest.mark.parametrize(
    ("name", "names", "hint"),
    [
        ("sedes", ["seeds", "scale"], " (did you mean 'seeds'?)"),
        ("mean", ["guessing/constant", "guessing/mean"], " (did you mean 'guessing/mean'?)"),
        ("wibble", ["seeds", "scale"], ""),
        ("wibble", [], ""),
    ],
)
def test_the_nearest_name(name, names, hint):
    assert nearest(name, names) == hint


@pytest.mark.parametrize("text", ["", "paper = 3\n", "family = 3\n"])
def test_a_module_without_a_card_says_so(package, text):
    folder = package("cardless", module=text)
    catalogue = Catalogue(discover([point("cardless")]))
    with pytest.raises(PluginError) as raised:
        catalogue.card(catalogue.owner("module"))
    assert str(raised.value) == f"{folder / 'module.py'}: has no `paper = Paper(...)`"


@pytest.mark.parametrize("statement", ["raise ValueError('no')", "1 / 0", "import absent_module", "x = ("])
def test_whatever_a_paper_raises_is_told_with_its_file(package, statement):
    folder = package("raising", module=statement)
    catalogue = Catalogue(discover([point("raising")]))
    with pytest.raises(PluginError, match=r"paper 'module' .* cannot be imported: [A-Z][A-Za-z]+Error: ") as raised:
        catalogue.card(catalogue.owner("module"))
    assert str(folder / "module.py") in str(raised.value)


def test_names_leave_out_what_is_broken(catalogue):
    assert {"guessing/mean", "needing/needy"} <= set(catalogue.names("model"))
    assert not [name for kind in ("task", "model", "metric") for name in catalogue.names(kind) if "unparsable" in name]


@pytest.mark.parametrize("find", ["task", "model"])
def test_an_unknown_owner_is_an_unknown_name(catalogue, find):
    with pytest.raises(UnknownNameError, match=rf"^unknown {find} 'wibble/wobble'$"):
        getattr(catalogue, find)("wibble/wobble")


def test_a_broken_distribution_in_a_real_installation(harness, distribution, monkeypatch):
    folder = distribution("strange", PAPERS, {"gone": "absent_package", "mine": "strange"}, guessing="")
    paths = f"{folder.parents[0]}:{Path(__file__).parents[1] / 'toys'}"
    result = harness("list", "models", PYTHONPATH=paths)
    assert "plugin 'gone' of strange is left out: package 'absent_package' is not installed" in result.stderr
    assert "paper 'guessing' of toy-papers is left out: strange has one of that name" in result.stderr
    assert "paper 'unparsable' is left out: " in result.stderr
    assert "needing/needy" in result.stdout
    assert "Traceback" not in result.stderr
    assert result.returncode == 0


SUITE = "name: a\nmatrix:\n  - tasks: [guessing/guess]\n    models: [guessing/mean]\n"
RAISING_HOOK = """
from harness import hookimpl

@hookimpl
def harness_backends():
    raise RuntimeError("no backends today")
"""
WRONG_HOOK = """
from harness import hookimpl

@hookimpl
def harness_backends(unheard_of):
    return []
"""
MISSPELT_HOOK = WRONG_HOOK.replace("harness_backends(unheard_of)", "harness_backend()")
RETURNING = """
from harness import hookimpl

@hookimpl
def harness_backends():
    return {}
"""


@pytest.mark.parametrize(
    ("modules", "warning"),
    [
        ({"hooks": "raise ValueError('no')"}, "plugin 'hooks' (odd_hooks.hooks) is left out: ValueError: no"),
        ({}, "plugin 'hooks' (odd_hooks.hooks) is left out: ModuleNotFoundError: No module named 'odd_hooks.hooks'"),
        ({"hooks": RAISING_HOOK}, "plugin 'hooks' is switched off: harness_backends raised RuntimeError: no backends"),
        ({"hooks": WRONG_HOOK}, "plugin 'hooks' (odd_hooks.hooks) is left out: PluginValidationError: "),
        ({"hooks": MISSPELT_HOOK}, "plugin 'hooks' (odd_hooks.hooks) is left out: PluginValidationError: unknown hook"),
        ({"hooks": RETURNING.format("None")}, ""),
        ({"hooks": RETURNING.format("[dict]")}, "<class 'dict'> is left out: it is no Backend"),
    ],
    ids=[
        "raises at import",
        "is not there",
        "raises in a hook",
        "asks for what a hook does not have",
        "names a hook that does not exist",
        "gives nothing",
        "gives something else",
    ],
)
def test_a_broken_hook_plugin_costs_itself_alone(harness, distribution, suite, modules, warning):
    folder = distribution("odd_hooks", "harness.plugins", {"hooks": "odd_hooks.hooks"}, **modules)
    paths = f"{folder.parents[0]}:{Path(__file__).parents[1] / 'toys'}"
    path = suite(SUITE)
    result = harness("validate", str(path), PYTHONPATH=paths)
    assert result.stderr.startswith(f"warning: {warning}" if warning else "")
    assert "Traceback" not in result.stderr
    assert (result.stdout, result.returncode) == (f"{path}: ok, 1 cases\n", 0)
