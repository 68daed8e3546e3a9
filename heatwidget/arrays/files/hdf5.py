"""Arrays in an HDF5 file, by h5py; the file is open only while something is read of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..adapters import ClosedDataset
from .contents import LABELS, OLD_LABELS, VALUES, Contents, Entry, NamedKindError
from .draft import Draft
from .labels import Labels
from .libraries import needed
from .room import check_room

# Ways to open a file that is only looked at: without a lock, so that its owner can write to
# it; as this process has it open already; as one that another program is writing to.
_WAYS: tuple[dict[str, Any], ...] = ({"locking": False}, {}, {"swmr": True, "locking": False})
_WRITING = "for write", "SWMR"


def read(path: Path, *, extra: str = "hdf5") -> Contents:
    """Return the datasets of a file, also those in groups, and what it says of ``values``."""
    with needed(extra, path):
        import h5py  # noqa: F401
    with reading(str(path)) as file:
        found = list(_walk(file, "", ()))
        text = _text(file)
    firsts = {item.key: item.name for item in sorted(found, key=lambda item: item.linked)[::-1]}
    beside = {name for item in found for name in item.beside}
    entries = {
        item.name: Entry(
            item.shape,
            item.dtype,
            partial(ClosedDataset, str(path), item.name, reading),
            aside=item.name in beside or firsts[item.key] != item.name,
        )
        for item in found
        if text is None or item.name not in (LABELS, OLD_LABELS)
    }
    return Contents(entries, lambda: None if text is None else Labels.from_text(text))


@contextmanager
def reading(path: str) -> Iterator[Any]:
    """Open a file to look at it; it is closed at the end, and nobody is kept from writing.

    No other thread uses HDF5 meanwhile: it would find the file open, and could not open it
    for writing.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with _alone():
        file = _open(path)
        try:
            yield file
        finally:
            file.close()


def _alone() -> Any:
    """The lock that h5py itself takes for each call."""
    from h5py import _objects

    return getattr(_objects, "phil", nullcontext())


def _open(path: str) -> Any:
    errors = []
    for way in _WAYS:
        file, error = _try(path, way)
        if error is None:
            return file
        errors.append(error)
    if all(text in str(errors) for text in _WRITING):
        raise NamedKindError(
            f"path must be a file that can be read, and {path} is being written by another"
            f" program, or was when that ended ({errors[0]}): it can close it, or set swmr_mode;"
            " h5clear -s frees a file that nobody writes to"
        ) from errors[0]
    raise errors[0]


def _try(path: str, way: Mapping[str, Any]) -> tuple[Any, Exception | None]:
    """Open a file in one way; it, or why it could not be opened."""
    import h5py

    try:
        return h5py.File(path, "r", **way), None
    # h5py, or its HDF5, may be too old for `locking`.
    except (OSError, TypeError, ValueError) as error:
        return None, error


class _Found(NamedTuple):
    """A dataset as it is met on the way through a file."""

    name: str
    key: tuple[int, int]  # the same for the same dataset under another name
    linked: bool  # whether the way to it is a soft link
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    beside: tuple[str, ...]  # names of what belongs to it


def _walk(
    group: Any, prefix: str, above: tuple[tuple[int, int], ...], *, linked: bool = False
) -> Iterator[_Found]:
    """Yield the datasets below a group, through links too, but never in a circle."""
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        try:
            item = group[name]
        except (KeyError, OSError):  # a link to nothing
            continue
        if not isinstance(item, (h5py.Dataset, h5py.Group)):
            continue
        info = h5py.h5o.get_info(item.id)
        key, full = (int(info.fileno), int(info.addr)), prefix + name
        soft = linked or isinstance(link, h5py.SoftLink)
        if isinstance(item, h5py.Dataset):
            yield _Found(full, key, soft, item.shape or (), _dtype(item), _beside(item, prefix))
        elif key not in above:
            yield from _walk(item, f"{full}/", (*above, key), linked=soft)


def _dtype(dataset: Any) -> np.dtype[Any]:
    """Type of a dataset; bare bytes where it is one that numpy lacks."""
    try:
        found: np.dtype[Any] = dataset.dtype
    except TypeError:
        return np.dtype("V")
    return found


def _beside(dataset: Any, prefix: str) -> tuple[str, ...]:
    """Names of coordinates of more than one axis, as netCDF files list them."""
    said = dataset.attrs.get("coordinates")
    said = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return tuple(prefix + name for name in said.split()) if isinstance(said, str) else ()


def _text(file: Any) -> str | None:
    """What the file says of its array, if we have written it."""
    for name in (LABELS, OLD_LABELS):
        found: Any = file.get(name) if VALUES in file else None
        if getattr(found, "shape", None) == () and found.dtype.kind in "OS":
            content = found[()]
            text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
            if name == LABELS or Labels.are_in(text):
                return text
    return None


def write(path: Path, draft: Draft) -> None:
    """Write values and labels, block by block."""
    with needed("hdf5", path):
        import h5py
    check_room(path, draft.n_bytes)
    with h5py.File(path, "x") as file:
        values = file.create_dataset(VALUES, draft.shape, draft.dtype)
        for at, dim in enumerate(draft.labels.dims):
            values.dims[at].label = dim
        file[LABELS] = draft.text
        for region, block in draft.blocks():
            values[region.slices] = block
