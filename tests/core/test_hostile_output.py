"""What a plugin, a suite or a person smuggles into a text is shown, and does nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.cli import main, root

HOSTILE = "a\x1b]0;b\x07\x1b[31mc\r\u202ed\u200b\x9b2J[bold]e[/]<img src=x onerror=alert(1)>\n\x7f../../f\ng"
LINE = HOSTILE.replace("\r", "").partition("\n")[0]
PAPER = f'''
    "{LINE}"

    from __future__ import annotations

    from dataclasses import dataclass
    from typing import ClassVar, Protocol

    from harness import Backend, Claim, Paper, Task, hookimpl, measured, metric

    TEXT = {HOSTILE!r}
    NAME = "drifts"


    @metric(unit=TEXT, direction="lower")
    def error(instance, outcome):
        {HOSTILE!r}
        return abs(outcome - instance)


    class Guesser(Protocol):
        def guess(self, context) -> float: ...


    @dataclass
    class Guess(Task[float, Guesser, float]):
        {HOSTILE!r}

        text: str = TEXT
        protocol: ClassVar[type] = Guesser
        metrics: ClassVar = (error,)

        def instance(self, context):
            return float(context.rng.normal())

        def run(self, model, instance, context):
            return model.guess(context)


    @dataclass
    class Mean:
        {HOSTILE!r}

        text: str = TEXT
        shift: float = 0.0

        def guess(self, context):
            print(TEXT)
            return self.shift + float(context.rng.normal())


    class Raises:
        def guess(self, context):
            raise ValueError(TEXT)


    class Mute:
        """Implements nothing."""


    paper = Paper(
        title=TEXT,
        year=2026,
        venue=TEXT,
        code=TEXT,
        tasks=[Guess],
        constructions=[Mean],
        baselines=[Raises, Mute],
        claims=[
            Claim(
                NAME,
                TEXT,
                TEXT,
                TEXT,
                ({{"tasks": ["smuggler/guess"], "models": ["smuggler/mean"], "seeds": 3}},),
                measured("error", "smuggler/mean").each().equals(0),
            )
        ],
    )
'''
HOOKS = f"""
    from harness import Backend, hookimpl

    TEXT = {HOSTILE!r}


    class Broken(Backend):
        {HOSTILE!r}

        def unavailable(self):
            return TEXT


    @hookimpl
    def harness_backends():
        return [Broken]


    @hookimpl
    def harness_case_finished():
        raise ValueError(TEXT)
