"""Arrays in zarr stores: a folder, or a zip file of one."""

from __future__ import annotations

import sys
from functools import partial
from math import prod
from operator import itemgetter
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from .contents import LABELS, OLD_LABELS, VALUES, Contents, Entry
from .formats import zarr_roots
from .labels import Labels
from .libraries import require_extra
from .save_job import SaveJob

_CHUNK_CELLS = 1 << 20
_MIN_VERSION = 3
_MIN_PYTHON = (3, 11)  # of zarr 3


def read(path: Path) -> Contents:
    """Return the arrays of a store, also those in groups, and the labels of ``values``."""
    zarr = _import(path)
    store, root = (path, "") if path.is_dir() else _zipped(zarr, path)
    node = zarr.open(store, path=root, mode="r")
    if isinstance(node, zarr.Array):
        return Contents({VALUES: Entry.of(node)})
    members = sorted(node.members(max_depth=None), key=itemgetter(0))
    arrays = [(name, item) for name, item in members if isinstance(item, zarr.Array)]
    coordinates = {name for place, item in arrays for name in _coordinate_names(node, place, item)}
    entries = {name: Entry.of(item, aside=name in coordinates) for name, item in arrays}
    for name in (LABELS, OLD_LABELS):
        text = node.attrs.get(name) if VALUES in entries else None
        if isinstance(text, str) and (name == LABELS or Labels.are_in(text)):
            return Contents(entries, partial(Labels.from_text, text))
    return Contents(entries)


def _zipped(zarr: Any, path: Path) -> tuple[Any, str]:
    """Store in a zip file, and the path in it; some zip files include the folder."""
    with ZipFile(path) as archive:
        roots = zarr_roots(archive.namelist())
    return zarr.storage.ZipStore(path, mode="r"), min(roots, key=len)


def _coordinate_names(group: Any, name: str, array: Any) -> list[str]:
    """Names of coordinates over several axes, as listed by xarray."""
    prefix, slash, _ = name.rpartition("/")
    names = array.attrs.get("coordinates") or group.attrs.get("coordinates")
    return [prefix + slash + one for one in names.split()] if isinstance(names, str) else []


def write(path: Path, job: SaveJob) -> None:
    """Write values and labels, block by block."""
    group = _import(path).open_group(path, mode="w-", zarr_format=3)
    group.attrs[LABELS] = job.text
    chunks = _chunks((min(job.shape[0], job.max_rows), *job.shape[1:]))
    names = job.labels.dims
    values = group.create_array(
        VALUES, shape=job.shape, dtype=job.dtype, chunks=chunks, dimension_names=names
    )
    for region, block in job.blocks(chunks[0]):
        values[region.slices] = block


def _import(path: Path) -> Any:
    """The zarr library, in a version that reads zarr formats 2 and 3."""
    if sys.version_info < _MIN_PYTHON:
        python = ".".join(map(str, _MIN_PYTHON))
        raise ImportError(
            f"zarr files need zarr {_MIN_VERSION}, which needs Python {python} or newer"
        )
    with require_extra("zarr", path):
        import zarr

        if int(zarr.__version__.partition(".")[0]) < _MIN_VERSION:
            raise ImportError(f"zarr {_MIN_VERSION}, not {zarr.__version__}")
    return zarr


def _chunks(block: tuple[int, ...]) -> tuple[int, ...]:
    """Chunk sizes: those of a block, with the longest axis halved until chunks are small."""
    chunks = list(block)
    while prod(chunks) > _CHUNK_CELLS:
        longest = chunks.index(max(chunks))
        chunks[longest] = -(-chunks[longest] // 2)
    return tuple(chunks)
