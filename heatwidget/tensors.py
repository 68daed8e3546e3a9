"""Lists and tuples of torch tensors, as models give them; torch is not imported."""

from __future__ import annotations

import sys
from typing import Any


def stacked(name: str, value: Any) -> Any:
    """A list or tuple of tensors, nested or not, as one tensor on their device.

    Anything else is returned as it is. No gradient is recorded.

    Parameters
    ----------
    name : str
        What it is called, for the error.
    value : object

    Raises
    ------
    TypeError
        If not all are tensors.
    ValueError
        If their shapes or devices differ.
    """
    torch = sys.modules.get("torch")
    listed = isinstance(value, (list, tuple))
    if torch is None or not listed or not isinstance(_first(value), torch.Tensor):
        return value
    return _stack(name, torch, value)


def _first(value: Any) -> Any:
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return value


def _stack(name: str, torch: Any, value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach()
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} must hold tensors alone, got {type(value).__name__} among them")
    parts = [_stack(name, torch, part) for part in value]
    if not parts:
        raise ValueError(f"{name} must hold tensors of one shape, got an empty list among them")
    for what in ("shape", "device"):
        found = list(dict.fromkeys(str(getattr(part, what)) for part in parts))
        if len(found) > 1:
            raise ValueError(f"{name} must hold tensors of one {what}, got {', '.join(found[:3])}")
    return torch.stack(parts)
