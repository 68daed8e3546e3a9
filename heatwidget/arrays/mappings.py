"""Mappings of names to arrays, as caches of activations are."""

from __future__ import annotations

import re
from typing import Any

_NUMBER = re.compile(r"\d+")
_MOST_NAMES = 8  # in an error


def is_cache(value: Any) -> bool:
    """Whether it is a dictionary, or TransformerLens's cache, which has one."""
    return isinstance(value, dict) or hasattr(value, "cache_dict")


def read_cache(cache: Any) -> tuple[list[int], list[Any]]:
    """Layers of a cache whose names differ in one number, and their arrays, in order.

    Parameters
    ----------
    cache : mapping of str to array
        Such as ``{"blocks.0.hook_resid_post": ..., "blocks.1.hook_resid_post": ...}``.

    Raises
    ------
    TypeError
        If it has other names. The error says how to choose among several kinds.
    """
    entries = dict(cache.items())
    kind = type(cache).__name__
    groups: dict[str, dict[int, Any]] = {}
    for name, array in entries.items():
        numbers = list(_NUMBER.finditer(name)) if isinstance(name, str) else []
        for number in numbers:
            pattern = f"{name[: number.start()]}*{name[number.end() :]}"
            groups.setdefault(pattern, {})[int(number.group())] = array
    whole = [group for group in groups.values() if len(group) == len(entries)]
    if whole and len(entries) > 1:
        layers = sorted(whole[0])
        return layers, [whole[0][layer] for layer in layers]
    stacks = [pattern for pattern, group in groups.items() if len(group) > 1]
    if stacks:
        end = stacks[0].rpartition("*")[2]
        way = f"{{name: array for name, array in cache.items() if name.endswith({end!r})}}"
        raise TypeError(
            f"array must be one array, got a {kind} of several kinds:"
            f" {', '.join(stacks[:_MOST_NAMES])}. Choose one, such as {way}"
        )
    names = ", ".join(map(repr, list(entries)[:_MOST_NAMES]))
    raise TypeError(f"array must be one array, got a {kind}: take one of its entries {names}")
