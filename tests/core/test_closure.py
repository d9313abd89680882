"""What determines the behaviour of code: its source as far as it reaches, and nothing that does not matter."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import PluginError
from harness.plan.closure import Closures, digest

SOURCE = '''\
"""A module."""

import math
from dataclasses import dataclass

LIMIT = 3


@dataclass
class Model:
    """A model."""

    size: int = 8
    """How large."""

    def guess(self, values):
        """Guess."""
        total = sum(
            values
        )
        if total > LIMIT:
            return math.sqrt(total)
        return total / self.size


paper = Paper(title="A paper", constructions=[Model])
'''


def digest_of(text: str) -> str:
    return digest(ast.parse(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import math\n", "import math  # for the root\n"),
        ('"""A module."""', '"""Another description."""'),
        ('"""A module."""\n', ""),
        ('    """A model."""\n\n', ""),
        ('    """How large."""\n', '    "How large it is."\n'),
        ('        """Guess."""\n', ""),
        ("sum(\n            values\n        )", "sum(values)"),
        ("LIMIT = 3", "LIMIT=(3)"),
        ("A paper", "A better paper"),
        ("[Model]", "[Model], baselines=[Model]"),
        ('paper = Paper(title="A paper", constructions=[Model])\n', ""),
        ("paper = Paper(", "family = Family("),
        ("paper = Paper(", "paper: Paper = Paper("),
        ("paper = Paper(", "claims = [Claim(measured('error').at_most(1))]\n\npaper = Paper("),
        ("import math\n", "import math\n\nfrom harness import Claim, measured\n"),
    ],
)
def test_what_does_not_change_a_digest(old, new):
    assert old in SOURCE
    assert digest_of(SOURCE.replace(old, new)) == digest_of(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = 3.0"),
        ("size: int = 8", "size: int = 9"),
        ("size: int", "size: float"),
        ("total > LIMIT", "total >= LIMIT"),
        ("math.sqrt", "math.exp"),
        ("@dataclass\n", ""),
        ("import math\n", "import cmath as math\n"),
        ("def guess(self, values)", "def guess(self, values, extra=None)"),
        ("paper = Paper(", "other = Paper("),
        ("paper = Paper(", "limits = [3]\n\npaper = Paper("),
        ("import math\n", "import math\n\nfrom harness import Claim as Model\n"),
        ("import math\n", "import math\n\nfrom harness.context import Context\n"),
    ],
)
def test_what_changes_a_digest(old, new):
    assert old in SOURCE
    assert digest_of(SOURCE.replace(old, new)) != digest_of(SOURCE)


@given(
    st.lists(
        st.tuples(st.integers(0, len(SOURCE.splitlines())), st.sampled_from(["", "   ", "# note", "        # note"])),
        max_size=8,
    )
)
def test_comments_and_blank_lines_anywhere_do_not_change_a_digest(additions):
    lines = SOURCE.splitlines()
    for position, line in sorted(additions, reverse=True):
        lines.insert(position, line)
    assert digest_of("\n".join(lines)) == digest_of(SOURCE)


def test_a_digest_leaves_the_tree_whole():
    tree = ast.parse(SOURCE)
    before = ast.dump(tree)
    digest(tree)
    assert ast.dump(tree) == before


MODULES = {
    "model": "from .helper import help\n\ndef guess(): return help()\n",
    "other": "from .unrelated import thing\n",
    "helper": "from . import deep\n\ndef help(): return deep.VALUE\n",
    "deep": "VALUE = 1\n",
    "unrelated": "thing = 1\n",
}


def reach(module: str) -> set[str]:
    return set(Closures().of(module).sources)


def test_a_closure_follows_imports_inside_the_package(package):
    package("reaching", **MODULES)
    assert reach("reaching.model") == {"reaching.model", "reaching.helper", "reaching.deep"}
    assert reach("reaching.other") == {"reaching.other", "reaching.unrelated"}


@pytest.mark.parametrize(
    ("edited", "changed"), [("model", True), ("helper", True), ("deep", True), ("unrelated", False)]
)
def test_a_closure_changes_only_with_what_it_reaches(package, edited, changed):
    package("editing", **MODULES)
    before = Closures().of("editing.model")
    package("editing", **{**MODULES, edited: MODULES[edited] + "EDITED = True\n"})
    assert (Closures().of("editing.model") != before) is changed


@pytest.mark.parametrize(
    "statement",
    [
        "from .target import thing",
        "from . import target",
        "from .target import *",
        "import importing.target",
        "from importing import target as renamed",
        "from importing.target import thing as renamed",
        "def f():\n    from .target import thing",
        "class C:\n    import importing.target",
        "try:\n    from .target import thing\nexcept ImportError:\n    thing = None",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    from .target import thing",
    ],
)
def test_ways_of_importing(package, statement):
    package("importing", start=statement, target="thing = 1\n")
    assert reach("importing.start") == {"importing.start", "importing.target"}


@pytest.mark.parametrize("test", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_imports_for_type_checkers_do_not_count(package, test):
    statement = (
        f"import typing\nfrom typing import TYPE_CHECKING\nif {test}:\n    from .target import thing\n    import torch"
    )
    package("checking", start=statement, target="thing = 1\n")
    closure = Closures().of("checking.start")
    assert (set(closure.sources), closure.external) == ({"checking.start"}, frozenset())


def test_cycles_end(package):
    package("cyclic", a="from . import b", b="from . import a")
    assert reach("cyclic.a") == {"cyclic.a", "cyclic.b"}


REEXPORT = {
    "start": "from .tools import hammer\n",
    "tools/__init__": "from .hammers import hammer\nfrom .saws import saw\n",
    "tools/hammers": "hammer = 1\n",
    "tools/saws": "saw = 1\n",
}


def test_a_reexport_is_passed_through(package):
    package("exporting", **REEXPORT)
    assert reach("exporting.start") == {"exporting.start", "exporting.tools.hammers"}


def test_a_reexport_under_another_name_through_two_packages(package):
    package(
        "twice",
        start="from . import tools as t\nfrom .tools import mallet\n",
        **{
            "tools/__init__": "from .kinds import mallet",
            "tools/kinds/__init__": "from .hammers import hammer as mallet",
        },
        **{"tools/kinds/hammers": "hammer = 1"},
    )
    assert {"twice.start", "twice.tools.kinds.hammers"} <= reach("twice.start")


def test_what_an_init_defines_itself_counts(package):
    package("defining", **{**REEXPORT, "tools/__init__": "from .saws import saw\nhammer = saw\n"})
    assert reach("defining.start") == {"defining.start", "defining.tools", "defining.tools.saws"}


def test_what_cannot_be_followed_counts_as_the_whole_init(package):
    package("guarded", **{**REEXPORT, "tools/__init__": "if True:\n    from .hammers import hammer\n"})
    assert reach("guarded.start") == {"guarded.start", "guarded.tools", "guarded.tools.hammers"}


def test_other_distributions_are_named_and_the_standard_library_is_not(package):
    package(
        "outside", start="import os.path\nimport numpy as np\nfrom scipy.linalg import svd\n", other="import pandas\n"
    )
    assert Closures().of("outside.start").external == {"numpy", "scipy.linalg"}


def test_a_module_without_source_has_an_empty_closure(package):
    package("absent")
    closure = Closures().of("absent.nothing")
    assert (closure.sources, closure.external) == ({}, frozenset())


def test_a_file_that_is_no_python_is_named_with_its_line(package):
    folder = package("invalid", start="from . import worse\n", worse="x = 1\ny = (\n")
    with pytest.raises(PluginError, match=r"worse\.py:2: cannot be parsed: '\(' was never closed") as raised:
        Closures().of("invalid.start")
    assert str(raised.value).startswith(str(folder / "worse.py"))
