"""Arrays in a zarr store, a folder."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

from .contents import LABELS, VALUES, Contents, Entry
from .draft import Draft
from .labels import Labels
from .libraries import needed

_CHUNK_CELLS = 1 << 20
_OLDEST = 3


def read(path: Path) -> Contents:
    """Return the arrays of a store, also those in groups, and what it says of ``values``."""
    zarr = _import(path)
    node = zarr.open(path, mode="r")
    if isinstance(node, zarr.Array):
        return Contents({VALUES: Entry.of(node)})
    members = [
        (n, item) for n, item in node.members(max_depth=None) if isinstance(item, zarr.Array)
    ]
    entries = {name: Entry.of(item) for name, item in members}
    text = node.attrs.get(LABELS)
    return Contents(entries, Labels.from_text(text) if isinstance(text, str) else None)


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
