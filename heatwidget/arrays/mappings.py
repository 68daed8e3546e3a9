"""Mappings of names to arrays, such as caches of activations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .adapters import is_from

_NUMBER = re.compile(r"\d+")
_MAX_NAMES = 8  # listed in an error
_MAX_PATTERNS = 40  # a model has about two dozen types of activations

# Common start and end of names that differ in one number.
Pattern = tuple[str, str]


def is_cache(value: Any) -> bool:
    """Whether a value is a mapping in memory or a cache of TransformerLens."""
    # Groups of files have an error message of their own.
    held = is_from("h5py", "Group", value) or is_from("xarray", "Dataset", value)
    return (isinstance(value, Mapping) and not held) or hasattr(value, "cache_dict")


def read_cache(cache: Any) -> tuple[list[int], list[Any]]:
    """Layer numbers and arrays of a cache whose names differ in one number, in order.

    Arrays are read only if all names fit.

    Parameters
    ----------
    cache : mapping of str or int to array
        Such as ``{"blocks.0.hook_resid_post": ..., "blocks.1.hook_resid_post": ...}``.

    Raises
    ------
    TypeError
        If the names do not fit. For several groups of names the error shows how to choose one.
    """
    entries = getattr(cache, "cache_dict", cache)
    names, type_name = list(entries), type(cache).__name__
    groups = _group(names)
    if len(names) > 1:
        for group in groups.values():
            if len(group) == len(names):
                layers = sorted(group)
                return layers, [entries[group[layer]] for layer in layers]
    stacks = [pattern for pattern, group in groups.items() if len(group) > 1]
    if stacks:
        found = _listed(list(map("*".join, stacks)), _MAX_PATTERNS)
        test = _test_of(stacks[0], list(groups[stacks[0]].values()), names)
        raise TypeError(
            f"array must be one array, got a {type_name} with several groups of names: {found}."
            f" Choose one, such as {{name: array for name, array in cache.items() if {test}}}"
        )
    entry = _listed(list(map(repr, names)), _MAX_NAMES)
    raise TypeError(f"array must be one array, got a {type_name}: take one of its entries {entry}")


def _group(names: Sequence[Any]) -> dict[Pattern, dict[int, Any]]:
    """Names by their common pattern, and by the number in which they differ."""
    groups: dict[Pattern, dict[int, Any]] = {}
    for name in names:
        # An int is itself the number of a layer.
        plain = isinstance(name, str) or type(name) is int
        text = str(name)
        for number in _NUMBER.finditer(text) if plain else ():
            pattern = (text[: number.start()], text[number.end() :])
            groups.setdefault(pattern, {})[int(number.group())] = name
    return groups


def _test_of(pattern: Pattern, chosen: Sequence[Any], names: Sequence[Any]) -> str:
    """Shortest Python expression that is true for the chosen names only."""
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


def _listed(texts: Sequence[str], max_: int) -> str:
    more = f", ... ({len(texts) - max_} more)" if len(texts) > max_ else ""
    return ", ".join(texts[:max_]) + more
