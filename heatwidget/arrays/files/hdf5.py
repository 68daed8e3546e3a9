"""Arrays in HDF5 files, by h5py. A file is open only during a read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..adapters import ClosedDataset
from .contents import LABELS, OLD_LABELS, VALUES, Contents, Entry, UnreadableFormatError
from .labels import Labels
from .libraries import require_extra
from .save_job import SaveJob
from .space import ensure_free_space

# Ways to open a file for reading: without a lock, so that its owner can write to it; with the
# settings of a file that is already open in this process; as a file that another program writes.
_WAYS: tuple[dict[str, Any], ...] = ({"locking": False}, {}, {"swmr": True, "locking": False})
_WRITING = "for write", "SWMR"


def read(path: Path, *, extra: str = "hdf5") -> Contents:
    """Return the datasets of a file, also those in groups, and the labels of ``values``."""
    with require_extra(extra, path):
        import h5py  # noqa: F401
    with reading(str(path)) as file:
        found = list(_walk(file, "", ()))
        text = _text(file)
    firsts = {item.key: item.name for item in sorted(found, key=lambda item: item.linked)[::-1]}
    coordinates = {name for item in found for name in item.coordinates}
    entries = {
        item.name: Entry(
            item.shape,
            item.dtype,
            partial(ClosedDataset, str(path), item.name, reading),
            aside=item.name in coordinates or firsts[item.key] != item.name,
        )
        for item in found
        if text is None or item.name not in (LABELS, OLD_LABELS)
    }
    return Contents(entries, lambda: None if text is None else Labels.from_text(text))


@contextmanager
def reading(path: str) -> Iterator[Any]:
    """Open a file for reading, without a lock, and close it at the end.

    Other threads cannot use HDF5 meanwhile: a thread that found the file open could not open it
    for writing.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with _h5py_lock():
        file = _open(path)
        try:
            yield file
        finally:
            file.close()


def _h5py_lock() -> Any:
    """Global lock that h5py takes for each call."""
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
        raise UnreadableFormatError(
            f"path must be a readable file; {path} is being written by another program, or was"
            f" not closed by one that crashed ({errors[0]}): close it there, or set swmr_mode;"
            " h5clear -s frees a file that nobody writes to"
        ) from errors[0]
    raise errors[0]


def _try(path: str, way: Mapping[str, Any]) -> tuple[Any, Exception | None]:
    """Open a file in one way. Return the file or the error."""
    import h5py

    try:
        return h5py.File(path, "r", **way), None
    # Old versions of h5py or HDF5 do not know `locking`.
    except (OSError, TypeError, ValueError) as error:
        return None, error


class _Found(NamedTuple):
    """A dataset found in a file."""

    name: str
    key: tuple[int, int]  # equal for two names of the same dataset
    linked: bool  # whether its path goes through a soft link
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    coordinates: tuple[str, ...]  # names of its coordinate arrays


def _walk(
    group: Any, prefix: str, above: tuple[tuple[int, int], ...], *, linked: bool = False
) -> Iterator[_Found]:
    """Yield the datasets below a group. Links are followed, cycles are not."""
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        try:
            item = group[name]
        except (KeyError, OSError):  # a broken link
            continue
        if not isinstance(item, (h5py.Dataset, h5py.Group)):
            continue
        info = h5py.h5o.get_info(item.id)
        key, full = (int(info.fileno), int(info.addr)), prefix + name
        soft = linked or isinstance(link, h5py.SoftLink)
        if isinstance(item, h5py.Dataset):
            yield _Found(
                full, key, soft, item.shape or (), _dtype(item), _coordinate_names(item, prefix)
            )
        elif key not in above:
            yield from _walk(item, f"{full}/", (*above, key), linked=soft)


def _dtype(dataset: Any) -> np.dtype[Any]:
    """Type of a dataset; raw bytes for a type that numpy lacks."""
    try:
        found: np.dtype[Any] = dataset.dtype
    except TypeError:
        return np.dtype("V")
    return found


def _coordinate_names(dataset: Any, prefix: str) -> tuple[str, ...]:
    """Names of coordinates over several axes, as listed in netCDF files."""
    names = dataset.attrs.get("coordinates")
    names = names.decode("utf-8", "replace") if isinstance(names, bytes) else names
    return tuple(prefix + name for name in names.split()) if isinstance(names, str) else ()


def _text(file: Any) -> str | None:
    """Text with the labels, in a file written by `save`."""
    for name in (LABELS, OLD_LABELS):
        found: Any = file.get(name) if VALUES in file else None
        if getattr(found, "shape", None) == () and found.dtype.kind in "OS":
            content = found[()]
            text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
            if name == LABELS or Labels.are_in(text):
                return text
    return None


def write(path: Path, job: SaveJob) -> None:
    """Write values and labels, block by block."""
    with require_extra("hdf5", path):
        import h5py
    ensure_free_space(path, job.n_bytes)
    with h5py.File(path, "x") as file:
        values = file.create_dataset(VALUES, job.shape, job.dtype)
        for at, dim in enumerate(job.labels.dims):
            values.dims[at].label = dim
        file[LABELS] = job.text
        for region, block in job.blocks():
            values[region.slices] = block
