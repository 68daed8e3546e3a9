"""Tensors in torch's ``.pt`` and ``.pth`` files. Only tensors are unpickled."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from ..adapters import FileTensor
from ..adapters.stamps import stat_file
from .contents import VALUES, Contents, Entry, UnreadableFormatError
from .libraries import require_extra

_PICKLE = b"\x80"  # first byte of a pickle


def read(path: Path) -> Contents:
    """Return the tensors of a file, also those in dicts and lists, mapped into memory."""
    with require_extra("capture", path):
        import torch
    opened = stat_file(path)
    # Files of torch before 1.6 are not archives. torch.load treats .safetensors files differently.
    mapped = is_zipfile(path) and path.suffix != ".safetensors"
    load = partial(torch.load, map_location="cpu", weights_only=True)
    try:
        if mapped:
            saved = load(path, mmap=True)
        else:
            with path.open("rb") as file:
                saved = load(file)
    except pickle.UnpicklingError as error:
        if not (mapped or _first_byte(path) == _PICKLE):
            raise  # not a pickle
        raise UnreadableFormatError(
            f"path must hold only tensors, in dicts and lists; {path} has other objects, which"
            " can run code when they are read: if you trust it, torch.load(path,"
            " weights_only=False) reads it, and heatwidget.save writes a tensor of it"
        ) from error
    entries = {
        name: Entry(
            tuple(tensor.shape),
            str(tensor.dtype).removeprefix("torch."),
            lambda n=name, t=tensor: FileTensor(str(path), n, t, opened) if mapped else t,  # type: ignore[misc]
        )
        for name, tensor in _tensors(saved, "")
        if torch.is_tensor(tensor)
    }
    return Contents(entries)


def _tensors(saved: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the items of nested dicts and lists, under names such as ``a/0``."""
    if isinstance(saved, Mapping):
        parts = [(str(key), value) for key, value in saved.items()]
    elif isinstance(saved, (list, tuple)):
        parts = [(str(at), value) for at, value in enumerate(saved)]
    else:
        yield name or VALUES, saved
        return
    for key, value in parts:
        yield from _tensors(value, f"{name}/{key}" if name else key)


def _first_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1)
