"""`harness show`."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import click

from harness.cli import complete
from harness.cli.say import say
from harness.cli.warnings import warn

if TYPE_CHECKING:
    from harness.papers import Claim


@click.command("show")
@click.argument("name", shell_complete=complete.names)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str, as_json: bool) -> None:
    """Show NAME: a paper's card, a task's protocol, or a model's or metric's documentation, with all parameters."""
    from harness.registry.catalogue import Catalogue

    catalogue = Catalogue()
    for text in catalogue.discovery.warnings:
        warn(text)
    card = _component(catalogue, name) if "/" in name else _owner(catalogue, name)
    if as_json:
        click.echo(json.dumps(card, indent=2))
    else:
        _print(card)


def _owner(catalogue: Any, name: str) -> dict[str, Any]:
    from harness.papers import Paper

    owner = catalogue.owner(name)
    card = catalogue.card(owner)
    shown: dict[str, Any] = {"name": owner.name, "title": card.title, "family": owner.family}
    if isinstance(card, Paper):
        shown |= {"arxiv": card.arxiv, "year": card.year, "venue": card.venue, "code": card.code}
    shown["source"] = str(owner.path)
    shown["documentation"] = _module_doc(owner.module)
    for kind in ("task", "model", "metric"):
        entries = [entry for entry in catalogue.index.entries(owner) if entry.kind == kind]
        shown[f"{kind}s"] = {entry.name: f"{entry.role}: {entry.summary}".lstrip(": ") for entry in entries}
    if isinstance(card, Paper):
        shown["claims"] = [_claim(claim) for claim in card.claims]
    return shown


def _claim(claim: Claim) -> dict[str, Any]:
    said = {name: getattr(claim, name) for name in ("name", "statement", "figure", "criterion")}
    return {**said, "check": str(claim.check), "cells": [dict(cells) for cells in claim.cells]}


def _component(catalogue: Any, name: str) -> dict[str, Any]:
    from harness.errors import UnknownNameError
    from harness.registry.catalogue import nearest

    owner, _, short = name.partition("/")
    entries = list(catalogue.index.entries(catalogue.owner(owner)))
    kind = next((entry.kind for entry in entries if entry.name.partition("/")[2] == short), None)
    if kind is None:
        raise UnknownNameError(f"there is no {name!r}{nearest(name, [entry.name for entry in entries])}")
    if kind == "metric":
        metric = {metric.name: metric for metric in catalogue.card(catalogue.owner(owner)).metrics()}[short]
        direction = f"{metric.direction} is better"
        return {"name": name, "kind": kind, "unit": metric.unit, "direction": direction, "documentation": metric.doc}
    found = catalogue.task(name) if kind == "task" else catalogue.model(name)
    shown = {"name": found.name, "kind": found.role or kind, "documentation": inspect.cleandoc(found.cls.__doc__ or "")}
    if kind == "task":
        shown["protocol"] = inspect.getsource(found.cls.protocol).rstrip()
        shown["metrics"] = {m.name: f"[{m.unit}] {m.direction} is better. {m.doc}" for m in found.cls.metrics}
    shown["parameters"] = _parameters(found.cls)
    if scales := getattr(found.cls, "scales", None):
        shown["scales"] = {scale: dict(values) for scale, values in scales.items()}
    shown["source"] = _source(found.cls)
    return shown


def _parameters(cls: type) -> dict[str, str]:
    from harness.components import parameters

    documented = field_docs(cls)
    shown = {}
    for name, parameter in parameters(cls).items():
        default = "required" if parameter.required else f"= {parameter.default!r}"
        shown[name] = f"{parameter.type_name} {default}  {documented.get(name, '')}".rstrip()
    return shown


def field_docs(cls: type) -> dict[str, str]:
    """The string under each field of a class and its bases."""
    import ast
    import itertools
    import textwrap

    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError, SyntaxError):
            continue
        body = getattr(tree.body[0], "body", [])
        for field, below in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                value = getattr(below, "value", None) if isinstance(below, ast.Expr) else None
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    docs[field.target.id] = " ".join(value.value.split())
    return docs


def _module_doc(module: str) -> str:
    import importlib

    return inspect.cleandoc(importlib.import_module(module).__doc__ or "")


def _source(cls: type) -> str:
    from harness.components import where

    return where(cls)


def _print(card: dict[str, Any], indent: str = "") -> None:
    for key, value in card.items():
        if not value:
            continue
        if isinstance(value, dict):
            say(f"{indent}{key}:")
            width = max(map(len, value))
            for name, text in value.items():
                say(f"{indent}  {name:<{width}}  {text}")
        elif isinstance(value, list):
            say(f"{indent}{key}:")
            for item in value:
                say(f"{indent}  {item['name']}: {item['statement']}")
                say(f"{indent}      paper: {item['figure']}")
                say(f"{indent}      here:  {item['criterion']}")
                say(f"{indent}      check: {item['check']}")
        elif "\n" in str(value):
            say(f"{indent}{key}:")
            say("\n".join(f"{indent}  {line}".rstrip() for line in str(value).splitlines()))
        else:
            say(f"{indent}{key}: {value}")
