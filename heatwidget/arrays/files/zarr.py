"""Arrays in a zarr store: a folder, or a zip file of one."""

from __future__ import annotations

import sys
from functools import partial
from math import prod
from operator import itemgetter
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from .contents import LABELS, OLD_LABELS, VALUES, Contents, Entry
from .draft import Draft
from .kinds import zarr_roots
from .labels import Labels
from .libraries import needed

_CHUNK_CELLS = 1 << 20
_OLDEST = 3
_OLDEST_PYTHON = (3, 11)  # of zarr 3


def read(path: Path) -> Contents:
    """Return the arrays of a store, also those in groups, and what it says of ``values``."""
    zarr = _import(path)
    store, root = (path, "") if path.is_dir() else _zipped(zarr, path)
    node = zarr.open(store, path=root, mode="r")
    if isinstance(node, zarr.Array):
        return Contents({VALUES: Entry.of(node)})
    members = sorted(node.members(max_depth=None), key=itemgetter(0))
    arrays = [(name, item) for name, item in members if isinstance(item, zarr.Array)]
    beside = {name for place, item in arrays for name in _beside(node, place, item)}
    entries = {name: Entry.of(item, aside=name in beside) for name, item in arrays}
    for name in (LABELS, OLD_LABELS):
        text = node.attrs.get(name) if VALUES in entries else None
        if isinstance(text, str) and (name == LABELS or Labels.are_in(text)):
            return Contents(entries, partial(Labels.from_text, text))
    return Contents(entries)


def _zipped(zarr: Any, path: Path) -> tuple[Any, str]:
    """Store in a zip file, and where in it: some are packed with their folder."""
    with ZipFile(path) as archive:
        roots = zarr_roots(archive.namelist())
    return zarr.storage.ZipStore(path, mode="r"), min(roots, key=len)


def _beside(group: Any, name: str, array: Any) -> list[str]:
    """Names of coordinates of more than one axis, as xarray lists them."""
    prefix, slash, _ = name.rpartition("/")
    said = array.attrs.get("coordinates") or group.attrs.get("coordinates")
    return [prefix + slash + one for one in said.split()] if isinstance(said, str) else []


def write(path: Path, draft: Draft) -> None:
    """Write values and labels, block by block."""
    group = _import(path).open_group(path, mode="w-", zarr_format=3)
    group.attrs[LABELS] = draft.text
    chunks = _chunks((min(draft.shape[0], draft.most_rows), *draft.shape[1:]))
    names = draft.labels.dims
    values = group.create_array(
        VALUES, shape=draft.shape, dtype=draft.dtype, chunks=chunks, dimension_names=names
    )
    for region, block in draft.blocks(chunks[0]):
        values[region.slices] = block


def _import(path: Path) -> Any:
    """The library zarr, of a version that reads both formats."""
    if sys.version_info < _OLDEST_PYTHON:
        python = ".".join(map(str, _OLDEST_PYTHON))
        raise ImportError(
            f"zarr files need zarr {_OLDEST}, and zarr {_OLDEST} needs Python {python} or newer"
        )
    with needed("zarr", path):
        import zarr

        if int(zarr.__version__.partition(".")[0]) < _OLDEST:
            raise ImportError(f"zarr {_OLDEST}, not {zarr.__version__}")
    return zarr


def _chunks(block: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes of chunks: those of a block, halved where it is longest until they are small."""
    chunks = list(block)
    while prod(chunks) > _CHUNK_CELLS:
        longest = chunks.index(max(chunks))
        chunks[longest] = -(-chunks[longest] // 2)
    return tuple(chunks)
