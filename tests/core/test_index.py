"""What is read from sources agrees with what is imported."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.components import kebab, summary
from harness.errors import PluginError
from harness.papers import Collection
from harness.registry.catalogue import Catalogue
from harness.registry.discovery import Owner, discover
from harness.registry.index import Entry, Index

BROKEN = {"broken", "unparsable"}
OWNERS = sorted({*discover().owners} | {"guessing", "needing"})


def imported(owner: Owner, card: Collection) -> Iterator[Entry]:
    """The entries of a card as its classes tell them."""
    for task in card.tasks:
        yield Entry(f"{owner.name}/{kebab(task.__name__)}", "task", "", owner.name, summary(task))
    for name, role, model in card.models():
        yield Entry(f"{owner.name}/{name}", "model", role, owner.name, summary(model))
    for metric in card.metrics():
        yield Entry(f"{owner.name}/{metric.name}", "metric", "", owner.name, metric.doc.partition("\n")[0])


@pytest.mark.parametrize("name", OWNERS)
def test_the_index_agrees_with_the_card(toys, name):
    catalogue = Catalogue()
    owner = catalogue.owner(name)
    read = set(catalogue.index.entries(owner))
    assert read == set(imported(owner, catalogue.card(owner)))


@pytest.mark.parametrize("name", OWNERS)
def test_the_title_is_the_first_line_of_the_docstring(toys, name):
    catalogue = Catalogue()
    owner = catalogue.owner(name)
    module = __import__(owner.module, fromlist=["paper"])
    assert owner.title() == (module.__doc__ or "").strip().partition("\n")[0]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('"""One line."""\n', "One line."),
        ("'''Other quotes.'''\n", "Other quotes."),
        ('"One quote."\n', "One quote."),
        ('# a comment\n\n"""After a comment.\n\nMore.\n"""\n', "After a comment."),
        ('"""\nOn the second line.\n"""\n', "On the second line."),
        ('r"""Raw."""\n', "Raw."),
        ('"""Zürich."""\n', "Zürich."),
        ("x = 1\n", ""),
        ("", ""),
    ],
)
def test_a_title_is_read_without_parsing(package, text, title):
    folder = package("titled", paper=text)
    owner = Owner("paper", "paper", "titled", "titled.paper", folder / "paper.py", "titled")
    assert owner.title() == title


CARD = """
from .parts import Elsewhere as Renamed
from . import parts

class Here:
    '''Stands here.

    At length.
    '''

paper = Paper(title="A paper", {lists})
"""


@pytest.mark.parametrize(
    ("lists", "entries"),
    [
        ("", []),
        ("constructions=[Here]", [("listing/here", "construction", "Stands here.")]),
        ("baselines=(Here,)", [("listing/here", "baseline", "Stands here.")]),
        ("references=[Here]", [("listing/here", "reference", "Stands here.")]),
        ("baselines=[Renamed]", [("listing/elsewhere", "baseline", "Stands elsewhere.")]),
        ("baselines=[parts.Elsewhere]", [("listing/elsewhere", "baseline", "Stands elsewhere.")]),
    ],
)
def test_the_ways_a_card_lists_models(package, lists, entries):
    folder = package(
        "cards",
        listing=CARD.format(lists=lists),
        parts="class Elsewhere:\n    '''Stands elsewhere.'''\n",
    )
    owner = Owner("listing", "paper", "cards", "cards.listing", folder / "listing.py", "cards")
    assert [(entry.name, entry.role, entry.summary) for entry in Index().entries(owner)] == entries


TASKS = """
from .measures import error, SPEEDS
from . import measures

class Base(Task[int, int, int]):
    metrics = (error,)

class Inheriting(Base): ...
class Starred(Task):
    metrics: ClassVar = (error, *SPEEDS)
class Named(Task):
    metrics = SPEEDS
class Added(Task):
    metrics = SPEEDS + [error]
class Extended(Task):
    metrics = (*Base.metrics, measures.regret)
class Endless(Task):
    metrics = LOOP
LOOP = LOOP

family: Family = Family(title="Tasks", tasks=[{task}])
"""
MEASURES = """
def error(): "How far."
def seconds(): "How long."
def regret(): "How sad."
SPEEDS = [seconds]
"""


@pytest.mark.parametrize(
    ("task", "metrics"),
    [
        ("Base", ["error"]),
        ("Inheriting", ["error"]),
        ("Starred", ["error", "seconds"]),
        ("Named", ["seconds"]),
        ("Added", ["seconds", "error"]),
        ("Extended", ["error", "regret"]),
        ("Base, Starred", ["error", "seconds"]),
        ("Endless", []),
    ],
)
def test_the_ways_a_task_lists_metrics(package, task, metrics):
    folder = package("measuring", tasks=TASKS.format(task=task), measures=MEASURES)
    owner = Owner("tasks", "family", "tasks", "measuring.tasks", folder / "tasks.py", "measuring")
    found = [entry for entry in Index().entries(owner) if entry.kind == "metric"]
    assert [entry.name for entry in found] == [f"tasks/{metric}" for metric in metrics]
    assert all(entry.summary for entry in found)


def test_a_module_without_a_card_lists_nothing(package):
    folder = package("bare", module="x = 1\n")
    assert list(Index().entries(Owner("module", "paper", "bare", "bare.module", folder / "module.py", "bare"))) == []


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_what_cannot_be_imported_says_where_it_stands(toys, name):
    catalogue = Catalogue()
    owner = catalogue.owner(name)
    with pytest.raises(PluginError, match=rf"paper '{name}' \(.*{name}\.py\) cannot be imported: "):
        catalogue.card(owner)