"""


def unsafe(text: str) -> set[str]:
    """The characters of a text that could do more than stand there."""
    return {character for character in text if not character.isprintable() and character not in "\n\t"}


@pytest.fixture
def said(capfd, monkeypatch, runs) -> Callable[..., str]:
    """All that a command prints: `said("list", "papers")`."""
    monkeypatch.setenv("HARNESS_STORE", str(runs))
    monkeypatch.setenv("HARNESS_RUN_NO_MLFLOW", "1")
    monkeypatch.setenv("HARNESS_CLAIMS_NO_MLFLOW", "1")

    def call(*arguments: object, codes: tuple[int, ...] = (0,)) -> str:
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = "".join(capfd.readouterr())
        assert stopped.value.code in codes, printed
        return printed

    return call


@pytest.fixture
def hostile(install, tmp_path, monkeypatch) -> Path:
    """A suite of a distribution in which every text is hostile."""
    install("smuggling", papers={"smuggler": PAPER})
    install("hooking", hooks=HOOKS)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "suites"
    folder.mkdir()
    path = folder / "a\x1b[31m\u202eb.yaml"
    models = [{"smuggler/mean": {"text": HOSTILE, "shift": [0.0, 1.0]}}, "smuggler/raises"]
    matrix = {"tasks": [{"smuggler/guess": {"text": [HOSTILE, "x"]}}], "models": models, "backends": ["cpu", "broken"]}
    path.write_text(json.dumps({"name": "toy", "description": HOSTILE, "seeds": 3, "matrix": [matrix]}))
    return path


COMMANDS: list[tuple[object, ...]] = [
    *(("list", kind) for kind in ("papers", "tasks", "models", "metrics", "backends", "suites")),
    *(("show", name) for name in ("smuggler", "smuggler/guess", "smuggler/mean", "smuggler/error")),
    ("results",),
    ("results", "--rows"),
    ("results", "--rows", "--json"),
    ("results", "--csv"),
    ("results", "--runs"),
    ("compare",),
    ("compare", "--csv"),
    ("compare", "--json"),
    ("compare", "--latex"),
    ("report",),
    ("report", "--format", "markdown"),
    ("watch",),
    ("claims", "smuggler", "--dry-run"),
    ("claims", "smuggler", "--scale", "smoke"),
]


def test_every_command_prints_inert_text(hostile, said, runs) -> None:
    printed = {
        "validate": said("validate", hostile),
        "plan": said("run", hostile, "--dry-run"),
        "run": said("run", hostile, codes=(3,)),
        **{" ".join(map(str, command)): said(*command) for command in COMMANDS},
        "claims": said("claims", "smuggler", "--self-test", codes=(0, 4)),
    }
    printed["the ledger"] = (runs / "claims.md").read_text()
    assert {name: found for name, text in printed.items() if (found := unsafe(text))} == {}
    assert "<img" in printed["results --rows"]
    assert "[bold]e[/]" in printed["run"]


@pytest.mark.parametrize(
    "arguments",
    [
        (HOSTILE,),
        ("show", HOSTILE),
        ("list", HOSTILE),
        ("list", "papers", f"--{HOSTILE}"),
        ("validate", HOSTILE),
        ("run", HOSTILE),
        ("results", HOSTILE),
        ("compare", HOSTILE),
        ("report", HOSTILE),
        ("claims", HOSTILE),
        ("run", "suite.yaml", "--set", HOSTILE),
        ("run", "suite.yaml", "--set", f"name={HOSTILE}"),
        ("run", "suite.yaml", "--only", HOSTILE),
        ("compare", "--alpha", HOSTILE),
        ("compare", "--rope", HOSTILE),
        ("results", "--store", HOSTILE),
    ],
    ids=lambda arguments: " ".join(arguments).replace(HOSTILE, "HOSTILE"),
)
def test_what_is_typed_is_told_inertly(only_toys, said, of, monkeypatch, arguments) -> None:
    monkeypatch.chdir(of("guessing/mean").parent)
    printed = said(*arguments, codes=(2,))
    assert printed.strip()
    assert unsafe(printed) == set()


def test_a_paper_that_cannot_be_imported_is_told_on_one_line(install, said, of, monkeypatch) -> None:
    install("smuggling", papers={"smuggler": f"raise ImportError({HOSTILE!r})\npaper = Paper(constructions=[A])"})
    printed = said("validate", of("smuggler/a"), codes=(2,))
    assert unsafe(printed) == set()
    assert len(printed.splitlines()) == 1


def test_a_claim_with_a_hostile_name_is_refused(install, said) -> None:
    install("smuggling", papers={"smuggler": PAPER.replace('NAME = "drifts"', "NAME = TEXT")})
    printed = said("claims", "smuggler", codes=(2,))
    assert "cannot be run" in printed
    assert unsafe(printed) == set()


def test_entry_points_that_are_hostile_are_left_out(said, tmp_path, monkeypatch, toys) -> None:
    for number, points in enumerate(
        [
            f"[harness.papers]\n{LINE} = nowhere\u202e.x\n[harness.plugins]\na\x1b[31m = os:nothing\n",
            "[harness.papers]\nx = ../../etc\n",
            "[harness.plugins]\nx = :::\n",
            "no section at all\n",
            "\0",
        ]
    ):
        info = tmp_path / "site" / f"broken{number}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "entry_points.txt").write_text(points)
        (info / "METADATA").write_text(f"Name: bro\x1b[31mken{number}\n" if number % 2 else "\0")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    for command in (("list", "papers"), ("list", "backends")):
        printed = said(*command)
        assert unsafe(printed) == set()
        assert "is left out" in printed


def test_a_defect_is_told_inertly(said, monkeypatch) -> None:
    def defect(**_: object) -> None:
        raise ValueError(HOSTILE)

    monkeypatch.setattr(root, "main", defect)
    printed = said("list", "papers", codes=(1,))
    assert printed.startswith("Traceback")
    assert unsafe(printed) == set()


class Elements(HTMLParser):
    """The elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(name for name, _ in attrs if name.startswith("on"))]


def test_the_page_has_no_smuggled_element_and_no_control_characters(hostile, said, runs) -> None:
    said("run", hostile, codes=(3,))
    said("report")
    (page,) = runs.glob("*/report.html")
    text = page.read_text()
    assert not {"img", "b", "iframe", "onerror"} & set(Elements(text).found)
    own = text[text.rindex("</script>") :] + text[: text.index("<script")]
    assert unsafe(own) == set()


def test_names_of_files_are_plain(hostile, said, runs, tmp_path) -> None:
    said("run", hostile, codes=(3,))
    said("report")
    made = [path.relative_to(tmp_path) for path in runs.rglob("*")]
    assert made
    assert all(str(path).isprintable() and str(path).isascii() and len(path.name) <= 255 for path in made)
    assert not list(tmp_path.parent.glob("f*"))
