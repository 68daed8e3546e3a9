"""Arrays in a zarr store, a folder."""

from __future__ import annotations

from math import prod
from pathlib import Path

from .contents import LABELS, VALUES, Contents, Entry
from .draft import Draft
from .labels import Labels
from .libraries import needed

_CHUNK_CELLS = 1 << 20


def read(path: Path) -> Contents:
    """Return the arrays of a store, also those in groups, and what it says of ``values``."""
    with needed("zarr", path):
        import zarr
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
    with needed("zarr", path):
        import zarr
    group = zarr.open_group(path, mode="w-", zarr_format=3)
    group.attrs[LABELS] = draft.text
    chunks = _chunks((min(draft.shape[0], draft.most_rows), *draft.shape[1:]))
    names = draft.labels.dims
    values = group.create_array(
        VALUES, shape=draft.shape, dtype=draft.dtype, chunks=chunks, dimension_names=names
    )
    for region, block in draft.blocks(chunks[0]):
        values[region.slices] = block


def _chunks(block: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes of chunks: those of a block, halved where it is longest until they are small."""
    chunks = list(block)
    while prod(chunks) > _CHUNK_CELLS:
        longest = chunks.index(max(chunks))
        chunks[longest] = -(-chunks[longest] // 2)
    return tuple(chunks)
