"""Display of user texts: made visible, shortened, and escaped."""

from __future__ import annotations

import html
import re
import unicodedata

_SIGNS = {"\n": "↵", "\r": "␍", "\t": "⇥", "\x7f": "␡"}
_SIGNS |= {chr(code): chr(0x2400 + code) for code in range(32) if chr(code) not in _SIGNS}
# Signs that occur in the text itself are escaped, to distinguish them from substitutes.
_OURS = {*_SIGNS.values(), "␣"}
_ESCAPE = re.compile(r"\\(?=u[0-9a-f]{4}|U[0-9a-f]{8})")
# Categories that are escaped: controls, formats, surrogates, separators, private and unassigned.
# They are invisible, or move other characters.
_WRITTEN_OUT = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Zs"}
# Letters, marks and symbols without ink.
_BLANK = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0x16FE4, 0x1D159}
_BLANK |= {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
_NO_JOINER, _JOINER, _TEXT_STYLE, _EMOJI_STYLE = "\u200c", "\u200d", "\ufe0e", "\ufe0f"
_KEYCAP = "\u20e3"
_EMOJI = re.compile(
    "[©®‼⁉™ℹ↔-↙↩↪⌚⌛⌨⏏⏩-⏳⏸-⏺Ⓜ▪▫▶◀◻-◾\u2600-\u27bf⤴⤵⬅-⬇⬛⬜⭐⭕〰〽㊗㊙\U0001f000-\U0001faff]"
)
_TAGGED_FLAG = re.compile(
    "\U0001f3f4(?:"
    + "|".join("".join(chr(0xE0000 + ord(c)) for c in f) for f in ("gbeng", "gbsct", "gbwls"))
    + ")\U000e007f"
)
# Combining class of the signs that join Indic letters.
_VIRAMA = 9
# Arabic letters that do not join the next letter.
_ENDS = set("اآأإٱدذرزژوؤةءڈڑے")
# Limit for combining marks, which take no column: a letter can carry thousands.
_CHARACTERS_PER_COLUMN = 4


def visible(text: str) -> str:
    r"""Text with its invisible characters made visible; different texts stay different.

    Newlines, tabs and other control characters are replaced by a sign. Characters that are
    invisible or change the direction of text are escaped as in Python (``\u200b``), and so are
    these signs in the text itself. A joiner or a variation selector is kept where it changes a
    neighbour. Spaces at either end become ``␣``; an empty text becomes ``∅``.
    """
    plain = text.isascii() and text.isprintable() and text == text.strip(" ") != ""
    if plain and "\\" not in text:
        return text
    inner = text.strip(" ")
    if not inner:
        return "␣" * len(text) or "∅"
    if text == "∅":
        return _written_out(text)
    left = len(text) - len(text.lstrip(" "))
    return "␣" * left + _visible_inside(inner) + "␣" * (len(text) - left - len(inner))


def shorten(text: str, columns: int) -> str:
    """Text cut to a number of text columns, with an ellipsis if it was cut."""
    max_ = columns * _CHARACTERS_PER_COLUMN
    if len(text) <= max_ and text_width(text) <= columns:
        return text
    used, end = 1, 0
    for end, character in enumerate(text):
        used += _character_width(character)
        if used > columns or end == max_:
            break
    return text[:end] + "…"


def label(text: str, columns: int) -> str:
    """Text made visible and cut to a number of text columns, in time proportional to `columns`."""
    max_ = columns * _CHARACTERS_PER_COLUMN
    # Cut first, because a text can be a whole document. With the dot, spaces at the cut do not
    # count as spaces at the end.
    return shorten(visible(text if len(text) <= max_ else text[:max_] + "."), columns)


def label_ends(text: str, columns: int) -> str:
    """Like `label`, but cut in the middle of the text."""
    start = label(text, columns)
    if len(text) <= columns * _CHARACTERS_PER_COLUMN and start == visible(text):
        return start
    n_last = (columns - 1) // 2
    return label(text, columns - n_last) + _end(text, n_last)


def label_from(text: str, columns: int, start: int) -> str:
    """Like `label`, but without the text before index `start`."""
    if not start:
        return label(text, columns)
    # Spaces at the cut are not at the start of the text.
    return "…" + label(text[start:].lstrip(" "), max(columns - 1, 1))


def text_width(text: str) -> int:
    """Number of text columns of a text: two for each wide character."""
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


def escape(text: str) -> str:
    """HTML that shows a text literally, without markup or formulas.

    Notebooks run MathJax over HTML. A dollar sign or backslash in an element of its own does not
    start a formula. Lone surrogates are escaped, because a message cannot hold them.
    """
    escaped = html.escape(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    return escaped.replace("$", "<span>$</span>").replace("\\", "<span>\\</span>")


def _end(text: str, columns: int) -> str:
    """Last characters of a text, made visible, that fit into a number of text columns."""
    # With the dot, which is never shown, spaces at the cut do not count as spaces at the start.
    shown = visible("." + text[-columns * _CHARACTERS_PER_COLUMN :]) if columns else ""
    used, start = 0, len(shown)
    while start > 1 and used + _character_width(shown[start - 1]) <= columns:
        start -= 1
        used += _character_width(shown[start])
    # A combining mark is not shown without its letter.
    while start < len(shown) and not _character_width(shown[start]):
        start += 1
    return shown[start:]


def _visible_inside(text: str) -> str:
    shown: list[str] = []
    # Targets of a mark or a selector: the character shown before it, and its letter.
    before = letter = ""
    end_of_flag = 0
    for k, character in enumerate(text):
        after = text[k + 1 : k + 2]
        flag = _TAGGED_FLAG.match(text, k)
        end_of_flag = flag.end() if flag else end_of_flag
        mark = unicodedata.category(character).startswith("M")
        if k < end_of_flag or _changes_neighbour(character, before, letter, after):
            stays = True
        elif character in _SIGNS:
            stays = False
        elif character == "\\":
            stays = not _ESCAPE.match(text, k)
        else:
            stays = _is_seen(character) and (not mark or before not in ("", " "))
        shown.append(character if stays else _SIGNS.get(character) or _written_out(character))
        before = character if stays else ""
        letter = letter if mark and stays else before
    return "".join(shown)


def _is_seen(character: str) -> bool:
    """Whether a character is visible by itself, or is a space."""
    if character == " " or _EMOJI.match(character):
        return True
    if character in _OURS or ord(character) in _BLANK:
        return False
    return unicodedata.category(character) not in _WRITTEN_OUT


def _changes_neighbour(character: str, before: str, letter: str, after: str) -> bool:
    """Whether an invisible character changes the look of its neighbours."""
    if character in (_TEXT_STYLE, _EMOJI_STYLE):
        if after == _KEYCAP and before and before in "0123456789#*":
            return character == _EMOJI_STYLE
        wide = before != "" and unicodedata.east_asian_width(before) == "W"
        return bool(_EMOJI.match(before)) and wide == (character == _TEXT_STYLE)
    if character not in (_NO_JOINER, _JOINER) or before in (_NO_JOINER, _JOINER):
        return False
    if before and unicodedata.combining(before) == _VIRAMA:
        return True
    joins, joined = _is_arabic(letter) and letter not in _ENDS, _is_arabic(after)
    if character == _NO_JOINER:
        return joins and joined
    emoji = _EMOJI.match(letter) or before == _EMOJI_STYLE
    return joins != joined or bool(emoji and _EMOJI.match(after))


def _is_arabic(character: str) -> bool:
    return character != "" and unicodedata.bidirectional(character) == "AL"


def _written_out(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
