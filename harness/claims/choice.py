"""Which claims are meant, and the cells they need."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ruamel.yaml import YAML

from harness.backends import Backend
from harness.errors import HarnessError, PluginError, UnknownNameError
from harness.papers import Claim, Paper
from harness.plan.case import Case
from harness.plan.planner import Planner
from harness.registry.catalogue import Catalogue, nearest
from harness.suite.document import Document
from harness.suite.load import resolve
from harness.suite.schema import NAME_LENGTH
from harness.suite.suite import Block, Choice, Suite


@dataclass(frozen=True)
class Chosen:
    """A claim of a paper, with the cells it needs."""

    paper: str
    claim: Claim
    suite: Suite
    cases: tuple[Case, ...]

    @property
    def name(self) -> str:
        """The full name, `paper/claim`."""
        return f"{self.paper}/{self.claim.name}"


def choose(
    names: Sequence[str],
    catalogue: Catalogue,
    backends: Mapping[str, type[Backend]],
    scale: str | None = None,
    warn: Callable[[str], None] = print,
) -> list[Chosen]:
    """The claims of papers and families, or single ones (`paper/claim`); all there are if nothing is named.

    What was not named and is broken is left out, with a warning.

    Raises:
        UnknownNameError: no paper, family or claim is called so.
        PluginError: a paper that is named cannot be imported, or its claims' cells are wrong.
        HarnessError: there is no claim.
    """
    planner = Planner(catalogue)
    found: dict[str, Chosen] = {}
    for paper, claim in _claims(names, catalogue, warn):
        try:
            suite = suite_of(f"{paper}/{claim.name}", [claim], catalogue, backends, scale)
        except HarnessError as error:
            problem = f"the cells of claim {paper}/{claim.name} cannot be run: {error}"
            if names:
                raise PluginError(problem) from error
            warn(problem)
            continue
        suite = smallest(suite) if scale == "smoke" else suite
        found[f"{paper}/{claim.name}"] = Chosen(paper, claim, suite, tuple(planner.cases(suite)))
    if not found:
        raise HarnessError("there is no claim to check" + (f" in {', '.join(names)}" if names else ""))
    return list(found.values())


def suite_of(
    name: str,
    claims: Sequence[Claim],
    catalogue: Catalogue,
    backends: Mapping[str, type[Backend]],
    scale: str | None = None,
) -> Suite:
    """The cells of claims as a suite."""
    text = as_yaml(name, claims, scale)
    return resolve(Document(f"claim {name}", text), Path("claims.yaml"), catalogue, backends, (), scale)


def as_yaml(name: str, claims: Sequence[Claim], scale: str | None = None) -> str:
    """The cells of claims as the text of a suite, at a scale (that of the cells themselves if there is none)."""
    matrix = [cells for claim in claims for cells in claim.cells]
    content = {
        "name": name.replace("/", "-")[:NAME_LENGTH],
        "description": " ".join(claim.statement for claim in claims),
    }
    content |= {"scale": scale} if scale else {}
    text = io.StringIO()
    # by way of JSON, so that a list that is used twice is written out twice
    YAML().dump(json.loads(json.dumps({**content, "matrix": matrix})), text)
    return text.getvalue()


def union(chosen: Sequence[Chosen], scale: str | None = None) -> Suite:
    """The cells of several claims as one suite; what two of them need is planned once."""
    blocks = tuple(block for one in chosen for block in one.suite.blocks)
    text = as_yaml("claims", [one.claim for one in chosen], scale)
    papers = len({one.paper for one in chosen})
    return Suite("claims", f"Claims: {len(chosen)}, of papers: {papers}", Path("claims.yaml"), text, blocks)


def smallest(suite: Suite) -> Suite:
    """Of each grid the first point, one seed: enough to see that it runs."""
    return replace(suite, blocks=tuple(_smallest_block(block) for block in suite.blocks))


def _smallest_block(block: Block) -> Block:
    return replace(
        block,
        tasks=_first_of_each(block.tasks),
        models=_first_of_each(block.models),
        backends=block.backends[:1],
        seeds=block.seeds[:1],
    )


def _first_of_each(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    first: dict[str, Choice] = {}
    for choice in choices:
        first.setdefault(choice.name, choice)
    return tuple(first.values())


def _claims(names: Sequence[str], catalogue: Catalogue, warn: Callable[[str], None]) -> list[tuple[str, Claim]]:
    if not names:
        return _of_all(catalogue, warn)
    found: list[tuple[str, Claim]] = []
    for name in names:
        paper, slash, wanted = name.partition("/")
        for owner in _papers(paper, catalogue):
            claims = {claim.name: claim for claim in _card(owner, catalogue).claims}
            if slash and wanted not in claims:
                raise UnknownNameError(
                    f"{owner} has no claim {wanted!r}{nearest(wanted, claims)}; it has {', '.join(claims)}"
                )
            found += [(owner, claim) for one, claim in claims.items() if wanted in ("", one)]
    return found


def _of_all(catalogue: Catalogue, warn: Callable[[str], None]) -> list[tuple[str, Claim]]:
    found: list[tuple[str, Claim]] = []
    for owner in catalogue.owners.values():
        if owner.kind == "paper":
            try:
                found += [(owner.name, claim) for claim in _card(owner.name, catalogue).claims]
            except PluginError as error:
                warn(f"paper {owner.name!r} is left out: {error}")
    return found


def _papers(name: str, catalogue: Catalogue) -> list[str]:
    """The paper of that name, or the papers of the family of that name."""
    wanted = name.replace("_", "-")
    family = [
        owner.name
        for owner in catalogue.owners.values()
        if owner.kind == "paper" and owner.family.replace("_", "-") == wanted
    ]
    return family or [catalogue.owner(name).name]


def _card(name: str, catalogue: Catalogue) -> Paper:
    card = catalogue.card(catalogue.owner(name))
    if not isinstance(card, Paper):
        raise UnknownNameError(f"{name!r} is a family without papers")
    return card
