"""Arrays in an HDF5 file, by h5py; the file is closed when the array is dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .contents import LABELS, VALUES, Contents, Entry
from .draft import Draft
from .labels import Labels
from .libraries import needed
from .room import check_room


def read(path: Path) -> Contents:
    """Return the datasets of a file, also those in groups, and what it says of ``values``."""
    with needed("hdf5", path):
        import h5py
    file = h5py.File(path, "r")
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    file.visititems(note)
    entries = {name: Entry.of(item) for name, item in found.items() if name != LABELS}
    text = found[LABELS][()] if LABELS in found and found[LABELS].shape == () else None
    return Contents(entries, Labels.from_text(text.decode()) if isinstance(text, bytes) else None)


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
