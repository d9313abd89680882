"""Numbers and names as a report writes them."""

from __future__ import annotations

from harness.compare.sample import Quantity
from harness.compare.sentence import p_text


def labelled(quantity: Quantity) -> str:
    """A metric with its unit."""
    return quantity.name if quantity.unit == "1" else f"{quantity.name} [{quantity.unit}]"


def oriented(quantity: Quantity) -> str:
    """A metric with its unit and the direction in which it is better."""
    return f"{labelled(quantity)}, {'↓' if quantity.direction == 'lower' else '↑'} is better"


def probability(value: float) -> str:
    """A p-value without its name."""
    return p_text(value).removeprefix("p = ").removeprefix("p ")


def counted(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def readable(text: str) -> str:
    """The text without what could reorder, hide or fake characters on a page; lines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
