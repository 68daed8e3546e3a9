"""Texts from outside: visible, short enough, one line, and never markup."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heatwidget.scene.text import escape, shorten, text_width, visible
from tests.widgets.helpers import text_of

# Any code point at all, lone surrogates too.
ANY = st.text(st.characters(exclude_categories=[]))
NASTY = st.text(
    st.sampled_from("\n\r\t\0\x1b\x7f\x85\u2028\u2029\u202e\u2066\u200d\ud800 a中\u0301$\\<&")
)
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# They stay where they change a neighbour.
JOINERS = dict.fromkeys([0x200C, 0x200D, *range(0xE0020, 0xE0080)])
BLANK = "\ufe0f\u200d\u200c\u2800\u3164\u034f\u115f\u1160\u17b4\uffa0\xad\u180e\ufeff\U000e0041"
BLANK += (
    "\U000e0100\u0301\u20e3\u0903\ue000\u0378\udc80\u2065\u2061\u180b\U0001d159\U000f0000\u3000"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "∅"),
        (" ", "␣"),
        ("   ", "␣␣␣"),
        (" the", "␣the"),
        ("the  ", "the␣␣"),
        ("a b", "a b"),
        ("\n", "↵"),
        (" \n", "␣↵"),
        ("a\r\n\tb", "a␍↵⇥b"),
        ("\x00\x1b\x7f", "␀␛␡"),
        ("\x85", "\\u0085"),
        ("\u202eabc", "\\u202eabc"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("\ufeff", "\\ufeff"),
        ("a\xa0b\u3000", "a\\u00a0b\\u3000"),
        ("👨\u200d👩", "👨\u200d👩"),
        ("👨\u200d", "👨\\u200d"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3"),
        ("👁\ufe0f\u200d🗨\ufe0f", "👁\ufe0f\u200d🗨\ufe0f"),
        ("😀\ufe0f", "😀\\ufe0f"),
        ("a\ufe0f", "a\\ufe0f"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f\\ufe0f"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("ا\u200cب", "ا\\u200cب"),
        ("ന്\u200d", "ന്\u200d"),
        ("a\u200cb", "a\\u200cb"),
        ("e\u0301", "e\u0301"),
        (" \u0301", "␣\\u0301"),
        ("\U000e0041", "\\U000e0041"),
        ("\\u200d", "\\u005cu200d"),
        ("C:\\user", "C:\\user"),
        ("␣a", "\\u2423a"),
        ("↵", "\\u21b5"),
        ("∅", "\\u2205"),
        ("A ∅ B", "A ∅ B"),
        ("\U0001f3f4\U000e0067\U000e0062", "🏴\\U000e0067\\U000e0062"),
        ("שלום", "שלום"),
        ("Ġthe", "Ġthe"),
    ],
)
def test_what_is_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(text=ANY | NASTY)
def test_visible_text_is_one_line_that_steers_nothing(text: str) -> None:
    shown = visible(text)
    assert shown
    assert len(shown.splitlines()) == 1
    assert not {unicodedata.category(c) for c in shown.translate(JOINERS)} & HIDDEN
    assert shown == shown.strip()
    assert shown.encode("utf-8")


@pytest.mark.parametrize("character", BLANK)
def test_what_draws_nothing_is_written_out(character: str) -> None:
    for text in (character, character * 2, f" {character}", f"\n{character}"):
        assert visible(text).isprintable()
        assert f"{ord(character):04x}" in visible(text)


OURS = st.sampled_from(["\\u200d", "\\U000e0041", "005c", *"\\uU02d␣↵␍∅␀"])
PARTS = st.lists(OURS | st.sampled_from(BLANK + " \n\0aب❤👨न्"), max_size=5).map("".join)


@given(one=ANY | PARTS, other=ANY | PARTS)
@example(one="\\u200d", other="\u200d")
@example(one="\ue002" + "0", other="\U000e0020")
def test_different_texts_are_written_differently(one: str, other: str) -> None:
    assert one == other or visible(one) != visible(other)
    # What is ours can be read back.
    assert read_back(visible(one)) == one


def read_back(shown: str) -> str:
    """Text that `visible` has written."""
    signs = {"↵": "\n", "␍": "\r", "⇥": "\t", "␡": "\x7f", "␣": " "}
    signs |= {chr(0x2400 + code): chr(code) for code in range(32)}
    if shown == "∅":
        return ""
    parts = re.split(r"\\(?:u([0-9a-f]{4})|U([0-9a-f]{8}))", shown)
    for k in range(len(parts)):
        plain = k % 3 == 0
        parts[k] = (
            "".join(signs.get(c, c) for c in parts[k])
            if plain
            else parts[k] and chr(int(parts[k], 16))
        )
    return "".join(part or "" for part in parts)


@given(text=st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@given(text=ANY | NASTY, columns=st.integers(1, 30))
@example(text="中中", columns=1)
@example(text="a" + "\u0301" * 1000, columns=3)
def test_shortened_text_fits(text: str, columns: int) -> None:
    cut = shorten(visible(text), columns)
    assert text_width(cut) <= columns
    assert len(cut) <= 4 * columns + 1
    assert len(cut.splitlines()) == 1
    assert visible(text).startswith(cut) or (cut[-1] == "…" and visible(text).startswith(cut[:-1]))


@given(text=NASTY, columns=st.integers(1, 30))
def test_text_that_fits_is_not_cut(text: str, columns: int) -> None:
    if text_width(text) <= columns and len(text) <= columns:
        assert shorten(text, columns) == text


def test_shortened_text_keeps_as_much_as_fits() -> None:
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdef", 5) == "abcd…"
    assert shorten("中文字", 5) == "中文…"
    assert shorten("中文字", 4) == "中…"
    assert shorten("e\u0301e\u0301e\u0301", 2) == "e\u0301…"


def test_width_counts_what_is_seen() -> None:
    assert text_width("abc") == 3
    assert text_width("中文") == 4
    assert text_width("e\u0301") == 1
    assert text_width("👨\u200d👩") == 4


@given(text=st.text() | NASTY)
@example(text="<script>alert('$x^2$')</script> \\(y\\) &amp; \"")
def test_escaped_text_is_text_and_no_formula(text: str) -> None:
    html = escape(text)
    assert text_of(html) == text.encode("utf-8", "backslashreplace").decode("utf-8")
    bare = html.replace("<span>$</span>", "").replace("<span>\\</span>", "")
    assert not set("$\\<>\"'") & set(bare)
