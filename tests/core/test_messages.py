"""Texts of others are kept and shown so that they steer no terminal and fill no disk."""

import pytest

from mobench.core.messages import plain


@pytest.mark.parametrize("odd", ["\x1b[2J", "\x07", "\r", "\x9b31m", "\x7f", "\u202e", "\u2066", "\ud800", "\u2028"])
def test_what_steers_a_terminal_is_spelled_out(odd):
    shown = plain(f"a{odd}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert shown.encode()


def test_texts_of_people_stay_as_they_are():
    text = "Fehler: größer als 1 µs\n\tin Zeile 2, 数字, naïve 😀"
    assert plain(text) == text


def test_a_text_of_any_length_is_bounded_and_keeps_its_beginning_and_its_end():
    shown = plain(f"begin {'x' * 50_000_000} end")
    assert len(shown) < 21_000
    assert shown.startswith("begin x")
    assert shown.endswith("x end")
    assert "letters left out" in shown
