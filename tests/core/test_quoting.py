"""Texts from outside, made fit for messages and for the terminal."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from harness.quoting import cut, one_line, printable, quoted


def test_what_is_plain_stays() -> None:
    text = "Käse 漢字 \N{GRINNING FACE} [b] <i> 'x'"
    assert (printable(text), one_line(text), cut(text)) == (text, text, text)


def test_what_could_move_the_cursor_is_replaced() -> None:
    assert printable("a\x1bb\u202ec\r\n\t\x9b\ud800") == "a\ufffdb\ufffdc" + "\ufffd" * 5


@given(st.text())
def test_nothing_that_is_printed_controls_anything(text) -> None:
    assert len(printable(text)) == len(text)
    for character in printable(text):
        assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def test_several_lines_become_one() -> None:
    assert one_line("a\n  b\x1b\r\n") == "a b\ufffd"


def test_long_texts_are_cut() -> None:
    assert cut("x" * 100) == "x" * 100
    assert cut("x" * 101) == "x" * 97 + "..."
    assert quoted("x" * 200) == "'" + "x" * 96 + "..."
    assert quoted("\u202e") == r"'\u202e'"
