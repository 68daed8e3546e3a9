"""Texts that come from outside: made visible, shortened, and never markup."""

from __future__ import annotations

import html
import unicodedata

_VISIBLE = {"\n": "↵", "\r": "␍", "\t": "⇥", "\x7f": "␡"}
# Joins emoji into one; without it a family falls apart.
_JOINER = "\u200d"
# Controls, formats, surrogates and separators: not seen, or seen in others' places.
_WRITTEN_OUT = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
# Accents take no column, and a letter can carry thousands.
_CHARACTERS_PER_COLUMN = 4


def visible(text: str) -> str:
    """Text with its invisible characters made visible.

    Newlines, tabs and other control characters get a sign; characters that steer the
    direction or the joining of text are written out, as are lone surrogates and spaces
    other than the plain one; plain spaces at either end become ``␣``. An empty text
    becomes ``∅``.
    """
    if text.isascii() and text.isprintable() and text == text.strip(" ") != "":
        return text
    inner = text.strip(" ")
    left = len(text) - len(text.lstrip(" "))
    shown = "".join(map(_visible_character, inner))
    if not inner:
        return "␣" * len(text) or "∅"
    return "␣" * left + shown + "␣" * (len(text) - left - len(inner))


def shorten(text: str, columns: int) -> str:
    """Text cut to a number of text columns, with an ellipsis where something is left out."""
    most = columns * _CHARACTERS_PER_COLUMN
    if len(text) <= most and text_width(text) <= columns:
        return text
    used, end = 1, 0
    for end, character in enumerate(text):
        used += _character_width(character)
        if used > columns or end == most:
            break
    return text[:end] + "…"


def label(text: str, columns: int) -> str:
    """Text made visible and cut to a number of text columns, in time that follows `columns`."""
    most = columns * _CHARACTERS_PER_COLUMN
    # Cut first: a text can be a whole document. The dot keeps spaces at the cut inner ones.
    return shorten(visible(text if len(text) <= most else text[:most] + "."), columns)


def text_width(text: str) -> int:
    """Number of text columns that a text takes: two for each wide character."""
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


def escape(text: str) -> str:
    """HTML that shows a text as it is, formulas included.

    Notebooks run MathJax over HTML; a dollar sign or backslash in an element of its own
    starts no formula. A lone surrogate is written out: no message can carry it.
    """
    escaped = html.escape(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    return escaped.replace("$", "<span>$</span>").replace("\\", "<span>\\</span>")


def _visible_character(character: str) -> str:
    if character in _VISIBLE:
        return _VISIBLE[character]
    if character < " ":
        return chr(0x2400 + ord(character))
    if unicodedata.category(character) in _WRITTEN_OUT and character not in (" ", _JOINER):
        return f"\\u{ord(character):04x}"
    return character


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or character == _JOINER:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
