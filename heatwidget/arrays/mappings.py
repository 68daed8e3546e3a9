"""Mappings of names to arrays, as caches of activations are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .adapters import is_from

_NUMBER = re.compile(r"\d+")
_MOST_NAMES = 8  # in an error
_MOST_KINDS = 40  # a model has two dozen kinds of activations

# Names that differ in one number: what stands before it and behind it.
Pattern = tuple[str, str]


def is_cache(value: Any) -> bool:
    """Whether it is a mapping in memory, or TransformerLens's cache, which has one."""
    # Groups of files are refused for what they are.
    held = is_from("h5py", "Group", value) or is_from("xarray", "Dataset", value)
    return (isinstance(value, Mapping) and not held) or hasattr(value, "cache_dict")


def read_cache(cache: Any) -> tuple[list[int], list[Any]]:
    """Layers of a cache whose names differ in one number, and their arrays, in order.

    No array is read unless all of them are taken.

    Parameters
    ----------
    cache : mapping of str or int to array
        Such as ``{"blocks.0.hook_resid_post": ..., "blocks.1.hook_resid_post": ...}``.

    Raises
    ------
    TypeError
        If it has other names. The error says how to choose among several kinds.
    """
    entries = getattr(cache, "cache_dict", cache)
    names, kind = list(entries), type(cache).__name__
    groups = _group(names)
    if len(names) > 1:
        for group in groups.values():
            if len(group) == len(names):
                layers = sorted(group)
                return layers, [entries[group[layer]] for layer in layers]
    stacks = [pattern for pattern, group in groups.items() if len(group) > 1]
    if stacks:
        found = _listed(list(map("*".join, stacks)), _MOST_KINDS)
        test = _test_of(stacks[0], list(groups[stacks[0]].values()), names)
        raise TypeError(
            f"array must be one array, got a {kind} of several kinds: {found}."
            f" Choose one, such as {{name: array for name, array in cache.items() if {test}}}"
        )
    entry = _listed(list(map(repr, names)), _MOST_NAMES)
    raise TypeError(f"array must be one array, got a {kind}: take one of its entries {entry}")


def _group(names: Sequence[Any]) -> dict[Pattern, dict[int, Any]]:
    """Names by what they have in common, and by the number in which they differ."""
    groups: dict[Pattern, dict[int, Any]] = {}
    for name in names:
        # A number alone is the name of a layer.
        plain = isinstance(name, str) or type(name) is int
        text = str(name)
        for number in _NUMBER.finditer(text) if plain else ():
            pattern = (text[: number.start()], text[number.end() :])
            groups.setdefault(pattern, {})[int(number.group())] = name
    return groups


def _test_of(pattern: Pattern, chosen: Sequence[Any], names: Sequence[Any]) -> str:
    """Shortest test that is true of the chosen names alone, as a text to type."""
    start, end = pattern
    texts = [name for name in names if isinstance(name, str)]
    if len(texts) < len(names):
        return f"re.fullmatch({_regex_of(pattern)!r}, str(name))"
    if [name for name in texts if name.endswith(end)] == chosen:
        return f"name.endswith({end!r})"
    if [name for name in texts if name.startswith(start)] == chosen:
        return f"name.startswith({start!r})"
    return f"re.fullmatch({_regex_of(pattern)!r}, name)"


def _regex_of(pattern: Pattern) -> str:
    return r"\d+".join(map(re.escape, pattern))


def _listed(texts: Sequence[str], most: int) -> str:
    more = f", ... ({len(texts) - most} more)" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
